"""The causes for which gifts wait for a person, in plain words: what the page of needs attention groups by.

A cause is a reason with the concrete thing in it: two unmapped funds are two causes, and all gifts that Luminate may
or may not have are one. Its key is short, stands in addresses and in ``cause:``, and names the same group tomorrow.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from relay.status import Status

UNKNOWN = "unknown"
# Reasons whose sentence differs from entry to entry: they are one cause each, under these words.
_BY_REASON: Mapping[str, str] = {
    "twin_was_sent": "The same payment was sent under another number",
    "recorded_before": "Luminate recorded an earlier call of the same gift",
    "gift_closed_unproven": "A gift was closed while Luminate may have it, and money of it went back",
    "closed_before": "A person closed this payment before",
    "code_supplied": "Somebody told for a refund that the gift is in Luminate already",
    "reopened": "Reopened by a person, and not sent yet",
    "needs_proof": "The provider has not proved yet that the money came",
    "names_no_payment": "A refund names no payment that relay knows",
    "more_than_left": "A refund is larger than what is left of its gift",
    "total_unclear": "A running total tells of a refund, but something of the gift came back: perhaps this",
    "money_came_back": "Money of a refund came back after Luminate had recorded the refund",
    "other_login": "A refund belongs to another Luminate account than the one that added its gift",
    "not_reachable": "Luminate could not be reached for three days",
    "other_fiscal_year": "Luminate would date it in another fiscal year than the donor paid in",
}
# What Luminate says before it comes to the point.
_PREAMBLE = re.compile(
    r"^(Error: )?There was a problem encountered while processing your donation\.?\s+"
    r"(There was a problem processing your request\.\s+Please see below\.\s+)?(?=\S)"
)
_PARAMETER = re.compile(r" \([a-z_]+(?:\.[A-Za-z0-9_.]+)?\)(?=[.,]|$)")
_SAYS = " Luminate says: "


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause. ``luminate`` is True where the sentence is Luminate's own."""

    key: str
    sentence: str
    luminate: bool = False


def cause_of(status: Status, reason: str, text: str) -> Cause:
    """The cause of an entry that needs a person, from what its row says."""
    if status is Status.UNKNOWN:
        return Cause(UNKNOWN, "We don't know whether Luminate kept this gift")
    if words := _BY_REASON.get(reason):
        return Cause(reason, words)
    key = f"{reason or 'other'}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    ours, _, theirs = text.partition(_SAYS)
    said = _PREAMBLE.sub("", theirs) if theirs else _PARAMETER.sub("", ours)
    return Cause(key, said.strip().rstrip(".") or "No reason is written down", bool(theirs))


def to_the_point(text: str) -> str:
    """A reason for a line of a list: Luminate's words from where they begin to say something."""
    _, says, theirs = text.partition(_SAYS)
    return f"{says.strip()} {_PREAMBLE.sub('', theirs)}" if says else text


def reason_of(key: str) -> str:
    """The reason that a key begins with; "" where it stands for several."""
    return "" if key == UNKNOWN else re.sub(r"-[0-9a-f]{8}$", "", key)
