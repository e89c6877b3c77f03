"""Money that went back through Square, or came back after all: refunds and disputes.

https://developer.squareup.com/docs/refunds-api/overview, https://developer.squareup.com/docs/disputes-api/overview
"""

from __future__ import annotations

from dataclasses import replace

from relay.gifts import Flag, Refund, RefundReason, Reinstatement
from relay.money import Money
from relay.providers.base import dig, ident, present, text
from relay.providers.square.event import Event, Reading, money_or_none
from relay.providers.times import instant

# refund.status (https://developer.squareup.com/reference/square/objects/PaymentRefund).
REFUND_UNDONE = {"REJECTED": "was rejected", "FAILED": "failed"}
# dispute.state (https://developer.squareup.com/reference/square/enums/DisputeState). Others only tell that it is open.
DISPUTE_LOST = frozenset({"LOST", "ACCEPTED"})
DISPUTE_WON = "WON"
DISPUTE_QUIET = {"INQUIRY_CLOSED": "an inquiry was closed; no money moved"}


def refund(event: Event) -> Reading:
    """refund.created and refund.updated: one refund, known by its id, with the amount of this refund."""
    status = text(event.object.get("status"))
    if status == "PENDING":
        return "the refund is on its way"
    parents = _parents_of_refund(event)
    if status in REFUND_UNDONE:
        sentence = f"The refund {REFUND_UNDONE[status]}; Square has the money again."
        amount = money_or_none(event.object.get("amount_money"))
        return (_back(event, parents, amount, sentence),)
    amount = event.money("amount_money")
    if status != "COMPLETED" or amount.minor <= 0:
        sentence = f"A refund of {amount} with the status '{status[:40]}': look at the refund in Square."
        return (Flag(text=sentence, parent_keys=parents),)
    when = instant(event.object.get("created_at")) or event.created
    found = Refund(keys=(event.own_id,), parent_keys=parents, amount=amount, occurred_at=when, sources=(event.object,))
    return (found,)


def _parents_of_refund(event: Event) -> tuple[str, ...]:
    """The payment: ``payment_id``, else the beginning of the refund's id (payment id, ``_``, suffix)."""
    before, line, _ = event.own_id.partition("_")
    return present(ident(event.object.get("payment_id"))) or (present(before) if line else ())


def _back(event: Event, parents: tuple[str, ...], amount: Money | None, sentence: str) -> Reinstatement:
    return Reinstatement(
        refund_keys=(event.own_id,), parent_keys=parents, amount=amount, text=sentence, occurred_at=event.created
    )


def dispute(event: Event) -> Reading:
    """dispute.created and the changes of its state. While it is open Square holds the money; lost, it is gone."""
    state = text(event.object.get("state"))
    parents = _parents_of_dispute(event)
    if state in DISPUTE_QUIET:
        return DISPUTE_QUIET[state]
    amount = money_or_none(event.object.get("amount_money"))
    if state == DISPUTE_WON:
        back = _back(event, parents, amount, "The dispute was won; Square has the money again.")
        return (replace(back, reason=RefundReason.CHARGEBACK),)
    if state not in DISPUTE_LOST or amount is None:
        about = text(event.object.get("reason")).lower().replace("_", " ")[:60]
        words = state[:40].lower().replace("_", " ") or "no state told"
        sentence = f"A bank's dispute about {amount or 'a gift'}: {words}{f', {about}' if about else ''}."
        return (Flag(text=sentence, parent_keys=parents),)
    lost = Refund(
        keys=(event.own_id,),
        parent_keys=parents,
        amount=amount,
        reason=RefundReason.CHARGEBACK,
        occurred_at=instant(event.object.get("updated_at")) or event.created,
        sources=(event.object,),
    )
    return (lost,)


def _parents_of_dispute(event: Event) -> tuple[str, ...]:
    """``disputed_payment.payment_id``; ``payment_ids`` in older API versions."""
    older = dig(event.object, "payment_ids", 0)
    return present(ident(dig(event.object, "disputed_payment", "payment_id")) or ident(older))
