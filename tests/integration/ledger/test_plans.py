"""Plans of replays under concurrency, on both databases: started once, each entry has one turn, and is sent once."""

from collections import Counter

import pytest

from relay.access import operator
from relay.errors import ReplayRefused
from relay.gifts import Donor
from relay.ledger import audit, proposals
from relay.status import Status
from tests.builders import DONOR, make_gift
from tests.integration.ledger.racing import race

PEOPLE = [operator(name) for name in ("ann", "bob", "cat", "dan")]
GIFTS = 20


@pytest.fixture
def refused(relay):
    """Gifts that Luminate refused, because of a switch that was set back since."""
    relay.luminate.script = ["rejected"] * GIFTS
    for number in range(GIFTS):
        donor = Donor(name=DONOR.name, email=f"d{number}@example.org")
        relay.take(make_gift(keys=(f"ch_{number}",), donor=donor))
    relay.post()
    with relay.database.write() as tx:
        tx.exec_driver_sql("DELETE FROM pauses")  # so many refusals in a row pause the organization
    relay.post()
    assert set(relay.statuses()) == {"rejected"}
    return relay


def start(relay, number, actor):
    try:
        relay.plans.start(number, actor=actor, reason="again")
    except ReplayRefused:
        return False
    return True


def chain_holds(relay):
    with relay.database.read() as tx:
        return list(audit.faults(tx)) == []


def test_of_two_who_start_one_plan_one_does(refused):
    number = refused.draw(*range(1, GIFTS + 1))
    assert sorted(race(2, lambda place: start(refused, number, PEOPLE[place]))) == [False, True]
    race(2, lambda _: refused.plans.advance("alder"))
    assert Counter(row["entry_id"] for row in refused.corrections()) == dict.fromkeys(range(1, GIFTS + 1), 1)
    refused.post()
    assert len(refused.luminate.gifts) == GIFTS
    assert chain_holds(refused)


def test_four_plans_over_the_same_gifts_cause_one_send_each(refused):
    plans = [refused.draw(*range(1, GIFTS + 1), who=one.name) for one in PEOPLE]

    def work(place):
        assert start(refused, plans[place], PEOPLE[place])
        return refused.plans.advance("alder", seconds=30)

    race(4, work)
    refused.plans.advance("alder", seconds=30)
    results = [item.result for number in plans for item in refused.plans.items(number, actor=PEOPLE[0])]
    assert results.count("in line again") == GIFTS
    assert sum(result.startswith("left alone") for result in results) == 3 * GIFTS
    refused.post()
    assert Counter(refused.statuses()) == {"posted": GIFTS}
    assert (len(refused.luminate.gifts), refused.luminate.recorded.count(True)) == (GIFTS, GIFTS)
    assert chain_holds(refused)


def test_a_plan_that_is_paused_between_turns_stops_there(refused):
    number = refused.draw(*range(1, GIFTS + 1))
    refused.plans.start(number, actor=PEOPLE[0], reason="again")

    def act(place):
        if place == 0:
            return refused.plans.advance("alder", seconds=30)
        return refused.plans.pause(number, actor=PEOPLE[1])

    try:
        race(2, act)
    except ReplayRefused:  # it was done before the pause came
        assert refused.plans.show(number, actor=PEOPLE[0]).plan.status == "done"
        return
    shown = refused.plans.show(number, actor=PEOPLE[0])
    assert shown.plan.status == "paused"
    done = [item for item in refused.plans.items(number, actor=PEOPLE[0]) if item.result]
    assert len(done) == shown.progress.done == len(refused.corrections())
    refused.plans.resume(number, actor=PEOPLE[1])
    assert not refused.plans.advance("alder", seconds=30)
    assert refused.plans.show(number, actor=PEOPLE[0]).progress.done == GIFTS


def test_of_two_who_agree_to_one_proposal_one_does(refused):
    with refused.database.write() as tx:
        told = {"changes": {"donor.address.zip": "97201"}, "reason": "x", "proposed_by": "zoe"}
        proposals.make(tx, organization="alder", entry_id=1, proposed_at=refused.database.now(tx), **told)

    def agree(place):
        try:
            return refused.proposing.agree(1, actor=PEOPLE[place])
        except ReplayRefused:
            return None

    assert sorted(map(str, race(2, agree))) == ["None", "queued"]
    assert len(refused.corrections()) == 1
    assert refused.entry(1).status is Status.QUEUED
