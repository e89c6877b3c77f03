"""Replay, correction, closing, resolving: what a named person does to entries, always with a reason.

History only grows: every act is a row of ``corrections`` with before and after. Nothing here calls Luminate; it
puts entries back in line, and posting does the rest. A replay mails nobody unless someone chose it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from relay import refunding
from relay.booking import HELD_BY_PERSON
from relay.config import Organization
from relay.errors import ReplayRefused, TransitionRefused
from relay.giving import gift_columns
from relay.ledger import entries
from relay.ledger.codec import gift_from_json
from relay.ledger.db import Database
from relay.ledger.entries import Entry
from relay.ledger.payments import Source
from relay.ledger.search import Filter, listing
from relay.luminate.rules import is_locked
from relay.refunding import Desk
from relay.status import Kind, Status

# What a person may send again without proof: surely not in Luminate.
REPLAYABLE = frozenset({Status.HELD, Status.REJECTED, Status.RETRYING})
_WHY_NOT = {
    Status.POSTED: "it is in Luminate already",
    Status.POSTING: "a call is under way",
    Status.QUEUED: "it is in line already",
    Status.WAITING: "it waits for its gift and goes by itself",
    Status.UNKNOWN: "Luminate may have it; look there first, then `flask resolve`",
    Status.CLOSED: "it is closed; reopen it first",
}


@dataclass(frozen=True, slots=True)
class Planned:
    """What a replay would do with one entry: ``refused`` is empty or says why it stays as it is."""

    entry: Entry
    refused: str
    effect: str


class Replay:
    """The use cases behind ``flask replay``, ``correct``, ``close``, ``reopen`` and ``resolve``."""

    def __init__(self, database: Database, organizations: Mapping[str, Organization]) -> None:
        """Take the parts."""
        self.database = database
        self.organizations = organizations

    def plan(self, wanted: Filter, *, mail: bool = False) -> list[Planned]:
        """What a replay of these entries would do, in the order received; nothing is changed."""
        if wanted.is_everything:
            raise ReplayRefused("name an entry or a filter: everything at once is never replayed")
        with self.database.read() as tx:
            return [self._planned(entry, mail=mail) for entry in listing(tx, wanted)]

    def _planned(self, entry: Entry, *, mail: bool) -> Planned:
        organization = self.organizations.get(entry.organization)
        if organization is None:
            return Planned(entry, f"organization '{entry.organization}' is not configured any more", "")
        if entry.merged_into is not None:
            return Planned(entry, f"it is the same payment as entry {entry.merged_into}", "")
        if entry.status not in REPLAYABLE:
            return Planned(entry, _WHY_NOT[entry.status], "")
        if not entry.fact:
            return Planned(entry, "nothing is known of its gift; record it in Luminate by hand, then close it", "")
        if entry.kind is not Kind.REFUND and (wrong := _still_wrong(entry, organization)):
            return Planned(entry, f"it would be held again: {wrong}", "")
        return Planned(entry, "", _effect(entry, organization, mail=mail))

    def run(self, plan: list[Planned], *, who: str, reason: str, mail: bool = False) -> list[tuple[int, Status]]:
        """Carry out a plan: each entry is mapped again by today's configuration and queued if nothing is wrong.

        An entry that changed since the plan was made stays as it is. Gives back (entry, new status) of the rest.
        """
        _need(reason, who)
        going = (planned.entry for planned in plan if not planned.refused)
        done = ((entry.id, self._again(entry, who, reason, mail=mail)) for entry in going)
        return [(entry, status) for entry, status in done if status is not None]

    def _again(self, seen: Entry, who: str, reason: str, *, mail: bool) -> Status | None:
        organization = self.organizations[seen.organization]
        with self._desk(organization, seen.provider) as desk:
            entry = entries.get(desk.tx, seen.id)
            if entry is None or (entry.status, entry.fence) != (seen.status, seen.fence):
                return None
            try:
                return _remap(desk, entry, who, "replay", reason, {"mail": mail})
            except ReplayRefused:  # a worker claimed it meanwhile
                return None

    def correct(self, entry_id: int, changes: Mapping[str, str], *, who: str, reason: str) -> Status:
        """Change parameters of an unsent gift by hand and try it again. Amount and credentials are locked.

        An empty value takes an earlier correction back. Raises ReplayRefused.
        """
        _need(reason, who)
        locked = sorted(name for name in changes if is_locked(name))
        if locked:
            raise ReplayRefused(f"{', '.join(locked)} cannot be corrected")
        organization, provider = self._of(entry_id)
        with self._desk(organization, provider) as desk:
            entry = _existing(desk.tx, entry_id)
            if entry.kind is Kind.REFUND or entry.status not in REPLAYABLE | {Status.QUEUED}:
                raise ReplayRefused(f"entry {entry_id} is {entry.status}: only an unsent gift can be corrected")
            merged = {name: value for name, value in {**entry.overrides, **changes}.items() if value}
            return _remap(desk, entry, who, "correct", reason, {"overrides": merged})

    def close(self, entry_id: int, *, who: str, reason: str) -> list[int]:
        """End an entry with a reason; refunds that wait for a closed gift end too. Gives back all that ended."""
        _need(reason, who)
        organization, provider = self._of(entry_id)
        with self._desk(organization, provider) as desk:
            entry = _existing(desk.tx, entry_id)
            words = {"reason": "closed_by_person", "reason_text": reason}
            _moved(desk, entry, Status.CLOSED, who, "close", reason, words)
            closed = _existing(desk.tx, entry_id)
            return [entry_id, *(refunding.release(desk, closed) if closed.kind is Kind.GIFT else [])]

    def reopen(self, entry_id: int, *, who: str, reason: str) -> None:
        """Take the end of an entry back: it is held until someone replays it."""
        _need(reason, who)
        organization, provider = self._of(entry_id)
        with self._desk(organization, provider) as desk:
            entry = _existing(desk.tx, entry_id)
            if entry.status is not Status.CLOSED:
                raise ReplayRefused(f"entry {entry_id} is {entry.status}, not closed")
            if entry.merged_into is not None:
                raise ReplayRefused(f"entry {entry_id} is the same payment as entry {entry.merged_into}")
            words = {"reason": "reopened", "reason_text": reason}
            _moved(desk, entry, Status.HELD, who, "reopen", reason, words)
            if entry.kind is Kind.GIFT:
                refunding.reopen(desk, entry.payment_id)

    def found(self, entry_id: int, code: str, *, who: str, reason: str) -> list[int]:
        """An unknown gift was found in Luminate: it is posted under this confirmation code.

        Gives back the refunds that were released. Raises ReplayRefused where another entry owns the code.
        """
        _need(reason, who)
        organization, provider = self._of(entry_id)
        with self._desk(organization, provider) as desk:
            entry = _unknown(desk.tx, entry_id)
            if entry.kind is Kind.GIFT:
                _free(desk, code)
            proof = {"confirmation_code": code, "posted_at": desk.now, "reason": "", "reason_text": ""}
            login = {"login_name": organization.luminate.login_name, "probe_at": None, "doubtful_from": None}
            _moved(desk, entry, Status.POSTED, who, "found", reason, proof | login)
            posted = _existing(desk.tx, entry_id)
            return refunding.release(desk, posted) if posted.kind is Kind.GIFT else []

    def absent(self, entry_id: int, *, who: str, reason: str) -> None:
        """A person looked and an unknown entry is not in Luminate: it is queued again."""
        _need(reason, who)
        organization, provider = self._of(entry_id)
        with self._desk(organization, provider) as desk:
            entry = _unknown(desk.tx, entry_id)
            words = {"reason": "", "reason_text": "", "next_attempt_at": desk.now, "lease_until": None}
            words |= {"probe_at": None, "doubtful_from": None}
            _moved(desk, entry, Status.QUEUED, who, "absent", reason, words)

    def _of(self, entry_id: int) -> tuple[Organization, str]:
        with self.database.read() as tx:
            entry = _existing(tx, entry_id)
        organization = self.organizations.get(entry.organization)
        if organization is None:
            raise ReplayRefused(f"organization '{entry.organization}' is not configured any more")
        return organization, entry.provider

    @contextmanager
    def _desk(self, organization: Organization, provider: str) -> Iterator[Desk]:
        with self.database.write() as tx:
            self.database.lock(tx, organization.name)
            yield Desk(tx, organization, Source(organization.name, provider), self.database.now(tx))


def _remap(desk: Desk, entry: Entry, who: str, action: str, reason: str, changes: dict[str, Any]) -> Status:
    """Map an entry again by today's configuration, with ``changes`` to its row, and write down who asked."""
    columns: dict[str, Any] = changes | _columns(desk, entry, changes, proven=action == "replay")
    target = Status(columns.pop("status"))
    due = {"next_attempt_at": desk.now, "not_sent": 0}
    done = (
        entries.change(desk.tx, entry, desk.now, **columns, **due)
        if target is entry.status
        else entries.move(desk.tx, entry, target, desk.now, **columns, **due)
    )
    if not done:
        raise ReplayRefused(f"entry {entry.id} was changed by somebody else meanwhile")
    target = _existing(desk.tx, entry.id).status
    after = {"status": target, "parameters": columns.get("parameters", {})}
    before = {"status": entry.status, "parameters": dict(entry.parameters)}
    entries.correct(desk.tx, entry, desk.now, who=who, action=action, reason=reason, before=before, after=after)
    return target


