"""Claims: who may send what, until when. Compare-and-swap everywhere; the attempt row comes first.

A claim raises the entry's fence, sets its lease and writes the attempt, all in one commit, before a byte
leaves for Luminate. Only the holder of the fence records the outcome. A lease that ends unrecorded makes the
entry ``unknown``: the call may have reached Luminate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    Connection,
    CursorResult,
    Select,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

from relay import clock
from relay.ledger import donors, entries
from relay.ledger.entries import Entry
from relay.ledger.events import insert_or_ignore
from relay.ledger.models import attempts, leases
from relay.ledger.models import entries as table
from relay.ledger.sealing import keyring_of
from relay.status import CLAIMABLE, Kind, Outcome, Status

# How many entries are looked at where the first may not go.
_AMONG = 20
LEASE_LOST = "A worker took this entry and never reported back: Luminate may have it."


@dataclass(frozen=True, slots=True)
class Claim:
    """One entry to send now, and the fence that entitles its holder to record the outcome."""

    entry: Entry
    attempt: int
    fence: int
    # On this machine's own clock: how long ago the claim was made.
    taken: float = field(default_factory=clock.seconds)


@dataclass(frozen=True, slots=True)
class Apart:
    """What keeps two gifts of one donor apart: they could make two constituents of one new donor (KB96442)."""

    # The organizations with the same Luminate site.
    site: Sequence[str]
    # A call that ended without the truth may be under way at Luminate for this long (seconds).
    settle_seconds: float = 0.0

    def settled(self, now: datetime) -> datetime:
        """What ended before this is over."""
        return now - timedelta(seconds=self.settle_seconds)


@dataclass(frozen=True, slots=True)
class Answered:
    """One call that was answered with a confirmation code."""

    attempt: int
    started_at: datetime
    finished_at: datetime


def next_due(tx: Connection, organization: str, now: datetime, apart: Apart | None = None) -> Entry | None:
    """The oldest entry that is due, unless a gift of the same donor is on its way, or may be."""
    apart = apart or Apart((organization,))
    is_settled = not keyring_of(tx.dialect).marks
    for limit in (1, _AMONG):
        rows = tx.execute(_NEXT_DUE, _asked(organization, now, apart) | {"limit": limit}).all()
        due = [entries.of_row(row) for row in rows]
        # What SQL cannot compare: one address plain and sealed, or sealed under two keys.
        free = (entry for entry in due if is_settled or not _waits(tx, entry, now, apart))
        if (entry := next(free, None)) or len(due) < limit:
            return entry
    return None


def still_due(tx: Connection, entry: Entry, now: datetime, apart: Apart) -> Entry | None:
    """The entry as it is, kept from others, if it may go now; None if anything came between since it was found.

    Whoever found it may have stood still, and another may have claimed a gift of the same donor meanwhile. Asked by
    whoever has the donor's turn.
    """
    row = tx.execute(_STILL_DUE, _asked(entry.organization, now, apart) | {"limit": 1, "entry": entry.id}).one_or_none()
    found = entries.of_row(row) if row else None
    if found is None or found.donor_email != entry.donor_email:
        return None
    return None if keyring_of(tx.dialect).marks and _waits(tx, found, now, apart) else found


def _asked(organization: str, now: datetime, apart: Apart) -> dict[str, Any]:
    return {"organization": organization, "site": list(apart.site), "now": now, "settled": apart.settled(now)}


def _waits(tx: Connection, entry: Entry, now: datetime, apart: Apart) -> bool:
    return donors.has_another_flying(tx, entry.donor_email, entry.kind, apart.site, apart.settled(now))


def claim(tx: Connection, entry: Entry, now: datetime, *, seconds: float, worker: str, login_name: str) -> Claim | None:
    """Take an entry for ``seconds`` and write its attempt; None if somebody else was first.

    The call goes with the row as it is now: it may have been filled or corrected since ``entry`` was read.
    """
    fence = entry.fence + 1
    until = now + timedelta(seconds=seconds)
    if not entries.move(tx, entry, Status.POSTING, now, fence=fence, lease_until=until):
        return None
    taken = entries.get(tx, entry.id) or entry
    row = {"entry_id": entry.id, "fence": fence, "worker": worker, "login_name": login_name, "started_at": now}
    made = tx.execute(insert(attempts).values(row | {"parameters": dict(taken.parameters)}).returning(attempts.c.id))
    return Claim(taken, made.scalar_one(), fence)


def finish(tx: Connection, attempt: int, now: datetime, **values: Any) -> None:
    """Write what an attempt came to. A late report is written too: it is the truth about the attempt."""
    tx.execute(update(attempts).where(attempts.c.id == attempt).values(finished_at=now, **values))


def expire(tx: Connection, now: datetime, *, probe_after: float) -> list[int]:
    """Entries whose lease ended unrecorded become unknown, never queued. Gives back their ids.

    Luminate is looked up ``probe_after`` seconds from now.
    """
    lapsed = and_(table.c.status == Status.POSTING, table.c.lease_until < now)
    became = {"status": Status.UNKNOWN, "reason": "lease_lost", "reason_text": LEASE_LOST, "changed_at": now}
    became |= {"probe_at": now + timedelta(seconds=probe_after), "probes": 0}
    moved = list(tx.execute(update(table).where(lapsed).values(became).returning(table.c.id)).scalars())
    if moved:
        open_attempts = and_(attempts.c.entry_id.in_(moved), attempts.c.outcome.is_(None))
        lost = {"outcome": Outcome.UNKNOWN, "reason": "lease_lost", "reason_text": LEASE_LOST, "finished_at": now}
        tx.execute(update(attempts).where(open_attempts).values(lost))
    return moved


def any_expired(tx: Connection, now: datetime) -> bool:
    """Whether ``expire`` has something to do: asked first, so that an idle sweep writes nothing."""
    return tx.execute(_ANY_EXPIRED, {"now": now}).first() is not None


def due_organizations(tx: Connection, now: datetime) -> list[str]:
    """The organizations that have something to send now."""
    return list(tx.execute(_DUE_ORGANIZATIONS, {"now": now}).scalars())


def organizations_to_probe(tx: Connection, now: datetime) -> list[str]:
    """The organizations that have an unknown entry to look up now."""
    return list(tx.execute(_ORGANIZATIONS_TO_PROBE, {"now": now}).scalars())


def to_probe(tx: Connection, organization: str, now: datetime, *, limit: int) -> list[Entry]:
    """Unknown entries whose look-up is due, oldest first."""
    due = {"organization": organization, "now": now, "limit": limit}
    return [entries.of_row(row) for row in tx.execute(_TO_PROBE, due)]


def doubtful_since(tx: Connection, entry_id: int) -> tuple[datetime, datetime] | None:
    """From the start of the first to the end of the last attempt whose outcome is unknown."""
    doubtful = and_(attempts.c.entry_id == entry_id, attempts.c.outcome == Outcome.UNKNOWN)
    row = tx.execute(select(func.min(attempts.c.started_at), func.max(attempts.c.finished_at)).where(doubtful)).one()
    # The ledger's clock may have been set back during the call.
    return (min(row), max(row)) if row[0] and row[1] else None


def called_since(tx: Connection, entry_id: int) -> datetime | None:
    """When the first call began that may have been recorded and was never told so; None: there was none."""
    untold = or_(attempts.c.outcome.is_(None), attempts.c.outcome == Outcome.UNKNOWN)
    first = select(func.min(attempts.c.started_at)).where(attempts.c.entry_id == entry_id, untold)
    found: datetime | None = tx.execute(first).scalar_one()
    return found


def answered(tx: Connection, entry: Entry) -> Answered | None:
    """The call whose answer made an entry posted; None where a look-up or a person did."""
    mine = and_(attempts.c.entry_id == entry.id, attempts.c.fence == entry.fence, attempts.c.outcome == Outcome.POSTED)
    row = tx.execute(select(attempts.c.id, attempts.c.started_at, attempts.c.finished_at).where(mine)).one_or_none()
    return Answered(row.id, row.started_at, row.finished_at) if row else None


def last_outcomes(tx: Connection, organization: str, count: int) -> list[tuple[Outcome, str]]:
    """Outcome and text of an organization's newest finished attempts, newest first."""
    joined = attempts.join(table, attempts.c.entry_id == table.c.id)
    mine = and_(table.c.organization == organization, attempts.c.outcome.is_not(None))
    newest = select(attempts.c.outcome, attempts.c.reason_text).select_from(joined).where(mine)
    rows = tx.execute(newest.order_by(attempts.c.id.desc()).limit(count))
    return [(Outcome(row.outcome), row.reason_text) for row in rows]


