"""The fund map as it was edited here, and the one an organization maps by: the file's, with these edits over it.

A row is one version of one code. The newest of a code counts; one without a fund takes the edit back, and the file
counts again. Rows are only ever added, under the organization's lock, so that its newest number says which map is in
force. (The newest of all organizations would not: numbers are given before the commit, and two may commit crosswise.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NewType
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, Row, func, insert, select

from relay.config import Fund, Organization
from relay.config.funds import as_told, fund_of
from relay.ledger.work_tables import fund_versions

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
