"""``/console/``: whether everything is all right, and where all the money stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo

from flask import render_template
from flask.typing import ResponseReturnValue

from relay import words
from relay.reports.overview import Drain, Sheet, Today
from relay.status import Kind
from relay.web.console import door
from relay.web.console.blueprint import console
from relay.web.console.chart import HEIGHT, LEFT, WIDTH, drawn
from relay.web.console.speech import KINDS, some, sums

# The columns of the balance: what was received is the sum of the others.
PLACES = (
    ("posted", "In Luminate", "good", "posted"),
    ("on_its_way", "On its way", "going", "way"),
    ("needs_a_person", "Needs a person", "person", "needs"),
    ("closed", "Closed", "ended", "closed"),
)


@dataclass(frozen=True, slots=True)
class Headline:
    """Whether everything is all right, in one sentence, and how it looks: "ok", "warn" or "bad"."""

    sentence: str
    tone: str


@console.get("/")
def today() -> ResponseReturnValue:
    """The first page after the sign-in."""
    shown = door.relay_parts().overview.today(door.actor(), door.chosen())
    return render_template(
        "today.html",
        today=shown,
        headline=headline(shown),
        places=PLACES,
        kinds=KINDS,
        gifts=Kind.GIFT,
        main=sorted((sheet for sheet in shown.sheets if sheet.kind is Kind.GIFT), key=_first),
        waiting=some(_waiting(shown.sheets)),
        drains=[(drain, backlog(drain, zone_of(drain.organization))) for drain in shown.drains],
        chart=drawn(shown.chart) if shown.chart else None,
        size={"width": WIDTH, "height": HEIGHT, "left": LEFT},
        zone=zone_of(door.chosen() or door.reach()[0]),
        zone_of=zone_of,
    )


def _first(sheet: Sheet) -> tuple[str, bool, str]:
    """The organization's own currency before others."""
    own = door.relay_parts().settings.organizations[sheet.organization].currency
    return sheet.organization, sheet.currency != own, sheet.currency


def _waiting(sheets: tuple[Sheet, ...]) -> dict[Kind, int]:
    counts = dict.fromkeys(Kind, 0)
    for sheet in sheets:
        counts[sheet.kind] += sheet.counts.get("needs_a_person", 0)
    return counts


def zone_of(organization: str) -> tzinfo:
    """The time zone of an organization."""
    found = door.relay_parts().settings.organizations.get(organization)
    return found.time_zone if found else UTC


def title_of(organization: str) -> str:
    """What people call an organization."""
    found = door.relay_parts().settings.organizations.get(organization)
    return (found.title if found else "") or organization


def headline(shown: Today) -> Headline:
    """Is everything all right? The worst first."""
    if not shown.sheets:
        return Headline("No gift has come in yet. The page of Sources says how to let them come.", "")
    said = [*_wrong(shown)]
    if said:
        return Headline(" ".join(said), "bad" if shown.paused else "warn")
    going = _count(shown.sheets, "on_its_way")
    if going:
        return Headline(f"Everything is all right: nothing needs a person, {going:,} on the way to Luminate.", "ok")
    return Headline("Everything is all right: every gift that came in is in Luminate or closed with a reason.", "ok")


def _wrong(shown: Today) -> Iterator[str]:
    for pause in shown.paused:
        yield f"Posting for {title_of(pause.organization)} is paused."
    if shown.waiting:
        amounts: dict[str, int] = {}
        for sheet in shown.sheets:
            if sheet.needs_a_person:
                amounts[sheet.currency] = amounts.get(sheet.currency, 0) + sheet.needs_a_person
        verb = "needs" if shown.waiting == 1 else "need"
        yield f"{some(_waiting(shown.sheets))} of {sums(amounts)} {verb} a person."
    if shown.unread:
        yield f"{words.count(shown.unread, 'event')} {'is' if shown.unread == 1 else 'are'} not booked yet."


def _count(sheets: tuple[Sheet, ...], place: str) -> int:
    return sum(sheet.counts.get(place, 0) for sheet in sheets)


def backlog(drain: Drain, zone: tzinfo) -> str:
    """What waits in line, and when it will be gone: measured, or said to be unknown."""
    ready, later = drain.backlog.ready, drain.backlog.later
    if not ready and not later:
        return "Nothing waits in line."
    said = [_line(drain)] if ready else []
    if later:
        last = words.minute(drain.backlog.last_at, zone) if drain.backlog.last_at else "later"
        verb = "is" if later == 1 else "are"
        said.append(f"{later:,} that could not reach Luminate {verb} tried again, the last at {last}.")
    return " ".join(said)


def _line(drain: Drain) -> str:
    waits = f"{drain.backlog.ready:,} {'waits' if drain.backlog.ready == 1 else 'wait'} in line"
    if drain.pause:
        return f"{waits}, and posting is paused: when the line clears is not known."
    if drain.minutes is None:
        return f"{waits}. When the line clears is not known yet: nothing was posted in the last day."
    clears = "clears" if drain.backlog.ready == 1 else "clear"
    return f"{waits}, and {clears} in about {_about(drain.minutes)} at the pace of the last {drain.over}."


def _about(minutes: int) -> str:
    if minutes < 90:
        return words.count(minutes, "minute")
    hours = round(minutes / 60)
    return words.count(hours, "hour") if hours < 48 else words.count(round(hours / 24), "day")
