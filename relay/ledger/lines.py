"""Entries as a list shows them: the narrow columns only, page by page or as one stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from relay.ledger.models import entries
from relay.ledger.search import Filter, conditions
from relay.money import Money
from relay.status import Erased, Kind, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry of a list."""

    id: int
    organization: str
    provider: str
    kind: Kind
    status: Status
    reason: str
    reason_text: str
    flag: str
    amount: Money
    donor_name: str
    donor_email: str
    fund: str
    refund_reason: str
    provider_transaction_id: str
    parent_transaction_id: str
    confirmation_code: str
    luminate_transaction_id: str
    occurred_at: datetime | None
    received_at: datetime
    posted_at: datetime | None
    late: str
    merged_into: int | None
    erased: Erased


_MADE = frozenset({"kind", "status", "amount", "erased"})
_PLAIN = tuple(name for name in Line.__slots__ if name not in _MADE)
LINE_COLUMNS = tuple(entries.c[name] for name in (*_PLAIN, "kind", "status", "amount", "currency", "erased"))


def page(tx: Connection, wanted: Filter, *, limit: int, offset: int = 0) -> list[Line]:
    """One page, the newest first."""
    found = select(*LINE_COLUMNS).where(conditions(wanted)).order_by(entries.c.id.desc())
    return [line_of(row) for row in tx.execute(found.limit(limit).offset(offset))]


def stream(tx: Connection, wanted: Filter) -> Iterator[Line]:
    """All that match, in the order received, a few at a time."""
    found = select(*LINE_COLUMNS).where(conditions(wanted)).order_by(entries.c.id)
    for row in tx.execute(found.execution_options(yield_per=1000)):
        yield line_of(row)


def line_of(row: Row[Any]) -> Line:
    """The line of a row that holds LINE_COLUMNS."""
    plain = {name: getattr(row, name) for name in _PLAIN}
    amount, erased = Money(row.amount, row.currency), Erased(row.erased)
    return Line(kind=Kind(row.kind), status=Status(row.status), amount=amount, erased=erased, **plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """How many of a list stand in one state, and their money. ``folded``: counted with another entry already."""

    kind: Kind
    status: Status
    folded: bool
    amount: Money
    count: int


def totals(tx: Connection, wanted: Filter) -> list[Total]:
    """The whole list by kind, state and currency."""
    folded = entries.c.merged_into.is_not(None)
    group = (entries.c.kind, entries.c.status, folded, entries.c.currency)
    counted = select(*group, func.sum(entries.c.amount), func.count()).where(conditions(wanted)).group_by(*group)
    return [
        Total(kind=Kind(row[0]), status=Status(row[1]), folded=bool(row[2]), amount=Money(int(row[4]), row[3]),
              count=row[5])
        for row in tx.execute(counted.order_by(*group))
    ]  # fmt: skip


def values(tx: Connection, name: str, reach: tuple[str, ...]) -> list[str]:
    """Every value that a column has within reach; empty ones are none."""
    column = entries.c[name]
    found = select(column).where(entries.c.organization.in_(reach), column != "").distinct()
    return list(tx.execute(found.order_by(column)).scalars())
