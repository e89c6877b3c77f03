"""Money that came in through Adyen, who gave it, and how.

With automatic capture an authorisation is the gift; with manual capture the capture is
(https://docs.adyen.com/online-payments/capture). Donor, card and metadata are in additionalData, which an organization
must switch on, and which is not signed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from relay.gifts import Address, Billing, Donor, Gift, Link, Name, Shipping, Tender, TenderKind
from relay.providers import metadata
from relay.providers.adyen.item import Item, Reading
from relay.providers.base import present, text

# The beginning of paymentMethod ("visa_applepay" is a Visa card) -> the name on the card ("" where it has none).
# https://docs.adyen.com/development-resources/paymentmethodvariant
CARDS = {
    "visa": "Visa",
    "mc": "MasterCard",
    "amex": "American Express",
    "discover": "Discover",
    "diners": "Diners Club",
    "jcb": "JCB",
    "cup": "UnionPay",
    **dict.fromkeys(("maestro", "bcmc", "cartebancaire", "elo", "hipercard", "visadankort", "dankort"), ""),
    **dict.fromkeys(("visastandardcredit", "visastandarddebit", "visaclassic", "visagold", "electron"), "Visa"),
    **dict.fromkeys(("mccredit", "mcdebit", "mcstandardcredit", "mcstandarddebit"), "MasterCard"),
}
_KINDS = {
    TenderKind.BANK_DEBIT: """
        ach sepadirectdebit directdebit banktransfer ideal trustly eps giropay directebanking paybybank onlinebanking
        bankgiro eft padirectdebit blik pix payto dotpay
    """,
    TenderKind.WALLET: """
        paypal applepay googlepay paywithgoogle amazonpay alipay wechatpay mobilepay swish twint vipps cashapp
    """,
}
TENDERS: Mapping[str, TenderKind] = {word: kind for kind, words in _KINDS.items() for word in words.split()}
# shopperName as Adyen writes it: [first name=Anna, infix=null, last name=Berg, gender=null].
_NAME = re.compile(r"\[first name=(.*?), infix=(.*?), last name=(.*?)(?:, gender=.*)?\]")
_EXPIRY = re.compile(r"(\d{1,2})/(20\d\d)", re.ASCII)


def authorisation(item: Item) -> Reading:
    """AUTHORISATION: the gift, unless the organization captures by hand."""
    if not item.happened:
        return "the payment was refused"
    if item.amount.minor <= 0:
        return "a card was checked or saved; no money moved"
    if not item.manual:
        return (_gift(item, present(item.own_id, item.merchant_key)),)
    if item.merchant_key:
        return (Link(keys=(item.own_id, item.merchant_key)),)
    return "authorised; with manual capture the CAPTURE announces the gift"


def capture(item: Item) -> Reading:
    """CAPTURE: the gift with manual capture; with automatic capture the same gift once more, by the payment's id."""
    if not item.happened:
        return "the capture was refused"
    if item.amount.minor <= 0:
        return "nothing was captured"
    if not item.payment_id:
        return item.flag("A capture that does not say of which payment: look at it in Adyen.")
    return (_gift(item, present(item.payment_id)),)


def _gift(item: Item, keys: tuple[str, ...]) -> Gift:
    more = item.additional
    words = metadata.merged({key[9:]: told for key, told in more.items() if key.lower().startswith("metadata.")})
    return Gift(
        keys=keys,
        amount=item.amount,
        occurred_at=item.at,
        tender=_tender(item),
        recurring=True if more.get("recurringProcessingModel") == "Subscription" else None,
        designations=metadata.designations(words, item.amount.currency),
        sources=(item.raw,),
        **_people(more, words),
        **metadata.gift_fields(words),
    )


def _people(more: dict[str, Any], words: metadata.Words) -> dict[str, Any]:
    shopper, on_card = _name(text(more.get("shopperName"))), Name(full=text(more.get("cardHolderName")))
    told = Donor(
        name=shopper if shopper != Name() else on_card,
        email=text(more.get("shopperEmail")),
        phone=text(more.get("shopperTelephone")) or text(more.get("telephoneNumber")),
        address=_address(more, "billingAddress"),
    )
    donor = metadata.completed(told, words)
    differs = on_card != Name() and donor.name != on_card
    return {
        "donor": donor,
        "billing": Billing(name=on_card, address=told.address) if differs else Billing(),
        "shipping": Shipping(address=_address(more, "deliveryAddress")),
    }


def _name(written: str) -> Name:
    if not (found := _NAME.fullmatch(written)):
        return Name(full=written)
    first, infix, last = ("" if part.strip() in ("null", "") else part.strip() for part in found.groups())
    return Name(first=first, middle=infix, last=last) if first and last else Name(full=first or last)


def _address(more: dict[str, Any], prefix: str) -> Address:
    street, house = (text(more.get(f"{prefix}.{part}")) for part in ("street", "houseNumberOrName"))
    return Address(
        street1=f"{street} {house}".strip(),
        city=text(more.get(f"{prefix}.city")),
        state=text(more.get(f"{prefix}.stateOrProvince")),
        zip=text(more.get(f"{prefix}.postalCode")),
        country=text(more.get(f"{prefix}.country")),
    )


def _tender(item: Item) -> Tender:
    word = text(item.raw.get("paymentMethod")).lower().partition("_")[0]
    if word not in CARDS:
        return Tender(kind=TENDERS.get(word, TenderKind.OTHER))
    last4 = text(item.additional.get("cardSummary"))
    expiry = _EXPIRY.fullmatch(text(item.additional.get("expiryDate")))
    month, year = (int(part) for part in expiry.groups()) if expiry else (0, 0)
    dated = 1 <= month <= 12
    return Tender(
        kind=TenderKind.CARD,
        card_type=CARDS[word],
        last4=last4 if len(last4) == 4 and last4.isascii() and last4.isdigit() else "",
        exp_month=month if dated else None,
        exp_year=year if dated else None,
    )
