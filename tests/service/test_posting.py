"""Posting: what each outcome does, and that a gift is sent at most once whatever happens in between."""

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from relay.access import operator
from relay.errors import LedgerUnavailable
from relay.gifts import Donor
from relay.ledger import claims, pauses
from relay.ledger.db import Database
from relay.outbound import posting as posting_module
from relay.status import Outcome, Status
from tests.builders import DONOR, make_gift, make_luminate, make_organization, make_refund, make_relay
from tests.fakes import FakeLuminate, donation

LADDER = (10, 60, 300)


def give(relay, count=1, **changes):
    """Gifts of as many donors."""
    for number in range(count):
        donor = Donor(name=DONOR.name, email=f"d{number}@example.org")
        relay.take(make_gift(keys=(f"ch_{number}",), donor=donor, **changes))


def pause_of(relay):
    with relay.database.read() as tx:
        return pauses.of(tx, "alder")


@pytest.mark.parametrize(
    ("word", "status", "outcome", "recorded"),
    [
        ("ok", Status.POSTED, Outcome.POSTED, 1),
        ("rejected", Status.REJECTED, Outcome.REJECTED, 0),
        ("not_sent", Status.RETRYING, Outcome.NOT_SENT, 0),
        ("blocked", Status.QUEUED, Outcome.BLOCKED, 0),
        ("lost", Status.UNKNOWN, Outcome.UNKNOWN, 0),
        ("recorded", Status.UNKNOWN, Outcome.UNKNOWN, 1),
        ("html", Status.UNKNOWN, Outcome.UNKNOWN, 1),
        ("failure", Status.UNKNOWN, Outcome.UNKNOWN, 0),
    ],
)
def test_each_outcome_brings_the_entry_into_its_state(relay, word, status, outcome, recorded):
    relay.luminate.script = [word]
    give(relay)
    assert relay.posting().run().sent == 1
    (attempt,) = relay.attempts()
    assert (relay.entry(1).status, attempt["outcome"]) == (status, outcome)
    assert attempt["finished_at"] is not None
    assert len(relay.luminate.gifts) == recorded
    assert relay.balance_holds()


def test_a_worker_that_stood_still_since_its_claim_sends_nothing(relay):
    give(relay)
    posting = relay.posting()
    claim = posting._claim()
    patience = relay.organization.luminate.connect_timeout + relay.organization.luminate.read_timeout
    posting._send(replace(claim, taken=claim.taken - patience - 1))
    assert relay.luminate.calls == []
    assert (relay.entry(1).status, relay.entry(1).reason) == (Status.RETRYING, "woke_too_late")


def test_a_machine_that_was_suspended_since_the_claim_sends_nothing(relay, monkeypatch):
    """time.monotonic() stands still meanwhile, and the lease does not."""
    give(relay)
    posting = relay.posting()
    claim = posting._claim()
    awake = time.clock_gettime(time.CLOCK_BOOTTIME) + 3600
    monkeypatch.setattr(time, "clock_gettime", lambda _clock: awake)
    posting._send(claim)
    assert relay.luminate.calls == []
    assert (relay.entry(1).status, relay.entry(1).reason) == (Status.RETRYING, "woke_too_late")


def test_a_posted_gift_keeps_its_proof(relay):
    give(relay)
    relay.post()
    gift = relay.entry(1)
    assert (gift.confirmation_code, gift.luminate_transaction_id, gift.cons_id, gift.login_name) == (
        "C1",
        "1",
        "9",
        "api",
    )
    assert (gift.lease_until, gift.reason) == (None, "")


def test_another_amount_in_luminate_is_posted_flagged_and_never_sent_again(relay):
    relay.luminate.script = ["other_amount"]
    give(relay)
    relay.post()
    assert (relay.entry(1).status, relay.entry(1).flag) == (Status.POSTED, "amount_differs")
    assert len(relay.luminate.calls) == 1


