"""Settling: what the outcome of an attempt does to the ledger.

Only the holder of the fence changes the entry; a late report is still written into its attempt, because it is the
truth about that call. What it says of the site itself, the watch looks at (relay/outbound/watching.py).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from relay.config import Organization
from relay.dates import lateness
from relay.inbound import refunding, twice
from relay.ledger import calls, claims, entries, supplied
from relay.ledger.claims import Claim
from relay.ledger.entries import Entry
from relay.ledger.payments import Source
from relay.luminate.client import Answer
from relay.luminate.outcomes import Judgement
from relay.outbound.watching import Watch
from relay.status import CLAIMABLE, UNSENT, Kind, Outcome, Status

log = structlog.get_logger(__name__)

# How much of Luminate's reply is kept.
KEPT_REPLY_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Settling:
    """One outcome being recorded: its transaction, which holds the locks of the whole site, and the moment."""

    tx: Connection
    organization: Organization
    now: datetime

    def settle(self, claim: Claim, judgement: Judgement, answer: Answer | None, seconds: float) -> None:
        """Write the outcome into the attempt, and into the entry if the claim still holds it.

        A late POSTED resolves an unknown under its own fence, and whatever was put in line again: it is proof.
        """
        # The entry first, then its attempts: in this order the sweep takes them too, so neither waits for the other.
        entry = entries.get(self.tx, claim.entry.id, keep=True)
        judgement = self._trusted(claim, judgement)
        said = {"outcome": judgement.outcome, "reason": judgement.reason, "reason_text": judgement.text}
        heard = {"http_status": answer.status, "reply": answer.body[:KEPT_REPLY_BYTES]} if answer else {}
        claims.finish(self.tx, claim.attempt, self.now, seconds=round(seconds, 3), **said, **heard)
        if judgement.outcome not in {Outcome.POSTED, Outcome.BLOCKED}:
            self._watch.after(judgement, answer)
        if entry is None:
            return
        held = entry.fence == claim.fence
        if not held:
            log.warning("fence_lost", entry=claim.entry.id)
        if held and entry.status is Status.POSTING:
            self._move(entry, judgement, answer)
            twice.settled(desk_of(self.tx, self.organization, entry, self.now), entry)
            self._hold_what_is_there(entry.id)
        elif judgement.outcome is Outcome.POSTED:
            self._posted_late(entry, judgement, held=held)

    def _hold_what_is_there(self, entry_id: int) -> None:
        """Somebody told meanwhile that this gift is there under another code: unsent, it is a person's."""
        gift = entries.get(self.tx, entry_id)
        if gift is None or not gift.flag or gift.kind is Kind.REFUND or gift.status not in CLAIMABLE:
            return
        if words := supplied.held_for(self.tx, gift):
            entries.move(self.tx, gift, Status.HELD, self.now, **words)

    def _posted_late(self, entry: Entry, judgement: Judgement, *, held: bool) -> None:
        """Luminate did record a call that was given up: the entry is posted, or a person must take one back."""
        if held and entry.status is Status.UNKNOWN:
            self._posted(entry, judgement)
        elif entry.status in UNSENT and entries.move(self.tx, entry, Status.UNKNOWN, self.now):
            self._posted(entries.get(self.tx, entry.id) or entry, judgement)
        elif entry.confirmation_code != judgement.confirmation_code:
            code = judgement.confirmation_code
            text = f"Luminate recorded an earlier call too (confirmation code {code}). If both are there, one must go."
            entries.change(self.tx, entry, self.now, flag=text)

    def _trusted(self, claim: Claim, judgement: Judgement) -> Judgement:
        """A confirmation code that another gift owns proves nothing about this one, nor about a refund of this one."""
        code, called = judgement.confirmation_code, claim.entry.parameters.get("refund_user_confirm_code")
        if judgement.outcome is not Outcome.POSTED or code in {"", called}:
            return judgement
        if claim.entry.kind is Kind.REFUND:
            text = f"Luminate answered with the confirmation code {code}, which is not its gift's: it proves nothing."
            return Judgement(Outcome.UNKNOWN, "code_of_another_gift", text)
        owner = entries.owner_of(self.tx, self.organization.on_site, code)
        if owner in {None, claim.entry.id}:
            return judgement
        kind = claim.entry.kind
        text = f"Luminate answered with the confirmation code of entry {owner}; that proves nothing about this {kind}."
        return Judgement(Outcome.UNKNOWN, "code_of_another_gift", text)

    def _move(self, entry: Entry, judgement: Judgement, answer: Answer | None) -> None:
        words: dict[str, Any] = {"reason": judgement.reason, "reason_text": judgement.text, "lease_until": None}
        match judgement.outcome:
            case Outcome.POSTED:
                self._posted(entry, judgement)
            case Outcome.REJECTED:
                entries.move(self.tx, entry, Status.REJECTED, self.now, **words)
            case Outcome.NOT_SENT:
                self._not_sent(entry, words)
            case Outcome.BLOCKED:
                again_at = self._after_blocked(entry, self._watch.blocked(judgement, answer))
                entries.move(self.tx, entry, Status.QUEUED, self.now, **words, next_attempt_at=again_at)
            case _:
                probe = {"probe_at": self.now + timedelta(seconds=self.organization.probe.ladder[0]), "probes": 0}
                entries.move(self.tx, entry, Status.UNKNOWN, self.now, **words, **probe)

    @property
    def _watch(self) -> Watch:
        return Watch(self.tx, self.organization, self.now)

    def _after_blocked(self, entry: Entry, pause: int) -> datetime:
        """When an entry that Luminate did not let in goes again: at once, and later each time it is let in no more.

        What is not let in alone (a refund, where the account may only add gifts) must not stop all others for ever.
        """
        in_a_row, ladder = calls.blocked_in_a_row(self.tx, entry.id), self.organization.pace.check_ladder
        if in_a_row < 2:  # nothing says yet that it is this entry's own
            return self.now
        return self.now + timedelta(seconds=pause + ladder[min(in_a_row - 2, len(ladder) - 1)])

    def _posted(self, entry: Entry, judgement: Judgement) -> None:
        proof: dict[str, Any] = {
            "confirmation_code": judgement.confirmation_code,
            "luminate_transaction_id": judgement.luminate_transaction_id,
            "cons_id": judgement.cons_id,
            "login_name": self.organization.luminate.login_name,
        }
        # Luminate documents no shape for a refund's success: nothing a person could do about it.
        flag = "" if judgement.flag == "shape_not_documented" else judgement.flag
        # What was flagged while the call was under way ("sent twice") is not forgotten.
        words: dict[str, Any] = {
            "flag": flag or entry.flag,
            "reason": "",
            "reason_text": judgement.text if flag else "",
        }
        recorded_at = self._recorded_at(entry, judgement)
        posted(self.tx, self.organization, entry, self.now, recorded_at=recorded_at, **proof, **words)

    def _recorded_at(self, entry: Entry, judgement: Judgement) -> datetime | None:
        """Luminate's own date of a gift: the moment of settling may be minutes, and a year, later.

        Whether a refund's answer tells its own date or its gift's is not documented; and what lies beyond any call
        that could have been made is a slip.
        """
        told, day = judgement.recorded_at, timedelta(days=1)
        if told is None or entry.kind is Kind.REFUND:
            return None
        return told if entry.received_at - day <= told <= self.now + day else None

    def _not_sent(self, entry: Entry, words: dict[str, Any]) -> None:
        ladder = self.organization.pace.retry_ladder
        if entry.not_sent >= len(ladder):
            text = f"Luminate could not be reached in {entry.not_sent + 1} attempts. {words['reason_text']}"
            given_up = words | {"reason": "not_reachable", "reason_text": text}
            entries.move(self.tx, entry, Status.HELD, self.now, **given_up)
            return
        seconds = ladder[entry.not_sent] * random.uniform(0.8, 1.2)  # noqa: S311  # nosec B311  # jitter, no secret
        later = {"not_sent": entry.not_sent + 1, "next_attempt_at": self.now + timedelta(seconds=seconds)}
        entries.move(self.tx, entry, Status.RETRYING, self.now, **words, **later)


