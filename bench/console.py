"""How fast the console's pages are over a large ledger: ``python -m bench.console``.

Fills a PostgreSQL of its own (or the empty one that BENCH_DATABASE_URL names) with two years of 200,000 gifts and
refunds of two organizations, with their events and attempts, then asks for pages through the application as a person
who is signed in, and prints the median and the slowest of each. ENTRIES=50000 makes a smaller one.
"""

import json
import os
import random
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import text

from relay.demo.servers import Postgres
from relay.ledger import findable, migrate
from relay.ledger.db import Database
from relay.status import Kind, Status
from tests.builders import make_gift, make_organization
from tests.support.console import House

ENTRIES = int(os.environ.get("ENTRIES", "200000"))
TIMES = 21
PAGES = {
    "Today": "/console/",
    "Needs attention": "/console/attention",
    "Gifts, all": "/console/gifts",
    "Gifts, page 100": "/console/gifts?page=100",
    "Gifts, needs a person": "/console/gifts?q=status%3Aneeds",
    "Gifts, a full name": "/console/gifts?q=Mary0+Stone7",
    "Gifts, a first name": "/console/gifts?q=mary1",
    "Gifts, an e-mail": "/console/gifts?q=ann3.baker9%40example.org",
    "Gifts, name and amount": "/console/gifts?q=mary0+250",
    "Gifts, a rare amount": "/console/gifts?q=137.41",
    "Gifts, a common amount": "/console/gifts?q=250",
    "Gifts, an id": "/console/gifts?q=ch_777",
    "Gifts, last month": "/console/gifts?q=on%3A{month}",
    "A gift": "/console/gifts/4711",
    "Sources": "/console/sources",
    "Connections": "/console/connections",
}
# Of a thousand entries, how many stand there and why.
STATES = (
    (970, Status.POSTED, "", ""),
    (976, Status.HELD, "no_email", "The donor has no e-mail address."),
    (984, Status.HELD, "fund_not_mapped", "Fund 'WATER-{n}' is not mapped to a designee."),
    (988, Status.REJECTED, "luminate_refused", "Luminate refused it. Luminate says: Form 126{n} has no level 15."),
    (990, Status.UNKNOWN, "read_timeout", "No answer. Luminate may have recorded it."),
    (995, Status.QUEUED, "", ""),
    (1000, Status.CLOSED, "closed_by_person", "It was a test."),
)
_FIRST = ("Mary", "Ann", "Tom", "Zoe", "Omar", "Wei", "Jose", "Ada")
FIRSTS = [f"{name}{number}" for name in _FIRST for number in range(40)]
LASTS = [f"{name}{number}" for name in ("Stone", "Baker", "Chen", "Patel", "Hopper", "Turing") for number in range(300)]
COMMON = (2500, 5000, 10000, 25000, 1000, 3550)


