"""Posting: send what is due for one organization, and record what became of it.

A posting run holds up to ``max_in_flight`` calls side by side, in the order received, for at most a time slice;
then it rings again and goes to the back of the line. Each call: claim and attempt row in one commit, then the
call, then the outcome in one commit. No transaction spans the call.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from relay import refunding
from relay.config import Organization
from relay.errors import LedgerUnavailable, MaybeSent, NotSent
from relay.ledger import claims, entries, pauses
from relay.ledger.claims import Claim
from relay.ledger.db import Database
from relay.ledger.entries import Entry
from relay.ledger.payments import Source
from relay.luminate.client import Answer, LuminateClient
from relay.luminate.outcomes import Judgement, judge_error, judge_gift, judge_refund
from relay.luminate.replies import read_reply
from relay.status import Kind, Outcome, Status

log = structlog.get_logger(__name__)

# A run ends after this many seconds and rings again, so that organizations share workers fairly.
SLICE_SECONDS = 60.0
# A run's own lease; a killed worker's organization waits at most this long for the next run.
RUN_LEASE_SECONDS = 15.0
# First wait before a paused organization is tried with a harmless read (seconds).
FIRST_CHECK_SECONDS = 60
# As many calls in a row without an answer pause the organization.
CIRCUIT_AFTER = 5
# Among so many calls, this share refused with the same words is a switch flipped on Luminate's side
# ("Enforce Validation on API Donation Requests"), not many bad gifts: a person must look.
BURST_OF = 20
BURST_SHARE = 0.8
# The longest Retry-After that is honoured as it stands (seconds).
LONGEST_WAIT = 3600
# How much of Luminate's reply is kept.
KEPT_REPLY_BYTES = 65_536


@dataclass(slots=True)
class Report:
    """What a run did: how many calls, and whether more is due."""

    sent: int = 0
    more: bool = False


class Posting:
    """Posting for one organization; one instance a worker process, reused over runs."""

    def __init__(
        self,
        database: Database,
        organization: Organization,
        client: LuminateClient,
        *,
        worker: str,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take the parts; ``stopping`` is asked before each claim."""
        self.database = database
        self.organization = organization
        self.client = client
        self.worker = worker
        self.stopping = stopping

    def run(self) -> Report:
        """Post what is due for at most a time slice. Harmless if another run is on: it does nothing then."""
        report = Report()
        if not self._lease():
            return report
        with ThreadPoolExecutor(self.organization.pace.max_in_flight) as senders:
            self._keep_sending(senders, report)
        with self.database.write() as tx:
            report.more = claims.next_due(tx, self.organization.name, self.database.now(tx)) is not None
            claims.drop_lease(tx, self._lease_name, self.worker)
        return report

    def _keep_sending(self, senders: ThreadPoolExecutor, report: Report) -> None:
        end = time.monotonic() + SLICE_SECONDS
        renew = time.monotonic() + RUN_LEASE_SECONDS / 3
        flying: set[Future[None]] = set()
        while True:
            while len(flying) < self.organization.pace.max_in_flight and time.monotonic() < end:
                claim = self._claim()
                if claim is None:
                    break
                flying.add(senders.submit(self._send, claim))
                report.sent += 1
            if not flying:
                return
            _, flying = wait(flying, timeout=RUN_LEASE_SECONDS / 5, return_when=FIRST_COMPLETED)
            if time.monotonic() > renew:
                self._lease()
                renew = time.monotonic() + RUN_LEASE_SECONDS / 3

    @property
    def _lease_name(self) -> str:
        return f"posting:{self.organization.name}"

    def _lease(self) -> bool:
        with self.database.write() as tx:
            now = self.database.now(tx)
            return claims.take_lease(tx, self._lease_name, self.worker, now, seconds=RUN_LEASE_SECONDS)

    def _claim(self) -> Claim | None:
        """The next entry to send, claimed; None if nothing is due, or posting is paused, paced or stopping."""
        if self.stopping():
            return None
        try:
            with self.database.read() as reading:
                candidate = self._candidate(reading)
            if candidate is None:
                return None
            with self.database.write() as tx:
                return self._take(tx, candidate)
        except LedgerUnavailable as error:
            log.warning("ledger_unavailable", organization=self.organization.name, why=str(error))
            return None

    def _candidate(self, tx: Connection) -> Entry | None:
        name, now = self.organization.name, self.database.now(tx)
        if pauses.of(tx, name) is not None:
            return None
        limit = self.organization.pace.per_minute
        if limit and claims.started_since(tx, name, now - timedelta(minutes=1)) >= limit:
            return None
        return claims.next_due(tx, name, now)

    def _take(self, tx: Connection, candidate: Entry) -> Claim | None:
        luminate = self.organization.luminate
        # Longer than the call can last, with room to record it (three times the read timeout).
        seconds = 3 * luminate.read_timeout + luminate.connect_timeout
        return claims.claim(
            tx,
            candidate,
            self.database.now(tx),
            seconds=seconds,
            worker=self.worker,
            login_name=luminate.login_name,
        )

    def _send(self, claim: Claim) -> None:
        """One call and its outcome. Whatever happens in between, the entry never goes back unproven."""
        started = time.monotonic()
        answer: Answer | None = None
        try:
            answer = self._call(claim.entry)
            judgement = _judge(claim.entry, answer)
        except (NotSent, MaybeSent) as error:
            judgement = judge_error(error)
        except Exception as error:
            log.exception("sending_failed", entry=claim.entry.id)
            judgement = Judgement(Outcome.UNKNOWN, "relay_failed", f"relay itself failed ({type(error).__name__}).")
        self._record(claim, judgement, answer, time.monotonic() - started)

    def _call(self, entry: Entry) -> Answer:
        if entry.kind is Kind.REFUND:
            return self.client.refund_offline_donation(entry.parameters)
        return self.client.add_offline_donation(entry.parameters)

    def _record(self, claim: Claim, judgement: Judgement, answer: Answer | None, seconds: float) -> None:
        """Record the outcome; while the ledger is away, hold on to it as long as the lease lasts."""
        give_up = time.monotonic() + 2 * self.organization.luminate.read_timeout
        while True:
            try:
                with self.database.write() as tx:
                    self._settle(tx, claim, judgement, answer, seconds)
                break
            except LedgerUnavailable:
                if time.monotonic() > give_up:
                    # The lease will make it unknown; the code in the log lets a person resolve it.
                    log.error("outcome_not_recorded", entry=claim.entry.id, code=judgement.confirmation_code)
                    return
                time.sleep(0.5)
        log.info("attempt_ended", entry=claim.entry.id, outcome=judgement.outcome, reason=judgement.reason)

    def _settle(
        self, tx: Connection, claim: Claim, judgement: Judgement, answer: Answer | None, seconds: float
    ) -> None:
        self.database.lock(tx, self.organization.name)
        now = self.database.now(tx)
        said = {"outcome": judgement.outcome, "reason": judgement.reason, "reason_text": judgement.text}
        heard = {"http_status": answer.status, "reply": answer.body[:KEPT_REPLY_BYTES]} if answer else {}
        claims.finish(tx, claim.attempt, now, seconds=round(seconds, 3), **said, **heard)
        self._watch(tx, judgement, answer, now)
        entry = entries.get(tx, claim.entry.id)
        if entry is None or entry.fence != claim.fence:
            log.warning("fence_lost", entry=claim.entry.id)
            return
        if entry.status is Status.POSTING or (entry.status is Status.UNKNOWN and judgement.outcome is Outcome.POSTED):
            self._move(tx, entry, judgement, now)

    def _move(self, tx: Connection, entry: Entry, judgement: Judgement, now: datetime) -> None:
        """Bring the outcome into the entry. A late POSTED under the same fence resolves an unknown: it is proof."""
        words: dict[str, Any] = {"reason": judgement.reason, "reason_text": judgement.text, "lease_until": None}
        match judgement.outcome:
            case Outcome.POSTED:
                self._posted(tx, entry, judgement, now)
            case Outcome.REJECTED:
                entries.move(tx, entry, Status.REJECTED, now, **words)
            case Outcome.NOT_SENT:
                self._not_sent(tx, entry, words, now)
            case Outcome.BLOCKED:
                entries.move(tx, entry, Status.QUEUED, now, **words, next_attempt_at=now)
                self._pause(tx, judgement, now)
            case _:
                probe = {"probe_at": now + timedelta(seconds=self.organization.probe.ladder[0]), "probes": 0}
                entries.move(tx, entry, Status.UNKNOWN, now, **words, **probe)

    def _posted(self, tx: Connection, entry: Entry, judgement: Judgement, now: datetime) -> None:
        proof = {
            "confirmation_code": judgement.confirmation_code,
            "luminate_transaction_id": judgement.luminate_transaction_id,
            "cons_id": judgement.cons_id,
        }
        # Luminate documents no shape for a refund's success: nothing a person could do about it.
        flag = "" if judgement.flag == "shape_not_documented" else judgement.flag
        done = {"reason": "", "reason_text": judgement.text if flag else "", "flag": flag}
        done |= {"lease_until": None, "probe_at": None, "posted_at": now}
        login = self.organization.luminate.login_name
        entries.move(tx, entry, Status.POSTED, now, **proof, **done, login_name=login)
        if entry.kind is Kind.GIFT and (gift := entries.get(tx, entry.id)):
            source = Source(entry.organization, entry.provider)
            refunding.release(refunding.Desk(tx, self.organization, source, now), gift)

    def _not_sent(self, tx: Connection, entry: Entry, words: dict[str, Any], now: datetime) -> None:
        ladder = self.organization.pace.retry_ladder
        if entry.not_sent >= len(ladder):
            text = f"Luminate could not be reached in {entry.not_sent + 1} attempts. {words['reason_text']}"
            entries.move(tx, entry, Status.HELD, now, **words | {"reason": "not_reachable", "reason_text": text})
            return
        seconds = ladder[entry.not_sent] * random.uniform(0.8, 1.2)  # noqa: S311  # jitter, not a secret
        later = {"not_sent": entry.not_sent + 1, "next_attempt_at": now + timedelta(seconds=seconds)}
        entries.move(tx, entry, Status.RETRYING, now, **words, **later)

    def _pause(self, tx: Connection, judgement: Judgement, now: datetime) -> None:
        check_at = now + timedelta(seconds=FIRST_CHECK_SECONDS)
        self._start_pause(tx, judgement.reason, judgement.text, now, check_at)

    def _start_pause(self, tx: Connection, reason: str, text: str, now: datetime, check_at: datetime | None) -> None:
        name = self.organization.name
        if pauses.start(tx, name, now, who="relay", reason=reason, text=text, check_at=check_at):
            log.error("posting_paused", organization=name, reason=reason)

    def _watch(self, tx: Connection, judgement: Judgement, answer: Answer | None, now: datetime) -> None:
        """Pause when Luminate itself seems ill: fewer calls into a broken site are fewer unknowns."""
        if judgement.outcome in {Outcome.POSTED, Outcome.BLOCKED}:
            return
        if (wait := retry_after(answer)) is not None:
            text = f"Luminate asked to wait {wait} seconds."
            self._start_pause(tx, "asked_to_wait", text, now, now + timedelta(seconds=wait))
        last = claims.last_outcomes(tx, self.organization.name, BURST_OF)
        if circuit_opens(last):
            text = f"The last {CIRCUIT_AFTER} calls to Luminate ended without an answer."
            check_at = now + timedelta(seconds=FIRST_CHECK_SECONDS)
            self._start_pause(tx, "circuit_open", text, now, check_at)
        elif same := same_refusal(last):
            text = f"Most of the last {BURST_OF} gifts were refused for one and the same reason: {same}"
            self._start_pause(tx, "same_refusal", text, now, None)


