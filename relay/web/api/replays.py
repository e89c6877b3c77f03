"""Replay plans: drawn and frozen, then started; paused, resumed, cancelled; and what became of each entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from relay.access import Permission
from relay.ledger import pages, plans
from relay.office.plans import Shown
from relay.web.api import cursors, problems, schemas
from relay.web.api.fields import Page, Reason, Strict, Whole, Words, YesNo
from relay.web.api.operations import Call, operation

MOST_IDS = 1000


class Drawing(Strict):
    """Which entries: a search in the language of the search box, or their numbers."""

    q = Words(least=1, longest=600, metadata={"description": "A search, as for the list of entries."})
    ids = fields.List(Whole(least=1), validate=validate.Length(1, MOST_IDS))

    @validates_schema
    def _one(self, data: Mapping[str, Any], **_kwargs: Any) -> None:
        if bool(data.get("q", "").strip()) == bool(data.get("ids")):
            raise ValidationError("say either q or ids")


class Start(Strict):
    """Why, and whether Luminate may e-mail the donors, as the organization is configured."""

    reason = Reason()
    mail = YesNo(load_default=False)


@operation("get", "/replays", query=Page, answer=schemas.PlanPage)
def list_replays(call: Call) -> dict[str, Any]:
    """The replay plans, newest first."""
    before, limit = cursors.read("replays", call.query["cursor"]), call.query["limit"]
    with call.relay.database.read() as tx:
        numbers = pages.plans_before(tx, call.organization, before, limit + 1)
    shown = numbers[:limit]
    items = [_fields(call.relay.plans.show(number, actor=call.actor)) for number in shown]
    return {"items": items, "next": cursors.made("replays", shown[-1]) if len(numbers) > limit else None}


@operation("post", "/replays", scope=Permission.ACT, body=Drawing, answer=schemas.Plan, status=201)
def draw_replay(call: Call) -> dict[str, Any]:
    """Freeze what a replay of these entries would do. Nothing is sent before it is started."""
    search = call.body.get("q", "").strip() or f"id:{','.join(map(str, call.body['ids']))}"
    wanted = call.relay.searching.wanted(call.actor, search, call.organization, permission=Permission.ACT)
    (number,) = call.relay.plans.draw(wanted, actor=call.actor, search=search)
    return _fields(call.relay.plans.show(number, actor=call.actor))


@operation("get", "/replays/{number}", answer=schemas.Plan)
def show_replay(call: Call, number: int) -> dict[str, Any]:
    """One plan, and how far it is."""
    return _fields(_own(call, number))


@operation("get", "/replays/{number}/entries", query=Page, answer=schemas.PlanItems)
def list_replay_entries(call: Call, number: int) -> dict[str, Any]:
    """The entries of a plan in the order received, and what became of each."""
    _own(call, number)
    listing = f"replays/{number}"
    found = cursors.read(listing, call.query["cursor"])
    offset, limit = (0 if found == cursors.BEGINNING else found), call.query["limit"]
    items = call.relay.plans.items(number, actor=call.actor, limit=limit + 1, offset=offset)
    told = [
        {"place": item.place, "entry": item.entry.id, "status": item.entry.status, "skipped": item.skipped,
         "effect": item.effect, "result": item.result}
        for item in items[:limit]
    ]  # fmt: skip
    return {"items": told, "next": cursors.made(listing, offset + limit) if len(items) > limit else None}


@operation("post", "/replays/{number}/start", scope=Permission.ACT, body=Start, answer=schemas.Plan)
def start_replay(call: Call, number: int) -> dict[str, Any]:
    """Let a drawn plan be carried out."""
    _own(call, number)
    call.relay.plans.start(number, actor=call.actor, reason=call.body["reason"], mail=call.body["mail"])
    return _changed(call, number)


@operation("post", "/replays/{number}/pause", scope=Permission.ACT, answer=schemas.Plan)
def pause_replay(call: Call, number: int) -> dict[str, Any]:
    """Stop carrying it out; what is in line already is sent."""
    return _moved(call, number, call.relay.plans.pause)


@operation("post", "/replays/{number}/resume", scope=Permission.ACT, answer=schemas.Plan)
def resume_replay(call: Call, number: int) -> dict[str, Any]:
    """Go on where it was paused."""
    return _moved(call, number, call.relay.plans.resume)


@operation("post", "/replays/{number}/cancel", scope=Permission.ACT, answer=schemas.Plan)
def cancel_replay(call: Call, number: int) -> dict[str, Any]:
    """End it: what had no turn yet stays as it is."""
    return _moved(call, number, call.relay.plans.cancel)


def _moved(call: Call, number: int, act: Callable[..., Any]) -> dict[str, Any]:
    _own(call, number)
    act(number, actor=call.actor)
    return _changed(call, number)


def _changed(call: Call, number: int) -> dict[str, Any]:
    call.relay.bell.ring(call.organization)
    return _fields(call.relay.plans.show(number, actor=call.actor))


def _own(call: Call, number: int) -> Shown:
    """The plan, if it is the token's organization's."""
    with call.relay.database.read() as tx:
        plan = plans.get(tx, number)
    if plan is None or plan.organization != call.organization:
        raise problems.missing(f"replay {number}")
    return call.relay.plans.show(number, actor=call.actor)


def _fields(shown: Shown) -> dict[str, Any]:
    plain = ("id", "status", "search", "reason", "mail", "made_by", "made_at", "changed_by", "changed_at")
    told = {name: getattr(shown.plan, name) for name in plain}
    sums = [
        {"kind": one.kind, "amount": one.amount.text, "currency": one.amount.currency, "count": one.count}
        for one in shown.sums
    ]
    skipped = [{"why": why, "count": count} for why, count in shown.skipped]
    progress = {"going": shown.progress.going, "done": shown.progress.done, "mailable": shown.mailable}
    return told | {"sums": sums, "skipped": skipped} | progress
