"""Money that comes back after a refund: the refund failed, the dispute was won.

Luminate has no call that undoes a refund. What was never sent is simply ended; for what Luminate has, a new gift
linked to the first is held for a person, or made by itself, as the organization chose. It mails nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from relay import totals
from relay.config import Reinstate
from relay.gifts import Refund, Reinstatement
from relay.giving import given_again
from relay.ledger import entries, payments
from relay.ledger.codec import refund_from_json
from relay.ledger.entries import Entry
from relay.ledger.funds import with_funds
from relay.ledger.payments import RefundKey
from relay.money import Money
from relay.refunding import FORGONE, Desk, claim_anonymous, claim_whole, make, reopen
from relay.status import UNSENT, Kind, Status


def undo(desk: Desk, payment: int, back: Reinstatement) -> list[int]:
    """Money came back: end the refund if it was never sent, else reinstate the gift, by the organization's rule.

    Either way its ids become void, so that a late "succeeded" books nothing. Gives back the entries touched.
    """
    tx, source = desk.tx, desk.source
    known = payments.known_refunds(tx, source, back.refund_keys)
    owner = _owner(desk, payment, back, known)
    already = any(key.void for key in known)
    payments.add_refund_keys(tx, source, payment, back.refund_keys, owner.id if owner else None, void=True)
    payments.void_refund_keys(tx, source, back.refund_keys)
    if owner is None and not known:
        return _booked_in_parts(desk, payment, back)
    if owner is None or already:
        return []
    ended = {"reason": "taken_back", "reason_text": back.text}
    if owner.status in UNSENT and entries.move(tx, owner, Status.CLOSED, desk.now, **ended):
        return [owner.id, *_rest(desk, owner, back), *_booked_before(desk, owner, back)]
    if owner.status is Status.CLOSED:
        if owner.reason == "gift_closed":
            entries.change(tx, owner, desk.now, **ended)
        return _give_after_all(desk, owner, back)
    return [owner.id, _reinstate(desk, owner, back)]


def _rest(desk: Desk, ended: Entry, back: Reinstatement) -> list[int]:
    """Only a part of an unsent refund came back (a total may hold several): what did not is booked anew."""
    if back.amount is None or back.amount.currency != ended.amount.currency or back.amount.minor >= ended.amount.minor:
        return []
    refund, left = refund_from_json(ended.fact), ended.amount - back.amount
    made = make(desk, ended.payment_id, refund, left, ended.provider_transaction_id)
    payments.hand_over_refunds(desk.tx, ended.id, made)
    if ended.claimed_by_keys is not None and (entry := entries.get(desk.tx, made)):
        entries.change(desk.tx, entry, desk.now, claimed_by_keys=ended.claimed_by_keys - back.amount.minor)
    return [made]


def _booked_before(desk: Desk, ended: Entry, back: Reinstatement) -> list[int]:
    """The part of a named refund that a running total had booked before its name was told came back too."""
    if back.amount is None:
        return []
    told = totals.amount_told(ended) if ended.claimed_by_keys is None else back.amount
    before = min(back.amount.minor, told.minor) - ended.amount.minor
    return [_reinstate(desk, ended, replace(back, amount=Money(before, ended.amount.currency)))] if before > 0 else []


def _owner(desk: Desk, payment: int, back: Reinstatement, known: Sequence[RefundKey]) -> Entry | None:
    owner = next((key.entry_id for key in known if key.entry_id), None)
    if owner is not None:
        return entries.get(desk.tx, owner)
    if back.amount is None or known:
        return None
    return claim_whole(desk, payment, _named(back, back.amount))


def _named(back: Reinstatement, amount: Money) -> Refund:
    """The refund that came back, before its own name was told."""
    return Refund(keys=back.refund_keys, parent_keys=back.parent_keys, amount=amount, reason=back.reason)


def _booked_in_parts(desk: Desk, payment: int, back: Reinstatement) -> list[int]:
    """Its name was never told, but running totals have booked some of it: that much is reinstated."""
    if back.amount is None:
        return []
    holder, left = claim_anonymous(desk, payment, _named(back, back.amount))
    owner = entries.get(desk.tx, holder)
    booked = Money(back.amount.minor - left, back.amount.currency)
    return [owner.id, _reinstate(desk, owner, replace(back, amount=booked))] if owner else []


def _reinstate(desk: Desk, owner: Entry, back: Reinstatement) -> int:
    """A new gift for the money that came back, linked by its payment; held unless the organization chose otherwise."""
    amount = back.amount or owner.amount
    gift = entries.gift_of(desk.tx, owner.payment_id)
    columns = given_again(gift, amount, with_funds(desk.tx, desk.organization)) if gift else {}
    if desk.organization.reinstate is not Reinstate.AUTOMATIC or not columns:
        text = f"{back.text} Luminate cannot undo the refund of entry {owner.id}: a person decides."
        columns |= {"status": Status.HELD, "reason": "money_came_back", "reason_text": text}
    known = {"donor_name": owner.donor_name, "donor_email": owner.donor_email}
    return entries.create(
        desk.tx,
        organization=owner.organization,
        provider=owner.provider,
        payment_id=owner.payment_id,
        kind=Kind.REINSTATEMENT,
        amount=amount,
        refund_reason=owner.refund_reason,
        provider_transaction_id=back.refund_keys[0] if back.refund_keys else owner.provider_transaction_id,
        parent_transaction_id=owner.parent_transaction_id,
        received_at=desk.now,
        next_attempt_at=desk.now,
        mail=False,
        **known | columns | {"occurred_at": back.occurred_at},
    )


def _give_after_all(desk: Desk, owner: Entry, back: Reinstatement) -> list[int]:
    """The refund for whose sake a gift was not posted came back: the gift is due after all, and a person says so."""
    gift = entries.gift_of(desk.tx, owner.payment_id)
    if gift is None or gift.status is not Status.CLOSED or gift.reason != FORGONE:
        return []
    words = {"reason": "money_came_back", "reason_text": f"{back.text} The gift was not posted because of its refund."}
    if not entries.move(desk.tx, gift, Status.HELD, desk.now, **words):
        return []
    reopen(desk, gift.payment_id)
    return [gift.id]
