"""Wrong answers are counted by all processes together, in a real Redis, and by each alone while it is away."""

from relay.web.console.throttle import Throttle

NOWHERE = "redis://127.0.0.1:1/0"


def wrong(throttle, times, account="mary@example.org", address="192.0.2.1"):
    for _ in range(times):
        throttle.wrong(account, address)


def test_two_processes_count_together(redis_db, redis_url):
    here, there = Throttle(redis_url), Throttle(redis_url)
    wrong(here, 5)
    wrong(there, 4, account=" Mary@Example.org", address="192.0.2.2")
    assert not here.is_full("mary@example.org", "192.0.2.3")
    wrong(there, 1)
    assert here.is_full("mary@example.org", "192.0.2.3")
    assert not here.is_full("somebody.else@example.org", "192.0.2.1")


def test_nothing_of_it_names_anybody_and_all_of_it_ends(redis_db, redis_url):
    wrong(Throttle(redis_url), 3)
    keys = redis_db.keys()
    assert keys
    assert not any(b"mary" in key for key in keys)
    assert all(0 < redis_db.ttl(key) <= 15 * 60 for key in keys)


def test_while_redis_is_away_each_process_counts_alone():
    here, there = Throttle(NOWHERE), Throttle(NOWHERE)
    wrong(here, 10)
    assert here.is_full("mary@example.org", "192.0.2.3")
    assert not there.is_full("mary@example.org", "192.0.2.3")
