"""The words of alerts: causes, sums, times. Only our own: no word that a donor, a provider or Luminate chose."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta

from relay import words
from relay.ledger.signs import Flow, Waits
from relay.luminate.outcomes import COMMON_CODES
from relay.luminate.problems import REASONS
from relay.money import Money
from relay.reports.causes import cause_of
from relay.status import Kind, Outcome, Status

_KINDS: Mapping[Kind, tuple[str, str]] = {
    Kind.GIFT: ("gift", "gifts"),
    Kind.REFUND: ("refund", "refunds"),
    Kind.REINSTATEMENT: ("reinstatement", "reinstatements"),
}
_OF_STATUS: Mapping[Status, str] = {
    Status.HELD: "Another reason, which the console tells",
    Status.REJECTED: "Luminate refused it; the console has its words",
    Status.UNKNOWN: "relay looked and found no proof either way",
}
_OF_PAUSE: Mapping[str, str] = {
    "paused_by_person": "A person paused it; the console says who, and why",
    "recovering": "The ledger was restored from a backup",
    "asked_to_wait": "Luminate asked relay to wait",
    "circuit_open": "Several calls to Luminate in a row ended without an answer",
    "same_refusal": "Most of the last gifts were refused for one reason, as after a change of settings there",
}
# What Luminate's common codes mean, in our words.
_BLOCKED = {reason: text for outcome, reason, text in COMMON_CODES.values() if outcome is Outcome.BLOCKED}
_REFUSED = {reason: text for outcome, reason, text in COMMON_CODES.values() if outcome is Outcome.REJECTED}


def of(status: Status, reason: str) -> str:
    """Why entries of this status and reason wait for a person."""
    if status is Status.HELD:
        named = cause_of(status, reason, "")
        if named.key == reason:
            return named.sentence
        if reason in REASONS:
            return REASONS[reason][:1].upper() + REASONS[reason][1:]
    if status is Status.REJECTED and reason in _REFUSED:
        return _REFUSED[reason].rstrip(".")
    return _OF_STATUS[status]


def of_pause(reason: str) -> str:
    """Why posting is paused."""
    return _OF_PAUSE.get(reason) or _BLOCKED.get(reason, "Luminate does not let relay in").rstrip(".")


def counted(rows: Collection[Waits | Flow]) -> str:
    """``2 gifts and 1 refund``."""
    counts = {kind: sum(row.count for row in rows if row.kind is kind) for kind in Kind}
    return " and ".join(words.count(count, *_KINDS[kind]) for kind, count in counts.items() if count) or "nothing"


def sums(amounts: Iterable[Money]) -> list[Money]:
    """One sum for each currency."""
    found: dict[str, int] = {}
    for amount in amounts:
        found[amount.currency] = found.get(amount.currency, 0) + amount.minor
    return [Money(minor, currency) for currency, minor in sorted(found.items())]


def money(amounts: Iterable[Money]) -> str:
    """Sums of several currencies, one behind the other."""
    return " and ".join(words.money(amount) for amount in amounts)


def fields(amounts: Iterable[Money]) -> list[dict[str, str]]:
    """The same for programs."""
    return [{"amount": str(amount.decimal), "currency": amount.currency} for amount in amounts]


def lasting(time: timedelta) -> str:
    """``2 days and 4 hours``, ``50 minutes``."""
    minutes = max(1, round(time.total_seconds() / 60))
    days, hours = divmod(minutes // 60, 24)
    if days:
        return words.count(days, "day") + (f" and {words.count(hours, 'hour')}" if hours else "")
    return words.count(hours, "hour") if hours else words.count(minutes, "minute")
