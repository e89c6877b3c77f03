"""PayPal's REST webhooks, version 1 and 2, proven by a certificate.

https://developer.paypal.com/api/rest/webhooks/, https://developer.paypal.com/api/rest/webhooks/event-names/. What to
switch on at PayPal, what protects the amounts, and why the odd ones are read as they are: docs/providers/paypal.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from relay.config import ProviderSettings
from relay.errors import FetchFailed, MoneyError, NotUnderstood
from relay.gifts import Fact, Flag, Gift, Refund, Reinstatement
from relay.money import Money
from relay.providers.asking import LIVE, completed, environment, path_id
from relay.providers.base import (
    Delivery,
    Parsed,
    Provider,
    delivery_key,
    ident,
    read_json,
    stranger,
    text,
    understood_as,
)
from relay.providers.calling import Caller
from relay.providers.paypal import payments, returns
from relay.providers.paypal.api import Api, Tokens, credentials
from relay.providers.paypal.event import Event, Handler, Reading
from relay.providers.paypal.headers import HEADERS, transmission_of
from relay.providers.times import instant

if TYPE_CHECKING:
    from relay.providers.paypal.proof import Kept

MAX_TYPE = 100
# What intake leaves of anything that looks like a card number.
MASK = b"************"
# Without the API's word, gifts above this (in units of their currency) wait for a person.
UNCONFIRMED_LIMIT = "1000.00"

# Their event type -> what its resource is, and who reads it. Everything else is kept, counted and ignored.
EVENTS: Mapping[str, tuple[str, Handler]] = {
    "PAYMENT.CAPTURE.COMPLETED": ("capture", payments.payment),
    "PAYMENT.CAPTURE.PENDING": ("capture", payments.payment),
    "PAYMENT.CAPTURE.DENIED": ("capture", payments.payment),
    "PAYMENT.CAPTURE.DECLINED": ("capture", payments.payment),
    "PAYMENT.SALE.COMPLETED": ("sale", payments.payment),
    "PAYMENT.SALE.PENDING": ("sale", payments.payment),
    "PAYMENT.SALE.DENIED": ("sale", payments.payment),
    "CHECKOUT.ORDER.COMPLETED": ("order", payments.order),
    "CHECKOUT.ORDER.PROCESSED": ("order", payments.order),
    "PAYMENT.CAPTURE.REFUNDED": ("refund", returns.refund),
    "PAYMENT.SALE.REFUNDED": ("refund", returns.refund),
    "PAYMENT.REFUND.PENDING": ("refund", returns.refund),
    "PAYMENT.REFUND.FAILED": ("refund", returns.refund),
    "PAYMENT.CAPTURE.REVERSED": ("refund", returns.reversal),
    "PAYMENT.SALE.REVERSED": ("refund", returns.reversal),
    "CUSTOMER.DISPUTE.CREATED": ("dispute", returns.dispute),
    "CUSTOMER.DISPUTE.UPDATED": ("dispute", returns.dispute),
    "CUSTOMER.DISPUTE.RESOLVED": ("dispute", returns.dispute),
}
# Why these bring no facts; others are "not about the money of a gift".
WHY_NOT: Mapping[str, str] = {
    "CHECKOUT.ORDER.APPROVED": "the donor agreed; the money is taken later",
    "PAYMENTS.PAYMENT.CREATED": "the donor agreed; the sale announces the money",
    "PAYMENT.AUTHORIZATION.CREATED": "authorized, not captured",
    "PAYMENT.AUTHORIZATION.VOIDED": "an authorization was voided; no money moved",
    "BILLING.SUBSCRIPTION.PAYMENT.FAILED": "an attempt to collect a recurring gift failed",
}
# Types that begin like this move money: a new one is shown to a person, and so is what was paid by invoice.
FAMILIES = (
    "PAYMENT.CAPTURE.", "PAYMENT.SALE.", "PAYMENT.REFUND.", "CUSTOMER.DISPUTE.", "RISK.DISPUTE.",
    "INVOICING.INVOICE.PAID", "INVOICING.INVOICE.REFUNDED",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PayPal:
    """The provider with its parts: where certificates are kept, who proves them (b"": DigiCert), the API's tokens."""

    kept: Kept
    authority: bytes = b""
    tokens: Tokens = field(default_factory=Tokens)

    def verify(self, delivery: Delivery, settings: ProviderSettings, now: datetime) -> int:
        """The place of the webhook id it was signed for. Raises BadSignature or ProofPending."""
        from relay.providers.paypal import proof  # noqa: PLC0415 - X.509 is 7 MB that others need not carry

        return proof.verify(delivery, settings, now, self.kept, proof.authorities(self.authority))

    def fetch(self, delivery: Delivery, settings: ProviderSettings, caller: Caller, received_at: datetime) -> Parsed:
        """Prove a delivery as of when it came, and let PayPal's API confirm it. Raises FetchFailed, BadSignature."""
        from relay.providers.paypal import proof  # noqa: PLC0415 - see above

        proof.learn(delivery, settings, caller, received_at, self.kept, proof.authorities(self.authority))
        login = credentials(settings)
        # Its digits were masked before it was stored, so its CRC32 is another: then the API's word is the proof.
        if login is None or MASK not in delivery.body:
            self.verify(delivery, settings, received_at)
        about = parse(delivery, settings)
        if not about.wanted or login is None:
            return about
        with understood_as(about):
            return _confirmed(about, delivery, settings, Api(settings, login, caller, self.tokens))


