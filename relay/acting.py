"""What every act of a person on an entry has in common: who may, where it is written, and that it is written down.

History only grows: every act is a row of ``corrections`` with before and after. Nothing here calls Luminate; acts put
entries back in line, and posting does the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

from relay.access import Actor, Permission
from relay.config import Organization
from relay.errors import ReplayRefused, TransitionRefused
from relay.ledger import entries
from relay.ledger.db import Database
from relay.ledger.entries import Entry
from relay.ledger.payments import Source
from relay.refunding import Desk
from relay.status import Status


class Acting:
    """The parts of a use case that changes entries, and the desk where it writes."""

    def __init__(self, database: Database, organizations: Mapping[str, Organization]) -> None:
        """Take the parts."""
        self.database = database
        self.organizations = organizations

    @contextmanager
    def desk(self, entry_id: int, actor: Actor, permission: Permission = Permission.ACT) -> Iterator[Desk]:
        """One transaction of the entry's organization, for somebody who may."""
        organization, provider = self._of(entry_id, actor, permission)
        with self.desk_of(organization, provider) as desk:
            yield desk

    @contextmanager
    def desk_of(self, organization: Organization, provider: str) -> Iterator[Desk]:
        """One transaction of an organization, under its lock."""
        with self.database.write() as tx:
            self.database.lock(tx, organization.name)
            yield Desk(tx, organization, Source(organization.name, provider), self.database.now(tx))

    def _of(self, entry_id: int, actor: Actor, permission: Permission) -> tuple[Organization, str]:
        with self.database.read() as tx:
            entry = existing(tx, entry_id)
        if not actor.may(Permission.READ, entry.organization):
            raise _missing(entry_id)  # outside its reach: it does not exist
        actor.need(permission, entry.organization)
        organization = self.organizations.get(entry.organization)
        if organization is None:
            raise ReplayRefused(f"organization '{entry.organization}' is not configured any more")
        return organization, entry.provider


def need_reason(reason: str, actor: Actor) -> None:
    """Every act says who and why."""
    if not reason.strip() or not actor.name.strip():
        raise ReplayRefused("say who asks for it and why")


def existing(tx: Connection, entry_id: int) -> Entry:
    """The entry, or ReplayRefused."""
    entry = entries.get(tx, entry_id)
    if entry is None:
        raise _missing(entry_id)
    return entry


def _missing(entry_id: int) -> ReplayRefused:
    return ReplayRefused(f"there is no entry {entry_id}")


def moved(
    desk: Desk, entry: Entry, target: Status, actor: Actor, action: str, reason: str, columns: dict[str, Any]
) -> None:
    """Change the status by a person's word, and write down whose."""
    try:
        done = entries.move(desk.tx, entry, target, desk.now, **columns)
    except TransitionRefused as error:
        raise ReplayRefused(f"entry {entry.id}: {error}") from error
    if not done:
        raise ReplayRefused(f"entry {entry.id} was changed by somebody else meanwhile")
    written(desk, entry, actor, action, reason, {"status": entry.status}, {"status": target})


def written(
    desk: Desk,
    entry: Entry,
    actor: Actor,
    action: str,
    reason: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """Write down what was done to an entry: in its history."""
    entries.correct(desk.tx, entry, desk.now, who=actor.name, action=action, reason=reason, before=before, after=after)
