"""Who gave, and how: names, addresses and tenders out of Stripe's objects, of every API version since 2012."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from relay.gifts import Address, Billing, Donor, Name, Shipping, Tender, TenderKind
from relay.providers import metadata
from relay.providers.base import dig, first, text

# payment_method_details.type -> ours (https://docs.stripe.com/api/charges/object, "payment_method_details").
# A card in a phone wallet (Apple Pay, Google Pay) has the type "card". What is not here is OTHER.
_TENDERS = {
    TenderKind.CARD: "card card_present interac_present kr_card three_d_secure",
    TenderKind.BANK_DEBIT: """
        us_bank_account ach_debit ach_credit_transfer sepa_debit sepa_credit_transfer bacs_debit acss_debit
        au_becs_debit nz_bank_account payto bank_account customer_balance ideal sofort eps giropay bancontact p24 fpx
        pay_by_bank multibanco blik bizum
    """,
    TenderKind.WALLET: """
        link paypal cashapp amazon_pay revolut_pay alipay wechat wechat_pay grabpay mobilepay kakao_pay naver_pay payco
        paypay samsung_pay satispay swish twint mb_way paynow promptpay pix upi
    """,
}
TENDERS: Mapping[str, TenderKind] = {word: kind for kind, words in _TENDERS.items() for word in words.split()}
# Stripe's brand, in both of its spellings -> the name on the card.
BRANDS = {
    "visa": "Visa",
    "mastercard": "MasterCard",
    "amex": "American Express",
    "american express": "American Express",
    "discover": "Discover",
    "diners": "Diners Club",
    "diners club": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}
# Keys of a Checkout Session's consent (https://docs.stripe.com/api/checkout/sessions/object, "consent.promotions").
CONSENTS = {"opt_in": True, "opt_out": False}


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays as Stripe tells it, before metadata adds to it."""

    donor: Donor
    shipping: Shipping
    tender: Tender = field(default_factory=Tender)

    def fields(self, words: metadata.Words) -> dict[str, Any]:
        """Fields of Gift: the donor completed by metadata; where that changed the name, the card's own as billing."""
        donor = metadata.completed(self.donor, words)
        differs = donor.name != self.donor.name and self.donor.name != Name()
        billing = Billing(name=self.donor.name, address=self.donor.address) if differs else Billing()
        return {
            "donor": donor,
            "billing": billing,
            "shipping": self.shipping,
            "tender": self.tender,
        } | metadata.gift_fields(words)


def of_charge(charge: dict[str, Any]) -> Payer:
    """The cardholder. Before 2018 they are on ``source`` (2015 and later) or ``card``."""
    billing = charge.get("billing_details")
    source = first([charge.get("source"), charge.get("card")])
    owner = first([dig(source, "owner"), {}])
    return Payer(
        donor=Donor(
            name=_name(dig(billing, "name"), dig(owner, "name"), dig(source, "name")),
            email=_first(dig(billing, "email"), charge.get("receipt_email"), dig(owner, "email")),
            phone=_first(dig(billing, "phone"), dig(owner, "phone")),
            address=_address_of(dig(billing, "address"), dig(owner, "address")) or _card_address(source),
        ),
        shipping=shipping(charge.get("shipping")),
        tender=tender(charge.get("payment_method_details"), source),
    )


def of_intent(intent: dict[str, Any]) -> Payer:
    """What the payment intent itself knows: an e-mail at most, unless it ships something."""
    donor = Donor(email=text(intent.get("receipt_email")))
    return Payer(donor=donor, shipping=shipping(intent.get("shipping")), tender=only_tender(intent))


def of_session(session: dict[str, Any]) -> Payer:
    """What the donor typed at Checkout (``customer_details``; shipping moved twice over the years)."""
    told = session.get("customer_details")
    ships = (dig(session, "collected_information", "shipping_details"), session.get("shipping_details"))
    promotions = dig(session, "consent", "promotions")
    donor = Donor(
        name=_name(dig(told, "name"), dig(told, "individual_name"), dig(told, "business_name")),
        email=_first(dig(told, "email"), session.get("customer_email")),
        phone=_first(dig(told, "phone")),
        address=_address_of(dig(told, "address")) or Address(),
        email_opt_in=CONSENTS.get(promotions) if isinstance(promotions, str) else None,
    )
    sent = shipping(first([*ships, session.get("shipping")]))
    return Payer(donor=donor, shipping=sent, tender=only_tender(session))


def of_invoice(invoice: dict[str, Any]) -> Payer:
    """The customer as the invoice copied them."""
    donor = Donor(
        name=_name(invoice.get("customer_name")),
        email=_first(invoice.get("customer_email")),
        phone=_first(invoice.get("customer_phone")),
        address=_address_of(invoice.get("customer_address")) or Address(),
    )
    return Payer(donor=donor, shipping=shipping(invoice.get("customer_shipping")))


def shipping(value: object) -> Shipping:
    """Who receives something, and where."""
    address = _address_of(dig(value, "address")) or Address()
    return Shipping(name=_name(dig(value, "name")), address=address, phone=_first(dig(value, "phone")))


def tender(details: object, source: object) -> Tender:
    """How the donor paid: ``payment_method_details``, or the ``source`` or ``card`` of a charge before 2018."""
    kind = text(dig(details, "type"))
    if kind:
        return _tender(TENDERS.get(kind, TenderKind.OTHER), dig(details, kind))
    kind = _first(dig(source, "type") if dig(source, "object") == "source" else dig(source, "object"))
    if not kind:
        return Tender()
    return _tender(TENDERS.get(kind, TenderKind.OTHER), first([dig(source, kind), source]))


def only_tender(offered: dict[str, Any]) -> Tender:
    """The kind of tender where only one was offered (``payment_method_types``); the charge tells the rest."""
    types = offered.get("payment_method_types")
    only = text(types[0]) if isinstance(types, list) and len(types) == 1 else ""
    return Tender(kind=TENDERS.get(only, TenderKind.OTHER))


def _tender(kind: TenderKind, details: object) -> Tender:
    brand = _first(dig(details, "brand"), dig(details, "type"))
    month, year = dig(details, "exp_month"), dig(details, "exp_year")
    dated = type(month) is int and type(year) is int and 1 <= month <= 12 and 2000 <= year <= 2199
    last4 = text(dig(details, "last4"))
    return Tender(
        kind=kind,
        card_type=BRANDS.get(brand.lower(), "") if kind is TenderKind.CARD else "",
        last4=last4 if len(last4) == 4 and last4.isalnum() else "",
        exp_month=month if dated else None,
        exp_year=year if dated else None,
    )


def _first(*values: object) -> str:
    """The first text that says something."""
    return next((found for value in values if (found := text(value))), "")


def _name(*values: object) -> Name:
    return Name(full=_first(*values))


def _address_of(*values: object) -> Address | None:
    """The first address that says something."""
    for value in values:
        found = Address(
            street1=text(dig(value, "line1")),
            street2=text(dig(value, "line2")),
            city=text(dig(value, "city")),
            state=text(dig(value, "state")),
            zip=text(dig(value, "postal_code")),
            country=text(dig(value, "country")),
        )
        if found != Address():
            return found
    return None


def _card_address(card: object) -> Address:
    """The address on a card object (https://docs.stripe.com/api/cards/object)."""
    return Address(
        street1=text(dig(card, "address_line1")),
        street2=text(dig(card, "address_line2")),
        city=text(dig(card, "address_city")),
        state=text(dig(card, "address_state")),
        zip=text(dig(card, "address_zip")),
        country=text(dig(card, "address_country")),
    )
