"""From facts to entries: what an event's meaning does to the ledger, inside one transaction.

The heart of "one gift per payment, not per event": a fact's keys lead to one payment; its gift is made once,
filled where blank while unsent, and never overwritten. The caller holds the organization's lock.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from relay.config import Organization
from relay.gifts import Fact, Flag, Gift, Link, Refund, Reinstatement
from relay.inbound import refunding, reinstating, twice
from relay.inbound.giving import gift_columns
from relay.inbound.refunding import Desk
from relay.ledger import entries, events, payments, restores, supplied
from relay.ledger.codec import gift_from_json, without_cards
from relay.ledger.entries import Entry
from relay.ledger.funds import WithFunds, with_funds
from relay.ledger.payments import Source
from relay.ledger.restores import Lost
from relay.providers import Parsed
from relay.status import CLAIMABLE, PERHAPS_RECORDED, UNSENT, Kind, Status, Verdict

# While an entry is here a later event of the same payment may fill its blanks.
FILLABLE = frozenset({Status.HELD, Status.QUEUED, Status.RETRYING, Status.REJECTED, Status.CLOSED})
# Here what is filled serves a replay or a reopening, and moves nothing by itself.
FILLED_IN_PLACE = frozenset({Status.REJECTED, Status.CLOSED})
# A person's hold: what is filled serves the replay, and releases nothing.
HELD_BY_PERSON = frozenset(
    {"reopened", "closed_before", "money_came_back", "twin_was_sent", "recorded_before", supplied.HELD_FOR}
)
# A payment seldom has more siblings; a hostile sender must not grow a row for ever.
MAX_SOURCES = 8


@dataclass(slots=True)
class Booking:
    """One event being booked: where it writes, and what it did so far."""

    tx: Connection
    organization: Organization
    provider: str
    event: int
    now: datetime
    mail: bool = True
    effects: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def mapping(self) -> WithFunds:
        """By what a gift is mapped now."""
        return with_funds(self.tx, self.organization)

    @property
    def source(self) -> Source:
        """Whose ids the facts carry."""
        return Source(self.organization.name, self.provider)

    @property
    def desk(self) -> Desk:
        """Where this event's refunds are written."""
        return Desk(self.tx, self.organization, self.source, self.now, self.mail)

    def touched(self, entry_id: int, effect: str, note: str = "") -> None:
        """Write down what this event did to an entry."""
        events.link(self.tx, self.event, entry_id, effect, self.now)
        self.effects.append(effect)
        if note:
            self.notes.append(note)

    def verdict(self) -> Verdict:
        """What the event came to, from all that it did."""
        if {"made", "filled"} & set(self.effects):
            return Verdict.ENTRY
        if "flagged" in self.effects:
            return Verdict.FLAGGED
        if {"same", "linked"} & set(self.effects):
            return Verdict.DUPLICATE
        return Verdict.IGNORED


def book_event(booking: Booking, parsed: Parsed) -> Verdict:
    """Bring one event into the ledger: its facts, and what it came to."""
    book(booking, parsed.facts)
    verdict = booking.verdict()
    told = (parsed.event_id, parsed.type)
    events.understood(booking.tx, booking.event, *told, live=parsed.live, occurred_at=parsed.occurred_at)
    notes = (*booking.notes, parsed.note)
    events.judge(booking.tx, booking.event, verdict, "; ".join(note for note in notes if note))
    return verdict


def book(booking: Booking, facts: tuple[Fact, ...]) -> None:
    """Bring every fact of one event into the ledger."""
    for fact in map(without_cards, facts):
        match fact:
            case Gift():
                _book_gift(booking, fact)
            case Refund():
                _book_refund(booking, fact)
            case Reinstatement():
                _book_reinstatement(booking, fact)
            case Flag():
                _book_flag(booking, fact)
            case Link():
                _book_link(booking, fact)


def _book_gift(booking: Booking, gift: Gift) -> None:
    payment = _payment_of(booking, gift.keys)
    known = entries.gift_of(booking.tx, payment)
    if known is None:
        _make_gift(booking, payment, gift)
    else:
        _compare(booking, known, gift)


def _compare(booking: Booking, known: Entry, gift: Gift) -> None:
    """The gift of a payment is told again: of the same amount it may fill blanks, another is flagged."""
    if known.amount != gift.amount:
        booking.touched(known.id, "flagged", f"says {gift.amount}, but entry {known.id} has {known.amount}")
    else:
        _fill(booking, known, gift)


