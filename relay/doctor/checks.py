"""One line of the doctor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Level(StrEnum):
    """How it stands with one part."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, how it stands, one sentence about it, and what to do if it is not well.

    ``details``: the same for programs, where there are numbers or times; times are ISO 8601 in UTC.
    """

    name: str
    level: Level
    text: str
    what_to_do: str = ""
    details: Mapping[str, object] = field(default_factory=dict)


def ok(name: str, text: str) -> Check:
    """All is well."""
    return Check(name, Level.OK, text)


def warning(name: str, text: str, what_to_do: str) -> Check:
    """It works, and somebody should look."""
    return Check(name, Level.WARNING, text, what_to_do)


def failed(name: str, text: str, what_to_do: str) -> Check:
    """It does not work."""
    return Check(name, Level.FAILED, text, what_to_do)


def worst(checks: Iterable[Check]) -> Level:
    """How it stands with what these are about. What cannot be proven by reading is a doubt, and no fault."""
    levels = {check.level for check in checks if check.details.get("proven", True)}
    return next((level for level in (Level.FAILED, Level.WARNING) if level in levels), Level.OK)