def provider(kept: Kept, authority: bytes = b"") -> Provider:
    """PayPal, with a place to keep its certificates; the demo and tests bring an authority (PEM) of their own."""
    parts = PayPal(kept, authority)
    return Provider(name="paypal", verify=parts.verify, parse=parse, fetch=parts.fetch, kept_headers=HEADERS)


# --- parse ---------------------------------------------------------------------------------------------------------


def parse(delivery: Delivery, settings: ProviderSettings | None = None) -> Parsed:
    """What an event says. Raises Unreadable (not JSON) or NotUnderstood (genuine, yet not readable).

    With API credentials whatever moves money waits until PayPal's API has confirmed it.
    """
    body = read_json(delivery.body)
    kind, found = text(body.get("event_type"))[:MAX_TYPE], body.get("resource")
    about = Parsed(
        event_id=ident(body),
        type=kind,
        delivery_key=_key(delivery, ident(body), kind, ident(found)),
        live=environment(settings) == LIVE if settings else None,
        occurred_at=instant(body.get("create_time")),
    )
    with understood_as(about):
        if not kind:
            raise NotUnderstood("the event has no type")
        if kind not in EVENTS:
            if kind not in WHY_NOT and (facts := stranger(kind, FAMILIES)):
                return completed(about, facts=facts)
            return completed(about, note=WHY_NOT.get(kind, "not about the money of a gift"))
        return _judged(about, _event(about, found, settings), settings)


def _key(delivery: Delivery, *parts: str) -> str:
    """The transmission's id: PayPal signs the body by its CRC32 only, so no id may ever bring a second body."""
    transmission = transmission_of(delivery.headers)
    return delivery_key(delivery.body, transmission) if transmission else delivery_key(delivery.body, *parts)


def _event(about: Parsed, found: object, settings: ProviderSettings | None) -> Event:
    if not isinstance(found, dict):
        raise NotUnderstood(f"{about.type} came without its resource")
    fund_from = (settings.options.get("fund_from", "") if settings else "").strip() or "custom"
    return Event(about.type, found, about.occurred_at, fund_from)


def _judged(about: Parsed, event: Event, settings: ProviderSettings | None) -> Parsed:
    read = _read(event)
    if isinstance(read, str):
        return completed(about, note=read)
    kind, _ = EVENTS[event.type]
    if credentials(settings) and (kind == "refund" or any(_moves_money(fact) for fact in read)):
        return completed(about, wanted=f"{kind} {path_id(_name(event), kind)}")
    limit = Decimal((settings.options.get("unconfirmed_limit") if settings else None) or UNCONFIRMED_LIMIT)
    return completed(about, facts=tuple(_guarded(fact, limit) for fact in read))


def _read(event: Event) -> Reading:
    """The facts of an event, or why there are none. Raises NotUnderstood."""
    _, handler = EVENTS[event.type]
    try:
        return handler(event)
    except MoneyError as error:
        raise NotUnderstood(f"{event.type}: {error}") from error


def _name(event: Event) -> str:
    return ident(event.resource.get("dispute_id")) or event.own_id


def _moves_money(fact: Fact) -> bool:
    return isinstance(fact, Gift | Refund | Reinstatement)


def _guarded(fact: Fact, limit: Decimal) -> Fact:
    """Nobody but the event itself says so: above the limit that is not enough."""
    if not isinstance(fact, Gift | Refund | Reinstatement) or fact.amount is None or fact.amount.decimal <= limit:
        return fact
    sentence = f"PayPal's signature protects an amount only weakly, and {fact.amount} is above the limit"
    if isinstance(fact, Gift):
        return replace(fact, hold=f"{sentence}: compare it with PayPal, then release it.")
    advice = "set client_id and client_secret, then replay the event."
    return Flag(
        text=f"{sentence} for what takes money back: compare it with PayPal, or {advice}", parent_keys=fact.parent_keys
    )


# --- fetch ---------------------------------------------------------------------------------------------------------


def _confirmed(about: Parsed, delivery: Delivery, settings: ProviderSettings, api: Api) -> Parsed:
    """The facts as PayPal's API tells them; what the event says otherwise is shown to a person, and not booked."""
    kind, _, name = about.wanted.partition(" ")
    claimed = _event(about, read_json(delivery.body).get("resource"), settings)
    found = api.object_of(kind, claimed.resource, name)
    payer = api.payer_of(found) if kind in ("capture", "sale") else {}
    read = _read(replace(claimed, resource=found, payer=payer))
    if isinstance(read, str):
        raise FetchFailed(f"PayPal's API does not confirm it: {read}", again=True)
    if other := _contradiction(_amounts(_read(claimed)), _amounts(read)):
        return completed(about, facts=(Flag(text=f"{about.type} {other}. Nothing was booked."),))
    return completed(about, facts=read)


def _amounts(read: Reading) -> dict[str, Money | None]:
    """The money that each fact moves, by its first id."""
    facts = () if isinstance(read, str) else read
    amounts: dict[str, Money | None] = {}
    for fact in facts:
        if isinstance(fact, Gift | Refund):
            amounts[fact.keys[0]] = fact.amount
        if isinstance(fact, Reinstatement):
            amounts[fact.refund_keys[0]] = fact.amount
    return amounts


def _contradiction(claimed: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    """In words, where the event and the API differ; "" where they agree."""
    for key, amount in claimed.items():
        if key not in told:
            return f"says {amount} for {key}, of which PayPal's API knows nothing"
        if told[key] != amount:
            return f"says {amount} for {key}, but PayPal's API says {told[key]}"
    return ""


PAYPAL = provider({})
