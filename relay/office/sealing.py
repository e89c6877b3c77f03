"""Sealing what lies in the ledger already, or opening it again: beside running processes, as often as one likes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from relay.access import EVERYWHERE, Actor, Permission
from relay.errors import ReplayRefused
from relay.ledger import audit, erasing, resealing
from relay.ledger.db import Database
from relay.ledger.resealing import Key

# How often rows that somebody holds are tried again, and how long to wait before (seconds).
PASSES, WAIT = 5, 1.0


@dataclass(frozen=True, slots=True)
class Left:
    """How many rows of each table are not yet as they would be written now, and how many no key of the list opens."""

    rows: dict[str, int]
    closed: dict[str, int]

    @property
    def total(self) -> int:
        """How many rows there are to write anew."""
        return sum(self.rows.values())


@dataclass(slots=True)
class Sealed:
    """What one run did: rows written anew, and those that no key opened."""

    done: int = 0
    closed: dict[str, set[Key]] = field(default_factory=dict)

    @property
    def shut(self) -> int:
        """How many no key opened."""
        return sum(map(len, self.closed.values()))


class Sealing:
    """The use case behind ``flask seal``."""

    def __init__(self, database: Database, *, wait: Callable[[float], None] = time.sleep) -> None:
        """Take the parts."""
        self.database = database
        self.wait = wait

    def left(self) -> Left:
        """What there is to do."""
        with self.database.read() as tx:
            tables = resealing.tables()
            rows = {table.name: resealing.left(tx, table) for table in tables}
            closed = {table.name: resealing.closed(tx, table) for table in tables}
        return Left(*({name: count for name, count in one.items() if count} for one in (rows, closed)))

    def run(self, actor: Actor, *, tell: Callable[[str, int], None] = lambda *_: None) -> Sealed:
        """Write anew every row that is not as the newest key would write it; ``tell`` hears of each batch.

        Whoever dies in the middle has written whole rows; the next run goes on with the rest.
        """
        actor.need(Permission.MANAGE, EVERYWHERE)
        before = self.left()
        if not (self.database.keyring.marks or before.closed):
            raise ReplayRefused("RELAY_ENCRYPTION_KEYS is not set, and nothing in the ledger is sealed")
        if before.closed:
            told = ", ".join(f"{count:,} of {name}" for name, count in before.closed.items())
            raise ReplayRefused(
                f"RELAY_ENCRYPTION_KEYS lacks a key with which rows were sealed ({told}): put it back into the list"
            )
        sealed = Sealed()
        if not before.total:
            return sealed
        self._record(actor, "seal", before.total)
        for number in range(PASSES):
            if number:
                self.wait(WAIT)
            self._pass(sealed, tell)
            if self.left().total <= sealed.shut:
                break
        erasing.settle_files(self.database)
        self._record(actor, "sealed", sealed.done)
        return sealed

    def _pass(self, sealed: Sealed, tell: Callable[[str, int], None]) -> None:
        """Once through every table."""
        for table in resealing.tables():
            after: Key | None = None
            while True:
                with self.database.write() as tx:
                    erasing.thoroughly(tx)
                    batch = resealing.some(tx, table, after)
                if batch is None:
                    break
                sealed.done += batch.done
                sealed.closed.setdefault(table.name, set()).update(batch.closed)
                after = batch.last
                tell(table.name, batch.done)

    def _record(self, actor: Actor, action: str, rows: int) -> None:
        keyring = self.database.keyring
        told = {"rows": rows, "key": keyring.marks[0] if keyring.seals else "open"}
        with self.database.write() as tx:
            audit.record(tx, actor, action, subject="ledger", details=told)
