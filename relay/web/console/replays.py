"""``/console/replays``: plans of replays. Drawn from a search or a choice, looked at, started, watched, told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, tzinfo

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from relay import words
from relay.access import EVERYWHERE, Permission
from relay.errors import NotAllowed, ReplayRefused, SearchRefused
from relay.ledger.plans import Item, Plan, PlanStatus
from relay.ledger.search import Filter
from relay.office.plans import Shown
from relay.reports.spreadsheets import csv_lines
from relay.status import STATUS_WORDS, Status
from relay.web.console import door
from relay.web.console.acts import sentence
from relay.web.console.blueprint import LARGEST, console, missing

PAGE = 50
# What a person reads about where a plan stands.
STANDS = {
    PlanStatus.DRAWN: "Not started",
    PlanStatus.RUNNING: "Running",
    PlanStatus.PAUSED: "Paused",
    PlanStatus.CANCELLED: "Cancelled",
    PlanStatus.DONE: "Done",
}
_TITLES = ("number", "donor", "amount", "currency", "status then", "what was done", "done at", "status now", "in words")


@console.get("/replays")
def replays() -> ResponseReturnValue:
    """The newest plans."""
    plans = door.relay_parts().plans.listing(door.in_view())
    within = {"in": door.chosen()} if door.chosen() else {}
    may = bool(door.in_view(Permission.ACT))
    return render_template("replays.html", plans=plans, stands=STANDS, zone=_zone, may_act=may, in_view=within)


@console.post("/replays")
def replays_post() -> ResponseReturnValue:
    """Draw a plan from a search, or from the gifts that were ticked. Nothing is sent by that."""
    if not door.reach(Permission.ACT):
        raise NotAllowed(f"{door.actor().name} may replay nothing", EVERYWHERE)
    try:
        wanted, text = _wanted()
        drawn = door.relay_parts().plans.draw(wanted, actor=door.actor(), search=text)
    except (ReplayRefused, SearchRefused) as error:
        flash(sentence(error), "warn")
        return redirect(_back(), 303)
    if len(drawn) > 1:
        flash(f"{len(drawn)} plans were drawn, one for each organization.", "ok")
        return redirect(url_for("console.replays"), 303)
    return redirect(url_for("console.replay", number=drawn[0]), 303)


@console.get("/replays/<int:number>")
def replay(number: int) -> ResponseReturnValue:
    """One plan: what it would do, how far it is, what became of each gift."""
    shown = _shown(number)
    if shown is None:
        return missing()
    page = max(1, request.args.get("page", 1, type=int))
    total = shown.progress.going + shown.progress.skipped
    items = door.relay_parts().plans.items(number, actor=door.actor(), limit=PAGE, offset=(page - 1) * PAGE)
    paging = {
        "page": page,
        "last": -(-total // PAGE),
        "url": lambda to: url_for("console.replay", number=number, page=to),
    }
    return render_template("replay.html", items=items, **_context(shown), **paging)


@console.get("/replays/<int:number>/progress")
def replay_progress(number: int) -> ResponseReturnValue:
    """The part of the page that changes while a plan runs; once it does not, the list below it has changed, too."""
    shown = _shown(number)
    if shown is None:
        return missing()
    headers = {} if _moves(shown) else {"HX-Refresh": "true"}
    return Response(render_template("replay_progress.html", **_context(shown)), headers=headers)


@console.post("/replays/<int:number>/start")
def replay_start(number: int) -> ResponseReturnValue:
    """Let it run. Mails nobody unless that was ticked."""
    reason, mail = request.form.get("reason", ""), request.form.get("mail") == "yes"
    return _changed(number, "start", "It runs: relay gives each gift its turn.", reason=reason, mail=mail)


@console.post("/replays/<int:number>/pause")
def replay_pause(number: int) -> ResponseReturnValue:
    """Stop it for now."""
    return _changed(number, "pause", "Paused. What is in line already is sent.")


@console.post("/replays/<int:number>/resume")
def replay_resume(number: int) -> ResponseReturnValue:
    """Go on."""
    return _changed(number, "resume", "It goes on.")


@console.post("/replays/<int:number>/cancel")
def replay_cancel(number: int) -> ResponseReturnValue:
    """End it."""
    return _changed(number, "cancel", "Cancelled. What had no turn yet stays as it was.")


@console.get("/replays/<int:number>/result.csv")
def replay_result(number: int) -> ResponseReturnValue:
    """What became of each gift, for a spreadsheet."""
    shown = _shown(number)
    if shown is None:
        return missing()
    items = door.relay_parts().plans.items(number, actor=door.actor())
    zone = _zone(shown.plan)
    headers = {"Content-Disposition": f"attachment; filename=replay-{number}.csv"}
    return Response(csv_lines(_TITLES, _rows(items, zone)), content_type="text/csv; charset=utf-8", headers=headers)


def _rows(items: list[Item], zone: tzinfo) -> Iterator[tuple[object, ...]]:
    for item in items:
        entry, done = item.entry, words.short_minute(item.done_at, zone) if item.done_at else ""
        what = f"stayed: {item.skipped}" if item.skipped else item.result or "no turn"
        money = (entry.amount.decimal, entry.amount.currency)
        now = (entry.status.value, STATUS_WORDS[entry.status])
        yield entry.id, entry.donor_name, *money, item.status.value, what, done, *now


def _wanted() -> tuple[Filter, str]:
    """The gifts that were asked for, and how a person would say which."""
    form, parts, actor = request.form, door.relay_parts(), door.actor()
    if ids := tuple(dict.fromkeys(one for one in form.getlist("ids", type=int) if 0 < one <= LARGEST)):
        named = ", ".join(f"#{number}" for number in ids[:20]) + (" ..." if len(ids) > 20 else "")
        return Filter(ids=ids, organizations=door.reach(Permission.ACT)), named
    text, chosen = form.get("q", "").strip(), form.get("in", "")
    return parts.searching.wanted(actor, text, chosen, permission=Permission.ACT), text


def _shown(number: int) -> Shown | None:
    try:
        return door.relay_parts().plans.show(number, actor=door.actor())
    except ReplayRefused:
        return None


def _context(shown: Shown) -> dict[str, object]:
    may = door.actor().may(Permission.ACT, shown.plan.organization)
    return {"shown": shown, "plan": shown.plan, "stands": STANDS, "zone": _zone(shown.plan), "may_act": may,
            "moves": _moves(shown)}  # fmt: skip


def _moves(shown: Shown) -> bool:
    """Gifts have their turn, or had it and are in line."""
    in_line = bool({Status.QUEUED, Status.POSTING} & shown.progress.now.keys())
    return shown.plan.status is PlanStatus.RUNNING or (shown.plan.status is PlanStatus.DONE and in_line)


def _changed(number: int, what: str, said: str, **told: object) -> ResponseReturnValue:
    if _shown(number) is None:
        return missing()
    try:
        plan: Plan = getattr(door.relay_parts().plans, what)(number, actor=door.actor(), **told)
        door.relay_parts().bell.ring(plan.organization)
        flash(said, "ok")
    except ReplayRefused as error:
        flash(sentence(error), "bad")
    return redirect(url_for("console.replay", number=number), 303)


def _zone(plan: Plan) -> tzinfo:
    organization = door.relay_parts().settings.organizations.get(plan.organization)
    return organization.time_zone if organization else UTC


def _back() -> str:
    """Where the gifts were chosen; only a page of the console."""
    return door.safe(request.form.get("back")) if request.form.get("back") else url_for("console.replays")