def fill(house, url):
    """Everything by COPY: as many rows as a ledger of that size has, each as wide as a real one."""
    real = house.take(make_gift("25.00", keys=("ch_template",)))
    with house.database.read() as tx:
        row = tx.execute(text("SELECT fact, parameters FROM entries WHERE id = :id"), {"id": real.id}).one()
        body = tx.execute(text("SELECT body FROM events LIMIT 1")).scalar_one()
    fact = json.dumps(row.fact | {"sources": [{"object": "x" * 900, "nested": {"more": "y" * 300}}]})
    wide = bytes(body) + b" " * 1200
    parameters, rnd, now = json.dumps(row.parameters), random.Random(7), datetime.now(UTC)
    rows = [entry(number, rnd, now, fact, parameters) for number in range(2, ENTRIES + 2)]
    raw = house.database.engine.raw_connection()
    with raw.cursor() as cursor:
        copy(cursor, "payments", ("id", "organization", "provider", "created_at"),
             ((one["payment_id"], one["organization"], "acme", one["received_at"]) for one in rows))  # fmt: skip
        copy(cursor, "payment_keys", ("organization", "provider", "key", "payment_id"),
             ((one["organization"], "acme", f"ch_{one['id']}", one["payment_id"]) for one in rows))  # fmt: skip
        copy(cursor, "entries", tuple(rows[0]), (tuple(one.values()) for one in rows))
        names = ("id", "organization", "provider", "event_id", "type", "verdict", "body", "headers", "received_at")
        copy(cursor, "events", names, (
            (one["id"], one["organization"], "acme", f"evt_{one['id']}", "charge.succeeded", "entry", wide, "{}",
             one["received_at"]) for one in rows))  # fmt: skip
        copy(cursor, "event_entries", ("event_id", "entry_id", "effect", "at"),
             ((one["id"], one["id"], "made", one["received_at"]) for one in rows))  # fmt: skip
        names = ("entry_id", "fence", "worker", "login_name", "parameters", "started_at", "finished_at", "outcome",
                 "reason", "reason_text", "http_status", "reply", "seconds")  # fmt: skip
        copy(cursor, "attempts", names, (
            (one["id"], 1, "w", "api", parameters, one["posted_at"], one["posted_at"], "posted", "recorded", "", 200,
             b"r" * 700, 0.4) for one in rows if one["posted_at"]))  # fmt: skip
    raw.commit()
    raw.close()
    with Database(url).engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def entry(number, rnd, now, fact, parameters):
    place = rnd.randrange(1000)
    _, status, reason, words = next(state for state in STATES if place < state[0])
    first, last = rnd.choice(FIRSTS), rnd.choice(LASTS)
    email = f"{first}.{last}@example.org".lower()
    received = now - timedelta(seconds=(1 - number / (ENTRIES + 2)) * 730 * 86400)
    code = f"C-{number}" if status is Status.POSTED else ""
    codes = (f"ch_{number}", "", code, "")
    words = words.replace("{n}", str(rnd.randrange(4)))
    return {
        "id": number,
        "organization": "birch" if number % 4 == 0 else "alder",
        "provider": "acme",
        "payment_id": number,
        "kind": Kind.REFUND if number % 33 == 0 else Kind.GIFT,
        "status": status,
        "reason": reason,
        "reason_text": words,
        "amount": rnd.choice(COMMON) if rnd.random() < 0.7 else rnd.randrange(500, 30000),
        "currency": "USD",
        "provider_transaction_id": codes[0],
        "fact": fact,
        "overrides": "{}",
        "parameters": parameters,
        "donor_name": f"{first} {last}",
        "donor_email": email,
        "fund": "WATER",
        "next_attempt_at": received,
        "candidates": "[]",
        "confirmation_code": code,
        "occurred_at": received,
        "received_at": received,
        "changed_at": received,
        "posted_at": received + timedelta(seconds=40) if code else None,
        "late": "month" if number % 400 == 0 and code else "",
        "findable": findable.stored(
            findable.words_of(name=f"{first} {last}", email=email, codes=codes), "postgresql"
        ),
    }  # fmt: skip


def copy(cursor, table, names, rows):
    with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as into:
        for row in rows:
            into.write_row(row)


def measure(client, path):
    """Milliseconds of each answer; the first, which fills caches, is not counted."""
    assert client.get(path).status_code == 200, path
    taken = []
    for _ in range(TIMES):
        started = time.perf_counter()
        assert client.get(path).status_code == 200
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def run(url):
    migrate.upgrade(Database(url))
    house = House(url, make_organization("alder"), make_organization("birch"))
    started = time.perf_counter()
    fill(house, url)
    print(f"{ENTRIES:,} entries in {time.perf_counter() - started:.0f} s; {TIMES} requests a page, in milliseconds\n")
    client, alder = house.client("root"), house.client("finance")
    last_month = (datetime.now(UTC).replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    print(f"{'page':<26} {'all: median':>12} {'slowest':>9} {'one: median':>12} {'slowest':>9}")
    slow = []
    for name, page in PAGES.items():
        both, one = (measure(who, page.replace("{month}", last_month)) for who in (client, alder))
        medians = statistics.median(both), statistics.median(one)
        slow += [name] if max(medians) >= 200 else []
        print(f"{name:<26} {medians[0]:>12.0f} {max(both):>9.0f} {medians[1]:>12.0f} {max(one):>9.0f}", flush=True)
    if slow:
        print(f"\nslower than 200 ms at the median: {', '.join(slow)}")
    return bool(slow)


def main() -> int:
    structlog.configure(processors=[_drop])
    given = os.environ.get("BENCH_DATABASE_URL")
    if given:
        return run(given)
    with tempfile.TemporaryDirectory() as folder, Postgres(Path(folder)) as server:
        return run(server.url)


def _drop(*_):
    raise structlog.DropEvent


if __name__ == "__main__":
    sys.exit(main())
