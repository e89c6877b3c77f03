"""Claims, leases and fences under concurrency, on both databases."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

from relay.access import operator
from relay.gifts import Donor
from relay.ledger import claims, entries
from relay.luminate.outcomes import Judgement
from relay.outbound.settling import Settling
from relay.status import Outcome, Status
from tests.builders import DONOR, make_gift
from tests.integration.ledger.racing import race

POSTED = Judgement(Outcome.POSTED, "recorded", "In Luminate.", confirmation_code="C1")
REFUSED = Judgement(Outcome.REJECTED, "luminate_refused", "No.")


def give(relay, count):
    for number in range(count):
        donor = Donor(name=DONOR.name, email=f"d{number}@example.org")
        relay.take(make_gift(keys=(f"ch_{number}",), donor=donor))


def claim_next(relay, worker="w", seconds=60):
    with relay.database.read() as tx:
        seen = claims.next_due(tx, "alder", relay.database.now(tx))
    if seen is None:
        return None
    with relay.database.write() as tx:
        now = relay.database.now(tx)
        return claims.claim(tx, seen, now, seconds=seconds, worker=worker, login_name="api") or "lost"


def test_eight_threads_claim_fifty_entries_once_each(relay):
    give(relay, 50)

    def claim_all(number):
        mine = []
        while claim := claim_next(relay, worker=f"w{number}"):
            mine += [] if claim == "lost" else [claim.entry.id]
        return mine

    claimed = [entry for mine in race(8, claim_all) for entry in mine]
    assert sorted(claimed) == list(range(1, 51))
    assert len(relay.attempts()) == 50


def test_one_entry_is_claimed_by_one_of_eight(relay):
    give(relay, 1)
    seen = relay.entry(1)

    def take(number):
        with relay.database.write() as tx:
            now = relay.database.now(tx)
            return claims.claim(tx, seen, now, seconds=60, worker=f"w{number}", login_name="api")

    assert len([claim for claim in race(8, take) if claim]) == 1
    assert relay.entry(1).fence == 1


def test_two_that_claim_gifts_of_one_donor_at_the_same_moment_see_each_other(relay):
    """Neither has committed when the other looks: without the donor's turn both gifts would fly."""
    for number in range(2):
        relay.take(make_gift(keys=(f"ch_{number}",)))
    first, second = relay.posting(worker="a"), relay.posting(worker="b")
    with ThreadPoolExecutor(1) as thread:
        with relay.database.write() as tx:
            assert first._take(tx, relay.entry(1)).entry.id == 1
            late = thread.submit(take, second, relay.entry(2))
            assert not wait([late], timeout=0.3).done
        assert late.result(timeout=20) is None
    assert relay.statuses() == ["posting", "queued"]


def take(posting, candidate):
    with posting.database.write() as tx:
        return posting._take(tx, candidate)


def test_a_late_writer_loses(relay):
    give(relay, 1)
    first = claim_next(relay)
    relay.later(seconds=61)
    with relay.database.write() as tx:
        claims.expire(tx, relay.database.now(tx), probe_after=60)
    relay.later(hours=1)
    relay.deciding.absent(1, attempt=1, actor=operator("ann"), reason="not there")
    second = claim_next(relay)
    settle(relay, second, POSTED)
    settle(relay, first, REFUSED)
    assert (relay.entry(1).status, relay.entry(1).fence) == (Status.POSTED, 2)
    assert [one["outcome"] for one in relay.attempts()] == ["rejected", "posted"]


def settle(relay, claim, judgement):
    with relay.database.write() as tx:
        relay.database.lock(tx, "alder")
        Settling(tx, relay.organization, relay.database.now(tx)).settle(claim, judgement, None, 0.1)


def test_expiry_and_the_outcome_race_without_losing_the_proof(relay):
    give(relay, 8)
    claimed = [claim_next(relay) for _ in range(8)]
    relay.later(seconds=61)

    def act(number):
        if number % 2:
            with relay.database.write() as tx:
                return claims.expire(tx, relay.database.now(tx), probe_after=60)
        code = Judgement(Outcome.POSTED, "recorded", "", confirmation_code=f"C{number}")
        return settle(relay, claimed[number], code)

    race(8, act)
    assert [relay.entry(number).status for number in (1, 3, 5, 7)] == [Status.POSTED] * 4
    assert [relay.entry(number).status for number in (2, 4, 6, 8)] == [Status.UNKNOWN] * 4


def test_a_fill_and_a_claim_race_and_the_call_goes_with_what_the_entry_says(relay):
    give(relay, 10)
    whole = Donor(name=DONOR.name, email="d@example.org", address=DONOR.address)

    def act(number):
        if number:
            return [relay.take(make_gift(keys=(f"ch_{one}",), donor=whole)) for one in range(10)]
        return [claim_next(relay) for _ in range(10)]

    race(2, act)
    while claim_next(relay):
        pass
    assert len(relay.attempts()) == 10
    for attempt in relay.attempts():
        assert attempt["parameters"] == relay.entry(attempt["entry_id"]).parameters


def test_a_lease_is_held_by_one_renewed_by_its_holder_and_free_when_it_ends(relay):
    def take(holder, ahead=0):
        with relay.database.write() as tx:
            now = relay.database.now(tx) + timedelta(seconds=ahead)
            return claims.take_lease(tx, "sweep", holder, now, seconds=15)

    assert sum(race(8, lambda number: take(f"w{number}"))) == 1
    with relay.database.read() as tx:
        holder = claims.holder_of(tx, "sweep", relay.database.now(tx))
    assert take(holder)
    assert not take("somebody")
    assert take("somebody", ahead=20)
    assert not take(holder, ahead=21)
    with relay.database.write() as tx:
        claims.drop_lease(tx, "sweep", "somebody")
    assert take(holder)


def test_a_change_of_what_was_changed_meanwhile_is_refused(relay):
    give(relay, 1)
    seen = relay.entry(1)
    claim_next(relay)
    with relay.database.write() as tx:
        assert not entries.change(tx, seen, relay.database.now(tx), flag="late")
        assert not entries.move(tx, seen, Status.HELD, relay.database.now(tx))
    assert (relay.entry(1).flag, relay.entry(1).status) == ("", Status.POSTING)
