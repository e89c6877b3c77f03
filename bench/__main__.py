"""How fast events are answered and how fast gifts are posted, with real processes: gunicorn, a worker, the sandbox.

``make bench`` prints a table: events accepted a second, the median and 99th percentile of the answer, gifts posted a
second, for SQLite and PostgreSQL. The gifts are counted in the sandbox afterwards: none missing, none twice.
"""

import statistics
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from relay.demo.servers import Postgres, Valkey
from tests.support.processes import Processes, charge, wait_until

GIFTS = 1000
SENDERS = 8


def send(relay: Processes, number: int) -> float:
    started = time.perf_counter()
    assert relay.post(charge(number), timeout=30).status_code == 200
    return time.perf_counter() - started


def measure(name: str, database_url: str, redis_url: str, folder: Path) -> str:
    variables = {"RELAY_MAX_IN_FLIGHT": "8", "WEB_CONCURRENCY": "2"}
    with Processes(folder, database_url=database_url, redis_url=redis_url, **variables) as relay:
        relay.flask("db", "upgrade")
        relay.start_sandbox()
        relay.start_web()
        started = time.perf_counter()
        with ThreadPoolExecutor(SENDERS) as senders:
            answers = sorted(senders.map(lambda number: send(relay, number), range(GIFTS)))
        accepted = GIFTS / (time.perf_counter() - started)
        relay.start_worker()
        wait_until(relay.recorded, seconds=60)
        started, already = time.perf_counter(), len(relay.recorded())
        wait_until(lambda: len(relay.recorded()) >= GIFTS, seconds=300, every=0.2)
        posted = (GIFTS - already) / (time.perf_counter() - started)
        counted = Counter(one["sub_source"] for one in relay.recorded())
        assert len(counted) == GIFTS
        assert set(counted.values()) == {1}
    median, last = statistics.median(answers), answers[int(GIFTS * 0.99)]
    return f"{name:<11} {accepted:>9.0f} {median * 1000:>8.1f} {last * 1000:>8.1f} {posted:>9.0f}"


def main() -> int:
    print(
        f"{GIFTS} gifts from {SENDERS} senders at once; 2 web workers of 8 threads, 1 worker with 8 calls in flight\n"
    )
    print(f"{'ledger':<11} {'events/s':>9} {'p50 ms':>8} {'p99 ms':>8} {'gifts/s':>9}")
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        for one in ("sqlite", "postgresql", "queue", "server"):
            (base / one).mkdir()
        with Valkey(base / "queue") as valkey, Postgres(base / "server") as postgres:
            print(measure("SQLite", f"sqlite:///{base}/sqlite/ledger.db", valkey.url, base / "sqlite"), flush=True)
            print(measure("PostgreSQL", postgres.url, valkey.url, base / "postgresql"), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
