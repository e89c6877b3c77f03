"""The payments of a seed: how chance makes each, and what the ledger must hold of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from tests.prove.simulation.payments import Event, Payment
from tests.prove.simulation.standard import Standard
from tests.prove.simulation.stripe import Stripe


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
    (Stripe if payment.provider == "stripe" else Standard)(payment, chance).write()
    return payment


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
