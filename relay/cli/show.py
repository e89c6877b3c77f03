"""``flask show``: the whole story of one entry, in plain words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import click
from sqlalchemy import Connection

from relay import words
from relay.cli.commands import Failure, as_json, command, parts, say, say_json, zone_of
from relay.cli.gifts import fields
from relay.cli.tables import plain
from relay.ledger import entries, pauses, search
from relay.ledger.entries import Entry
from relay.ledger.search import Story
from relay.reports.story import Told, headline, tell


@command("show")
@click.argument("which", metavar="ID")
@as_json
def show(which: str, *, as_json: bool) -> None:
    """Tell the whole story of an entry. ID: its number, a provider's transaction id, or a confirmation code."""
    with parts().database.read() as tx:
        entry = _the_one(tx, which)
        story = search.story(tx, entry)
        pause = pauses.of(tx, entry.organization)
    told = tell(story, zone_of(entry.organization), pause)
    if as_json:
        say_json(_fields(story, told))
    else:
        for line in _lines(entry, told):
            say(line)


def _the_one(tx: Connection, which: str) -> Entry:
    number = int(which) if which.isascii() and which.isdigit() and len(which) < 16 else 0
    entry = entries.get(tx, number) if number else None
    if entry is not None:
        return entry
    return _single(which, search.named(tx, which))


def _single(which: str, found: Sequence[Entry]) -> Entry:
    if not found:
        raise Failure(f'there is no entry "{plain(which)}"; `flask gifts` lists them')
    if len({one.payment_id for one in found}) > 1:
        numbers = ", ".join(str(one.id) for one in found)
        raise Failure(f'"{plain(which)}" names several entries: {numbers}; ask for one of them')
    return found[0]


def _lines(entry: Entry, told: Told) -> Iterator[str]:
    yield from _wrapped(f"Entry {entry.id} ({entry.organization})", "")
    yield from _wrapped(told.headline, "")
    yield from _section("What happened", [f"{words.minute(at.at, told.zone)}: {at.text}" for at in told.timeline])
    yield from _section("What belongs to it", told.related)
    yield from _section("What Luminate is told", [_card_line(*part) for part in told.card])
    yield from _section("What happens next", [told.next_step])


def _card_line(name: str, value: str, how: str) -> str:
    return f"{name}: {value}" + (f" ({how})" if how else "")


def _section(title: str, texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield ""
        yield title
        for text in texts:
            yield from _wrapped(text, "  ")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        plain(text),
        110,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _fields(story: Story, told: Told) -> dict[str, Any]:
    """The story as JSON: it names the donor, since it is the story of a gift."""
    return fields(story.entry, donor=True) | {
        "headline": told.headline,
        "timeline": [asdict(moment) for moment in told.timeline],
        "related": [{"id": one.id, "text": headline(one, told.zone)} for one in _family(story)],
        "parameters": dict(story.entry.parameters),
        "next": told.next_step,
    }


def _family(story: Story) -> list[Entry]:
    return [one for one in (story.gift, *story.refunds) if one is not None]
