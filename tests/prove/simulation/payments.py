"""What happened at the providers: payments, refunds, disputes, and the events that tell of them.

The truth is kept beside the events: what was paid, and what of it went back. How a provider words its events is in
stripe.py and standard.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
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


class Story:
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
