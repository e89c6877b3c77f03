"""relay's own ledger on SQLite in memory: a fault at every transaction, and a look at every row after each commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, StaticPool, event

from relay.config import Probe
from relay.errors import LedgerUnavailable
from relay.ledger.db import Database, _begin_sqlite
from relay.ledger.models import metadata
from relay.status import PERHAPS_RECORDED, TRANSITIONS, Outcome, Status
from tests.prove.simulation.fibers import Crashed
from tests.prove.simulation.world import MOVED, Violation, World

_TABLES = [table.name for table in reversed(metadata.sorted_tables)]
# How long the ledger is away (seconds): mostly for one moment; now and then longer than an outcome is held on to.
_AWAY = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 20.0, 140.0, 300.0)
# What is left to refund counts all of these (relay.refunding).
_TAKEN = PERHAPS_RECORDED | {Status.QUEUED, Status.RETRYING}


class Ledger(Database):
    """One for all seeds of a process: making the tables costs more than a gift. SQLite has one writer, so nothing is
    interleaved inside a transaction; docs/proof.md says so.
    """

    def __init__(self) -> None:
        self.raw = sqlite3.connect(":memory:", check_same_thread=False)
        super().__init__("sqlite://", poolclass=StaticPool, creator=lambda: self.raw, pool_reset_on_return=None)
        event.remove(self.engine, "begin", _begin_sqlite)
        metadata.create_all(self.engine)
        # One connection, and one fiber at a time, for good: opening one for each transaction costs more than its
        # statements. So SQLite's own BEGIN and COMMIT are said here.
        self._connection = self.engine.connect()
        self.world: World | None = None
        self.committed: Callable[[], None] = lambda: None
        self.away_until = 0.0

    def begin(self, world: World, committed: Callable[[], None]) -> None:
        """An empty ledger for this seed."""
        self.world, self.committed = None, committed
        self.raw.rollback()
        self.raw.execute("PRAGMA foreign_keys=OFF")
        for table in _TABLES:
            self.raw.execute(f"DELETE FROM {table}")  # noqa: S608  # our own names
        self.raw.execute("PRAGMA foreign_keys=ON")
        self.world, self.away_until = world, 0.0

    @contextmanager
    def write(self) -> Iterator[Connection]:
        world = self.world
        if world is None or world.scheduler.current is None:
            with self._transaction():
                yield self._connection
            return
        world.step()
        self._reached(world)
        with self._transaction():
            yield self._connection
            self._killed_before_commit(world)
        self.committed()
        world.step("kill after commit")
        if world.strikes("commit unheard"):
            world.disturb("commit unheard")
            raise LedgerUnavailable("the answer to COMMIT was lost")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.raw.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.raw.execute("ROLLBACK")
            raise
        self.raw.execute("COMMIT")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        if self.world is not None and self.world.scheduler.current is not None:
            self.world.step()
            self._reached(self.world)
        yield self._connection

    def now(self, connection: Connection) -> datetime:
        assert self.world is not None
        return self.world.moment

    def _reached(self, world: World) -> None:
        if world.strikes("ledger away"):
            self.away_until = world.now + world.faults.chance("ledger away").choice(_AWAY)
        elif world.now >= self.away_until:
            return
        world.disturb("ledger away")
        raise LedgerUnavailable("the model ledger is away")

    @staticmethod
    def _killed_before_commit(world: World) -> None:
        fiber = world.scheduler.current
        if fiber is not None and fiber.process is not None and world.strikes("kill before commit"):
            world.kill(fiber.process)
            raise Crashed


class Watch:
    """Looks at every entry after every commit, with plain SQL: legal moves, refunds within gifts, and the sums."""

    def __init__(
        self, world: World, raw: sqlite3.Connection, expected: Callable[[], dict[str, tuple[int, int]]], rungs: int
    ) -> None:
        self.world = world
        self.raw = raw
        # Gifts announced by what was committed so far, by organization: how many, and how much.
        self.expected = expected
        self.seen: dict[int, tuple[Any, ...]] = {}
        self.once_unknown: set[int] = set()
        # How often a gift that does not reach Luminate is tried again.
        self.rungs = rungs

    def look(self) -> None:
        rows = self.raw.execute(
            "SELECT id, organization, kind, status, amount, fence, payment_id, merged_into, reason,"
            " provider_transaction_id FROM entries"
        ).fetchall()
        moved = [row for row in rows if self.seen.get(row[0]) != row]
        if not moved:
            return
        for row in moved:
            self._moved(self.seen.get(row[0]), row)
            self.seen[row[0]] = row
        self._sums(rows)
        self._refunds(rows)

    def _moved(self, before: tuple[Any, ...] | None, row: tuple[Any, ...]) -> None:
        number, _, kind, status, amount, fence, _, merged, reason, key = row
        why = f" ({reason})" if reason else ""
        into = f", folded into {merged}" if merged else ""
        was = f"{before[3]} -> " if before else ""
        self.world.log(f"entry {number} {kind} {key} {amount}: {was}{status}{why} fence {fence}{into}")
        self.world.counts[MOVED] += 1
        if before is None or before[3] == status:
            return
        if before[3] == Status.UNKNOWN:
            self._resolved(number, status)
        if status == Status.UNKNOWN:
            self.once_unknown.add(number)
        if not self._may_go(Status(before[3]), Status(status)):
            raise Violation(f"entry {number} went from {before[3]} to {status}")
        if before[4] != amount:
            raise Violation(f"the amount of entry {number} changed")
        if before[3] == Status.POSTING:
            self._only_by_its_holder(number, fence)
            self._as_its_call_ended(number, status, fence, reason)

    def _may_go(self, before: Status, after: Status) -> bool:
        """One move of the table; two by way of ``held``, where a person, a plan or an event reopened and judged it."""
        if after in TRANSITIONS[before]:
            return True
        two = Status.HELD in TRANSITIONS[before] and after in TRANSITIONS[Status.HELD]
        fiber = self.world.scheduler.current
        told = before is Status.CLOSED and fiber is not None and fiber.delivery is not None
        decided = self.raw.execute("SELECT 1 FROM corrections WHERE at = ?", (self._now,)).fetchone()
        return two and (told or decided is not None)

    def _resolved(self, number: int, status: str) -> None:
        """An unknown ends: by whom, for the count."""
        fiber = self.world.scheduler.current
        part = fiber.name.split(" ")[1] if fiber and " " in fiber.name else "person"
        by = {"jobs": "by look-up", "call": "by its late answer"}.get(part, "by a person")
        how = {Status.POSTED: "found", Status.QUEUED: "proven absent"}.get(Status(status), status)
        self.world.counts[f"unknown: {how} {by}"] += 1

    def _only_by_its_holder(self, number: int, fence: int) -> None:
        """A call that is under way is nobody else's: a worker that wakes late must not speak for it."""
        fiber = self.world.scheduler.current
        claim = fiber.claim if fiber else None
        if claim is not None and (claim.entry.id, claim.fence) != (number, fence):
            raise Violation(f"the late report of call {claim.attempt} moved entry {number}, which another one holds")

    def _as_its_call_ended(self, number: int, status: str, fence: int, reason: str) -> None:
        """What the call came to says where its entry goes: back in line only where the whole site refused it."""
        asked = "SELECT outcome FROM attempts WHERE entry_id = ? AND fence = ?"
        outcome = self.raw.execute(asked, (number, fence)).fetchone()[0]
        if status == Status.QUEUED and outcome != Outcome.BLOCKED:
            raise Violation(f"entry {number} went back in line although its call ended {outcome}")
        if Status(status) not in _AFTER[Outcome(outcome)]:
            raise Violation(f"entry {number} is {status} although its call ended {outcome}")
        if status == Status.HELD and not self._is_given_up(number, reason):
            raise Violation(f"entry {number} is held ({reason}) although not every try of the ladder was made")

    def _is_given_up(self, number: int, reason: str) -> bool:
        """Whether as many calls did not leave as the ladder has rungs, and one more."""
        asked = "SELECT count(*) FROM attempts WHERE entry_id = ? AND outcome = 'not_sent'"
        tries = self.raw.execute(asked, (number,)).fetchone()[0]
        return reason == "not_reachable" and tries > self.rungs

    def _sums(self, rows: list[tuple[Any, ...]]) -> None:
        """Money received = what the entries hold, wherever they stand, to the cent."""
        found: dict[str, tuple[int, int]] = {}
        for row in rows:
            if row[2] == "gift" and row[7] is None:
                count, total = found.get(row[1], (0, 0))
                found[row[1]] = (count + 1, total + row[4])
        expected = self.expected()
        if found != expected:
            raise Violation(
                f"{word_for(_money(found), _money(expected))}: the balance does not hold: "
                f"announced {expected}, in the ledger {found}"
            )

    def _refunds(self, rows: list[tuple[Any, ...]]) -> None:
        """What may have been refunded is never more than the gift."""
        left = {row[6]: row[4] for row in rows if row[2] == "gift" and row[7] is None}
        for row in rows:
            if row[2] == "refund" and row[3] in _TAKEN:
                left[row[6]] = left.get(row[6], 0) - row[4]
        for payment, rest in left.items():
            if rest < 0:
                raise Violation(f"DOUBLED: refunds of payment {payment} are {-rest} more than its gift")

    def due(self) -> float | None:
        """When something in the ledger falls due next, after now."""
        return self._moment(_NEXT)

    def release(self) -> float | None:
        """When the next lease ends."""
        return self._moment(_LEASES)

    def _moment(self, statement: str) -> float | None:
        found = self.raw.execute(statement, {"now": self._now}).fetchone()[0]
        return None if found is None else self.world.seconds(datetime.fromisoformat(found + "+00:00"))

    @property
    def _now(self) -> str:
        return self.world.moment.strftime("%Y-%m-%d %H:%M:%S.%f")

    def overdue(self) -> bool:
        return self.raw.execute(_OVERDUE, {"now": self._now}).fetchone() is not None