def _columns(desk: Desk, entry: Entry, changes: Mapping[str, Any], *, proven: bool) -> dict[str, Any]:
    """``proven``: a person replays it, and that is the proof it waited for; a correction of its data is none."""
    mail = bool(changes.get("mail", entry.mail))
    if entry.kind is Kind.REFUND:
        return refunding.again(desk, entry, mail=mail)
    overrides = changes.get("overrides", entry.overrides)
    return _mapped(entry, desk.organization, overrides, mail=mail, proven=proven)


def _mapped(
    entry: Entry, organization: Organization, overrides: Mapping[str, str], *, mail: bool, proven: bool
) -> dict[str, Any]:
    """A gift mapped by today's configuration."""
    gift = gift_from_json(entry.fact)
    gift = replace(gift, hold="") if proven else gift
    overrides = dict(overrides)
    if proven and entry.reason == "other_fiscal_year":
        overrides["fiscal_year"] = "accepted"
    columns = gift_columns(gift, organization, entry.provider, mail=mail, overrides=overrides)
    if not proven and entry.reason in HELD_BY_PERSON:  # put right, and still for a person to release
        columns |= {"status": entry.status, "reason": entry.reason, "reason_text": entry.reason_text}
    return columns | {"overrides": overrides}


def _still_wrong(entry: Entry, organization: Organization) -> str:
    """Why a replay would only hold a gift again; "" if it would be sent."""
    columns = _mapped(entry, organization, entry.overrides, mail=False, proven=True)
    return str(columns["reason_text"]) if columns["status"] is Status.HELD else ""


