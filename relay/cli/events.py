"""``flask events``: every webhook taken, and what it came to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from relay import words
from relay.cli.commands import as_json, command, one_of, parts, say, say_json, zone_of
from relay.cli.filters import known_organization
from relay.cli.gifts import PAGE
from relay.cli.tables import table
from relay.ledger import search
from relay.ledger.search import EventRow
from relay.status import Verdict


@command("events")
@click.option("--organization", metavar="NAME", default="", help="Of this organization only.")
@click.option("--verdict", type=one_of(Verdict), multiple=True, help="May be given more than once.")
@click.option("--limit", type=click.IntRange(0), help=f"The newest N; 0 is all. [default: {PAGE}, with --json all]")
@as_json
def events(organization: str, verdict: tuple[str, ...], *, limit: int | None, as_json: bool) -> None:
    """List webhooks as they came in: which made an entry, which were repeats, which want a look."""
    name = known_organization(organization)
    verdicts = tuple(Verdict(word) for word in verdict)
    most = PAGE if limit is None and not as_json else limit
    with parts().database.read() as tx:
        rows = search.event_listing(tx, organization=name, verdicts=verdicts, limit=most or None)
    if as_json:
        for row in rows:
            say_json(fields(row))
    else:
        _page(rows)


def fields(row: EventRow) -> dict[str, Any]:
    """An event as JSON; ``id`` is the number that ``flask replay --event`` takes."""
    return {
        "event_id": row.event_id,
        "organization": row.organization,
        "provider": row.provider,
        "type": row.type,
        "verdict": row.verdict,
        "entries": list(row.entries),
        "received_at": row.received_at,
        "id": row.id,
        "note": row.note,
        "erased_at": row.erased_at,
    }


def _page(rows: Sequence[EventRow]) -> None:
    if not rows:
        say("Nothing matches.")
    cells = [
        (
            str(row.id),
            words.short_minute(row.received_at, zone_of(row.organization)),
            row.organization,
            row.provider,
            row.type,
            row.verdict,
            ", ".join(map(str, row.entries)),
            f"{row.note} {words.ERASED_EVENT if row.erased_at else ''}".strip(),
        )
        for row in rows
    ]
    titles = ("id", "received", "organization", "provider", "type", "verdict", "entries", "note")
    for line in table(titles, cells, right=frozenset({0})) if rows else ():
        say(line)
