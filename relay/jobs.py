"""What RQ calls: three-line functions. Arguments are names; the parts belong to the worker process."""

from __future__ import annotations

from relay.bootstrap import Relay

_relay: list[Relay] = []


def use(relay: Relay) -> None:
    """Give the jobs of this process their parts; the worker calls it once, before its first job."""
    _relay[:] = [relay]


def post_due(organization: str) -> str:
    """Complete, post and look up what is due for one organization; ring again if more is due."""
    relay = _relay[0]
    relay.bell.answered(organization)
    if (charity := relay.settings.organizations.get(organization)) is None:
        return "not configured"
    relay.fetching_for(charity).run()
    report = relay.posting_for(charity).run()
    relay.probing_for(charity).run()
    if report.more and not relay.stopping():
        relay.bell.ring(organization)
    return f"sent {report.sent}"