def _judge(entry: Entry, answer: Answer) -> Judgement:
    reply = read_reply(answer)
    if entry.kind is Kind.REFUND:
        return judge_refund(reply, answer.status)
    return judge_gift(reply, answer.status, entry.amount)


def circuit_opens(last: Sequence[tuple[Outcome, str]]) -> bool:
    """Whether the newest calls all ended without an answer (newest first)."""
    newest = [outcome for outcome, _ in last[:CIRCUIT_AFTER]]
    return len(newest) == CIRCUIT_AFTER and all(one in {Outcome.NOT_SENT, Outcome.UNKNOWN} for one in newest)


def same_refusal(last: Sequence[tuple[Outcome, str]]) -> str:
    """The words that refused most of the newest calls, or nothing."""
    refused = Counter(text for outcome, text in last if outcome is Outcome.REJECTED)
    text, count = refused.most_common(1)[0] if refused else ("", 0)
    return text if len(last) == BURST_OF and count >= BURST_SHARE * BURST_OF else ""


def retry_after(answer: Answer | None) -> int | None:
    """How many seconds Luminate asked to wait with a 429 or 503 (RFC 9110, as seconds), within reason."""
    told = answer.headers.get("retry-after", "") if answer and answer.status in {429, 503} else ""
    return min(int(told), LONGEST_WAIT) if told.isascii() and told.isdigit() else None
