"""``flask replays``: the plans of replays, wherever they were drawn."""

from __future__ import annotations

import click

from relay import words
from relay.access import operator
from relay.cli.commands import Group, as_json, command, parts, say, say_json, who, zone_of
from relay.cli.tables import plain, table
from relay.office.plans import Shown

_number = click.argument("number", metavar="NUMBER", type=click.IntRange(1))


@click.group("replays", cls=Group)
def replays() -> None:
    """Replays that were planned, here or in the console."""


@command("list")
@as_json
def show_all(*, as_json: bool) -> None:
    """The newest first."""
    found = parts().plans.listing(None)
    if as_json:
        for plan in found:
            say_json({name: getattr(plan, name) for name in type(plan).__slots__})
        return
    rows = [
        (str(plan.id), plan.organization, words.short_minute(plan.made_at, zone_of(plan.organization)), plan.status,
         plain(plan.changed_by), plain(plan.search), plain(plan.reason))
        for plan in found
    ]  # fmt: skip
    for line in table(("no.", "organization", "drawn", "status", "by", "from", "why"), rows):
        say(line)


@command("show")
@_number
@as_json
def show(number: int, *, as_json: bool) -> None:
    """How far it is, and what became of each entry."""
    actor = operator("")
    shown, items = parts().plans.show(number, actor=actor), parts().plans.items(number, actor=actor)
    if as_json:
        for item in items:
            told = {"entry": item.entry.id, "skipped": item.skipped, "result": item.result, "done_at": item.done_at}
            say_json(told | {"status_then": item.status, "status_now": item.entry.status})
        return
    rows = [
        (str(item.entry.id), plain(item.entry.donor_name), words.money(item.entry.amount), item.entry.status,
         plain(f"stays: {item.skipped}" if item.skipped else item.result or "its turn has not come"))
        for item in items
    ]  # fmt: skip
    for line in table(("id", "donor", "amount", "status now", "what was done"), rows, right=frozenset({0, 2})):
        say(line)
    say(_summary(shown))


@command("start")
@_number
@click.option("--reason", metavar="TEXT", required=True, help="Why, in your own words; kept with the entries.")
@click.option("--mail", is_flag=True, help="Let Luminate mail the donors, as the organization is configured.")
@who
def start(number: int, *, reason: str, mail: bool, who: str) -> None:
    """Let workers carry out what was drawn."""
    plan = parts().plans.start(number, actor=operator(who), reason=reason, mail=mail)
    parts().bell.ring(plan.organization)
    say(f"Replay {number} runs.")


@command("pause")
@_number
@who
def pause(number: int, *, who: str) -> None:
    """Stop it; what is in line already is sent."""
    parts().plans.pause(number, actor=operator(who))
    say(f"Replay {number} is paused. `flask replays resume {number}` goes on.")


@command("resume")
@_number
@who
def resume(number: int, *, who: str) -> None:
    """Go on where it was paused."""
    plan = parts().plans.resume(number, actor=operator(who))
    parts().bell.ring(plan.organization)
    say(f"Replay {number} goes on.")


@command("cancel")
@_number
@who
def cancel(number: int, *, who: str) -> None:
    """End it; what had no turn yet stays as it is."""
    parts().plans.cancel(number, actor=operator(who))
    say(f"Replay {number} is cancelled.")


def _summary(shown: Shown) -> str:
    far = shown.progress
    now = ", ".join(f"{count:,} {status}" for status, count in sorted(far.now.items()))
    done = f"{far.done:,} of {far.going:,} done" + (f" ({now})" if now else "")
    return f"Replay {shown.plan.id} is {shown.plan.status}: {done}, {far.skipped:,} stay as they are."


for _command in (show_all, show, start, pause, resume, cancel):
    replays.add_command(_command)
