"""The whole sandbox: its organizations, faults, log of calls, clock and store."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

from . import settings
from .calls import CallLine, CallLog
from .clock import Clock
from .defaults import new_organization
from .faults import FaultList
from .messages import Reply
from .records import gift_of, refund_of, shown_gift
from .sessions import Sessions
from .site import Constituent, Organization
from .soap_sessions import SoapSessions
from .store import Store

COUNTED = ("gifts", "refunds", "receipts", "registration_emails", "auto_responders", "calls")


class Sandbox:
    """Everything a server needs. One lock guards the table of organizations, each of them has its own."""

    def __init__(self, store: Path | None = None) -> None:
        self._organizations: dict[str, Organization] = {}
        self._lock = threading.Lock()
        self.last_replies: dict[str, Reply] = {}
        self.faults, self.calls, self.clock, self.sessions = FaultList(), CallLog(), Clock(), Sessions()
        self.soap_sessions = SoapSessions()
        self.store = Store(store)
        for kind, organization, value in self.store.lines():
            self._replay(kind, organization, value)

    def organization(self, name: str) -> Organization:
        """The organization of that name; a new name is one with the defaults."""
        with self._lock:
            if name not in self._organizations:
                self._organizations[name] = new_organization(name)
            return self._organizations[name]

    def organizations(self) -> list[Organization]:
        with self._lock:
            return list(self._organizations.values())

    def change(self, name: str, posted: Any) -> None:
        """Changes the settings of an organization and keeps the change. Raises shapes.Refused."""
        settings.change(self.organization(name), posted)
        self.store.add("settings", name, posted)

    def reset(self, name: str | None = None) -> None:
        """Forgets what was recorded, and the settings: of one organization, or of all together with the faults."""
        self.store.add("reset", name, None)
        self._forget(name)
        if name is None:
            self.faults.replace([])
            self.sessions, self.soap_sessions, self.clock = Sessions(), SoapSessions(), Clock()

    def _forget(self, name: str | None) -> None:
        with self._lock:
            for gone in [one for one in self._organizations if name in (None, one)]:
                del self._organizations[gone]
                self.last_replies.pop(gone, None)
        self.calls.forget(name)

    def donations(self, name: str | None = None) -> list[dict[str, Any]]:
        """Every gift in the order of recording within its organization."""
        found = []
        for organization in self.organizations():
            if name in (None, organization.name):
                with organization.lock:
                    found += [shown_gift(organization.name, gift) for gift in organization.gifts.values()]
        return found

    def counts(self, name: str | None = None) -> dict[str, int]:
        total: Counter[str] = Counter()
        for organization in self.organizations():
            if name in (None, organization.name):
                total.update(organization.counts)
        return {what: total[what] for what in COUNTED}

    def _replay(self, kind: str, name: str | None, value: Any) -> None:
        """Brings one line of the store back."""
        if kind == "reset":
            self._forget(name)
            return
        organization = self.organization(str(name))
        if kind == "gift":
            _restore_gift(organization, value)
        elif kind == "refund":
            organization.keep_refund(organization.gifts[value["confirmation_code"]], refund_of(value["refund"]))
        elif kind == "settings":
            settings.change(organization, value)
        elif kind == "call":
            organization.counts["calls"] += 1
            self.calls.restore(CallLine(**value))


def _restore_gift(organization: Organization, value: dict[str, Any]) -> None:
    person = Constituent(**value["constituent"])
    if person.cons_id not in organization.constituents:
        organization.keep_constituent(person)
    organization.keep_gift(gift_of(value["gift"]))
