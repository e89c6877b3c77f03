"""Money that came in through Stripe, event by event: charges, payment intents and Checkout sessions.

Stripe announces one gift up to four times; every announcement carries the ids it knows, so that they meet in one
payment. The status decides, not the name of the event.
"""

from __future__ import annotations

from typing import Any

from relay.gifts import Flag, Gift, Link
from relay.money import Money
from relay.providers import metadata
from relay.providers.base import dig, ident, moment, present
from relay.providers.stripe import people
from relay.providers.stripe.amounts import fee_of, money
from relay.providers.stripe.event import Event, Reading

# charge.status -> why it is no gift. "paid" is "succeeded" before API 2015-02-18; older charges have no status, only
# ``paid`` (https://docs.stripe.com/upgrades#2015-02-18).
CHARGE_STATUS = {
    "succeeded": "",
    "paid": "",
    "pending": "the money is on its way",
    "failed": "the payment failed",
}
# payment_intent.status -> why it is no gift (https://docs.stripe.com/payments/paymentintents/lifecycle).
INTENT_STATUS = {
    "succeeded": "",
    "processing": "the money is on its way",
    "requires_capture": "authorized, not captured",
    "requires_action": "the donor has not finished paying",
    "requires_confirmation": "the donor has not finished paying",
    "requires_payment_method": "the payment failed or was not tried yet",
    "canceled": "the payment was canceled",
}
# session.payment_status -> why it is no gift (https://docs.stripe.com/api/checkout/sessions/object).
SESSION_STATUS = {
    "paid": "",
    "unpaid": "not paid yet",
    "no_payment_required": "nothing was to be paid",
}


def charge(event: Event) -> Reading:
    """charge.succeeded and charge.captured: the richest announcement of a gift."""
    paid = event.object
    if odd := _odd_charge(paid):
        return event.odd(*odd)
    if why := _not_received(paid):
        return why
    amount = _captured(event)
    if amount.minor <= 0:
        return "the amount is zero"
    keys = present(event.own_id, event.id_of("payment_intent"), event.id_of("invoice"))
    words = metadata.merged(paid.get("metadata"))
    gift = Gift(
        keys=keys,
        amount=amount,
        occurred_at=moment(paid.get("created")) or event.created,
        fee=fee_of(paid),
        designations=metadata.designations(words, amount.currency),
        sources=(paid,),
        **people.of_charge(paid).fields(words),
    )
    return (gift,)


def _odd_charge(paid: dict[str, Any]) -> tuple[str, object] | None:
    """What a charge tells in a word unknown to relay, and the word; charges before 2015 have no status."""
    status = paid.get("status")
    if status is not None and (not isinstance(status, str) or status not in CHARGE_STATUS):
        return "status", status
    if not isinstance(paid.get("captured", True), bool):
        return "captured", paid["captured"]
    told = paid.get("paid")
    return ("paid", told) if not isinstance(told, bool) and (status is None or told is not None) else None


def _not_received(paid: dict[str, Any]) -> str:
    """Why a charge is no money received; "" if it is."""
    status = paid.get("status")
    if status is not None and (why := CHARGE_STATUS.get(str(status), "its status is not known")):
        return why
    if paid.get("paid") is False or (status is None and paid.get("paid") is not True):
        return "the charge is not paid"
    # Charges have had ``captured`` since 2013; before that every charge was captured.
    return "" if paid.get("captured", True) is True else "authorized, not captured"


def _captured(event: Event) -> Money:
    """The money taken: ``amount_captured``; before 2020 a partial capture showed as a refund of the rest."""
    paid = event.object
    whole = money(paid.get("amount"), paid.get("currency"))
    if paid.get("amount_captured") is not None:
        return money(paid["amount_captured"], paid.get("currency"))
    if event.type == "charge.captured" and paid.get("amount_refunded"):
        return whole - money(paid["amount_refunded"], paid.get("currency"))
    return whole


