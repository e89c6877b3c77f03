"""What is wrong, raised once and ended once; and the messages of it: claimed, sent, tried again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, insert, select, update

from relay.ledger.alert_tables import alert_messages as messages
from relay.ledger.alert_tables import alerts
from relay.ledger.events import insert_or_ignore

RAISED, ENDED, DAILY = "raised", "ended", "daily"


def channel(kind: str, address: str) -> str:
    """What an address is called here: a digest, since it may be a secret."""
    return hashlib.sha256(f"{kind}:{address}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that is or was wrong."""

    id: int
    organization: str
    kind: str
    key: str
    since: datetime
    headline: str
    said_at: datetime
    said_of: datetime | None
    told_at: datetime | None
    ended_at: datetime | None
    told_end_at: datetime | None
    calm_since: datetime | None
    back_since: datetime | None
    returns: int
    endings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a message says: ``facts`` are the same in fields, for programs."""

    subject: str
    text: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that a worker has taken to send."""

    id: int
    alert: int
    organization: str
    role: str
    channel: str
    said: Said
    made_at: datetime
    claims: int
    failures: int
    # The alert was over before this could be told.
    is_over: bool


def open_ones(tx: Connection, organization: str) -> dict[tuple[str, str], Alert]:
    """What is raised and not over, by kind and key."""
    mine = select(alerts).where(alerts.c.organization == organization, alerts.c.ended_at.is_(None))
    return {(row.kind, row.key): Alert(*row) for row in tx.execute(mine)}


def ended_since(tx: Connection, organization: str, moment: datetime) -> dict[tuple[str, str], Alert]:
    """What was over after that moment, by kind and key; of several the newest."""
    mine = select(alerts).where(alerts.c.organization == organization, alerts.c.ended_at > moment)
    return {(row.kind, row.key): Alert(*row) for row in tx.execute(mine.order_by(alerts.c.id))}


def came_back(tx: Connection, organization: str) -> list[Alert]:
    """What came back since the last daily summary, which counts it: from now on it is counted anew."""
    back = (alerts.c.organization == organization) & (alerts.c.returns > 0)
    found = [Alert(*row) for row in tx.execute(select(alerts).where(back).order_by(alerts.c.id))]
    tx.execute(update(alerts).where(back).values(returns=0))
    return found


def newest(tx: Connection, organization: str, limit: int) -> list[Alert]:
    """The open ones and the latest of the others, newest first; the daily summary is none."""
    mine = select(alerts).where(alerts.c.organization == organization, alerts.c.kind != DAILY)
    order = (alerts.c.ended_at.is_not(None), alerts.c.since.desc(), alerts.c.id.desc())
    return [Alert(*row) for row in tx.execute(mine.order_by(*order).limit(limit))]


def begin(
    tx: Connection,
    organization: str,
    what: tuple[str, str],
    since: datetime,
    now: datetime,
    *,
    headline: str = "",
    said_of: datetime | None = None,
) -> int | None:
    """Raise it; None where it is raised already."""
    kind, key = what
    row = {"organization": organization, "kind": kind, "key": key, "since": since, "headline": headline}
    number: int | None = insert_or_ignore(tx, alerts, row | {"said_at": now, "said_of": said_of})
    return number


def say_again(
    tx: Connection, alert: Alert, now: datetime, *, headline: str = "", said_of: datetime | None = None
) -> bool:
    """Claim the right to say it anew; False where another has, or where it is over. Unsent words are taken back."""
    same = (alerts.c.id == alert.id) & (alerts.c.said_at == alert.said_at) & alerts.c.ended_at.is_(None)
    values = {"said_at": now, "said_of": said_of, "headline": headline}
    if tx.execute(update(alerts).where(same).values(values)).rowcount != 1:
        return False
    _take_back(tx, alert.id)
    return True


def end(tx: Connection, alert: Alert, now: datetime) -> set[str] | None:
    """It is over. Gives back whom its beginning reached, or is about to; None where another ended it."""
    still = (alerts.c.id == alert.id) & alerts.c.ended_at.is_(None)
    still &= alerts.c.calm_since == alert.calm_since
    over = {"ended_at": now, "calm_since": None, "endings": alerts.c.endings + 1}
    if tx.execute(update(alerts).where(still).values(over)).rowcount != 1:
        return None
    _take_back(tx, alert.id)
    begun = (messages.c.alert_id == alert.id) & (messages.c.role == RAISED)
    reached = messages.c.sent_at.is_not(None) | messages.c.due_at.is_not(None)
    return set(tx.execute(select(messages.c.channel).where(begun, reached)).scalars())


def calm(tx: Connection, alert: Alert, now: datetime) -> None:
    """It is no more; whether it is over, time will tell."""
    still = (alerts.c.id == alert.id) & alerts.c.ended_at.is_(None) & alerts.c.calm_since.is_(None)
    tx.execute(update(alerts).where(still).values(calm_since=now))


def stir(tx: Connection, alert: Alert) -> None:
    """It is there again before it was over."""
    same = (alerts.c.id == alert.id) & (alerts.c.calm_since == alert.calm_since)
    tx.execute(update(alerts).where(same).values(calm_since=None, returns=alerts.c.returns + 1))


