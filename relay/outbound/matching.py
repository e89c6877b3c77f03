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
from relay.status import Kind

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

    ``owned`` are the codes of other gifts, ``contested`` those that may not be theirs. A refund's row bears the code of
    its gift, so refunds are counted: ``accounted`` is how many matching rows are other, equal refunds, ``rivals`` how
    many other, equal refunds may each have one more; of a gift, ``rivals`` is how many other gifts the rows may be.
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
    chosen, rivals = exact or matching, 0 if exact else others.rivals
    left = len(chosen) - others.accounted
    if left == 1 + rivals and _is_proof(entry, chosen):
        contested = chosen[0].confirmation_code in others.contested
        return Finding(Found.CONTESTED if contested else Found.RECORDED, chosen)
    if left > rivals:
        return Finding(Found.SEVERAL, matching)
    settled = now >= doubt.end + timedelta(seconds=settle_seconds)
    if left > 0:
        # Some of the equal ones are there, or not all of them yet; nobody can tell which.
        return Finding(Found.SEVERAL if settled else Found.NOT_YET, matching, rivals)
    # Luminate may have recorded another amount than was sent (a level with an amount of its own).
    almost = tuple(row for row in rows if row.confirmation_code not in others.owned and may_be(entry, row, doubt))
    return Finding(Found.ABSENT if settled and not almost else Found.NOT_YET, almost)


def _is_proof(entry: Entry, rows: Sequence[Seen]) -> bool:
    """Whether every row says when and under which code, was not made online, and no matter which of them is whose."""
    if entry.kind is Kind.REFUND and not entry.parameters.get("refund_user_confirm_code"):
        return False  # it never had a code to be sent by: any refund of this donor looks like it
    whole = all(row.confirmation_code and _is_offline(row) and (row.at or is_exact(entry, row)) for row in rows)
    return whole and (len(rows) == 1 or entry.kind is Kind.REFUND)


def matches(entry: Entry, row: Seen, doubt: Doubt) -> bool:
    """Whether a row may be this entry: it bears our own id, or is the donor's and nothing both sides tell differs."""
    unlike = _unlike(entry, row)
    same = "amount" not in unlike if is_exact(entry, row) else _is_donors(entry, row) and not unlike
    return same and _is_then(row, doubt)


def concerns(entry: Entry, row: Seen) -> bool:
    """Whether a row is worth looking at: of a form's list only what is this donor's, ours, or may be anybody's."""
    may_be_anybodys = not row.email and "amount" not in _unlike(entry, row)
    return _is_donors(entry, row) or is_exact(entry, row) or may_be_anybodys


def is_exact(entry: Entry, row: Seen) -> bool:
    """Whether the row carries our own provider transaction id: no look-alike can, whatever else the row tells.

    A site may change the case of a sub-source, or cut it off behind the id.
    """
    ours, theirs = entry.parameters.get("sub_source", "").casefold(), row.sub_source.casefold()
    number = entry.provider_transaction_id.casefold()
    if not number or number not in ours or not ours.startswith(theirs):
        return False
    # Cut off right behind the id it might be a longer id.
    return theirs == ours or len(theirs) > ours.index(number) + len(number)


def may_be(entry: Entry, row: Seen, doubt: Doubt) -> bool:
    """Whether a row keeps its absence from being concluded."""
    unlike = _unlike(entry, row)
    if not _is_then(row, doubt):
        return False
    if is_exact(entry, row):
        return True
    if not _is_donors(entry, row):
        return not unlike
    # Luminate may record another amount, or spell a sub-source in its own way, and both are not known of one gift.
    # After a restore anything may have been corrected since the backup.
    return unlike in (set(), {"amount"}, {"sub_source"}) or _may_be_corrected(entry)


def _may_be_corrected(entry: Entry) -> bool:
    return entry.doubtful_from is not None and entry.kind is not Kind.REFUND


def _unlike(entry: Entry, row: Seen) -> set[str]:
    """In what a row differs from what was sent, as far as both sides tell."""
    sent = entry.parameters
    told = {
        "tender": (sent.get("offline_payment_method", ""), row.tender),
        "last4": (sent.get("card_number", "")[-4:], row.last4),
        "check_number": (sent.get("check_number", ""), row.check_number),
        "form_id": (sent.get("form_id", ""), row.form_id),
        "email": (sent.get("donor.email", "").casefold(), row.email.casefold()),
        "sub_source": (sent.get("sub_source", "").casefold(), row.sub_source.casefold()),
        "code": (sent.get("refund_user_confirm_code", ""), row.confirmation_code),
    }
    unlike = {name for name, (ours, theirs) in told.items() if ours and theirs and ours != theirs}
    return unlike if abs(row.amount) == entry.amount.decimal else unlike | {"amount"}


def _is_donors(entry: Entry, row: Seen) -> bool:
    """Whether Luminate shows it as this donor's: in the donor's list, or in a form's list by the same address."""
    return not row.by_form or row.email.casefold() == entry.parameters.get("donor.email", "").casefold() != ""


def _is_offline(row: Seen) -> bool:
    """Not made on a web page (1) or by a plan of Luminate's own (2), as SOAP tells; what we send is offline (0).

    http://open.convio.com/webservices/apidoc/reference/types/Payment.html
    """
    return row.creation_method in ("", "0")


def _is_then(row: Seen, doubt: Doubt) -> bool:
    """A row without a readable time may be the one: absence is never concluded from it."""
    begin, end = doubt.window
    return row.at is None or begin <= row.at <= end
