"""The fund map as it was edited here, and the one an organization maps by: the file's, with these edits over it.

A row is one version of one code. The newest of a code counts; one without a fund takes the edit back, and the file
counts again. Rows are only ever added, under the organization's lock, so that its newest number says which map is in
force. (The newest of all organizations would not: numbers are given before the commit, and two may commit crosswise.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NewType
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, Row, and_, func, insert, or_, select

from relay.config import Fund, Organization
from relay.config.funds import as_told, fund_of
from relay.ledger.entries import Entry, of_row
from relay.ledger.models import entries
from relay.ledger.work_tables import fund_versions
from relay.money import Money
from relay.status import Kind, Status

# An organization with the fund map that is in force. Whatever maps a gift takes one of these, so that the type
# checker notices a map that was read when the process started.
WithFunds = NewType("WithFunds", Organization)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of one code as edited here; ``fund`` None: the edit was taken back."""

    id: int
    organization: str
    code: str
    fund: Fund | None
    who: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class _Kept:
    """A map that was read: from which newest version and which configuration it was made."""

    newest: tuple[int, datetime]
    configured: Organization
    made: WithFunds


_kept: WeakKeyDictionary[Engine, dict[str, _Kept]] = WeakKeyDictionary()


def with_funds(tx: Connection, organization: Organization) -> WithFunds:
    """The organization with the fund map in force at this moment of the transaction: one small indexed read."""
    newest = _newest(tx, organization.name)
    if newest is None:
        return WithFunds(organization)
    maps = _kept.setdefault(tx.engine, {})
    kept = maps.get(organization.name)
    if kept is None or kept.newest != newest or kept.configured is not organization:
        kept = maps[organization.name] = _Kept(newest, organization, _overlaid(tx, organization))
    return kept.made


def _newest(tx: Connection, organization: str) -> tuple[int, datetime] | None:
    """Number and time: after a restore from a backup, or a transaction that was rolled back, a number comes twice."""
    mine = select(fund_versions.c.id, fund_versions.c.at).where(fund_versions.c.organization == organization)
    row = tx.execute(mine.order_by(fund_versions.c.id.desc()).limit(1)).one_or_none()
    return (row.id, row.at) if row else None


def _overlaid(tx: Connection, organization: Organization) -> WithFunds:
    edited = {code: version.fund for code, version in edits(tx, organization.name).items() if version.fund}
    return edited_to(organization, edited)


def edited_to(organization: Organization, edited: Mapping[str, Fund]) -> WithFunds:
    """The organization as it would be with these funds over its own."""
    return WithFunds(replace(organization, funds={**organization.funds, **edited}))


def edits(tx: Connection, organization: str) -> dict[str, Version]:
    """The newest version of every code that was ever edited here, edits taken back among them."""
    columns = fund_versions.c
    newest = select(func.max(columns.id)).where(columns.organization == organization).group_by(columns.code)
    found = tx.execute(select(fund_versions).where(columns.id.in_(newest)).order_by(columns.code))
    return {row.code: _version(row) for row in found}


def versions(tx: Connection, organization: str, code: str = "", *, limit: int | None = None) -> list[Version]:
    """The history, newest first, of one code or of all."""
    mine = select(fund_versions).where(fund_versions.c.organization == organization)
    mine = mine.where(fund_versions.c.code == code) if code else mine
    return [_version(row) for row in tx.execute(mine.order_by(fund_versions.c.id.desc()).limit(limit))]


def add(tx: Connection, organization: str, code: str, fund: Fund | None, *, who: str, at: datetime, reason: str) -> int:
    """Write a new version, which counts from this transaction's commit on. The organization's lock is held."""
    row: dict[str, Any] = {"organization": organization, "code": code, "who": who, "at": at, "reason": reason}
    told = None if fund is None else as_told(fund)
    added: int = tx.execute(insert(fund_versions).values(**row, fund=told).returning(fund_versions.c.id)).scalar_one()
    return added


def _version(row: Row[Any]) -> Version:
    fund = None if row.fund is None else fund_of(row.code, row.fund)
    plain = {name: getattr(row, name) for name in ("id", "organization", "code", "who", "at", "reason")}
    return Version(fund=fund, **plain)


# --- the gifts of a fund --------------------------------------------------------------------------------------------

# Why a gift is held that another fund map may let go (relay.luminate.problems).
FUND_REASONS = frozenset(
    {"fund_not_mapped", "designation_missing", "cents_in_designation", "shares_do_not_add_up", "forms_differ"}
)
_gifts = and_(entries.c.kind != Kind.REFUND, entries.c.merged_into.is_(None))
# What the fund map keeps out of Luminate, or may: a refusal may be about the designee.
_waits = or_(
    and_(entries.c.status == Status.HELD, entries.c.reason.in_(sorted(FUND_REASONS))),
    entries.c.status == Status.REJECTED,
)
_in_line = entries.c.status.in_([Status.QUEUED, Status.RETRYING])


def of_fund(tx: Connection, organization: str, text: str, *, up_to: int | None = None) -> Iterator[Entry]:
    """The unsent gifts that wait for a fund or are in line, in the order received, whose funds hold this text.

    The caller looks closer: a code may be a part of another. "" finds the gifts that name no fund. ``up_to``: none
    that came later than this entry.
    """
    named = entries.c.fund.contains(text, autoescape=True) if text else entries.c.fund == ""
    found = select(entries).where(entries.c.organization == organization, _gifts, or_(_waits, _in_line), named)
    found = found if up_to is None else found.where(entries.c.id <= up_to)
    for row in tx.execute(found.order_by(entries.c.received_at, entries.c.id).execution_options(yield_per=500)):
        yield of_row(row)


def newest_entry(tx: Connection, organization: str) -> int:
    """The number of the organization's newest entry; 0 where there is none."""
    newest = select(func.max(entries.c.id)).where(entries.c.organization == organization)
    return tx.execute(newest).scalar_one() or 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many gifts of the same funds wait, in one currency, and one of them to see which funds these are."""

    count: int
    amount: Money
    sample: Entry


def waiting(tx: Connection, organization: str) -> list[Waiting]:
    """The gifts that wait for the fund map, summed by the funds they name."""
    columns = (entries.c.currency, func.count(), func.sum(entries.c.amount), func.min(entries.c.id))
    mine = select(*columns).where(entries.c.organization == organization, _gifts, _waits)
    sums = list(tx.execute(mine.group_by(entries.c.fund, entries.c.currency)))
    samples = _by_id(tx, [row[3] for row in sums])
    return [Waiting(row[1], Money(int(row[2]), row[0]), samples[row[3]]) for row in sums]


def _by_id(tx: Connection, ids: list[int]) -> dict[int, Entry]:
    found: dict[int, Entry] = {}
    for start in range(0, len(ids), 500):
        some = select(entries).where(entries.c.id.in_(ids[start : start + 500]))
        found |= {row.id: of_row(row) for row in tx.execute(some)}
    return found
