"""Plans of a replay: made frozen, carried out one entry at a time, by compare-and-swap, told by their sums."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Row, and_, case, func, insert, select, update

from relay.ledger.entries import Entry, of_row
from relay.ledger.models import entries
from relay.ledger.work_tables import plan_items, plans
from relay.money import Money
from relay.status import Kind, Status


class PlanStatus(StrEnum):
    """Where a plan stands."""

    DRAWN = "drawn"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One replay of many entries as it was agreed."""

    id: int
    organization: str
    search: str
    reason: str
    mail: bool
    status: PlanStatus
    made_by: str
    made_at: datetime
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry of a plan: as it was then, why it is skipped or what will be sent, and what became of it.

    ``entry`` is the entry as it is now.
    """

    place: int
    fence: int
    status: Status
    entry_changed_at: datetime
    skipped: str
    effect: str
    result: str
    done_at: datetime | None
    entry: Entry


@dataclass(frozen=True, slots=True)
class Sum:
    """How much of a plan goes, in one kind and currency; ``reachable``: donors with an e-mail address."""

    kind: Kind
    amount: Money
    count: int
    reachable: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a plan is."""

    going: int
    done: int
    skipped: int
    # Where those that were done stand now.
    now: dict[Status, int]


_ITEM = ("place", "fence", "status", "entry_changed_at", "skipped", "effect", "result", "done_at")
_goes = plan_items.c.skipped == ""
_waits = and_(_goes, plan_items.c.result == "")


def make(tx: Connection, values: dict[str, Any], items: Sequence[dict[str, Any]]) -> int:
    """Write a plan down with its frozen list. Gives back its number."""
    made: int = tx.execute(insert(plans).values(values).returning(plans.c.id)).scalar_one()
    if items:
        tx.execute(
            insert(plan_items), [{"plan_id": made, "place": place} | item for place, item in enumerate(items, 1)]
        )
    return made


def get(tx: Connection, number: int) -> Plan | None:
    """The plan with this number."""
    row = tx.execute(select(plans).where(plans.c.id == number)).one_or_none()
    return _plan(row) if row else None


def listing(tx: Connection, organizations: Collection[str] | None, *, limit: int) -> list[Plan]:
    """The newest plans of these organizations (None: of all)."""
    found = select(plans).order_by(plans.c.id.desc()).limit(limit)
    if organizations is not None:
        found = found.where(plans.c.organization.in_(organizations))
    return [_plan(row) for row in tx.execute(found)]


def running(tx: Connection, organization: str) -> list[Plan]:
    """The plans of an organization that are being carried out, oldest first."""
    mine = and_(plans.c.organization == organization, plans.c.status == PlanStatus.RUNNING)
    return [_plan(row) for row in tx.execute(select(plans).where(mine).order_by(plans.c.id))]


def organizations_running(tx: Connection) -> set[str]:
    """Organizations with a plan that is being carried out."""
    found = select(plans.c.organization).where(plans.c.status == PlanStatus.RUNNING).distinct()
    return set(tx.execute(found).scalars())


def move(tx: Connection, plan: Plan, target: PlanStatus, now: datetime, *, who: str, **values: Any) -> bool:
    """Change the status of a plan that is still as it was read."""
    unchanged = and_(plans.c.id == plan.id, plans.c.status == plan.status)
    changed = values | {"status": target, "changed_by": who, "changed_at": now}
    return _one(tx.execute(update(plans).where(unchanged).values(changed)))


def next_item(tx: Connection, plan: Plan) -> Item | None:
    """The next entry whose turn has not come, in the order received."""
    found = _items(plan).where(_waits).order_by(plan_items.c.place).limit(1)
    row = tx.execute(found).one_or_none()
    return _item(row) if row else None


def is_waiting(tx: Connection, plan: Plan, item: Item) -> bool:
    """Whether the turn of this entry has not come yet."""
    mine = and_(plan_items.c.plan_id == plan.id, plan_items.c.place == item.place, _waits)
    return tx.execute(select(plan_items.c.place).where(mine)).first() is not None


def finish(tx: Connection, plan: Plan, item: Item, result: str, now: datetime) -> bool:
    """Write down what was done with an entry, once."""
    mine = and_(plan_items.c.plan_id == plan.id, plan_items.c.place == item.place, plan_items.c.result == "")
    return _one(tx.execute(update(plan_items).where(mine).values(result=result, done_at=now)))


def items(tx: Connection, plan: Plan, *, limit: int | None = None, offset: int = 0) -> Iterator[Item]:
    """The entries of a plan in the order received, each as it is now."""
    found = _items(plan).order_by(plan_items.c.place).limit(limit).offset(offset)
    for row in tx.execute(found.execution_options(yield_per=500)):
        yield _item(row)


def sums(tx: Connection, plan: Plan) -> list[Sum]:
    """How many entries and how much money go."""
    columns = (entries.c.kind, entries.c.currency)
    reachable = func.sum(case((entries.c.donor_email != "", 1), else_=0))
    counted = select(*columns, func.sum(entries.c.amount), func.count(), reachable).join(
        plan_items, plan_items.c.entry_id == entries.c.id
    )
    rows = tx.execute(counted.where(plan_items.c.plan_id == plan.id, _goes).group_by(*columns).order_by(*columns))
    return [Sum(Kind(row[0]), Money(int(row[2]), row[1]), row[3], int(row[4])) for row in rows]


def skipped(tx: Connection, plan: Plan) -> list[tuple[str, int]]:
    """Why entries are skipped, with how many; the most frequent first."""
    counted = select(plan_items.c.skipped, func.count()).where(plan_items.c.plan_id == plan.id, ~_goes)
    rows = tx.execute(counted.group_by(plan_items.c.skipped).order_by(func.count().desc(), plan_items.c.skipped))
    return [(row[0], row[1]) for row in rows]


def progress(tx: Connection, plan: Plan) -> Progress:
    """How far it is, and where those that went stand now."""
    done = and_(_goes, plan_items.c.result != "")
    states = (case((done, entries.c.status), else_=""), case((_goes, 1), else_=0))
    counted = select(*states, func.count()).join(entries, entries.c.id == plan_items.c.entry_id)
    rows = tx.execute(counted.where(plan_items.c.plan_id == plan.id).group_by(*states)).all()
    now = {Status(status): count for status, _, count in rows if status}
    going = sum(count for _, goes, count in rows if goes)
    return Progress(going, sum(now.values()), sum(count for _, goes, count in rows if not goes), now)


def _items(plan: Plan) -> Any:
    told = (plan_items.c[name].label(f"item_{name}") for name in _ITEM)
    joined = select(entries, *told).join(plan_items, plan_items.c.entry_id == entries.c.id)
    return joined.where(plan_items.c.plan_id == plan.id)


def _item(row: Row[Any]) -> Item:
    told = {name: getattr(row, f"item_{name}") for name in _ITEM}
    return Item(**told | {"status": Status(told["status"])}, entry=of_row(row))


def _plan(row: Row[Any]) -> Plan:
    told = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
    return Plan(**told | {"status": PlanStatus(row.status)})


def _one(result: Any) -> bool:
    return cast("CursorResult[Any]", result).rowcount == 1
