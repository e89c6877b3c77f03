"""``flask funds``: the fund map as it counts, edited here over the file, tried before it is saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click
from flask.cli import with_appcontext

from relay import words
from relay.access import operator
from relay.cli.commands import Group, agreed, as_json, parts, say, say_json, who, why, yes, zone_of
from relay.cli.filters import known_organization
from relay.cli.tables import plain, table
from relay.config.funds import as_told
from relay.ledger.funds import Version
from relay.money import Money, sums
from relay.office.funding import Row, where
from relay.office.trying import Trial, Tried

# A trial longer than this is told by its sums.
SHOWN = 40

_organization = click.option(
    "--organization", metavar="NAME", default="", help="Whose; may be left out where there is only one."
)
_code = click.argument("code", metavar="CODE")


@click.group("funds", cls=Group)
def funds() -> None:
    """The fund map: list it, change it here over the file, take a change back, see every version."""


@funds.command("list")
@_organization
@as_json
@with_appcontext
def listing(*, organization: str, as_json: bool) -> None:
    """The codes as they count now, and what waits for each; codes that nobody has mapped come first."""
    rows = parts().funding.rows(_of(organization), actor=operator("flask funds"))
    if as_json:
        for row in rows:
            say_json(_row_fields(row))
        return
    titles = ("code", "gifts that wait", "how much", "goes to", "says who")
    for line in table(titles, [_cells(row) for row in rows], right=frozenset({1, 2})):
        say(line)


@funds.command("set")
@_code
@_organization
@click.option("--designee", "designee_id", type=click.IntRange(1), help="The id of Luminate's designee.")
@click.option("--write-in", metavar="TEXT", help="The name of a write-in designation, instead of a designee.")
@click.option("--form", "form_id", type=click.IntRange(1), help="Another form than the organization's; needs --level.")
@click.option("--level", "level_id", type=click.IntRange(1), help="The level of that form.")
@click.option("--mail", is_flag=True, help="Let Luminate mail the donors that are let go, as configured.")
@why
@who
@yes
@with_appcontext
def change(code: str, *, organization: str, mail: bool, reason: str, who: str, yes: bool, **told: Any) -> None:
    """Map a code here, over what the file says. Shows what it does to the gifts that wait; asks before it does it."""
    given = {name: value for name, value in told.items() if value is not None}
    _save(_of(organization), code, given, who=who, reason=reason, yes=yes, mail=mail)


@funds.command("unset")
@_code
@_organization
@why
@who
@yes
@with_appcontext
def unset(code: str, *, organization: str, reason: str, who: str, yes: bool) -> None:
    """Take an edit back: the file counts again."""
    _save(_of(organization), code, None, who=who, reason=reason, yes=yes, mail=False)


@funds.command("history")
@click.argument("code", metavar="[CODE]", default="")
@_organization
@as_json
@with_appcontext
def history(code: str, *, organization: str, as_json: bool) -> None:
    """Every version of a code, or of all, newest first."""
    name = _of(organization)
    for version in parts().funding.history(name, code, actor=operator("flask funds")):
        if as_json:
            say_json(_version_fields(version))
        else:
            at = words.short_minute(version.at, zone_of(name))
            told = where(version.fund) if version.fund else "taken back: the file counts"
            say(f"{at}  {plain(version.code)}  {plain(told)}  by {plain(version.who)}: {plain(version.reason)}")


def _of(organization: str) -> str:
    known = list(parts().settings.organizations)
    if not organization and len(known) == 1:
        return known[0]
    if not organization:
        raise click.BadParameter("say whose funds: --organization NAME", param_hint="--organization")
    return known_organization(organization)


def _save(
    name: str, code: str, told: Mapping[str, Any] | None, *, who: str, reason: str, yes: bool, mail: bool
) -> None:
    relay, actor = parts(), operator(who)
    trial = relay.funding.trial(name, code, told, actor=actor)
    _show(trial)
    if not agreed(f"Save this, and let {words.count(len(trial.goes), 'gift')} go?", yes=yes):
        say("Nothing was changed.")
        return
    saved = relay.funding.save(name, code, told, seen=trial.seen, actor=actor, reason=reason, mail=mail)
    relay.bell.ring(name)
    say(f"Saved as version {saved.version}.")
    if saved.plan:
        say(f"Replay plan {saved.plan} lets {words.count(saved.released, 'gift')} go.")


def _show(trial: Trial) -> None:
    say(f"{plain(trial.edit.code)}: {where(trial.before)} -> {where(trial.after)}")
    for title, tried in (("Go", trial.goes), ("Stay", trial.stays), ("In line, mapped again", trial.in_line)):
        for line in _group(title, tried):
            say(line)
    if trial.more:
        say(f"{words.count(trial.more, 'gift')} more wait; save once more to let them go.")


def _group(title: str, group: tuple[Tried, ...]) -> list[str]:
    if not group:
        return []
    lines = [f"{title}: {words.count(len(group), 'gift')}, {_sums(one.entry.amount for one in group)}."]
    lines += [f"  {one.entry.id}  {words.money(one.entry.amount)}  {plain(one.why)}".rstrip() for one in group[:SHOWN]]
    return lines


def _sums(amounts: Iterable[Money]) -> str:
    return " and ".join(map(words.money, sums(amounts)))


def _says(row: Row) -> str:
    if row.fund is None:
        return "nobody yet"
    return f"edited here by {row.version.who}" if row.version and row.is_edited else "the file"


def _cells(row: Row) -> tuple[str, ...]:
    code = row.code + (" (default)" if row.is_default else "")
    return (
        plain(code),
        f"{row.gifts:,}" if row.gifts else "",
        _sums(row.amounts),
        plain(where(row.fund)),
        plain(_says(row)),
    )


def _row_fields(row: Row) -> dict[str, Any]:
    told = {"code": row.code, "fund": None if row.fund is None else as_told(row.fund), "edited_here": row.is_edited}
    amounts = [{"amount": amount.text, "currency": amount.currency} for amount in row.amounts]
    return told | {"in_file": row.in_file and as_told(row.in_file), "waiting": row.gifts, "amounts": amounts}


def _version_fields(version: Version) -> dict[str, Any]:
    fund = None if version.fund is None else as_told(version.fund)
    told = {"version": version.id, "organization": version.organization, "code": version.code, "fund": fund}
    return told | {"who": version.who, "at": version.at, "reason": version.reason}
