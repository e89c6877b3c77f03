"""One refund booked under two ids of its payment, by its name here and from a running total there.

It shows when the ids turn out to be one payment's. What was never sent ends, and hands its names to the entry that was;
only what is then still too much is flagged, for as long as it is. Whoever finds that a call was not recorded asks once
more, because then it need not be sent again.
"""

from __future__ import annotations

from collections.abc import Sequence

from relay.inbound import totals
from relay.inbound.refunding import Desk, end, forgo, in_doubt, never_sent, release, reopen
from relay.ledger import entries, payments
from relay.ledger.entries import Entry
from relay.money import Money
from relay.status import PERHAPS_RECORDED, UNSENT, Kind, Status

TWICE, BACK = "Sent twice", "Perhaps come back"
_LOOK = "A person must look in Luminate."


def joined(desk: Desk, payment: int) -> str:
    """Two payments turned out to be one: their refunds are told apart and stand by its gift. Gives back notes."""
    reopen(desk, payment)
    notes = (_tell_apart(desk, payment), _doubt(desk, payment), forgo(desk, payment))
    return "; ".join(note for note in notes if note)


def settled(desk: Desk, entry: Entry) -> None:
    """What became of an entry's call is known: what is booked twice and was not recorded ends."""
    if entry.kind is Kind.REFUND and totals.twice(desk.tx, entry.payment_id):
        _tell_apart(desk, entry.payment_id)
    if entry.kind is Kind.GIFT:
        _exchange(desk, entry.payment_id)


def _exchange(desk: Desk, payment: int) -> None:
    """Of two entries that were both under way when their ids met, the one that is there is the payment's gift."""
    kept = entries.gift_of(desk.tx, payment, keep=True)
    if kept is None or kept.status not in UNSENT or entries.was_recorded(desk.tx, kept):
        return
    sent = [one for one in entries.of_payment(desk.tx, payment, Kind.GIFT) if one.merged_into == kept.id]
    there = [one for one in sent if one.status is Status.POSTED]
    if not there or any(entries.may_be_recorded(desk.tx, one) for one in sent if one not in there):
        return
    gift, *_ = there
    if entries.move(desk.tx, kept, Status.CLOSED, desk.now, **entries.folded_into(gift.id)):
        entries.hand_over_twins(desk.tx, kept, gift.id)
        is_alone = gift.flag.startswith(TWICE) and not there[1:]
        differs = f"Its payment was told with {kept.amount}, too. {_LOOK}" if gift.amount != kept.amount else ""
        entries.change(desk.tx, gift, desk.now, merged_into=None, flag=differs if is_alone else gift.flag)
        if stands := entries.get(desk.tx, gift.id):
            release(desk, stands)


def _tell_apart(desk: Desk, payment: int) -> str:
    """End what is booked twice and was never sent, then flag what is still too much."""
    left, notes = totals.booked_refunds(desk.tx, payment, keep=True), []
    over = totals.twice(desk.tx, payment)
    for entry in sorted(left, key=_order):
        part = min(over, entry.amount.minor)
        if part and never_sent(entry):
            left.remove(entry)
            notes.append(_end(desk, entry, part, left))
        else:
            notes.append(_flag(desk, entry, part, left))
        over -= part
    return "; ".join(note for note in notes if note)


def _order(entry: Entry) -> tuple[bool, bool, bool]:
    """Never sent before sent before what a person saw to; what totals tell of before what has a name."""
    return (not never_sent(entry), entry.status is Status.CLOSED, bool(entry.fact.get("keys")))


def _end(desk: Desk, entry: Entry, part: int, left: Sequence[Entry]) -> str:
    if entry.flag.startswith(TWICE):
        entries.change(desk.tx, entry, desk.now, flag="")
    end(desk, entry, part, totals.SAME, "The same refund was booked under another id of its payment.")
    if part == entry.amount.minor and left:
        payments.hand_over_refunds(desk.tx, entry.id, max(left, key=lambda one: _fits(one, entry)).id)
    return f"entry {entry.id} is a refund that is booked already"


def _fits(one: Entry, entry: Entry) -> tuple[bool, bool, bool]:
    """Which entry is rather the same refund as this one, which ends."""
    return (one.status in PERHAPS_RECORDED, one.amount == entry.amount, not one.fact.get("keys"))


def _flag(desk: Desk, entry: Entry, part: int, left: Sequence[Entry]) -> str:
    """Say of a refund that was sent how much of it is too much; nothing, if nothing is any more."""
    if not part:
        if entry.flag.startswith(TWICE):
            entries.change(desk.tx, entry, desk.now, flag="")
        return ""
    sure = "" if all(one.status is Status.POSTED for one in left if not never_sent(one)) else ", perhaps"
    much = Money(part, entry.amount.currency)
    flag = f"{TWICE}{sure}: {much} of it was booked under another id of its payment too. {_LOOK}"
    entries.change(desk.tx, entry, desk.now, flag=flag)
    return f"entry {entry.id}: {flag}"


def _doubt(desk: Desk, payment: int) -> str:
    """What came back under one id may be what a total told of under another: held if never sent, else flagged."""
    over, notes = -totals.missing(desk.tx, payment) - totals.twice(desk.tx, payment), []
    for entry in totals.unnamed(totals.booked_refunds(desk.tx, payment)):
        part = max(0, min(over, entry.amount.minor))
        if part and never_sent(entry):
            end(desk, entry, part, totals.TAKEN_BACK, "A refund of its payment came back under another id.")
            in_doubt(desk, entry, part)
        elif part:
            flag = f"{BACK}: {Money(part, entry.amount.currency)} of it, told under another id of its payment. {_LOOK}"
            entries.change(desk.tx, entry, desk.now, flag=flag)
            notes.append(f"entry {entry.id}: {flag}")
        over -= part
    return "; ".join(notes)
