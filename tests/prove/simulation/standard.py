"""A payment's story in relay's own format, the standard webhook."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

from tests.prove.simulation.payments import START_UNIX, Payment, Return, Story


class Standard(Story):
    def __init__(self, payment: Payment, chance: Random) -> None:
        super().__init__(payment, chance)
        self.pay, self.order = f"pay_{payment.number}", f"order_{payment.number}"

    def paid(self) -> None:
        payment = self.payment
        payment.keys = (self.pay, self.order)
        self._event("gift.received", self._gift(), payment.keys, is_gift=True)
        if payment.shape in {"session", "invoice"}:
            self.now += self.chance.uniform(0, 30)
            told = self._gift() | {"payment_id": self.order, "related_ids": [self.pay]}
            self._event("gift.updated", told, payment.keys, is_gift=True)

    def _event(self, kind: str, data: dict[str, Any], keys: tuple[str, ...], *, is_gift: bool = False) -> None:
        moment = START_UNIX + int(self.now)
        told = {"type": kind, "timestamp": _iso(moment), "live": True, "data": data}
        self.payment.tell(kind, self.now, told, keys, is_gift=is_gift)

    def _gift(self) -> dict[str, Any]:
        payment = self.payment
        address = {"street1": "1 Way", "city": "Portland", "state": "OR", "zip": payment.zip, "country": "US"}
        first, last = payment.donor.split()
        name = {"first": first, "last": last}
        told = {"payment_id": self.pay, "related_ids": [self.order], "amount": payment.dollars, "currency": "USD"}
        told |= {"occurred_at": _iso(START_UNIX + int(payment.at)), "status": "succeeded"}
        told |= {"donor": {"name": name, "email": payment.email, "address": address}}
        told |= {"tender": {"kind": "card", "card_type": "Visa", "last4": payment.last4}}
        return told | ({"fund": payment.fund} if payment.fund else {})

    def refunded(self, back: Return, before: int) -> None:
        told = {"payment_id": self.pay, "currency": "USD"}
        named = {"refund_id": back.key, "amount": f"{back.amount / 100:.2f}"}
        total = {"total_refunded": f"{self.total / 100:.2f}", "refunded_before": f"{before / 100:.2f}"}
        if self.payment.told != "total":
            self._event("gift.refunded", told | named, (self.pay,))
        if self.payment.told != "named":
            self._event("gift.refunded", told | total, (self.pay,))

    def _undone(self, name: str, back: Return) -> dict[str, Any]:
        return {"payment_id": self.pay, name: back.key, "amount": f"{back.amount / 100:.2f}", "currency": "USD"}

    def refund_failed(self, back: Return) -> None:
        self._event("refund.failed", self._undone("refund_id", back), (self.pay,))

    def disputed(self, back: Return) -> None:
        self._event("dispute.lost", self._undone("dispute_id", back), (self.pay,))

    def dispute_won(self, back: Return) -> None:
        self._event("dispute.won", self._undone("dispute_id", back), (self.pay,))


def _iso(unix: int) -> str:
    return datetime.fromtimestamp(unix, UTC).isoformat()
