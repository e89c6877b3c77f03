"""The designees a site offers, by name: what a person chooses from when a fund is mapped."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from relay.config import Organization
from relay.errors import TransportError
from relay.luminate.client import LuminateClient
from relay.luminate.replies import read_reply

# How long a list is good for, and how soon after a failure it is asked for again (seconds).
FRESH_SECONDS = 300.0
AGAIN_SECONDS = 30.0
# A person waits for the page: a list that does not come soon is done without (seconds).
PATIENCE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Designees:
    """Designee id -> name; ``missing`` is empty or says why there is no list."""

    names: Mapping[int, str] = field(default_factory=dict)
    missing: str = ""


def hasty_client(organization: Organization) -> LuminateClient:
    """A client that gives up soon: somebody looks at an empty page meanwhile."""
    site = organization.luminate
    connect, read = min(site.connect_timeout, PATIENCE_SECONDS), min(site.read_timeout, PATIENCE_SECONDS)
    return LuminateClient(replace(site, connect_timeout=connect, read_timeout=read))


class DesigneeLists:
    """The lists of all organizations, each kept for some minutes."""

    def __init__(self, client_for: Callable[[Organization], LuminateClient] = hasty_client) -> None:
        """Take what makes a client; a client is used for one call."""
        self._client_for = client_for
        self._kept: dict[str, tuple[float, Designees]] = {}

    def of(self, organization: Organization) -> Designees:
        """The organization's designees, at most some minutes old. Never raises: a page can do without."""
        until, kept = self._kept.get(organization.name, (0.0, Designees()))
        if time.monotonic() < until:
            return kept
        found = _asked(self._client_for(organization))
        seconds = AGAIN_SECONDS if found.missing else FRESH_SECONDS
        self._kept[organization.name] = (time.monotonic() + seconds, found)
        return found


def _asked(client: LuminateClient) -> Designees:
    try:
        answer = client.get_designees()
    except TransportError as error:
        said = str(error).partition(": ")[2] or str(error)
        return Designees(missing=f"Luminate's list of designees cannot be read now. {said}")
    told = read_reply(answer).data.get("getDesigneesResponse")
    if not isinstance(told, dict):
        return Designees(missing="Luminate does not tell its list of designees.")
    found = told.get("designee")
    rows = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return Designees({int(row["id"]): str(row.get("name") or "") for row in rows if str(row.get("id")).isdecimal()})
