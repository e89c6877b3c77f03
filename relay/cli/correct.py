"""``flask correct``: put right by hand what keeps a gift from Luminate."""

from __future__ import annotations

import click

from relay import words
from relay.access import operator
from relay.cli.commands import Failure, command, entry_id, parts, say, who, why
from relay.cli.parameters import FUND, resolve
from relay.cli.tables import plain
from relay.config.problems import did_you_mean
from relay.errors import ReplayRefused
from relay.ledger import entries
from relay.ledger.entries import Entry
from relay.ledger.funds import with_funds
from relay.reports.advice import next_step
from relay.status import Status


@command("correct")
@entry_id
@click.argument("changes", metavar="FIELD=VALUE...", nargs=-1, required=True)
@click.option("--take-over", is_flag=True, help="Although somebody else is correcting it.")
@why
@who
def correct(entry: int, changes: tuple[str, ...], *, take_over: bool, reason: str, who: str) -> None:
    """Change what Luminate is told about an unsent gift, and send it. FIELD: Luminate's name or yours; an empty
    VALUE takes an earlier correction back.
    """
    wanted = _read(changes)
    before = _entry(entry)
    _check_fund(before, wanted.get(FUND, ""))
    done = parts().correcting.correct(entry, wanted, actor=operator(who), reason=reason, take_over=take_over)
    if done.proposal is not None:
        say(f"Proposal {done.proposal}: another person must agree, `flask proposals agree {done.proposal}`.")
        return
    after, status = _entry(entry), done.status
    parts().bell.ring(after.organization)
    for name in wanted:
        say(f"{_label(name)}: {_told(before, name)} -> {_told(after, name)}")
    say(f"Entry {entry} is now {status}. {plain(after.reason_text) if status is Status.HELD else ''}".strip())
    say(next_step(after.status, after.reason, entry))


def _read(changes: tuple[str, ...]) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for change in changes:
        name, sign, value = change.partition("=")
        if not sign:
            raise click.BadParameter(f'write "{change}" as FIELD=VALUE', param_hint="FIELD=VALUE")
        parameter = resolve(name)
        if parameter in wanted:
            raise click.BadParameter(f"{parameter} is given twice", param_hint="FIELD=VALUE")
        wanted[parameter] = value.strip()
    return wanted


def _entry(number: int) -> Entry:
    with parts().database.read() as tx:
        found = entries.get(tx, number)
    if found is None:
        raise ReplayRefused(f"there is no entry {number}")
    return found


def _check_fund(entry: Entry, fund: str) -> None:
    relay = parts()
    organization = relay.settings.organizations.get(entry.organization)
    if not fund or organization is None:
        return
    with relay.database.read() as tx:
        known = with_funds(tx, organization).funds
    if fund not in known:
        raise Failure(f'there is no fund "{fund}"{did_you_mean(fund, known)}')


def _label(name: str) -> str:
    return "Fund" if name == FUND else words.parameter(name).capitalize()


def _told(entry: Entry, name: str) -> str:
    shown = entry.fund if name == FUND else entry.parameters.get(name, "")
    return plain(shown) or "nothing"
