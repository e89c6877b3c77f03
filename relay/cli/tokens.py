"""``flask tokens``: the keys of programs that use the API."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import with_appcontext

from relay import words
from relay.access import operator
from relay.cli.commands import Group, as_json, now, parts, say, say_json, who, zone_of
from relay.cli.filters import known_organization
from relay.cli.tables import plain, table
from relay.ledger.tokens import Token
from relay.office.tokens import MOST_DAYS, SCOPES


@click.group("tokens", cls=Group)
def tokens() -> None:
    """Keys of programs that use the API: make one, list them, end one."""


@tokens.command("add")
@click.argument("name", metavar="NAME")
@click.option("--organization", metavar="NAME", required=True, help="Whose gifts it opens.")
@click.option(
    "--scope", "scopes", type=click.Choice([scope.value for scope in SCOPES]), multiple=True, required=True,
    help="read, act (correct, replay, close) or map (the fund map); more than once. All of them may read.",
)  # fmt: skip
@click.option("--days", type=click.IntRange(1, MOST_DAYS), help="It ends by itself after so many days.")
@who
@with_appcontext
def add(name: str, *, organization: str, scopes: tuple[str, ...], days: int | None, who: str) -> None:
    """Make a token. It is shown this once; NAME says whose it is."""
    made = parts().tokens.add(name, known_organization(organization), scopes, actor=operator(who), days=days)
    say(f"Token {made.number}, shown this once:")
    say(made.secret)


@tokens.command("list")
@as_json
@with_appcontext
def listing(*, as_json: bool) -> None:
    """The tokens, newest first; never what opens anything."""
    found = parts().tokens.listing(actor=operator("flask tokens"))
    if as_json:
        for token in found:
            say_json(_fields(token))
        return
    for line in table(("id", "name", "organization", "scopes", "last used", "state"), [_cells(one) for one in found]):
        say(line)


@tokens.command("end")
@click.argument("number", metavar="ID", type=click.IntRange(1))
@who
@with_appcontext
def end(number: int, *, who: str) -> None:
    """End a token: from now on it opens nothing."""
    token = parts().tokens.end(number, actor=operator(who))
    say(f"Token {number} ({plain(token.name)}) has ended.")


def _fields(token: Token) -> dict[str, Any]:
    told = {"id": token.id, "name": token.name, "organization": token.organization, "scopes": sorted(token.scopes)}
    times = {name: getattr(token, name) for name in ("made_at", "expires_at", "used_at", "ended_at")}
    return told | {"made_by": token.made_by} | times


def _cells(token: Token) -> tuple[str, ...]:
    used = words.short_minute(token.used_at, zone_of(token.organization)) if token.used_at else "never"
    scopes = ", ".join(sorted(token.scopes))
    return (str(token.id), plain(token.name), token.organization, scopes, used, _state(token))


def _state(token: Token) -> str:
    zone = zone_of(token.organization)
    if token.ended_at:
        return f"ended {words.short_minute(token.ended_at, zone)}"
    if not token.expires_at:
        return "good"
    return f"{'good until' if token.is_good(now()) else 'expired'} {words.short_minute(token.expires_at, zone)}"