def posted(
    tx: Connection,
    organization: Organization,
    entry: Entry,
    now: datetime,
    *,
    recorded_at: datetime | None = None,
    **proof: Any,
) -> list[int]:
    """An entry is in Luminate, dated there ``recorded_at`` (default now): keep the proof.

    The refunds that waited for it may go; gives back those that moved.
    """
    dated, paid = recorded_at or now, entry.occurred_at or entry.received_at
    late = lateness(paid, dated, organization.time_zone, organization.fiscal_year_start)
    done = {"lease_until": None, "probe_at": None, "doubtful_from": None, "posted_at": dated, "late": late}
    moved = entries.move(tx, entry, Status.POSTED, now, **done, **proof)
    if moved:
        twice.settled(desk_of(tx, organization, entry, now), entry)
    gift = entries.get(tx, entry.id) if moved and entry.kind is Kind.GIFT else None
    if gift is None:
        return []
    return refunding.release(desk_of(tx, organization, entry, now), gift)


def desk_of(tx: Connection, organization: Organization, entry: Entry, now: datetime) -> refunding.Desk:
    """Where what follows for the refunds of an entry's payment is written."""
    return refunding.Desk(tx, organization, Source(entry.organization, entry.provider), now)


def disown(tx: Connection, organization: Organization, entry: Entry, now: datetime, *, owner: int) -> bool:
    """Take a confirmation code from a posted gift that a look-up proved to be another's: it is unknown again.

    Luminate, or something between, answered its call with the answer to another. The refunds that were released wait
    again. False where a person must see to it: the code came not from an answer, a refund was made with it, or what
    would be looked for and sent again is erased.
    """
    stands = entry.kind is Kind.GIFT and entry.merged_into is None and not entry.erased
    answered = claims.answered(tx, entry) if stands else None
    if answered is None or not refunding.recall(desk_of(tx, organization, entry, now), entry):
        return False
    code = entry.confirmation_code
    text = f"Luminate answered with the confirmation code {code}, which a look-up proved to be that of entry {owner}."
    words: dict[str, Any] = {"reason": "code_of_another_gift", "reason_text": text}
    claims.finish(tx, answered.attempt, answered.finished_at, outcome=Outcome.UNKNOWN, **words)
    blank = dict.fromkeys(("confirmation_code", "luminate_transaction_id", "cons_id", "login_name", "late", "flag"), "")
    look_up = {"probe_at": now + timedelta(seconds=organization.probe.ladder[0]), "probes": 0, "posted_at": None}
    entries.move(tx, entry, Status.UNKNOWN, now, **words, **blank, **look_up)
    before, after = {"status": entry.status, "confirmation_code": code}, {"status": Status.UNKNOWN}
    entries.correct(tx, entry, now, who="relay", action="disown", reason=text, before=before, after=after)
    return True
