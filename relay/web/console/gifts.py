"""``/console/gifts``: one search box, the list, the totals of all that is found, and the same as a file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import IO, Any

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from relay import language
from relay.access import Permission
from relay.errors import SearchRefused
from relay.money import Money
from relay.reports import exports
from relay.reports.causes import to_the_point
from relay.reports.overview import place_of
from relay.reports.searching import Found
from relay.status import Kind
from relay.web.console import door
from relay.web.console.blueprint import console
from relay.web.console.speech import KINDS, kind_of
from relay.web.console.today import PLACES, zone_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Beside the box: what it says, and the value of ``status:`` that it sets.
SHORTCUTS = (("All", ""), ("Needs a person", "needs"), ("On the way", "way"), ("In Luminate", "posted"),
             ("Closed", "closed"))  # fmt: skip
_CHUNK = 1 << 16
console.add_app_template_filter(to_the_point, "point")


@dataclass(slots=True)
class Sum:
    """All of one kind and currency that was found, by where it stands."""

    kind: Kind
    currency: str
    count: int = 0
    minor: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    places: dict[str, Money] = field(default_factory=dict)


@console.get("/gifts")
def gifts() -> ResponseReturnValue:
    """The list, or why the search cannot be read."""
    text, chosen = request.args.get("q", ""), door.chosen()
    try:
        found = door.relay_parts().searching.find(door.actor(), text, chosen, _page())
    except SearchRefused as error:
        sentence = str(error)[:1].upper() + str(error)[1:].rstrip(".") + "."
        # htmx puts only what went well into the page.
        return _shown(text, None, sentence), 200 if request.headers.get("HX-Request") else 400
    return _shown(text, found)


@console.get("/gifts.csv")
def gifts_csv() -> ResponseReturnValue:
    """The whole search as a stream."""
    export = door.relay_parts().searching.export(door.actor(), _asked(), door.chosen(), kind="csv")
    return Response(exports.as_csv(export.lines, export.zones), mimetype="text/csv", headers=_named("csv"))


@console.get("/gifts.xlsx")
def gifts_xlsx() -> ResponseReturnValue:
    """The whole search as a workbook, written to a file first because its parts are zipped."""
    export = door.relay_parts().searching.export(door.actor(), _asked(), door.chosen(), kind="xlsx")
    file = tempfile.TemporaryFile()  # noqa: SIM115  # closed when the last of it was sent
    exports.to_xlsx(file, export.lines, export.zones)
    file.seek(0)
    return Response(_pieces(file), mimetype=XLSX, headers=_named("xlsx"))


def _shown(text: str, found: Found | None, refused: str = "") -> str:
    search = found.search if found else language.Search()
    return render_template(
        "gifts.html",
        text=text,
        found=found,
        refused=refused,
        sums=_sums(found) if found else [],
        shortcuts=[(label, _url(search.plus("status", word)), search.one("status") == word)
                   for label, word in SHORTCUTS] if found else [],
        days=[(label, _url(search.plus("on", day)), search.all("on") == ((day,) if day else ()))
              for label, day in _days(found.zone)] if found else [],
        fields=language.FIELDS,
        places=PLACES,
        kinds=KINDS,
        kind_of=kind_of,
        zone_of=zone_of,
        page_url=lambda number: _url(search, number),
        may_act=bool(door.in_view(Permission.ACT)),
        in_view={"in": door.chosen()} if door.chosen() else {},
    )  # fmt: skip


def _days(zone: tzinfo) -> tuple[tuple[str, str], ...]:
    """Beside the box, too: a time in which gifts were received, and the value of ``on:`` that it sets."""
    today = datetime.now(zone).date()
    before = today.replace(day=1) - timedelta(days=1)
    months = (("This month", f"{today:%Y-%m}"), ("Last month", f"{before:%Y-%m}"))
    return ("Any day", ""), ("Today", "today"), ("Yesterday", "yesterday"), *months


def _url(search: language.Search, page: int = 1) -> str:
    more: dict[str, Any] = {"in": door.chosen() or None, "page": page if page > 1 else None}
    return url_for("console.gifts", q=str(search) or None, **more)


def _page() -> int:
    number = request.args.get("page", "1")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 1


def _asked() -> str:
    return request.args.get("q", "")


def _sums(found: Found) -> list[Sum]:
    """The totals by kind and currency; a payment that was folded into another is no money of its own."""
    sums: dict[tuple[Kind, str], Sum] = {}
    for total in found.totals:
        if total.folded:
            continue
        kind, currency = total.kind, total.amount.currency
        one = sums.setdefault((kind, currency), Sum(kind, currency))
        place = place_of(total.status)
        one.count += total.count
        one.minor += total.amount.minor
        one.counts[place] = one.counts.get(place, 0) + total.count
        one.places[place] = one.places.get(place, Money(0, currency)) + total.amount
    return sorted(sums.values(), key=lambda one: (list(Kind).index(one.kind), one.currency))


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_CHUNK):
            yield piece


def _named(kind: str) -> dict[str, str]:
    zone: tzinfo = zone_of(door.chosen()) if door.chosen() else UTC
    return {"Content-Disposition": f'attachment; filename="gifts-{datetime.now(zone):%Y-%m-%d-%H%M}.{kind}"'}