def word_for(found: int, true: int) -> str:
    """What happened to the money if so much was found and so much is true: figures.py counts these words."""
    return "LOST" if found < true else "DOUBLED"


def _money(sums: Mapping[str, tuple[int, int]]) -> int:
    return sum(money for _, money in sums.values())


# Where an entry may go from a call that ended so.
_AFTER = {
    Outcome.POSTED: {Status.POSTED},
    Outcome.REJECTED: {Status.REJECTED},
    Outcome.NOT_SENT: {Status.RETRYING, Status.HELD},
    Outcome.BLOCKED: {Status.QUEUED},
    Outcome.UNKNOWN: {Status.UNKNOWN},
}


_GOING = "organization NOT IN (SELECT organization FROM pauses)"
_MOMENTS = (
    ("next_attempt_at", "entries", f"status IN ('queued', 'retrying') AND {_GOING}"),
    ("probe_at", "entries", "status = 'unknown'"),
    ("lease_until", "entries", "status = 'posting'"),
    ("check_at", "pauses", "check_at IS NOT NULL"),
    ("fetch_at", "events", "verdict = 'pending'"),
)
# A gift waits for another of its donor until nothing of that one's call can be under way any more.
_IN_DOUBT = (
    "outcome = 'unknown' AND entry_id IN (SELECT sent.id FROM entries AS sent JOIN entries AS waits USING (donor_email)"
    " WHERE sent.status = 'unknown' AND waits.status IN ('queued', 'retrying'))"
)
_DOUBT_ENDS = (
    f"strftime('%Y-%m-%d %H:%M:%f', finished_at, '+{Probe().settle_seconds} seconds')",
    "attempts",
    _IN_DOUBT,
)
_NEXT = "SELECT min(moment) FROM ({})".format(  # noqa: S608  # our own names
    " UNION ALL ".join(
        f"SELECT min({column}) AS moment FROM {table} WHERE {where} AND {column} > :now"  # noqa: S608  # our own names
        for column, table, where in (*_MOMENTS, _DOUBT_ENDS)
    )
)
_OVERDUE = " UNION ALL ".join(
    f"SELECT 1 FROM {table} WHERE {where} AND {column} <= :now"  # noqa: S608  # our own names
    for column, table, where in (*_MOMENTS, ("changed_at", "plans", "status = 'running'"))
)
_LEASES = "SELECT min(until) FROM leases WHERE until > :now"
