"""Pausing one organization's posting by hand, and ending any pause. Intake goes on all the while."""

from __future__ import annotations

import structlog

from relay.access import Actor, Permission
from relay.errors import ReplayRefused
from relay.ledger import audit, calls, pauses, search
from relay.ledger.db import Database
from relay.ledger.pauses import Pause
from relay.ledger.restores import RESTORED
from relay.ledger.search import Filter
from relay.outbound.watching import LAST_CALL
from relay.status import Status

log = structlog.get_logger(__name__)

BY_PERSON = "paused_by_person"


def pause(database: Database, organization: str, *, actor: Actor, reason: str) -> None:
    """Stop posting until a person resumes it; a pause of the machine's own becomes this one."""
    actor.need(Permission.MANAGE, organization)
    with database.write() as tx:
        database.lock(tx, organization)
        found = pauses.of(tx, organization)
        if found is not None and found.check_at is None:
            raise ReplayRefused(f"{organization} is paused already, by {found.who}: {found.reason_text}")
        pauses.end(tx, organization)
        now = database.now(tx)
        pauses.start(tx, organization, now, who=actor.name, reason=BY_PERSON, text=reason, check_at=None)
        audit.record(tx, actor, "paused", organization=organization, subject="posting", details={"reason": reason})
    log.info("posting_paused", organization=organization)


def resume(database: Database, organization: str, *, actor: Actor, reason: str, anyway: bool = False) -> Pause:
    """Let posting go on. Gives back the pause that ended; raises ReplayRefused where there was none.

    After a restore it refuses too while suspects are not looked up, unless somebody says ``anyway``.
    """
    actor.need(Permission.MANAGE, organization)
    with database.write() as tx:
        database.lock(tx, organization)
        found = pauses.of(tx, organization)
        if found is None:
            raise ReplayRefused(f"{organization} is not paused")
        left = search.count(tx, Filter(organization=organization, statuses=(Status.UNKNOWN,), reason=RESTORED))
        if left and not anyway:
            raise ReplayRefused(f"{left} entries of {organization} are not looked up yet: posting could double a gift")
        pauses.end(tx, organization)
        told = {"reason": reason, "paused_by": found.who, "not_looked_up": left}
        # What was refused before says nothing about what comes now.
        told |= {LAST_CALL: calls.last_begun(tx, organization)}
        audit.record(tx, actor, "resumed", organization=organization, subject="posting", details=told)
    log.info("posting_resumed", organization=organization)
    return found