def next_due_at(tx: Connection, organization: str) -> datetime | None:
    """When the next entry of an organization falls due (aware UTC), past or future; None: nothing waits."""
    waiting = and_(table.c.organization == organization, table.c.status.in_(list(CLAIMABLE)))
    found: datetime | None = tx.execute(select(func.min(table.c.next_attempt_at)).where(waiting)).scalar_one()
    return found


def started_since(tx: Connection, organization: str, since: datetime) -> int:
    """How many calls an organization's entries have started since then: for its pace a minute."""
    of_organization = select(func.count()).select_from(attempts.join(table, attempts.c.entry_id == table.c.id))
    count: int = tx.execute(
        of_organization.where(table.c.organization == organization, attempts.c.started_at > since)
    ).scalar_one()
    return count


def holder_of(tx: Connection, name: str, now: datetime) -> str | None:
    """Who holds a named lease now; None: nobody."""
    held = select(leases.c.holder).where(leases.c.name == name, leases.c.until >= now)
    holder: str | None = tx.execute(held).scalar_one_or_none()
    return holder


def take_lease(tx: Connection, name: str, holder: str, now: datetime, *, seconds: float) -> bool:
    """Take or renew a named lease; False while somebody else holds it."""
    until = now + timedelta(seconds=seconds)
    if insert_or_ignore(tx, leases, {"name": name, "holder": holder, "until": until}) is not None:
        return True
    free = and_(leases.c.name == name, or_(leases.c.holder == holder, leases.c.until < now))
    taken = tx.execute(update(leases).where(free).values(holder=holder, until=until))
    return cast("CursorResult[Any]", taken).rowcount == 1


