"""What a named person decides about one entry: it ends, it opens again, it is in Luminate, it is not."""

from __future__ import annotations

from sqlalchemy import Connection

from relay import refunding
from relay.access import Actor
from relay.acting import Acting, existing, moved, need_reason
from relay.errors import ReplayRefused
from relay.ledger import entries
from relay.ledger.entries import Entry
from relay.refunding import Desk
from relay.status import Kind, Status


class Deciding(Acting):
    """The use cases behind ``flask close``, ``reopen`` and ``resolve``."""

    def close(self, entry_id: int, *, actor: Actor, reason: str) -> list[int]:
        """End an entry with a reason; refunds that wait for a closed gift end too. Gives back all that ended."""
        need_reason(reason, actor)
        with self.desk(entry_id, actor) as desk:
            entry = existing(desk.tx, entry_id)
            words = {"reason": "closed_by_person", "reason_text": reason}
            moved(desk, entry, Status.CLOSED, actor, "close", reason, words)
            closed = existing(desk.tx, entry_id)
            return [entry_id, *(refunding.release(desk, closed) if closed.kind is Kind.GIFT else [])]

    def reopen(self, entry_id: int, *, actor: Actor, reason: str) -> None:
        """Take the end of an entry back: it is held until someone replays it."""
        need_reason(reason, actor)
        with self.desk(entry_id, actor) as desk:
            entry = existing(desk.tx, entry_id)
            if entry.status is not Status.CLOSED:
                raise ReplayRefused(f"entry {entry_id} is {entry.status}, not closed")
            if entry.merged_into is not None:
                raise ReplayRefused(f"entry {entry_id} is the same payment as entry {entry.merged_into}")
            words = {"reason": "reopened", "reason_text": reason}
            moved(desk, entry, Status.HELD, actor, "reopen", reason, words)
            if entry.kind is Kind.GIFT:
                refunding.reopen(desk, entry.payment_id)

    def found(self, entry_id: int, code: str, *, actor: Actor, reason: str) -> list[int]:
        """An unknown gift was found in Luminate: it is posted under this confirmation code.

        Gives back the refunds that were released. Raises ReplayRefused where another entry owns the code.
        """
        need_reason(reason, actor)
        with self.desk(entry_id, actor) as desk:
            entry = _unknown(desk.tx, entry_id)
            if entry.kind is Kind.GIFT:
                _free(desk, code)
            proof = {"confirmation_code": code, "posted_at": desk.now, "reason": "", "reason_text": ""}
            login = {"login_name": desk.organization.luminate.login_name, "probe_at": None, "doubtful_from": None}
            moved(desk, entry, Status.POSTED, actor, "found", reason, proof | login)
            posted = existing(desk.tx, entry_id)
            return refunding.release(desk, posted) if posted.kind is Kind.GIFT else []

    def absent(self, entry_id: int, *, actor: Actor, reason: str) -> None:
        """A person looked and an unknown entry is not in Luminate: it is queued again."""
        need_reason(reason, actor)
        with self.desk(entry_id, actor) as desk:
            entry = _unknown(desk.tx, entry_id)
            words = {"reason": "", "reason_text": "", "next_attempt_at": desk.now, "lease_until": None}
            words |= {"probe_at": None, "doubtful_from": None}
            moved(desk, entry, Status.QUEUED, actor, "absent", reason, words)


def _unknown(tx: Connection, entry_id: int) -> Entry:
    entry = existing(tx, entry_id)
    if entry.status is not Status.UNKNOWN:
        raise ReplayRefused(f"entry {entry_id} is {entry.status}, not unknown")
    return entry


def _free(desk: Desk, code: str) -> None:
    if not code.strip():
        raise ReplayRefused("a confirmation code is needed")
    owner = entries.owner_of(desk.tx, desk.organization.name, code)
    if owner is not None:
        raise ReplayRefused(f"the code belongs to entry {owner}")
