"""Mollie: a webhook that is one id and unsigned; what happened is asked of the API. Signed next-gen events as well.

https://docs.mollie.com/reference/webhooks, https://docs.mollie.com/reference/get-payment. Where to put the webhook's
address, and what an unsigned webhook is worth: docs/providers/mollie.md.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from relay.config import ProviderSettings
from relay.errors import BadSignature, NotUnderstood, Unreadable
from relay.gifts import Flag
from relay.providers.asking import completed, path_id
from relay.providers.base import (
    Delivery,
    Parsed,
    Provider,
    delivery_key,
    dig,
    ident,
    read_json,
    text,
    understood_as,
)
from relay.providers.calling import Caller
from relay.providers.mollie import payments
from relay.providers.mollie.api import READERS, Api
from relay.providers.signatures import place_of_match, place_of_token
from relay.providers.times import instant

HEADER = "x-mollie-signature"
MAX_TYPE = 100
CLASSIC = "payment"

# How an id begins -> what it is an id of, and can be asked for.
KINDS: Mapping[str, str] = {"tr_": "payment", "pl_": "payment-link", "ord": "order"}
# Next-gen events about a payment, or about what was done with one, by the beginning of their type; what they are about
# tells its ``paymentId`` (https://docs.mollie.com/reference/refunds-api-webhooks, chargebacks-api-webhooks).
ABOUT_PAYMENTS = ("payment.", "payment-link.paid")
OF_PAYMENTS = ("refund.", "chargeback.", "capture.")
SNAPSHOTS = frozenset({"payment", "refund", "chargeback", "capture"})


# --- verify --------------------------------------------------------------------------------------------------------


def verify(delivery: Delivery, settings: ProviderSettings, now: datetime) -> int:  # noqa: ARG001  # no time is signed
    """Classic: the secret in the address. Next-gen: HMAC-SHA256 over the raw body, in hex. Raises BadSignature."""
    if HEADER not in delivery.headers:
        return place_of_token(settings.secrets, delivery.token)
    scheme, equals, sent = delivery.headers[HEADER].strip().partition("=")
    if scheme != "sha256" or not equals:
        raise BadSignature("the X-Mollie-Signature header is not sha256=...")

    def expected(secret: str) -> str:
        return hmac.new(secret.encode(), delivery.body, hashlib.sha256).hexdigest()

    return place_of_match(settings.secrets, expected, [sent.strip()], "X-Mollie-Signature")


# --- parse ---------------------------------------------------------------------------------------------------------


def parse(delivery: Delivery, settings: ProviderSettings | None = None) -> Parsed:  # noqa: ARG001  # no option matters
    """What has changed. Raises Unreadable (neither a form nor JSON) or NotUnderstood."""
    if delivery.body.lstrip()[:1] == b"{":
        return _next_gen(delivery)
    try:
        named = parse_qs(delivery.body.decode("utf-8", "replace").strip(), strict_parsing=True, max_num_fields=20).get(
            "id", []
        )
    except ValueError:
        raise Unreadable("the body is not the form that Mollie sends") from None
    if len(named) != 1:
        raise Unreadable("the form does not hold one id")
    # One body for whatever happens to a payment: no two deliveries are the same event.
    about = Parsed(event_id="", type=CLASSIC, delivery_key="")
    with understood_as(about):
        return _asked(about, named[0].replace("\x00", ""))


def _next_gen(delivery: Delivery) -> Parsed:
    body = _event_in(read_json(delivery.body))
    # The SDK's own tests write event_type.
    kind = (text(body.get("type")) or text(body.get("event_type")))[:MAX_TYPE]
    about = Parsed(
        event_id=ident(body),
        type=kind,
        delivery_key=delivery_key(delivery.body, ident(body), kind, ident(body.get("entityId"))),
        live={"live": True, "test": False}.get(text(dig(body, "_embedded", "entity", "mode"))),
        occurred_at=instant(body.get("createdAt")),
    )
    with understood_as(about):
        if not kind:
            raise NotUnderstood("the event has no type")
        if kind.startswith(ABOUT_PAYMENTS):
            return _asked(about, body.get("entityId"))
        if kind.startswith(OF_PAYMENTS):
            return _of_payment(about, body)
        return completed(about, note="not about the money of a gift")


def _event_in(body: dict[str, Any]) -> dict[str, Any]:
    """The event; some of Mollie's pages show the snapshot by itself, without an event around it."""
    bare = text(body.get("resource"))
    if bare not in SNAPSHOTS or body.get("type"):
        return body
    return {"type": f"{bare}.", "entityId": body.get("id"), "_embedded": {"entity": body}}


def _of_payment(about: Parsed, body: dict[str, Any]) -> Parsed:
    """A refund, chargeback or capture: its payment tells all of them. Without a snapshot the event names no payment."""
    if named := ident(dig(body, "_embedded", "entity", "paymentId")):
        return _asked(about, named)
    sentence = f"{about.type} does not say of which payment: look at it in Mollie, and let it send snapshots."
    return completed(about, facts=(Flag(text=sentence),))


def _asked(about: Parsed, named: object) -> Parsed:
    name = path_id(named, "payment")
    kind = KINDS.get(name[:3])
    if kind is None:
        return completed(about, note="the id of something else than a payment")
    return completed(about, wanted=f"{kind} {name}")


# --- fetch ---------------------------------------------------------------------------------------------------------


def fetch(delivery: Delivery, settings: ProviderSettings, caller: Caller, received_at: datetime) -> Parsed:  # noqa: ARG001  # no age is judged
    """Ask for the payment as it stands now, with its refunds and chargebacks. Raises FetchFailed, NotUnderstood."""
    about = parse(delivery, settings)
    kind, _, name = about.wanted.partition(" ")
    if not kind:
        return about
    api = Api(settings, caller)
    with understood_as(about):
        paid = list(READERS[kind](api, name))
        facts = tuple(fact for payment in paid for fact in payments.facts(api.customer, payment))
        modes = {text(payment.get("mode")) for payment in paid}
    live = {"live": True, "test": False}.get(modes.pop()) if len(modes) == 1 else None
    return completed(about, live=live, facts=facts, note="" if facts else payments.why_not(paid))


MOLLIE = Provider(name="mollie", verify=verify, parse=parse, fetch=fetch)