def payment_intent(event: Event) -> Reading:
    """payment_intent.succeeded: the money, and of the donor only what a charge inside it tells (before 2022-11-15)."""
    intent = event.object
    status = intent.get("status")
    if not isinstance(status, str) or status not in INTENT_STATUS:
        return event.odd("status", status)
    if why := INTENT_STATUS[status]:
        return why
    inside = _charge_inside(intent)
    amount = money(_received(intent), intent.get("currency"))
    if amount.minor <= 0:
        return "the amount is zero"
    keys = present(event.own_id, event.id_of("latest_charge") or ident(inside), event.id_of("invoice"))
    words = metadata.merged(intent.get("metadata"), inside.get("metadata"))
    gift = Gift(
        keys=keys,
        amount=amount,
        occurred_at=moment(inside.get("created")) or event.created,
        fee=fee_of(inside),
        designations=metadata.designations(words, amount.currency),
        sources=(intent,),
        **(people.of_charge(inside) if inside else people.of_intent(intent)).fields(words),
    )
    return (gift,)


def _received(intent: dict[str, Any]) -> object:
    """``amount_received``; the first payment intents of 2018 had only ``amount``."""
    return intent.get("amount") if intent.get("amount_received") is None else intent["amount_received"]


def _charge_inside(intent: dict[str, Any]) -> dict[str, Any]:
    """The charge that succeeded, where the event brings it: ``latest_charge`` expanded, or one of ``charges.data``."""
    listed = dig(intent, "charges", "data")
    found = [intent.get("latest_charge"), *(listed if isinstance(listed, list) else [])]
    charges = [one for one in found if isinstance(one, dict)]
    return next((one for one in charges if not _not_received(one)), {})


def session(event: Event) -> Reading:
    """checkout.session.completed and .async_payment_succeeded: a gift only when the session itself was paid."""
    mode = event.object.get("mode")
    if mode == "setup":
        return "a card was saved; no money moved"
    if mode == "subscription" or (mode is None and event.id_of("subscription")):
        return _subscribed(event)
    if mode not in ("payment", None):
        return event.odd("mode", mode)
    status = event.object.get("payment_status")
    if status is None:
        text = "A Checkout session without payment_status (API before 2020): its charge tells whether it was paid."
        return (Flag(text=text, parent_keys=_session_keys(event)),)
    if not isinstance(status, str) or status not in SESSION_STATUS:
        return event.odd("payment_status", status)
    if why := SESSION_STATUS[status]:
        return why
    return _session_gift(event)


def _session_keys(event: Event) -> tuple[str, ...]:
    return present(event.id_of("payment_intent"), event.own_id, event.id_of("invoice"))


def _subscribed(event: Event) -> Reading:
    """The money of a subscription is on its first invoice; the session only says which one that is."""
    keys = present(event.own_id, event.id_of("invoice"))
    return (Link(keys=keys),) if len(keys) == 2 else "a subscription began; its invoice announces the money"


def _session_gift(event: Event) -> Reading:
    paid = event.object
    amount = money(paid.get("amount_total"), paid.get("currency"))
    if amount.minor <= 0:
        return "the amount is zero"
    words = metadata.merged(paid.get("metadata"), _custom_fields(paid))
    gift = Gift(
        keys=_session_keys(event),
        amount=amount,
        occurred_at=event.created,
        recurring=False,
        designations=metadata.designations(words, amount.currency),
        sources=(paid,),
        **people.of_session(paid).fields(words),
    )
    return (gift,)


def _custom_fields(paid: dict[str, Any]) -> dict[str, Any]:
    """What the donor typed into the organization's own fields at Checkout, as if it were metadata."""
    fields = paid.get("custom_fields")
    typed = {}
    for field in fields if isinstance(fields, list) else []:
        key, kind = dig(field, "key"), dig(field, "type")
        if isinstance(key, str) and isinstance(kind, str):
            typed[key] = dig(field, kind, "value")
    return typed
