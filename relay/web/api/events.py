"""Events: what arrived, and what came of it."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate
from sqlalchemy import Connection, Row

from relay.ledger import pages
from relay.status import Verdict
from relay.web.api import cursors, problems, schemas
from relay.web.api.fields import Page, Words
from relay.web.api.operations import Call, operation


class EventQuery(Page):
    """Which events."""

    provider = Words(load_default="", longest=40)
    verdict = fields.String(validate=validate.OneOf([word.value for word in Verdict]))


@operation("get", "/events", query=EventQuery, answer=schemas.EventPage)
def list_events(call: Call) -> dict[str, Any]:
    """The webhooks that were taken, newest first; never what they held."""
    asked = call.query
    question = f"{asked['provider']}\n{asked.get('verdict', '')}"
    before = cursors.read("events", asked["cursor"], question)
    verdict = Verdict(asked["verdict"]) if "verdict" in asked else None
    with call.relay.database.read() as tx:
        rows = pages.events_before(
            tx, call.organization, before, asked["limit"] + 1, provider=asked["provider"], verdict=verdict
        )
        shown = rows[: asked["limit"]]
        items = _fields(tx, shown)
    more = len(rows) > len(shown)
    return {"items": items, "next": cursors.made("events", shown[-1].id, question) if more else None}


@operation("get", "/events/{number}", answer=schemas.Event)
def show_event(call: Call, number: int) -> dict[str, Any]:
    """One event, and the entries it made or touched."""
    with call.relay.database.read() as tx:
        row = pages.event(tx, call.organization, number)
        if row is None:
            raise problems.missing(f"event {number}")
        return _fields(tx, [row])[0]


def _fields(tx: Connection, rows: Any) -> list[dict[str, Any]]:
    touched = pages.touched(tx, [row.id for row in rows])
    return [_row(row, touched.get(row.id, ())) for row in rows]


def _row(row: Row[Any], touched: tuple[int, ...]) -> dict[str, Any]:
    plain = (name for name in schemas.Event().fields if name != "entries")
    return {name: getattr(row, name) for name in plain} | {"entries": list(touched)}
