"""Hypothesis: what a provider may tell of one gift, and what Luminate may answer, in any order."""

from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from relay.gifts import Donor
from tests.builders import make_back, make_chargeback, make_gift, make_link, make_refund, make_total

WHOLE = 2500
ANSWERS = ("ok", "ok", "ok", "not_sent", "lost", "recorded", "html", "rejected", "blocked", "failure", "other_amount")
PAUSES = ("post", "post", "sweep", "hour", "day")

answers = st.lists(st.sampled_from(ANSWERS), max_size=8)


@dataclass(frozen=True)
class History:
    """Everything a provider tells of one gift, in the order a test sends it, in cents.

    ``steps`` mixes facts with words for what relay does in between. ``net`` is what the gift ends with, ``gone`` what
    ever went back of it; ``clear`` is False where nobody could know from the facts alone: no refund is named before
    it fails.
    """

    steps: tuple
    net: int
    gone: int
    clear: bool


def dollars(cents):
    return f"{cents // 100}.{cents % 100:02}"


@st.composite
def histories(draw):
    """A gift told once or more, refunds told by name, by total or both, some of which fail, and perhaps a dispute."""
    told = draw(st.sampled_from(["named", "both", "totals"]))
    refunds = Refunds(told)
    for _ in range(draw(st.integers(0, 5))):
        refunds.go_on(draw)
    facts, lost = [*gifts(draw), *refunds.facts], 0
    left = WHOLE - sum(refunds.standing.values())
    if left and draw(st.booleans()):
        facts.append(make_chargeback(dollars(left)))
        lost = left
        if draw(st.booleans()):
            facts.append(make_back("dp_1", dollars(left)))
            lost = 0
        refunds.gone += left
    clear = told != "totals" or not refunds.failed
    return History(tuple(mixed(draw, facts)), WHOLE - sum(refunds.standing.values()) - lost, refunds.gone, clear)


@st.composite
def histories_of_two_ids(draw):
    """The same without failures: names under one id, totals under another, which turn out to be one payment's late."""
    told = Refunds(draw(st.sampled_from(["both", "both", "both", "totals"])))
    for _ in range(draw(st.integers(1, 3))):
        told.give_back_some(draw)
    named, counted = draw(st.sampled_from([("ch_1", "pi_1"), ("pi_1", "ch_1")]))
    refunds = [replace(fact, parent_keys=(named if fact.keys else counted,)) for fact in told.facts]
    steps = [make_gift(dollars(WHOLE)), "post"]
    for fact in draw(st.permutations(refunds)):
        steps += [fact, *draw(st.sampled_from([("post",), ("post",), ("hour", "sweep", "post"), ()]))]
    steps += [make_link("ch_1", "pi_1"), *mixed(draw, refunds[:1])]
    return History(tuple(steps), WHOLE - told.gone, told.gone, clear=True)


@dataclass
class Refunds:
    """The refunds of one gift at the provider: it gives money back, or some of it returns, and tells of both.

    Its running total counts what stands at the moment. What failed leaves room for another refund.
    """

    told: str
    facts: list = field(default_factory=list)
    standing: dict = field(default_factory=dict)
    failed: int = 0
    gone: int = 0

    def go_on(self, draw):
        if self.standing and draw(st.sampled_from([False, False, True])):
            self._fail(draw(st.sampled_from(sorted(self.standing))))
        else:
            self.give_back_some(draw)

    def give_back_some(self, draw):
        if left := WHOLE - sum(self.standing.values()):
            self._give_back(draw(st.one_of(st.integers(1, left), st.sampled_from([left, min(left, 500)]))))

    def _give_back(self, amount):
        key, before = f"re_{len(self.standing) + self.failed}", sum(self.standing.values())
        self.standing[key] = amount
        self.gone += amount
        if self.told != "totals":
            self.facts.append(make_refund(dollars(amount), keys=(key,)))
        if self.told != "named":
            self.facts.append(make_total(dollars(before + amount), before=dollars(before)))

    def _fail(self, key):
        self.facts.append(make_back(key, dollars(self.standing.pop(key))))
        self.failed += 1


def gifts(draw):
    whole = make_gift(dollars(WHOLE), keys=("ch_1", "pi_1"))
    less = make_gift(dollars(WHOLE), keys=("pi_1",), donor=Donor())
    linked = (make_gift(dollars(WHOLE), keys=("ch_1", "in_1")), make_link("in_1", "pi_1"))
    return [whole, *draw(st.sampled_from([(), (less,), linked, (less, *linked)]))]


def mixed(draw, facts):
    """The facts in any order, some of them twice, with work in between."""
    repeated = [fact for fact in facts if draw(st.booleans())]
    for fact in draw(st.permutations([*facts, *repeated])):
        yield fact
        yield from draw(st.lists(st.sampled_from(PAUSES), max_size=2))
