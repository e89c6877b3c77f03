"""What a named person decides about one entry: it ends, it opens again, it is in Luminate, it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from relay import words
from relay.access import Actor, Permission
from relay.config import Organization
from relay.dates import lateness
from relay.errors import NotChecked, ReplayRefused
from relay.inbound import refunding, twice
from relay.inbound.giving import gift_columns
from relay.ledger import claims, doubts, entries, supplied
from relay.ledger.codec import gift_from_json
from relay.ledger.db import Database
from relay.ledger.entries import Entry
from relay.ledger.funds import with_funds
from relay.luminate.schemas import without_mails
from relay.luminate.seen import Seen, read_moment
from relay.office.acting import Act, Acting, existing
from relay.office.looking import Looked, Looking
from relay.status import Kind, Status

BY_HAND = "by_hand"
# What somebody may have typed into Luminate, because relay surely or perhaps did not bring it there.
_BY_HAND_FROM = frozenset({Status.HELD, Status.REJECTED, Status.UNKNOWN})


class Deciding(Acting):
    """The use cases behind ``flask close``, ``reopen``, ``resolve``, ``note`` and ``by-hand``."""

    def __init__(self, database: Database, organizations: Mapping[str, Organization], looking: Looking) -> None:
        """Take the parts; ``looking`` checks what somebody says is in Luminate."""
        super().__init__(database, organizations)
        self.looking = looking

    def close(self, entry_id: int, *, actor: Actor, reason: str) -> list[int]:
        """End an entry with a reason; refunds that wait for a closed gift end too. Gives back all that ended.

        Where Luminate may have the gift they are held.
        """
        with self.act(actor, "close", entry_id, reason) as act:
            closed = act.moved(Status.CLOSED, reason=refunding.closed_as(act.entry), reason_text=reason)
            released = refunding.release(act.desk, closed) if closed.kind is Kind.GIFT else []
            return [entry_id, *(one for one in released if existing(act.tx, one).status is Status.CLOSED)]

    def reopen(self, entry_id: int, *, actor: Actor, reason: str) -> None:
        """Take the end of an entry back: it is held until someone replays it, or unknown if it was."""
        with self.act(actor, "reopen", entry_id, reason) as act:
            if act.entry.status is not Status.CLOSED:
                raise ReplayRefused(f"entry {entry_id} is {act.entry.status}, not closed")
            if act.entry.merged_into is not None:
                raise ReplayRefused(f"entry {entry_id} is the same payment as entry {act.entry.merged_into}")
            was_unknown = entries.before(act.tx, act.entry, "close").get("status") == Status.UNKNOWN
            # Closing it proved nothing: Luminate may have it as before, and a person must say.
            target = Status.UNKNOWN if was_unknown else Status.HELD
            act.moved(target, reason="reopened", reason_text=reason, probe_at=None)
            if act.entry.kind is Kind.GIFT:
                refunding.reopen(act.desk, act.entry.payment_id)
                twice.settled(act.desk, act.entry)

    def note(self, entry_id: int, *, actor: Actor, reason: str) -> None:
        """Write something down and decide later."""
        with self.act(actor, "note", entry_id, reason) as act:
            act.written({"status": act.entry.status}, {"status": act.entry.status})

    def found(self, entry_id: int, code: str, *, actor: Actor, reason: str) -> list[int]:
        """An unknown gift was found in Luminate: it is posted under this confirmation code.

        Gives back the refunds that were released. Raises ReplayRefused where another entry owns the code.
        """
        with self.act(actor, "found", entry_id, reason) as act:
            _need_unknown(act.entry)
            shown = next((row for row in act.entry.candidates if row.get("confirmation_code") == code), {})
            released = _in_luminate(act, code.strip(), read_moment(str(shown.get("at", ""))))
            if _differs(act.entry, shown):
                entries.change(act.tx, existing(act.tx, entry_id), act.now, flag="amount_differs")
            return released

    def absent(self, entry_id: int, *, attempt: int, actor: Actor, reason: str) -> Entry:
        """A person looked and an unknown entry is not in Luminate: it is queued again, and mails nobody.

        What was held or refused when the ledger was restored is held again, and what speaks against it holds it. Gives
        back how it stands.

        ``attempt`` is the number of the newest one that the person saw (the entry's fence; 0: none): nobody has looked
        for a call that was made since. Refused until what was sent can no longer appear late.
        """
        with self.act(actor, "absent", entry_id, reason) as act:
            _need_unknown(act.entry)
            if attempt != act.entry.fence:
                newest = f"its newest attempt is {act.entry.fence}, and you looked for attempt {attempt}"
                raise ReplayRefused(f"entry {entry_id}: {newest}: look once more")
            called = claims.doubtful_since(act.tx, entry_id)
            _need_settled(called, act.now, act.desk.organization.probe.settle_seconds)
            stands = _as_absent(act)
            due = {"next_attempt_at": act.now, "lease_until": None, "probe_at": None, "doubtful_from": None}
            quiet = {"mail": False, "parameters": without_mails(stands.get("parameters", act.entry.parameters))}
            act.moved(stands.pop("status"), **stands | due | quiet)
            twice.settled(act.desk, act.entry)
            return existing(act.tx, entry_id)

    def by_hand(self, entry_id: int, code: str, *, actor: Actor, reason: str, seen: bool = False) -> str:
        """Somebody entered the gift in Luminate by hand, where it has this confirmation code: it is posted.

        The code is looked up first. Where Luminate does not show it, NotChecked is raised unless the person has
        ``seen`` it there. Gives back what the look-up said.
        """
        organization, _ = self.whose(actor, Permission.ACT, entry_id)
        with self.database.read() as tx:
            entry = existing(tx, entry_id)
            _need_no_call(entry)
            if entry.status is Status.UNKNOWN:
                called = claims.doubtful_since(tx, entry_id)
                _need_settled(called, self.database.now(tx), organization.probe.settle_seconds)
        looked = self.looking.rows(organization, entry)
        row, said = _checked(entry, code.strip(), looked)
        if row is None and not seen:
            raise NotChecked(said)
        with self.act(actor, BY_HAND, entry_id, reason) as act:
            if (act.entry.status, act.entry.fence) != (entry.status, entry.fence):
                raise ReplayRefused(f"entry {entry_id} was changed by somebody else meanwhile")
            act.told["checked"] = row is not None
            text = f"Entered in Luminate by hand, told by {actor.name}. {said}"
            _in_luminate(act, code.strip(), row.at if row else None, reason=BY_HAND, reason_text=text)
            if twice := _twice(entry, looked):
                entries.change(act.tx, existing(act.tx, entry_id), act.now, flag=twice)
        return said


def _as_absent(act: Act) -> dict[str, Any]:
    """Status, reason and parameters of an entry that is surely not in Luminate."""
    if held := entries.held_before(act.tx, act.entry) or supplied.held_for(act.tx, act.entry):
        return {"status": Status.HELD, **held}
    if act.entry.kind is not Kind.REFUND and act.entry.doubtful_from is not None and act.entry.fence == 0:
        # As a look-up does: what its siblings told since may keep it from being sent.
        gift, mapping = replace(gift_from_json(act.entry.fact), hold=""), with_funds(act.tx, act.desk.organization)
        columns = gift_columns(gift, mapping, act.entry.provider, mail=False, overrides=act.entry.overrides)
        return {**columns, "status": Status(str(columns["status"]))}
    if act.entry.kind is not Kind.REFUND or act.entry.doubtful_from is None:
        return {"status": Status.QUEUED, "reason": "", "reason_text": ""}
    # By what is left of its gift, and under the code that it has, today: no call of this ledger has told either.
    stands = refunding.again(act.desk, act.entry, mail=False)
    return stands | {"status": Status.HELD} if stands["status"] is Status.WAITING else stands


def _differs(entry: Entry, shown: Mapping[str, str]) -> bool:
    """Whether the look-up showed another amount than was sent under the code that a person took for this gift's."""
    told = shown.get("amount", "")
    return bool(told) and entry.kind is not Kind.REFUND and Decimal(told) != entry.amount.decimal


def _need_unknown(entry: Entry) -> None:
    if entry.status is not Status.UNKNOWN:
        raise ReplayRefused(f"entry {entry.id} is {entry.status}, not unknown")


def _need_no_call(entry: Entry) -> None:
    """A gift may only be said to be entered by hand while relay is surely not sending it.

    Held and refused gifts were settled by whoever held their last call, and nothing claims them; see docs/adr.
    """
    if entry.kind is Kind.REFUND or entry.status not in _BY_HAND_FROM:
        raise ReplayRefused(f"entry {entry.id} is {entry.status}: only a held, refused or unknown gift can be by hand")
    if entry.merged_into is not None:
        raise ReplayRefused(f"entry {entry.id} is the same payment as entry {entry.merged_into}")


def _need_settled(called: tuple[datetime, datetime] | None, now: datetime, settle_seconds: float) -> None:
    """What relay itself sent may still appear in Luminate for a while."""
    until = called[1] + timedelta(seconds=settle_seconds) if called else now
    if until > now:
        raise ReplayRefused(f"relay's own call may still appear in Luminate until {until:%H:%M} UTC: wait, then look")


def _checked(entry: Entry, code: str, looked: Looked) -> tuple[Seen | None, str]:
    """Luminate's row with this code, and what a person reads about it."""
    if looked.problem:
        return None, f"It could not be checked: {looked.problem}"
    row = next((row for row in looked.rows if row.confirmation_code == code), None)
    if row is None:
        return None, "It could not be checked: Luminate shows no gift of this donor with that confirmation code."
    if row.amount != entry.amount.decimal:
        raise ReplayRefused(
            f"Luminate shows {row.amount} under this code, and this gift is {words.money(entry.amount)}: "
            "look for the right code, or correct the amount there first"
        )
    return row, f"Checked: Luminate shows {words.money(entry.amount)} of this donor under that code."


def _twice(entry: Entry, looked: Looked) -> str:
    """A flag where Luminate may have both what relay sent and what somebody typed."""
    equal = [row for row in looked.rows if row.amount == entry.amount.decimal]
    free = [row for row in equal if row.confirmation_code not in looked.owners]
    if entry.status is not Status.UNKNOWN or len(free) < 2:
        return ""
    return f"Luminate shows {len(free)} gifts of this amount: if relay's own is among them, take one back there."


def _in_luminate(act: Act, code: str, at: datetime | None, *, reason: str = "", reason_text: str = "") -> list[int]:
    """The entry is posted by a person's word under this code; refunds that waited go. Gives back those."""
    organization, entry = act.desk.organization, act.entry
    if entry.kind is not Kind.REFUND:
        _need_free(act, code)
    dated = at or act.now
    paid = entry.occurred_at or entry.received_at
    late = lateness(paid, dated, organization.time_zone, organization.fiscal_year_start)
    proof: dict[str, Any] = {"confirmation_code": code, "posted_at": dated, "late": late, "candidates": []}
    # Only the account that added a gift may refund it: that of relay's own call, which is what a person found. Typed in
    # by somebody, it is of an account that relay does not know; Luminate then refuses its refund, in words.
    called = doubts.login_of(act.tx, entry) if entry.status is Status.UNKNOWN else ""
    proof |= {"login_name": called or organization.luminate.login_name}
    ended: dict[str, Any] = {"lease_until": None, "probe_at": None, "doubtful_from": None}
    posted = act.moved(Status.POSTED, **proof, **ended, reason=reason, reason_text=reason_text)
    twice.settled(act.desk, posted)
    return refunding.release(act.desk, posted) if posted.kind is Kind.GIFT else []


def _need_free(act: Act, code: str) -> None:
    if not code:
        raise ReplayRefused("a confirmation code is needed")
    owner = entries.owner_of(act.tx, act.desk.organization.on_site, code)
    if owner is not None:
        raise ReplayRefused(f"the code belongs to entry {owner}")
