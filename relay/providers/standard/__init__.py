"""Standard: relay's own neutral format, for any payment processor, signed as standardwebhooks.com specifies.

Whoever can send a signed JSON POST can give gifts to relay: docs/standard-webhook.md describes the format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from marshmallow import ValidationError

from relay.config import ProviderSettings
from relay.errors import NotUnderstood
from relay.gifts import Designation, Fact, Flag, Gift, Refund, RefundReason, Reinstatement
from relay.money import Money
from relay.providers.base import (
    Delivery,
    Parsed,
    Provider,
    delivery_key,
    ident,
    present,
    read_json,
    text,
    understood_as,
)
from relay.providers.standard import schemas
from relay.providers.standard.fields import Part, problems_of
from relay.providers.standard.signature import message_id, verify

MAX_TYPE = 100
MAX_PROBLEMS = 20

Data = Mapping[str, Any]
# The facts, or a sentence that says why there are none.
Reading = tuple[Fact, ...] | str


def parse(delivery: Delivery, settings: ProviderSettings | None = None) -> Parsed:  # noqa: ARG001  # no option matters
    """What a stored event says. Raises Unreadable (not JSON) or NotUnderstood with every problem, by path."""
    body = read_json(delivery.body)
    kind, live = text(body.get("type"))[:MAX_TYPE], body.get("live")
    message = message_id(delivery.headers) or ident(body)
    about = Parsed(
        event_id=ident(body) or message,
        type=kind,
        delivery_key=delivery_key(delivery.body, message),
        live=live if isinstance(live, bool) else None,
    )
    with understood_as(about):
        event = _load(kind, body) if kind in EVENTS or not kind else {}
    read = EVENTS[kind][1](event["data"], body["data"]) if event else "not a type of event that relay uses"
    about = replace(about, occurred_at=event.get("timestamp"))
    return replace(about, note=read) if isinstance(read, str) else replace(about, facts=read)


def _load(kind: str, body: dict[str, Any]) -> Data:
    """The event by its schema."""
    schema = EVENTS[kind][0] if kind else _NO_TYPE
    try:
        loaded: Data = schema.load(body)
    except ValidationError as error:
        problems = problems_of(error.messages)
        more = f"; and {len(problems) - MAX_PROBLEMS} more" if len(problems) > MAX_PROBLEMS else ""
        raise NotUnderstood("; ".join(problems[:MAX_PROBLEMS]) + more) from None
    return loaded


def _received(data: Data, told: Data) -> Reading:
    """gift.received: a gift, once its money is there."""
    status = data.get("status", "succeeded")
    return (_gift(data, told),) if status == "succeeded" else f"the payment is {status}"


def _updated(data: Data, told: Data) -> Reading:
    """gift.updated: fills what was blank, or tells that a pending payment succeeded or failed."""
    if data.get("status") in ("failed", "canceled"):
        sentence = f"The payment {data['status']} after it was announced: if Luminate has the gift, take it back."
        return (Flag(text=sentence, parent_keys=_keys(data)),)
    return _received(data, told)


def _gift(data: Data, told: Data) -> Gift:
    currency = data["currency"]
    plain = {name: data[name] for name in _GIFT_FIELDS if name in data}
    fee = Money.parse(data["fee"], currency) if "fee" in data else None
    return Gift(
        keys=_keys(data),
        amount=Money.parse(data["amount"], currency),
        fee=fee,
        designations=_designations(data),
        sources=(told,),
        **plain,
    )


_GIFT_FIELDS = (
    "occurred_at",
    "donor",
    "billing",
    "shipping",
    "joint_donor",
    "tender",
    "premium_id",
    "gift_aid",
    "matching_eligible",
    "anonymous",
    "recurring",
    "hold",
)


def _keys(data: Data) -> tuple[str, ...]:
    return present(data["payment_id"], *data.get("related_ids", ()))


def _designations(data: Data) -> tuple[Designation, ...]:
    if "fund" in data:
        return (Designation(fund=data["fund"]),)
    return tuple(
        Designation(**part | {"amount": Money.parse(part["amount"], data["currency"]) if "amount" in part else None})
        for part in data.get("designations", ())
    )


def _money(data: Data, name: str) -> Money | None:
    return Money.parse(data[name], data["currency"]) if name in data else None


def _refunded(data: Data, told: Data) -> Reading:
    """gift.refunded: one refund by its id, or the growth of a running total."""
    total, before = _money(data, "total_refunded"), _money(data, "refunded_before")
    amount = _money(data, "amount") or (total - before if total and before else total)
    if amount is None or amount.minor <= 0:
        return (Flag(text="The refunded total did not grow: look at the payment.", parent_keys=_keys(data)),)
    refund = Refund(
        keys=present(data.get("refund_id")),
        parent_keys=_keys(data),
        amount=amount,
        total=total,
        before=before,
        occurred_at=data.get("occurred_at"),
        sources=(told,),
    )
    return (refund,)


def _refund_failed(data: Data, told: Data) -> Reading:  # noqa: ARG001  # every reader is given both
    """refund.failed: the money did not reach the donor."""
    return (_back(data, data["refund_id"], "The refund failed"),)


def _dispute_won(data: Data, told: Data) -> Reading:  # noqa: ARG001
    """dispute.won: what the bank had taken came back."""
    back = _back(data, data["dispute_id"], "The dispute was won")
    return (replace(back, reason=RefundReason.CHARGEBACK),)


def _back(data: Data, key: str, how: str) -> Reinstatement:
    because = f" ({data['reason']})" if "reason" in data else ""
    return Reinstatement(
        refund_keys=(key,),
        parent_keys=_keys(data),
        amount=_money(data, "amount"),
        text=f"{how}{because}; the processor has the money again.",
        occurred_at=data.get("occurred_at"),
    )


def _dispute_lost(data: Data, told: Data) -> Reading:
    """dispute.lost: the bank took the money."""
    lost = Refund(
        keys=(data["dispute_id"],),
        parent_keys=_keys(data),
        amount=Money.parse(data["amount"], data["currency"]),
        reason=RefundReason.CHARGEBACK,
        occurred_at=data.get("occurred_at"),
        sources=(told,),
    )
    return (lost,)


def _dispute_opened(data: Data, told: Data) -> Reading:  # noqa: ARG001
    """dispute.opened: no money moved yet."""
    because = f": {data['reason']}" if "reason" in data else "."
    return (Flag(text=f"A dispute was opened{because}", parent_keys=_keys(data)),)


# Our event type -> its schema, and who reads it.
EVENTS: Mapping[str, tuple[Part, Callable[[Data, Data], Reading]]] = {
    "gift.received": (schemas.envelope_of(schemas.GiftPart), _received),
    "gift.updated": (schemas.envelope_of(schemas.GiftPart), _updated),
    "gift.refunded": (schemas.envelope_of(schemas.RefundPart), _refunded),
    "refund.failed": (schemas.envelope_of(schemas.RefundFailedPart), _refund_failed),
    "dispute.opened": (schemas.envelope_of(schemas.DisputePart), _dispute_opened),
    "dispute.lost": (schemas.envelope_of(schemas.DisputeLostPart), _dispute_lost),
    "dispute.won": (schemas.envelope_of(schemas.DisputePart), _dispute_won),
}
_NO_TYPE: Part = schemas.Envelope()

STANDARD = Provider(name="standard", verify=verify, parse=parse)
