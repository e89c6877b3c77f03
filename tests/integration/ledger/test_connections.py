"""What is known about connections: results belong to credentials, and a check is asked for and done once."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from relay.ledger import connections, pauses
from relay.ledger.connection_tables import connections as table
from tests.builders import make_gift
from tests.integration.ledger.racing import race

WELL = [{"name": "alder: Luminate", "level": "ok", "text": "It answers.", "what_to_do": ""}]
PLACE = ("alder", "luminate")
REST = timedelta(minutes=1)


def known(relay):
    with relay.database.read() as tx:
        return connections.known(tx, ["alder"]).get(PLACE)


def meet(relay, fingerprint):
    with relay.database.write() as tx:
        connections.meet(tx, *PLACE, fingerprint, relay.database.now(tx))


def write(relay, fingerprint, *, works=True):
    with relay.database.write() as tx:
        return connections.write(tx, PLACE, fingerprint, WELL, relay.database.now(tx), works=works)


def ask(relay, who="ann"):
    with relay.database.write() as tx:
        return connections.ask(tx, "alder", who, relay.database.now(tx), rest=REST)


def test_what_is_found_is_kept_with_the_times_it_worked_first_and_last(relay):
    meet(relay, "one")
    assert known(relay).checked_at is None
    assert write(relay, "one")
    first = known(relay)
    assert (first.checks, first.worked_at, first.proven_at) == (WELL, first.checked_at, first.checked_at)
    relay.later(hours=1)
    write(relay, "one")
    assert known(relay).proven_at == first.proven_at
    assert known(relay).worked_at - first.worked_at >= timedelta(hours=1)


def test_what_fails_keeps_when_it_worked(relay):
    meet(relay, "one")
    write(relay, "one", works=False)
    assert (known(relay).proven_at, known(relay).worked_at) == (None, None)
    write(relay, "one")
    worked = known(relay).worked_at
    relay.later(hours=1)
    write(relay, "one", works=False)
    assert known(relay).worked_at == worked
    assert known(relay).checked_at > worked


def test_other_credentials_forget_what_the_old_ones_proved(relay):
    meet(relay, "one")
    write(relay, "one")
    relay.later(hours=1)
    meet(relay, "two")
    fresh = known(relay)
    assert (fresh.fingerprint, fresh.replaced, fresh.checks) == ("two", True, [])
    assert (fresh.checked_at, fresh.worked_at, fresh.proven_at) == (None, None, None)


def test_the_same_credentials_met_again_change_nothing(relay):
    meet(relay, "one")
    write(relay, "one")
    before = known(relay)
    relay.later(hours=1)
    meet(relay, "one")
    assert known(relay) == before
    assert not before.replaced


def test_a_result_of_old_credentials_is_not_written_beside_new_ones(relay):
    meet(relay, "one")
    meet(relay, "two")
    assert not write(relay, "one")
    assert known(relay).checks == []


def test_a_check_is_asked_for_once_and_again_after_a_rest(relay):
    assert ask(relay)
    assert not ask(relay)
    with relay.database.write() as tx:
        assert connections.waiting(tx) == ["alder"]
        connections.begin(tx, "alder", relay.database.now(tx))
        connections.end(tx, "alder", relay.database.now(tx))
        assert connections.waiting(tx) == []
    assert not ask(relay)
    relay.later(seconds=61)
    assert ask(relay, "bob")
    with relay.database.read() as tx:
        assert connections.rounds_of(tx, ["alder", "birch"])["alder"].asked_by == "bob"


def test_of_many_who_ask_at_once_one_is_heard(relay):
    heard = []
    race(6, lambda _number: heard.append(ask(relay)))
    assert heard.count(True) == 1


def test_two_who_meet_the_same_credentials_at_once_make_one_row(relay):
    race(4, lambda _number: meet(relay, "one"))
    with relay.database.read() as tx:
        assert len(tx.execute(select(table)).all()) == 1


@pytest.mark.parametrize(("reasons", "hurried"), [(("bad_api_key",), True), (("asked_to_wait",), False)])
def test_only_a_pause_with_such_a_reason_is_tried_at_once(relay, reasons, hurried):
    relay.luminate.script = ["blocked"]
    relay.take(make_gift())
    relay.post()
    with relay.database.write() as tx:
        now = relay.database.now(tx)
        connections.hurry(tx, "alder", now, reasons)
        assert (pauses.of(tx, "alder").check_at == now) is hurried


def test_the_last_gift_in_luminate_and_no_other_organization_s(relay):
    with relay.database.read() as tx:
        assert connections.last_posted(tx, "alder") is None
    relay.take(make_gift())
    relay.post()
    with relay.database.read() as tx:
        at, kind = connections.last_posted(tx, "alder")
        assert (at, kind) == (relay.entry(1).posted_at, "gift")
        assert connections.last_posted(tx, "birch") is None
