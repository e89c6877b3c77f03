"""Posting: send what is due for one organization, and record what became of it.

A posting run holds up to ``max_in_flight`` calls side by side, in the order received, for at most a time slice;
then it rings again and goes to the back of the line. Each call: claim and attempt row in one commit, then the
call, then the outcome in one commit. No transaction spans the call.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from relay import clock
from relay.config import Organization
from relay.dates import Late, lateness
from relay.errors import LedgerUnavailable, MaybeSent, NotSent
from relay.ledger import claims, donors, entries, pauses
from relay.ledger.claims import Apart, Claim
from relay.ledger.db import Database
from relay.ledger.entries import Entry
from relay.luminate.client import Answer, LuminateClient
from relay.luminate.outcomes import Judgement, judge_error, judge_gift, judge_refund
from relay.luminate.replies import read_reply
from relay.outbound.settling import Settling
from relay.status import Kind, Outcome, Status

log = structlog.get_logger(__name__)

# A run ends after this many seconds and rings again, so that organizations share workers fairly.
SLICE_SECONDS = 60.0
# A run's own lease; a killed worker's organization waits at most this long for the next run.
RUN_LEASE_SECONDS = 15.0


TOO_LATE = Judgement(
    Outcome.NOT_SENT, "woke_too_late", "The worker stood still for too long after its claim. Nothing was sent."
)
# Luminate would take it for the whole gift.
NO_AMOUNT = Judgement(
    Outcome.REJECTED, "relay_refused", "The refund has no amount or no confirmation code. Nothing was sent."
)
OTHER_YEAR = "It was paid in another fiscal year than Luminate would record it in; a person decides."


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
            report.more = self._candidate(tx) is not None
            claims.drop_lease(tx, self._lease_name, self.worker)
        return report

    def _keep_sending(self, senders: ThreadPoolExecutor, report: Report) -> None:
        end = time.monotonic() + SLICE_SECONDS
        renew = clock.seconds() + RUN_LEASE_SECONDS / 3
        flying: set[Future[None]] = set()
        while True:
            while len(flying) < self.organization.pace.max_in_flight and time.monotonic() < end:
                claim = self._claim()
                if claim is None:
                    break
                flying.add(senders.submit(self._send_named, claim))
                report.sent += 1
            if not flying:
                return
            _, flying = wait(flying, timeout=RUN_LEASE_SECONDS / 5, return_when=FIRST_COMPLETED)
            if clock.seconds() > renew:
                # Without the lease another run is on: finish what is in flight, and claim no more.
                end = end if self._renewed() else 0.0
                renew = clock.seconds() + RUN_LEASE_SECONDS / 3

    @property
    def _lease_name(self) -> str:
        return f"posting:{self.organization.name}"

    def _renewed(self) -> bool:
        try:
            return self._lease()
        except LedgerUnavailable as error:
            log.warning("ledger_unavailable", organization=self.organization.name, why=str(error))
            return False

    def _lease(self) -> bool:
        with self.database.write() as tx:
            now = self.database.now(tx)
            return claims.take_lease(tx, self._lease_name, self.worker, now, seconds=RUN_LEASE_SECONDS)

    def _claim(self) -> Claim | None:
        """The next entry to send, claimed; None if nothing is due, or posting is paused, paced or stopping."""
        try:
            while not self.stopping():
                with self.database.read() as reading:
                    candidate = self._candidate(reading)
                if candidate is None:
                    return None
                with self.database.write() as tx:
                    if claim := self._take(tx, candidate):
                        return claim
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
        return claims.next_due(tx, name, now, self._apart)

    @property
    def _apart(self) -> Apart:
        return Apart(self.organization.on_site, self.organization.probe.settle_seconds)

    def _take(self, tx: Connection, candidate: Entry) -> Claim | None:
        donors.take_turns(tx, candidate.donor_email)
        if pauses.of(tx, candidate.organization) is not None:
            return None  # since the entry was found
        luminate, now = self.organization.luminate, self.database.now(tx)
        due = claims.still_due(tx, candidate, now, self._apart)
        if due is None:
            return None
        if self._belongs_to_another_year(due, now):
            words = {"reason": "other_fiscal_year", "reason_text": OTHER_YEAR}
            entries.move(tx, due, Status.HELD, now, **words)
            return None
        # Longer than claim, first byte and answer can lie apart.
        seconds = 2 * self._patience + luminate.read_timeout
        return claims.claim(tx, due, now, seconds=seconds, worker=self.worker, login_name=luminate.login_name)

    @property
    def _patience(self) -> float:
        """How long a claim may wait for its call, and a call for its first byte (seconds)."""
        return self.organization.luminate.connect_timeout + self.organization.luminate.read_timeout

    def _belongs_to_another_year(self, entry: Entry, now: datetime) -> bool:
        charity = self.organization
        if not charity.hold_other_year or entry.kind is not Kind.GIFT or entry.overrides.get("fiscal_year"):
            return False
        paid = entry.occurred_at or entry.received_at
        return lateness(paid, now, charity.time_zone, charity.fiscal_year_start) is Late.YEAR

    def _send_named(self, claim: Claim) -> None:
        """Each line of a call names whose and which: a thread begins with nothing of that."""
        ids = {"organization": self.organization.name, "entry": claim.entry.id, "attempt": claim.attempt}
        with structlog.contextvars.bound_contextvars(**ids):
            self._send(claim)

    def _send(self, claim: Claim) -> None:
        """One call and its outcome. Whatever happens in between, the entry never goes back unproven."""
        started = time.monotonic()
        answer: Answer | None = None
        if clock.seconds() - claim.taken > self._patience:
            # The process stood still since its claim. Its lease may be over, and another may have sent the gift.
            self._record(claim, TOO_LATE, None, 0.0)
            return
        if not _is_whole(claim.entry):
            self._record(claim, NO_AMOUNT, None, 0.0)
            return
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
                    self.database.lock(tx, *self.organization.on_site)
                    settling = Settling(tx, self.organization, self.database.now(tx))
                    settling.settle(claim, judgement, answer, seconds)
                break
            except LedgerUnavailable:
                if time.monotonic() > give_up:
                    # The lease will make it unknown; the code in the log lets a person resolve it.
                    log.exception("outcome_not_recorded", entry=claim.entry.id, code=judgement.confirmation_code)
                    return
                time.sleep(0.5)
            except Exception:
                # An edge: nobody asks this thread how it ended. The lease will make the entry unknown.
                log.exception("outcome_not_recorded", entry=claim.entry.id, code=judgement.confirmation_code)
                return
        log.info("attempt_ended", entry=claim.entry.id, outcome=judgement.outcome, reason=judgement.reason)


def _is_whole(entry: Entry) -> bool:
    needed = ("refund_user_confirm_code", "refund_amount") if entry.kind is Kind.REFUND else ()
    return all(entry.parameters.get(name) for name in needed)


def _judge(entry: Entry, answer: Answer) -> Judgement:
    reply = read_reply(answer)
    if entry.kind is Kind.REFUND:
        return judge_refund(reply, answer.status)
    return judge_gift(reply, answer.status, entry.amount)
