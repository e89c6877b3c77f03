"""The fund map and the keys of the API where several processes meet, on both databases."""

import pytest

from relay.access import operator
from relay.config import Fund
from relay.errors import ReplayRefused
from relay.gifts import Designation
from relay.ledger import answers, funds
from relay.office.funding import Funding
from relay.office.tokens import Tokens
from relay.status import Status
from tests.builders import make_gift, make_organization, make_relay
from tests.integration.ledger.racing import race

ANN = operator("ann")
GALA = {"designee_id": 44}


def gala(number):
    return make_gift(keys=(f"ch_{number}",), designations=(Designation(fund="GALA"),))


def carry_out(relay):
    while relay.plans.advance("alder"):
        pass


def test_every_gift_that_comes_while_a_fund_is_mapped_goes_once(relay):
    funding = Funding(relay.database, relay.settings.organizations)
    for number in range(5):
        relay.take(gala(number))

    def act(number):
        if number:
            for place in range(5):
                relay.take(gala(100 * number + place))
            return
        for _ in range(20):  # until nothing came between the look and the save of it
            trial = funding.trial("alder", "GALA", GALA, actor=ANN)
            try:
                funding.save("alder", "GALA", GALA, seen=trial.seen, actor=ANN, reason="x")
            except ReplayRefused:
                continue
            return

    race(4, act)
    carry_out(relay)
    late = [entry for entry in relay.entries() if entry.status is Status.HELD]
    if late:  # came between the look and the save
        trial = funding.trial("alder", "GALA", GALA, actor=ANN)
        assert [tried.entry.id for tried in trial.goes] == [entry.id for entry in late]
        funding.save("alder", "GALA", GALA, seen=trial.seen, actor=ANN, reason="x")
        carry_out(relay)
    relay.post(60)
    assert set(relay.statuses()) == {"posted"}
    assert len(relay.luminate.gifts) == 20
    assert {one["designated.1.id"] for one in relay.luminate.gifts.values()} == {"44"}


def test_edits_of_two_organizations_that_commit_crosswise_are_both_seen(database_url):
    relay = make_relay(database_url, make_organization("alder"), make_organization("birch"))
    if not relay.database.is_postgresql:
        pytest.skip("SQLite has one writer: no two transactions cross")
    alder, birch = relay.settings.organizations.values()
    now = {"who": "x", "reason": "x"}
    with relay.database.write() as slow:
        relay.database.lock(slow, "alder")
        at = relay.database.now(slow)
        funds.add(slow, "alder", "GALA", Fund(code="GALA", designee_id=1), at=at, **now)
        with relay.database.write() as fast:
            relay.database.lock(fast, "birch")
            funds.add(fast, "birch", "GALA", Fund(code="GALA", designee_id=2), at=at, **now)
        with relay.database.read() as tx:
            assert "GALA" not in funds.with_funds(tx, alder).funds
            assert funds.with_funds(tx, birch).funds["GALA"].designee_id == 2
    with relay.database.read() as tx:
        assert funds.with_funds(tx, alder).funds["GALA"].designee_id == 1
    relay.database.engine.dispose()


def test_of_several_requests_with_one_key_one_is_done(relay):
    made = Tokens(relay.database, relay.settings.organizations).add("x", "alder", ["act"], actor=ANN)

    def begin(_number):
        with relay.database.write() as tx:
            return answers.begin(tx, made.number, "k", "r", relay.database.now(tx))

    told = race(6, begin)
    assert [one for one in told if one is None] == [None]
    assert {one.status for one in told if one} == {None}
    relay.later(minutes=3)
    assert [one for one in race(6, begin) if one is None] == [None]


def test_two_who_take_the_same_trial_save_it_once(relay):
    funding = Funding(relay.database, relay.settings.organizations)
    for number in range(5):
        relay.take(gala(number))
    seen = funding.trial("alder", "GALA", GALA, actor=ANN).seen

    def save(_number):
        try:
            return funding.save("alder", "GALA", GALA, seen=seen, actor=ANN, reason="x").released
        except ReplayRefused:
            return 0

    assert sorted(race(4, save)) == [0, 0, 0, 5]
    carry_out(relay)
    relay.post(20)
    assert len(relay.luminate.gifts) == 5
