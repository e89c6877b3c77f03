"""``flask pause`` and ``resume``: intake goes on, posting of one organization stops and starts."""

from __future__ import annotations

import click

from relay import words
from relay.access import operator
from relay.cli.commands import command, parts, say, who, why, zone_of
from relay.config.problems import did_you_mean
from relay.outbound.pausing import pause as pause_posting
from relay.outbound.pausing import resume as resume_posting

_organization = click.argument("organization", metavar="ORGANIZATION")


@command("pause")
@_organization
@why
@who
def pause(organization: str, *, reason: str, who: str) -> None:
    """Stop posting for ORGANIZATION until somebody resumes it. Webhooks are taken all the while."""
    pause_posting(parts().database, _configured(organization), actor=operator(who), reason=reason)
    say(f"Posting for {organization} is paused. `flask resume {organization}` ends that.")


@command("resume")
@_organization
@why
@who
@click.option("--anyway", is_flag=True, help="Although entries of a restored ledger are not looked up yet.")
def resume(organization: str, *, reason: str, who: str, anyway: bool) -> None:
    """Let posting for ORGANIZATION go on."""
    ended = resume_posting(
        parts().database, _configured(organization), actor=operator(who), reason=reason, anyway=anyway
    )
    parts().bell.ring(organization)
    since = words.minute(ended.since, zone_of(organization))
    say(f"Posting for {organization} goes on; it was paused since {since} by {ended.who}: {ended.reason_text}")


def _configured(name: str) -> str:
    names = parts().settings.organizations
    if name not in names:
        raise click.BadParameter(
            f'there is no organization "{name}"{did_you_mean(name, names)}', param_hint="ORGANIZATION"
        )
    return name
