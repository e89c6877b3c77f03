"""Erasing a donor: everything that tells of them goes, in one organization, as a named person asked for.

All or nothing: while one of their gifts waits for anybody, none is erased, so that a donor is either erased or not, and
whoever asked gets one answer. Amounts, dates, funds of the map, ids, confirmation codes and statuses stay. What the
hash-chained audit says cannot be taken back: it never holds a donor's data by itself, but it keeps what people typed as
a reason.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import Connection

from relay.access import Actor, Permission
from relay.config import Organization
from relay.errors import ErasingRefused
from relay.ledger import audit, donors, entries, erasing, events, mentions
from relay.ledger.db import Database
from relay.ledger.entries import Entry
from relay.ledger.erasing import Family
from relay.ledger.funds import with_funds
from relay.office.acting import need_reason
from relay.office.emptying import ERASE, Emptied, empty, obstacles
from relay.office.forgetting import WORDS
from relay.status import Erased, Verdict

log = structlog.get_logger(__name__)

# Payments of one transaction; nearly every donor has fewer.
BATCH = 50
# A name of fewer letters stands in too many texts that speak of somebody else.
_SHORTEST = 5
_WORD = re.compile(r"[^\W_]{3,}")


@dataclass(slots=True)
class Donor:
    """What the ledger has of a donor in one organization, and what must be settled before it may go.

    ``idle``: events of no gift that hold the address; ``unread``: those of them that nobody has understood. ``words``:
    the address and the names, as they may stand in other texts; ``lines``: of the audit, which stay.
    """

    organization: str
    email: str = field(repr=False)
    words: frozenset[str] = field(default=frozenset(), repr=False)
    payments: tuple[int, ...] = ()
    idle: tuple[int, ...] = ()
    unread: tuple[int, ...] = ()
    open: tuple[str, ...] = ()
    counts: Emptied = field(default_factory=Emptied)
    lines: tuple[int, ...] = ()


class Erasing:
    """The use case behind ``flask erase-donor``."""

    def __init__(self, database: Database, organizations: Mapping[str, Organization]) -> None:
        """Take the parts."""
        self.database, self.organizations = database, organizations

    def where(self, email: str, *, actor: Actor) -> list[str]:
        """The organizations that know this address. Raises ErasingRefused for what is no address."""
        if "@" not in email.strip("@ ") or " " in email.strip():
            raise ErasingRefused("this is not an e-mail address")
        with self.database.read() as tx:
            known = set(erasing.payments_of(tx, donors.entries_of(tx, email)))
            reach = actor.within(Permission.MANAGE, {*self.organizations, *known})
            return [name for name in reach if name in known or self._idle(tx, name, email)]

    def look(self, organization: str, email: str, *, actor: Actor) -> Donor:
        """What would be erased. Nothing is changed."""
        actor.need(Permission.MANAGE, organization)
        with self.database.read() as tx:
            return self._found(tx, organization, email)

    def erase(self, donor: Donor, *, actor: Actor, reason: str, unread: bool = False) -> Emptied:
        """Erase it. Raises ErasingRefused while anything waits for anybody, and where the reason names the donor.

        ``unread``: events that nobody has understood as well; whoever asks has looked at them.
        """
        need_reason(reason, actor)
        actor.need(Permission.MANAGE, donor.organization)
        if _names(reason, donor.words):
            raise ErasingRefused("the reason names the donor and would stay: say it without, such as a case number")
        if donor.unread and not unread:
            raise ErasingRefused(f"nothing was erased: {'; '.join(unread_ones(donor))}")
        done = Emptied()
        for start in range(0, max(1, len(donor.payments)), BATCH):
            self._batch(donor, donor.payments[start : start + BATCH], done, is_first=start == 0, by=(actor, reason))
        erasing.settle_files(self.database)
        log.info("donor_erased", organization=donor.organization, payments=done.payments, entries=done.entries)
        return done

    def _found(self, tx: Connection, name: str, email: str) -> Donor:
        payments = self._payments(tx, name, email)
        found = [one for start in range(0, len(payments), BATCH)
                 for one in erasing.families(tx, payments[start : start + BATCH])]  # fmt: skip
        words = _words(found, email)
        idle = self._idle(tx, name, email)
        counts = Emptied(idle=len(idle))
        for family in found:
            counts.add(family)
        return Donor(
            organization=name,
            email=email,
            words=words,
            payments=payments,
            idle=tuple(idle),
            unread=tuple(number for number, verdict in idle.items() if verdict is Verdict.NOT_UNDERSTOOD),
            open=(*_open(found), *_pending(idle)),
            counts=counts,
            lines=tuple(mentions.audit_lines(tx, name, words)),
        )

    @staticmethod
    def _payments(tx: Connection, organization: str, email: str) -> tuple[int, ...]:
        return tuple(erasing.payments_of(tx, donors.entries_of(tx, email)).get(organization, ()))

    @staticmethod
    def _idle(tx: Connection, organization: str, email: str) -> dict[int, Verdict]:
        """Events of no entry that hold the address, and what they came to."""
        address, rows = mentions.Address(email), erasing.bodies(tx, organization)
        return {row.id: Verdict(row.verdict) for row in rows if address.stands_in(row.body, row.headers)}

    def _batch(
        self, donor: Donor, payments: tuple[int, ...], done: Emptied, *, is_first: bool, by: tuple[Actor, str]
    ) -> None:
        """One transaction with its own line of the audit: a crash between two leaves the rest to the next run."""
        actor, reason = by
        counts = Emptied(idle=len(donor.idle) if is_first else 0)
        with self.database.write() as tx:
            self.database.lock(tx, donor.organization)
            now, organization = self.database.now(tx), self.organizations.get(donor.organization)
            funds = with_funds(tx, organization).funds if organization else ()
            if is_first:
                self._erase_beside(tx, donor, now)
            found = erasing.families(tx, payments)
            if waiting := [*_open(found)]:
                raise ErasingRefused(f"nothing more was erased: {'; '.join(waiting)}")
            for family in found:
                _write_down(tx, family, actor, reason, now)
                empty(tx, family, Erased.DONOR, funds, now)
                counts.add(family)
            told = {"payments": counts.payments, "entries": counts.entries, "events": counts.events + counts.idle}
            about = {"organization": donor.organization, "subject": "donor"}
            audit.record(tx, actor, "erase_donor", **about, details={"reason": reason} | told)
        done += counts

    def _erase_beside(self, tx: Connection, donor: Donor, now: datetime) -> None:
        """What belongs to none of the donor's gifts, if nothing has changed since the look."""
        is_same = self._payments(tx, donor.organization, donor.email) == donor.payments
        if not is_same or not erasing.still_alone(tx, donor.organization, donor.idle):
            raise ErasingRefused("something of this donor came in meanwhile: nothing was erased, say it again")
        erasing.empty_events(tx, donor.idle, now)
        erasing.rewrite_notes(tx, donor.idle, WORDS)
        for event in donor.unread:
            events.judge(tx, event, Verdict.IGNORED, WORDS)
        mentions.blot(tx, donor.organization, donor.words)


