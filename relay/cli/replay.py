"""``flask replay``: entries again, on purpose, by a named person; and a stored event read again."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace as changed

import click

from relay import words
from relay.access import operator
from relay.cli.commands import Failure, WrongUsage, agreed, command, parts, say, who, why, yes
from relay.cli.filters import filter_options
from relay.cli.tables import plain, table
from relay.errors import ReplayRefused
from relay.ledger.entries import Entry
from relay.ledger.search import Filter
from relay.money import Money
from relay.reparse import Reparse
from relay.replay import Planned
from relay.status import Kind, Status

# A plan longer than this is told by its sums; the sums always count all.
SHOWN = 40


@command("replay")
@click.argument("ids", metavar="[ID]...", nargs=-1, type=click.IntRange(1))
@filter_options("--reason-code")
@click.option("--search", metavar="TEXT", default="", help="A donor, an amount, any id or code.")
@click.option("--event", type=click.IntRange(1), help="Read this stored event again (its number in `flask events`).")
@click.option("--mail", is_flag=True, help="Let Luminate mail the donors, as the organization is configured.")
@why
@who
@yes
def replay(
    ids: tuple[int, ...],
    wanted: Filter,
    *,
    search: str,
    event: int | None,
    mail: bool,
    reason: str,
    who: str,
    yes: bool,
) -> None:
    """Send entries again, or read a stored event again. Shows first what it would do; asks before it does it."""
    wanted = changed(wanted, ids=ids, text=search)
    if event is not None:
        if not wanted.is_everything or mail:
            raise WrongUsage("--event stands alone: it is one event, and nobody is mailed for it")
        _read_again(event, who=who, reason=reason, yes=yes)
    else:
        _send_again(wanted, mail=mail, who=who, reason=reason, yes=yes)


def _send_again(wanted: Filter, *, mail: bool, who: str, reason: str, yes: bool) -> None:
    if wanted.is_everything:
        raise WrongUsage("name an entry or a filter: everything at once is never replayed")
    plan = parts().replay.plan(wanted, mail=mail)
    _refuse_missing(wanted.ids, plan)
    going = [planned for planned in plan if not planned.refused]
    _show_plan(plan, going, mail=mail)
    if not going:
        raise Failure("nothing of this can be sent again")
    if not agreed(f"Send {words.count(len(going), 'entry', 'entries')} again?", yes=yes):
        raise Failure("nothing was changed")
    _carry_out(going, mail=mail, who=who, reason=reason)


def _refuse_missing(ids: Sequence[int], plan: Sequence[Planned]) -> None:
    missing = sorted(set(ids) - {planned.entry.id for planned in plan})
    if missing:
        raise Failure(
            f"not found with these filters: {words.count(len(missing), 'entry', 'entries')} "
            f"{', '.join(map(str, missing))}; nothing was changed"
        )


def _show_plan(plan: Sequence[Planned], going: Sequence[Planned], *, mail: bool) -> None:
    rows = [
        (str(one.entry.id), plain(one.entry.donor_name), words.money(one.entry.amount), one.entry.status,
         f"stays: {one.refused}" if one.refused else one.effect)
        for one in plan[:SHOWN]
    ]  # fmt: skip
    for line in table(("id", "donor", "amount", "status", "what happens"), rows, right=frozenset({0, 2})):
        say(line)
    if len(plan) > SHOWN:
        say(f"(and {len(plan) - SHOWN:,} more)")
    say()
    say(f"Would be sent again: {words.count(len(going), 'entry', 'entries')}, {_sums(going)}.")
    say(f"Would stay as they are: {len(plan) - len(going):,}.")
    say(f"Donors whom Luminate may e-mail: {sum(mail and _mails(one.entry) for one in going):,}.")


def _mails(entry: Entry) -> bool:
    """Whether its organization lets Luminate mail for this kind, when asked to."""
    mail = parts().settings.organizations[entry.organization].mail
    return mail.refund if entry.kind is Kind.REFUND else mail.receipt or mail.registration


def _sums(plan: Sequence[Planned]) -> str:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for one in plan:
        sums[one.entry.kind, one.entry.amount.currency] += one.entry.amount.minor
    told = [f"{kind}s of {words.money(Money(minor, currency))}" for (kind, currency), minor in sorted(sums.items())]
    return " and ".join(told) or "no money"


def _carry_out(going: Sequence[Planned], *, mail: bool, who: str, reason: str) -> None:
    done: list[tuple[int, Status]] = []
    with click.progressbar(going, label="Replaying", file=sys.stderr) as progress:
        for planned in progress:
            done += parts().replay.run([planned], actor=operator(who), reason=reason, mail=mail)
    for organization in sorted({planned.entry.organization for planned in going}):
        parts().bell.ring(organization)
    _tell(going, done)


def _tell(going: Sequence[Planned], done: Sequence[tuple[int, Status]]) -> None:
    held = [entry for entry, status in done if status is Status.HELD]
    say(f"In line now: {sum(status is Status.QUEUED for _, status in done):,}.")
    if waiting := sum(status is Status.WAITING for _, status in done):
        say(f"Waiting for their gift: {waiting:,}.")
    if held:
        say(f"Still held: {', '.join(map(str, held[:SHOWN]))}. `flask show ID` says why.")
    if left := len(going) - len(done):
        say(f"Changed by somebody else meanwhile, left alone: {left:,}.")


def _read_again(event: int, *, who: str, reason: str, yes: bool) -> None:
    relay = parts()
    reparse = Reparse(relay.settings, relay.database, relay.providers)
    stored = reparse.find(event)
    name = plain(f"{stored.provider} event {stored.event_id or 'without a name'} of {stored.organization}")
    say(f"Event {event}: {name}, {stored.verdict.replace('_', ' ')}. {plain(stored.note)}".strip())
    say("It would be read again and booked as if it came now; nobody is mailed, no payment is booked twice.")
    if not agreed("Read it again?", yes=yes):
        raise ReplayRefused("nothing was changed")
    again = reparse.run(event, who=who, reason=reason)
    relay.bell.ring(again.organization)
    say(f"Event {event} is now: {again.verdict.replace('_', ' ')}. {plain(again.note)}")