def test_what_surely_did_not_happen_is_tried_again_up_the_whole_ladder_then_held(sqlite_url):
    relay = make_relay(sqlite_url, make_organization(pace={"retry_ladder": LADDER}))
    relay.luminate.script = ["not_sent"] * 10
    give(relay)
    waits = []
    for _ in LADDER:
        relay.posting().run()
        entry = relay.entry(1)
        waits.append((entry.next_attempt_at - entry.changed_at).total_seconds())
        assert entry.status is Status.RETRYING
        assert relay.posting().run().sent == 0
        relay.later(seconds=waits[-1] + 1)
    relay.posting().run()
    assert all(0.8 * step <= wait <= 1.2 * step for step, wait in zip(LADDER, waits, strict=True))
    assert (relay.entry(1).status, relay.entry(1).reason) == (Status.HELD, "not_reachable")
    assert len(relay.luminate.calls) == len(LADDER) + 1


def test_blocked_pauses_and_uses_up_no_attempt(relay):
    relay.luminate.script = ["blocked"]
    give(relay, 3)
    report = relay.posting().run()
    assert (report.sent, len(relay.luminate.calls)) == (1, 1)
    assert (relay.entry(1).status, relay.entry(1).not_sent) == (Status.QUEUED, 0)
    assert pause_of(relay).reason == "bad_api_key"


def test_a_paused_organization_is_not_rung_for_again_and_again(relay):
    relay.luminate.script = ["blocked"]
    give(relay, 3)
    assert not relay.posting().run().more
    assert relay.posting().run().sent == 0


def test_a_full_minute_is_not_rung_for_again_and_again(sqlite_url):
    relay = make_relay(sqlite_url, make_organization(pace={"per_minute": 2}))
    give(relay, 5)
    report = relay.posting().run()
    assert (report.sent, report.more) == (2, False)
    relay.later(seconds=61)
    assert relay.posting().run().sent == 2


@pytest.mark.parametrize("word", ["lost", "recorded", "html", "failure"])
def test_unknown_is_never_sent_again_by_posting(relay, word):
    relay.luminate.script = [word]
    give(relay)
    for _ in range(5):
        relay.post()
        relay.sweep(worker=f"w{_}").run()
        relay.later(days=1)
    assert len(relay.luminate.calls) == 1


# --- leases and fences ---------------------------------------------------------------------------------------------


def claim(relay, number=1, seconds=60):
    with relay.database.write() as tx:
        now = relay.database.now(tx)
        seen = claims.next_due(tx, "alder", now)
        assert seen.id == number
        return claims.claim(tx, seen, now, seconds=seconds, worker="w", login_name="api")


def expire(relay):
    relay.later(seconds=61)
    with relay.database.write() as tx:
        return claims.expire(tx, relay.database.now(tx), probe_after=120)


def test_a_lease_that_ends_makes_unknown_and_ends_the_attempt(relay):
    give(relay)
    claim(relay)
    assert expire(relay) == [1]
    assert (relay.entry(1).status, relay.entry(1).reason) == (Status.UNKNOWN, "lease_lost")
    assert relay.attempts()[0]["outcome"] == Outcome.UNKNOWN
    assert relay.posting().run().sent == 0


def test_a_late_posted_under_the_same_fence_is_proof(relay):
    give(relay)
    held = claim(relay)
    expire(relay)
    relay.posting()._send(held)
    assert (relay.entry(1).status, relay.entry(1).confirmation_code) == (Status.POSTED, "C1")
    assert relay.attempts()[0]["outcome"] == Outcome.POSTED


@pytest.mark.parametrize("word", ["rejected", "not_sent", "lost", "blocked"])
def test_a_late_report_of_anything_else_leaves_it_unknown(relay, word):
    give(relay)
    held = claim(relay)
    expire(relay)
    relay.luminate.script = [word]
    relay.posting()._send(held)
    assert relay.entry(1).status is Status.UNKNOWN


def test_a_late_posted_of_what_waits_in_line_again_is_proof(relay):
    give(relay)
    held = claim(relay)
    expire(relay)
    relay.later(hours=1)
    relay.deciding.absent(1, attempt=1, actor=operator("ann"), reason="not there")
    relay.posting()._send(held)
    assert (relay.entry(1).status, relay.entry(1).confirmation_code) == (Status.POSTED, "C1")
    relay.post()
    assert len(relay.luminate.gifts) == 1


