"""Refunds: what one does to the ledger, so that Luminate's net always equals the provider's.

An amount is explicit, above zero and at most what is left, because Luminate takes a missing or zero amount for
a *full* refund (developer.blackbaud.com/lo-api/loapi/donations/refundOfflineDonation). How much is booked, so that
names and running totals never count twice, ``relay.inbound.totals`` tells. A refund waits until its gift is in
Luminate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from relay.config import Organization, RefundedUnposted
from relay.gifts import Refund, RefundReason
from relay.inbound import totals
from relay.inbound.totals import GIFT_CLOSED
from relay.ledger import entries, payments, supplied
from relay.ledger.codec import refund_from_json, to_json
from relay.ledger.entries import Entry
from relay.ledger.payments import RefundKey, Source
from relay.luminate.schemas import map_refund
from relay.money import Money
from relay.status import CLAIMABLE, UNSENT, Kind, Status

FORGONE = "refunded_unposted"
CLOSED_UNPROVEN, BY_PERSON = "gift_closed_unproven", "closed_by_person"
DOUBT = "A running total tells of this refund, but something of this gift came back: perhaps this."
# What a person supplied for a refund, if anybody did: see relay.ledger.supplied.
Given = Mapping[str, str] | None


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
    """What a refund came to: the entries, the effect of the event on them, and a note."""

    entries: tuple[int, ...]
    effect: str
    note: str = ""


def book(desk: Desk, payment: int, refund: Refund) -> Booked:
    """Book a refund of a payment once, whichever events tell of it."""
    tx, source = desk.tx, desk.source
    known = payments.known_refunds(tx, source, refund.keys)
    if refund.only_if_booked and not known and entries.gift_of(tx, payment) is None:
        return Booked((), "nothing", "nothing was booked of this payment, so nothing is given back")
    is_apart = refund.reason is RefundReason.CHARGEBACK
    payments.name_refund(tx, source, payment, refund.keys, 0 if is_apart else refund.amount.minor)
    own = 0 if known else refund.amount.minor
    made = _book_new(desk, payment, refund, own, own) if is_apart else _follow(desk, payment, refund, own)
    if made:
        return Booked(made, "made", forgo(desk, payment))
    return _told_before(desk, payment, refund, known)


def _follow(desk: Desk, payment: int, refund: Refund, own: int) -> tuple[int, ...]:
    """What is booked follows what is surely refunded now. Gives back the entries made."""
    if refund.total is not None:
        payments.raise_total(desk.tx, payment, refund.total.minor)
    new = max(0, totals.missing(desk.tx, payment))
    return _book_new(desk, payment, refund, own, new) + _doubt(desk, payment, refund, new)


def _book_new(desk: Desk, payment: int, refund: Refund, own: int, new: int) -> tuple[int, ...]:
    """Book so much anew: at most ``own`` under the refund's own name, the rest as what only a total tells of."""
    named = min(own, new) if refund.keys else 0
    made = (make(desk, payment, refund, named, refund.keys[0]),) if named else ()
    for entry in made:
        payments.book_refund(desk.tx, desk.source, refund.keys, entry)
    return (*made, _make_unnamed(desk, payment, refund, new - named)) if new > named else made


def _make_unnamed(desk: Desk, payment: int, refund: Refund, minor: int, *, in_doubt: bool = False) -> int:
    total = refund.total.minor if refund.total else minor
    key = f"{refund.parent_keys[0] if refund.parent_keys else 'unnamed'}:{total}"
    return make(desk, payment, replace(refund, keys=()), minor, key, in_doubt=in_doubt)


