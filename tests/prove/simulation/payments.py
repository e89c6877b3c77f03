"""What happened at the providers: payments, refunds, disputes, and the events that tell of them.

Stripe's events as its API versions since 2025 write them (docs/providers/stripe.md), and relay's own format. The truth
is kept beside the events: what was paid, and what of it went back.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from relay.providers import Delivery
from tests.prove.simulation.world import HOUR, MINUTE, START

STRIPE_SECRET = "whsec_simulated"
STANDARD_SECRET = "whsec_" + base64.b64encode(b"simulated standard secret").decode()
START_UNIX = int(START.timestamp())


@dataclass(eq=False)
class Event:
    """One event of a provider's. ``keys`` are the ids by which relay can know whose it is."""

    payment: Payment
    name: str
    body: bytes
    at: float
    keys: tuple[str, ...]
    is_gift: bool = False
    committed: bool = False
    accepted: bool = False
    message: str = ""
    sent: int = 0

    def delivery(self, now: float) -> Delivery:
        """As it arrives now, freshly signed: every provider signs again when it sends again."""
        stamp = str(START_UNIX + int(now))
        if self.payment.provider == "stripe":
            mac = hmac.new(STRIPE_SECRET.encode(), f"{stamp}.".encode() + self.body, hashlib.sha256).hexdigest()
            return Delivery(self.body, {"stripe-signature": f"t={stamp},v1={mac}"})
        key = base64.b64decode(STANDARD_SECRET.removeprefix("whsec_"))
        mac = hmac.new(key, f"{self.message}.{stamp}.".encode() + self.body, hashlib.sha256).digest()
        headers = {"webhook-id": self.message, "webhook-timestamp": stamp}
        return Delivery(self.body, headers | {"webhook-signature": f"v1,{base64.b64encode(mac).decode()}"})


@dataclass(eq=False)
class Return:
    """A refund or a dispute: ``stands`` is whether the money is gone in the end."""

    key: str
    amount: int
    dispute: bool = False
    stands: bool = True


@dataclass(eq=False)
class Payment:
    """One payment, and all that became of it at the provider."""

    number: int
    organization: str
    provider: str
    amount: int
    email: str
    last4: str
    fund: str
    zip: str
    at: float
    shape: str
    told: str = ""
    keys: tuple[str, ...] = ()
    events: list[Event] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"payment {self.number}"

    @property
    def donor(self) -> str:
        """Whoever gives again gives under the same name."""
        return f"Donor Number{''.join(letter for letter in self.email if letter.isdigit())}"

    @property
    def gone(self) -> int:
        return sum(back.amount for back in self.returns if back.stands)

    @property
    def has_undone(self) -> bool:
        return any(not back.stands for back in self.returns)

    @property
    def dollars(self) -> str:
        return f"{self.amount / 100:.2f}"

    def tell(self, name: str, at: float, body: dict[str, Any], keys: tuple[str, ...], *, is_gift: bool = False) -> None:
        message = f"evt_{self.number}_{len(self.events)}"
        told = Event(self, name, json.dumps(body | {"id": message}).encode(), at, keys, is_gift, message=message)
        self.events.append(told)


def make(seed: int, number: int, organizations: list[str], span: float) -> Payment:
    """The history of one payment. Its own chances, so that leaving one out changes no other."""
    chance = Random(f"{seed}:payment:{number}")
    donor = chance.choice((number, number, number, number % 3))
    often = Random(f"{seed}:donor:{number % 3}") if donor != number else None
    together = often is not None and chance.random() < 0.5
    # Frequent donors give the same amount again and again: gifts that nobody can tell apart.
    amount = 2500 if donor != number else chance.choice((100, 1000, 2500, 4999, 10_000, 123_456))
    payment = Payment(
        number=number,
        organization=chance.choice(organizations),
        provider=chance.choice(("stripe", "stripe", "standard")),
        amount=amount,
        email=f"donor{donor}@example.org",
        last4=f"{4242 if donor != number else 1000 + number}",
        fund=chance.choice(("", "", "", "WATER", "NOBODY-KNOWS")),
        zip="00000" if chance.random() < 0.06 else "97201",
        at=chance.uniform(0, span),
        shape=chance.choice(("charge", "charge", "charge", "intent", "session", "invoice")),
        told=chance.choice(("named", "named", "total", "both")),
    )
    if often and together:
        # Several browsers at once: nobody may be sent while another gift of the same donor is on its way.
        payment.organization = often.choice(organizations)
        payment.at = often.uniform(0, span) + chance.uniform(0, 1)
    (_Stripe if payment.provider == "stripe" else _Standard)(payment, chance).write()
    return payment