def _make_gift(booking: Booking, payment: int, gift: Gift) -> None:
    settled = booking.now + timedelta(seconds=booking.organization.pace.settle_seconds)
    made = entries.create(
        booking.tx,
        organization=booking.organization.name,
        provider=booking.provider,
        payment_id=payment,
        kind=Kind.GIFT,
        amount=gift.amount,
        provider_transaction_id=gift.keys[0],
        received_at=booking.now,
        next_attempt_at=settled,
        mail=booking.mail,
        **gift_columns(gift, booking.mapping, booking.provider, mail=booking.mail),
    )
    booking.touched(made, "made", refunding.forgo(booking.desk, payment))
    _hold_what_is_there(booking, payment)


def _fill(booking: Booking, known: Entry, gift: Gift) -> None:
    """Fill what is blank while the entry is unsent; a call under way or done is never changed."""
    ours = gift_from_json(known.fact)
    filled = ours.filled_from(gift)
    if known.erased or not _is_fillable(known) or replace(filled, keys=ours.keys, sources=ours.sources) == ours:
        booking.touched(known.id, "same", f"announces the gift of entry {known.id} again")
        return
    filled = replace(filled, sources=filled.sources[:MAX_SOURCES])
    booking.touched(known.id, "filled" if _refresh(booking, known, filled) else "same")


def _is_fillable(known: Entry) -> bool:
    """Unsent, or in doubt after a restore and never called for since: what it lacks may be what it is found by."""
    is_uncalled = known.status is Status.UNKNOWN and known.doubtful_from is not None and known.fence == 0
    return is_uncalled or known.status in FILLABLE


def _refresh(booking: Booking, entry: Entry, gift: Gift) -> bool:
    """Map a gift again into its entry; False when a worker claimed it meanwhile."""
    columns = gift_columns(gift, booking.mapping, booking.provider, mail=entry.mail, overrides=dict(entry.overrides))
    target = Status(str(columns.pop("status")))
    if entry.status in FILLED_IN_PLACE or entry.reason in HELD_BY_PERSON:
        words = {"reason": entry.reason, "reason_text": entry.reason_text}
        return entries.change(booking.tx, entry, booking.now, **columns | words)
    if entry.doubtful_from is not None:
        was = entries.before(booking.tx, entry, restores.RECOVER)
        if was.get("status") == Status.HELD and was.get("reason") not in HELD_BY_PERSON:
            # Not there, it stands as it would today: what kept it by the backup may be what came now.
            said = {"who": "relay", "action": restores.RECOVER, "reason": "What kept it was filled."}
            now_held = {"status": target, "reason": columns["reason"], "reason_text": columns["reason_text"]}
            entries.correct(booking.tx, entry, booking.now, **said, before=now_held, after={"status": Status.UNKNOWN})
        doubt = restores.in_doubt(Lost(entry.doubtful_from, booking.now), booking.now)
        return entries.change(booking.tx, entry, booking.now, **columns | doubt)
    if entry.status is target or (entry.status, target) == (Status.RETRYING, Status.QUEUED):
        return entries.change(booking.tx, entry, booking.now, **columns)
    return entries.move(booking.tx, entry, target, booking.now, **columns)


def _book_refund(booking: Booking, refund: Refund) -> None:
    payment = _payment_of(booking, refund.parent_keys)
    booked = refunding.book(booking.desk, payment, refund)
    for entry in booked.entries:
        booking.touched(entry, booked.effect)
    booking.effects.append(booked.effect)
    booking.notes.append(booked.note)


def _book_reinstatement(booking: Booking, back: Reinstatement) -> None:
    payment = _payment_of(booking, back.parent_keys)
    undone = reinstating.undo(booking.desk, payment, back)
    for entry in undone:
        booking.touched(entry, "flagged")
    booking.effects.append("flagged")
    booking.notes.append(back.text)


def _book_flag(booking: Booking, flag: Flag) -> None:
    known = payments.ids_of(booking.tx, booking.source, flag.parent_keys)
    gifts = [gift for payment in known if (gift := entries.gift_of(booking.tx, payment))]
    if flag.only_if_booked and not gifts:
        return
    booking.effects.append("flagged")
    booking.notes.append(flag.text)
    for gift in gifts:
        booking.touched(gift.id, "flagged")


def _book_link(booking: Booking, link: Link) -> None:
    payment = _payment_of(booking, link.keys)
    gift = entries.gift_of(booking.tx, payment)
    if gift is not None:
        booking.touched(gift.id, "linked", f"names more ids of entry {gift.id}")
    else:
        booking.notes.append("names ids of one payment that has not been announced yet")


