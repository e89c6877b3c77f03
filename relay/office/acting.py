"""What every act of a person on an entry has in common: who may, where it is written, and that it is written down.

History only grows: every act is a row of ``corrections`` with before and after, and a line of the audit. Nothing here
calls Luminate; acts put entries back in line, and posting does the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from relay.access import Actor, Permission
from relay.config import Organization
from relay.errors import ReplayRefused, TransitionRefused
from relay.inbound.refunding import Desk
from relay.ledger import audit, entries
from relay.ledger.db import Database
from relay.ledger.entries import Entry
from relay.ledger.payments import Source
from relay.status import CLAIMABLE, Kind, Status


@dataclass(frozen=True, slots=True)
class Act:
    """One act of a person on one entry: the transaction it happens in, the entry as it was, who, what and why.

    ``told`` goes into the audit: names and numbers, never what a donor typed.
    """

    desk: Desk
    entry: Entry
    who: str
    action: str
    reason: str
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def tx(self) -> Connection:
        """The transaction."""
        return self.desk.tx

    @property
    def now(self) -> datetime:
        """When it happens."""
        return self.desk.now

    def moved(self, target: Status, **columns: Any) -> Entry:
        """Change the status by a person's word, and write it down. Gives back the entry as it is now."""
        if self.entry.erased and target in CLAIMABLE and self.entry.kind is not Kind.REFUND:
            raise ReplayRefused(f"entry {self.entry.id}: {entries.GONE}")
        try:
            done = entries.move(self.tx, self.entry, target, self.now, **columns)
        except TransitionRefused as error:
            raise ReplayRefused(f"entry {self.entry.id}: {error}") from error
        if not done:
            raise ReplayRefused(f"entry {self.entry.id} was changed by somebody else meanwhile")
        after = existing(self.tx, self.entry.id)
        self.written({"status": self.entry.status}, {"status": after.status})
        return after

    def written(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Write down what was done to the entry."""
        said = {"who": self.who, "action": self.action, "reason": self.reason}
        entries.correct(self.tx, self.entry, self.now, before=before, after=after, **said)
        self.told["status"] = after["status"]


class Acting:
    """The parts of a use case that changes entries, and the frame of every act."""

    def __init__(self, database: Database, organizations: Mapping[str, Organization]) -> None:
        """Take the parts."""
        self.database = database
        self.organizations = organizations

    @contextmanager
    def act(
        self, actor: Actor, action: str, entry_id: int, reason: str, permission: Permission = Permission.ACT
    ) -> Iterator[Act]:
        """One act on one entry, in one transaction that ends with its line in the audit."""
        need_reason(reason, actor)
        organization, provider = self.whose(actor, permission, entry_id)
        with self.desk(organization, provider) as desk:
            act = Act(desk, existing(desk.tx, entry_id), actor.name, action, reason)
            yield act
            details = {"reason": reason, **act.told}
            about: dict[str, Any] = {"organization": organization.name, "subject": f"entry {entry_id}"}
            audit.record(desk.tx, actor, action, **about, details=details)

    @contextmanager
    def desk(self, organization: Organization, provider: str) -> Iterator[Desk]:
        """One transaction of an organization, under its lock and those of its neighbours: a code is of one gift."""
        with self.database.write() as tx:
            self.database.lock(tx, *organization.on_site)
            yield Desk(tx, organization, Source(organization.name, provider), self.database.now(tx))

    def whose(self, actor: Actor, permission: Permission, entry_id: int) -> tuple[Organization, str]:
        """The organization and provider of an entry, for somebody who may; out of reach it does not exist."""
        with self.database.read() as tx:
            entry = existing(tx, entry_id)
        if not actor.may(Permission.READ, entry.organization):
            raise _missing(entry_id)
        actor.need(permission, entry.organization)
        return self.configured(entry.organization), entry.provider

    def configured(self, name: str) -> Organization:
        """An organization, or ReplayRefused where it is not configured any more."""
        organization = self.organizations.get(name)
        if organization is None:
            raise ReplayRefused(f"organization '{name}' is not configured any more")
        return organization


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
