"""The bell on a real Redis: not rung twice, never lost for long, and no part of the truth."""

from relay import queue
from relay.queue import Bell


def waiting(bell):
    return [tuple(job.args) for job in bell.queue.jobs]


def test_a_bell_that_waits_is_not_rung_twice(redis_db):
    bell = Bell(redis_db)
    assert [bell.ring("alder"), bell.ring("alder"), bell.ring("birch")] == [True, False, True]
    assert waiting(bell) == [("alder",), ("birch",)]


def test_a_ring_during_a_run_is_a_new_bell(redis_db):
    bell = Bell(redis_db)
    bell.ring("alder")
    bell.answered("alder")
    assert bell.ring("alder")


def test_a_bell_that_redis_forgot_is_rung_again(redis_db):
    bell = Bell(redis_db)
    bell.ring("alder")
    redis_db.flushall()
    assert bell.ring("alder")
    assert len(waiting(bell)) == 1


def test_a_queue_that_was_lost_without_its_mark_is_mute_for_seconds_only(redis_db):
    bell = Bell(redis_db)
    bell.ring("alder")
    redis_db.delete("rq:queue:posting")
    assert not bell.ring("alder")
    assert 0 < redis_db.ttl("relay:bell:alder") <= queue.BELL_SECONDS


def test_without_redis_nobody_is_disturbed():
    bell = Bell(queue.connect("redis://127.0.0.1:1/0"))
    assert not bell.ring("alder")
    bell.answered("alder")


def test_a_job_carries_a_name_and_nothing_else(redis_db):
    Bell(redis_db).ring("alder")
    (job,) = redis_db.lrange("rq:queue:posting", 0, -1)
    kept = redis_db.hgetall(f"rq:job:{job.decode()}")
    assert kept[b"description"] == b"relay.jobs.post_due('alder')"
