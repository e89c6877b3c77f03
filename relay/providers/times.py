"""Moments as providers write them in texts (ISO 8601)."""

from __future__ import annotations

from datetime import UTC, date, datetime

from relay.providers.base import text

# The ledger's and every reader's sane years; anything else is a slip or an attack.
_YEARS = range(1990, 2200)


def instant(value: object) -> datetime | None:
    """Aware UTC from a text such as 2026-01-03T10:00:00.5Z or 2026-01-03T11:00:00+01:00; None for anything else.

    A text without an offset is taken as UTC.
    """
    written = text(value)
    try:
        found = datetime.fromisoformat(written) if "T" in written else None
        aware = found and (found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC))
    except (ValueError, OverflowError):
        return None
    return aware if aware and aware.year in _YEARS else None


def day(value: object) -> date | None:
    """A calendar date such as 2026-01-03, in no zone; None for anything else."""
    try:
        found = date.fromisoformat(text(value))
    except ValueError:
        return None
    return found if found.year in _YEARS else None
