"""What a named person decides about one entry: it ends, it opens again, it is in Luminate, it is not."""

from __future__ import annotations

from relay import refunding
from relay.access import Actor
from relay.acting import Acting
from relay.errors import ReplayRefused
from relay.ledger import entries
from relay.ledger.entries import Entry
from relay.refunding import Desk
from relay.status import Kind, Status


class Deciding(Acting):
    """The use cases behind ``flask close``, ``reopen`` and ``resolve``."""

    def close(self, entry_id: int, *, actor: Actor, reason: str) -> list[int]:
        """End an entry with a reason; refunds that wait for a closed gift end too. Gives back all that ended."""
        with self.act(actor, "close", entry_id, reason) as act:
            closed = act.moved(Status.CLOSED, reason="closed_by_person", reason_text=reason)
            return [entry_id, *(refunding.release(act.desk, closed) if closed.kind is Kind.GIFT else [])]

    def reopen(self, entry_id: int, *, actor: Actor, reason: str) -> None:
        """Take the end of an entry back: it is held until someone replays it."""
        with self.act(actor, "reopen", entry_id, reason) as act:
            if act.entry.status is not Status.CLOSED:
                raise ReplayRefused(f"entry {entry_id} is {act.entry.status}, not closed")
            if act.entry.merged_into is not None:
                raise ReplayRefused(f"entry {entry_id} is the same payment as entry {act.entry.merged_into}")
            act.moved(Status.HELD, reason="reopened", reason_text=reason)
            if act.entry.kind is Kind.GIFT:
                refunding.reopen(act.desk, act.entry.payment_id)

    def found(self, entry_id: int, code: str, *, actor: Actor, reason: str) -> list[int]:
        """An unknown gift was found in Luminate: it is posted under this confirmation code.

        Gives back the refunds that were released. Raises ReplayRefused where another entry owns the code.
        """
        with self.act(actor, "found", entry_id, reason) as act:
            _need_unknown(act.entry)
            if act.entry.kind is Kind.GIFT:
                _free(act.desk, code)
            proof = {"confirmation_code": code, "posted_at": act.now, "reason": "", "reason_text": ""}
            login = {"login_name": act.desk.organization.luminate.login_name, "probe_at": None, "doubtful_from": None}
            posted = act.moved(Status.POSTED, **proof, **login)
            return refunding.release(act.desk, posted) if posted.kind is Kind.GIFT else []

    def absent(self, entry_id: int, *, actor: Actor, reason: str) -> None:
        """A person looked and an unknown entry is not in Luminate: it is queued again."""
        with self.act(actor, "absent", entry_id, reason) as act:
            _need_unknown(act.entry)
            due = {"next_attempt_at": act.now, "lease_until": None, "probe_at": None, "doubtful_from": None}
            act.moved(Status.QUEUED, reason="", reason_text="", **due)


def _need_unknown(entry: Entry) -> None:
    if entry.status is not Status.UNKNOWN:
        raise ReplayRefused(f"entry {entry.id} is {entry.status}, not unknown")


def _free(desk: Desk, code: str) -> None:
    if not code.strip():
        raise ReplayRefused("a confirmation code is needed")
    owner = entries.owner_of(desk.tx, desk.organization.name, code)
    if owner is not None:
        raise ReplayRefused(f"the code belongs to entry {owner}")
