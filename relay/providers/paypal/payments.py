"""Money that came in through PayPal: captures, sales (version 1 and every subscription) and orders.

https://developer.paypal.com/docs/api/payments/v2/#captures_get, https://developer.paypal.com/docs/api/orders/v2/. The
status decides, not the name of the event. ``exchange_rate`` and ``receivable_amount`` never replace the amount given.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from relay.errors import NotUnderstood
from relay.gifts import Fact, Flag, Gift
from relay.money import Money
from relay.providers import letters, metadata
from relay.providers.base import dig, ident, present, text
from relay.providers.paypal import people
from relay.providers.paypal.event import Event, Reading, money, money_or_none, status_of
from relay.providers.times import instant

# status (version 2) or state (version 1) -> why it is no gift; "": the money came, whatever went back since.
STATUS = {
    "completed": "",
    "partially_refunded": "",
    "refunded": "",
    "reversed": "",
    "pending": "the money is on its way",
    "created": "the money is on its way",
    "denied": "the payment was denied",
    "declined": "the payment was declined",
    "failed": "the payment failed",
    "voided": "the payment was voided",
}
_SPLIT = re.compile(r":\s*\d")


def payment(event: Event) -> Reading:
    """PAYMENT.CAPTURE.* and PAYMENT.SALE.* about money that comes in."""
    status = event.status
    if status not in STATUS:
        return (Flag(text=f"{event.type} with the status '{status}': look at it in PayPal.", parent_keys=_keys(event)),)
    return STATUS[status] or _gift(event, event.resource, event.payer, event.resource)


def _keys(event: Event) -> tuple[str, ...]:
    return (event.own_id,)


def order(event: Event) -> Reading:
    """CHECKOUT.ORDER.COMPLETED and .PROCESSED: the captures inside, with the donor.

    The order's own id is no key: an order may hold several captures, and they must not seem to be one.
    """
    facts: list[Fact] = []
    why = "the order holds no capture: the capture announces the money"
    for unit in _dicts(event.resource.get("purchase_units")):
        for capture in _dicts(dig(unit, "payments", "captures")):
            read = _in_order(event, capture, unit)
            facts += [] if isinstance(read, str) else read
            why = read if isinstance(read, str) else why
    return tuple(facts) or why


def _in_order(event: Event, capture: dict[str, Any], unit: dict[str, Any]) -> Reading:
    status = status_of(capture)
    if status not in STATUS:
        sentence = f"{event.type} holds a capture with the status '{status}': look at it in PayPal."
        return (Flag(text=sentence, parent_keys=present(ident(capture))),)
    return STATUS[status] or _gift(event, capture, event.resource, unit)


def _dicts(found: object) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _gift(event: Event, paid: dict[str, Any], payer: dict[str, Any], named: dict[str, Any]) -> Reading:
    """A gift from a capture or sale, the object that knows the donor, and the one that has the page's own words."""
    if not (key := ident(paid)):
        raise NotUnderstood(f"{event.type} carries a payment without an id")
    amount = money(paid.get("amount"))
    if amount.minor < 0:
        raise NotUnderstood(f"{event.type} with an amount below zero")
    if not amount.minor:
        return "the amount is zero"
    words = words_of(paid, named, event.fund_from)
    gift = Gift(
        keys=(key,),
        amount=amount,
        occurred_at=instant(paid.get("create_time")) or event.created,
        donor=metadata.completed(people.donor_of(payer), words),
        tender=people.tender_of(payer),
        designations=metadata.designations(words, amount.currency),
        recurring=True if text(paid.get("billing_agreement_id")) else None,
        fee=_fee(paid, amount),
        sources=(paid, payer) if payer else (paid,),
        **metadata.gift_fields(words),
    )
    return (gift,)


def words_of(paid: dict[str, Any], named: dict[str, Any], fund_from: str) -> dict[str, str]:
    """What the organization's page put into ``custom_id`` (or ``invoice_id``): a fund, a split, or a JSON object."""
    fields = {"custom": ("custom_id", "custom"), "invoice": ("invoice_id", "invoice_number")}.get(fund_from, ())
    said = next((found for field in fields for one in (paid, named) if (found := text(one.get(field)))), "")
    if said.startswith("{"):
        try:
            return metadata.merged(letters.without_nul(letters.loads(said.encode())))
        except orjson.JSONDecodeError:
            return {"fund": said}
    if not said:
        return {}
    return {"designations": said} if _SPLIT.search(said) else {"fund": said}


def _fee(paid: dict[str, Any], amount: Money) -> Money | None:
    """What PayPal kept, where it is told in the gift's currency."""
    told = dig(paid, "seller_receivable_breakdown", "paypal_fee") or paid.get("transaction_fee")
    fee = money_or_none(told)
    return fee if fee and fee.currency == amount.currency and fee.minor >= 0 else None