class _Story:
    """What all providers' stories share: when money goes back, and how often."""

    def __init__(self, payment: Payment, chance: Random) -> None:
        self.payment, self.chance = payment, chance
        self.now = payment.at
        self.total = 0

    def write(self) -> None:
        self.paid()
        for _ in range(self.chance.choice((0, 0, 0, 0, 0, 1, 1, 1, 2, 3))):
            self._money_goes_back()
        if self.chance.random() < 0.1 and self.payment.gone < self.payment.amount:
            self._dispute()

    def paid(self) -> None:
        raise NotImplementedError

    def refunded(self, back: Return, before: int) -> None:
        raise NotImplementedError

    def refund_failed(self, back: Return) -> None:
        raise NotImplementedError

    def disputed(self, back: Return) -> None:
        raise NotImplementedError

    def dispute_won(self, back: Return) -> None:
        raise NotImplementedError

    def later(self) -> None:
        low, high = self.chance.choice(((0, 5), (5, MINUTE), (MINUTE, HOUR), (HOUR, 8 * HOUR)))
        self.now += self.chance.uniform(low, high)

    def _money_goes_back(self) -> None:
        payment, chance = self.payment, self.chance
        rest = payment.amount - payment.gone
        if rest <= 0:
            return
        self.later()
        amount = rest if chance.random() < 0.4 else chance.randint(1, rest)
        back = Return(self._key("re", len(payment.returns)), amount)
        payment.returns.append(back)
        before, self.total = self.total, self.total + amount
        self.refunded(back, before)
        # Where only totals are told nothing names the refund that failed.
        if payment.told != "total" and chance.random() < 0.15:
            self.later()
            back.stands = False
            self.total -= amount
            self.refund_failed(back)

    def _dispute(self) -> None:
        payment = self.payment
        self.later()
        back = Return(self._key("du", 0), payment.amount - payment.gone, dispute=True)
        payment.returns.append(back)
        self.disputed(back)
        if self.chance.random() < 0.5:
            self.later()
            back.stands = False
            self.dispute_won(back)
        else:
            self.later()
            self.disputed(back)

    def _key(self, what: str, place: int) -> str:
        return f"{what}_{self.payment.number}_{place}"


class _Stripe(_Story):
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


class _Standard(_Story):
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


class Book:
    """All payments of a seed, and what the ledger must hold after the events committed so far."""

    def __init__(self, payments: list[Payment]) -> None:
        self.payments = payments
        self.of_key = {(one.organization, key): one for one in payments for key in one.keys}
        self._expected: dict[str, tuple[int, int]] | None = None

    def payment_of(self, organization: str, key: str) -> Payment | None:
        return self.of_key.get((organization, key))

    def has_twins(self, organization: str, key: str) -> bool:
        """Whether Luminate may be sent another gift that looks the same: by its donor, or when money came back."""
        payment = self.of_key.get((organization, key))
        if payment is None or payment.has_undone:
            return True
        return sum(one.email == payment.email for one in self.payments) > 1

    def events(self) -> Iterator[Event]:
        for payment in self.payments:
            yield from payment.events

    def committed(self, event: Event) -> None:
        if not event.committed:
            event.committed = True
            self._expected = None

    def expected(self) -> dict[str, tuple[int, int]]:
        """Gifts that the ledger must show: events meet in one gift as soon as their ids can tell that they belong."""
        if self._expected is None:
            found: dict[str, tuple[int, int]] = {}
            for payment in self.payments:
                count = _gifts(payment)
                if count:
                    number, total = found.get(payment.organization, (0, 0))
                    found[payment.organization] = (number + count, total + count * payment.amount)
            self._expected = found
        return self._expected


def _gifts(payment: Payment) -> int:
    """How many gifts the committed events of a payment look like: groups that share an id and announce money."""
    groups: list[tuple[set[str], bool]] = []
    for event in payment.events:
        if not event.committed:
            continue
        keys, is_gift = set(event.keys), event.is_gift
        apart = []
        for known, announced in groups:
            if known & keys:
                keys, is_gift = keys | known, is_gift or announced
            else:
                apart.append((known, announced))
        groups = [*apart, (keys, is_gift)]
    return sum(is_gift for _, is_gift in groups)
