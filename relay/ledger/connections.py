"""What is known about each connection, and the checks that are asked for, under way and done."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, func, or_, select, update

from relay.ledger.alert_tables import alert_messages
from relay.ledger.connection_tables import connection_checks as rounds
from relay.ledger.connection_tables import connections
from relay.ledger.events import insert_or_ignore
from relay.ledger.models import entries, leases, pauses
from relay.status import Kind, Status

# How long a worker holds the lease of the sweep; it takes it anew in half that time.
SWEEP_LEASE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Known:
    """One connection. Results and times speak of the credentials with this fingerprint, and of no others."""

    organization: str
    endpoint: str
    fingerprint: str
    since: datetime
    replaced: bool
    checks: list[dict[str, Any]]
    checked_at: datetime | None
    worked_at: datetime | None
    proven_at: datetime | None


@dataclass(frozen=True, slots=True)
class Round:
    """The checks of one organization. ``asked_at`` empty: none is asked for; ``begun_at`` empty: nobody took it up."""

    organization: str
    asked_at: datetime | None = None
    asked_by: str = ""
    begun_at: datetime | None = None
    ended_at: datetime | None = None


def known(tx: Connection, organizations: Collection[str]) -> dict[tuple[str, str], Known]:
    """What is known about the connections of these organizations ("*": of the whole relay)."""
    rows = tx.execute(select(connections).where(connections.c.organization.in_(organizations)))
    return {(row.organization, row.endpoint): Known(*row) for row in rows}


def meet(tx: Connection, organization: str, endpoint: str, fingerprint: str, now: datetime) -> None:
    """These credentials are in force from now on: what was found out with others is forgotten."""
    row = {"organization": organization, "endpoint": endpoint, "fingerprint": fingerprint, "since": now, "checks": []}
    if insert_or_ignore(tx, connections, row | {"replaced": False}) is None:
        nothing = {"checked_at": None, "worked_at": None, "proven_at": None, "replaced": True}
        others = _of(organization, endpoint) & (connections.c.fingerprint != fingerprint)
        tx.execute(update(connections).where(others).values(row | nothing))


def write(
    tx: Connection,
    place: tuple[str, str],
    fingerprint: str,
    checks: list[dict[str, Any]],
    now: datetime,
    *,
    works: bool,
) -> bool:
    """Write what a check found; False where other credentials are in force meanwhile."""
    found: dict[str, Any] = {"checks": checks, "checked_at": now}
    if works:
        found |= {"worked_at": now, "proven_at": func.coalesce(connections.c.proven_at, now)}
    mine = _of(*place) & (connections.c.fingerprint == fingerprint)
    written = tx.execute(update(connections).where(mine).values(found))
    return cast("CursorResult[Any]", written).rowcount == 1


def _of(organization: str, endpoint: str) -> Any:
    return (connections.c.organization == organization) & (connections.c.endpoint == endpoint)


# --- rounds of checks ---------------------------------------------------------------------------------------------


def rounds_of(tx: Connection, organizations: Collection[str]) -> dict[str, Round]:
    """How it stands with the checks of these organizations; those that never had one are left out."""
    rows = tx.execute(select(rounds).where(rounds.c.organization.in_(organizations)))
    return {row.organization: Round(*row) for row in rows}


def ask(tx: Connection, organization: str, who: str, now: datetime, *, rest: timedelta) -> bool:
    """Ask for a check; False where one is asked for already, or the last one ended less than ``rest`` ago."""
    if insert_or_ignore(tx, rounds, {"organization": organization, "asked_at": now, "asked_by": who}) is not None:
        return True
    rested = or_(rounds.c.ended_at.is_(None), rounds.c.ended_at <= now - rest)
    free = (rounds.c.organization == organization) & rounds.c.asked_at.is_(None) & rested
    asked = tx.execute(update(rounds).where(free).values(asked_at=now, asked_by=who, begun_at=None))
    return cast("CursorResult[Any]", asked).rowcount == 1


def waiting(tx: Connection) -> list[str]:
    """The organizations for which a check is asked for, the one that waits for longest first."""
    return list(
        tx.execute(
            select(rounds.c.organization).where(rounds.c.asked_at.is_not(None)).order_by(rounds.c.asked_at)
        ).scalars()
    )


def begin(tx: Connection, organization: str, now: datetime) -> None:
    """A worker has taken it up."""
    tx.execute(update(rounds).where(rounds.c.organization == organization).values(begun_at=now))


def end(tx: Connection, organization: str, now: datetime) -> None:
    """It is done."""
    done = {"asked_at": None, "begun_at": None, "ended_at": now}
    tx.execute(update(rounds).where(rounds.c.organization == organization).values(done))


# --- what the rest of the ledger tells about a connection ---------------------------------------------------------


def last_posted(tx: Connection, organization: str) -> tuple[datetime, Kind] | None:
    """When Luminate last recorded something of this organization, and what."""
    mine = (entries.c.organization == organization) & (entries.c.status == Status.POSTED)
    newest = select(entries.c.posted_at, entries.c.kind).where(mine, entries.c.posted_at.is_not(None))
    row = tx.execute(newest.order_by(entries.c.posted_at.desc()).limit(1)).first()
    return (row.posted_at, Kind(row.kind)) if row else None


def last_message(tx: Connection, channels: Collection[str]) -> datetime | None:
    """When somebody at one of these addresses (their digests) was last sent an alert."""
    sent = select(func.max(alert_messages.c.sent_at)).where(alert_messages.c.channel.in_(channels))
    found: datetime | None = tx.execute(sent).scalar_one() if channels else None
    return found


def last_swept(tx: Connection) -> datetime | None:
    """When a worker last looked at the ledger, to some seconds; None: not known since a sweep by hand."""
    until: datetime | None = tx.execute(select(leases.c.until).where(leases.c.name == "sweep")).scalar_one_or_none()
    return until and until - timedelta(seconds=SWEEP_LEASE_SECONDS)


def hurry(tx: Connection, organization: str, now: datetime, reasons: Iterable[str]) -> None:
    """Let the sweep try a pause that has one of these reasons at once, instead of at its next turn."""
    mine = (pauses.c.organization == organization) & pauses.c.reason.in_(tuple(reasons))
    tx.execute(update(pauses).where(mine, pauses.c.check_at > now).values(check_at=now))