def test_a_late_posted_under_another_fence_is_said_and_changes_nothing_else(relay):
    give(relay)
    held = claim(relay)
    expire(relay)
    relay.later(hours=1)
    relay.deciding.absent(1, attempt=1, actor=operator("ann"), reason="not there")
    relay.post()
    before = relay.entry(1)
    relay.posting()._send(held)
    after = relay.entry(1)
    assert (after.status, after.confirmation_code, after.fence) == (
        Status.POSTED,
        before.confirmation_code,
        before.fence,
    )
    assert "recorded an earlier call too (confirmation code C2)" in after.flag
    assert [attempt["outcome"] for attempt in relay.attempts()] == [Outcome.POSTED, Outcome.POSTED]


def test_a_late_failure_under_another_fence_changes_nothing(relay):
    give(relay)
    held = claim(relay)
    expire(relay)
    relay.later(hours=1)
    relay.deciding.absent(1, attempt=1, actor=operator("ann"), reason="not there")
    relay.post()
    before = relay.entry(1)
    relay.luminate.script = ["rejected"]
    relay.posting()._send(held)
    assert relay.entry(1) == before


def test_a_code_of_another_gift_proves_nothing(relay):
    relay.luminate.script = ["ok", lambda parameters: donation("C1", "25.00")]
    give(relay, 2)
    relay.post()
    assert [gift.status for gift in relay.gifts()] == [Status.POSTED, Status.UNKNOWN]
    assert relay.entry(2).reason == "code_of_another_gift"


# --- pace ----------------------------------------------------------------------------------------------------------


def slowly(parameters, luminate, most, seconds=0.03):
    with luminate._lock:
        most.append(sum(luminate.in_flight.values()))
    time.sleep(seconds)
    return luminate._ok("add", parameters)


def test_as_many_calls_are_in_flight_as_allowed_and_no_more(sqlite_url):
    relay = make_relay(sqlite_url, make_organization(max_in_flight=3))
    most = []
    relay.luminate.script = [lambda parameters: slowly(parameters, relay.luminate, most)] * 9
    give(relay, 9)
    relay.posting().run()
    assert max(most) == 3
    assert relay.statuses() == ["posted"] * 9


def test_gifts_of_one_donor_go_one_after_the_other(sqlite_url):
    relay = make_relay(sqlite_url, make_organization(max_in_flight=4))
    relay.luminate.script = [lambda parameters: slowly(parameters, relay.luminate, [])] * 6
    for number in range(6):
        relay.take(make_gift(keys=(f"ch_{number}",)))
    relay.post()
    assert relay.luminate.most_at_once == 1
    assert relay.statuses() == ["posted"] * 6


def test_entries_go_in_the_order_received(relay):
    give(relay, 5)
    relay.post()
    assert [one["sub_source"] for one in relay.luminate.sent("add")] == [f"ch_{number}" for number in range(5)]


