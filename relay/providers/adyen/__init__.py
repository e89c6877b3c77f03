"""Adyen: standard webhooks, items signed one by one, several in one body.

https://docs.adyen.com/development-resources/webhooks/webhook-types. What to switch on at Adyen, and why the odd ones
are read as they are: docs/providers/adyen.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from relay.config import ProviderSettings
from relay.errors import MoneyError, NotUnderstood
from relay.providers.adyen import payments, returns
from relay.providers.adyen.item import Handler, Item, Reading
from relay.providers.adyen.signature import items_of, verify
from relay.providers.base import Delivery, Parsed, Provider, delivery_key, ident, read_json, text, understood_as
from relay.providers.times import instant

MAX_TYPE = 100
ACCEPTED = "[accepted]"

# eventCode -> who reads it. Everything else is kept, counted and ignored.
EVENTS: Mapping[str, Handler] = {
    "AUTHORISATION": payments.authorisation,
    "CAPTURE": payments.capture,
    "CAPTURE_FAILED": returns.capture_failed,
    "SETTLED_REVERSED": returns.settled_reversed,
    "CANCELLATION": returns.cancellation,
    "TECHNICAL_CANCEL": returns.cancellation,
    "EXPIRE": returns.expire,
    "REFUND": returns.refund,
    "REFUND_WITH_DATA": returns.refund,
    "CANCEL_OR_REFUND": returns.cancel_or_refund,
    "REFUND_FAILED": returns.refund_failed,
    "REFUNDED_REVERSED": returns.refund_failed,
    "NOTIFICATION_OF_CHARGEBACK": returns.notice,
    "REQUEST_FOR_INFORMATION": returns.notice,
    "NOTIFICATION_OF_FRAUD": returns.notice,
    "CHARGEBACK": returns.chargeback,
    "SECOND_CHARGEBACK": returns.debited_again,
    "PREARBITRATION_LOST": returns.debited_again,
    "CHARGEBACK_REVERSED": returns.chargeback_reversed,
    "PREARBITRATION_WON": returns.prearbitration_won,
}
# A code with such a word in it may move money: a new one is shown to a person.
MONEY_WORDS = ("CAPTURE", "REFUND", "CHARGEBACK", "ARBITRATION", "REVERSED", "DONATION")
# Of the others, why these bring nothing.
WHY_NOT = {
    "PAIDOUT_REVERSED": "a payout that did not get through; the gifts stay",
    "AUTHORISATION_ADJUSTMENT": "changes what is authorised; no money moved",
    "AUTORESCUE": "the AUTHORISATION of the retry announces the gift",
    "CANCEL_AUTORESCUE": "retrying was given up; no money moved",
    "POSTPONED_REFUND": "the refund waits for its capture",
    "VOID_PENDING_REFUND": "a refund was given up before it was made",
    "INFORMATION_SUPPLIED": "paperwork of a dispute; no money moved",
    "ISSUER_COMMENTS": "paperwork of a dispute; no money moved",
    "ISSUER_RESPONSE_TIMEFRAME_EXPIRED": "paperwork of a dispute; no money moved",
    "DISPUTE_DEFENSE_PERIOD_ENDED": "paperwork of a dispute; no money moved",
}


def split(delivery: Delivery) -> Sequence[Delivery]:
    """Each item as a delivery of its own; a body with one item, or with none, stays as it came."""
    body = read_json(delivery.body)
    items = items_of(body)
    if len(items) < 2:
        return (delivery,)
    alone = ({**body, "notificationItems": [{"NotificationRequestItem": item}]} for item in items)
    return tuple(replace(delivery, body=orjson.dumps(one)) for one in alone)


def parse(delivery: Delivery, settings: ProviderSettings | None = None) -> Parsed:
    """What one item says. Raises Unreadable (not JSON) or NotUnderstood (genuine, yet not readable)."""
    body = read_json(delivery.body)
    if "notificationItems" not in body:
        return _of_the_platform(delivery, body)
    found = items_of(body)
    if len(found) != 1:
        raise NotUnderstood("not exactly one notification item")
    item = _item(found[0], settings)
    about = _about(delivery, body, item)
    with understood_as(about):
        if not item.code:
            raise NotUnderstood("the item has no eventCode")
        read = _read(item)
    return replace(about, note=read) if isinstance(read, str) else replace(about, facts=read)


def _item(raw: dict[str, Any], settings: ProviderSettings | None) -> Item:
    chosen: Mapping[str, str] = settings.options if settings else {}
    return Item(raw, chosen.get("capture") == "manual", chosen.get("merchant_reference") == "unique")


def _about(delivery: Delivery, body: dict[str, Any], item: Item) -> Parsed:
    kind, event_id = item.code[:MAX_TYPE], ident(item.raw.get("pspReference"))
    # A chargeback comes again under its id with another disputeStatus.
    status = text(item.additional.get("disputeStatus"))
    return Parsed(
        event_id=event_id,
        type=kind,
        delivery_key=delivery_key(delivery.body, event_id, kind, text(item.raw.get("success")), status),
        live={"true": True, "false": False}.get(str(body.get("live")).lower()),
        occurred_at=item.at,
    )


def _read(item: Item) -> Reading:
    handler = EVENTS.get(item.code)
    if handler is None and item.code not in WHY_NOT and any(word in item.code for word in MONEY_WORDS):
        return item.flag(f"'{item.code[:80]}' is new to relay and may be about money: look at it in Adyen.")
    if handler is None:
        return WHY_NOT.get(item.code, "not about the money of a gift")
    told = item.raw.get("success")
    if not isinstance(told, bool) and told not in ("true", "false"):
        raise NotUnderstood(f"{item.code} does not say whether it succeeded")
    try:
        return handler(item)
    except MoneyError as error:
        raise NotUnderstood(f"{item.code}: {error}") from error


def _of_the_platform(delivery: Delivery, body: dict[str, Any]) -> Parsed:
    """A webhook of Adyen's platform or banking products: another shape, and no gift in it."""
    kind = text(body.get("type"))[:MAX_TYPE]
    about = Parsed(
        event_id="",
        type=kind,
        delivery_key=delivery_key(delivery.body),
        live={"live": True, "test": False}.get(text(body.get("environment"))),
        occurred_at=instant(body.get("createdAt")) or instant(body.get("timestamp")),
        note="a webhook of Adyen's platform, not about payments",
    )
    with understood_as(about):
        if not kind:
            raise NotUnderstood("neither notification items nor a type")
    return about


ADYEN = Provider(name="adyen", verify=verify, parse=parse, split=split, answer=ACCEPTED)
