"""Money that went back through PayPal, or came back after all: refunds, reversals, disputes.

https://developer.paypal.com/docs/api/payments/v2/#refunds_get,
https://developer.paypal.com/docs/api/customer-disputes/v1/
"""

from __future__ import annotations

import re

from relay.errors import MoneyError
from relay.gifts import Flag, Refund, RefundReason, Reinstatement
from relay.money import Money
from relay.providers.base import dig, ident, present, text
from relay.providers.paypal.event import Event, Reading, money_or_none, taken_back

# status or state of a refund -> why no money went back yet.
PENDING = {"pending": "the refund is on its way", "created": "the refund is on its way"}
UNDONE = {"failed": "failed", "cancelled": "was cancelled", "canceled": "was cancelled"}
# dispute_outcome.outcome_code: the other codes do not say who has the money in the end.
LOST = frozenset({"RESOLVED_BUYER_FAVOUR"})
WON = {
    "RESOLVED_SELLER_FAVOUR": "The dispute was won; PayPal leaves the money, or gives it back.",
    "CANCELED_BY_BUYER": "The donor took the dispute back; PayPal leaves the money, or gives it back.",
}
_PAYMENT = re.compile(r"/(?:captures?|sale)/([A-Za-z0-9_-]{1,100})/?", re.ASCII)


def refund(event: Event) -> Reading:
    """PAYMENT.CAPTURE.REFUNDED, PAYMENT.SALE.REFUNDED, PAYMENT.REFUND.*: one refund, known by its id."""
    return _given_back(event, RefundReason.REFUND)


def reversal(event: Event) -> Reading:
    """PAYMENT.CAPTURE.REVERSED, PAYMENT.SALE.REVERSED: the bank or PayPal pulled the money back."""
    return _given_back(event, RefundReason.CHARGEBACK)


def _given_back(event: Event, reason: RefundReason) -> Reading:
    key, parents, status = event.own_id, payment_of(event), event.status
    if status in PENDING:
        return PENDING[status]
    if not parents:
        return (Flag(text=f"{event.type} does not say which payment it takes back: look at it in PayPal."),)
    shared = (_reversal_of(parents[0]),) if reason is RefundReason.CHARGEBACK else ()
    amount = taken_back(event.resource.get("amount"))
    if not amount.minor:
        return (Flag(text=f"{event.type} of nothing: look at it in PayPal.", parent_keys=parents),)
    if status in UNDONE:
        said = f"The refund {UNDONE[status]}; PayPal has the money again."
        return (_back(event, (key, *shared), parents, amount, said, reason),)
    if status != "completed":
        return (Flag(text=f"{event.type} with the status '{status}': look at it in PayPal.", parent_keys=parents),)
    return (_refund(event, (key, *shared), parents, amount, reason),)


def payment_of(event: Event) -> tuple[str, ...]:
    """The capture or sale it is about: ``capture_id`` or ``sale_id`` (version 1), else a link (version 2)."""
    named = present(ident(event.resource.get("capture_id")), ident(event.resource.get("sale_id")))
    if named:
        return named[:1]
    links = event.resource.get("links")
    hrefs = [
        text(dig(one, "href"))
        for one in (links if isinstance(links, list) else [])
        if dig(one, "rel") in ("up", "capture", "sale")
    ]
    found = [match.group(1) for href in hrefs if (match := _PAYMENT.search(href)) and href.endswith(match.group(0))]
    return tuple(found[:1])


def _reversal_of(payment: str) -> str:
    """A reversal and a lost dispute may be the same money: once per payment."""
    return f"reversal of {payment}"


def _refund(
    event: Event, keys: tuple[str, ...], parents: tuple[str, ...], amount: Money, reason: RefundReason
) -> Refund:
    sources = (event.resource,)
    return Refund(keys=keys, parent_keys=parents, amount=amount, reason=reason, occurred_at=event.when, sources=sources)


def _back(
    event: Event, keys: tuple[str, ...], parents: tuple[str, ...], amount: Money | None, said: str, reason: RefundReason
) -> Reinstatement:
    return Reinstatement(
        refund_keys=keys, parent_keys=parents, amount=amount, text=said, reason=reason, occurred_at=event.created
    )


def dispute(event: Event) -> Reading:
    """CUSTOMER.DISPUTE.*: only a resolved one moves money, and only where its outcome says to whom."""
    payments = _disputed(event)
    outcome = text(dig(event.resource, "dispute_outcome", "outcome_code"))[:60]
    listed = event.resource.get("disputed_transactions")
    # One of which nothing is known may be another payment, and the amount is of both.
    decided = event.status == "resolved" and len(payments) == 1 and isinstance(listed, list) and len(listed) == 1
    if decided and outcome in WON:
        keys = (_dispute_id(event), _reversal_of(payments[0]))
        return (_back(event, keys, payments, _above_zero(event), WON[outcome], RefundReason.CHARGEBACK),)
    if decided and outcome in LOST:
        keys = (_dispute_id(event), _reversal_of(payments[0]))
        return (_refund(event, keys, payments, _lost(event), RefundReason.CHARGEBACK),)
    return (Flag(text=_told(event, outcome), parent_keys=payments),)


def _disputed(event: Event) -> tuple[str, ...]:
    listed = event.resource.get("disputed_transactions")
    found = listed if isinstance(listed, list) else []
    return present(*(ident(dig(one, "seller_transaction_id")) for one in found))


def _dispute_id(event: Event) -> str:
    """``dispute_id``; the API calls it the same."""
    return ident(event.resource.get("dispute_id")) or event.own_id


def _lost(event: Event) -> Money:
    """What the donor got: ``amount_refunded`` of the outcome, else the disputed amount. Raises MoneyError."""
    given = dig(event.resource, "dispute_outcome", "amount_refunded")
    amount = taken_back(event.resource.get("dispute_amount") if given is None else given)
    if not amount.minor:
        raise MoneyError("the amount lost is zero")
    return amount


def _above_zero(event: Event) -> Money | None:
    amount = money_or_none(event.resource.get("dispute_amount"))
    return amount if amount and amount.minor > 0 else None


def _told(event: Event, outcome: str) -> str:
    amount = money_or_none(event.resource.get("dispute_amount")) or "a gift"
    stage = text(event.resource.get("dispute_life_cycle_stage"))[:40]
    words = ", ".join(word.lower().replace("_", " ") for word in (event.status, stage, outcome) if word)
    return f"A dispute about {amount}: {words or 'unknown'}. Look at it in PayPal."
