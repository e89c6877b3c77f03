"""Refund algebra: what a refund does to the ledger, so that Luminate's net always equals the provider's.

An amount is explicit, above zero and at most what is left, because Luminate takes a missing or zero amount for
a *full* refund (developer.blackbaud.com/lo-api/loapi/donations/refundOfflineDonation). A refund is known by
its id; where a provider only tells a running total, the part that is new is worked out here, so that totals
never count twice. A refund waits until its gift is in Luminate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from relay import totals
from relay.config import Organization, RefundedUnposted
from relay.gifts import Refund
from relay.ledger import entries, payments
from relay.ledger.codec import refund_from_json, to_json
from relay.ledger.entries import Entry
from relay.ledger.payments import Source
from relay.luminate.schemas import map_refund
from relay.money import Money
from relay.status import UNSENT, Kind, Status

FORGONE = "refunded_unposted"
# What may still take money off a gift: everything that is not held back or ended.
_COUNTS = frozenset({Status.QUEUED, Status.POSTING, Status.RETRYING, Status.UNKNOWN, Status.POSTED})


@dataclass(frozen=True, slots=True)
class Desk:
    """Where refunds are written: one transaction, for one provider of one organization, at one moment.

    ``mail`` False: whatever is made here mails nobody.
    """

    tx: Connection
    organization: Organization
    source: Source
    now: datetime
    mail: bool = True


@dataclass(frozen=True, slots=True)
class Booked:
    """What a refund came to: the entry, the effect of the event on it, and a note."""

    entry: int | None
    effect: str
    note: str = ""


def book(desk: Desk, payment: int, refund: Refund) -> Booked:
    """Book a refund of a payment once, whichever events tell of it."""
    tx, source = desk.tx, desk.source
    if refund.total is not None:
        payments.raise_total(tx, payment, refund.total.minor)
    if not refund.keys:
        return _book_from_total(desk, payment, refund)
    known = payments.known_refunds(tx, source, refund.keys)
    if any(key.void for key in known):
        return Booked(None, "same", "this refund is known to have been taken back")
    if owner := next((key.entry_id for key in known if key.entry_id), None):
        payments.add_refund_keys(tx, source, payment, refund.keys, owner)
        return _same(tx, owner, refund)
    anonymous, left = claim_anonymous(desk, payment, refund)
    if anonymous and not left:
        payments.add_refund_keys(tx, source, payment, refund.keys, anonymous)
        return Booked(anonymous, "same", f"names the refund of entry {anonymous}")
    if refund.only_if_booked and entries.gift_of(tx, payment) is None:
        return Booked(None, "nothing", "nothing was booked of this payment, so nothing is given back")
    made = make(desk, payment, refund, Money(left, refund.amount.currency), refund.keys[0])
    payments.add_refund_keys(tx, source, payment, refund.keys, made)
    return Booked(made, "made", forgo(desk, payment))


def _same(tx: Connection, owner: int, refund: Refund) -> Booked:
    entry = entries.get(tx, owner)
    if entry is not None and entry.claimed_by_keys is None and (told := totals.amount_told(entry)) != refund.amount:
        return Booked(owner, "flagged", f"says {refund.amount}, but entry {owner} has {told}")
    return Booked(owner, "same", f"announces the refund of entry {owner} again")


def _book_from_total(desk: Desk, payment: int, refund: Refund) -> Booked:
    """Book the part of a running total that no refund has booked yet, at most what this event added."""
    booked = totals.chosen_refunds(desk.tx, payment)
    last = booked[-1].id if booked else None
    known = sum(entry.amount.minor for entry in booked) - totals.given_back(desk.tx, payment)
    new = min(refund.amount.minor, payments.refunded_total(desk.tx, payment) - known)
    if new <= 0:
        return Booked(last, "same", "tells a total of refunds that are all known")
    if not payments.has_void_refunds(desk.tx, payment):
        made = _make_from_total(desk, payment, refund, new)
        return Booked(made, "made", forgo(desk, payment))
    # A total may have been told before a refund came back, or after it: the largest one no longer proves anything.
    sure = min(new, refund.total.minor - known) if refund.total else new
    if sure <= 0:
        return Booked(last, "flagged", "tells a total that does not fit the refunds known: look at the payment")
    made = _make_from_total(desk, payment, refund, sure)
    _doubt(desk, made)
    return Booked(made, "made")


def _make_from_total(desk: Desk, payment: int, refund: Refund, minor: int) -> int:
    key = refund.parent_keys[0] if refund.parent_keys else "unnamed"
    total = refund.total.minor if refund.total else minor
    return make(desk, payment, refund, Money(minor, refund.amount.currency), f"{key}:{total}")


def _doubt(desk: Desk, made: int) -> None:
    """Hold a refund that a total seems to tell of, although it may be one that came back."""
    entry = entries.get(desk.tx, made)
    if entry is not None and entry.status is not Status.CLOSED:
        text = "A total tells of this refund, but one of this gift came back: look at it, then replay or close."
        entries.move(desk.tx, entry, Status.HELD, desk.now, reason="total_unclear", reason_text=text)


def _prove(desk: Desk, entry: Entry) -> None:
    """A doubtful refund that the provider names is none any more."""
    if entry.reason == "total_unclear":
        columns = again(desk, entry, mail=entry.mail)
        entries.move(desk.tx, entry, columns.pop("status"), desk.now, **columns)


def forgo(desk: Desk, payment: int) -> str:
    """A gift refunded in full before it was posted is not posted, nor are its refunds, if the organization says so.

    Gives back a note, or nothing. A claim that comes between wins: then both are posted.
    """
    gift = entries.gift_of(desk.tx, payment)
    if gift is None or gift.status not in UNSENT or desk.organization.refunded_unposted is RefundedUnposted.BOTH:
        return ""
    waiting = entries.refunds_of(desk.tx, payment, {Status.WAITING})
    same_currency = all(refund.amount.currency == gift.amount.currency for refund in waiting)
    if not same_currency or sum(refund.amount.minor for refund in waiting) != gift.amount.minor:
        return ""
    words = {"reason": FORGONE, "reason_text": "Refunded in full before it was posted: neither is recorded."}
    if not entries.move(desk.tx, gift, Status.CLOSED, desk.now, **words):
        return ""
    if closed := entries.get(desk.tx, gift.id):
        release(desk, closed)
    return f"entry {gift.id} was refunded in full before it was posted: neither is recorded"


def claim_anonymous(desk: Desk, payment: int, refund: Refund) -> tuple[int, int]:
    """Let a named refund claim what running totals have booked of it already, perhaps in parts.

    Gives back the entry that holds it (0: none), and how much is left to book, in minor units.
    """
    left = refund.amount.minor
    found = totals.anonymous(desk.tx, payment, refund)
    is_exact = bool(found) and totals.room(found[0]) == left
    known, holder = left if is_exact else totals.surely_booked(desk.tx, payment, left), 0
    for entry in found:
        part = min(known, totals.room(entry))
        if part and _claim(desk, entry, part):
            holder, known, left = entry.id, known - part, left - part
    return holder, left


def claim_whole(desk: Desk, payment: int, refund: Refund) -> Entry | None:
    """Let a named refund claim the one entry made from a running total that surely holds all of it."""
    minor = refund.amount.minor
    found = [entry for entry in totals.anonymous(desk.tx, payment, refund) if totals.fits(entry, minor)]
    return entries.get(desk.tx, found[0].id) if found and _claim(desk, found[0], minor) else None


def _claim(desk: Desk, entry: Entry, part: int) -> bool:
    claimed = entry.amount.minor - totals.room(entry) + part
    if not entries.change(desk.tx, entry, desk.now, claimed_by_keys=claimed):
        return False
    if claimed == entry.amount.minor:
        _prove(desk, entry)
    return True


def make(desk: Desk, payment: int, refund: Refund, amount: Money, key: str) -> int:
    """A refund's entry, standing where things stand now."""
    gift = entries.gift_of(desk.tx, payment)
    return entries.create(
        desk.tx,
        organization=desk.source.organization,
        provider=desk.source.provider,
        payment_id=payment,
        kind=Kind.REFUND,
        amount=amount,
        provider_transaction_id=key,
        parent_transaction_id=refund.parent_keys[0] if refund.parent_keys else "",
        refund_reason=refund.reason,
        claimed_by_keys=None if refund.keys else 0,
        fact=to_json(refund),
        occurred_at=refund.occurred_at,
        received_at=desk.now,
        next_attempt_at=desk.now,
        donor_name=gift.donor_name if gift else "",
        donor_email=gift.donor_email if gift else "",
        mail=desk.mail,
        **standing(desk, payment, amount, named=bool(refund.parent_keys), mail=desk.mail),
    )


