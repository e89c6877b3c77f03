"""``flask audit``: who did what, and whether the chain of it is whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC
from functools import reduce
from typing import Any

import click
from flask.cli import with_appcontext

from relay import words
from relay.access import operator
from relay.cli.commands import Failure, Group, as_json, parts, say, say_json, who, zone_of
from relay.cli.filters import known_organization, moment
from relay.cli.tables import plain, table
from relay.ledger.audit import Line, Wanted
from relay.office.auditing import TITLES, row
from relay.reports.spreadsheets import csv_lines

PAGE = 50
_OPTIONS = (
    click.option("--organization", metavar="NAME", default="", help="Of this organization only."),
    click.option("--person", metavar="TEXT", default="", help="With this in the name of who did it."),
    click.option("--action", metavar="ACTION", default="", help='Such as "exported".'),
    click.option("--subject", metavar="TEXT", default="", help='With this in what it was done to, such as "entry 12".'),
    click.option("--since", metavar="DAY", default="", help="On this day or later (2025-12-31, UTC)."),
    click.option("--until", metavar="DAY", default="", help="On this day or earlier."),
)


@click.group("audit", cls=Group)
def audit() -> None:
    """What people and programs did and saw: one chain of lines."""


def _filtered(function: Callable[..., Any]) -> Callable[..., Any]:
    return reduce(lambda wrapped, option: option(wrapped), reversed(_OPTIONS), function)


@audit.command("list")
@_filtered
@click.option("--limit", type=click.IntRange(1), default=PAGE, show_default=True, help="The newest N.")
@as_json
@who
@with_appcontext
def listing(*, limit: int, as_json: bool, who: str, **given: str) -> None:
    """The newest lines, oldest first."""
    found = parts().auditing.page(operator(who), _wanted(**given), limit=limit)[::-1]
    if as_json:
        for line in found:
            say_json(asdict(line))
        return
    if not found:
        say("Nothing matches.")
        return
    rows = [_cells(line) for line in found]
    for text in table(
        ("line", "at", "who", "through", "organization", "action", "subject"), rows, right=frozenset({0})
    ):
        say(text)


@audit.command("export")
@_filtered
@click.option("--csv", "how", flag_value="csv", help="For a spreadsheet.")
@click.option("--json", "how", flag_value="json", help="One JSON object a line. [default]", default=True)
@who
@with_appcontext
def export(*, how: str, who: str, **given: str) -> None:
    """Every line that matches, to standard output. That it was exported becomes a line itself."""
    found = parts().auditing.export(operator(who), _wanted(**given), how=how)
    if how == "csv":
        for text in csv_lines(TITLES, map(row, found)):
            click.echo(text, nl=False)
        return
    for line in found:
        say_json(asdict(line))


@audit.command("verify")
@click.option("--anchor", metavar="LINE:DIGEST", default="", help="The end of the chain as you kept it elsewhere.")
@as_json
@with_appcontext
def verify(*, anchor: str, as_json: bool) -> None:
    """Walk the chain; say which line was changed, removed or put in. Exit code 1 where there is one."""
    checked = parts().auditing.check(_anchor(anchor))
    if as_json:
        say_json(asdict(checked))
    for fault in () if as_json else checked.faults:
        say(f"{fault[:1].upper()}{fault[1:]}.")
    if checked.faults:
        raise Failure(f"the audit is not whole: {words.count(len(checked.faults), 'fault')}")
    if not as_json:
        say(f"The audit is whole: {words.count(checked.last, 'line')}. Keep this where relay cannot write:")
        say(f"{checked.last}:{checked.digest}")


def _wanted(*, organization: str, person: str, action: str, subject: str, since: str, until: str) -> Wanted:
    return Wanted(
        organizations=(known_organization(organization),) if organization else None,
        who=person,
        action=action,
        subject=subject,
        since=moment("--since", since, UTC, days=0),
        until=moment("--until", until, UTC, days=1),
    )


def _cells(line: Line) -> tuple[str, ...]:
    at = words.short_minute(line.at, zone_of(line.organization))
    return (str(line.id), at, line.who, line.through, line.organization, line.action, plain(line.subject))


def _anchor(text: str) -> tuple[int, str] | None:
    if not text:
        return None
    number, colon, digest = text.strip().partition(":")
    if not colon or not number.isdecimal():
        raise click.BadParameter("write it as verify printed it: LINE:DIGEST", param_hint="--anchor")
    return int(number), digest
