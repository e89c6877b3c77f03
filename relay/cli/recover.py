"""``flask recover``: after the ledger was restored from a backup."""

from __future__ import annotations

import click

from relay import words
from relay.access import operator
from relay.cli.commands import WrongUsage, command, parts, say, who, why, zone_of
from relay.cli.filters import moment
from relay.ledger import search
from relay.outbound.recovery import Recovery


@command("recover")
@click.option("--since", metavar="TIME", required=True, help="When the backup was taken (2026-01-31T04:00).")
@why
@who
def recover(*, since: str, reason: str, who: str) -> None:
    """Make whatever may have been sent since the backup unknown, look it up in Luminate, and post nothing meanwhile.

    Every organization is paused. `flask resume ORGANIZATION` ends that, once everything is looked up.
    """
    taken = moment("--since", since, zone_of(""), days=0)
    if taken is None:
        raise WrongUsage("say when the backup was taken, such as --since 2026-01-31T04:00")
    recovered = Recovery(parts().database, parts().settings.organizations).start(
        taken, actor=operator(who), reason=reason
    )
    for organization, suspects in recovered.suspects.items():
        parts().bell.ring(organization)
        say(f"{organization}: posting is paused; {len(suspects)} entries are looked up in Luminate first.")
    _tell_what_is_missing()


def _tell_what_is_missing() -> None:
    """The ledger cannot know what it has forgotten; each provider can send it again."""
    with parts().database.read() as tx:
        newest = search.last_events(tx)
    for organization, provider, at in newest:
        when = words.minute(at, zone_of(organization))
        say(f"{organization}: the newest event of {provider} is of {when}; let it send again what came after.")
