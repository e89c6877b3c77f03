"""What must hold once everything is at rest, and once people have decided what only people can."""

from __future__ import annotations

from collections import Counter, defaultdict

from relay.ledger import pauses, search
from relay.ledger.entries import Entry
from relay.ledger.search import Filter
from relay.status import ON_ITS_WAY, Kind, Status
from tests.prove.simulation.ledger import word_for
from tests.prove.simulation.luminate import TWIN, Recorded
from tests.prove.simulation.payments import Payment
from tests.prove.simulation.people import People, weight
from tests.prove.simulation.processes import House
from tests.prove.simulation.world import Violation, World

# Closed by rule, without a person.
_BY_RULE = frozenset({"same_payment", "taken_back", "gift_closed", "same_refund", "refunded_unposted"})


class Checks:
    """The promises, held against the provider's truth and Luminate's."""

    def __init__(self, world: World, house: House, people: People) -> None:
        self.world, self.house, self.people = world, house, people

    @property
    def entries(self) -> list[Entry]:
        with self.house.ledger.read() as tx:
            return list(search.listing(tx, Filter(statuses=tuple(Status))))

    def pauses_end_by_themselves(self) -> None:
        """All is well again: what the machine paused it has resumed, but where only a person may."""
        with self.house.ledger.read() as tx:
            for name, pause in pauses.all_paused(tx).items():
                if pause.who == "relay" and pause.reason != "same_refusal":
                    raise Violation(f"the pause of {name} never ends by itself: {pause.reason}")

    # --- at rest ----------------------------------------------------------------------------------------------

    def at_rest(self) -> None:
        """The machine has done all it can: everything left is posted, closed, or says what it needs a person for."""
        entries = self.entries
        self._everything_was_accepted()
        self._one_gift_a_payment(entries)
        for entry in entries:
            if entry.status in ON_ITS_WAY and not self._waits_rightly(entry, entries):
                raise Violation(f"nobody moves entry {entry.id} any more: {entry.kind}, {entry.status}")
            if entry.status is Status.UNKNOWN and entry.probe_at is not None:
                raise Violation(f"nobody looks entry {entry.id} up any more")
            if entry.status in {Status.HELD, Status.UNKNOWN, Status.REJECTED} and not entry.reason_text:
                raise Violation(f"entry {entry.id} is {entry.status} and does not say why")
        self._unknown_exactly_where_doubt_is()
        self._the_balance_holds()

    def _everything_was_accepted(self) -> None:
        for event in self.house.book.events():
            if not event.accepted:
                raise Violation(f"{event.name} of {event.payment.name} was never accepted")
        self._each_is_stored_once()

    def _each_is_stored_once(self) -> None:
        """What was answered with 200 is in the table of events; however often it came, all but one are repeats."""
        asked = "SELECT organization, provider, event_id, duplicate_of IS NULL FROM events"
        stored: dict[tuple[str, str, str], list[bool]] = defaultdict(list)
        for *key, is_new in self.house.ledger.raw.execute(asked):
            stored[tuple(key)].append(bool(is_new))
        for event in self.house.book.events():
            news = stored[event.payment.organization, event.payment.provider, event.message]
            if not any(news):
                raise Violation(f"LOST: {event.name} of {event.payment.name} was answered with 200 and is not stored")
            if sum(news) > 1:
                raise Violation(f"DOUBLED: {event.name} of {event.payment.name} came twice and was taken for two")

    def _one_gift_a_payment(self, entries: list[Entry]) -> None:
        gifts = Counter(self.people.payment_of(one).number for one in entries if _is_gift(one))
        for payment in self.house.book.payments:
            if (count := gifts[payment.number]) != 1:
                raise Violation(f"{word_for(count, 1)}: {payment.name} has {count} gifts in the ledger")

    def _waits_rightly(self, entry: Entry, entries: list[Entry]) -> bool:
        if entry.status is not Status.WAITING:
            return False
        gift = next((one for one in entries if one.payment_id == entry.payment_id and _is_gift(one)), None)
        return gift is not None and gift.status in {Status.HELD, Status.REJECTED, Status.UNKNOWN}

    def _unknown_exactly_where_doubt_is(self) -> None:
        """Each attempt's outcome against what its caller could know."""
        calls = {call.attempt: call for call in self.house.luminate.calls}
        rows = self.house.ledger.raw.execute("SELECT id, entry_id, worker, outcome, reason FROM attempts").fetchall()
        for attempt, entry, worker, outcome, reason in rows:
            call = calls.get(attempt)
            if reason == "lease_lost":
                if worker not in self.world.troubled:
                    raise Violation(f"the lease of entry {entry} was lost, but nothing ever happened to {worker}")
                continue
            known = call.verdict if call else "not_sent"
            if reason == "code_of_another_gift":
                known = "unknown"  # an equal gift of the donor's was found under this code meanwhile
            if outcome is None or outcome != known:
                raise Violation(
                    f"attempt {attempt} of entry {entry} ended {known}; the ledger says {outcome}: {reason}"
                )
            self.world.counts[f"outcome {outcome}"] += 1

    def _the_balance_holds(self) -> None:
        with self.house.ledger.read() as tx:
            for key, sheet in search.balance(tx).items():
                if not sheet.holds:
                    raise Violation(f"relay's own balance does not hold: {key}")

    # --- at the end -------------------------------------------------------------------------------------------

    def at_the_end(self) -> None:
        """People have decided: everything is posted or closed rightly, and Luminate agrees with the provider."""
        entries = self.entries
        self._codes_are_their_own(entries)
        for entry in entries:
            self._is_final(entry)
            self._another_amount_is_flagged(entry)
        self._one_gift_a_payment(entries)
        self._the_balance_holds()
        self._twins_are_complete(entries)
        families: dict[int, list[Entry]] = defaultdict(list)
        for entry in entries:
            families[self.people.payment_of(entry).number].append(entry)
        for payment in self.house.book.payments:
            self._payment_is_right(payment, families[payment.number])

    def _is_final(self, entry: Entry) -> None:
        if entry.status is Status.CLOSED and (entry.reason in _BY_RULE or entry.reason == "closed_by_person"):
            return
        if entry.status is not Status.POSTED:
            raise Violation(f"entry {entry.id} ends {entry.status}: {entry.reason} {entry.reason_text}")
        if "Sent twice" in entry.flag:
            raise Violation(f"DOUBLED: entry {entry.id} was sent twice: {entry.flag}")

    def _another_amount_is_flagged(self, entry: Entry) -> None:
        """Luminate may record another amount than was sent: then it is posted, and somebody is told to look.

        Unless no answer and no look-up ever told relay of it, and whoever did tell it has seen the amount.
        """
        if entry.kind is Kind.REFUND or entry.status is not Status.POSTED or entry.id in self.people.told_unseen:
            return
        gift = self._site_gift(entry)
        if gift.amount != entry.amount.minor and not entry.flag:
            raise Violation(f"entry {entry.id} ({entry.amount}) is {gift.amount} in Luminate, and no flag says so")

    def _payment_is_right(self, payment: Payment, family: list[Entry]) -> None:
        gift = next(entry for entry in family if _is_gift(entry))
        if gift.status is not Status.POSTED:
            self._was_forgone(payment, gift)
            return
        if gift.amount.minor != payment.amount:
            word = word_for(gift.amount.minor, payment.amount)
            raise Violation(f"{word}: {payment.name} is {payment.amount}, its gift {gift.amount}")
        self._refunds_are_right(payment, family, self._site_gift(gift))

    def _was_forgone(self, payment: Payment, gift: Entry) -> None:
        """Neither the gift nor its refunds are in Luminate: right only where all of it went back."""
        if gift.reason != "refunded_unposted" or payment.gone != payment.amount:
            raise Violation(f"LOST: the gift of {payment.name} ends {gift.status}: {gift.reason}")

    def _site_gift(self, gift: Entry) -> Recorded:
        """The gift in Luminate that the ledger points at."""
        found = self.house.luminate.sites[gift.organization].gifts.get(gift.confirmation_code)
        if found is None:
            raise Violation(
                f"LOST: entry {gift.id} is posted as {gift.confirmation_code}, which Luminate does not have"
            )
        return found

    def _refunds_are_right(self, payment: Payment, family: list[Entry], gift: Recorded) -> None:
        refunds = [one for one in family if one.kind is Kind.REFUND]
        posted = sum(one.amount.minor for one in refunds if one.status is Status.POSTED)
        in_luminate = sum(refund.amount for refund in gift.refunds)
        if posted != in_luminate:
            word = word_for(in_luminate, posted)
            raise Violation(f"{word}: {payment.name}: {posted} refunded by the ledger, {in_luminate} in Luminate")
        stands = sum(weight(entry) for entry in family)
        if stands != payment.gone:
            word = word_for(stands, payment.gone)
            raise Violation(
                f"{word}: {payment.name}: {payment.gone} went back at the provider, {stands} in ledger and Luminate"
            )

    def _twins_are_complete(self, entries: list[Entry]) -> None:
        """No gift lost, none too many: as many in Luminate as posted, among those that nobody can tell apart."""
        posted = [entry for entry in entries if entry.kind is not Kind.REFUND and entry.status is Status.POSTED]
        pointed = {entry.id: self._site_gift(entry) for entry in posted}
        recorded = self.house.luminate.recorded()
        ours = Counter(one.twin for one in recorded if not one.by_others)
        if (found := sum(ours.values())) != len(posted):
            raise Violation(f"{word_for(found, len(posted))}: {len(posted)} gifts posted, but {found} recorded")
        for twin, count in Counter(gift.twin for gift in pointed.values()).items():
            if ours[twin] != count:
                word = word_for(ours[twin], count)
                raise Violation(f"{word}: {count} gifts posted, but {ours[twin]} in Luminate: {twin}")

    def _codes_are_their_own(self, entries: list[Entry]) -> None:
        recorded = self.house.luminate.recorded()
        for entry in entries:
            if entry.kind is not Kind.REFUND and entry.status is Status.POSTED:
                self._is_its_own_or_a_twin(entry, self._site_gift(entry), recorded)

    def _is_its_own_or_a_twin(self, entry: Entry, gift: Recorded, recorded: list[Recorded]) -> None:
        if gift.entry == entry.id:
            return
        if gift.by_others:
            raise Violation(f"LOST: entry {entry.id} is posted as {gift.code}, which somebody else typed in")
        mine = [one for one in recorded if one.entry == entry.id]
        if not any(one.twin == gift.twin for one in mine) and not self._has_twin(gift, entry):
            raise Violation(f"LOST: entry {entry.id} is posted as {gift.code}, which is another's gift")
        self.world.counts["posted as an indistinguishable twin"] += 1

    def _has_twin(self, gift: Recorded, entry: Entry) -> bool:
        """Whether the gift pointed at looks exactly like what this entry sends."""
        sent = {name: entry.parameters.get(name, "") for name in TWIN}
        return all(gift.parameters.get(name, "") == value for name, value in sent.items())


def _is_gift(entry: Entry) -> bool:
    return entry.kind is Kind.GIFT and entry.merged_into is None
