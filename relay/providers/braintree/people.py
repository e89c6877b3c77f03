"""Who gave, and how: names, addresses and tenders out of a Braintree transaction.

https://developer.paypal.com/braintree/docs/reference/response/transaction
"""

from __future__ import annotations

from typing import Any

from relay.gifts import Address, Billing, Donor, Name, Shipping, Tender, TenderKind
from relay.providers import metadata
from relay.providers.base import dig, text

# payment_instrument_type -> ours, and where the details stand. A card in a phone wallet is a card.
TENDERS = {
    "credit_card": (TenderKind.CARD, "credit_card"),
    "apple_pay_card": (TenderKind.CARD, "apple_pay"),
    "android_pay_card": (TenderKind.CARD, "android_pay_card"),
    "google_pay_card": (TenderKind.CARD, "google_pay_card"),
    "samsung_pay_card": (TenderKind.CARD, "samsung_pay_card"),
    "visa_checkout_card": (TenderKind.CARD, "visa_checkout_card"),
    "us_bank_account": (TenderKind.BANK_DEBIT, "us_bank_account"),
    "sepa_debit_account": (TenderKind.BANK_DEBIT, "sepa_debit_account"),
    "local_payment": (TenderKind.BANK_DEBIT, "local_payment"),
    "paypal_account": (TenderKind.WALLET, "paypal"),
    "paypal_here": (TenderKind.WALLET, "paypal_here"),
    "venmo_account": (TenderKind.WALLET, "venmo_account"),
}
# Where money is sure only once it is settled (https://developer.paypal.com/braintree/docs/guides/ach/overview).
BANK = ("us_bank_account", "sepa_debit_account")
BRANDS = {
    "visa": "Visa",
    "mastercard": "MasterCard",
    "american express": "American Express",
    "discover": "Discover",
    "diners club": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}


def instrument_of(paid: dict[str, Any]) -> str:
    """The kind of tender; older events tell it only by the part that is there."""
    told = text(paid.get("payment_instrument_type"))
    return told or next((word for word, (_, place) in TENDERS.items() if isinstance(paid.get(place), dict)), "")


def payer(paid: dict[str, Any], words: metadata.Words, full_name: str = "") -> dict[str, Any]:
    """Fields of Gift. The customer's name, else the billing name, the account holder's, or the payer's."""
    customer, billing = paid.get("customer"), paid.get("billing")
    names = (_name(customer), _name(billing), Name(full=_holder(paid)), Name(full=full_name))
    told = Donor(
        name=next((name for name in names if name != Name()), Name()),
        email=text(dig(customer, "email")) or text(dig(paid, "paypal", "payer_email")),
        phone=text(dig(customer, "phone")),
        address=_address(billing),
    )
    donor = metadata.completed(told, words)
    differs = _name(billing) not in (Name(), donor.name)
    return {
        "donor": donor,
        "billing": Billing(name=_name(billing), address=told.address) if differs else Billing(),
        "shipping": Shipping(name=_name(paid.get("shipping")), address=_address(paid.get("shipping"))),
        "tender": _tender(paid),
    } | metadata.gift_fields(words)


def _holder(paid: dict[str, Any]) -> str:
    account = text(dig(paid, "us_bank_account", "account_holder_name"))
    return account or text(dig(paid, "credit_card", "cardholder_name"))


def _name(value: object) -> Name:
    first, last = text(dig(value, "first_name")), text(dig(value, "last_name"))
    return Name(first=first, last=last) if first and last else Name(full=first or last or text(dig(value, "company")))


def _address(value: object) -> Address:
    return Address(
        street1=text(dig(value, "street_address")),
        street2=text(dig(value, "extended_address")),
        city=text(dig(value, "locality")),
        state=text(dig(value, "region")),
        zip=text(dig(value, "postal_code")),
        country=text(dig(value, "country_code_alpha2")),
    )


def _tender(paid: dict[str, Any]) -> Tender:
    kind, place = TENDERS.get(instrument_of(paid), (TenderKind.OTHER, ""))
    details = paid.get(place)
    last4 = text(dig(details, "last_4"))
    month, year = (_number(dig(details, f"expiration_{part}")) for part in ("month", "year"))
    dated = kind is TenderKind.CARD and 1 <= month <= 12 and 2000 <= year <= 2199
    return Tender(
        kind=kind,
        card_type=BRANDS.get(text(dig(details, "card_type")).lower(), "") if kind is TenderKind.CARD else "",
        last4=last4 if len(last4) == 4 and last4.isascii() and last4.isalnum() else "",
        exp_month=month if dated else None,
        exp_year=year if dated else None,
    )


def _number(value: object) -> int:
    written = text(value)
    return int(written) if len(written) <= 4 and written.isascii() and written.isdigit() else 0
