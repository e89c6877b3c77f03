"""The donor, as an order, a payment or a subscription of PayPal's describes them; captures and sales do not."""

from __future__ import annotations

from typing import Any

from relay.gifts import Address, Donor, Name, Tender, TenderKind
from relay.providers.base import dig, first, text


def donor_of(found: dict[str, Any]) -> Donor:
    """The donor of an order (``payer``), a payment of version 1 (``payer.payer_info``) or a subscription."""
    who = first((dig(found, "payer", "payer_info"), found.get("payer"), found.get("subscriber")))
    if not isinstance(who, dict):
        return Donor()
    places = (who.get("address"), who.get("billing_address"), dig(who, "shipping_address", "address"))
    shipped = (dig(found, "purchase_units", 0, "shipping", "address"), who.get("shipping_address"))
    known = (address(place) for place in (*places, *shipped))
    return Donor(
        name=_name(who),
        email=text(who.get("email_address")) or text(who.get("email")),
        phone=text(dig(who, "phone", "phone_number", "national_number")) or text(who.get("phone")),
        address=next((place for place in known if place.street1), Address()),
    )


def _name(who: dict[str, Any]) -> Name:
    given = text(dig(who, "name", "given_name")) or text(who.get("first_name"))
    last = text(dig(who, "name", "surname")) or text(who.get("last_name"))
    return Name(first=given, middle=text(who.get("middle_name")), last=last)


def address(place: object) -> Address:
    """An address in the words of version 2 or version 1."""
    return Address(
        street1=text(dig(place, "address_line_1")) or text(dig(place, "line1")),
        street2=text(dig(place, "address_line_2")) or text(dig(place, "line2")),
        city=text(dig(place, "admin_area_2")) or text(dig(place, "city")),
        state=text(dig(place, "admin_area_1")) or text(dig(place, "state")),
        zip=text(dig(place, "postal_code")),
        country=text(dig(place, "country_code")),
    )


def tender_of(found: dict[str, Any]) -> Tender:
    """A PayPal balance, unless the order says that a card was typed in."""
    card = dig(found, "payment_source", "card")
    if not isinstance(card, dict):
        return Tender(kind=TenderKind.WALLET)
    last4 = text(card.get("last_digits"))
    known = last4 if len(last4) == 4 and last4.isdecimal() else ""
    return Tender(kind=TenderKind.CARD, card_type=text(card.get("brand")).title(), last4=known)