def drop_lease(tx: Connection, name: str, holder: str) -> None:
    """Give a lease back early."""
    tx.execute(leases.delete().where(leases.c.name == name, leases.c.holder == holder))


# What every claim and every sweep asks is built once: building a query costs more than running it.

_MINE = table.c.organization == bindparam("organization")
_NOW = bindparam("now", type_=table.c.changed_at.type)
_IS_DUE = and_(table.c.status.in_(list(CLAIMABLE)), table.c.next_attempt_at <= _NOW)
_IS_TO_PROBE = and_(table.c.status == Status.UNKNOWN, table.c.probe_at <= _NOW)


def _next_due() -> Select[Any]:
    other, settled = table.alias("other"), bindparam("settled", type_=attempts.c.finished_at.type)
    site: BindParameter[Any] = bindparam("site", expanding=True)
    flies, may_fly = donors.flies(other, site), donors.may_fly(other, site, settled)
    # Plain addresses, and the blind values of sealed ones; all apart, so that the database may hash each.
    alone = []
    for name in ("donor_email", "donor_key"):
        nobodys, theirs = table.c[name] == "", other.c[name]
        alone.append(or_(nobodys, table.c[name].not_in(select(theirs).where(flies))))
        alone.append(or_(nobodys, table.c.kind == Kind.REFUND, table.c[name].not_in(select(theirs).where(may_fly))))
    found = select(table).where(_MINE, _IS_DUE, *alone).order_by(table.c.received_at, table.c.id)
    return found.limit(bindparam("limit"))


_NEXT_DUE = _next_due()
_STILL_DUE = _NEXT_DUE.where(table.c.id == bindparam("entry")).with_for_update(of=table)
_ANY_EXPIRED = select(table.c.id).where(table.c.status == Status.POSTING, table.c.lease_until < _NOW).limit(1)
_DUE_ORGANIZATIONS = select(table.c.organization).where(_IS_DUE).distinct()
_ORGANIZATIONS_TO_PROBE = select(table.c.organization).where(_IS_TO_PROBE).distinct()
_TO_PROBE = select(table).where(_MINE, _IS_TO_PROBE).order_by(table.c.received_at, table.c.id).limit(bindparam("limit"))
