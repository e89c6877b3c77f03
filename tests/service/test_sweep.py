"""The sweep: Redis may forget everything, a worker may die, a site may hang; what is due still goes."""

import threading
from datetime import timedelta

import pytest

from relay.access import operator
from relay.gifts import Donor
from relay.ledger import claims, entries, pauses
from relay.outbound import pausing
from relay.status import Status
from tests.builders import DONOR, make_gift, make_organization, make_refund, make_relay


def claim(relay, number=1):
    with relay.database.write() as tx:
        now = relay.database.now(tx)
        return claims.claim(tx, entries.get(tx, number), now, seconds=60, worker="w", login_name="api")


def pause_of(relay):
    with relay.database.read() as tx:
        return pauses.of(tx, "alder")


def test_it_rings_for_what_is_due_although_the_bell_was_lost(relay):
    relay.take(make_gift())
    relay.bell.rings.clear()  # FLUSHALL
    assert relay.sweep().run().rung == ["alder"]


def test_it_rings_for_nothing_when_nothing_is_due(relay):
    relay.take(make_gift())
    relay.post()
    assert relay.sweep().run().rung == []


def test_one_worker_sweeps_at_a_time(relay):
    first, second = relay.sweep("a"), relay.sweep("b")
    assert first.run() is not None
    assert second.run() is None
    relay.later(seconds=11)
    assert second.run() is not None


def test_a_dead_worker_s_entry_becomes_unknown_and_never_queued(relay):
    relay.take(make_gift())
    claim(relay)
    sweep = relay.sweep()
    assert sweep.run().expired == []
    relay.later(seconds=61)
    assert sweep.run().expired == [1]
    assert relay.entry(1).status is Status.UNKNOWN
    assert sweep.run().expired == []


def test_a_refund_that_a_crash_kept_waiting_is_released(relay):
    relay.take(make_gift())
    relay.post()
    relay.take(make_refund())
    with relay.database.write() as tx:
        entries.move(tx, relay.entry(2), Status.WAITING, relay.database.now(tx), reason="gift_not_posted")
    assert relay.sweep().run().released == [2]
    relay.post()
    assert relay.luminate.net == 2000


def test_a_retry_that_falls_due_is_rung_for(relay):
    relay.luminate.script = ["not_sent"]
    relay.take(make_gift())
    relay.post()
    sweep = relay.sweep()
    assert sweep.run().rung == []
    relay.later(hours=1)
    assert sweep.run().rung == ["alder"]


# --- pauses --------------------------------------------------------------------------------------------------------


@pytest.fixture
def paused(relay):
    relay.luminate.script = ["blocked"]
    relay.luminate.healthy = False
    relay.take(make_gift())
    relay.post()
    return relay


def test_a_paused_organization_is_not_rung_for(paused):
    assert paused.sweep().run().rung == []


def test_a_pause_ends_by_itself_once_a_harmless_read_works(paused):
    sweep = paused.sweep()
    paused.later(seconds=61)
    assert sweep.run().resumed == []
    assert (pause_of(paused).checks, len(paused.luminate.reads)) == (1, 1)
    sweep.run()
    assert len(paused.luminate.reads) == 1
    paused.luminate.healthy = True
    paused.later(hours=1)
    swept = sweep.run()
    assert (swept.resumed, swept.rung) == (["alder"], ["alder"])
    paused.post()
    assert (paused.entry(1).status, len(paused.luminate.gifts)) == (Status.POSTED, 1)


def test_checks_grow_rarer_and_go_on(paused):
    sweep, waits = paused.sweep(), []
    for _ in range(4):
        paused.later(hours=1)
        before = pause_of(paused)
        sweep.run()
        waits.append(pause_of(paused).check_at - before.check_at > timedelta(0))
    assert pause_of(paused).checks == 4
    assert all(waits)


def test_a_person_s_pause_is_left_to_a_person(paused):
    pausing.pause(paused.database, "alder", actor=operator("ann"), reason="year end")
    paused.luminate.healthy = True
    paused.later(days=9)
    assert paused.sweep().run().resumed == []
    assert pause_of(paused).who == "ann"


def test_a_person_who_pauses_during_the_check_is_heard(paused):
    def pause_meanwhile(email="x"):
        pausing.pause(paused.database, "alder", actor=operator("ann"), reason="year end")
        return type(paused.luminate).is_email_valid(paused.luminate, email)

    paused.luminate.healthy = True
    paused.luminate.is_email_valid = pause_meanwhile
    paused.later(hours=1)
    assert paused.sweep().run().resumed == []
    assert pause_of(paused).who == "ann"


def test_a_site_that_hangs_keeps_no_other_organization_waiting(sqlite_url):
    relay = make_relay(sqlite_url, make_organization(), make_organization("birch"))
    relay.luminate.script = ["blocked"]
    relay.take(make_gift())
    relay.post()
    relay.later(hours=1)
    relay.take(make_gift(donor=Donor(name=DONOR.name, email="b@example.org")), organization="birch")
    release = threading.Event()
    relay.luminate.is_email_valid = lambda: (release.wait(20), type(relay.luminate).is_email_valid(relay.luminate))[1]
    sweep = relay.sweep()
    swept = sweep.run()
    assert (swept.rung, swept.resumed) == (["birch"], [])
    sweep.run()
    release.set()
    for thread in list(sweep._checking.values()):
        thread.join(5)
    assert pause_of(relay) is None
