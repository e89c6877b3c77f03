"""Which entries: the same options for ``gifts`` and ``replay``, all joined by AND. A word we do not know is refused."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta, tzinfo
from typing import Any

import click

from relay.access import operator
from relay.cli.commands import one_of, parts, zone_of
from relay.config.problems import did_you_mean
from relay.ledger.search import Filter, totals
from relay.reports.searching import both
from relay.status import Kind, Status

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# The names of the options as a function receives them.
_NAMES = ("organization", "provider", "kind", "status", "code", "fund", "since", "until", "late")


def filter_options(*code_names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command every filter; it receives one ``wanted``. ``code_names``: how it calls the reason's code."""
    options = (
        click.option("--organization", metavar="NAME", default="", help="Of this organization only."),
        click.option("--provider", metavar="NAME", default="", help="Through this provider only."),
        click.option("--kind", type=one_of(Kind), multiple=True, help="May be given more than once."),
        click.option("--status", type=one_of(Status), multiple=True, help="May be given more than once."),
        click.option(*code_names, "code", metavar="CODE", default="", help="With this reason, such as no_email."),
        click.option("--fund", metavar="TEXT", default="", help="With this in its fund."),
        click.option("--since", metavar="DAY", default="", help="Received on this day or later (2025-12-31)."),
        click.option("--until", metavar="DAY", default="", help="Received on this day or earlier."),
        click.option("--late", is_flag=True, help="Recorded in another month or fiscal year than paid in."),
    )

    def with_filters(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def gathered(*args: Any, **given: Any) -> Any:
            chosen = {name: given.pop(name) for name in _NAMES}
            return function(*args, wanted=_filter(chosen), **given)

        return functools.reduce(lambda wrapped, option: option(wrapped), reversed(options), gathered)

    return with_filters


def searched(wanted: Filter, text: str) -> Filter:
    """The options and a search in the words of the console's search box, joined by AND."""
    if not text.strip():
        return wanted
    asked = parts().searching.wanted(operator("flask"), text, wanted.organization)
    return both(wanted, replace(asked, organizations=None))


def _filter(chosen: dict[str, Any]) -> Filter:
    organization = known_organization(chosen["organization"])
    zone = _zone(organization)
    return Filter(
        organization=organization,
        provider=chosen["provider"],
        kinds=tuple(Kind(word) for word in chosen["kind"]),
        statuses=tuple(Status(word) for word in chosen["status"]),
        reason=chosen["code"],
        fund=chosen["fund"],
        since=moment("--since", chosen["since"], zone, days=0),
        until=moment("--until", chosen["until"], zone, days=1),
        late="yes" if chosen["late"] else "",
    )


def known_organization(name: str) -> str:
    """The name, if it is configured or the ledger knows it: a slip of the pen must not look like "nothing found"."""
    relay = parts()
    if not name or name in relay.settings.organizations:
        return name
    with relay.database.read() as tx:
        if totals(tx, Filter(organization=name)):
            return name
    hint = did_you_mean(name, relay.settings.organizations)
    raise click.BadParameter(f'there is no organization "{name}"{hint}', param_hint="--organization")


def _zone(organization: str) -> tzinfo:
    """The zone in which a day begins and ends: of the organization named, or of the only one there is."""
    names = [organization] if organization else list(parts().settings.organizations)
    return zone_of(names[0] if len(names) == 1 else "")


def moment(option: str, text: str, zone: tzinfo, *, days: int) -> datetime | None:
    """The beginning of a day in a zone, or a moment with a zone of its own; ``days`` later for the end of a day."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("write a day as 2025-12-31", param_hint=option) from None
    if _DAY.fullmatch(text):
        return datetime.combine(found.date() + timedelta(days=days), time(), zone)
    return found if found.tzinfo else found.replace(tzinfo=zone)
