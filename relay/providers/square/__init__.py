"""Square: payments, refunds and disputes, signed over the notification URL and the body.

https://developer.squareup.com/docs/webhooks/overview, https://developer.squareup.com/reference/square/webhooks. What
to switch on at Square, and why the odd ones are read as they are: docs/providers/square.md.
"""

from __future__ import annotations

import base64
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
    read_json,
    stranger,
    text,
    understood_as,
)
from relay.providers.calling import Caller
from relay.providers.signatures import place_of_match
from relay.providers.square import customers, payments, returns
from relay.providers.square.event import Event, Handler, Reading
from relay.providers.times import instant

HEADER = "x-square-hmacsha256-signature"
ENVIRONMENT = "square-environment"
MAX_TYPE = 100

# Their event type -> what stands under data.object, and who reads it. Everything else is kept, counted and ignored.
EVENTS: Mapping[str, tuple[str, Handler]] = {
    "payment.created": ("payment", payments.payment),
    "payment.updated": ("payment", payments.payment),
    "refund.created": ("refund", returns.refund),
    "refund.updated": ("refund", returns.refund),
    "dispute.created": ("dispute", returns.dispute),
    "dispute.state.updated": ("dispute", returns.dispute),
    "dispute.state.changed": ("dispute", returns.dispute),
}
# Why the other types about money bring nothing.
WHY_NOT = {
    "invoice.payment_made": "payment.updated announces this money",
    "invoice.refunded": "refund.updated announces this refund",
    "invoice.scheduled_charge_failed": "the payment failed",
    "webhooks.test_notification": "a test of the endpoint",
}
# Types that begin like this move money: a new one is shown to a person.
FAMILIES = ("payment.", "refund.", "dispute.")
PAPERWORK = "dispute.evidence."
# Option fund_from: which field of a payment holds the fund code.
FUND_FIELDS = {"reference_id": "reference_id", "note": "note", "none": ""}


# --- verify: https://developer.squareup.com/docs/webhooks/step3validate ---------------------------------------------


def verify(delivery: Delivery, settings: ProviderSettings, now: datetime) -> int:  # noqa: ARG001  # no time is signed
    """The place of the signature key that signed ``<notification URL><raw body>``. Raises BadSignature.

    The URL is the one registered at Square, byte by byte, from the configuration: behind a proxy the request does not
    know it. The older header x-square-signature (SHA-1) never counts.
    """
    url = settings.options.get("notification_url", "")
    if not url:
        raise BadSignature("the notification_url of this provider is not configured")
    sent = delivery.headers.get(HEADER, "").strip()
    if not sent:
        raise BadSignature(f"the header {HEADER} is missing")

    def expected(secret: str) -> str:
        mac = hmac.new(secret.encode(), url.encode(), hashlib.sha256)
        mac.update(delivery.body)
        return base64.b64encode(mac.digest()).decode()

    return place_of_match(settings.secrets, expected, [sent], HEADER)


# --- parse ----------------------------------------------------------------------------------------------------------


def parse(delivery: Delivery, settings: ProviderSettings | None = None) -> Parsed:
    """What a stored event says. Raises Unreadable (not JSON) or NotUnderstood (genuine, yet not readable)."""
    body = read_json(delivery.body)
    kind, event_id = text(body.get("type"))[:MAX_TYPE], ident(body.get("event_id"))
    about = Parsed(
        event_id=event_id,
        type=kind,
        # Square's own samples use one event_id for two types.
        delivery_key=delivery_key(delivery.body, event_id, kind),
        live=_live(body, delivery),
        occurred_at=instant(body.get("created_at")),
    )
    fund_from = settings.options.get("fund_from", "") if settings else ""
    with understood_as(about):
        if not kind:
            raise NotUnderstood("the event has no type")
        read = _read(kind, body, about.occurred_at, FUND_FIELDS.get(fund_from, "reference_id"))
        if isinstance(read, str):
            return replace(about, note=read)
        wanted = customers.wanted(read, dig(body, "data", "object", "payment"), settings)
    return replace(about, facts=read, wanted=wanted)


def fetch(delivery: Delivery, settings: ProviderSettings, caller: Caller, received_at: datetime) -> Parsed:  # noqa: ARG001  # no age is judged
    """Ask for the customer of a gift that does not say who gave. Raises FetchFailed, NotUnderstood."""
    about = parse(delivery, settings)
    name = about.wanted.partition(" ")[2]
    if not name:
        return about
    with understood_as(about):
        customer = customers.ask(name, settings, caller, live=about.live is not False)
    return replace(about, facts=tuple(customers.filled(fact, customer) for fact in about.facts), wanted="")


def _live(body: dict[str, Any], delivery: Delivery) -> bool | None:
    """By the application's id, which is signed; where it is not told, by the header, which is not."""
    application = text(dig(body, "data", "object", "payment", "application_details", "application_id"))
    if application.startswith(("sandbox-", "sq0idp-")):
        return not application.startswith("sandbox-")
    return {"sandbox": False, "production": True}.get(delivery.headers.get(ENVIRONMENT, "").strip().lower())


def _read(kind: str, body: dict[str, Any], created: datetime | None, fund_field: str) -> Reading:
    if kind not in EVENTS:
        known = kind in WHY_NOT or kind.startswith(PAPERWORK)
        return (() if known else stranger(kind, FAMILIES)) or WHY_NOT.get(kind, "not about the money of a gift")
    word, handler = EVENTS[kind]
    found = dig(body, "data", "object", word)
    if not isinstance(found, dict):
        return (Flag(text=f"{kind} came without its {word}: look at the event in Square."),)
    try:
        return handler(Event(kind, found, created, fund_field))
    except MoneyError as error:
        raise NotUnderstood(f"{kind}: {error}") from error


SQUARE = Provider(name="square", verify=verify, parse=parse, fetch=fetch, kept_headers=(ENVIRONMENT,))
