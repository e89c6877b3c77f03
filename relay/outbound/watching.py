"""Watching how Luminate fares: a site that seems ill is paused, since fewer calls into it are fewer unknowns.

What it does not let in, does not answer, or asks to wait for ends by itself once a harmless read works. A refusal that
nearly all gifts meet is a switch flipped over there: a person must look.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import takewhile

import structlog
from sqlalchemy import Connection

from relay.config import Organization
from relay.ledger import audit, calls, claims, pauses
from relay.ledger.audit import Wanted
from relay.ledger.calls import Ended
from relay.luminate.client import Answer
from relay.luminate.outcomes import Judgement
from relay.luminate.replies import read_reply
from relay.status import Outcome

log = structlog.get_logger(__name__)

# As many calls in a row without an answer pause the organization.
CIRCUIT_AFTER = 5
# Among so many calls, this share refused with the same words is a switch flipped on Luminate's side
# ("Enforce Validation on API Donation Requests"), not many bad gifts.
BURST_OF = 20
BURST_SHARE = 0.8
# The longest Retry-After that is honoured as it stands (seconds).
LONGEST_WAIT = 3600
# The reason of a pause that Luminate asked for: meanwhile nothing is read there either.
ASKED_TO_WAIT = "asked_to_wait"
# In the audit's line of a resume: the last call before it.
LAST_CALL = "last_call"
_UNANSWERED = frozenset({Outcome.NOT_SENT, Outcome.UNKNOWN})
# The form of a date that RFC 9110 lets a server write; the older two are long extinct.
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", re.ASCII)


@dataclass(frozen=True, slots=True)
class Watch:
    """One look at an organization's newest calls: its transaction (which holds the organization's lock), and when."""

    tx: Connection
    organization: Organization
    now: datetime

    def after(self, judgement: Judgement, answer: Answer | None) -> None:
        """Pause after a call that Luminate did not record for sure, if Luminate itself seems ill."""
        asked, opens = retry_after(answer, self.now), self._circuit()
        if asked is not None and asked >= (opens or 0):
            self._asked_to_wait(asked)
        elif opens is not None:
            self._unanswered(opens)
        elif judgement.outcome is Outcome.REJECTED and (same := self._burst()):
            text = f"Most of the last {BURST_OF} gifts were refused for one and the same reason: {same}"
            self._pause("same_refusal", text, None)

    def lost(self) -> None:
        """The same after calls whose workers never reported back."""
        if (opens := self._circuit()) is not None:
            self._unanswered(opens)

    def blocked(self, judgement: Judgement, answer: Answer | None) -> int:
        """Pause after a call that Luminate did not let in. Gives back for how long (seconds)."""
        last = claims.last_outcomes(self.tx, self.organization.name, BURST_OF)
        wait = max(self._check_after(last, {Outcome.BLOCKED}, 1), retry_after(answer, self.now) or 0)
        self._pause(judgement.reason, judgement.text, wait)
        return wait

    def _circuit(self) -> int | None:
        """Seconds to the first harmless read where the newest calls all ended without an answer."""
        last = claims.last_outcomes(self.tx, self.organization.name, BURST_OF)
        return self._check_after(last, _UNANSWERED, CIRCUIT_AFTER) if circuit_opens(last) else None

    def _burst(self) -> str:
        """The words that refused most of the newest calls; those before a person resumed posting count no more."""
        last = calls.last_ended(self.tx, self.organization.name, BURST_OF)
        same = same_refusal([_words(call) for call in last])
        if same and (before := self._last_before_resume()):
            same = same_refusal([_words(call) for call in last if call.attempt > before])
        return same

    def _last_before_resume(self) -> int:
        wanted = Wanted(organizations=(self.organization.name,), action="resumed", subject="posting")
        newest = next(audit.lines(self.tx, wanted, limit=1, newest_first=True), None)
        return int(newest.details.get(LAST_CALL, 0)) if newest else 0

    def _check_after(self, last: Sequence[tuple[Outcome, str]], ill: Collection[Outcome], enough: int) -> int:
        """Seconds to the first harmless read; longer where the reads worked before and the next calls did not."""
        ladder = self.organization.pace.check_ladder
        in_a_row = len(list(takewhile(lambda one: one[0] in ill, last)))
        return ladder[min(max(0, in_a_row - enough), len(ladder) - 1)]

    def _asked_to_wait(self, seconds: int) -> None:
        text = f"Luminate asked to wait {seconds} seconds."
        if not self._pause(ASKED_TO_WAIT, text, seconds):
            # Of several calls in flight each may have been told another time: the longest counts.
            check_at = self.now + timedelta(seconds=seconds)
            pauses.prolong(self.tx, self.organization.name, reason=ASKED_TO_WAIT, text=text, check_at=check_at)

    def _unanswered(self, check_after: int) -> None:
        name, reason = self.organization.name, "circuit_open"
        text = f"The last {CIRCUIT_AFTER} calls to Luminate ended without an answer."
        if self._pause(reason, text, check_after):
            return
        pause = pauses.of(self.tx, name)
        if pause and pause.reason == ASKED_TO_WAIT:  # one in flight beside it was told less
            check_at = self.now + timedelta(seconds=check_after)
            pauses.prolong(self.tx, name, reason=reason, text=text, check_at=check_at)

    def _pause(self, reason: str, text: str, check_after: int | None) -> bool:
        """Pause the organization, unless it is paused; without ``check_after`` (seconds) only a person ends it."""
        name = self.organization.name
        check_at = None if check_after is None else self.now + timedelta(seconds=check_after)
        begun = pauses.start(self.tx, name, self.now, who="relay", reason=reason, text=text, check_at=check_at)
        if begun:
            log.error("posting_paused", organization=name, reason=reason)
        return begun


def circuit_opens(last: Sequence[tuple[Outcome, str]]) -> bool:
    """Whether the newest calls all ended without an answer (newest first)."""
    newest = [outcome for outcome, _ in last[:CIRCUIT_AFTER]]
    return len(newest) == CIRCUIT_AFTER and all(one in _UNANSWERED for one in newest)


def same_refusal(last: Sequence[Collection[str]]) -> str:
    """The words that refused most of the newest calls, or nothing; a call that was not refused has no words."""
    refused = Counter(text for words in last for text in words)
    text, count = refused.most_common(1)[0] if refused else ("", 0)
    return text if len(last) == BURST_OF and count >= BURST_SHARE * BURST_OF else ""


def _words(call: Ended) -> Collection[str]:
    """Why a call was refused: each field's error apart, since a gift may miss another field as well; else all words."""
    if call.outcome is not Outcome.REJECTED:
        return ()
    reply = read_reply(Answer(call.http_status or 0, call.reply or b""))
    return dict.fromkeys(reply.field_errors or (call.text,))


def retry_after(answer: Answer | None, now: datetime) -> int | None:
    """How many seconds Luminate asked to wait with a 429 or 503 (RFC 9110: seconds, or a date), within reason."""
    told = answer.headers.get("retry-after", "") if answer and answer.status in {429, 503} else ""
    if told.isascii() and told.isdigit():
        # Not a number of any length: from 4,301 digits on Python refuses to read one.
        return min(int(told.lstrip("0")[:5] or "0"), LONGEST_WAIT)
    try:
        wait = round((parsedate_to_datetime(told) - now).total_seconds()) if _HTTP_DATE.fullmatch(told) else None
    except ValueError:
        return None
    return None if wait is None else min(max(0, wait), LONGEST_WAIT)
