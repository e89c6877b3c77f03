"""``flask close``, ``reopen``, ``resolve``, ``by-hand``, ``gift-code`` and ``note``: what a person decides."""

from __future__ import annotations

import click

from relay.access import operator
from relay.cli.commands import Failure, WrongUsage, command, entry_id, parts, say, who, why
from relay.errors import NotChecked
from relay.ledger import entries
from relay.ledger.entries import Entry
from relay.status import CLAIMABLE


@command("close")
@entry_id
@why
@who
def close(entry: int, *, reason: str, who: str) -> None:
    """End an entry that shall not be sent. Refunds that wait for it end too, or are held if it may be there."""
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
@click.option("--attempt", type=int, metavar="N", help="With --absent: the newest attempt that you looked for.")
@why
@who
def resolve(entry: int, *, found: str | None, absent: bool, attempt: int | None, reason: str, who: str) -> None:
    """Say what you found in Luminate about an unknown entry."""
    if (found is not None) == absent:
        raise WrongUsage("say either --found CODE or --absent")
    if absent != (attempt is not None):
        raise WrongUsage("say which attempt you looked for: --absent --attempt N, the newest that `flask show` tells")
    if attempt is not None:
        stands = parts().deciding.absent(entry, attempt=attempt, actor=operator(who), reason=reason)
        _ring(entry)
        say(f"Entry {entry} is {'in line again.' if stands.status in CLAIMABLE else _stands(stands)}")
        return
    released = parts().deciding.found(entry, (found or "").strip(), actor=operator(who), reason=reason)
    _ring(entry)
    say(f"Entry {entry} is in Luminate, confirmation code {(found or '').strip()}.")
    if released:
        say(f"Refunds that waited for it: {', '.join(map(str, released))}.")


@command("by-hand")
@entry_id
@click.argument("code")
@click.option("--seen", is_flag=True, help="You have seen this code in Luminate yourself, if relay cannot check it.")
@why
@who
def by_hand(entry: int, code: str, *, seen: bool, reason: str, who: str) -> None:
    """Say that somebody entered the gift in Luminate by hand, under this confirmation CODE."""
    try:
        said = parts().deciding.by_hand(entry, code, actor=operator(who), reason=reason, seen=seen)
    except NotChecked as error:
        raise Failure(f"{error} If you have seen it in Luminate yourself, say --seen") from error
    _ring(entry)
    say(f"Entry {entry} is in Luminate, confirmation code {code.strip()}. {said}")


@command("gift-code")
@entry_id
@click.argument("code")
@click.option("--worth", metavar="AMOUNT", default="", help="What the gift is in Luminate, if relay cannot see it.")
@click.option("--seen", is_flag=True, help="You have seen this code in Luminate yourself, if relay cannot check it.")
@why
@who
def gift_code(entry: int, code: str, *, worth: str, seen: bool, reason: str, who: str) -> None:
    """Refund by the confirmation CODE that the gift has in Luminate, where relay never saw it or may not refund it."""
    try:
        said = parts().supplying.supply(entry, code, actor=operator(who), reason=reason, worth=worth, seen=seen)
    except NotChecked as error:
        raise Failure(f"{error} If you have seen it in Luminate yourself, say --seen and --worth AMOUNT") from error
    _ring(entry)
    say(f"relay refunds entry {entry} by the confirmation code {code.strip()}. {said}")


@command("note")
@entry_id
@why
@who
def note(entry: int, *, reason: str, who: str) -> None:
    """Write something down in the story of an entry, and decide later."""
    parts().deciding.note(entry, actor=operator(who), reason=reason)
    say(f"Noted with entry {entry}.")


def _stands(entry: Entry) -> str:
    return f"{entry.status}, and not sent: {entry.reason_text}"


def _ring(entry: int) -> None:
    with parts().database.read() as tx:
        known = entries.get(tx, entry)
    if known:
        parts().bell.ring(known.organization)
