"""What one may do with a gift, each act told before it is done; and the small acts that need no page of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from relay.access import Permission
from relay.errors import NotChecked, ReplayRefused
from relay.ledger import entries, locks, proposals
from relay.ledger.entries import Entry
from relay.ledger.funds import with_funds
from relay.ledger.locks import Lock
from relay.ledger.proposals import Proposal
from relay.office.corrections import needs_second_person
from relay.office.replay import planned
from relay.office.supplying import may_supply
from relay.status import CLAIMABLE, REPLAYABLE, Kind, Status
from relay.web.console import door
from relay.web.console.blueprint import console

_BY_HAND = frozenset({Status.HELD, Status.REJECTED, Status.UNKNOWN})
_CLOSABLE = frozenset({Status.HELD, Status.REJECTED, Status.RETRYING, Status.QUEUED, Status.WAITING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Possible:
    """What one may do with a gift now. ``effect``: what sending it again would do; ``refused``: why it may not be."""

    correct: bool
    second_person: bool
    effect: str
    refused: str
    resolve: bool
    by_hand: bool
    gift_code: bool
    close: bool
    reopen: bool
    lock: Lock | None
    proposal: Proposal | None


def entry_of(number: int) -> Entry:
    """The gift, within reach; to anybody else there is no such page."""
    with door.relay_parts().database.read() as tx:
        entry = entries.get(tx, number)
    if entry is None or entry.organization not in door.reach():
        abort(404)
    return entry


def acting_on(number: int) -> Entry:
    """The same, for somebody who may act on it."""
    entry = entry_of(number)
    door.actor().need(Permission.ACT, entry.organization)
    return entry


@console.app_context_processor
def replayable() -> dict[str, frozenset[Status]]:
    """Which gifts a list offers to choose."""
    return {"replayable": REPLAYABLE}


@console.app_template_global()
def possible(entry: Entry) -> Possible | None:
    """What whoever looks may do with this gift; None for one who only reads."""
    parts, actor = door.relay_parts(), door.actor()
    organization = parts.settings.organizations.get(entry.organization)
    if organization is None or not actor.may(Permission.ACT, entry.organization):
        return None
    with parts.database.read() as tx:
        lock = locks.of(tx, entry.id, parts.database.now(tx))
        proposal = proposals.waiting_for(tx, [entry.id]).get(entry.id)
        again = planned(entry, with_funds(tx, organization)) if entry.status in REPLAYABLE else None
    is_gift, stands = entry.kind is not Kind.REFUND, entry.merged_into is None
    is_known = bool(entry.fact) and not entry.erased
    return Possible(
        correct=is_gift and stands and is_known and entry.status in REPLAYABLE | {Status.QUEUED},
        second_person=needs_second_person(entry, organization),
        effect=again.effect if again else "",
        refused=again.refused if again else "",
        resolve=entry.status is Status.UNKNOWN,
        by_hand=is_gift and stands and entry.status in _BY_HAND,
        gift_code=may_supply(entry),
        close=entry.status in _CLOSABLE,
        reopen=entry.status is Status.CLOSED and stands,
        lock=lock if lock and lock.holder != actor.name else None,
        proposal=proposal,
    )


@console.post("/gifts/<int:number>/close")
def gift_close(number: int) -> ResponseReturnValue:
    """End it."""

    def act(reason: str) -> str:
        _, *others = door.relay_parts().deciding.close(number, actor=door.actor(), reason=reason)
        more = (
            f" Refunds that waited for it are closed too: {', '.join(f'#{one}' for one in others)}." if others else ""
        )
        return f"Closed. It is not sent.{more}"

    return _done(number, act)


@console.post("/gifts/<int:number>/reopen")
def gift_reopen(number: int) -> ResponseReturnValue:
    """Take the end back."""

    def act(reason: str) -> str:
        door.relay_parts().deciding.reopen(number, actor=door.actor(), reason=reason)
        return "Open again: it is held until somebody sends it."

    return _done(number, act)


@console.post("/gifts/<int:number>/note")
def gift_note(number: int) -> ResponseReturnValue:
    """Write something down."""

    def act(reason: str) -> str:
        door.relay_parts().deciding.note(number, actor=door.actor(), reason=reason)
        return "Your note is kept with the gift."

    return _done(number, act)


@console.post("/gifts/<int:number>/found")
def gift_found(number: int) -> ResponseReturnValue:
    """It is in Luminate."""
    code = (request.form.get("typed") or request.form.get("code") or "").strip()

    def act(reason: str) -> str:
        released = door.relay_parts().deciding.found(number, code, actor=door.actor(), reason=reason)
        more = f" Its refunds go now: {', '.join(f'#{one}' for one in released)}." if released else ""
        return f"Kept as being in Luminate, under {code or 'no code'}.{more}"

    return _done(number, act, back=f"/console/unknown/{number}")


@console.post("/gifts/<int:number>/absent")
def gift_absent(number: int) -> ResponseReturnValue:
    """It is not in Luminate, and is sent; asked twice, because a mistake here is a second gift."""
    acting_on(number)
    if request.form.get("sure") != "yes":
        flash("Say that you have looked: nothing was sent.", "warn")
        return redirect(f"/console/unknown/{number}#absent", 303)

    def act(reason: str) -> str:
        seen = request.form.get("attempt", -1, type=int)
        stands = door.relay_parts().deciding.absent(number, attempt=seen, actor=door.actor(), reason=reason)
        return (
            "In line again; relay sends it once." if stands.status in CLAIMABLE else f"Not sent. {stands.reason_text}"
        )

    return _done(number, act, back=f"/console/unknown/{number}")


@console.get("/gifts/<int:number>/by-hand")
def gift_by_hand(number: int) -> ResponseReturnValue:
    """Attach the code of a gift that somebody typed into Luminate."""
    return _by_hand_page(acting_on(number))


@console.post("/gifts/<int:number>/by-hand")
def gift_by_hand_post(number: int) -> ResponseReturnValue:
    """Check the code and keep it; what could not be checked is asked for once more, plainly."""
    entry, form = acting_on(number), request.form
    code, reason = form.get("code", "").strip(), form.get("reason", "")
    deciding, seen = door.relay_parts().deciding, form.get("seen") == "yes"
    try:
        said = deciding.by_hand(number, code, actor=door.actor(), reason=reason, seen=seen)
    except NotChecked as error:
        return _by_hand_page(entry, unchecked=str(error)), 409
    except ReplayRefused as error:
        return _by_hand_page(entry, wrong=sentence(error)), 409
    _ring(entry)
    flash(f"Kept as being in Luminate, under {code}. {said}", "ok")
    return redirect(_gift(number), 303)


def _by_hand_page(entry: Entry, *, unchecked: str = "", wrong: str = "") -> str:
    return render_template("by_hand.html", entry=entry, form=request.form, unchecked=unchecked, wrong=wrong)


@console.get("/gifts/<int:number>/gift-code")
def gift_code(number: int) -> ResponseReturnValue:
    """Tell the code of a refund's gift."""
    return _gift_code_page(acting_on(number))


