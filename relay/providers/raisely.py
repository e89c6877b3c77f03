"""Raisely: donation events whose proof is a shared secret inside the body, removed before anything is stored.

https://developers.raisely.com/docs/about-webhooks, /docs/available-events. What to switch on at Raisely, and why
refunds are mostly for a person: docs/providers/raisely.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from relay.config import ProviderSettings
from relay.errors import BadSignature, MoneyError, NotUnderstood
from relay.gifts import Address, Donor, Fact, Flag, Gift, Refund, Tender, TenderKind
from relay.money import Money
from relay.providers import letters, metadata
from relay.providers.base import Delivery, Parsed, Provider, delivery_key, dig, ident, stranger, text, understood_as
from relay.providers.exact import minor, plain, read_exact_object
from relay.providers.signatures import place_of_match
from relay.providers.times import instant
from relay.providers.told import name_of

MAX_TYPE = 100
SECRET = "secret"  # noqa: S105  # nosec B105  # the name of the field
REMOVED = "[removed]"
# A shorter text may stand elsewhere in a body by chance; the configuration wants longer secrets anyway.
SHORTEST = 8
_WRITTEN = re.compile(rb'"secret"\s*:\s*"(?:[^"\\]|\\.)*"')
# Their status of a donation left; "" that the money is there, else why not. What is not listed is for a person.
STATUSES: Mapping[str, str] = {
    "": "",
    "ok": "",
    "succeeded": "",
    "pending": "the money is on its way",
    "processing": "the money is on its way",
    "failed": "the payment failed",
}
TENDERS: Mapping[str, TenderKind] = {
    "CREDIT_CARD": TenderKind.CARD,
    "APPLE_PAY": TenderKind.WALLET,
    "GOOGLE_PAY": TenderKind.WALLET,
    "PAYPAL": TenderKind.WALLET,
    "IDEAL": TenderKind.BANK_DEBIT,
    "BANK_ACCOUNT": TenderKind.BANK_DEBIT,
    "DIRECT_DEBIT": TenderKind.BANK_DEBIT,
}
OFFLINE = "Entered in Raisely by hand (offline): is it in Luminate already? Then close it; else release it."
# Why the other types about donations bring nothing.
WHY_NOT: Mapping[str, str] = {
    "donation.created": "not charged yet; donation.succeeded announces the money",
    "donation.updated": "changes nothing about the money",
}
# Types that begin like this move money: a new one is shown to a person.
FAMILIES = ("donation.",)
Donation = Mapping[str, Any]


# --- verify, scrub: https://developers.raisely.com/docs/about-webhooks ------------------------------------------------


def verify(delivery: Delivery, settings: ProviderSettings, now: datetime) -> int:  # noqa: ARG001  # nothing is dated
    """The place of the secret that the body carries, compared in constant time. Raises BadSignature."""
    try:
        body = letters.loads(delivery.body)
    except orjson.JSONDecodeError:
        body = None
    sent = text(body.get(SECRET)) if isinstance(body, dict) else ""
    if not sent:
        raise BadSignature("the body carries no secret")
    return place_of_match(settings.secrets, str.strip, [sent], "the body")


def scrub(body: bytes) -> bytes:
    """The body as it may be stored: without any field named ``secret``, at any depth and however often written.

    A text that repeats a removed secret is blotted out too. Never raises: a body is never lost for its secret.
    """
    removed: set[str] = set()

    def without_secret(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        removed.update(value.strip() for name, value in pairs if name.lower() == SECRET and isinstance(value, str))
        return {name: value for name, value in pairs if name.lower() != SECRET}

    try:
        kept = json.loads(
            letters.mended(body), object_pairs_hook=without_secret, parse_float=_as_written, parse_int=_as_written
        )
        return orjson.dumps(_blotted(kept, {secret for secret in removed if len(secret) >= SHORTEST}))
    except (ValueError, TypeError, RecursionError):
        return _WRITTEN.sub(b'"secret": ""', body)


def _as_written(number: str) -> orjson.Fragment:
    return orjson.Fragment(number)


def _blotted(value: Any, secrets: set[str]) -> Any:
    if isinstance(value, str):
        return REMOVED if any(secret in value for secret in secrets) else value
    if isinstance(value, list):
        return [_blotted(item, secrets) for item in value]
    if isinstance(value, dict):
        return {_blotted(name, secrets): _blotted(item, secrets) for name, item in value.items()}
    return value


# --- parse ------------------------------------------------------------------------------------------------------------


def parse(delivery: Delivery, settings: ProviderSettings | None = None) -> Parsed:  # noqa: ARG001  # no option matters
    """What a stored event says. Raises Unreadable (not JSON) or NotUnderstood (genuine, yet not readable)."""
    read_exact_object(delivery.body)
    clean = scrub(delivery.body)
    event = dig(read_exact_object(clean), "data")
    kind, event_id = text(dig(event, "type"))[:MAX_TYPE], ident(dig(event, "uuid"))
    donation = dig(event, "data")
    about = Parsed(
        event_id=event_id,
        type=kind,
        delivery_key=delivery_key(clean, event_id, kind),
        live={"LIVE": True, "TEST": False}.get(text(dig(donation, "mode")).upper()),
        occurred_at=instant(dig(event, "createdAt")),
    )
    with understood_as(about):
        if not kind:
            raise NotUnderstood("the event has no type")
        try:
            read = _read(kind, donation)
        except MoneyError as error:
            raise NotUnderstood(f"{kind}: {error}") from error
    return replace(about, note=read) if isinstance(read, str) else replace(about, facts=read)


def _read(kind: str, donation: Any) -> tuple[Fact, ...] | str:
    offline = text(dig(donation, "type")).upper() == "OFFLINE"
    if kind == "donation.succeeded" or (kind == "donation.created" and offline):
        return _gift(_told(kind, donation), offline=offline)
    if kind == "donation.refunded":
        return (_refunded(_told(kind, donation)),)
    if kind == "donation.deleted":
        sentence = "An offline donation was deleted in Raisely: if Luminate has it, take it back."
        return (Flag(text=sentence, parent_keys=(_key(_told(kind, donation)),)),)
    return WHY_NOT.get(kind, "") or stranger(kind, FAMILIES) or "not about the money of a gift"


def _told(kind: str, donation: Any) -> Donation:
    if not isinstance(donation, dict):
        raise NotUnderstood(f"{kind} came without its donation")
    return donation


def _key(donation: Donation) -> str:
    if found := ident(donation.get("uuid")):
        return found
    raise NotUnderstood("the donation has no uuid")


def _amount(donation: Donation) -> Money:
    """Cents, without the fee that Raisely adds on top (``total`` has it)."""
    return minor(donation.get("amount"), donation.get("currency"))


def _gift(donation: Donation, *, offline: bool) -> tuple[Fact, ...] | str:
    key, status = _key(donation), text(donation.get("status")).lower()
    if status not in STATUSES:
        sentence = "Raisely gives this donation a status that relay does not know: look at it in Raisely."
        return (Flag(text=sentence, parent_keys=(key,)),)
    if STATUSES[status]:
        return STATUSES[status]
    amount = _amount(donation)
    if amount.minor <= 0:
        return "nothing was paid"
    words = metadata.merged(donation.get("public"), donation.get("private"))
    processing = text(donation.get("processing")).upper()
    gift = Gift(
        keys=(key,),
        amount=amount,
        occurred_at=instant(donation.get("createdAt")),
        donor=metadata.completed(_donor(donation), words),
        tender=Tender(kind=TENDERS.get(text(donation.get("method")).upper(), TenderKind.OTHER)),
        designations=metadata.designations(words, amount.currency),
        recurring={"RECURRING": True, "ONCE": False}.get(processing),
        hold=OFFLINE if offline else "",
        sources=(plain(dict(donation)),),
        **metadata.gift_fields(words) | _anonymous(donation),
    )
    return (gift,)


def _anonymous(donation: Donation) -> dict[str, bool]:
    told = donation.get("anonymous")
    return {"anonymous": told} if isinstance(told, bool) else {}


def _donor(donation: Donation) -> Donor:
    first, last = text(donation.get("firstName")), text(donation.get("lastName"))
    return Donor(
        name=name_of(first, last, text(donation.get("fullName"))),
        email=text(donation.get("email")),
        phone=text(donation.get("phoneNumber")),
        address=Address(
            street1=text(donation.get("address1")),
            street2=text(donation.get("address2")),
            city=text(donation.get("suburb")),
            state=text(donation.get("state")),
            zip=text(donation.get("postcode")),
            country=text(donation.get("country")),
        ),
    )


def _refunded(donation: Donation) -> Refund | Flag:
    """donation.refunded, "either in part or full": Raisely does not say how much, but the processor's charge may."""
    key, amount = _key(donation), _amount(donation)
    total = _refunded_by_charge(donation.get("result"), amount)
    if total is None or amount.minor <= 0:
        sentence = "A refund in Raisely, of an amount that the event does not tell: look at the donation in Raisely."
        return Flag(text=sentence, parent_keys=(key,))
    return Refund(keys=(), parent_keys=(key,), amount=total, total=total, sources=(plain(dict(donation)),))


def _refunded_by_charge(charge: Any, amount: Money) -> Money | None:
    """Of a Stripe charge under ``result``: all of it, or a part where no fee of Raisely's is in it. Else None."""
    paid, back = dig(charge, "amount"), dig(charge, "amount_refunded")
    same = text(dig(charge, "currency")).upper() == amount.currency
    if dig(charge, "object") != "charge" or not same or type(paid) is not int or type(back) is not int:
        return None
    if not 0 < back <= paid:
        return None
    if back == paid:
        return amount
    return Money(back, amount.currency) if paid == amount.minor else None


RAISELY = Provider(name="raisely", verify=verify, parse=parse, scrub=scrub)
