"""The use case: look for what is wrong, put it into the ledger with its messages, send what is due.

The sweep starts it beside itself at most once a minute, so neither a slow query nor a dead mail server holds the sweep
up. Everything that must happen once is a compare-and-swap in the ledger, so two at once tell once. A message is
claimed before it is sent and noted after: a crash in between sends it again. That side is chosen because an alert that
never came is worse than one that came twice; and whatever may have been sent twice is not sent a third time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from relay.alerting import damping, messages
from relay.alerting.sending import Channel, Sender, channels
from relay.alerting.signs import RULES, Asked, Kind, Sign
from relay.config import Organization
from relay.errors import LedgerUnavailable, NotDelivered
from relay.ledger import alerts, search
from relay.ledger.alerts import DAILY, ENDED, RAISED, Message, Said
from relay.ledger.db import Database
from relay.ledger.search import Balance

log = structlog.get_logger(__name__)

EVERY_SECONDS = 60.0
# The balance reads every entry; the other rules do not.
BALANCE_SECONDS = 900.0
# What goes on while new ones come is said again, but not more often.
AGAIN = timedelta(hours=1)
_SAID_AGAIN = frozenset({Kind.NEEDS_PERSON, Kind.UNKNOWN})
# Longer than sending may take.
CLAIM_SECONDS = 120.0
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
# What was not delivered by then is of no use. What is raised and not over is tried for as long as it stands.
_GIVE_UP = {DAILY: timedelta(days=1), ENDED: timedelta(days=3)}
# Messages are kept for this long.
KEPT = timedelta(days=90)


class Alerting:
    """What is wrong, for every organization."""

    def __init__(
        self,
        database: Database,
        organizations: Mapping[str, Organization],
        sender: Sender,
        *,
        public_url: str = "",
        balance: Callable[[Connection, str], Mapping[Any, Balance]] = search.balance,
    ) -> None:
        """Take the parts; ``balance`` counts the money."""
        self.database, self.organizations, self.sender = database, organizations, sender
        self.public_url = public_url
        self._balance = balance
        self._next_run = self._next_balance = 0.0
        self._thread: threading.Thread | None = None

    def beside(self) -> None:
        """Start a run in a thread of its own, unless there was one this minute, or one is still going."""
        if time.monotonic() < self._next_run or (self._thread and self._thread.is_alive()):
            return
        self._next_run = time.monotonic() + EVERY_SECONDS
        self._thread = threading.Thread(target=self.run, name="alerts", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Look at every organization, then send what is due."""
        with_balance = time.monotonic() >= self._next_balance
        if with_balance:
            self._next_balance = time.monotonic() + BALANCE_SECONDS
        for organization in self.organizations.values():
            try:
                self.look(organization, with_balance=with_balance)
            except LedgerUnavailable as error:
                log.warning("alerts_wait_for_ledger", organization=organization.name, why=str(error))
            except Exception:
                # An edge: what is amiss with one organization must not silence the others.
                log.exception("alerts_failed", organization=organization.name)
        try:
            self.deliver()
        except Exception:
            log.exception("alerts_not_sent")

    # --- looking --------------------------------------------------------------------------------------------------

    def look(self, organization: Organization, *, with_balance: bool = True) -> None:
        """Raise, say again and end alerts of one organization; put its daily summary together when it is time."""
        rules = [rule for kind, rule in RULES.items() if with_balance or kind is not Kind.BALANCE]
        if not organization.alerts.anybody:
            return
        with self.database.read() as tx:
            asked = self._asked(tx, organization)
            found = {(str(sign.kind), sign.key): sign for rule in rules for sign in rule(asked)}
        for what, sign in found.items():
            self._found(asked, what, sign)
        looked = {str(kind) for kind in Kind if with_balance or kind is not Kind.BALANCE}
        for what in [what for what in asked.raised.keys() - found.keys() if what[0] in looked]:
            self._gone(asked, what, is_paused_still=any(kind == Kind.PAUSED for kind, _ in found))
        for what in [what for what, one in asked.ended.items() if one.back_since and what[0] in looked]:
            if what not in found:
                with self.database.write() as tx:
                    alerts.away(tx, asked.ended[what], asked.now)
        self._daily(asked)

    def _asked(self, tx: Connection, organization: Organization) -> Asked:
        raised = alerts.open_ones(tx, organization.name)
        now = self.database.now(tx)
        ended = alerts.ended_since(tx, organization.name, now - damping.SAME)
        return Asked(tx=tx, organization=organization, now=now, raised=raised, ended=ended, balance=self._balance)

    def _found(self, asked: Asked, what: tuple[str, str], sign: Sign) -> None:
        known, organization = asked.raised.get(what), asked.organization
        if known and known.calm_since:
            with self.database.write() as tx:
                alerts.stir(tx, known)
        if known and not _is_news(asked.now, known, sign):
            return
        with self.database.write() as tx:
            number = _begun(tx, asked, what, sign)
            if number is not None:
                self._put(tx, number, RAISED, organization, messages.raised(organization, sign, self.public_url), asked)
                log.info("alert_raised", organization=organization.name, kind=what[0], new=known is None)

    def _gone(self, asked: Asked, what: tuple[str, str], *, is_paused_still: bool) -> None:
        alert, organization = asked.raised[what], asked.organization
        with self.database.write() as tx:
            if not damping.is_over(alert, asked.now):
                alerts.calm(tx, alert, asked.now)
                return
            reached = alerts.end(tx, alert, asked.now)
            # One pause has become another: that posting goes on would be untrue.
            if reached and not (alert.kind == Kind.PAUSED and is_paused_still):
                said = messages.ended(organization, alert, asked.now, self.public_url)
                alerts.put(tx, alert.id, ENDED, reached, said, asked.now)
        log.info("alert_ended", organization=organization.name, kind=what[0])

    def _daily(self, asked: Asked) -> None:
        """Once after the hour has struck; a relay that was down then makes up for the last one."""
        hour, known = messages.last_hour_of(asked.organization, asked.now), asked.raised.get((DAILY, ""))
        name = asked.organization.name
        if hour is None or (known and known.said_at >= hour):
            return
        with self.database.write() as tx:
            if known is None:  # the first one comes at the next hour
                alerts.begin(tx, name, (DAILY, ""), asked.now, asked.now)
                return
            if not alerts.say_again(tx, known, asked.now):
                return
            again = Asked(tx=tx, organization=asked.organization, now=asked.now, raised=asked.raised)
            back = alerts.came_back(tx, name)
            said = messages.daily(again, *messages.day_before(asked.organization, hour), back, self.public_url)
            self._put(tx, known.id, DAILY, asked.organization, said, asked)
            alerts.forget(tx, asked.now - KEPT)

    @staticmethod
    def _put(tx: Connection, number: int, role: str, organization: Organization, said: Said, asked: Asked) -> None:
        alerts.put(tx, number, role, {channel.digest for channel in channels(organization)}, said, asked.now)

    # --- sending --------------------------------------------------------------------------------------------------

    def deliver(self) -> None:
        """Send what is due, oldest first. A server that did not answer is not asked again in this round."""
        with self.database.read() as tx:
            waiting = alerts.due(tx, self.database.now(tx))
        dead: set[str] = set()
        for number in waiting:
            with self.database.write() as tx:
                message = alerts.claim(tx, number, self.database.now(tx), seconds=CLAIM_SECONDS)
            if message is None:
                continue
            try:
                self._deliver(message, dead)
            except LedgerUnavailable:
                raise
            except Exception:
                # An edge: the message stays claimed, and one that cannot be sent must not keep the others.
                log.exception("alert_failed", message=message.id)

    def _deliver(self, message: Message, dead: set[str]) -> None:
        """Send one, and note what came of it."""
        channel = self._channel(message)
        if channel is None or message.is_over or message.claims - message.failures > 2:
            self._failed(message, "nothing more to tell, or nobody to tell it to", again=False)
            return
        server = channel.server(self.sender.mail)
        if server in dead:
            self._failed(message, "its server did not answer just before")
            return
        try:
            self.sender.send(channel, message.said, f"relay-alert-{message.id}-{message.made_at:%Y%m%d%H%M%S}")
        except NotDelivered as error:
            if not error.answered:
                dead.add(server)
            self._failed(message, str(error))
            return
        with self.database.write() as tx:
            alerts.sent(tx, message, self.database.now(tx))
        log.info("alert_sent", organization=message.organization, message=message.id, role=message.role)

    def _channel(self, message: Message) -> Channel | None:
        """Where it goes; None where that address is configured no more."""
        organization = self.organizations.get(message.organization)
        known = channels(organization) if organization else []
        return next((channel for channel in known if channel.digest == message.channel), None)

    def _failed(self, message: Message, why: str, *, again: bool = True) -> None:
        with self.database.write() as tx:
            now = self.database.now(tx)
            limit = _GIVE_UP.get(message.role)
            over = not again or (limit is not None and now - message.made_at > limit)
            wait = min(_FIRST_WAIT * 2 ** min(message.failures, 10), _LONGEST_WAIT)
            alerts.failed(tx, message, why, None if over else now + wait)
        log.warning("alert_not_sent", organization=message.organization, message=message.id, why=why)

    # --- by hand --------------------------------------------------------------------------------------------------

    def test(self, organization: Organization) -> list[tuple[str, bool, str]]:
        """Send one real message to everybody: the channel, whether it went, and what the other side said."""
        said, number = messages.trial(organization, self.public_url), f"relay-test-{time.time_ns()}"
        return [(channel.place, *self._tried(channel, said, f"{number}-{place}"))
                for place, channel in enumerate(channels(organization))]  # fmt: skip

    def _tried(self, channel: Channel, said: Said, number: str) -> tuple[bool, str]:
        try:
            return True, self.sender.send(channel, said, number)
        except NotDelivered as error:
            return False, str(error)


def _begun(tx: Connection, asked: Asked, what: tuple[str, str], sign: Sign) -> int | None:
    """Claim the right to tell of it, for the first time or again; None where another has it."""
    said: dict[str, Any] = {"headline": sign.headline, "said_of": sign.newest}
    if known := asked.raised.get(what):
        return known.id if alerts.say_again(tx, known, asked.now, **said) else None
    if known := asked.ended.get(what):
        if known.back_since is None:
            alerts.back(tx, known, asked.now)
        is_told = damping.stays(known, asked.now) and alerts.reopen(tx, known, asked.now, **said)
        return known.id if is_told else None
    return alerts.begin(tx, asked.organization.name, what, sign.since, asked.now, **said)


def _is_news(now: datetime, known: alerts.Alert, sign: Sign) -> bool:
    """Whether what is raised is worth another message."""
    newer = sign.newest is not None and (known.said_of is None or sign.newest > known.said_of)
    return sign.kind in _SAID_AGAIN and newer and now - known.said_at >= AGAIN
