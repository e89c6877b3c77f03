"""Sealing what lies there already: which rows are plain or under an older key, and each of them written anew.

Rows are locked while they are written anew, a few at a time; one that somebody else holds is left for the next pass,
so that nobody waits for long and nothing that changes meanwhile is overwritten. No row says when it was sealed, and
``changed_at`` stays, so a plan of a replay never takes a sealed entry for a changed one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    Table,
    Text,
    and_,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    type_coerce,
    update,
)

from relay.errors import KeyMissing
from relay.ledger import entries
from relay.ledger.columns import metadata
from relay.ledger.models import attempts, events
from relay.ledger.models import entries as entries_table
from relay.ledger.sealed import Sealed, SealedBytes, SealedJSON
from relay.ledger.sealing import SEALED, Keyring, keyring_of

# How many rows one transaction writes anew, and of how many the start of a process looks at the newest.
BATCH, NEWEST = 50, 20
# What an object or list is that says nothing, and is never sealed.
_EMPTY = ("{}", "[]", "null")

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that one transaction wrote anew, the key of the last one seen, and those that no key opens."""

    done: int
    last: Key
    closed: tuple[Key, ...]


def sealed_columns(table: Table) -> list[Column[Any]]:
    """The columns that hold donor data."""
    return [column for column in table.columns if isinstance(column.type, Sealed)]


def tables() -> list[Table]:
    """Every table that holds donor data."""
    return [table for table in metadata.sorted_tables if sealed_columns(table)]


def left(tx: Connection, table: Table) -> int:
    """How many rows are not yet as the newest key would write them."""
    count = select(func.count()).select_from(table).where(_is_left(table, keyring_of(tx.dialect)))
    return int(tx.execute(count).scalar_one())


def closed(tx: Connection, table: Table) -> int:
    """How many rows are sealed with a key that is not in the list."""
    count = select(func.count()).select_from(table).where(_is_closed(table, keyring_of(tx.dialect)))
    return int(tx.execute(count).scalar_one())


def any_closed_lately(tx: Connection) -> bool:
    """Whether one of the newest rows is sealed with a key that is not in the list: asked at every start."""
    return any(_newest_closed(tx, table) for table in (events, entries_table, attempts))


def some(tx: Connection, table: Table, after: Key | None) -> Batch | None:
    """Write the next rows anew; None: there are no more, but for those that somebody holds just now."""
    keys = list(table.primary_key.columns)
    further: ColumnElement[bool] = true()
    if after is not None:
        further = tuple_(*keys) > tuple_(*(literal(part, key.type) for part, key in zip(after, keys, strict=True)))
    waiting = select(*keys).where(_is_left(table, keyring_of(tx.dialect)), further).order_by(*keys).limit(BATCH)
    found: Sequence[Key] = [tuple(row) for row in tx.execute(waiting.with_for_update(skip_locked=True))]
    if not found:
        return None
    shut = tuple(key for key in found if not _written_anew(tx, table, key))
    return Batch(len(found) - len(shut), found[-1], shut)


def _written_anew(tx: Connection, table: Table, key: Key) -> bool:
    """Read a row with the keys there are, and write it with the newest; False: none opens it."""
    this = and_(*(column == value for column, value in zip(table.primary_key.columns, key, strict=True)))
    names = [column.name for column in sealed_columns(table)]
    found_by = entries.FOUND_BY if table is entries_table else frozenset()
    try:
        row = tx.execute(select(*(table.c[name] for name in {*names, *found_by})).where(this)).mappings().one()
    except KeyMissing:
        return False
    values = {name: row[name] for name in names if row[name] is not None}
    values |= entries.found_by(tx, dict(row)) if found_by else {}
    tx.execute(update(table).where(this).values(values))
    return True


# --- what SQL sees of a sealed value: its beginning ---------------------------------------------------------------


def _is_left(table: Table, keyring: Keyring) -> ColumnElement[bool]:
    """Something lies there that the newest key has not sealed; or is sealed still, where nothing shall be."""
    wanted = keyring.beginnings[:1]
    columns = sealed_columns(table)
    if not keyring.seals:
        return or_(*(_begins(column, (SEALED,)) for column in columns))
    return or_(*(and_(_is_something(column), ~_begins(column, wanted)) for column in columns))


def _is_closed(table: Table, keyring: Keyring) -> ColumnElement[bool]:
    """It is sealed, and with no key of the list."""
    known = keyring.beginnings
    columns = sealed_columns(table)
    return or_(*(and_(_begins(column, (SEALED,)), ~_begins(column, known)) for column in columns))


def _begins(column: Column[Any], beginnings: Sequence[str]) -> ColumnElement[bool]:
    """What is stored begins with one of these."""
    match column.type:
        case SealedBytes():
            raw: ColumnElement[Any] = type_coerce(column, LargeBinary())
            told = [(len(one), literal(one.encode(), LargeBinary())) for one in beginnings]
        case SealedJSON():
            raw = cast(type_coerce(column, JSON()), Text())
            told = [(len(one) + 1, literal(f'"{one}', Text())) for one in beginnings]
        case _:
            raw = type_coerce(column, Text())
            told = [(len(one), literal(one, Text())) for one in beginnings]
    return or_(false(), *(func.substr(raw, 1, length, type_=one.type) == one for length, one in told))


def _is_something(column: Column[Any]) -> ColumnElement[bool]:
    """Anything lies there that could be sealed."""
    match column.type:
        case SealedBytes():
            return func.length(type_coerce(column, LargeBinary())) > 0
        case SealedJSON():
            return cast(type_coerce(column, JSON()), Text()).not_in(_EMPTY)
        case _:
            return type_coerce(column, Text()) != ""


def _newest_closed(tx: Connection, table: Table) -> bool:
    newest = select(table.c.id).order_by(table.c.id.desc()).limit(NEWEST)
    lately = select(table.c.id).where(table.c.id.in_(newest), _is_closed(table, keyring_of(tx.dialect)))
    return tx.execute(lately.limit(1)).first() is not None
