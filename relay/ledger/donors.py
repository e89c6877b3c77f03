"""Whose entries these are: by e-mail address, whether it lies plain or sealed, and under whichever key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, FromClause, Text, and_, exists, literal, or_, select
from sqlalchemy import text as sql

from relay.ledger.models import attempts, entries
from relay.ledger.sealing import keyring_of
from relay.status import Kind, Outcome, Status
from relay.telemetry import blot

# Names of organizations, or the parameter that will hold them.
_Names = Sequence[str] | BindParameter[Any]


def has_email(tx: Connection, email: str) -> ColumnElement[bool]:
    """The entry has this address; addresses are compared in small letters, as the ledger keeps them."""
    keyring, address = keyring_of(tx.dialect), email.strip().lower()
    plain = entries.c.donor_email == literal(keyring.plain(address), Text())
    return or_(plain, entries.c.donor_key.in_(keyring.donor_keys(address)))


def entries_of(tx: Connection, email: str) -> list[int]:
    """The numbers of every entry of a donor, oldest first."""
    return list(tx.execute(select(entries.c.id).where(has_email(tx, email)).order_by(entries.c.id)).scalars())


def nameless(tx: Connection, text: str, name: str) -> str:
    """A text that stays plain: without e-mail addresses and, on a sealed ledger, without the words of this name."""
    text = blot(text)
    words = sorted((word for word in set(name.split()) if len(word) > 2), key=len, reverse=True)
    if not words or not keyring_of(tx.dialect).seals:
        return text
    return re.sub(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", "[donor]", text, flags=re.IGNORECASE)


def take_turns(tx: Connection, email: str) -> None:
    """Let one transaction at a time claim a gift of this donor, until it ends: two that claim at once see each other.

    SQLite has one writer anyway. The database is told no address.
    """
    if email and tx.dialect.name == "postgresql":
        digest = hashlib.blake2b(email.strip().lower().encode(), digest_size=8).digest()
        key = int.from_bytes(digest, signed=True)
        tx.execute(sql("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def flies(one: FromClause, site: _Names) -> ColumnElement[bool]:
    """This entry (the table or an alias of it) of the organizations of a site is on its way to Luminate."""
    return and_(one.c.organization.in_(site), one.c.status == Status.POSTING)


def may_fly(one: FromClause, site: _Names, settled: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Luminate may still be at work on this gift: nobody knows what became of its call, which ended after ``settled``.

    A refund names a code and makes no constituent.
    """
    unknown = and_(one.c.organization.in_(site), one.c.status == Status.UNKNOWN, one.c.kind != Kind.REFUND)
    call = and_(attempts.c.entry_id == one.c.id, attempts.c.outcome == Outcome.UNKNOWN)
    return and_(unknown, exists().where(call, attempts.c.finished_at > settled))


def has_another_flying(tx: Connection, email: str, kind: Kind, site: Sequence[str], settled: datetime) -> bool:
    """Whether an entry waits for another of its donor, however the addresses of the two are sealed."""
    ways = [flies(entries, site)] + ([] if kind is Kind.REFUND else [may_fly(entries, site, settled)])
    found = (tx.execute(select(entries.c.id).where(way, has_email(tx, email)).limit(1)).first() for way in ways)
    return bool(email) and any(found)