def back(tx: Connection, alert: Alert, now: datetime) -> None:
    """It is there again after it was over; whether that is worth a message, time will tell."""
    same = (alerts.c.id == alert.id) & (alerts.c.ended_at == alert.ended_at) & alerts.c.back_since.is_(None)
    tx.execute(update(alerts).where(same).values(back_since=now, returns=alerts.c.returns + 1))


def away(tx: Connection, alert: Alert, now: datetime) -> None:
    """It had come back for a while that was worth no message, and ends anew."""
    same = (alerts.c.id == alert.id) & (alerts.c.back_since == alert.back_since)
    tx.execute(update(alerts).where(same).values(back_since=None, ended_at=now))


def reopen(tx: Connection, alert: Alert, now: datetime, *, headline: str, said_of: datetime | None) -> bool:
    """It came back to stay: claim the right to say so; False where another has. Unsent words are taken back."""
    same = (alerts.c.id == alert.id) & (alerts.c.ended_at == alert.ended_at) & alerts.c.back_since.is_not(None)
    values = {"said_at": now, "said_of": said_of, "headline": headline}
    anew = {"ended_at": None, "told_end_at": None, "back_since": None}
    if tx.execute(update(alerts).where(same).values(values | anew)).rowcount != 1:
        return False
    _take_back(tx, alert.id)
    return True


def _take_back(tx: Connection, alert: int) -> None:
    """Messages that nobody has, and that nobody is sending now."""
    waits = (messages.c.alert_id == alert) & messages.c.due_at.is_not(None)
    tx.execute(delete(messages).where(waits, messages.c.claims == messages.c.failures))


def put(tx: Connection, alert: int, role: str, channels: Iterable[str], said: Said, now: datetime) -> None:
    """One message for each of these channels, due at once."""
    same = {"alert_id": alert, "role": role, "subject": said.subject, "text": said.text, "facts": dict(said.facts)}
    rows = [{**same, "channel": channel, "made_at": now, "due_at": now} for channel in sorted(channels)]
    if rows:
        tx.execute(insert(messages), rows)


def due(tx: Connection, now: datetime) -> list[int]:
    """The messages to send, oldest first. What nobody knows of yet, and is no more, waits until that is sure."""
    beginning = (messages.c.role == RAISED) & alerts.c.calm_since.is_not(None)
    whole = messages.join(alerts, alerts.c.id == messages.c.alert_id)
    waits = select(messages.c.id).select_from(whole).where(messages.c.due_at <= now, ~beginning)
    return list(tx.execute(waits.order_by(messages.c.id)).scalars())


def claim(tx: Connection, number: int, now: datetime, *, seconds: float) -> Message | None:
    """Take one message to send it; None where another has. Written before the call, so that a crash is seen."""
    taken = {"due_at": now + timedelta(seconds=seconds), "claims": messages.c.claims + 1}
    ready = (messages.c.id == number) & (messages.c.due_at <= now)
    if tx.execute(update(messages).where(ready).values(taken)).rowcount != 1:
        return None
    row = tx.execute(_message(messages.c.id == number)).one()
    said = Said(subject=row.subject, text=row.text, facts=row.facts)
    return Message(
        id=row.id, alert=row.alert_id, organization=row.organization, role=row.role, channel=row.channel, said=said,
        made_at=row.made_at, claims=row.claims, failures=row.failures,
        is_over=row.role == RAISED and row.ended_at is not None,
    )  # fmt: skip


def _message(which: ColumnElement[bool]) -> Select[Any]:
    beside = (alerts.c.organization, alerts.c.ended_at)
    return select(messages, *beside).join(alerts, alerts.c.id == messages.c.alert_id).where(which)


def sent(tx: Connection, message: Message, now: datetime) -> None:
    """Somebody has it."""
    tx.execute(update(messages).where(messages.c.id == message.id).values(sent_at=now, due_at=None, problem=""))
    told = {RAISED: alerts.c.told_at, ENDED: alerts.c.told_end_at, DAILY: alerts.c.told_at}[message.role]
    mine = (alerts.c.id == message.alert) & (told.is_(None) if message.role != DAILY else told.is_(None) | (told < now))
    tx.execute(update(alerts).where(mine).values({told: now}))


def failed(tx: Connection, message: Message, problem: str, again_at: datetime | None) -> None:
    """Nobody has it; None: nothing more is tried."""
    noted = {"problem": problem, "due_at": again_at, "failures": messages.c.failures + 1}
    tx.execute(update(messages).where(messages.c.id == message.id).values(noted))


def of(tx: Connection, alert: int) -> list[Row[Any]]:
    """The messages of one alert, oldest first."""
    return list(tx.execute(select(messages).where(messages.c.alert_id == alert).order_by(messages.c.id)))


def forget(tx: Connection, before: datetime) -> None:
    """Drop messages of long ago that nothing more happens to."""
    tx.execute(delete(messages).where(messages.c.due_at.is_(None), messages.c.made_at < before))