def _payment_of(booking: Booking, keys: tuple[str, ...]) -> int:
    """The one payment that owns all these keys; payments that turn out to be the same are joined."""
    known = payments.ids_of(booking.tx, booking.source, keys)
    payment = known[0] if known else payments.create(booking.tx, booking.source, booking.now)
    for other in known[1:]:
        payment = _joined(booking, payment, other)
    payments.add_keys(booking.tx, booking.source, payment, keys)
    return payment


def _joined(booking: Booking, one: int, other: int) -> int:
    """Two payments are one: keep the gift that went furthest, fold the other into it."""
    gifts = [gift for payment in (one, other) if (gift := entries.gift_of(booking.tx, payment, keep=True))]
    if len(gifts) == 2:
        kept, gone = sorted(gifts, key=_precedence)
        _fold(booking, kept, gone)
    payments.join(booking.tx, one, other)
    _hold_what_was_sent(booking, one)
    if note := twice.joined(booking.desk, one):
        booking.notes.append(note)
    _hold_what_is_there(booking, one)
    return one


def _hold_what_was_sent(booking: Booking, payment: int) -> None:
    """Under one of its ids Luminate may have this payment's gift: a person sees to that first."""
    gift = entries.gift_of(booking.tx, payment, keep=True)
    if gift and gift.status in CLAIMABLE and (words := entries.never_again(booking.tx, gift)):
        entries.move(booking.tx, gift, Status.HELD, booking.now, **words)


def _hold_what_is_there(booking: Booking, payment: int) -> None:
    """Somebody supplied the code of this payment's gift for a refund: then Luminate has the gift, and relay asks."""
    told = supplied.codes_told(booking.tx, payment)
    gift = entries.gift_of(booking.tx, payment, keep=True) if told else None
    if gift is None or gift.confirmation_code in told:
        return
    said = supplied.sentence(told)
    if gift.status in UNSENT:
        words = {"reason": supplied.HELD_FOR, "reason_text": f"{said}."}
        entries.move(booking.tx, gift, Status.HELD, booking.now, **words)
    elif gift.status in PERHAPS_RECORDED and gift.login_name in {"", booking.organization.luminate.login_name}:
        flag = f"{said}: it may be there twice, and one of the two must be taken back."
        entries.change(booking.tx, gift, booking.now, flag=flag)
        booking.touched(gift.id, "flagged", flag)


def _precedence(entry: Entry) -> tuple[int, int]:
    """Recorded before perhaps recorded before unsent before held before ended, older before younger."""
    last = len(_FURTHEST)
    return (next((place for place, group in enumerate(_FURTHEST) if entry.status in group), last), entry.id)


_FURTHEST = ({Status.POSTED}, PERHAPS_RECORDED, UNSENT - {Status.HELD}, {Status.HELD})


def _fold(booking: Booking, kept: Entry, gone: Entry) -> None:
    """End one of two entries of the same payment; if both were sent, say so: a person must take one back."""
    folded = entries.folded_into(kept.id)
    entries.hand_over_twins(booking.tx, gone, kept.id)
    if gone.status in PERHAPS_RECORDED:
        flag = f"{twice.TWICE}: entry {kept.id} is the same payment. One of the two must be taken back in Luminate."
        entries.change(booking.tx, gone, booking.now, merged_into=kept.id, flag=flag)
        booking.touched(gone.id, "flagged", flag)
        return
    if gone.status in UNSENT:
        entries.move(booking.tx, gone, Status.CLOSED, booking.now, **folded)
        _hold_as_it_was(booking, kept, gone)
    else:
        entries.change(booking.tx, gone, booking.now, merged_into=kept.id)
        _hold_what_was_ended(booking, kept, gone)
    booking.touched(gone.id, "merged", f"entry {gone.id} is the same payment as entry {kept.id}")
    _compare(booking, entries.get(booking.tx, kept.id) or kept, gift_from_json(gone.fact))


def _hold_as_it_was(booking: Booking, kept: Entry, gone: Entry) -> None:
    """What a person must release under one id is a person's to release under the other."""
    if kept.status in UNSENT and gone.status is Status.HELD and gone.reason in HELD_BY_PERSON:
        words = {"reason": gone.reason, "reason_text": gone.reason_text}
        entries.move(booking.tx, kept, Status.HELD, booking.now, **words)


def _hold_what_was_ended(booking: Booking, kept: Entry, gone: Entry) -> None:
    """Somebody ended this payment under its other id, perhaps because it is in Luminate by hand: ask."""
    if kept.status in UNSENT and gone.reason != refunding.FORGONE:
        text = f"The same payment was ended as entry {gone.id}: {gone.reason_text}"
        entries.move(booking.tx, kept, Status.HELD, booking.now, reason="closed_before", reason_text=text)
