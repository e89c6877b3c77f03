"""Hypothesis: what a provider may tell of one gift, and what Luminate may answer, in any order."""

from dataclasses import dataclass

from hypothesis import strategies as st

from relay.gifts import Donor
from tests.builders import make_back, make_chargeback, make_gift, make_link, make_refund, make_total

WHOLE = 2500
ANSWERS = ("ok", "ok", "ok", "not_sent", "lost", "recorded", "html", "rejected", "blocked", "failure", "other_amount")
PAUSES = ("post", "post", "sweep", "hour", "day")

answers = st.lists(st.sampled_from(ANSWERS), max_size=8)


@dataclass(frozen=True)
class History:
    """Everything a provider tells of one gift, in the order a test sends it, and the net it ends with, in cents.

    ``steps`` mixes facts with words for what relay does in between.
    """

    steps: tuple
    net: int
    refunded: int


def dollars(cents):
    return f"{cents // 100}.{cents % 100:02}"


@st.composite
def amounts(draw):
    """Refunds that together leave something or nothing of the gift."""
    left, parts = WHOLE, []
    for _ in range(draw(st.integers(0, 3))):
        part = draw(st.one_of(st.integers(1, left), st.just(left), st.sampled_from([500, 500, 1000]))) if left else 0
        if 0 < part <= left:
            parts.append(part)
            left -= part
    return parts


@st.composite
def histories(draw):
    """A gift told once or more, refunds told by name, by total or both, some of which fail, and perhaps a dispute."""
    parts = draw(amounts())
    told = draw(st.sampled_from(["named", "both", "totals"]))
    failed = {place for place in range(len(parts)) if told != "totals" and draw(st.booleans())}
    facts = [*gifts(draw), *refunds(parts, told), *(make_back(f"re_{at}", dollars(parts[at])) for at in failed)]
    left = WHOLE - sum(parts)
    lost = 0
    if left and draw(st.booleans()):
        facts.append(make_chargeback(dollars(left)))
        lost = left
        if told != "totals" and draw(st.booleans()):
            facts.append(make_back("dp_1", dollars(left)))
            lost = 0
    stood = sum(part for place, part in enumerate(parts) if place not in failed)
    return History(tuple(mixed(draw, facts)), WHOLE - stood - lost, stood)


def gifts(draw):
    whole = make_gift(dollars(WHOLE), keys=("ch_1", "pi_1"))
    less = make_gift(dollars(WHOLE), keys=("pi_1",), donor=Donor())
    linked = (make_gift(dollars(WHOLE), keys=("ch_1", "in_1")), make_link("in_1", "pi_1"))
    return [whole, *draw(st.sampled_from([(), (less,), linked, (less, *linked)]))]


def refunds(parts, told):
    total = 0
    for place, part in enumerate(parts):
        if told != "totals":
            yield make_refund(dollars(part), keys=(f"re_{place}",))
        if told != "named":
            yield make_total(dollars(total + part), before=dollars(total))
        total += part


def mixed(draw, facts):
    """The facts in any order, some of them twice, with work in between."""
    repeated = [fact for fact in facts if draw(st.booleans())]
    for fact in draw(st.permutations([*facts, *repeated])):
        yield fact
        yield from draw(st.lists(st.sampled_from(PAUSES), max_size=2))
