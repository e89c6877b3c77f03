"""Was it recorded? Pure rules that hold an unknown entry against what Luminate shows.

Luminate keeps no id of ours (developer facts: no external id on addOfflineDonation), so a row is recognised by
amount, tender, card digits or check number and time, and must not belong to another entry. Exactly one match is
proof; several are not; none is proof of absence only after the settling time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from relay.ledger.entries import Entry
from relay.luminate.readback import Seen

# Luminate's clock and ours may differ; a request that we gave up on may still be worked on for a while.
BEFORE = timedelta(minutes=2)
AFTER = timedelta(minutes=15)


class Found(StrEnum):
    """What a look-up came to."""

    RECORDED = "recorded"
    ABSENT = "absent"
    NOT_YET = "not_yet"
    SEVERAL = "several"
    # It is there, under a code that the ledger has given to another donor's gift.
    CONTESTED = "contested"


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict of a look-up and the rows it rests on."""

    found: Found
    rows: tuple[Seen, ...] = ()
    # Equal entries that the same rows may be.
    rivals: int = 0


@dataclass(frozen=True, slots=True)
class Others:
    """What of the rows may belong to other entries.

    ``owned`` are the codes of other gifts, ``contested`` those that cannot be theirs. A refund's row bears the code of
    its gift, so refunds are counted: ``accounted`` is how many matching rows are other, equal refunds, ``rivals`` how
    many other, equal refunds may each have one more.
    """

    owned: Collection[str] = ()
    contested: Collection[str] = ()
    accounted: int = 0
    rivals: int = 0


@dataclass(frozen=True, slots=True)
class Doubt:
    """The time in which an unknown entry may have been recorded."""

    begin: datetime
    end: datetime

    @property
    def window(self) -> tuple[datetime, datetime]:
        """What to ask Luminate for."""
        return self.begin - BEFORE, self.end + AFTER


def judge(
    entry: Entry,
    rows: Sequence[Seen],
    doubt: Doubt,
    now: datetime,
    *,
    settle_seconds: float,
    others: Others,
) -> Finding:
    """Hold one unknown entry against the rows Luminate shows."""
    matching = tuple(row for row in rows if matches(entry, row, doubt) and row.confirmation_code not in others.owned)
    exact = tuple(row for row in matching if is_exact(entry, row))
    left = len(exact or matching) - others.accounted
    if left == 1 and (exact or matching)[0].confirmation_code in others.contested:
        return Finding(Found.CONTESTED, exact or matching)
    if left == 1 + others.rivals:
        return Finding(Found.RECORDED, exact or matching)
    if left > 1 + others.rivals:
        return Finding(Found.SEVERAL, matching)
    settled = now >= doubt.end + timedelta(seconds=settle_seconds)
    if left > 0:
        # Some of the equal ones are there, or not all of them yet; nobody can tell which.
        return Finding(Found.SEVERAL if settled else Found.NOT_YET, matching, others.rivals)
    # Luminate may have recorded another amount than was sent (a level with an amount of its own).
    almost = any(_may_be(entry, row, doubt) for row in rows if row.confirmation_code not in others.owned)
    return Finding(Found.ABSENT if settled and not almost else Found.NOT_YET)


def matches(entry: Entry, row: Seen, doubt: Doubt) -> bool:
    """Whether a row may be this entry: nothing that both sides tell differs."""
    return abs(row.amount) == entry.amount.decimal and _may_be(entry, row, doubt)


def _may_be(entry: Entry, row: Seen, doubt: Doubt) -> bool:
    """The same, whatever the amount."""
    sent = entry.parameters
    begin, end = doubt.window
    told = (
        (sent.get("offline_payment_method", ""), row.tender),
        (sent.get("card_number", "")[-4:], row.last4),
        (sent.get("check_number", ""), row.check_number),
        (sent.get("form_id", ""), row.form_id),
        (sent.get("donor.email", "").lower(), row.email.lower()),
        (sent.get("sub_source", ""), row.sub_source),
        (sent.get("refund_user_confirm_code", ""), row.confirmation_code),
    )
    # A row without a readable time may be the one: absence is never concluded from it.
    at_the_time = row.at is None or begin <= row.at <= end
    return at_the_time and all(ours == theirs for ours, theirs in told if ours and theirs)


def is_exact(entry: Entry, row: Seen) -> bool:
    """Whether the row carries our own provider transaction id: no look-alike can."""
    ours = entry.parameters.get("sub_source", "")
    return bool(ours) and entry.provider_transaction_id in ours and row.sub_source == ours
