"""Erasing beside everything else that happens, on both databases."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import event

from relay.access import operator
from relay.config import Retention as Kept
from relay.errors import ErasingRefused
from relay.ledger import audit, erasing
from relay.office import retention
from relay.office.erasing import Erasing
from relay.office.retention import Retention
from relay.status import Erased
from tests.builders import make_gift, make_organization, make_refund, make_relay
from tests.integration.ledger.racing import race
from tests.support.sealed import everything

ANN, MARY = operator("ann"), "mary@example.org"


@pytest.fixture
def relay(database_url):
    relay = make_relay(database_url, make_organization(retention=Kept(payload_days=30)))
    yield relay
    relay.database.engine.dispose()


def given(relay, count):
    for number in range(count):
        relay.take(make_gift(keys=(f"ch_{number}",)))
    relay.post()


def test_two_runs_at_once_erase_each_payment_once(relay, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    given(relay, 9)
    relay.later(days=31)
    keepers = [Retention(relay.database, relay.settings.organizations, sleep=lambda _s: None) for _ in range(2)]
    done = race(2, lambda number: keepers[number].run("alder", actor=ANN))
    assert sum(one.payments for one in done) == 9
    assert {gift.erased for gift in relay.gifts()} == {Erased.AGE}
    with relay.database.read() as tx:
        assert list(audit.faults(tx)) == []


def test_refunds_that_come_in_meanwhile_are_booked_and_posted(relay, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 1)
    given(relay, 6)
    relay.later(days=31)
    keeper = Retention(relay.database, relay.settings.organizations, sleep=lambda _s: None)

    def refund(_number):
        for number in range(6):
            relay.take(make_refund("1.00", keys=(f"re_{number}",), parents=(f"ch_{number}",)))

    race(2, lambda number: keeper.run("alder", actor=ANN) if number else refund(number))
    relay.post(times=30)
    assert [str(one.status) for one in relay.refunds()] == ["posted"] * 6
    assert (relay.luminate.net, relay.luminate.impossible) == (6 * 2400, [])
    codes = {gift.payment_id: gift.confirmation_code for gift in relay.gifts()}
    assert all(one.parameters["refund_user_confirm_code"] == codes[one.payment_id] for one in relay.refunds())
    assert relay.balance_holds()


def test_a_donor_is_erased_or_is_not_while_they_give(relay):
    given(relay, 3)
    eraser = Erasing(relay.database, relay.settings.organizations)
    donor = eraser.look("alder", MARY, actor=ANN)
    refused = []

    def erase():
        try:
            eraser.erase(donor, actor=ANN, reason="case 12")
        except ErasingRefused:
            refused.append(True)

    race(2, lambda number: erase() if number else relay.take(make_gift(keys=("ch_new",))))
    relay.post()
    erased = {gift.erased for gift in relay.gifts()[:3]}
    assert erased == ({Erased.NOTHING} if refused else {Erased.DONOR})
    assert relay.gifts()[3].donor_email == MARY
    eraser.erase(eraser.look("alder", MARY, actor=ANN), actor=ANN, reason="case 12")
    assert MARY not in everything(relay.database)
    assert relay.balance_holds()


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (lambda tx: erasing.old_ones(tx, "alder", datetime.now(UTC), None, 100), "ix_entries_kept"),
        (lambda tx: erasing.come_again(tx, "alder"), "ix_entries_erased"),
    ],
)
def test_what_is_due_is_found_by_an_index(relay, asked, index):
    """A turn that finds nothing must cost nothing, however large the ledger is."""
    said = []
    with relay.database.read() as tx:
        if relay.database.is_postgresql:
            tx.exec_driver_sql("SET enable_seqscan = off")
        event.listen(relay.database.engine, "before_cursor_execute", lambda *told: said.append(told[2:4]))
        asked(tx)
        statement, parameters = said[-1]
        explain = "EXPLAIN" if relay.database.is_postgresql else "EXPLAIN QUERY PLAN"
        plan = str(tx.exec_driver_sql(f"{explain} {statement}", parameters).all())
    assert index in plan


def test_erasing_holds_the_front_door_up_for_a_moment_only(relay):
    """A webhook waits for one small transaction at the most, not for the whole turn."""
    given(relay, 20)
    relay.later(days=31)
    stop, slept = threading.Event(), []

    def breathe(seconds):
        slept.append(seconds)
        if not stop.is_set():
            relay.take(make_gift(keys=(f"ch_between_{len(slept)}",)))
            stop.set()

    Retention(relay.database, relay.settings.organizations, sleep=breathe).run("alder", actor=ANN)
    assert (stop.is_set(), len(slept)) == (True, 20 // retention.BATCH)
    assert len(relay.gifts()) == 21
