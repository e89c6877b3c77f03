"""The worker: RQ jobs in this process, the sweep beside them, an end that leaves the truth behind.

Jobs run in the worker's own process (RQ's default forks for each job: 90 ms against 5). SIGTERM: no new claim,
calls in flight finish; what a platform kills after its grace stays ``posting`` until its lease ends, then ``unknown``.
"""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from types import FrameType
from typing import Any

import structlog
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.worker import WorkerStatus

from relay import jobs
from relay.bootstrap import Relay
from relay.queue import JOB

log = structlog.get_logger(__name__)

# How often each worker asks whether a sweep is due (seconds).
SWEEP_SECONDS = 1.0
# How long to wait before asking Redis again, or starting a child again (seconds).
AGAIN_SECONDS = 1.0
# A name still registered from the life before would be refused.
_lives = itertools.count(1)


class RelayWorker(SimpleWorker):
    """A SimpleWorker that stops without asking Redis for leave, and tells the posting run of this process."""

    def __init__(self, stop: threading.Event, *args: Any, **kwargs: Any) -> None:
        """Take the event that ends this process's work."""
        super().__init__(*args, **kwargs)
        self.stop = stop

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Do a bell's job and no other: whoever can write into Redis must not choose what this process runs."""
        if job.func_name != JOB:
            log.error("job_refused", reason="not_a_bell")
            job.delete()
            return
        super().execute_job(job, queue)

    def request_stop(self, _signum: int, _frame: FrameType | None) -> None:
        """Finish the posting run under way and stop; when idle, stop at once."""
        self.stop.set()
        self._stop_requested = True
        if self.get_state() != WorkerStatus.BUSY:
            raise StopRequested


def work(relay: Relay) -> None:
    """Serve jobs until SIGTERM or SIGINT. Redis may come and go meanwhile."""
    jobs.use(relay)
    stop = threading.Event()
    relay.stopping = stop.is_set
    sweeper = threading.Thread(target=_sweep_for_ever, args=(relay, stop), name="sweep", daemon=True)
    sweeper.start()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    while not stop.is_set():
        _serve(relay, stop)
        stop.wait(AGAIN_SECONDS)
    sweeper.join(timeout=5)


def _serve(relay: Relay, stop: threading.Event) -> None:
    """One life of an RQ worker; it ends on a signal, or when Redis fails it."""
    try:
        worker = RelayWorker(
            stop, [relay.bell.queue], connection=relay.redis, serializer="json", name=f"{relay.worker}:{next(_lives)}"
        )
        worker.work(logging_level="ERROR", with_scheduler=False)
    except StopRequested:
        stop.set()
    except RedisError as error:
        log.warning("worker_waits_for_redis", error=type(error).__name__)


def _sweep_for_ever(relay: Relay, stop: threading.Event) -> None:
    sweep, rounds = relay.sweep_for(relay.worker), relay.rounds_for(relay.worker)
    while not stop.wait(SWEEP_SECONDS):
        try:
            if sweep.run() is not None:
                relay.alerting.beside()
                relay.retention.beside(relay.worker)
                rounds.beside()
        except Exception:
            # An edge: one bad sweep must not end all later ones.
            log.exception("sweep_failed")


def work_side_by_side(relay: Relay, processes: int) -> None:
    """Keep ``processes`` workers alive until told to stop; one that dies is started again."""
    stop = threading.Event()
    children: dict[int, None] = {}

    def pass_on(signum: int, _frame: FrameType | None) -> None:
        stop.set()
        for child in children:
            os.kill(child, signum)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, pass_on)
    while len(children) < processes and not stop.is_set():
        children[_child(relay)] = None
    while children:
        gone, _ = os.wait()
        del children[gone]
        if not stop.is_set():
            log.error("worker_died", pid=gone)
            time.sleep(AGAIN_SECONDS)
            if not stop.is_set():  # told meanwhile: a new child would never hear of it
                children[_child(relay)] = None


def _child(relay: Relay) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        relay.after_fork()
        work(relay)
    finally:
        os._exit(0)
    raise AssertionError("unreachable")
