"""Stripe: snapshot events of every API version, and thin events, signed with ``Stripe-Signature``.

https://docs.stripe.com/webhooks, https://docs.stripe.com/api/events/types. What to switch on at Stripe, and why the
odd ones are read as they are: docs/providers/stripe.md.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from relay.config import ProviderSettings
from relay.errors import BadSignature, MoneyError, NotUnderstood
from relay.gifts import Flag
from relay.providers.base import (
    Delivery,
    Parsed,
    Provider,
    delivery_key,
    dig,
    ident,
    moment,
    read_json,
    stranger,
    text,
    understood_as,
)
from relay.providers.calling import Caller
from relay.providers.signatures import check_age, place_of_match, unix_seconds
from relay.providers.stripe import invoices, payments, returns, thin
from relay.providers.stripe.event import Event, Handler
from relay.providers.times import instant

HEADER = "stripe-signature"
MAX_TYPE = 100

# Their event type -> what data.object must be, and who reads it. Everything else is kept, counted and ignored:
# what failed or waits (charge.failed, payment_intent.processing, ...), and noise (customer.*, payout.*).
EVENTS: Mapping[str, tuple[str, Handler]] = {
    "charge.succeeded": ("charge", payments.charge),
    "charge.captured": ("charge", payments.charge),
    "payment_intent.succeeded": ("payment_intent", payments.payment_intent),
    "checkout.session.completed": ("checkout.session", payments.session),
    "checkout.session.async_payment_succeeded": ("checkout.session", payments.session),
    "invoice.paid": ("invoice", invoices.invoice),
    "invoice.payment_succeeded": ("invoice", invoices.invoice),
    "invoice_payment.paid": ("invoice_payment", invoices.invoice_payment),
    "refund.created": ("refund", returns.refund),
    "refund.updated": ("refund", returns.refund),
    "refund.failed": ("refund", returns.refund),
    "charge.refund.updated": ("refund", returns.refund),
    "charge.refunded": ("charge", returns.charge_refunded),
    "charge.dispute.created": ("dispute", returns.dispute_notice),
    "charge.dispute.updated": ("dispute", returns.dispute_notice),
    "charge.dispute.funds_withdrawn": ("dispute", returns.dispute_withdrawn),
    "charge.dispute.funds_reinstated": ("dispute", returns.dispute_reinstated),
    "charge.dispute.closed": ("dispute", returns.dispute_closed),
}
# Of the types above's families, why these bring no facts.
WHY_NOT: Mapping[str, str] = {
    "charge.failed": "the payment failed",
    "charge.pending": "the money is on its way",
    "charge.expired": "an authorization expired; no money moved",
    "charge.updated": "changes nothing about the money",
    "payment_intent.processing": "the money is on its way",
    "payment_intent.payment_failed": "the payment failed",
    "payment_intent.canceled": "the payment was canceled",
    "payment_intent.amount_capturable_updated": "authorized, not captured",
    "payment_intent.requires_action": "the donor has not finished paying",
    "checkout.session.async_payment_failed": "the payment failed",
    "checkout.session.expired": "the donor did not finish paying",
    "invoice.payment_failed": "the payment failed",
}
# Types that begin like this move money: a new one is shown to a person.
FAMILIES = ("charge.dispute.", "charge.refund", "refund.")


# --- verify: https://docs.stripe.com/webhooks#verify-manually ----------------------------------------------------


def verify(delivery: Delivery, settings: ProviderSettings, now: datetime) -> int:
    """The place of the secret that made one of the v1 signatures. Raises BadSignature.

    HMAC-SHA256 over ``<t>.<raw body>``; the key is the secret as text, ``whsec_`` included. Too old and from the
    future are both refused; v0 (a test scheme) never counts.
    """
    stated, candidates = _header(delivery.headers.get(HEADER, ""))
    sent = unix_seconds(stated, "Stripe-Signature")

    def expected(secret: str) -> str:
        mac = hmac.new(secret.encode(), f"{stated}.".encode(), hashlib.sha256)
        mac.update(delivery.body)
        return mac.hexdigest()

    place = place_of_match(settings.secrets, expected, candidates, "Stripe-Signature")
    check_age(sent, now, settings.tolerance)
    return place


def _header(value: str) -> tuple[str, list[str]]:
    """``t=<seconds>,v1=<hex>[,v1=<hex>...][,v0=<hex>]`` as its one timestamp and all its v1 signatures."""
    if not value.strip():
        raise BadSignature("the Stripe-Signature header is missing")
    parts = [part.strip().partition("=") for part in value.split(",")]
    if any(not (name and equals and found) for name, equals, found in parts):
        raise BadSignature("the Stripe-Signature header is not a list of name=value parts")
    times = [found for name, _, found in parts if name == "t"]
    if len(times) != 1:
        raise BadSignature("the Stripe-Signature header must have exactly one timestamp")
    candidates = [found for name, _, found in parts if name == "v1"]
    if not candidates:
        raise BadSignature("the Stripe-Signature header has no v1 signature")
    return times[0], candidates


# --- parse ---------------------------------------------------------------------------------------------------------


def parse(delivery: Delivery, settings: ProviderSettings | None = None) -> Parsed:
    """What a stored event says. Raises Unreadable (not JSON) or NotUnderstood (genuine, yet not readable)."""
    body = read_json(delivery.body)
    kind, event_id = text(body.get("type"))[:MAX_TYPE], ident(body)
    found = dig(body, "data", "object")
    about = Parsed(
        event_id=event_id,
        type=kind,
        delivery_key=delivery_key(delivery.body, event_id, kind, ident(found)),
        live=_live(body, found),
        # A thin event writes its time as a text.
        occurred_at=moment(body.get("created")) or instant(body.get("created")),
    )
    with understood_as(about):
        if not kind:
            raise NotUnderstood("the event has no type")
        if thin.is_thin(body):
            return _thin(about, body, settings)
        previous = dig(body, "data", "previous_attributes")
        return _read(about, kind, found, previous if isinstance(previous, dict) else {})


def _live(body: dict[str, Any], found: object) -> bool | None:
    told = body.get("livemode", found.get("livemode") if isinstance(found, dict) else None)
    return told if isinstance(told, bool) else None


def _read(about: Parsed, kind: str, found: object, previous: dict[str, Any]) -> Parsed:
    """The facts, or the note, of an event whose object is at hand."""
    if kind not in EVENTS:
        facts = stranger(kind, FAMILIES)
        return replace(about, facts=facts, note="" if facts else WHY_NOT.get(kind, "not about the money of a gift"))
    word, handler = EVENTS[kind]
    if not isinstance(found, dict):
        return replace(about, facts=(Flag(text=f"{kind} came without its object: look at the event in Stripe."),))
    if found.get("object", word) != word:
        raise NotUnderstood(f"{kind} carries something else than a {word}")
    try:
        read = handler(Event(kind, found, previous, about.occurred_at))
    except MoneyError as error:
        raise NotUnderstood(f"{kind}: {error}") from error
    return replace(about, note=read) if isinstance(read, str) else replace(about, facts=read)


def _thin(about: Parsed, body: dict[str, Any], settings: ProviderSettings | None) -> Parsed:
    """A thin event holds only ids: a worker asks for the object."""
    kind = thin.snapshot_type(about.type)
    if kind not in EVENTS:
        facts = stranger(kind, FAMILIES)
        note = "" if facts else WHY_NOT.get(kind, "a thin event, not about the money of a gift")
        return replace(about, facts=facts, note=note)
    word, _ = EVENTS[kind]
    return thin.announced(about, body, word, settings)


def fetch(delivery: Delivery, settings: ProviderSettings, caller: Caller, received_at: datetime) -> Parsed:  # noqa: ARG001  # no age is judged
    """Ask for the object that a thin event names; its status decides. Raises FetchFailed, NotUnderstood."""
    about = parse(delivery, settings)
    if not about.wanted:
        return about
    with understood_as(about):
        found = thin.ask(read_json(delivery.body), about.wanted, settings, caller)
        return _read(replace(about, wanted=""), thin.snapshot_type(about.type), found, {})


STRIPE = Provider(name="stripe", verify=verify, parse=parse, fetch=fetch)
