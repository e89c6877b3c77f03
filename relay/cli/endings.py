"""``flask close``, ``reopen`` and ``resolve``: what a person decides about one entry."""

from __future__ import annotations

import click

from relay.access import operator
from relay.cli.commands import WrongUsage, command, entry_id, parts, say, who, why
from relay.ledger import entries


@command("close")
@entry_id
@why
@who
def close(entry: int, *, reason: str, who: str) -> None:
    """End an entry that shall not be sent. Refunds that wait for it end too."""
    _, *others = parts().deciding.close(entry, actor=operator(who), reason=reason)
    say(f"Entry {entry} is closed. `flask reopen {entry}` takes that back.")
    if others:
        say(f"Ended with it: {', '.join(map(str, others))}.")


@command("reopen")
@entry_id
@why
@who
def reopen(entry: int, *, reason: str, who: str) -> None:
    """Take the end of an entry back: it is held until somebody replays it."""
    parts().deciding.reopen(entry, actor=operator(who), reason=reason)
    say(f"Entry {entry} is held. `flask replay {entry}` sends it.")


@command("resolve")
@entry_id
@click.option("--found", metavar="CODE", help="Luminate has it, under this confirmation code.")
@click.option("--absent", is_flag=True, help="You looked, and Luminate surely does not have it: it is sent again.")
@why
@who
def resolve(entry: int, *, found: str | None, absent: bool, reason: str, who: str) -> None:
    """Say what you found in Luminate about an unknown entry."""
    if (found is not None) == absent:
        raise WrongUsage("say either --found CODE or --absent")
    if absent:
        parts().deciding.absent(entry, actor=operator(who), reason=reason)
        _ring(entry)
        say(f"Entry {entry} is in line again.")
        return
    released = parts().deciding.found(entry, (found or "").strip(), actor=operator(who), reason=reason)
    _ring(entry)
    say(f"Entry {entry} is in Luminate, confirmation code {(found or '').strip()}.")
    if released:
        say(f"Refunds that waited for it: {', '.join(map(str, released))}.")


def _ring(entry: int) -> None:
    with parts().database.read() as tx:
        known = entries.get(tx, entry)
    if known:
        parts().bell.ring(known.organization)
