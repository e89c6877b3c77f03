"""A look into Luminate for a person: what it shows of a donor, beside what relay knows. It decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from relay.access import Actor, Permission
from relay.config import Organization
from relay.errors import ReadRefused, TransportError
from relay.ledger import audit, entries
from relay.ledger.db import Database
from relay.ledger.entries import Entry
from relay.luminate.seen import Seen
from relay.office.acting import Acting, existing

Read = Callable[[Organization, Entry], Sequence[Seen]]


@dataclass(frozen=True, slots=True)
class Looked:
    """What Luminate shows, or in ``problem`` why it does not. ``owners``: the entries that own codes of it already."""

    rows: tuple[Seen, ...] = ()
    problem: str = ""
    owners: Mapping[str, int] = field(default_factory=dict)


class Looking(Acting):
    """The use case behind the two columns of an unknown gift."""

    def __init__(self, database: Database, organizations: Mapping[str, Organization], read: Read) -> None:
        """Take the parts; ``read`` asks Luminate and raises ReadRefused or TransportError."""
        super().__init__(database, organizations)
        self.read = read

    def look(self, entry_id: int, *, actor: Actor) -> Looked:
        """Ask Luminate now. Whoever may read the gift may look."""
        organization, _ = self.whose(actor, Permission.READ, entry_id)
        with self.database.read() as tx:
            entry = existing(tx, entry_id)
        looked = self.rows(organization, entry)
        with self.database.write() as tx:
            about = {"organization": organization.name, "subject": f"entry {entry_id}"}
            audit.record(tx, actor, "look", **about, details={"rows": len(looked.rows), "problem": looked.problem})
        return looked

    def rows(self, organization: Organization, entry: Entry) -> Looked:
        """What Luminate shows of the donor of this entry. No transaction is open meanwhile."""
        try:
            rows = tuple(self.read(organization, entry))
        except ReadRefused as error:
            return Looked(problem=str(error))
        except TransportError:
            return Looked(problem="Luminate did not answer the look-up.")
        with self.database.read() as tx:
            owners = entries.owners(tx, organization.on_site, [row.confirmation_code for row in rows])
        return Looked(rows, owners={code: owner.id for code, owner in owners.items() if owner.id != entry.id})
