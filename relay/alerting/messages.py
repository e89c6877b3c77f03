"""What a message says, in full: its subject, its text for a person, its facts for a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from relay import words
from relay.alerting import causes
from relay.alerting.signs import Asked, Kind, Sign, needs_person, paused, unknown
from relay.config import Organization
from relay.ledger import signs
from relay.ledger.alerts import DAILY, ENDED, RAISED, Alert, Said

WHAT_TO_DO: Mapping[Kind, str] = {
    Kind.NEEDS_PERSON: "Open Needs attention: each cause says what mends it. Nothing is lost, and nothing goes twice.",
    Kind.UNKNOWN: "Look for each in Luminate, then say in the console whether it is there; send none again before.",
    Kind.PAUSED: "Open the console; whoever runs relay can ask `flask doctor` what Luminate does not like.",
    Kind.SILENCE: "See at the processor whether gifts came, and whether its webhook to relay is on and succeeds.",
    Kind.SIGNATURES: "See at the processor whether its webhook secret was changed; if so, give relay the new one.",
    Kind.BACKLOG: "Whoever runs relay: are the workers running? `flask doctor` says more.",
    Kind.BALANCE: "Whoever runs relay: this is a fault. Keep a backup of the database, and report it.",
}
_OVER: Mapping[str, str] = {
    Kind.NEEDS_PERSON: "nothing needs a person any more",
    Kind.UNKNOWN: "every gift is known to be in Luminate, or not to be",
    Kind.PAUSED: "posting to Luminate goes on",
    Kind.SILENCE: "events come from {key} again",
    Kind.SIGNATURES: "no wrong signatures from {key} any more",
    Kind.BACKLOG: "what waited for Luminate goes again",
    Kind.BALANCE: "the balance of {key} adds up again",
}
# The page of the console that each is about.
_PAGES: Mapping[str, str] = {
    Kind.NEEDS_PERSON: "attention",
    Kind.UNKNOWN: "attention",
    Kind.SILENCE: "sources",
    Kind.SIGNATURES: "sources",
}
_LONGEST_SUBJECT = 200


def raised(organization: Organization, sign: Sign, public_url: str) -> Said:
    """Something is wrong."""
    lines = [f"- {line}" for line in sign.lines] if len(sign.lines) > 1 else list(sign.lines)
    text = (f"{_capital(sign.headline)}.", *lines, "", WHAT_TO_DO[sign.kind])
    facts = {"kind": str(sign.kind), "since": sign.since.isoformat(), **sign.facts}
    return _said(organization, RAISED, sign.headline, text, facts, _link(public_url, organization, sign.kind))


def ended(organization: Organization, alert: Alert, now: datetime, public_url: str) -> Said:
    """It is over."""
    over = _OVER.get(alert.kind, "over").replace("{key}", alert.key)
    was = f"It was: {alert.headline}; told on {words.minute(alert.said_at, organization.time_zone)}."
    facts = {"kind": alert.kind, "since": alert.since.isoformat(), "ended_at": now.isoformat()}
    text = (f"{_capital(over)}.", was)
    return _said(organization, ENDED, f"over: {over}", text, facts, _link(public_url, organization, alert.kind))


def daily(asked: Asked, begin: datetime, end: datetime, back: Sequence[Alert], public_url: str) -> Said:
    """The summary of a day that has ended, what is open now, and what came ``back`` without a message of its own."""
    organization, day = asked.organization, words.day(begin, asked.organization.time_zone)
    came = signs.received(asked.tx, organization.name, begin, end)
    went = signs.posted(asked.tx, organization.name, begin, end)
    open_ones = [sign for rule in (needs_person, unknown, paused) for sign in rule(asked)]
    waits = [f"- {_capital(sign.headline)}." for sign in open_ones] or ["Nothing waits for anybody."]
    again = [f"- {_capital(alert.headline)}: {words.count(alert.returns, 'time')}." for alert in back]
    text = (f"Received: {_flow(came)}.", f"Recorded in Luminate: {_flow(went)}.", "", "Now:", *waits)
    text += ("", "Came back again since the last summary:", *again) if again else ()
    headline = f"{day}: {_flow(came)} received, {_flow(went)} recorded"
    facts = {"day": f"{begin.astimezone(organization.time_zone):%Y-%m-%d}"}
    return _said(organization, DAILY, headline, text, facts, _link(public_url, organization, ""))


def _flow(rows: list[signs.Flow]) -> str:
    """``3 gifts ($75.00) and 1 refund ($5.00)``."""
    parts = []
    for kind in dict.fromkeys(row.kind for row in rows):
        same = [row for row in rows if row.kind is kind]
        parts.append(f"{causes.counted(same)} ({causes.money(causes.sums(row.amount for row in same))})")
    return " and ".join(parts) or "nothing"


def trial(organization: Organization, public_url: str) -> Said:
    """What ``flask alerts test`` sends."""
    text = ("Somebody tests whether alerts arrive. They do; there is nothing to do.",)
    return _said(organization, "test", "a test", text, {}, _link(public_url, organization, ""))


def _said(
    organization: Organization, role: str, headline: str, text: tuple[str, ...], facts: Mapping[str, Any], link: str
) -> Said:
    # A title is for people to choose: it must not break out of a header.
    title = " ".join((organization.title or organization.name).split())
    told = {"organization": organization.name, "state": role, **facts} | ({"link": link} if link else {})
    whole = "\n".join((*text, *(["", link] if link else [])))
    return Said(subject=f"{title}: {headline}"[:_LONGEST_SUBJECT], text=whole, facts=told)


def _link(public_url: str, organization: Organization, kind: str) -> str:
    return f"{public_url}/console/{_PAGES.get(kind, '')}?in={organization.name}" if public_url else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def day_before(organization: Organization, moment: datetime) -> tuple[datetime, datetime]:
    """From midnight to midnight over there, the day before this moment."""
    midnight = moment.astimezone(organization.time_zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=1), midnight


def last_hour_of(organization: Organization, now: datetime) -> datetime | None:
    """The last moment at which a daily summary was due; None: none is sent."""
    at = organization.alerts.daily_at
    if at is None:
        return None
    local = now.astimezone(organization.time_zone)
    today = local.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return today if today <= local else today - timedelta(days=1)
