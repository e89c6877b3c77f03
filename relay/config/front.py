"""What stands in front of the console: proxies that are believed, and an identity provider that vouches for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from relay.config.problems import Problem

OIDC_VARIABLES = {
    "oidc_issuer": "OIDC_ISSUER",
    "oidc_client_id": "OIDC_CLIENT_ID",
    "oidc_client_secret": "OIDC_CLIENT_SECRET",  # nosec B105  # the name of a variable
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Oidc:
    """An OpenID Connect provider; its addresses are discovered below ``issuer``."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)

    @property
    def host(self) -> str:
        """What people know it by."""
        return urlsplit(self.issuer).hostname or self.issuer


def wrong_issuer(url: str) -> str:
    """Why this cannot be an issuer, "" if it can."""
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname == "localhost")
    if not is_safe or not parts.hostname or parts.query or parts.fragment:
        return "must be the https:// address under which your identity provider publishes its OpenID configuration"
    return ""


def take_oidc(values: dict[str, Any]) -> Oidc | None:
    """The provider in ``values``, which loses its parts; None unless all three are there."""
    parts = {name.removeprefix("oidc_"): values.pop(name, "") for name in OIDC_VARIABLES}
    return Oidc(**parts) if all(parts.values()) else None


def incomplete_oidc(given: frozenset[str]) -> Iterator[Problem]:
    """One part without the others."""
    wanted = set(OIDC_VARIABLES.values())
    if given & wanted:
        yield from (
            Problem((name,), "is not set, but belongs to the other OIDC_ variables") for name in sorted(wanted - given)
        )