def _words(found: Collection[Family], email: str) -> frozenset[str]:
    """The address and the full names, in small letters."""
    known = (name for family in found for entry in family.entries for name in _called(entry))
    names = {" ".join(name.split()).casefold() for name in known}
    return frozenset({email.strip().casefold(), *(name for name in names if len(name) >= _SHORTEST)})


def _called(entry: Entry) -> Iterator[str]:
    """The names of the donor and of whoever paid, with all their parts and without."""
    yield entry.donor_name
    for whose in ("donor", "billing"):
        yield " ".join(entry.parameters.get(f"{whose}.name.{part}", "") for part in ("first", "last"))


def _names(reason: str, words: Collection[str]) -> bool:
    """Whether a reason tells the address, or any part of a name."""
    said, small = set(_WORD.findall(reason.casefold())), reason.casefold()
    parts = {part for word in words if "@" not in word for part in _WORD.findall(word)}
    return bool(said & parts) or any(word in small for word in words)


def _open(found: Collection[Family]) -> Iterator[str]:
    for family in found:
        yield from (f"entry {number} {what}" for number, what in obstacles(family))
        for event, others in family.others.items():
            for one in others:
                if one.status not in erasing.FINAL:
                    yield f"event {event} also tells of entry {one.id}, which is {one.status}: settle that one first"


def unread_ones(donor: Donor) -> Iterator[str]:
    """What to do about events that nobody has understood."""
    for number in donor.unread:
        yield f"event {number} is not understood: `flask replay --event {number}` reads it again"


def _pending(idle: Mapping[int, Verdict]) -> Iterator[str]:
    for number, verdict in idle.items():
        if verdict is Verdict.PENDING:
            yield f"event {number} waits for its provider's API: try again once it is booked"


def _write_down(tx: Connection, family: Family, actor: Actor, reason: str, now: datetime) -> None:
    """The story of each entry says who erased its donor, and why."""
    for entry in family.entries:
        side = {"status": entry.status}
        entries.correct(tx, entry, now, who=actor.name, action=ERASE, reason=reason, before=side, after=side)