def standing(
    desk: Desk, payment: int, amount: Money, *, named: bool = True, but: int = 0, mail: bool = True
) -> dict[str, Any]:
    """Status, reason and parameters of a refund as things stand now; ``but`` is the refund itself if it has a row."""
    gift = entries.gift_of(desk.tx, payment)
    if not named:
        return _because(Status.HELD, "names_no_payment", "The refund does not say which payment it gives back.")
    if gift is None:
        return _because(Status.WAITING, "gift_not_seen", "The gift it gives back has not arrived yet.")
    if gift.status is Status.CLOSED:
        return _because(Status.CLOSED, "gift_closed", f"Its gift, entry {gift.id}, was closed: {gift.reason_text}")
    if gift.status is not Status.POSTED:
        return _because(Status.WAITING, "gift_not_posted", f"Its gift, entry {gift.id}, is not in Luminate yet.")
    return _sendable(desk, gift, amount, but, mail=mail)


def _sendable(desk: Desk, gift: Entry, amount: Money, but: int, *, mail: bool) -> dict[str, Any]:
    if {gift.amount.currency, amount.currency} != {desk.organization.currency}:
        text = f"The refund is in {amount.currency}, its gift in {gift.amount.currency}."
        return _because(Status.HELD, "other_currency", text)
    if gift.login_name != desk.organization.luminate.login_name:
        text = f"Only the Luminate account '{gift.login_name}' may refund this gift; it added it."
        return _because(Status.HELD, "other_login", text)
    left = left_of(desk.tx, gift, but)
    if amount.minor > left.minor:
        text = f"The refund of {amount} is more than what is left of its gift ({left})."
        return _because(Status.HELD, "more_than_left", text)
    parameters = map_refund(gift.confirmation_code, amount, desk.organization, mail=mail)
    return _because(Status.QUEUED, "", "") | {"parameters": parameters}


