"""Pausing one organization's posting by hand, and ending any pause. Intake goes on all the while."""

from __future__ import annotations

import structlog

from relay.errors import ReplayRefused
from relay.ledger import pauses
from relay.ledger.db import Database
from relay.ledger.pauses import Pause

log = structlog.get_logger(__name__)

BY_PERSON = "paused_by_person"


def pause(database: Database, organization: str, *, who: str, reason: str) -> None:
    """Stop posting until a person resumes it; a pause of the machine's own becomes this one."""
    with database.write() as tx:
        database.lock(tx, organization)
        found = pauses.of(tx, organization)
        if found is not None and found.check_at is None:
            raise ReplayRefused(f"{organization} is paused already, by {found.who}: {found.reason_text}")
        pauses.end(tx, organization)
        now = database.now(tx)
        pauses.start(tx, organization, now, who=who, reason=BY_PERSON, text=reason, check_at=None)
    log.info("posting_paused", organization=organization, who=who, why=reason)


def resume(database: Database, organization: str, *, who: str, reason: str) -> Pause:
    """Let posting go on. Gives back the pause that ended; raises ReplayRefused where there was none."""
    with database.write() as tx:
        database.lock(tx, organization)
        found = pauses.of(tx, organization)
        if found is None:
            raise ReplayRefused(f"{organization} is not paused")
        pauses.end(tx, organization)
    log.info("posting_resumed", organization=organization, who=who, why=reason)
    return found