@console.post("/gifts/<int:number>/gift-code")
def gift_code_post(number: int) -> ResponseReturnValue:
    """Check the code and refund by it; what could not be checked is asked for once more, with the gift's amount."""
    entry, form = acting_on(number), request.form
    code, reason = form.get("code", "").strip(), form.get("reason", "")
    supplying, worth, seen = door.relay_parts().supplying, form.get("worth", ""), form.get("seen") == "yes"
    try:
        said = supplying.supply(number, code, actor=door.actor(), reason=reason, worth=worth, seen=seen)
    except NotChecked as error:
        return _gift_code_page(entry, unchecked=str(error)), 409
    except ReplayRefused as error:
        return _gift_code_page(entry, unchecked="It could not be checked." if seen else "", wrong=sentence(error)), 409
    _ring(entry)
    flash(f"relay refunds it by {code}. {said}", "ok")
    return redirect(_gift(number), 303)


def _gift_code_page(entry: Entry, *, unchecked: str = "", wrong: str = "") -> str:
    return render_template("gift_code.html", entry=entry, form=request.form, unchecked=unchecked, wrong=wrong)


def _done(number: int, act: Callable[[str], str], back: str = "") -> ResponseReturnValue:
    """Do it, say what was done, and go to the gift; a refusal goes back to where it was asked."""
    entry = acting_on(number)
    try:
        flash(act(request.form.get("reason", "")), "ok")
    except ReplayRefused as error:
        flash(sentence(error), "bad")
        return redirect(back or _gift(number), 303)
    _ring(entry)
    return redirect(_gift(number), 303)


def _ring(entry: Entry) -> None:
    door.relay_parts().bell.ring(entry.organization)


def _gift(number: int) -> str:
    return f"/console/gifts/{number}"


def sentence(error: Exception) -> str:
    """A refusal as a person reads it."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
