"""Correction: a named person changes what Luminate is told about an unsent gift, and it is tried again.

Above an amount that the organization chooses it is only proposed; see ``proposing.py`` for the second person. Whoever
has the form open is told to the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from relay.access import Actor, Permission
from relay.errors import ReplayRefused
from relay.ledger import locks, proposals
from relay.ledger.entries import Entry
from relay.ledger.funds import with_funds
from relay.ledger.locks import Lock
from relay.office.acting import Act, Acting, existing
from relay.office.corrections import Preview, apply, need_correctable, need_right, needs_second_person, preview
from relay.status import Status


@dataclass(frozen=True, slots=True)
class Corrected:
    """What became of the entry, or the number of the proposal that waits for a second person."""

    status: Status
    proposal: int | None = None


class Correcting(Acting):
    """The use case behind ``flask correct`` and the form of the console."""

    def correct(
        self,
        entry_id: int,
        changes: Mapping[str, str],
        *,
        actor: Actor,
        reason: str,
        take_over: bool = False,
        as_of: datetime | None = None,
    ) -> Corrected:
        """Change parameters of an unsent gift by hand and try it again, or propose it. Amount and money are locked.

        An empty value takes an earlier correction back. Raises CorrectionRefused with a sentence for each wrong value,
        ReplayRefused while somebody else is correcting it, unless it is taken over, and where it has changed since
        ``as_of``: what was typed then would undo what somebody did meanwhile.
        """
        action = "propose" if self._is_proposed(entry_id, actor) else "correct"
        with self.act(actor, action, entry_id, reason) as act:
            _need_free(act, take_over=take_over)
            if as_of is not None and act.entry.changed_at != as_of:
                raise ReplayRefused("this gift has changed since you opened it: look at what saving does now")
            if needs_second_person(act.entry, act.desk.organization):
                done = _propose(act, changes)
            else:
                done = Corrected(apply(act, changes))
            locks.drop(act.tx, entry_id, actor.name)
            return done

    def _is_proposed(self, entry_id: int, actor: Actor) -> bool:
        organization, _ = self.whose(actor, Permission.ACT, entry_id)
        with self.database.read() as tx:
            return needs_second_person(existing(tx, entry_id), organization)

    def preview(self, entry_id: int, changes: Mapping[str, str], *, actor: Actor) -> Preview:
        """What a correction would come to; nothing is changed."""
        organization, _ = self.whose(actor, Permission.ACT, entry_id)
        with self.database.read() as tx:
            return preview(existing(tx, entry_id), with_funds(tx, organization), changes)

    def open(self, entry_id: int, *, actor: Actor) -> tuple[Entry, Lock | None]:
        """Begin to correct. Gives back the entry, and who else is at it: they keep it until they save or leave."""
        self.whose(actor, Permission.ACT, entry_id)
        with self.database.write() as tx:
            entry, now = existing(tx, entry_id), self.database.now(tx)
            need_correctable(entry)
            if locks.take(tx, entry_id, actor.name, now):
                return entry, None
            return entry, locks.of(tx, entry_id, now)

    def leave(self, entry_id: int, *, actor: Actor) -> None:
        """Give it back without a change."""
        self.whose(actor, Permission.ACT, entry_id)
        with self.database.write() as tx:
            locks.drop(tx, entry_id, actor.name)


def _need_free(act: Act, *, take_over: bool) -> None:
    lock = locks.of(act.tx, act.entry.id, act.now)
    if lock is None or lock.holder == act.who:
        return
    if not take_over:
        raise ReplayRefused(f"entry {act.entry.id} is being corrected by {lock.holder} since {lock.since:%H:%M} UTC")
    locks.drop(act.tx, act.entry.id, lock.holder)
    act.told["taken_over_from"] = lock.holder


def _propose(act: Act, changes: Mapping[str, str]) -> Corrected:
    need_right(act, changes)
    made = proposals.make(
        act.tx,
        organization=act.desk.organization.name,
        entry_id=act.entry.id,
        changes=dict(changes),
        reason=act.reason,
        proposed_by=act.who,
        proposed_at=act.now,
    )
    if made is None:
        raise ReplayRefused(f"another correction of entry {act.entry.id} waits for a second person already")
    act.told.update(changed=sorted(changes), proposal=made)
    return Corrected(act.entry.status, made)
