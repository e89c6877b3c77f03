"""Whatever any number of people do in the console, between whatever workers do: never a gift twice, never one lost.

People are truthful about Luminate (who says "it is not there" has looked) and about nothing else: they act on any
gift, plan and proposal in any state, twice, at the wrong moment, on what is not theirs.
"""

import itertools
import os
import shutil
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from relay.access import Actor, Role, Through, allowed_by, operator
from relay.config import Probe
from relay.errors import MaybeSent, NotAllowed, NotSent, ReplayRefused
from relay.gifts import Designation
from relay.ledger import audit
from relay.ledger.search import Filter
from relay.luminate.outcomes import judge_error
from relay.outbound.posting import _judge
from relay.status import Kind, Status
from tests.builders import DONOR, make_gift, make_organization, make_refund, make_relay

# The long form: RELAY_EXAMPLES=1000 python -m pytest tests/service/test_people_property.py
EXAMPLES = int(os.environ.get("RELAY_EXAMPLES", "40"))
ANSWERS = ("ok", "lost", "recorded", "recorded", "rejected", "not_sent")
STEP = 5  # turns of a plan at a time
CENTS = (500, 2500, 4000)  # the last is above what one person may correct alone
_names = itertools.count()

people = st.sampled_from(
    [
        *(Actor(name, Through.CONSOLE, allowed_by({"alder": Role.FINANCE})) for name in ("ann", "bob", "ann", "bob")),
        *(operator("cat"), operator("cat")),
        Actor("eve", Through.CONSOLE, allowed_by({"alder": Role.VIEWER})),
        Actor("out", Through.CONSOLE, allowed_by({"birch": Role.ADMIN})),
    ]
)
numbers = st.integers(1, 6)
CORRECTIONS = ({"donor.address.zip": "97201"}, {"fund": "WATER"}, {"form_id": "x", "donor.phone": "1"})


