"""Recovery: after the ledger was restored from a backup, everything since is suspect.

What the restored ledger calls unsent may have been sent after the backup was taken: it becomes ``unknown`` and is
looked up in Luminate from that moment on. What arrived since is missing altogether; the provider has it, and tells it
again: ``relay.ledger.restores`` remembers that it may have been sent. Posting is paused until a person resumes it,
which is refused while suspects are still to be looked up, or overruled with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy import Connection

from relay.access import Actor, Permission
from relay.config import Organization
from relay.errors import ReplayRefused
from relay.ledger import audit, claims, entries, pauses, restores, search
from relay.ledger.db import Database
from relay.ledger.entries import Entry
from relay.ledger.pauses import Pause
from relay.ledger.restores import Lost
from relay.ledger.search import Filter
from relay.status import UNSENT, Status

PAUSE = "recovering"
_BEFORE = " It was paused before, by "
# Unsent or unknown by the backup; after it a worker or a person may have sent them. A refund that waits, and what is
# closed, is looked up once it enters the line.
_SUSPECTS = (*sorted(UNSENT - {Status.WAITING}), Status.POSTING, Status.UNKNOWN)


@dataclass(slots=True)
class Recovered:
    """What a recovery marked, by organization: the entries now to be looked up; and since when each is in doubt."""

    suspects: dict[str, list[int]] = field(default_factory=dict)
    since: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Asked:
    actor: Actor
    reason: str


class Recovery:
    """The use case behind ``flask recover``."""

    def __init__(self, database: Database, organizations: Mapping[str, Organization]) -> None:
        """Take the parts."""
        self.database = database
        self.organizations = organizations

    def start(self, since: datetime, *, actor: Actor, reason: str) -> Recovered:
        """Pause every organization, then mark what may have been sent since the backup (aware).

        Raises ReplayRefused for a time to come, before anything has changed.
        """
        names, asked, recovered = self._names(since, actor), _Asked(actor, reason), Recovered()
        # All first, each at once: nobody goes on posting while another's suspects are marked.
        lost = {name: self._pause(name, since.astimezone(UTC), asked) for name in names}
        for name in names:
            recovered.suspects[name], recovered.since[name] = self._mark(name, lost[name], asked), lost[name].since
        return recovered

    def _names(self, since: datetime, actor: Actor) -> list[str]:
        """Whoever is configured or has entries: those of an organization that is gone would be sent when it is back."""
        with self.database.read() as tx:
            names = sorted({*self.organizations, *restores.organizations(tx)})
            if since > self.database.now(tx):
                moment = f"{since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
                raise ReplayRefused(f"the backup cannot be of {moment}: that is yet to come")
        for name in names:
            actor.need(Permission.MANAGE, name)
        return names

    def _pause(self, name: str, since: datetime, asked: _Asked) -> Lost:
        """Nothing is sent from here on, and what is told again is remembered to be in doubt."""
        with self.database.write() as tx:
            self.database.lock(tx, name)
            now = self.database.now(tx)
            # The backup was taken after its newest row: whoever names a later time, or the wrong zone, loses nothing.
            lost = Lost(min(since, restores.newest_row(tx, name, since) or since), now)
            restores.remember(tx, name, lost)
            text = f"The ledger was restored from a backup of {lost.since:%Y-%m-%d %H:%M} UTC: {asked.reason}"
            text += _by_hand(pauses.of(tx, name))
            pauses.end(tx, name)
            pauses.start(tx, name, now, who=asked.actor.name, reason=PAUSE, text=text, check_at=None)
        return lost

    def _mark(self, name: str, lost: Lost, asked: _Asked) -> list[int]:
        with self.database.write() as tx:
            self.database.lock(tx, name)
            now = self.database.now(tx)
            found = list(search.listing(tx, Filter(organization=name, statuses=_SUSPECTS)))
            marked = [entry.id for entry in found if _suspect(tx, entry.id, lost, now, asked)]
            told = {"since": lost.since.isoformat(), "reason": asked.reason, "suspects": len(marked)}
            audit.record(tx, asked.actor, "recovering", organization=name, subject="ledger", details=told)
        return marked


def _by_hand(pause: Pause | None) -> str:
    """A pause that only a person ends is not forgotten over this one, nor over a second recovery."""
    if pause is None or pause.check_at is not None:
        return ""
    if pause.reason == PAUSE:
        _, before, told = pause.reason_text.partition(_BEFORE)
        return before + told
    return f"{_BEFORE}{pause.who}: {pause.reason_text}"


def _suspect(tx: Connection, entry_id: int, lost: Lost, now: datetime, asked: _Asked) -> bool:
    """Mark one, as it is now: a worker that was not stopped may have taken it since it was listed."""
    entry = entries.get(tx, entry_id, keep=True)
    if entry is None or entry.status not in _SUSPECTS or not entry.fact:
        return False
    known = [moment for moment in (claims.called_since(tx, entry.id), entry.doubtful_from) if moment]
    marked = restores.in_doubt(replace(lost, since=min([lost.since, *known])), now)
    status: Status = marked.pop("status")
    done = (
        entries.change(tx, entry, now, **marked)
        if entry.status is status
        else entries.move(tx, entry, status, now, **marked)
    )
    said = {"who": asked.actor.name, "action": restores.RECOVER, "reason": asked.reason}
    entries.correct(tx, entry, now, **said, before=_before(tx, entry), after={"status": status})
    return done


def _before(tx: Connection, entry: Entry) -> Mapping[str, object]:
    """What it was; of one in doubt already, what it was before that: a second recovery does not forget it."""
    if entry.doubtful_from is not None and (was := entries.before(tx, entry, restores.RECOVER)):
        return was
    return {"status": entry.status, "reason": entry.reason, "reason_text": entry.reason_text}
