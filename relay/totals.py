"""Running totals and named refunds of one payment, held against each other so that nothing counts twice.

Some providers name each refund, some only tell how much was refunded so far, some do both, in any order. An entry
made from a total is anonymous until named refunds claim it. What is booked together never exceeds what was surely
refunded: the named refunds together, or the largest total, whichever is more.
"""

from __future__ import annotations

from sqlalchemy import Connection

from relay.gifts import Refund, RefundReason
from relay.ledger import entries, payments
from relay.ledger.codec import refund_from_json
from relay.ledger.entries import Entry
from relay.money import Money
from relay.status import Kind

# Reasons of an end after which a refund never was: it failed, or another entry is the same one.
_NO_REFUND = frozenset({"taken_back", "same_refund"})


def chosen_refunds(tx: Connection, payment: int) -> list[Entry]:
    """Refunds by choice that stand (a provider's running total does not count chargebacks or failed ones)."""
    by_choice = (entry for entry in entries.refunds_of(tx, payment) if entry.refund_reason == RefundReason.REFUND)
    return [entry for entry in by_choice if entry.reason not in _NO_REFUND]


def given_back(tx: Connection, payment: int) -> int:
    """How much of the refunds by choice came back after they were sent, in minor units."""
    back = entries.of_payment(tx, payment, Kind.REINSTATEMENT)
    return sum(entry.amount.minor for entry in back if entry.refund_reason == RefundReason.REFUND)


def anonymous(tx: Connection, payment: int, refund: Refund) -> list[Entry]:
    """Entries made from running totals that may hold this refund or a part of it, the best fit first.

    What fits exactly comes first, then what has room enough, the tightest first, then the rest.
    """
    minor = refund.amount.minor
    chosen = chosen_refunds(tx, payment) if refund.reason is RefundReason.REFUND else []
    found = [entry for entry in chosen if room(entry) and entry.amount.currency == refund.amount.currency]
    return sorted(found, key=lambda entry: (room(entry) != minor, room(entry) < minor, room(entry)))


def room(entry: Entry) -> int:
    """What no named refund has claimed of an entry made from a running total; a named one has no room."""
    return 0 if entry.claimed_by_keys is None else entry.amount.minor - entry.claimed_by_keys


def fits(entry: Entry, minor: int) -> bool:
    """Whether all of a named refund may be in it. A total that told what it was before told of one refund only."""
    is_single = refund_from_json(entry.fact).before is not None
    return room(entry) == minor or (not is_single and room(entry) > minor)


def surely_booked(tx: Connection, payment: int, minor: int) -> int:
    """How much of another named refund must be booked already, lest more is booked than was surely refunded."""
    chosen = chosen_refunds(tx, payment)
    booked = sum(entry.amount.minor for entry in chosen)
    # After one came back, a total may have been told before or after: it proves nothing any more.
    total = 0 if payments.has_void_refunds(tx, payment) else payments.refunded_total(tx, payment)
    return max(0, booked + minor - max(named(chosen) + minor, total))


def named(chosen: list[Entry]) -> int:
    """What named refunds make together, in minor units."""
    return sum(entry.amount.minor - room(entry) for entry in chosen)


def doubled(tx: Connection, payment: int) -> Entry | None:
    """An anonymous entry that is too much: its refund is booked by name under another id of the payment."""
    chosen = chosen_refunds(tx, payment)
    surely = max(named(chosen), payments.refunded_total(tx, payment))
    over = sum(entry.amount.minor for entry in chosen) - surely
    return next((entry for entry in chosen if room(entry) == entry.amount.minor <= over), None)


def amount_told(entry: Entry) -> Money:
    """What the provider said of a named refund; its entry holds less where a total had booked a part before."""
    return refund_from_json(entry.fact).amount
