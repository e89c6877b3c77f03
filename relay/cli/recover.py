"""``flask recover``: after the ledger was restored from a backup."""

from __future__ import annotations

from datetime import datetime

import click

from relay import words
from relay.access import operator
from relay.cli.commands import WrongUsage, command, parts, say, who, why, zone_of
from relay.cli.filters import moment
from relay.outbound.recovery import Recovery


@command("recover")
@click.option(
    "--since",
    metavar="TIME",
    required=True,
    help="When the backup was taken, or earlier: 2026-01-31T04:00-06:00. Without a zone it is UTC.",
)
@why
@who
def recover(*, since: str, reason: str, who: str) -> None:
    """Make whatever may have been sent since the backup unknown, look it up in Luminate, and post nothing meanwhile.

    Stop the workers before the restore, and start them after this. Every organization is paused.
    `flask resume ORGANIZATION` ends that, once everything is looked up.
    """
    taken = moment("--since", since, zone_of(""), days=0)
    if taken is None:
        raise WrongUsage("say when the backup was taken, such as --since 2026-01-31T04:00")
    recovered = Recovery(parts().database, parts().settings.organizations).start(
        taken, actor=operator(who), reason=reason
    )
    for organization, suspects in recovered.suspects.items():
        if organization in parts().settings.organizations:
            parts().bell.ring(organization)
        say(f"{organization}: posting is paused; {len(suspects)} entries are looked up in Luminate first.")
        _tell_what_is_missing(organization, recovered.since[organization])


def _tell_what_is_missing(organization: str, since: datetime) -> None:
    """The ledger cannot know what it has forgotten; each provider can send it again."""
    configured = parts().settings.organizations.get(organization)
    when = words.minute(since, zone_of(organization))
    if configured is None:
        say(f"{organization}: it is not configured; nothing of it can be looked up before it is.")
        return
    for provider in configured.providers:
        say(f"{organization}: let {provider} send again everything since {when}.")
