"""The sections of the console, and who sees which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from relay.access import Actor, Permission


@dataclass(frozen=True, slots=True)
class Section:
    """One line of the menu. ``second``: stands in the quiet part, for whoever runs relay."""

    label: str
    path: str
    permission: Permission
    second: bool = False


SECTIONS = (
    Section("Today", "/console/", Permission.READ),
    Section("Needs attention", "/console/attention", Permission.READ),
    Section("Gifts", "/console/gifts", Permission.READ),
    Section("In Luminate?", "/console/unknown", Permission.READ),
    Section("Replays", "/console/replays", Permission.READ),
    Section("To approve", "/console/proposals", Permission.READ),
    Section("Funds", "/console/funds", Permission.READ),
    Section("Sources", "/console/sources", Permission.READ, second=True),
    Section("Connections", "/console/connections", Permission.READ, second=True),
    Section("Settings", "/console/settings", Permission.READ, second=True),
    Section("People", "/console/people", Permission.MANAGE, second=True),
    Section("Tokens", "/console/tokens", Permission.MANAGE, second=True),
    Section("Audit", "/console/audit", Permission.MANAGE, second=True),
)


@dataclass(frozen=True, slots=True)
class Navigation:
    """The menu as one actor sees it on one page. ``here`` is the section's path, "" on a page of none."""

    first: tuple[Section, ...]
    second: tuple[Section, ...]
    here: str


def navigation(actor: Actor, path: str, organizations: Iterable[str]) -> Navigation:
    """The sections in which the actor may do something, and the one that ``path`` belongs to."""
    known = tuple(organizations)
    mine = [section for section in SECTIONS if actor.within(section.permission, known)]
    inside = [one.path for one in mine if path == one.path or path.startswith(f"{one.path}/")]
    return Navigation(
        first=tuple(section for section in mine if not section.second),
        second=tuple(section for section in mine if section.second),
        here=max(inside, key=len, default=""),
    )
