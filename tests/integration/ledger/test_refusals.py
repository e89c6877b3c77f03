"""Counting refused webhooks: off the path of the answer, one row a day, whatever the ledger does meanwhile."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from relay.errors import BadSignature, TooLarge, UnknownSource
from relay.ledger import models, refusals
from relay.ledger.refusals import Refusals
from relay.providers import Delivery
from tests.builders import make_gift

NOW = datetime(2026, 1, 3, 23, 59, 50, tzinfo=UTC)


class Patient(Refusals):
    """Has no thread."""

    def count(self, *args):
        self._timer = self._timer or threading.Timer(0, self.write)
        super().count(*args)


@pytest.fixture
def counted(relay):
    """Counts that are written when the test says so."""
    return Patient(relay.database)


def join_writers():
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()


def rows(relay):
    with relay.database.read() as tx:
        found = tx.execute(select(models.refusals).order_by(models.refusals.c.day, models.refusals.c.reason))
        return [(row.provider, row.reason, str(row.day), row.count, row.first_at, row.last_at) for row in found]


def test_many_refusals_are_one_row_a_day(relay, counted):
    for second in range(5):
        counted.count("alder", "acme", "bad_signature", NOW + timedelta(seconds=second))
    counted.write()
    counted.count("alder", "acme", "bad_signature", NOW + timedelta(seconds=9))
    counted.count("alder", "acme", "bad_signature", NOW + timedelta(seconds=10))
    counted.write()
    ends = NOW + timedelta(seconds=9)
    midnight = NOW + timedelta(seconds=10)
    assert rows(relay) == [
        ("acme", "bad_signature", "2026-01-03", 6, NOW, ends),
        ("acme", "bad_signature", "2026-01-04", 1, midnight, midnight),
    ]


def test_told_by_reason_with_those_of_yesterday_and_today(relay, counted):
    for days, reason in ((9, "bad_signature"), (1, "bad_signature"), (0, "bad_signature"), (5, "wrong_mode")):
        counted.count("alder", "acme", reason, NOW - timedelta(days=days))
    counted.count("birch", "acme", "bad_signature", NOW)
    counted.count("alder", "other", "bad_signature", NOW)
    counted.write()
    with relay.database.read() as tx:
        told = refusals.told(tx, "alder", "acme", NOW)
    assert {reason: (one.last_at, one.recently) for reason, one in told.items()} == {
        "bad_signature": (NOW, 2),
        "wrong_mode": (NOW - timedelta(days=5), 0),
    }


def test_two_processes_count_into_one_row(relay):
    several = [Patient(relay.database) for _ in range(4)]
    for one in several:
        one.count("alder", "acme", "bad_signature", NOW)
    threads = [threading.Thread(target=one.write) for one in several]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row[3] for row in rows(relay)] == [4]


def test_it_is_written_by_itself(relay):
    quick = Refusals(relay.database, pause=0.01)
    quick.count("alder", "acme", "bad_signature", NOW)
    end = time.monotonic() + 10
    while not rows(relay) and time.monotonic() < end:
        time.sleep(0.01)
    join_writers()
    assert [row[3] for row in rows(relay)] == [1]


def test_a_ledger_that_is_held_up_does_not_hold_up_the_answer(relay):
    """Another transaction writes the very row for as long as it likes; the 401 leaves at once."""
    relay.intake.refusals, relay.intake.clock = Refusals(relay.database, pause=0.01), lambda: NOW
    with relay.database.write() as tx:
        values = {"organization": "alder", "provider": "acme", "reason": "bad_signature", "day": NOW.date()}
        tx.execute(models.refusals.insert().values(values | {"count": 1, "first_at": NOW, "last_at": NOW}))
        began = time.monotonic()
        for _ in range(50):
            with pytest.raises(BadSignature):
                relay.intake.take("alder", "acme", Delivery(b"{}"))
            time.sleep(0.001)
        assert time.monotonic() - began < 2
    join_writers()
    # Whatever was counted while the row was held is in it now, or waits in memory.
    (row,) = rows(relay)
    assert row[3] > 1


def test_what_cannot_be_written_waits_for_the_next(relay, counted):
    database, counted._database = counted._database, type(relay.database)("sqlite:////proc/nowhere/ledger")
    counted.count("alder", "acme", "bad_signature", NOW)
    counted.write()
    counted._database = database
    counted.count("alder", "acme", "bad_signature", NOW)
    counted.write()
    assert [row[3] for row in rows(relay)] == [2]


def test_a_mistake_of_ours_breaks_nothing(relay, counted):
    models.refusals.drop(relay.database.engine)
    counted.count("alder", "acme", "bad_signature", NOW)
    counted.write()
    assert relay.take(make_gift()).verdict == "entry"


def test_the_front_door_counts_for_known_addresses_only(relay, counted):
    relay.intake.refusals = counted
    for provider, error in (("acme", BadSignature), ("acme", TooLarge), ("nobody", UnknownSource)):
        size = relay.settings.max_body_bytes + 1 if error is TooLarge else 2
        with pytest.raises(error):
            relay.intake.take("alder", provider, Delivery(b"x" * size))
    with pytest.raises(UnknownSource):
        relay.intake.take("nowhere", "acme", Delivery(b"{}"))
    counted.write()
    assert [row[:2] for row in rows(relay)] == [("acme", "bad_signature"), ("acme", "too_large")]
    columns = set(models.refusals.c.keys())
    assert columns == {"organization", "provider", "reason", "day", "count", "first_at", "last_at"}