def _doubt(desk: Desk, payment: int, refund: Refund, proven: int) -> tuple[int, ...]:
    """Hold what a total tells beyond what is sure once something came back; what is ``proven`` is in doubt no more."""
    for entry in totals.doubtful(desk.tx, payment):
        part = min(proven, entry.amount.minor)
        if part and end(desk, entry, part, totals.SAME, "It is booked by the name or the total that told of it since."):
            proven -= part
    known = payments.refunded(desk.tx, payment)
    if refund.total is None or known.back == 0:
        return ()
    held = sum(entry.amount.minor for entry in totals.doubtful(desk.tx, payment))
    beyond = refund.total.minor - totals.surely(known) - held
    return (_make_unnamed(desk, payment, refund, beyond, in_doubt=True),) if beyond > 0 else ()


def _told_before(desk: Desk, payment: int, refund: Refund, known: Sequence[RefundKey]) -> Booked:
    """Nothing new: the refund, or all that the total tells of, is booked already."""
    if any(key.void for key in known):
        return Booked((), "same", "this refund is known to have been taken back")
    if owner := next((key.entry_id for key in known if key.entry_id), None):
        return _same(desk.tx, owner, refund, known)
    booked = totals.booked_refunds(desk.tx, payment)
    if not refund.keys:
        return Booked(tuple(entry.id for entry in booked[-1:]), "same", "tells a total of refunds that are all known")
    candidates = totals.unnamed(booked) or booked
    holder = next((entry for entry in candidates if entry.amount == refund.amount), candidates[0]).id
    payments.book_refund(desk.tx, desk.source, refund.keys, holder)
    if totals.missing(desk.tx, payment) < 0:
        text = f"nothing proves that entry {holder} is this refund of {refund.amount}: is it another one?"
        return Booked((holder,), "flagged", text)
    return Booked((holder,), "same", f"names the refund of entry {holder}")


def _same(tx: Connection, owner: int, refund: Refund, known: Sequence[RefundKey]) -> Booked:
    told, entry = sum(key.amount or 0 for key in known), entries.get(tx, owner)
    was = replace(refund.amount, minor=told or (entry.amount.minor if entry else 0))
    if was != refund.amount:
        return Booked((owner,), "flagged", f"says {refund.amount}, but entry {owner} has {was}")
    return Booked((owner,), "same", f"announces the refund of entry {owner} again")


def never_sent(entry: Entry) -> bool:
    """Whether Luminate surely does not have it: unsent, or ended with its gift."""
    return entry.status in UNSENT or (entry.status, entry.reason) == (Status.CLOSED, GIFT_CLOSED)


def closed_as(entry: Entry) -> str:
    """Why an entry is closed when a person closes it: a refund in doubt never was, any other was seen to by hand."""
    return totals.TAKEN_BACK if entry.reason == totals.DOUBTFUL else BY_PERSON


def end(desk: Desk, entry: Entry, minor: int, reason: str, text: str) -> list[int]:
    """End so much of a refund that was never sent; what is left of it is booked anew.

    Gives back the entries touched: none if a worker was first.
    """
    words = {"reason": reason, "reason_text": text}
    is_closed = entry.status is Status.CLOSED
    ended = (
        entries.change(desk.tx, entry, desk.now, **words)
        if is_closed
        else entries.move(desk.tx, entry, Status.CLOSED, desk.now, **words)
    )
    if not ended or minor >= entry.amount.minor:
        return [entry.id] if ended else []
    desk = replace(desk, mail=desk.mail and entry.mail)
    rest, key, in_doubt = entry.amount.minor - minor, entry.provider_transaction_id, entry.reason == totals.DOUBTFUL
    fact, given = refund_from_json(entry.fact), entry.overrides
    made = make(desk, entry.payment_id, fact, rest, key, in_doubt=in_doubt, given=given)
    payments.hand_over_refunds(desk.tx, entry.id, made)
    return [entry.id, made]


def in_doubt(desk: Desk, entry: Entry, minor: int) -> int:
    """Hold so much of an entry that ended: nobody named what came back, perhaps it was another refund."""
    fact = refund_from_json(entry.fact)
    key, given = entry.provider_transaction_id, entry.overrides
    return make(desk, entry.payment_id, fact, minor, key, in_doubt=True, given=given)


