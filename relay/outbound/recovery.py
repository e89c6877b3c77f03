"""Recovery: after the ledger was restored from a backup, everything since is suspect.

What the restored ledger calls unsent may have been sent after the backup was taken: it becomes ``unknown`` and is
looked up in Luminate from that moment on. What arrived since is missing altogether; the provider has it. Posting is
paused until every suspect is resolved, or a named person overrules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from relay.access import Actor, Permission
from relay.config import Organization
from relay.ledger import audit, claims, entries, pauses, search
from relay.ledger.db import Database
from relay.ledger.entries import Entry
from relay.ledger.search import Filter
from relay.status import UNSENT, Status

PAUSE = "recovering"
SUSPECT = "restored"  # relay/outbound/pausing.py refuses to resume while such entries are unknown
# Unsent or unknown by the backup; after it a worker or a person may have sent them.
_SUSPECTS = (*sorted(UNSENT), Status.POSTING, Status.UNKNOWN)


@dataclass(slots=True)
class Recovered:
    """What a recovery marked, by organization: the entries now to be looked up."""

    suspects: dict[str, list[int]] = field(default_factory=dict)


class Recovery:
    """The use case behind ``flask recover``."""

    def __init__(self, database: Database, organizations: Mapping[str, Organization]) -> None:
        """Take the parts."""
        self.database = database
        self.organizations = organizations

    def start(self, since: datetime, *, actor: Actor, reason: str) -> Recovered:
        """Pause every organization and mark what may have been sent since the backup (aware UTC)."""
        recovered = Recovered()
        for name in self.organizations:
            actor.need(Permission.MANAGE, name)
            with self.database.write() as tx:
                self.database.lock(tx, name)
                now = self.database.now(tx)
                text = f"The ledger was restored from a backup of {since:%Y-%m-%d %H:%M} UTC: {reason}"
                pauses.end(tx, name)
                pauses.start(tx, name, now, who=actor.name, reason=PAUSE, text=text, check_at=None)
                recovered.suspects[name] = self._mark(tx, name, since, now, who=actor.name, reason=reason)
                told = {"since": since.isoformat(), "reason": reason, "suspects": len(recovered.suspects[name])}
                audit.record(tx, actor, "recovering", organization=name, subject="ledger", details=told)
        return recovered

    def _mark(self, tx: Connection, name: str, since: datetime, now: datetime, *, who: str, reason: str) -> list[int]:
        suspects = list(search.listing(tx, Filter(organization=name, statuses=_SUSPECTS)))
        sendable = [entry for entry in suspects if entry.fact]
        return [entry.id for entry in sendable if _suspect(tx, entry, since, now, who=who, reason=reason)]


def _suspect(tx: Connection, entry: Entry, since: datetime, now: datetime, *, who: str, reason: str) -> bool:
    text = f"The ledger was restored: Luminate may have it since {since:%Y-%m-%d %H:%M} UTC."
    begin = claims.called_since(tx, entry.id)
    marked: dict[str, Any] = {"reason": SUSPECT, "reason_text": text, "probe_at": now, "probes": 0, "lease_until": None}
    marked |= {"doubtful_from": min(begin, since) if begin else since}
    done = (
        entries.change(tx, entry, now, **marked)
        if entry.status is Status.UNKNOWN
        else entries.move(tx, entry, Status.UNKNOWN, now, **marked)
    )
    if not done:
        return False
    before = {"status": entry.status, "reason": entry.reason, "reason_text": entry.reason_text}
    after = {"status": Status.UNKNOWN}
    entries.correct(tx, entry, now, who=who, action="recover", reason=reason, before=before, after=after)
    return True
