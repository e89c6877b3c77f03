"""The states of an entry, the outcomes of an attempt, and the one table of allowed transitions."""

from __future__ import annotations

from enum import StrEnum

from relay.errors import TransitionRefused


class Kind(StrEnum):
    """What an entry records."""

    GIFT = "gift"
    REFUND = "refund"
    REINSTATEMENT = "reinstatement"


class Status(StrEnum):
    """Where an entry stands. Each has a sentence in STATUS_WORDS."""

    HELD = "held"
    WAITING = "waiting"
    QUEUED = "queued"
    POSTING = "posting"
    RETRYING = "retrying"
    UNKNOWN = "unknown"
    REJECTED = "rejected"
    POSTED = "posted"
    CLOSED = "closed"


class Outcome(StrEnum):
    """What one attempt came to."""

    POSTED = "posted"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """What one event came to. Every stored event has exactly one."""

    ENTRY = "entry"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    FLAGGED = "flagged"
    NOT_UNDERSTOOD = "not_understood"
    # Waits until the provider's API tells what it means.
    PENDING = "pending"


class Erased(StrEnum):
    """What is erased of an entry, and of all that came in and was sent for it."""

    NOTHING = ""
    # Kept for as long as the organization wants: all but the donor's name and e-mail address.
    AGE = "age"
    # Somebody asked for it: all that tells of the donor.
    DONOR = "donor"


STATUS_WORDS = {
    Status.HELD: "cannot be sent as it stands; a rule or a person must mend it",
    Status.WAITING: "a refund that waits until its gift is in Luminate",
    Status.QUEUED: "ready to be sent",
    Status.POSTING: "a call to Luminate is under way",
    Status.RETRYING: "surely not recorded yet; will be sent again by itself",
    Status.UNKNOWN: "Luminate may or may not have it; never sent again without proof",
    Status.REJECTED: "Luminate refused it; its reason is kept word by word",
    Status.POSTED: "in Luminate",
    Status.CLOSED: "ended by a person or a rule, with a reason",
}

# Where an entry may go from where it is. POSTING never goes back to QUEUED by a lost lease. To UNKNOWN without a call
# only after a restore from a backup, when the ledger may have forgotten the call. From HELD and REJECTED to POSTED only
# by a person who entered the gift in Luminate by hand: no call is under way in either. What was closed while it was
# unknown is unknown again when it is reopened.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.HELD: frozenset({Status.QUEUED, Status.WAITING, Status.HELD, Status.CLOSED, Status.UNKNOWN, Status.POSTED}),
    Status.WAITING: frozenset({Status.QUEUED, Status.HELD, Status.CLOSED, Status.UNKNOWN}),
    Status.QUEUED: frozenset({Status.POSTING, Status.HELD, Status.WAITING, Status.CLOSED, Status.UNKNOWN}),
    Status.POSTING: frozenset(
        {Status.POSTED, Status.REJECTED, Status.RETRYING, Status.UNKNOWN, Status.QUEUED, Status.HELD}
    ),
    Status.RETRYING: frozenset(
        {Status.POSTING, Status.QUEUED, Status.WAITING, Status.HELD, Status.CLOSED, Status.UNKNOWN}
    ),
    Status.UNKNOWN: frozenset({Status.POSTED, Status.QUEUED, Status.HELD, Status.CLOSED}),
    Status.REJECTED: frozenset(
        {Status.QUEUED, Status.WAITING, Status.HELD, Status.CLOSED, Status.UNKNOWN, Status.POSTED}
    ),
    # By the machine alone, where a look-up proves that the code is another gift's (relay.outbound.settling.disown).
    Status.POSTED: frozenset({Status.UNKNOWN}),
    Status.CLOSED: frozenset({Status.HELD, Status.UNKNOWN}),
}

# Not recorded in Luminate for sure, and no call under way: may be filled, corrected, merged or closed by rule.
UNSENT = frozenset({Status.HELD, Status.WAITING, Status.QUEUED, Status.RETRYING, Status.REJECTED})
# What a person may send again without proof: surely not in Luminate.
REPLAYABLE = frozenset({Status.HELD, Status.REJECTED, Status.RETRYING})
# What the claim may take once it is due.
CLAIMABLE = frozenset({Status.QUEUED, Status.RETRYING})
# Luminate has it or may have it: counts against what is left to refund.
PERHAPS_RECORDED = frozenset({Status.POSTING, Status.UNKNOWN, Status.POSTED})
# The four columns of the balance (CLOSED is the fourth).
ON_ITS_WAY = frozenset({Status.WAITING, Status.QUEUED, Status.POSTING, Status.RETRYING})
NEEDS_A_PERSON = frozenset({Status.HELD, Status.UNKNOWN, Status.REJECTED})


def advance(current: Status, target: Status) -> Status:
    """Return ``target`` if the table allows it. Raises TransitionRefused naming both states."""
    if target not in TRANSITIONS[current]:
        raise TransitionRefused(f"an entry cannot go from {current} to {target}")
    return target