def _moved(
    desk: Desk, entry: Entry, target: Status, who: str, action: str, reason: str, columns: dict[str, Any]
) -> None:
    try:
        moved = entries.move(desk.tx, entry, target, desk.now, **columns)
    except TransitionRefused as error:
        raise ReplayRefused(f"entry {entry.id}: {error}") from error
    if not moved:
        raise ReplayRefused(f"entry {entry.id} was changed by somebody else meanwhile")
    before, after = {"status": entry.status}, {"status": target}
    entries.correct(desk.tx, entry, desk.now, who=who, action=action, reason=reason, before=before, after=after)


def _effect(entry: Entry, organization: Organization, *, mail: bool) -> str:
    """What the next call will be, in words, before it is made."""
    is_refund, told = entry.kind is Kind.REFUND, organization.mail
    method = "refundOfflineDonation" if is_refund else "addOfflineDonation"
    mails = told.refund if is_refund else told.receipt or told.registration
    donor = "Luminate may e-mail the donor" if mail and mails else "will not e-mail the donor"
    return f"will send one {method} of {entry.amount}; {donor}"


def _need(reason: str, who: str) -> None:
    if not reason.strip() or not who.strip():
        raise ReplayRefused("say who asks for it and why")


def _existing(tx: Connection, entry_id: int) -> Entry:
    entry = entries.get(tx, entry_id)
    if entry is None:
        raise ReplayRefused(f"there is no entry {entry_id}")
    return entry


def _unknown(tx: Connection, entry_id: int) -> Entry:
    entry = _existing(tx, entry_id)
    if entry.status is not Status.UNKNOWN:
        raise ReplayRefused(f"entry {entry_id} is {entry.status}, not unknown")
    return entry


def _free(desk: Desk, code: str) -> None:
    if not code.strip():
        raise ReplayRefused("a confirmation code is needed")
    owner = entries.owner_of(desk.tx, desk.organization.name, code)
    if owner is not None:
        raise ReplayRefused(f"the code belongs to entry {owner}")