def left_of(tx: Connection, gift: Entry, but: int = 0) -> Money:
    """What may still be refunded of a gift: pessimistic, every refund that may have happened counts."""
    taken = [entry for entry in entries.refunds_of(tx, gift.payment_id, _COUNTS) if entry.id != but]
    return Money(gift.amount.minor - sum(entry.amount.minor for entry in taken), gift.amount.currency)


def _because(status: Status, reason: str, text: str) -> dict[str, Any]:
    return {"status": status, "reason": reason, "reason_text": text}


def release(desk: Desk, gift: Entry) -> list[int]:
    """Let the refunds that wait for a gift go (posted) or end (closed). Gives back the entries that moved."""
    moved = []
    for refund in entries.refunds_of(desk.tx, gift.payment_id, {Status.WAITING}):
        columns = standing(desk, gift.payment_id, refund.amount, but=refund.id, mail=refund.mail)
        target = columns.pop("status")
        named = {"donor_name": gift.donor_name, "donor_email": gift.donor_email}
        if target is not Status.WAITING and entries.move(desk.tx, refund, target, desk.now, **columns, **named):
            moved.append(refund.id)
    return moved


def joined(desk: Desk, payment: int) -> str:
    """Two payments turned out to be one: their refunds are told apart and stand by its gift. Gives back notes."""
    reopen(desk, payment)
    return "; ".join(note for note in (_tell_apart(desk, payment), forgo(desk, payment)) if note)


def _tell_apart(desk: Desk, payment: int) -> str:
    """One refund may have been booked under each id: by its name here, from a running total there."""
    entry = totals.doubled(desk.tx, payment)
    if entry is None:
        return ""
    words = {"reason": "same_refund", "reason_text": "The same refund was booked under another id of its payment."}
    if entry.status in UNSENT and entries.move(desk.tx, entry, Status.CLOSED, desk.now, **words):
        return f"entry {entry.id} is a refund that is booked already"
    flag = "Sent twice: this refund was booked under another id of its payment too. A person must look in Luminate."
    entries.change(desk.tx, entry, desk.now, flag=flag)
    return f"entry {entry.id}: {flag}"


def reopen(desk: Desk, payment: int) -> None:
    """A gift is open again: the refunds that had ended with it wait for it as before."""
    for refund in entries.refunds_of(desk.tx, payment, {Status.CLOSED}):
        if refund.reason != "gift_closed" or not entries.move(desk.tx, refund, Status.HELD, desk.now):
            continue
        held = entries.get(desk.tx, refund.id) or refund
        columns = again(desk, held, mail=held.mail)
        entries.move(desk.tx, held, columns.pop("status"), desk.now, **columns)


def again(desk: Desk, entry: Entry, *, mail: bool) -> dict[str, Any]:
    """Where a refund stands if it is tried again now: for a replay."""
    refund = refund_from_json(entry.fact)
    named = bool(refund.parent_keys)
    return standing(desk, entry.payment_id, entry.amount, named=named, but=entry.id, mail=mail)
