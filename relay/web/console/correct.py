"""``/console/gifts/<number>/correct``: put right what keeps a gift from Luminate; what will be sent is shown first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from flask import flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from relay.errors import CorrectionRefused, ReplayRefused
from relay.ledger import locks
from relay.ledger.entries import Entry
from relay.ledger.funds import with_funds
from relay.ledger.locks import Lock
from relay.office.corrections import Preview, needs_second_person
from relay.web.console import door, fields
from relay.web.console.acts import acting_on, sentence
from relay.web.console.blueprint import console

# Luminate's own name at the end of a sentence: the field stands beside it.
_PARAMETER = re.compile(r" \([\w.]+\)(?=\.?$)")


@console.get("/gifts/<int:number>/correct")
def correct(number: int) -> ResponseReturnValue:
    """The form. Whoever opens it is named to the others."""
    acting_on(number)
    return _opened(number)


@console.post("/gifts/<int:number>/correct/leave")
def correct_leave(number: int) -> ResponseReturnValue:
    """Without a change."""
    acting_on(number)
    door.relay_parts().correcting.leave(number, actor=door.actor())
    return redirect(f"/console/gifts/{number}", 303)


@console.post("/gifts/<int:number>/correct/preview")
def correct_preview(number: int) -> ResponseReturnValue:
    """What the next call will be: a part of the form for htmx, the whole form without it."""
    entry, typed = acting_on(number), request.form
    preview = _preview(entry, typed)
    if request.headers.get("HX-Request"):
        return render_template("correct_preview.html", preview=preview)
    return _page(entry, typed=typed, preview=preview)


@console.post("/gifts/<int:number>/correct")
def correct_post(number: int) -> ResponseReturnValue:
    """Save it, or say beside each field what is wrong."""
    entry, typed = acting_on(number), request.form
    if "preview" in typed:
        return correct_preview(number)
    if emptied := fields.cannot_be_emptied(entry, typed):
        return _page(entry, typed=typed, wrong=emptied), 400
    try:
        done = door.relay_parts().correcting.correct(
            number,
            fields.changes(entry, typed),
            actor=door.actor(),
            reason=typed.get("reason", ""),
            take_over=typed.get("take_over") == "yes",
            as_of=_moment(typed.get("as_of", "")),
        )
    except CorrectionRefused as error:
        return _page(entry, typed=typed, wrong=error.wrong), 400
    except ReplayRefused as error:
        return _page(acting_on(number), typed=typed, refused=sentence(error), preview=_preview(entry, typed)), 409
    door.relay_parts().bell.ring(entry.organization)
    _say(number, done.proposal)
    return redirect(f"/console/gifts/{number}", 303)


def _say(number: int, proposal: int | None) -> None:
    if proposal is not None:
        flash("Your correction waits for a second person; nothing is sent until then.", "warn")
        return
    after = acting_on(number)
    held = after.reason_text if after.status == "held" else ""
    flash(f"Corrected, and still held: {held}" if held else "Corrected. relay sends it.", "warn" if held else "ok")


def _opened(number: int) -> ResponseReturnValue:
    try:
        entry, _ = door.relay_parts().correcting.open(number, actor=door.actor())
    except ReplayRefused as error:
        flash(sentence(error), "warn")
        return redirect(f"/console/gifts/{number}", 303)
    return _page(entry)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _lock(entry: Entry) -> Lock | None:
    """Who else is at it."""
    parts = door.relay_parts()
    with parts.database.read() as tx:
        lock = locks.of(tx, entry.id, parts.database.now(tx))
    return lock if lock and lock.holder != door.actor().name else None


def _preview(entry: Entry, typed: Mapping[str, str]) -> Preview | None:
    changed = fields.changes(entry, typed)
    if not changed:
        return None
    return door.relay_parts().correcting.preview(entry.id, changed, actor=door.actor())


def _page(
    entry: Entry,
    *,
    typed: Mapping[str, str] | None = None,
    preview: Preview | None = None,
    wrong: Mapping[str, str] | None = None,
    refused: str = "",
) -> str:
    parts = door.relay_parts()
    organization = parts.settings.organizations[entry.organization]
    with parts.database.read() as tx:
        funds = with_funds(tx, organization).funds
    return render_template(
        "correct.html",
        entry=entry,
        groups=fields.groups(entry, typed),
        never=fields.never(entry),
        preview=preview,
        asked=typed is not None,
        wrong={name: _PARAMETER.sub("", text) for name, text in (wrong or (preview.wrong if preview else {})).items()},
        refused=refused,
        reason=(typed or {}).get("reason", ""),
        lock=_lock(entry),
        second_person=needs_second_person(entry, organization),
        zone=organization.time_zone,
        funds=sorted(funds),
    )
