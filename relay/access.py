"""Who may do what: roles, permissions, and the one who asks.

Every use case that a person or a program starts takes an ``Actor`` and asks it first; pages and the API ask the same
questions, so that a request made by hand meets the same answer. An organization outside an actor's reach does not
exist for it: not as a page, a count, a suggestion or another error message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from relay.errors import NotAllowed

# The place in a mapping of roles that stands for every organization.
EVERYWHERE = "*"


class Role(StrEnum):
    """What a person is in one organization; each may all that the one before may."""

    VIEWER = "viewer"
    FINANCE = "finance"
    ADMIN = "admin"


class Permission(StrEnum):
    """What can be allowed. For tokens of the API these are the scopes."""

    READ = "read"  # gifts, donors, figures, exports
    ACT = "act"  # correct, replay, resolve, close, reopen, note
    AGREE = "agree"  # be the second person of a correction
    MAP = "map"  # edit the fund map
    MANAGE = "manage"  # people, tokens, the audit, pauses, settings


_OF_ROLE: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.READ}),
    Role.FINANCE: frozenset({Permission.READ, Permission.ACT, Permission.AGREE, Permission.MAP}),
    Role.ADMIN: frozenset(Permission),
}


class Through(StrEnum):
    """The door somebody came through."""

    CONSOLE = "console"
    API = "api"
    COMMAND = "command"
    # Nobody: relay itself, as it is configured.
    RELAY = "relay"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. ``name`` is an e-mail address, ``token NAME`` or the name of whoever runs a command.

    ``allowed``: organization (or EVERYWHERE) -> what it may there.
    """

    name: str
    through: Through
    allowed: Mapping[str, frozenset[Permission]] = field(default_factory=dict)

    def may(self, permission: Permission, organization: str) -> bool:
        """Whether it may do this in that organization."""
        here, everywhere = self.allowed.get(organization), self.allowed.get(EVERYWHERE)
        return permission in (here or frozenset()) or permission in (everywhere or frozenset())

    def need(self, permission: Permission, organization: str) -> None:
        """Raise NotAllowed unless it may."""
        if not self.may(permission, organization):
            raise NotAllowed(f"{self.name} may not {permission} in '{organization}'", organization)

    def within(self, permission: Permission, organizations: Iterable[str]) -> tuple[str, ...]:
        """Those of the organizations where it may, sorted."""
        return tuple(sorted(name for name in organizations if self.may(permission, name)))


def allowed_by(roles: Mapping[str, Role]) -> dict[str, frozenset[Permission]]:
    """What these roles allow: organization (or EVERYWHERE) -> permissions."""
    return {organization: _OF_ROLE[role] for organization, role in roles.items()}


def operator(name: str) -> Actor:
    """Whoever can run a command on the server may everything."""
    return Actor(name, Through.COMMAND, {EVERYWHERE: frozenset(Permission)})
