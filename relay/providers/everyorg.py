"""Every.org: one POST for each donation, unsigned; a secret in the address is the only proof.

https://docs.every.org/docs/webhooks/nonprofit-webhook, github.com/everydotorg/charity-api-docs. How to register the
address, and what an unsigned webhook is worth: docs/providers/everyorg.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from relay.config import ProviderSettings
from relay.errors import BadSignature, MoneyError, NotUnderstood
from relay.gifts import Donor, Gift, Tender, TenderKind
from relay.money import Money
from relay.providers.base import Delivery, Parsed, Provider, delivery_key, dig, ident, text, understood_as
from relay.providers.exact import major, major_or_none, plain, read_exact_object
from relay.providers.signatures import place_of_match
from relay.providers.times import instant
from relay.providers.told import fund_of, name_of

# There is one kind of event, and it has no name.
TYPE = "donation"
# Their frequency -> whether it is a member of a recurring gift. Anything else: not told.
RECURRING: Mapping[str, bool] = {"monthly": True, "yearly": True, "one-time": False, "once": False, "onetime": False}
# Their paymentMethod, where it is told.
TENDERS: Mapping[str, TenderKind] = {
    "card": TenderKind.CARD,
    "bank": TenderKind.BANK_DEBIT,
    "ach": TenderKind.BANK_DEBIT,
    "paypal": TenderKind.WALLET,
    "venmo": TenderKind.WALLET,
    "applepay": TenderKind.WALLET,
    "googlepay": TenderKind.WALLET,
    "pay": TenderKind.WALLET,
}


def verify(delivery: Delivery, settings: ProviderSettings, now: datetime) -> int:  # noqa: ARG001  # nothing is dated
    """The place of the secret that ends the address. Raises BadSignature.

    Every.org signs nothing: who knows the address may post. Compared in constant time.
    """
    if not delivery.token.strip():
        raise BadSignature("the address ends without its secret")
    return place_of_match(settings.secrets, str.strip, [delivery.token], "the address")


def parse(delivery: Delivery, settings: ProviderSettings | None = None) -> Parsed:
    """The gift of a stored donation. Raises Unreadable (not JSON) or NotUnderstood (yet not readable)."""
    body = read_exact_object(delivery.body)
    charge = ident(body.get("chargeId"))
    occurred = instant(body.get("donationDate"))
    about = Parsed(event_id=charge, type=TYPE, delivery_key=delivery_key(delivery.body), occurred_at=occurred)
    with understood_as(about):
        if not charge:
            raise NotUnderstood("the donation has no chargeId")
        if _for_another(body, settings.options.get("nonprofit", "") if settings else ""):
            return replace(about, note="a donation to another nonprofit than the configured one")
        try:
            gift = _gift(body, charge, occurred)
        except MoneyError as error:
            raise NotUnderstood(f"the donation: {error}") from error
    return replace(about, facts=(gift,)) if gift.amount.minor > 0 else replace(about, note="nothing was paid")


def _for_another(body: Mapping[str, Any], nonprofit: str) -> bool:
    """Partner webhooks tell of donations to every nonprofit of the partner."""
    if not nonprofit:
        return False
    named = {text(dig(body, "toNonprofit", name)).lower().replace("-", "") for name in ("slug", "ein")}
    return nonprofit.strip().lower().replace("-", "") not in named


def _gift(body: Mapping[str, Any], charge: str, occurred: datetime | None) -> Gift:
    amount = major(body.get("amount"), body.get("currency"))
    frequency = text(body.get("frequency")).lower()
    return Gift(
        keys=(charge,),
        amount=amount,
        occurred_at=occurred,
        donor=_donor(body),
        tender=Tender(kind=TENDERS.get(text(body.get("paymentMethod")).lower(), TenderKind.OTHER)),
        designations=fund_of(text(body.get("designation"))),
        recurring=RECURRING.get(frequency),
        fee=_fee(body, amount),
        sources=(plain(dict(body)),),
    )


def _donor(body: Mapping[str, Any]) -> Donor:
    """What the donor agreed to share; without a consent the fields are missing or null."""
    first, last, email = (text(body.get(name)) for name in ("firstName", "lastName", "email"))
    return Donor(name=name_of(first, last), email=email)


def _fee(body: Mapping[str, Any], amount: Money) -> Money | None:
    """What ``netAmount`` leaves; None where it does not fit."""
    net = major_or_none(body.get("netAmount"), body.get("currency"))
    return amount - net if net and 0 <= net.minor <= amount.minor else None


EVERYORG = Provider(name="everyorg", verify=verify, parse=parse)