def forgo(desk: Desk, payment: int) -> str:
    """A gift refunded in full before it was posted is not posted, nor are its refunds, if the organization says so.

    Gives back a note, or nothing. A claim that comes between wins: then both are posted.
    """
    gift = entries.gift_of(desk.tx, payment)
    if gift is None or gift.status not in UNSENT or desk.organization.refunded_unposted is RefundedUnposted.BOTH:
        return ""
    if entries.never_again(desk.tx, gift):
        return ""  # Luminate may have it: a person sees to it first
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


def make(
    desk: Desk, payment: int, refund: Refund, minor: int, key: str, *, in_doubt: bool = False, given: Given = None
) -> int:
    """A refund's entry, standing where things stand now; ``in_doubt``: held, whatever stands.

    ``given``: what a person supplied for the refund that this one is a part of.
    """
    gift, amount = entries.gift_of(desk.tx, payment), replace(refund.amount, minor=minor)
    stands = standing(desk, payment, amount, named=bool(refund.parent_keys), mail=desk.mail, given=given)
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
        fact=to_json(refund),
        overrides=dict(given or {}),
        occurred_at=refund.occurred_at,
        received_at=desk.now,
        next_attempt_at=desk.now,
        donor_name=gift.donor_name if gift else "",
        donor_email=gift.donor_email if gift else "",
        mail=desk.mail,
        **_because(Status.HELD, totals.DOUBTFUL, DOUBT) if in_doubt else stands,
    )


def standing(
    desk: Desk, payment: int, amount: Money, *, named: bool = True, but: int = 0, mail: bool = True, given: Given = None
) -> dict[str, Any]:
    """Status, reason and parameters of a refund as things stand now; ``but`` is the refund itself if it has a row.

    ``given``: the confirmation code that a person supplied counts, whatever becomes of the gift.
    """
    gift = entries.gift_of(desk.tx, payment)
    if given and given.get(supplied.CODE):
        return _by_code(desk, gift, amount, but, given, mail=mail)
    if not named:
        return _because(Status.HELD, "names_no_payment", "The refund does not say which payment it gives back.")
    if gift is None:
        return _because(Status.WAITING, "gift_not_seen", "The gift it gives back has not arrived yet.")
    if gift.status is Status.CLOSED:
        return _ended(desk, gift)
    if gift.status is not Status.POSTED:
        return _waits_for(gift)
    return _sendable(desk, gift, amount, but, mail=mail)


def _sendable(desk: Desk, gift: Entry, amount: Money, but: int, *, mail: bool) -> dict[str, Any]:
    if {gift.amount.currency, amount.currency} != {desk.organization.currency}:
        text = f"The refund is in {amount.currency}, its gift in {gift.amount.currency}."
        return _because(Status.HELD, "other_currency", text)
    if gift.login_name != desk.organization.luminate.login_name:
        text = f"Only the Luminate account '{gift.login_name}' may refund this gift; it added it."
        return _because(Status.HELD, "other_login", text)
    left = totals.left_of(desk.tx, gift, but)
    if amount.minor > left.minor:
        text = f"The refund of {amount} is more than what is left of its gift ({left})."
        return _because(Status.HELD, "more_than_left", text)
    parameters = map_refund(gift.confirmation_code, amount, desk.organization, mail=mail)
    return _because(Status.QUEUED, "", "") | {"parameters": parameters}


