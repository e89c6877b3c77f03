"""What RQ calls: three-line functions. Arguments are names; the parts belong to the worker process."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from relay.bootstrap import Relay
from relay.config import Organization
from relay.inbound.fetching import Fetching
from relay.outbound.probing import Probing

log = structlog.get_logger(__name__)

_relay: list[Relay] = []


def use(relay: Relay) -> None:
    """Give the jobs of this process their parts; the worker calls it once, before its first job."""
    _relay[:] = [relay]


def post_due(organization: str) -> str:
    """Replay, post, complete and look up what is due for one organization; ring again if more is due."""
    with structlog.contextvars.bound_contextvars(organization=organization):
        return _post_due(_relay[0], organization)


def _post_due(relay: Relay, organization: str) -> str:
    relay.bell.answered(organization)
    if (charity := relay.settings.organizations.get(organization)) is None:
        return "not configured"
    replaying = _replay(relay, organization)
    report = relay.posting_for(charity).run()
    for aside in (relay.fetching_for, relay.probing_for):
        _run_aside(charity, aside)
    if (report.more or replaying) and not relay.stopping():
        relay.bell.ring(organization)
    return f"sent {report.sent}"


def _replay(relay: Relay, organization: str) -> bool:
    """Carry out plans of replays for a while; what fails there keeps no gift from going."""
    try:
        return relay.plans.advance(organization, stopping=relay.stopping)
    except Exception:
        log.exception("job_failed", organization=organization)
        return False


def _run_aside(charity: Organization, made_for: Callable[[Organization], Fetching | Probing]) -> None:
    """What fails beside posting is logged, and rung for again by the sweep; it never keeps a gift from going."""
    try:
        made_for(charity).run()
    except Exception:
        log.exception("job_failed", organization=charity.name)
