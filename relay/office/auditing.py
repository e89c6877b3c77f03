"""Reading the audit, and writing down what was seen. An admin reads the lines of their own organizations.

Lines that belong to no single organization (sign-ins, for example) are for an admin of everything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from relay.access import EVERYWHERE, Actor, Permission
from relay.errors import NotAllowed
from relay.ledger import audit
from relay.ledger.audit import Line, Wanted
from relay.ledger.db import Database

TITLES = ("line", "at", "who", "through", "organization", "action", "subject", "details", "digest")


@dataclass(frozen=True, slots=True)
class Checked:
    """What a walk along the chain found: its end, to be kept elsewhere, and a sentence for each fault."""

    last: int
    digest: str
    faults: tuple[str, ...]


class Auditing:
    """The use cases behind ``flask audit`` and the page Audit."""

    def __init__(self, database: Database, organizations: Collection[str]) -> None:
        """Take the parts."""
        self.database = database
        self.organizations = organizations

    def page(self, actor: Actor, wanted: Wanted, *, limit: int, offset: int = 0) -> list[Line]:
        """The newest lines first."""
        wanted = self._within(actor, wanted)
        with self.database.read() as tx:
            return list(audit.lines(tx, wanted, limit=limit, offset=offset, newest_first=True))

    def actions(self, actor: Actor) -> list[str]:
        """Every kind of action the actor could look for."""
        wanted = self._within(actor, Wanted())
        with self.database.read() as tx:
            return audit.actions(tx, wanted.organizations)

    def export(self, actor: Actor, wanted: Wanted, *, how: str) -> Iterator[Line]:
        """All lines that match, as they came; that they were taken out is a line, too, and the last of them."""
        wanted = self._within(actor, wanted)
        with self.database.write() as tx:
            audit.record(tx, actor, "exported", subject="audit", details={"as": how} | _told(wanted))
        return self._stream(wanted)

    def saw(self, actor: Actor, subject: str, *, organization: str, details: Mapping[str, Any] | None = None) -> None:
        """Write down that somebody looked at this."""
        with self.database.write() as tx:
            audit.record(tx, actor, "saw", organization=organization, subject=subject, details=details)

    def check(self, anchor: tuple[int, str] | None = None) -> Checked:
        """Walk the whole chain. ``anchor``: number and digest of a line as they were kept elsewhere."""
        with self.database.read() as tx:
            last, digest = audit.last(tx)
            found = list(audit.faults(tx))
            if anchor is not None and audit.digest_of(tx, anchor[0]) != anchor[1]:
                found.append(f"line {anchor[0]} is not the one whose digest was kept: the chain was written anew")
        return Checked(last, digest, tuple(found))

    def _stream(self, wanted: Wanted) -> Iterator[Line]:
        with self.database.read() as tx:
            yield from audit.lines(tx, wanted)

    def _within(self, actor: Actor, wanted: Wanted) -> Wanted:
        """The same, narrowed to what the actor may read."""
        if actor.may(Permission.MANAGE, EVERYWHERE):
            return wanted
        mine = actor.within(Permission.MANAGE, self.organizations)
        if not mine:
            raise NotAllowed(f"{actor.name} may not read the audit", EVERYWHERE)
        asked = mine if wanted.organizations is None else [one for one in wanted.organizations if one in mine]
        return replace(wanted, organizations=tuple(asked))


def row(line: Line) -> tuple[object, ...]:
    """A line in the order of TITLES."""
    details = orjson.dumps(line.details).decode() if line.details else ""
    at = line.at.isoformat(timespec="microseconds")
    return (line.id, at, line.who, line.through, line.organization, line.action, line.subject, details, line.digest)


def _told(wanted: Wanted) -> dict[str, Any]:
    given = {name: getattr(wanted, name) for name in Wanted.__slots__}
    return {name: value if isinstance(value, str) else str(value) for name, value in given.items() if value}
