"""Running totals and named refunds of one payment: how much surely went back, and how much of that is booked.

Some providers name each refund, some only tell how much was refunded so far, some do both, in any order and more than
once. What they tell is kept as facts, which neither order nor repetition changes: what each named refund came to,
whether it came back (it failed), and the largest total ever told. From the facts follows (``payments.Refunded``)

    stands   what was named and did not come back
    back     what came back, named before or not
    told     the largest total: once so much was refunded, and of that no more than ``back`` has come back

so that ``surely = max(stands, told - back)`` is refunded, at the least; and exactly that, once everything is told.
Whatever arrives, the rule is one: **what is booked follows ``surely``**. Where it rises above what is booked, the
difference is booked; where it falls, so much is ended, or reinstated if it was sent. A chargeback is apart: no total
counts it.

In doubt is only what totals tell of a payment of which something came back: a total told after a refund failed does
not count it any more, one told before still does. So what a total that arrives then tells beyond ``surely``, and what
a failure takes away although its refund was never named, is held for a person. Assumed is that a total which arrived
before the failure was told before it, if the refund that failed was named.
"""

from __future__ import annotations

from sqlalchemy import Connection

from relay.gifts import RefundReason
from relay.ledger import claims, entries, payments, supplied
from relay.ledger.entries import Entry
from relay.ledger.payments import Refunded
from relay.money import Money
from relay.status import CLAIMABLE, UNSENT, Kind

# Held: a total tells of it, and nobody but the provider knows whether it stands.
DOUBTFUL = "total_unclear"
# Reasons of an end after which a refund never was: it failed, another entry is the same one, or its gift ended first.
TAKEN_BACK, SAME, GIFT_CLOSED = "taken_back", "same_refund", "gift_closed"


def surely(known: Refunded) -> int:
    """What is refunded at the least, in minor units."""
    return known.stands if known.back is None else max(known.stands, known.told - known.back)


def missing(tx: Connection, payment: int) -> int:
    """What is surely refunded and not booked; below zero where more is booked."""
    return surely(payments.refunded(tx, payment)) - _booked(tx, payment)


def twice(tx: Connection, payment: int) -> int:
    """What is booked beyond all that was ever told: so much was booked under two ids."""
    known = payments.refunded(tx, payment)
    return max(0, _booked(tx, payment) - max(known.stands, known.told))


def booked_refunds(tx: Connection, payment: int, *, keep: bool = False) -> list[Entry]:
    """Refunds by choice that stand, those that people closed as well: they saw to them by hand.

    With ``keep`` no claim takes one before the transaction ends.
    """
    ended = {DOUBTFUL, TAKEN_BACK, SAME}
    return [entry for entry in _by_choice(tx, payment, Kind.REFUND, keep=keep) if entry.reason not in ended]


def doubtful(tx: Connection, payment: int) -> list[Entry]:
    """What is held because a total tells of it and it may have come back."""
    return [entry for entry in _by_choice(tx, payment, Kind.REFUND) if entry.reason == DOUBTFUL]


def unnamed(booked: list[Entry]) -> list[Entry]:
    """Those made from running totals, what was not sent first; named refunds may be in them, one or several."""
    found = [entry for entry in booked if not entry.fact.get("keys")]
    return sorted(found, key=lambda entry: entry.status not in UNSENT)


def _booked(tx: Connection, payment: int) -> int:
    """What is booked, less what came back after it was sent."""
    reinstated = sum(entry.amount.minor for entry in _by_choice(tx, payment, Kind.REINSTATEMENT))
    return sum(entry.amount.minor for entry in booked_refunds(tx, payment)) - reinstated


def _by_choice(tx: Connection, payment: int, kind: Kind, *, keep: bool = False) -> list[Entry]:
    known = entries.of_payment(tx, payment, kind, keep=keep)
    return [entry for entry in known if entry.refund_reason == RefundReason.REFUND]


def left_of(tx: Connection, gift: Entry, but: int = 0) -> Money:
    """What may still be refunded of a gift: pessimistic, every refund that may have happened counts.

    So does one that a person closed while it was unknown: that proved nothing.
    """
    known = [entry for entry in entries.refunds_of(tx, gift.payment_id) if entry.id != but]
    if gift.confirmation_code and claims.answered(tx, gift) is None:  # by a look-up's or a person's word
        same = supplied.under(tx, (gift.organization,), gift.confirmation_code)
        known += [entry for entry in same if entry.payment_id != gift.payment_id and entry.id != but]
    taken = [entry for entry in known if counts(tx, entry)]
    return Money(gift.amount.minor - sum(entry.amount.minor for entry in taken), gift.amount.currency)


def counts(tx: Connection, entry: Entry) -> bool:
    """Whether a refund is in line, or may have happened."""
    never = {SAME, TAKEN_BACK, GIFT_CLOSED}
    return entry.status in CLAIMABLE or (entry.reason not in never and entries.may_be_recorded(tx, entry))
