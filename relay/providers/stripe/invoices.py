"""Invoices: every member of a recurring gift is paid through one.

Until API 2025-03-31.basil an invoice named its charge and payment intent. Since then it names neither, the charge
does not name its invoice, and only ``invoice_payment.paid`` (or the invoice's ``payments``, where expanded) tells
which payment paid it (https://docs.stripe.com/changelog/basil/2025-03-31/add-support-for-multiple-partial-payments-on-invoices).
docs/providers/stripe.md argues what follows from it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from relay.errors import NotUnderstood
from relay.gifts import Designation, Gift
from relay.money import Money
from relay.providers import metadata
from relay.providers.base import dig, ident, moment, present, text
from relay.providers.stripe import people
from relay.providers.stripe.amounts import above_zero, money
from relay.providers.stripe.event import Event, Reading

# invoice.status -> why it is no gift (https://docs.stripe.com/invoicing/integration/workflow-transitions).
STATUS = {
    "paid": "",
    "draft": "the invoice is a draft",
    "open": "the invoice is open",
    "uncollectible": "the invoice was given up",
    "void": "the invoice was voided",
}
# invoice_payment.status -> why it is no gift (https://docs.stripe.com/api/invoice-payment/object).
PART_STATUS = {"paid": "", "open": "not paid yet", "canceled": "canceled; nothing was paid"}
# payment.type of an invoice payment that Stripe had no part in.
OUTSIDE = frozenset({"payment_record", "out_of_band_payment"})
UNLINKED = (
    "This invoice does not say which payment paid it (Stripe API 2025-03-31 and later). charge.succeeded announces "
    "the same money, and invoice_payment.paid joins the two."
)
OFF_STRIPE = "This invoice was marked as paid outside Stripe; Stripe never had the money."
CONTRADICTS = "This invoice says that another amount was due than its total."
IN_PARTS = "This invoice was paid in several parts; the charge of each part is announced by itself."


def invoice(event: Event) -> Reading:
    """invoice.paid and invoice.payment_succeeded (both come for one invoice)."""
    bill = event.object
    if odd := _odd(bill):
        return event.odd(*odd)
    if why := _not_paid(bill):
        return why
    amount = _amount(bill)
    if amount.minor <= 0:
        return "nothing was paid"
    parts = _parts(bill)
    if _in_parts(parts, amount, bill):
        return tuple(_gift(event, _part_keys(part), _part_amount(part, bill), IN_PARTS) for part in parts)
    part = parts[0] if parts else {}
    charge = event.id_of("charge") or _paid_by(part, "charge")
    intent = event.id_of("payment_intent") or _paid_by(part, "payment_intent")
    keys = present(charge, event.own_id, intent) if charge else present(intent, event.own_id)
    return (_gift(event, keys, amount, _why_unsure(bill, linked=bool(charge or intent))),)


def _odd(bill: dict[str, Any]) -> tuple[str, object] | None:
    """The word of an invoice that relay does not know, and its field; ``status`` is of 2018, ``paid`` went in 2025."""
    status, told = bill.get("status"), bill.get("paid")
    if status is not None and (not isinstance(status, str) or status not in STATUS):
        return "status", status
    return ("paid", told) if not isinstance(told, bool) and (status is None or told is not None) else None


def _not_paid(bill: dict[str, Any]) -> str:
    """Why an invoice is not paid; "" if it is."""
    status = bill.get("status")
    if status is not None and STATUS[status]:
        return STATUS[status]
    return "" if bill.get("paid") is not False else "the invoice is not paid"


def _amount(bill: dict[str, Any]) -> Money:
    """``amount_paid``; before 2018 what was due of an invoice that is paid."""
    paid = bill.get("amount_due") if bill.get("amount_paid") is None else bill["amount_paid"]
    return money(paid, bill.get("currency"))


def _why_unsure(bill: dict[str, Any], *, linked: bool) -> str:
    """Why the invoice alone is not proof enough to post; "" if it is."""
    if bill.get("paid_out_of_band") is True or bill.get("amount_paid_off_stripe"):
        return OFF_STRIPE
    if not linked:
        return UNLINKED
    # Recorded by opencollective in 2015: total 0, amount_due 10.00.
    return CONTRADICTS if bill.get("amount_paid") is None and bill.get("total") == 0 else ""


def _gift(event: Event, keys: tuple[str, ...], amount: Money, hold: str) -> Gift:
    bill = event.object
    words = metadata.merged(bill.get("metadata"), *_subscription_metadata(bill))
    return Gift(
        keys=keys,
        amount=amount,
        occurred_at=moment(dig(bill, "status_transitions", "paid_at")) or event.created,
        recurring=_recurring(bill),
        designations=metadata.designations(words, amount.currency) or _of_lines(bill, amount),
        hold=hold,
        sources=(bill,),
        **people.of_invoice(bill).fields(words),
    )


def _recurring(bill: dict[str, Any]) -> bool | None:
    """Whether a subscription made the invoice; None where it does not tell."""
    subscription = bill.get("subscription") or dig(bill, "parent", "subscription_details", "subscription")
    reason = text(bill.get("billing_reason"))
    if subscription or reason.startswith("subscription"):
        return True
    if not reason:
        return True if any(line.get("type") == "subscription" for line in _lines(bill)) else None
    return False


def _subscription_metadata(bill: dict[str, Any]) -> tuple[Any, Any]:
    """The subscription's own metadata: since API 2025-03-31, and before it."""
    return dig(bill, "parent", "subscription_details", "metadata"), dig(bill, "subscription_details", "metadata")


