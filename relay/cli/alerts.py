"""``flask alerts``: what is wrong and whom it was told, and whether a message arrives at all."""

from __future__ import annotations

from dataclasses import asdict

import click
from flask.cli import with_appcontext

from relay import words
from relay.cli.commands import Failure, Group, as_json, parts, say, say_json
from relay.cli.tables import table
from relay.config import Organization
from relay.config.problems import did_you_mean
from relay.ledger import alerts as ledger
from relay.ledger.alerts import Alert


@click.group("alerts", cls=Group)
def alerts() -> None:
    """What relay tells people about by itself."""


@alerts.command("list")
@click.option("--organization", metavar="NAME", help="Of this organization only.")
@click.option("--limit", metavar="N", type=click.IntRange(1), default=20, show_default=True, help="So many of each.")
@as_json
@with_appcontext
def show(organization: str | None, *, limit: int, as_json: bool) -> None:
    """List what is wrong now, then what was, newest first."""
    chosen = [_configured(organization)] if organization else list(parts().settings.organizations.values())
    with parts().database.read() as tx:
        found = [(one, alert) for one in chosen for alert in ledger.newest(tx, one.name, limit)]
    if as_json:
        for _, alert in found:
            say_json(asdict(alert))
        return
    titles = ("organization", "kind", "since", "told", "over", "what")
    for line in table(titles, [_row(one, alert) for one, alert in found]):
        say(line)
    for one in chosen:
        if not one.alerts.anybody:
            say(f"Nobody hears of {one.name}'s alerts: docs/alerts.md says how to change that.")


def _row(organization: Organization, alert: Alert) -> tuple[str, ...]:
    moments = (alert.since, alert.told_at, alert.ended_at)
    since, told, over = (words.short_minute(one, organization.time_zone) if one else "-" for one in moments)
    return (organization.name, alert.kind, since, told, over, alert.headline)


@alerts.command("test")
@click.argument("organization", metavar="ORGANIZATION")
@as_json
@with_appcontext
def test(organization: str, *, as_json: bool) -> None:
    """Send one real message to everybody who hears of ORGANIZATION's alerts, and say what was answered."""
    tried = parts().alerting.test(_configured(organization))
    for place, went, answer in tried:
        if as_json:
            say_json({"to": place, "sent": went, "answer": answer})
        else:
            say(f"{place}: {'sent' if went else 'NOT SENT'}, {answer}.")
    if not tried:
        raise Failure(f"nobody hears of {organization}'s alerts: docs/alerts.md says how to change that")
    if not all(went for _, went, _ in tried):
        raise Failure("not everybody was reached")


def _configured(name: str) -> Organization:
    known = parts().settings.organizations
    if name not in known:
        raise click.BadParameter(f'there is no organization "{name}"{did_you_mean(name, known)}')
    return known[name]
