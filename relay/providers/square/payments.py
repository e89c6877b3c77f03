"""Money that came in through Square, who gave it, and how.

The status decides: payment.created may tell of a failure, payment.updated comes many times for one payment.
"""

from __future__ import annotations

from typing import Any

from relay.errors import MoneyError
from relay.gifts import Address, Billing, Designation, Donor, Flag, Gift, Name, Shipping, Tender, TenderKind
from relay.money import Money
from relay.providers.base import dig, ident, present, text
from relay.providers.square.event import Event, Reading, money
from relay.providers.times import instant

# payment.status -> why it is no gift (https://developer.squareup.com/reference/square/objects/Payment).
PAYMENT_STATUS = {
    "COMPLETED": "",
    "APPROVED": "authorized, not captured",
    "PENDING": "the money is on its way",
    "CANCELED": "the payment was canceled",
    "FAILED": "the payment failed",
}
# payment.source_type -> ours; EXTERNAL and CASH are recorded by the seller, CARD covers phones that pay by card.
TENDERS = {
    "CARD": TenderKind.CARD,
    "BANK_ACCOUNT": TenderKind.BANK_DEBIT,
    "WALLET": TenderKind.WALLET,
    "SQUARE_ACCOUNT": TenderKind.WALLET,
    "CASH": TenderKind.CASH,
}
# external_details.type -> ours (https://developer.squareup.com/reference/square/objects/ExternalPaymentDetails).
EXTERNAL = {
    "CHECK": TenderKind.CHECK,
    "BANK_TRANSFER": TenderKind.BANK_DEBIT,
    "CARD": TenderKind.CARD,
    "EMONEY": TenderKind.WALLET,
    "SQUARE_CASH": TenderKind.WALLET,
}
BRANDS = {
    "VISA": "Visa",
    "MASTERCARD": "MasterCard",
    "AMERICAN_EXPRESS": "American Express",
    "DISCOVER": "Discover",
    "DISCOVER_DINERS": "Diners Club",
    "JCB": "JCB",
    "CHINA_UNIONPAY": "UnionPay",
}
MAX_CODE = 255


def payment(event: Event) -> Reading:
    """payment.created and payment.updated: a gift once the payment is COMPLETED; the update comes many times."""
    paid = event.object
    status = text(paid.get("status"))
    if status == "FAILED" and paid.get("source_type") == "BANK_ACCOUNT":
        # Square does not say how an ACH return after COMPLETED is told.
        sentence = "A bank payment that was completed has failed: look at it in Square."
        return (Flag(text=sentence, parent_keys=present(ident(paid)), only_if_booked=True),)
    if status not in PAYMENT_STATUS:
        sentence = f"A payment with the status '{status[:40]}', which relay does not know: look at it in Square."
        return (Flag(text=sentence, parent_keys=present(ident(paid))),)
    if why := PAYMENT_STATUS[status]:
        return why
    amount = _total(event)
    if amount.minor <= 0:
        return "the amount is zero"
    return (_gift(event, amount),)


def _total(event: Event) -> Money:
    """``total_money``, which is the amount and the tip; where it is missing, their sum."""
    if event.object.get("total_money") is not None:
        return event.money("total_money")
    amount = event.money("amount_money")
    tip = event.object.get("tip_money")
    return amount if tip is None else amount + money(tip)


def _gift(event: Event, amount: Money) -> Gift:
    paid = event.object
    fund = text(paid.get(event.fund_field))[:MAX_CODE]
    return Gift(
        keys=(event.own_id,),
        amount=amount,
        occurred_at=instant(paid.get("created_at")) or event.created,
        fee=_fee(paid, amount),
        designations=(Designation(fund=fund),) if fund else (),
        sources=(paid,),
        **_payer(paid),
    )


def _fee(paid: dict[str, Any], amount: Money) -> Money | None:
    """What Square kept, the sum of its parts; None where one is odd or in another currency."""
    listed = paid.get("processing_fee")
    total = Money(0, amount.currency)
    try:
        for part in listed if isinstance(listed, list) else []:
            total += money(dig(part, "amount_money"))
    except MoneyError:
        return None
    return total if total.minor > 0 else None


def _payer(paid: dict[str, Any]) -> dict[str, Any]:
    """Donor, shipping and tender. Payment links often tell nothing of the donor."""
    billing, shipping = address_of(paid.get("billing_address")), address_of(paid.get("shipping_address"))
    written, sent = name_of(paid.get("billing_address")), name_of(paid.get("shipping_address"))
    on_card = Name(full=text(dig(paid, "card_details", "card", "cardholder_name")))
    name = next((one for one in (written, sent, on_card) if one != Name()), Name())
    address = billing if billing != Address() else shipping
    differs = on_card != Name() and name != on_card
    return {
        "donor": Donor(name=name, email=text(paid.get("buyer_email_address")), address=address),
        "billing": Billing(name=on_card, address=billing) if differs else Billing(),
        "shipping": Shipping(name=sent, address=shipping),
        "tender": _tender(paid),
    }


def name_of(value: object) -> Name:
    """First and last name (of a customer: given and family name); half a name is one text."""
    first = text(dig(value, "first_name")) or text(dig(value, "given_name"))
    last = text(dig(value, "last_name")) or text(dig(value, "family_name"))
    return Name(first=first, last=last) if first and last else Name(full=first or last)


def address_of(value: object) -> Address:
    """https://developer.squareup.com/reference/square/objects/Address."""
    return Address(
        street1=text(dig(value, "address_line_1")),
        street2=text(dig(value, "address_line_2")),
        street3=text(dig(value, "address_line_3")),
        city=text(dig(value, "locality")),
        state=text(dig(value, "administrative_district_level_1")),
        zip=text(dig(value, "postal_code")),
        country=text(dig(value, "country")),
    )


def _tender(paid: dict[str, Any]) -> Tender:
    source = text(paid.get("source_type"))
    card = dig(paid, "card_details", "card")
    if source == "EXTERNAL":
        return Tender(kind=EXTERNAL.get(text(dig(paid, "external_details", "type")), TenderKind.OTHER))
    kind = TENDERS.get(source, TenderKind.CARD if isinstance(card, dict) else TenderKind.OTHER)
    if kind is not TenderKind.CARD:
        return Tender(kind=kind)
    month, year = dig(card, "exp_month"), dig(card, "exp_year")
    dated = type(month) is int and type(year) is int and 1 <= month <= 12 and 2000 <= year <= 2199
    last4 = text(dig(card, "last_4"))
    return Tender(
        kind=kind,
        card_type=BRANDS.get(text(dig(card, "card_brand")), ""),
        last4=last4 if len(last4) == 4 and last4.isascii() and last4.isdigit() else "",
        exp_month=month if dated else None,
        exp_year=year if dated else None,
    )