def test_two_runs_at_once_send_each_gift_once(relay):
    give(relay, 10)
    runs = [threading.Thread(target=relay.posting().run) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    relay.post()
    assert (len(relay.luminate.calls), relay.statuses()) == (10, ["posted"] * 10)


def test_a_worker_that_stops_claims_no_more(relay):
    give(relay, 3)
    stop = threading.Event()
    relay.luminate.script = [lambda parameters: (stop.set(), relay.luminate._ok("add", parameters))[1]]
    relay.posting(stopping=stop.is_set).run()
    assert relay.statuses() == ["posted", "queued", "queued"]


def test_a_run_ends_after_its_slice_and_says_that_more_is_due(relay, monkeypatch):
    monkeypatch.setattr(posting_module, "SLICE_SECONDS", 0.0)
    give(relay, 2)
    report = relay.posting().run()
    assert (report.sent, report.more) == (0, True)


def test_a_run_that_lost_its_lease_claims_no_more(relay, monkeypatch):
    monkeypatch.setattr(posting_module, "RUN_LEASE_SECONDS", 0.0)
    give(relay, 3)

    def stolen(parameters):
        with relay.database.write() as tx:
            claims.take_lease(tx, "posting:alder", "thief", relay.database.now(tx) + timedelta(hours=1), seconds=9999)
        return relay.luminate._ok("add", parameters)

    relay.luminate.script = [stolen]
    assert relay.posting().run().sent == 1


def test_a_gift_that_settles_is_not_due_yet(sqlite_url):

    organization = make_organization()
    relay = make_relay(sqlite_url, replace(organization, pace=replace(organization.pace, settle_seconds=5.0)))
    give(relay)
    assert relay.posting().run().sent == 0
    assert relay.bell.rings == []
    relay.later(seconds=6)
    assert relay.posting().run().sent == 1


# --- the ledger goes away ------------------------------------------------------------------------------------------


class Flickering(FakeLuminate):
    """After each call the ledger is away for a moment."""

    def __init__(self, database, failures):
        super().__init__()
        self.database, self.failures = database, failures

    def _ok(self, method, parameters):
        answer = super()._ok(method, parameters)
        self.database.fail(self.failures)
        return answer


class FlickeringDatabase(Database):
    """A ledger that does not answer for the next few transactions."""

    failing = 0

    def fail(self, times):
        self.failing = times

    def now(self, connection):
        if self.failing > 0:
            self.failing -= 1
            raise LedgerUnavailable("gone")
        return super().now(connection)


def test_an_outcome_outlives_a_ledger_that_is_away_for_a_moment(relay, monkeypatch):
    monkeypatch.setattr(posting_module.time, "sleep", lambda _seconds: None)
    give(relay)
    flickering = FlickeringDatabase(relay.settings.database_url, relay.database.keyring)
    luminate = Flickering(flickering, 3)
    posting = posting_module.Posting(flickering, relay.organization, luminate, worker="w")
    posting.run()
    assert relay.entry(1).status is Status.POSTED
    flickering.engine.dispose()


def test_an_outcome_that_cannot_be_recorded_leaves_it_to_the_lease(sqlite_url, monkeypatch):
    monkeypatch.setattr(posting_module.time, "sleep", lambda _seconds: None)
    relay = make_relay(sqlite_url, make_organization(luminate=make_luminate(read_timeout=0.1, connect_timeout=0.1)))
    give(relay)
    flickering = FlickeringDatabase(sqlite_url, relay.database.keyring)
    luminate = Flickering(flickering, 10**9)
    posting = posting_module.Posting(flickering, relay.organization, luminate, worker="w")
    with pytest.raises(LedgerUnavailable):
        posting.run()
    assert relay.entry(1).status is Status.POSTING
    relay.later(seconds=1)
    relay.sweep().run()
    assert relay.entry(1).status is Status.UNKNOWN
    assert len(luminate.gifts) == 1
    flickering.engine.dispose()


def test_a_mistake_of_ours_while_recording_is_told_and_the_lease_makes_it_unknown(relay):
    give(relay)
    statements = []

    @event.listens_for(relay.database.engine, "before_cursor_execute")
    def break_the_first(_connection, _cursor, statement, *_):
        if statement.startswith("UPDATE attempts") and not statements:
            statements.append(statement)
            raise ValueError("our own mistake")

    relay.post()
    assert relay.entry(1).status is Status.POSTING
    relay.later(hours=1)
    relay.sweep().run()
    assert relay.entry(1).status is Status.UNKNOWN


def test_the_attempt_is_written_before_the_call(relay):
    seen = []

    def look(parameters):
        with relay.database.read() as tx:
            seen.extend(tx.exec_driver_sql("SELECT outcome, fence FROM attempts").all())
        return relay.luminate._ok("add", parameters)

    relay.luminate.script = [look]
    give(relay)
    relay.post()
    assert seen == [(None, 1)]


def test_refunds_wait_for_their_gift_even_beside_it(sqlite_url):
    relay = make_relay(sqlite_url, make_organization(max_in_flight=4))
    relay.take(make_gift(donor=Donor(name=DONOR.name, email="x@example.org")))
    relay.take(make_refund())
    relay.posting().run()
    assert [name for name, _ in relay.luminate.calls] == ["add", "refund"]