def _lines(bill: dict[str, Any]) -> list[dict[str, Any]]:
    lines = dig(bill, "lines", "data")
    return [line for line in lines if isinstance(line, dict)] if isinstance(lines, list) else []


def _of_lines(bill: dict[str, Any], amount: Money) -> tuple[Designation, ...]:
    """The fund of each line: one if they agree, else shares if the lines add up to the gift."""
    lines = [line for line in _lines(bill) if line.get("amount")]
    funds = [metadata.designations(metadata.merged(line.get("metadata")), amount.currency)[:1] for line in lines]
    if len(set(funds)) == 1:
        return funds[0]
    shares = [above_zero(line.get("amount"), line.get("currency")) for line in lines]
    if None in shares or sum(share.minor for share in shares if share) != amount.minor:
        return ()
    named = [found[0] if found else Designation() for found in funds]
    return tuple(replace(one, amount=share) for one, share in zip(named, shares, strict=True))


def _in_parts(parts: list[dict[str, Any]], whole: Money, bill: dict[str, Any]) -> bool:
    """Whether one payment did not bring it all: several are listed, or the one listed brought another amount."""
    return len(parts) > 1 or any(
        part.get("amount_paid") is not None and _part_amount(part, bill) != whole for part in parts
    )


def _parts(bill: dict[str, Any]) -> list[dict[str, Any]]:
    """The payments of an invoice that were made, where the event brings them."""
    listed = dig(bill, "payments", "data")
    found = [part for part in listed if isinstance(part, dict)] if isinstance(listed, list) else []
    return [part for part in found if part.get("status", "paid") == "paid"]


def _paid_by(part: dict[str, Any], what: str) -> str:
    """The charge or payment intent of an invoice payment (top-level in previews of the API)."""
    return ident(dig(part, "payment", what)) or ident(part.get(what))


def _part_keys(part: dict[str, Any]) -> tuple[str, ...]:
    keys = present(_paid_by(part, "charge"), _paid_by(part, "payment_intent")) or present(ident(part))
    if keys:
        return keys
    raise NotUnderstood("a part payment of an invoice names no id")


def _part_amount(part: dict[str, Any], bill: dict[str, Any]) -> Money:
    return money(part.get("amount_paid"), part.get("currency") or bill.get("currency"))


def invoice_payment(event: Event) -> Reading:
    """invoice_payment.paid: money that a payment brought to an invoice, and the only event that names both.

    Only the default payment of an invoice is joined to it: two part payments joined through one invoice would
    look like one gift, and one of them would be lost.
    """
    part = event.object
    status = part.get("status")
    if not isinstance(status, str) or status not in PART_STATUS:
        return event.odd("status", status)
    if why := PART_STATUS[status]:
        return why
    payers = present(_paid_by(part, "payment_intent"), _paid_by(part, "charge"))
    if not payers:
        kind = dig(part, "payment", "type")
        return "paid outside Stripe; its invoice is held for a person" if kind in OUTSIDE else event.odd("payer", kind)
    amount = money(part.get("amount_paid"), part.get("currency"))
    if amount.minor <= 0:
        return "nothing was paid"
    bill = event.id_of("invoice") if part.get("is_default") is not False else ""
    when = moment(dig(part, "status_transitions", "paid_at")) or event.created
    return (Gift(keys=present(*payers, bill), amount=amount, occurred_at=when, sources=(part,)),)
