"""Money that went back through Stripe, or came back after all: refunds and disputes.

https://docs.stripe.com/refunds, https://docs.stripe.com/disputes/how-disputes-work
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from relay.gifts import Flag, Refund, RefundReason, Reinstatement
from relay.money import Money
from relay.providers.base import dig, ident, moment, present, text
from relay.providers.stripe.amounts import above_zero, money, money_or_none
from relay.providers.stripe.event import Event, Reading

# refund.status -> why no money went back yet (https://docs.stripe.com/api/refunds/object).
REFUND_PENDING = {
    "pending": "the refund is on its way",
    "requires_action": "the refund waits for the donor",
}
REFUND_UNDONE = {"failed": "failed", "canceled": "was canceled"}
# dispute.status of an inquiry: a question by the bank, which moves no money, not even when it is closed.
INQUIRY = "warning_"
# dispute.status with which money comes back: the dispute is won, or the bank gave it back while it still goes on.
REINSTATED = frozenset({"won", "needs_response", "under_review", "prevented"})


def refund(event: Event) -> Reading:
    """refund.created, refund.updated, refund.failed and charge.refund.updated: one refund, known by its id."""
    status = text(event.object.get("status"))
    if status in REFUND_UNDONE or (event.type == "refund.failed" and not status):
        return (_refund_undone(event, REFUND_UNDONE.get(status, "failed")),)
    if status in REFUND_PENDING:
        return REFUND_PENDING[status]
    if status != "succeeded" or event.type == "refund.failed":
        sentence = f"{event.type} with the status '{status[:40]}': look at the refund in Stripe."
        return (Flag(text=sentence, parent_keys=event.payment_ids),)
    amount = money(event.object.get("amount"), event.object.get("currency"))
    if amount.minor <= 0:
        return (Flag(text="A refund of nothing.", parent_keys=event.payment_ids),)
    return (_refund(event.object, event.own_id, event.payment_ids, amount),)


def _refund(one: dict[str, Any], key: str, parents: tuple[str, ...], amount: Money) -> Refund:
    when = moment(one.get("created"))
    return Refund(keys=(key,), parent_keys=parents, amount=amount, occurred_at=when, sources=(one,))


def _refund_undone(event: Event, how: str) -> Reinstatement:
    because = text(event.object.get("failure_reason")).replace("_", " ")[:60]
    return Reinstatement(
        refund_keys=(event.own_id,),
        parent_keys=event.payment_ids,
        amount=above_zero(event.object.get("amount"), event.object.get("currency")),
        text=f"The refund {how}{f' ({because})' if because else ''}; Stripe has the money again.",
        occurred_at=event.created,
    )


def charge_refunded(event: Event) -> Reading:
    """charge.refunded: the charge with its running total, and before API 2022-11-15 with its list of refunds."""
    charge = event.object
    parents = present(event.own_id, event.id_of("payment_intent"))
    if charge.get("captured") is False:
        return "an authorization was released; no money moved"
    total = money_or_none(charge.get("amount_refunded"), charge.get("currency"))
    if _partly_captured(charge):
        text_ = "The rest of a partly captured charge was released, or part of it refunded: its total does not tell."
        return (Flag(text=text_, parent_keys=parents),)
    before = money_or_none(event.previous.get("amount_refunded"), charge.get("currency"))
    if named := _newest(charge, total, before):
        one, amount = named
        return (replace(_refund(one, ident(one), parents, amount), total=total, before=before),)
    return _from_total(event, parents, total, before)


def _partly_captured(charge: dict[str, Any]) -> bool:
    """Stripe counts what was never captured as refunded (amount 206.75, captured 203.00: amount_refunded 3.75)."""
    taken, asked = charge.get("amount_captured"), charge.get("amount")
    return type(taken) is int and type(asked) is int and taken < asked


def _from_total(event: Event, parents: tuple[str, ...], total: Money | None, before: Money | None) -> Reading:
    added = total - before if total and before else total
    if total is None or added is None or added.minor <= 0:
        sentence = "charge.refunded does not tell how much was refunded: look at the charge in Stripe."
        return (Flag(text=sentence, parent_keys=parents),)
    refunded = Refund(
        keys=(),
        parent_keys=parents,
        amount=added,
        total=total,
        before=before,
        occurred_at=event.created,
        sources=(event.object,),
    )
    return (refunded,)


def _newest(charge: dict[str, Any], total: Money | None, before: Money | None) -> tuple[dict[str, Any], Money] | None:
    """The refund this event is about: the newest that succeeded, if its amount is what the total grew by."""
    added = total - before if total and before else None
    for one in sorted(_refunds_of(charge), key=_created, reverse=True):
        amount = money_or_none(one.get("amount"), one.get("currency") or charge.get("currency"))
        succeeded = one.get("status", "succeeded") in ("succeeded", None)
        if ident(one) and amount and amount.minor > 0 and succeeded and added in (None, amount):
            return one, amount
    return None


def _refunds_of(charge: dict[str, Any]) -> list[dict[str, Any]]:
    """``refunds.data``; a plain list before API 2014-06-17."""
    refunds = charge.get("refunds")
    listed = refunds if isinstance(refunds, list) else dig(refunds, "data")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _created(one: dict[str, Any]) -> int:
    created = one.get("created")
    return created if type(created) is int else 0


def dispute_notice(event: Event) -> Reading:
    """charge.dispute.created and .updated: somebody should look; funds_withdrawn and closed move the money."""
    status = text(event.object.get("status"))[:40] or "unknown"
    kind = "inquiry" if status.startswith(INQUIRY) else "dispute"
    about = text(event.object.get("reason")).replace("_", " ")[:60]
    amount = money_or_none(event.object.get("amount"), event.object.get("currency"))
    sentence = f"A bank's {kind} about {amount or 'a gift'}: {status.replace('_', ' ')}{f', {about}' if about else ''}."
    return (Flag(text=sentence, parent_keys=event.payment_ids),)


def dispute_withdrawn(event: Event) -> Reading:
    """charge.dispute.funds_withdrawn: the bank took the money; ``closed`` with ``lost`` tells of it again."""
    if text(event.object.get("status")).startswith(INQUIRY):
        return dispute_notice(event)
    return _chargeback(event)


def dispute_closed(event: Event) -> Reading:
    """charge.dispute.closed: lost, won, or an inquiry that moved nothing."""
    status = text(event.object.get("status"))
    if status.startswith(INQUIRY):
        return "an inquiry was closed; no money moved"
    if status == "lost":
        return _chargeback(event)
    if status == "won":
        return (_money_back(event, "The dispute was won"),)
    return dispute_notice(event)


def dispute_reinstated(event: Event) -> Reading:
    """charge.dispute.funds_reinstated. After a lost dispute it is a small correction, not the gift."""
    status = text(event.object.get("status"))
    if status.startswith(INQUIRY):
        return dispute_notice(event)
    if status == "lost":
        sentence = "Stripe credited something after a lost dispute: look at the dispute in Stripe."
        return (Flag(text=sentence, parent_keys=event.payment_ids),)
    if status not in REINSTATED:
        return event.odd("status", event.object.get("status"))
    return (_money_back(event, "The bank gave the disputed money back"),)


def _chargeback(event: Event) -> Reading:
    amount = money(event.object.get("amount"), event.object.get("currency"))
    if amount.minor <= 0:
        return dispute_notice(event)
    taken = Refund(
        keys=(_dispute_key(event),),
        parent_keys=event.payment_ids,
        amount=amount,
        reason=RefundReason.CHARGEBACK,
        occurred_at=event.created,
        sources=(event.object,),
    )
    return (taken,)


def _money_back(event: Event, how: str) -> Reinstatement:
    return Reinstatement(
        refund_keys=(_dispute_key(event),),
        parent_keys=event.payment_ids,
        amount=above_zero(event.object.get("amount"), event.object.get("currency")),
        text=f"{how}; Stripe has the money again.",
        reason=RefundReason.CHARGEBACK,
        occurred_at=event.created,
    )


def _dispute_key(event: Event) -> str:
    """The dispute's id; before 2014 it had none, and a charge had at most one dispute."""
    if not ident(event.object) and event.payment_ids:
        return f"dispute of {event.payment_ids[0]}"
    return event.own_id
