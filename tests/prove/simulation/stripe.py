"""A payment's story as Stripe tells it: charges, payment intents, checkouts, invoices, refunds, disputes.

The events are as its API versions since 2025 write them (docs/providers/stripe.md).
"""

from __future__ import annotations

from random import Random
from typing import Any

from tests.prove.simulation.payments import START_UNIX, Payment, Return, Story


class Stripe(Story):
    def __init__(self, payment: Payment, chance: Random) -> None:
        super().__init__(payment, chance)
        number = payment.number
        self.ch, self.pi, self.cs, self.bill = f"ch_{number}", f"pi_{number}", f"cs_{number}", f"in_{number}"
        self.ids = (self.ch, self.pi)

    def paid(self) -> None:
        payment = self.payment
        payment.keys = {
            "charge": self.ids,
            "intent": self.ids,
            "session": (*self.ids, self.cs),
            "invoice": (*self.ids, self.bill),
        }[payment.shape]
        self._event("charge.succeeded", self._charge(), self.ids, is_gift=True)
        if payment.shape in {"intent", "session"}:
            self.now += self.chance.uniform(0, 3)
            self._event("payment_intent.succeeded", self._intent(), self.ids, is_gift=True)
        if payment.shape == "session":
            self._event("checkout.session.completed", self._session(), (self.pi, self.cs), is_gift=True)
        if payment.shape == "invoice":
            self._event("invoice.paid", self._invoice(), (self.bill,), is_gift=True)
            self._event("invoice_payment.paid", self._link(), (self.pi, self.bill), is_gift=True)

    def _event(self, kind: str, about: dict[str, Any], keys: tuple[str, ...], **more: Any) -> None:
        previous = more.pop("previous", {})
        body = {
            "object": "event",
            "type": kind,
            "livemode": True,
            "created": START_UNIX + int(self.now),
            "data": {"object": about, "previous_attributes": previous},
        }
        self.payment.tell(kind, self.now, body, keys, **more)

    def _words(self) -> dict[str, str]:
        return {"fund": self.payment.fund} if self.payment.fund else {}

    def _charge(self) -> dict[str, Any]:
        payment = self.payment
        return {
            "id": self.ch, "object": "charge", "amount": payment.amount, "amount_captured": payment.amount,
            "amount_refunded": self.total, "captured": True, "paid": True, "status": "succeeded", "currency": "usd",
            "created": START_UNIX + int(payment.at), "payment_intent": self.pi, "metadata": self._words(),
            "billing_details": {
                "name": payment.donor, "email": payment.email,
                "address": {"line1": "1 Way", "city": "Portland", "state": "OR", "postal_code": payment.zip,
                            "country": "US"},
            },
            "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": payment.last4}},
        }  # fmt: skip

    def _intent(self) -> dict[str, Any]:
        payment = self.payment
        told = {"id": self.pi, "object": "payment_intent", "status": "succeeded", "currency": "usd"}
        return told | {
            "amount": payment.amount, "amount_received": payment.amount, "latest_charge": self.ch,
            "metadata": self._words(),
        }  # fmt: skip

    def _session(self) -> dict[str, Any]:
        payment = self.payment
        told = {"id": self.cs, "object": "checkout.session", "mode": "payment", "payment_status": "paid"}
        return told | {
            "amount_total": payment.amount, "currency": "usd", "payment_intent": self.pi,
            "customer_details": {"email": payment.email, "name": payment.donor},
            "metadata": self._words(),
        }  # fmt: skip

    def _invoice(self) -> dict[str, Any]:
        payment = self.payment
        told = {"id": self.bill, "object": "invoice", "status": "paid", "currency": "usd", "total": payment.amount}
        return told | {
            "amount_paid": payment.amount, "billing_reason": "subscription_cycle", "customer_email": payment.email,
            "customer_name": payment.donor, "metadata": self._words(),
        }  # fmt: skip

    def _link(self) -> dict[str, Any]:
        told = {"id": f"inpay_{self.payment.number}", "object": "invoice_payment", "status": "paid", "currency": "usd"}
        return told | {
            "amount_paid": self.payment.amount, "invoice": self.bill, "is_default": True,
            "payment": {"type": "payment_intent", "payment_intent": self.pi},
        }  # fmt: skip

    def _returned(self, kind: str, back: Return, status: str) -> dict[str, Any]:
        told = {"id": back.key, "object": kind, "amount": back.amount, "currency": "usd", "status": status}
        return told | {"charge": self.ch, "payment_intent": self.pi, "created": START_UNIX + int(self.now)}

    def refunded(self, back: Return, before: int) -> None:
        if self.payment.told != "total":
            self._event("refund.created", self._returned("refund", back, "succeeded"), self.ids)
            if self.chance.random() < 0.4:
                self._event("refund.updated", self._returned("refund", back, "succeeded"), self.ids)
        if self.payment.told != "named":
            self._event("charge.refunded", self._charge(), self.ids, previous={"amount_refunded": before})

    def refund_failed(self, back: Return) -> None:
        self._event("refund.failed", self._returned("refund", back, "failed"), self.ids)

    def disputed(self, back: Return) -> None:
        closing = any("dispute" in event.name for event in self.payment.events)
        kind = "charge.dispute.closed" if closing else "charge.dispute.funds_withdrawn"
        self._event(kind, self._returned("dispute", back, "lost" if closing else "needs_response"), self.ids)

    def dispute_won(self, back: Return) -> None:
        self._event("charge.dispute.funds_reinstated", self._returned("dispute", back, "won"), self.ids)
        self._event("charge.dispute.closed", self._returned("dispute", back, "won"), self.ids)