def _by_code(
    desk: Desk, gift: Entry | None, amount: Money, but: int, given: Mapping[str, str], *, mail: bool
) -> dict[str, Any]:
    """At most what the gift is worth in Luminate less all that went under its code; and what is left of it here."""
    code, worth = given[supplied.CODE], Money.parse(given[supplied.WORTH], desk.organization.currency)
    if {amount.currency, gift.amount.currency if gift else amount.currency} != {worth.currency}:
        text = f"The refund or its gift is in {amount.currency}, not in {worth.currency}."
        return _because(Status.HELD, "other_currency", text)
    same = [one for one in supplied.under(desk.tx, desk.organization.on_site, code) if one.id != but]
    left = worth.minor - sum(one.amount.minor for one in same if totals.counts(desk.tx, one))
    left = min(left, totals.left_of(desk.tx, gift, but).minor) if gift else left
    if amount.minor > left:
        text = f"The refund of {amount} is more than what is left of its gift ({replace(amount, minor=left)})."
        return _because(Status.HELD, "more_than_left", text)
    return _because(Status.QUEUED, "", "") | {"parameters": map_refund(code, amount, desk.organization, mail=mail)}


def _ended(desk: Desk, gift: Entry) -> dict[str, Any]:
    """Of a gift that somebody closed while it was unknown nothing is proven: its refund may be owed to Luminate."""
    said = f"Its gift, entry {gift.id}, was closed"
    if gift.reason != FORGONE and entries.may_be_recorded(desk.tx, gift):
        return _because(Status.HELD, CLOSED_UNPROVEN, f"{said} while Luminate may have it: {gift.reason_text}")
    return _because(Status.CLOSED, GIFT_CLOSED, f"{said}: {gift.reason_text}")


def _waits_for(gift: Entry) -> dict[str, Any]:
    return _because(Status.WAITING, "gift_not_posted", f"Its gift, entry {gift.id}, is not in Luminate yet.")


def _because(status: Status, reason: str, text: str) -> dict[str, Any]:
    return {"status": status, "reason": reason, "reason_text": text}


def release(desk: Desk, gift: Entry) -> list[int]:
    """Let the refunds that wait for a gift go (posted) or end (closed). Gives back the entries that moved."""
    moved = []
    for refund in entries.refunds_of(desk.tx, gift.payment_id, {Status.WAITING}):
        columns = standing(
            desk, gift.payment_id, refund.amount, but=refund.id, mail=refund.mail, given=refund.overrides
        )
        target = columns.pop("status")
        named = {"donor_name": gift.donor_name, "donor_email": gift.donor_email}
        if target is not Status.WAITING and entries.move(desk.tx, refund, target, desk.now, **columns, **named):
            moved.append(refund.id)
    return moved


def recall(desk: Desk, gift: Entry) -> bool:
    """Let the refunds of a gift wait again; False if one was sent, perhaps, or seen to by hand."""
    refunds = entries.refunds_of(desk.tx, gift.payment_id)
    if gift.confirmation_code in map(supplied.code_of, refunds):
        return False
    if not all(never_sent(refund) or refund.reason in {totals.TAKEN_BACK, totals.SAME} for refund in refunds):
        return False
    words = _waits_for(gift)
    target = words.pop("status")
    released = [one for one in refunds if one.status in CLAIMABLE and not supplied.code_of(one)]
    return all(entries.move(desk.tx, refund, target, desk.now, **words) for refund in released)


def reopen(desk: Desk, payment: int) -> None:
    """A gift is open again: the refunds that had ended with it wait for it as before."""
    for refund in entries.refunds_of(desk.tx, payment, {Status.CLOSED, Status.HELD}):
        if refund.reason in {GIFT_CLOSED, CLOSED_UNPROVEN} and entries.move(desk.tx, refund, Status.HELD, desk.now):
            held = entries.get(desk.tx, refund.id) or refund
            columns = again(desk, held, mail=held.mail)
            entries.move(desk.tx, held, columns.pop("status"), desk.now, **columns)


def again(desk: Desk, entry: Entry, *, mail: bool) -> dict[str, Any]:
    """Where a refund stands if it is tried again now: for a replay."""
    refund = refund_from_json(entry.fact)
    named = bool(refund.parent_keys)
    return standing(desk, entry.payment_id, entry.amount, named=named, but=entry.id, mail=mail, given=entry.overrides)
