"""The audit: who did or saw what, one chain of lines in which nothing can be changed unseen.

Each line's digest is a SHA-256 over the digest of the line before and this line, its number among it, so a line that
was changed, removed or put in breaks the chain where it stands. What lies after the last line cannot be known from
here: whoever keeps the last number and digest elsewhere sees lines missing from the end as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, text

from relay.access import Actor
from relay.ledger.work_tables import audit
from relay.telemetry import blot

# What the first line follows.
BEGINNING = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that somebody did or saw."""

    id: int
    at: datetime
    who: str
    through: str
    organization: str
    action: str
    subject: str
    details: Mapping[str, Any]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines: every given part must hold. ``organizations``: the reach; None is all, with those of none."""

    organizations: tuple[str, ...] | None = None
    who: str = ""
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


def record(
    tx: Connection,
    actor: Actor,
    action: str,
    *,
    organization: str = "",
    subject: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add a line: ``actor`` did ``action`` to ``subject``. Always the last thing that a transaction does.

    From here to its commit nobody else adds a line. Taking any other lock afterwards could wait for somebody who
    waits for this one.
    """
    if tx.dialect.name == "postgresql":  # SQLite has one writer anyway
        tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('audit', 8))"))
    number, digest = last(tx)
    values: dict[str, Any] = {
        "id": number + 1,
        "at": datetime.now(UTC),
        "who": _storable(actor.name),
        "through": str(actor.through),
        "organization": organization,
        "action": action,
        "subject": _storable(subject),
        "details": _plain(details or {}),
    }
    tx.execute(insert(audit).values(**values, digest=_digest(digest, values)))


def last(tx: Connection) -> tuple[int, str]:
    """Number and digest of the last line: what to keep elsewhere."""
    found = tx.execute(select(audit.c.id, audit.c.digest).order_by(audit.c.id.desc()).limit(1)).first()
    return (found.id, found.digest) if found else (0, BEGINNING)


def lines(
    tx: Connection, wanted: Wanted, *, limit: int | None = None, offset: int = 0, newest_first: bool = False
) -> Iterator[Line]:
    """The lines that match, as they came."""
    order = audit.c.id.desc() if newest_first else audit.c.id
    statement = select(audit).where(*_conditions(wanted)).order_by(order).limit(limit).offset(offset)
    for row in tx.execute(statement.execution_options(yield_per=500)):
        yield _line(row)


def actions(tx: Connection, organizations: tuple[str, ...] | None = None) -> list[str]:
    """Every kind of action there is within reach."""
    wanted = Wanted(organizations=organizations)
    return list(
        tx.execute(select(audit.c.action).where(*_conditions(wanted)).distinct().order_by(audit.c.action)).scalars()
    )


def faults(tx: Connection) -> Iterator[str]:
    """Walk the whole chain; one sentence for each place where it is broken."""
    before, digest = 0, BEGINNING
    for line in lines(tx, Wanted()):
        if line.id != before + 1:
            yield _missing(before + 1, line.id - 1)
        elif line.digest != _digest(digest, _values(line)):
            yield _changed(line.id)
        before, digest = line.id, line.digest


def digest_of(tx: Connection, number: int) -> str | None:
    """The digest of one line, to hold against one that was kept elsewhere."""
    return tx.execute(select(audit.c.digest).where(audit.c.id == number)).scalar_one_or_none()


def _missing(first: int, final: int) -> str:
    return f"line {first} is missing" if first == final else f"lines {first} to {final} are missing"


def _changed(number: int) -> str:
    if number == 1:
        return "line 1 was changed"
    return (
        f"line {number} does not follow from line {number - 1}: line {number} was changed or put in, or the one before"
    )


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    columns = audit.c
    found: list[ColumnElement[bool]] = []
    if wanted.organizations is not None:
        found.append(columns.organization.in_(wanted.organizations))
    for column, value in ((columns.who, wanted.who), (columns.subject, wanted.subject)):
        if value:
            found.append(column.contains(value, autoescape=True))
    if wanted.action:
        found.append(columns.action == wanted.action)
    if wanted.since:
        found.append(columns.at >= wanted.since)
    if wanted.until:
        found.append(columns.at < wanted.until)
    return found


def _line(row: Row[Any]) -> Line:
    return Line(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping


def _values(line: Line) -> dict[str, Any]:
    return {name: getattr(line, name) for name in Line.__slots__ if name != "digest"}


def _storable(text: str) -> str:
    """Without the one sign that PostgreSQL cannot keep."""
    return text.replace("\x00", "")


def _plain(details: Mapping[str, Any]) -> dict[str, Any]:
    """Exactly what will be read back: names and numbers as JSON has them.

    A reason is typed by people and can never be taken back here, so no e-mail address or card number stays in it.
    """
    plain: dict[str, Any] = json.loads(json.dumps(details, default=str))
    return plain | ({"reason": blot(str(plain["reason"]))} if plain.get("reason") else {})


def _digest(before: str, values: Mapping[str, Any]) -> str:
    """Over the canonical JSON: keys sorted, no blanks, ASCII only, the time in UTC to the microsecond."""
    told = dict(values) | {"at": values["at"].astimezone(UTC).isoformat(timespec="microseconds")}
    canonical = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{before}\n{canonical}".encode()).hexdigest()
