"""``flask replay``: entries again, on purpose, by a named person; and a stored event read again."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace as changed

import click

from relay import words
from relay.access import Actor, operator
from relay.cli.commands import Failure, WrongUsage, agreed, command, parts, say, who, why, yes
from relay.cli.filters import filter_options, searched
from relay.cli.tables import plain, table
from relay.errors import ReplayRefused
from relay.inbound.reparse import Reparse
from relay.ledger.plans import Item, PlanStatus
from relay.ledger.search import Filter, listing
from relay.money import Money
from relay.office.acting import need_reason
from relay.office.plans import Shown

# A plan longer than this is told by its sums; the sums always count all.
SHOWN = 40


@command("replay")
@click.argument("ids", metavar="[ID]...", nargs=-1, type=click.IntRange(1))
@filter_options("--reason-code")
@click.option("--search", metavar="TEXT", default="", help="As in the console: a donor, an amount, status:needs.")
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
    wanted = searched(changed(wanted, ids=ids), search)
    if event is not None:
        if not wanted.is_everything or mail:
            raise WrongUsage("--event stands alone: it is one event, and nobody is mailed for it")
        _read_again(event, who=who, reason=reason, yes=yes)
    else:
        _send_again(wanted, mail=mail, who=who, reason=reason, yes=yes)


def _send_again(wanted: Filter, *, mail: bool, who: str, reason: str, yes: bool) -> None:
    if wanted.is_everything:
        raise WrongUsage("name an entry or a filter: everything at once is never replayed")
    plans, actor = parts().plans, operator(who)
    need_reason(reason, actor)
    _refuse_missing(wanted)
    numbers = plans.draw(wanted, actor=actor, search=_typed())
    shown = [plans.show(number, actor=actor) for number in numbers]
    _show_items(numbers, actor)
    _show_sums(shown, mail=mail)
    going = [one for one in shown if one.progress.going]
    try:
        _confirm(going, yes=yes)
        for one in going:
            plans.start(one.plan.id, actor=actor, reason=reason, mail=mail)
    finally:
        for one in shown:
            if plans.show(one.plan.id, actor=actor).plan.status is PlanStatus.DRAWN:
                plans.cancel(one.plan.id, actor=actor)
    _carry_out(going, actor)


def _confirm(going: Sequence[Shown], *, yes: bool) -> None:
    if not going:
        raise Failure("nothing of this can be sent again")
    count = sum(one.progress.going for one in going)
    if not agreed(f"Send {words.count(count, 'entry', 'entries')} again?", yes=yes):
        raise Failure("nothing was changed")


def _typed() -> str:
    """The command as it was typed: what the plan was drawn from."""
    return " ".join(["flask", *sys.argv[1:]])


def _refuse_missing(wanted: Filter) -> None:
    with parts().database.read() as tx:
        found = {entry.id for entry in listing(tx, wanted)} if wanted.ids else set()
    if missing := sorted(set(wanted.ids) - found):
        raise Failure(
            f"not found with these filters: {words.count(len(missing), 'entry', 'entries')} "
            f"{', '.join(map(str, missing))}; nothing was changed"
        )


def _show_items(numbers: Sequence[int], actor: Actor) -> None:
    items = [item for number in numbers for item in parts().plans.items(number, actor=actor)]
    rows = [
        (str(item.entry.id), plain(item.entry.donor_name), words.money(item.entry.amount), item.status,
         f"stays: {item.skipped}" if item.skipped else item.effect)
        for item in items[:SHOWN]
    ]  # fmt: skip
    for line in table(("id", "donor", "amount", "status", "what happens"), rows, right=frozenset({0, 2})):
        say(line)
    if len(items) > SHOWN:
        say(f"(and {len(items) - SHOWN:,} more)")


def _show_sums(shown: Sequence[Shown], *, mail: bool) -> None:
    going = sum(one.progress.going for one in shown)
    say()
    say(f"Would be sent again: {words.count(going, 'entry', 'entries')}, {_sums(shown)}.")
    say(f"Would stay as they are: {sum(one.progress.skipped for one in shown):,}.")
    say(f"Donors whom Luminate may e-mail: {sum(one.mailable for one in shown) if mail else 0:,}.")


def _sums(shown: Sequence[Shown]) -> str:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for one in (one for plan in shown for one in plan.sums):
        sums[one.kind, one.amount.currency] += one.amount.minor
    told = [f"{kind}s of {words.money(Money(minor, currency))}" for (kind, currency), minor in sorted(sums.items())]
    return " and ".join(told) or "no money"


def _carry_out(going: Sequence[Shown], actor: Actor) -> None:
    """Here and now, beside whatever worker does the same."""
    plans, total = parts().plans, sum(one.progress.going for one in going)
    with click.progressbar(length=total, label="Replaying", file=sys.stderr) as progress:
        for one in going:
            while plans.advance(one.plan.organization, seconds=0.5):
                progress.update(0)
            progress.update(one.progress.going)
    for one in going:
        parts().bell.ring(one.plan.organization)
    _tell([item for one in going for item in plans.items(one.plan.id, actor=actor) if not item.skipped])


def _tell(items: Sequence[Item]) -> None:
    results = [item.result for item in items]
    held = [item.entry.id for item in items if item.result.startswith("held")]
    say(f"In line now: {results.count('in line again'):,}.")
    if waiting := results.count("waits for its gift"):
        say(f"Waiting for their gift: {waiting:,}.")
    if held:
        say(f"Still held: {', '.join(map(str, held[:SHOWN]))}. `flask show ID` says why.")
    if left := sum(result.startswith("left alone") for result in results):
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
    again = reparse.run(event, actor=operator(who), reason=reason)
    relay.bell.ring(again.organization)
    say(f"Event {event} is now: {again.verdict.replace('_', ' ')}. {plain(again.note)}")
