"""What many platforms tell in the same plain words: a name in two parts, a yes or no, one fund code."""

from __future__ import annotations

from relay.gifts import Designation, Name
from relay.providers.metadata import MAX_CODE


def name_of(first: str, last: str, full: str = "") -> Name:
    """A name in parts where both are told: half a name is worse than one whole text."""
    return Name(first=first, last=last) if first and last else Name(full=full or first or last)


def yes_or_no(value: object) -> bool | None:
    """A yes or a no; None for anything else."""
    return value if isinstance(value, bool) else None


def fund_of(code: str) -> tuple[Designation, ...]:
    """The whole gift for one fund; nothing where none is named."""
    return (Designation(fund=code[:MAX_CODE]),) if code else ()