class Office(RuleBasedStateMachine):
    """A finance team, a worker and a Luminate."""

    @initialize(first=st.lists(st.sampled_from(["recorded", "rejected", "lost"]), min_size=1, max_size=3))
    def begin(self, first):
        self.place = Path(tempfile.mkdtemp())
        organization = make_organization(second_person_above=30, probe=Probe(settle_seconds=0))
        self.relay = make_relay(f"sqlite:///{self.place / 'ledger.db'}", organization)
        self.relay.looking.read = lambda *_: ()
        self.posting = self.relay.posting()
        self.received, self.asked_back = Counter(), Counter()
        self.recorded, self.under_way = Counter(), []
        for cents, fund in ((2500, ""), (500, "WATER"), (4000, "NOBODY"), (4000, "")):
            self.a_gift_comes(cents, fund)
        self.time_passes(60)
        for word in first:
            self.a_worker_calls(word, told=True)

    def teardown(self):
        if hasattr(self, "relay"):
            self.settle()
            self.relay.database.engine.dispose()
            shutil.rmtree(self.place)

    # --- what comes in, what workers do -----------------------------------------------------------------------

    @rule(cents=st.sampled_from(CENTS), fund=st.sampled_from(["", "WATER", "NOBODY"]))
    def a_gift_comes(self, cents, fund):
        number = len(self.received) + 1
        self.received[f"pi_{number}"] = cents
        donor = replace(DONOR, email=f"d{number}@example.org")
        designations = (Designation(fund=fund),) if fund else ()
        self.relay.take(make_gift(f"{cents / 100:.2f}", keys=(f"pi_{number}",), donor=donor, designations=designations))

    @rule(number=numbers)
    def a_refund_comes(self, number):
        key = f"pi_{number}"
        if key in self.received and not self.asked_back[key]:
            self.asked_back[key] = 500
            self.relay.take(make_refund("5.00", keys=(f"re_{number}",), parents=(key,)))

    @rule(word=st.sampled_from(ANSWERS), told=st.booleans())
    def a_worker_calls(self, word, told):
        """The call follows its claim at once; its answer may come later, or never."""
        claim = self.posting._claim()
        if claim is None:
            return
        self.relay.luminate.script, answer = [word], None
        try:
            answer = self.posting._call(claim.entry)
            judgement = _judge(claim.entry, answer)
        except (NotSent, MaybeSent) as error:
            judgement = judge_error(error)
        self.recorded[claim.entry.id] += self.relay.luminate.recorded[-1]
        self.under_way.append((claim, judgement, answer))
        if told:
            self.an_answer_is_written_down(-1)

    @rule(place=st.integers(-3, 3))
    def an_answer_is_written_down(self, place):
        if self.under_way:
            claim, judgement, answer = self.under_way.pop(place % len(self.under_way))
            self.posting._record(claim, judgement, answer, 0.0)

    @rule(seconds=st.sampled_from([1, 60, 400, 90_000]))
    def time_passes(self, seconds):
        self.relay.later(seconds=seconds)
        self.relay.sweep(worker=f"w{next(_names)}").run()

    @rule(turns=st.integers(1, STEP))
    def a_worker_carries_out_plans(self, turns):
        left = iter([False] * turns)
        self.relay.plans.advance("alder", stopping=lambda: next(left, True))

    # --- what people do ---------------------------------------------------------------------------------------

    def one_of(self, number):
        """Mostly something that exists: the last entries, and now and then one that does not."""
        count = len(self.relay.entries())
        return max(1, count + 1 - number) if number < 6 else number

    def tries(self, act, *args, **told):
        try:
            return act(*args, **told)
        except (ReplayRefused, NotAllowed):
            return None

    @rule(who=people, entry=numbers, changes=st.sampled_from(CORRECTIONS), take_over=st.just(True) | st.booleans())
    def somebody_corrects(self, who, entry, changes, take_over):
        entry = self.one_of(entry)
        self.tries(self.relay.correcting.correct, entry, changes, actor=who, reason="mended", take_over=take_over)

    @rule(who=people, entry=numbers)
    def somebody_opens_the_form(self, who, entry):
        entry = self.one_of(entry)
        self.tries(self.relay.correcting.open, entry, actor=who)

    @rule(who=people, number=numbers, agrees=st.booleans())
    def somebody_decides_a_proposal(self, who, number, agrees):
        number = max(1, len(self.relay.proposing.listing(None)) + 1 - number)
        if agrees:
            self.tries(self.relay.proposing.agree, number, actor=who)
        else:
            self.tries(self.relay.proposing.refuse, number, actor=who, reason="no")

    @rule(
        who=people,
        ids=st.sets(numbers, max_size=4),
        statuses=st.just(set()) | st.sets(st.sampled_from(list(Status)), max_size=3),
    )
    def somebody_draws(self, who, ids, statuses):
        wanted = Filter(ids=tuple({self.one_of(number) for number in ids}), statuses=tuple(sorted(statuses)))
        self.tries(self.relay.plans.draw, wanted, actor=who, search="drawn")

    @rule(who=people, number=numbers)
    def somebody_starts(self, who, number):
        self.tries(self.relay.plans.start, self.last_plan(number), actor=who, reason="again")

    def last_plan(self, number):
        """The newest plans more often than the oldest."""
        return max(1, len(self.relay.plans.listing(None)) + 1 - number)

    @rule(who=people, entry=numbers)
    def somebody_replays_one(self, who, entry):
        wanted = Filter(ids=(self.one_of(entry),))
        for number in self.tries(self.relay.plans.draw, wanted, actor=who, search="one") or ():
            self.tries(self.relay.plans.start, number, actor=who, reason="again")
            self.a_worker_carries_out_plans(STEP)

    @rule(who=people, number=numbers, what=st.sampled_from(["pause", "resume", "cancel"]))
    def somebody_changes_a_plan(self, who, number, what):
        self.tries(getattr(self.relay.plans, what), self.last_plan(number), actor=who)

    @rule(who=people, entry=numbers)
    def somebody_closes(self, who, entry):
        self.tries(self.relay.deciding.close, self.one_of(entry), actor=who, reason="because")

    @rule(who=people, entry=numbers)
    def somebody_reopens(self, who, entry):
        closed = [one.id for one in self.relay.entries() if one.status is Status.CLOSED]
        chosen = closed[entry % len(closed)] if closed else self.one_of(entry)
        self.tries(self.relay.deciding.reopen, chosen, actor=who, reason="because")

    @rule(who=people, entry=numbers)
    def somebody_closes_the_wrong_one(self, who, entry):
        self.somebody_closes(who, entry)
        self.tries(self.relay.deciding.reopen, self.one_of(entry), actor=who, reason="a slip")

    @rule(who=people, entry=numbers)
    def somebody_takes_a_note(self, who, entry):
        self.tries(self.relay.deciding.note, self.one_of(entry), actor=who, reason="asked the donor")

    @rule(who=people, entry=numbers)
    def somebody_looks_and_says(self, who, entry):
        entry = self.one_of(entry)
        if self.relay.entry(entry) is not None:
            self.look(self.relay.entry(entry), who)

    @rule(who=people, entry=numbers, other=numbers)
    def somebody_takes_the_code_of_another(self, who, entry, other):
        entry, other = self.one_of(entry), self.one_of(other)
        found = self.relay.entry(other)
        if found and entry != other and found.kind is Kind.GIFT and found.status is Status.POSTED:
            code = found.confirmation_code
            if self.relay.entry(entry) and self.relay.entry(entry).kind is Kind.GIFT:
                assert self.tries(self.relay.deciding.found, entry, code, actor=who, reason="a mistake") is None
                assert self.tries(self.by_hand, entry, code, who) is None

    @rule(who=people, entry=numbers)
    def somebody_types_it_into_luminate(self, who, entry):
        """Told to relay first, then typed; who finds it there already does not type it."""
        entry = self.one_of(entry)
        found, code = self.relay.entry(entry), f"H{next(_names)}"
        if found is None or self.recorded[entry]:
            return
        if self.tries(self.by_hand, entry, code, who) is not None:
            self.recorded[entry] += 1
            self.relay.luminate.gifts[code] = {
                "other_amount": str(found.amount.decimal),
                "donor.email": found.donor_email,
            }

    def by_hand(self, entry, code, who):
        return self.relay.deciding.by_hand(entry, code, actor=who, reason="typed in", seen=True)

    def look(self, entry, who):
        """The truth, as it can be seen in Luminate: calls that were made have arrived or never will."""
        if self.recorded[entry.id]:
            return self.tries(self.relay.deciding.found, entry.id, self.code(entry), actor=who, reason="seen")
        return self.tries(self.relay.deciding.absent, entry.id, attempt=entry.fence, actor=who, reason="looked")

    def code(self, entry):
        if entry.kind is Kind.REFUND:
            return entry.parameters["refund_user_confirm_code"]
        mine = entry.parameters.get("donor.email")
        return next(code for code, sent in self.relay.luminate.gifts.items() if sent.get("donor.email") == mine)

    # --- what must hold ---------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_there_twice(self):
        assert all(count <= 1 for count in self.recorded.values()), self.told()
        assert self.relay.luminate.impossible == []
        assert self.relay.luminate.mails == 0

    @invariant()
    def nothing_is_lost(self):
        gifts = {entry.provider_transaction_id: entry.amount.minor for entry in self.relay.gifts()}
        assert gifts == dict(self.received)
        assert self.relay.balance_holds()

    @invariant()
    def what_is_called_posted_is_there(self):
        posted = [entry.id for entry in self.relay.entries() if entry.status is Status.POSTED]
        assert all(self.recorded[entry] == 1 for entry in posted), self.told()

    def told(self):
        return [(entry.id, str(entry.kind), str(entry.status), entry.reason) for entry in self.relay.entries()]

    # --- the end of the day -----------------------------------------------------------------------------------

    def settle(self):
        """Whatever was begun is finished, and whatever waits for a person gets one."""
        cat = operator("dan")
        for plan in self.relay.plans.listing(None):
            self.tries(self.relay.plans.cancel, plan.id, actor=cat)
        for shown in self.relay.proposing.listing(None):
            self.tries(self.relay.proposing.refuse, shown.proposal.id, actor=cat, reason="the day ends")
        while self.under_way:
            self.an_answer_is_written_down(0)
        for _ in range(30):
            self.time_passes(90_000)
            self.finish_what_is_due()
            for entry in self.relay.entries():
                self.finish(entry, cat)
            self.nothing_is_there_twice()
        self.check_the_end()

    def finish_what_is_due(self):
        for _ in range(20):
            self.a_worker_calls("ok", told=True)

    def finish(self, entry, who):
        if entry.status is Status.UNKNOWN:
            self.look(entry, who)
        elif entry.status in {Status.HELD, Status.REJECTED}:
            if entry.kind is Kind.GIFT and entry.fund == "NOBODY":
                done = self.tries(self.relay.correcting.correct, entry.id, {"fund": "WATER"}, actor=who, reason="x")
                if done and done.proposal:
                    self.relay.proposing.agree(done.proposal, actor=operator("eva"))
            self.relay.replay(entry.id, who="dan")

    def check_the_end(self):
        for entry in self.relay.entries():
            assert entry.status in {Status.POSTED, Status.CLOSED}, self.told()
            if entry.status is Status.CLOSED:
                continue
            assert self.recorded[entry.id] == 1
        for entry in self.relay.gifts():
            if entry.status is Status.POSTED and not entry.confirmation_code.startswith("H"):
                assert self.relay.luminate.gifts[entry.confirmation_code]["donor.email"] == entry.donor_email
        with self.relay.database.read() as tx:
            assert list(audit.faults(tx)) == []


TestOffice = Office.TestCase
TestOffice.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
