"""Replay: entries again, on purpose, by a named person who says why. It mails nobody unless someone chose it."""

from __future__ import annotations

from dataclasses import dataclass

from relay.access import Actor, Permission
from relay.acting import Acting, need_reason
from relay.errors import ReplayRefused
from relay.ledger import entries
from relay.ledger.entries import Entry
from relay.ledger.search import Filter, listing
from relay.remapping import effect, remap, still_wrong
from relay.status import REPLAYABLE, Kind, Status

_WHY_NOT = {
    Status.POSTED: "it is in Luminate already",
    Status.POSTING: "a call is under way",
    Status.QUEUED: "it is in line already",
    Status.WAITING: "it waits for its gift and goes by itself",
    Status.UNKNOWN: "Luminate may have it; look there first, then `flask resolve`",
    Status.CLOSED: "it is closed; reopen it first",
}


@dataclass(frozen=True, slots=True)
class Planned:
    """What a replay would do with one entry: ``refused`` is empty or says why it stays as it is."""

    entry: Entry
    refused: str
    effect: str


class Replay(Acting):
    """The use case behind ``flask replay``."""

    def plan(self, wanted: Filter, *, mail: bool = False) -> list[Planned]:
        """What a replay of these entries would do, in the order received; nothing is changed."""
        if wanted.is_everything:
            raise ReplayRefused("name an entry or a filter: everything at once is never replayed")
        with self.database.read() as tx:
            return [self._planned(entry, mail=mail) for entry in listing(tx, wanted)]

    def _planned(self, entry: Entry, *, mail: bool) -> Planned:
        organization = self.organizations.get(entry.organization)
        if organization is None:
            return Planned(entry, f"organization '{entry.organization}' is not configured any more", "")
        if entry.merged_into is not None:
            return Planned(entry, f"it is the same payment as entry {entry.merged_into}", "")
        if entry.status not in REPLAYABLE:
            return Planned(entry, _WHY_NOT[entry.status], "")
        if not entry.fact:
            return Planned(entry, "nothing is known of its gift; record it in Luminate by hand, then close it", "")
        if entry.kind is not Kind.REFUND and (wrong := still_wrong(entry, organization)):
            return Planned(entry, f"it would be held again: {wrong}", "")
        return Planned(entry, "", effect(entry, organization, mail=mail))

    def run(self, plan: list[Planned], *, actor: Actor, reason: str, mail: bool = False) -> list[tuple[int, Status]]:
        """Carry out a plan: each entry is mapped again by today's configuration and queued if nothing is wrong.

        An entry that changed since the plan was made stays as it is. Gives back (entry, new status) of the rest.
        """
        need_reason(reason, actor)
        for name in {planned.entry.organization for planned in plan}:
            actor.need(Permission.ACT, name)
        going = (planned.entry for planned in plan if not planned.refused)
        done = ((entry.id, self._again(entry, actor, reason, mail=mail)) for entry in going)
        return [(entry, status) for entry, status in done if status is not None]

    def _again(self, seen: Entry, actor: Actor, reason: str, *, mail: bool) -> Status | None:
        with self.desk_of(self.organizations[seen.organization], seen.provider) as desk:
            entry = entries.get(desk.tx, seen.id)
            if entry is None or (entry.status, entry.fence) != (seen.status, seen.fence):
                return None
            try:
                return remap(desk, entry, actor, "replay", reason, {"mail": mail})
            except ReplayRefused:  # a worker claimed it meanwhile
                return None
