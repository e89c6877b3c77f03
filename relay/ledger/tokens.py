"""Keys of programs that use the API. A token itself is never kept: only its digest, to know it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Row, insert, select, update

from relay.access import Permission
from relay.ledger.work_tables import tokens

# "Last used" is this exact; a write for each request would cost more than it tells.
USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One key of one program, for one organization. ``name`` says whose."""

    id: int
    name: str
    organization: str
    scopes: frozenset[Permission]
    made_by: str
    made_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    ended_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        """Whether it opens anything at this moment."""
        return self.ended_at is None and (self.expires_at is None or now < self.expires_at)


def add(
    tx: Connection,
    *,
    name: str,
    organization: str,
    digest: str,
    scopes: frozenset[Permission],
    made_by: str,
    made_at: datetime,
    expires_at: datetime | None,
) -> int:
    """Write a new token down by its digest."""
    row: dict[str, Any] = {"name": name, "organization": organization, "digest": digest, "scopes": sorted(scopes)}
    row |= {"made_by": made_by, "made_at": made_at, "expires_at": expires_at}
    made: int = tx.execute(insert(tokens).values(row).returning(tokens.c.id)).scalar_one()
    return made


def by_digest(tx: Connection, digest: str) -> Token | None:
    """The token with this digest, good or not."""
    return _one(tx.execute(select(tokens).where(tokens.c.digest == digest)).one_or_none())


def get(tx: Connection, number: int) -> Token | None:
    """The token with this number."""
    return _one(tx.execute(select(tokens).where(tokens.c.id == number)).one_or_none())


def listing(tx: Connection, organizations: tuple[str, ...] | None = None) -> list[Token]:
    """The tokens of these organizations (None: of all), newest first, ended ones among them."""
    found = select(tokens).order_by(tokens.c.id.desc())
    if organizations is not None:
        found = found.where(tokens.c.organization.in_(organizations))
    return [_token(row) for row in tx.execute(found)]


def end(tx: Connection, number: int, now: datetime) -> bool:
    """End it; False where it had ended already."""
    open_ = update(tokens).where(tokens.c.id == number, tokens.c.ended_at.is_(None))
    return cast("CursorResult[Any]", tx.execute(open_.values(ended_at=now))).rowcount == 1


def used(tx: Connection, number: int, now: datetime) -> None:
    """Write down that it was used."""
    tx.execute(update(tokens).where(tokens.c.id == number).values(used_at=now))


def _one(row: Row[Any] | None) -> Token | None:
    return None if row is None else _token(row)


def _token(row: Row[Any]) -> Token:
    told = {name: getattr(row, name) for name in Token.__slots__ if name != "scopes"}
    return Token(scopes=frozenset(map(Permission, row.scopes)), **told)
