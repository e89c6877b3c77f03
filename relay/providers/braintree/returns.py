"""Money that went back through Braintree, or came back after all: declined settlements, failed refunds, disputes.

https://developer.paypal.com/braintree/docs/reference/general/webhooks/dispute
"""

from __future__ import annotations

from typing import Any

from relay.gifts import Flag, Refund, RefundReason, Reinstatement
from relay.money import Money
from relay.providers.base import dig, ident, present, text
from relay.providers.braintree.event import Event, Reading, id_of
from relay.providers.braintree.transactions import fell_through, is_credit

# A retrieval is a question by the bank; it moves no money (https://developer.paypal.com/braintree/docs/reference/response/dispute).
RETRIEVAL = "retrieval"


def settlement_declined(event: Event) -> Reading:
    """transaction_settlement_declined: a bank debit bounced, or a refund by bank did not get through."""
    paid = event.part("transaction")
    if paid is None:
        return _without(event, "transaction")
    if is_credit(paid):
        return _refund_back(event, paid)
    return fell_through(event, paid, RefundReason.CHARGEBACK)


def refund_failed(event: Event) -> Reading:
    """refund_failed: the transaction is the refund."""
    paid = event.part("transaction")
    return _without(event, "transaction") if paid is None else _refund_back(event, paid)


def _refund_back(event: Event, paid: dict[str, Any]) -> Reading:
    found = Reinstatement(
        refund_keys=(id_of(paid),),
        parent_keys=present(ident(paid.get("refunded_transaction_id"))),
        amount=event.money_or_none(paid, "amount"),
        text="The refund failed; Braintree has the money again.",
        occurred_at=event.created,
    )
    return (found,)


def local_payment_reversed(event: Event) -> Reading:
    """local_payment_reversed names a payment and no amount."""
    payment = ident(dig(event.part("local_payment_reversed") or event.part("local_payment"), "payment_id"))
    sentence = "A local payment was pulled back by the bank: look at it in Braintree, and take the gift back."
    return (Flag(text=sentence, parent_keys=present(payment)),)


def notice(event: Event) -> Reading:
    """dispute_opened, dispute_under_review, dispute_disputed: shown, nothing is booked."""
    found = event.part("dispute")
    if found is None:
        return _without(event, "dispute")
    about = text(found.get("reason")).replace("_", " ")[:60]
    amount = event.money_or_none(found, "amount_disputed", "amount") or "a gift"
    words = event.kind.removeprefix("dispute_").replace("_", " ")
    return (
        Flag(text=f"A bank's dispute about {amount}: {words}, {about or 'no reason told'}.", parent_keys=_of(found)),
    )


def lost(event: Event) -> Reading:
    """dispute_lost, dispute_accepted, dispute_auto_accepted, dispute_expired: the bank keeps the money."""
    found = event.part("dispute")
    if found is None:
        return _without(event, "dispute")
    amount = event.money_or_none(found, "amount_disputed", "amount")
    if amount is None or text(found.get("kind")) == RETRIEVAL:
        return notice(event)
    taken = Refund(
        keys=(id_of(found),),
        parent_keys=_of(found),
        amount=amount,
        reason=RefundReason.CHARGEBACK,
        occurred_at=event.created,
        sources=(found,),
    )
    return (taken,)


def won(event: Event) -> Reading:
    """dispute_won: the money came back, perhaps not all of it; ``amount_won`` tells how much."""
    found = event.part("dispute")
    if found is None:
        return _without(event, "dispute")
    amount = event.money_or_none(found, "amount_won")
    if amount is None and found.get("amount_won") is not None:
        return (
            Flag(text="A dispute was won, of an amount that is not told: look at Braintree.", parent_keys=_of(found)),
        )
    back = Reinstatement(
        refund_keys=(id_of(found),),
        parent_keys=_of(found),
        amount=amount,
        text=f"The dispute was won; Braintree has {_how_much(event, found, amount)} again.",
        reason=RefundReason.CHARGEBACK,
        occurred_at=event.created,
    )
    return (back,)


def _how_much(event: Event, dispute: dict[str, Any], won: Money | None) -> str:
    """A part is told as one: where it is told before the loss, the rest is a person's."""
    disputed = event.money_or_none(dispute, "amount_disputed", "amount")
    return f"{won} of {disputed}" if won and disputed and won != disputed else "the money"


def _of(dispute: dict[str, Any]) -> tuple[str, ...]:
    return present(ident(dig(dispute, "transaction", "id")))


def _without(event: Event, what: str) -> Reading:
    return (Flag(text=f"{event.kind} came without its {what}: look at Braintree."),)
