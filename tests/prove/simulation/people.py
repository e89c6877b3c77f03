"""People: they correct, replay, close and resolve. Always truthfully, and never what they cannot know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from relay.access import operator
from relay.errors import LedgerUnavailable, ReplayRefused
from relay.ledger import search
from relay.ledger.entries import Entry
from relay.ledger.search import Filter
from relay.outbound import pausing
from relay.status import Kind, Status
from tests.prove.simulation.luminate import LATEST, SHOWN, Recorded, constituent
from tests.prove.simulation.payments import Payment
from tests.prove.simulation.processes import House
from tests.prove.simulation.world import Process, Violation

WHO = "ada"
ADA = operator(WHO)
BY_HAND = "settled by hand in Luminate"
# When whoever came too early looks once more (seconds).
COMES_BACK = 900.0
# Holds that say: send it again as soon as somebody has looked.
_FILLED_LATER = frozenset({"no_email", "field_missing"})  # by another event of the same payment
_REPLAY = frozenset({"not_reachable", "other_fiscal_year", "reopened", "luminate_field_error", "parameter_missing"})


class People:
    """The finance team of a seed."""

    def __init__(self, house: House) -> None:
        self.house, self.world = house, house.world
        self.decided: Counter[str] = Counter()
        # Entries whose code a person told that no look-up had shown.
        self.told_unseen: set[int] = set()
        self._too_early = False

    # --- now and then, while everything goes on ---------------------------------------------------------------

    def somebody_acts(self) -> None:
        """A person at a shell, or two at once, who does one thing to one entry."""
        chance = self.world.faults.chance("a person acts")
        entries = [entry for entry in self._all() if self.is_for_a_person(entry)]
        if not entries:
            return
        entry = chance.choice(entries)
        for number in range(chance.choice((1, 1, 2))):
            self._at_a_shell(f"person{number + 1}", lambda: self.decide(entry, patient=True))

    def somebody_pauses(self) -> None:
        """Posting of one organization is paused by hand, and resumed later."""
        chance = self.world.faults.chance("a person pauses")
        name = chance.choice(sorted(self.house.settings.organizations))
        ledger = self.house.ledger
        self._at_a_shell("person", lambda: pausing.pause(ledger, name, actor=ADA, reason="the site is worked on"))
        self.world.after(
            chance.choice((60.0, 3600.0)),
            lambda: self._at_a_shell("person", lambda: pausing.resume(ledger, name, actor=ADA, reason="done")),
        )

    def resume_everything(self) -> None:
        with self.house.ledger.read() as tx:
            paused = search.totals(tx) and self.house.ledger.raw.execute("SELECT organization FROM pauses").fetchall()
        for (name,) in paused or []:
            self.world.log(f"resumes {name}", WHO)
            pausing.resume(self.house.ledger, name, actor=ADA, reason="looked into")

    def _at_a_shell(self, name: str, act: Callable[[], Any]) -> None:
        process = Process(name)
        self.house.wire(process)
        self.world.spawn(name, lambda: self._quietly(act), process)

    def _quietly(self, act: Callable[[], Any]) -> None:
        try:
            act()
        except (ReplayRefused, LedgerUnavailable) as refused:
            self.world.log(f"is refused: {refused}")

    # --- deciding ---------------------------------------------------------------------------------------------

    def _all(self) -> list[Entry]:
        with self.house.ledger.read() as tx:
            return list(search.listing(tx, Filter(statuses=tuple(Status))))

    def is_for_a_person(self, entry: Entry) -> bool:
        """Whether the machine will never move it by itself."""
        if entry.status is Status.UNKNOWN:
            return entry.probe_at is None
        return entry.status in {Status.HELD, Status.REJECTED} and entry.reason != "needs_proof"

    def decide_everything(self) -> int:
        """At the end: whatever needs a person gets one. Gives back how many entries were decided."""
        waiting = [entry for entry in self._all() if self.is_for_a_person(entry)]
        self._too_early = False
        for entry in waiting:
            try:
                self.decide(entry, patient=False)
            except ReplayRefused as refused:
                self.world.log(f"is refused: {refused}", WHO)
                self._too_early = True
        if self._too_early:
            self.world.after(COMES_BACK, lambda: None)
        return len(waiting)

    def decide(self, entry: Entry, *, patient: bool) -> None:
        """What a careful person does with this entry. ``patient``: what is not clear yet is left for later."""
        payment = self.payment_of(entry)
        if (entry.status, entry.kind) != (Status.HELD, Kind.REFUND):
            self._machine_did_its_part(entry, payment)
        if entry.status is Status.UNKNOWN:
            self._resolve(entry)
        elif entry.kind is not Kind.REFUND:
            if not (patient and entry.reason in _FILLED_LATER):
                self._unsent_gift(entry, payment)
        elif not patient:
            self._unsent_refund(entry, payment)

    def payment_of(self, entry: Entry) -> Payment:
        keys = (entry.provider_transaction_id, entry.parent_transaction_id)
        found = (self.house.book.payment_of(entry.organization, key) for key in keys if key)
        payment = next((one for one in found if one), None)
        if payment is None:
            raise Violation(f"entry {entry.id} belongs to no payment")
        return payment

    def _unsent_gift(self, entry: Entry, payment: Payment) -> None:
        match entry.reason:
            case "fund_not_mapped":
                self._correct(entry, {"fund": "WATER"})
            case "several_constituents":
                self._correct(entry, {"donor.cons_id": constituent(payment.email)})
            case "luminate_field_error" if entry.parameters.get("donor.address.zip") == "00000":
                self._correct(entry, {"donor.address.zip": "97201", "billing.address.zip": "97201"})
            case "money_came_back" if payment.has_undone and entry.fund == "NOBODY-KNOWS":
                self._correct(entry, {"fund": "WATER"})
            case "money_came_back" if payment.has_undone:
                self._replay(entry)
            case reason if reason in _REPLAY:
                self._replay(entry)
                # What the site refuses for a while may not be over yet.
                self._too_early = self._too_early or reason == "luminate_field_error"
            case reason:
                raise Violation(f"nobody knows what to do with entry {entry.id}, {entry.status}: {reason}")

    def _unsent_refund(self, entry: Entry, payment: Payment) -> None:
        """A refund the machine may not send: a person settles it in Luminate and closes the entry."""
        was_refused = entry.reason == "luminate_field_error" and not self._amount_differs(payment)
        if entry.reason == "not_reachable" or was_refused:
            self._replay(entry)
            return
        self._justified(entry, payment)
        if entry.reason == "total_unclear" and self.stands(payment, but=entry.id) + entry.amount.minor <= payment.gone:
            self._replay(entry)
        elif entry.reason == "total_unclear":
            self._close(entry, "a refund that came back")
        else:
            self._close(entry, BY_HAND)

    def stands(self, payment: Payment, *, but: int = 0) -> int:
        """What the ledger and people have taken off a payment, less what came back."""
        return sum(weight(one) for one in self._all() if one.id != but and self.payment_of(one) is payment)

    def _close(self, entry: Entry, why: str) -> None:
        self._count(f"closed: {entry.reason}, {why}")
        self._relay.deciding.close(entry.id, actor=ADA, reason=why)

    def _justified(self, entry: Entry, payment: Payment) -> None:
        """A person is only asked where the machine cannot know, or cannot do it."""
        undone, differs = payment.has_undone, self._amount_differs(payment)
        known = {
            "total_unclear": undone and payment.told == "both",
            "more_than_left": undone or differs,
            "luminate_field_error": differs,
            "gift_not_posted": True,
        }
        if not known.get(entry.reason):
            raise Violation(f"entry {entry.id} ({entry.kind} of {entry.amount}) needs no person: {entry.reason}")

    def _machine_did_its_part(self, entry: Entry, payment: Payment) -> None:
        """A person is only asked where no look-up could tell, or where Luminate or relay's own rules refused."""
        reasons = self._doubts(entry, payment) if entry.status is Status.UNKNOWN else self._refusals(entry, payment)
        if not reasons.get(entry.reason):
            raise Violation(f"entry {entry.id} ({entry.kind}, {entry.status}) needs no person: {entry.reason}")

    def _doubts(self, entry: Entry, payment: Payment) -> dict[str, bool]:
        """Why the look-up of an unknown entry may have ended without an answer."""
        luminate = self.house.luminate
        rivals = self._has_rivals(entry, payment)
        # Of another refund of the gift: Luminate may have recorded another amount.
        refunds = entry.kind is Kind.REFUND and bool(self._other_refunds(entry))
        # Of two people who look at once the second may come when the first one's word was acted on.
        since = self.world.seconds(entry.changed_at)
        refunds_made = (refund for gift in luminate.recorded() for refund in gift.refunds if refund.at < since)
        made = any(refund.entry == entry.id for refund in refunds_made)
        return {
            "look_alikes": rivals,
            "answers_mixed_up": bool(self.world.counts["answer of another gift"]),
            "not_resolved": rivals or refunds or entry.organization in luminate.refused_look_ups,
            "probe_several_constituents": payment.email in luminate.shared_addresses,
            "refund_not_seen": not made,
        }

    def _has_rivals(self, entry: Entry, payment: Payment) -> bool:
        """Whether Luminate may show something of the donor that could be this entry and need not be it."""
        if entry.kind is Kind.REFUND:
            return any(one.amount == entry.amount for one in self._other_refunds(entry))
        theirs = [one for one in self.house.luminate.recorded() if one.parameters["donor.email"] == payment.email]
        others = [one for one in theirs if one.organization == entry.organization and one.entry != entry.id]
        called = {call.entry for call in self.house.luminate.calls}
        again = any(one.id != entry.id and one.id in called and one.donor_email == payment.email for one in self._all())
        return bool(others) or again or self._amount_differs(payment)

    def _other_refunds(self, entry: Entry) -> list[Entry]:
        family = [one for one in self._all() if one.kind is Kind.REFUND and one.payment_id == entry.payment_id]
        return [one for one in family if one.id != entry.id]

    def _refusals(self, entry: Entry, payment: Payment) -> dict[str, bool]:
        """Why a gift, or a refund that Luminate refused, may not go on by itself."""
        refused = any(one.entry == entry.id and one.verdict == "rejected" for one in self.house.luminate.calls)
        return {
            "luminate_field_error": refused,
            "several_constituents": refused and payment.email in self.house.luminate.shared_addresses,
            "fund_not_mapped": entry.fund == "NOBODY-KNOWS",
            # That each try of the ladder was made is looked at when it is given up (Watch).
            "not_reachable": entry.status is Status.HELD,
            "money_came_back": payment.has_undone,
            # Until another event of the payment tells more.
            "no_email": entry.status is Status.HELD,
            "field_missing": entry.status is Status.HELD,
        }

    def _amount_differs(self, payment: Payment) -> bool:
        return any(gift.amount != gift.asked for gift in self._gifts_of(payment))

    def _gifts_of(self, payment: Payment) -> list[Recorded]:
        of = self.house.book.payment_of
        return [gift for gift in self.house.luminate.recorded() if of(gift.organization, gift.about) is payment]

    # --- resolving --------------------------------------------------------------------------------------------

    def _resolve(self, entry: Entry) -> None:
        """Look in Luminate as long as it takes, then say what is there."""
        calls = [call for call in self.house.luminate.calls if call.entry == entry.id]
        if any(call.pending for call in calls) or self.world.now < max(
            [call.started + 60 + LATEST + SHOWN for call in calls], default=0.0
        ):
            self._too_early = True
            return
        if entry.kind is not Kind.REFUND:
            self._resolve_gift(entry)
        else:
            self._resolve_refund(entry)

    def _resolve_gift(self, entry: Entry) -> None:
        owned = {one.confirmation_code for one in self._all() if one.kind is not Kind.REFUND}
        mine = [gift for gift in self.house.luminate.recorded() if gift.entry == entry.id and gift.code not in owned]
        # Gifts that nobody can tell apart, where another entry took this one's code: the twin is as good.
        mine = mine or [gift for gift in self._twins(entry) if gift.code not in owned]
        if mine:
            self._count("found in Luminate")
            if mine[0].code not in {row.get("confirmation_code") for row in entry.candidates}:
                self.told_unseen.add(entry.id)
            self._relay.deciding.found(entry.id, mine[0].code, actor=ADA, reason="seen in Luminate")
        else:
            self._count("not in Luminate")
            self._relay.deciding.absent(entry.id, attempt=entry.fence, actor=ADA, reason="not in Luminate")

    def _twins(self, entry: Entry) -> list[Recorded]:
        """Recorded gifts of another payment whose own entry has taken a code of an equal gift."""
        owned = {one.confirmation_code for one in self._all() if one.kind is not Kind.REFUND}
        recorded = self.house.luminate.recorded()
        mine = [gift for gift in recorded if gift.entry == entry.id]
        return [gift for gift in recorded if gift.code not in owned and any(gift.twin == one.twin for one in mine)]

    def _resolve_refund(self, entry: Entry) -> None:
        made = any(refund.entry == entry.id for gift in self.house.luminate.recorded() for refund in gift.refunds)
        if made:
            self._count("refund found in Luminate")
            self._relay.deciding.found(entry.id, entry.parameters["refund_user_confirm_code"], actor=ADA, reason="seen")
        else:
            self._count("refund not in Luminate")
            self._relay.deciding.absent(entry.id, attempt=entry.fence, actor=ADA, reason="not in Luminate")

    # --- commands ---------------------------------------------------------------------------------------------

    @property
    def _relay(self) -> Any:
        fiber = self.world.scheduler.current
        return fiber.process.relay if fiber and fiber.process else self.house.wire(Process("person"))

    def _correct(self, entry: Entry, changes: dict[str, str]) -> None:
        self._count(f"corrected: {entry.reason}")
        self._relay.correcting.correct(entry.id, changes, actor=ADA, reason="mended")

    def _replay(self, entry: Entry) -> None:
        self._count(f"replayed: {entry.reason}")
        plans = self._relay.plans
        (number,) = plans.draw(Filter(ids=(entry.id,)), actor=ADA, search=f"#{entry.id}")
        (item,) = plans.items(number, actor=ADA)
        if item.skipped:
            self.world.log(f"may not replay entry {entry.id}: {item.skipped}", WHO)
            plans.cancel(number, actor=ADA)
        else:
            plans.start(number, actor=ADA, reason="mended")

    def _count(self, what: str) -> None:
        self.decided[what] += 1
        self.world.log(f"decides: {what}", WHO)


def weight(entry: Entry) -> int:
    """How much this entry takes off its gift in the end."""
    if entry.kind is Kind.GIFT or (entry.status is Status.CLOSED and entry.reason_text != BY_HAND):
        return 0
    return entry.amount.minor if entry.kind is Kind.REFUND else -entry.amount.minor
