"""``/console/attention``: everything that wants somebody's attention, by cause, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from relay import words
from relay.access import Permission
from relay.language import Term
from relay.ledger.figures import Mark, Unread
from relay.ledger.notes import Note
from relay.reports.advice import Voice, next_step
from relay.reports.overview import Group
from relay.status import Verdict
from relay.web.console import door
from relay.web.console.blueprint import console
from relay.web.console.speech import some, sums
from relay.web.console.today import zone_of


@dataclass(frozen=True, slots=True)
class Shown:
    """One cause as a page shows it."""

    organization: str
    key: str
    sentence: str
    luminate: bool
    reason: str
    status: str
    counted: str
    count: int
    amounts: str
    oldest: datetime
    step: str
    search: str
    note: Note | None


@dataclass(slots=True)
class Look:
    """Posted gifts that want a look for one reason."""

    organization: str
    sentence: str
    search: str
    count: int
    amounts: dict[str, int]


@console.get("/attention")
def attention() -> ResponseReturnValue:
    """Everything, the oldest cause first."""
    shown = door.relay_parts().overview.attention(door.actor(), door.chosen())
    return render_template(
        "attention.html",
        groups=[_shown(one, one.note) for one in shown.groups],
        looks=looks(shown.marks),
        sums=sums,
        unread=[(one, _event(one)) for one in shown.unread],
        zone_of=zone_of,
    )


@console.get("/attention/<organization>/<cause>")
def attention_cause(organization: str, cause: str) -> ResponseReturnValue:
    """One cause: what waits for it, what to do, and what the team wrote down."""
    group, note = door.relay_parts().overview.group(door.actor(), organization, cause)
    if group is None and note is None:
        abort(404)
    found = door.relay_parts().searching.find(door.actor(), f"cause:{cause}", organization) if group else None
    return render_template(
        "attention_cause.html",
        organization=organization,
        cause=cause,
        group=_shown(group, note) if group else None,
        note=note,
        found=found,
        may_act=door.actor().may(Permission.ACT, organization),
        zone=zone_of(organization),
    )


@console.post("/attention/<organization>/<cause>")
def attention_cause_post(organization: str, cause: str) -> ResponseReturnValue:
    """Write down a note and an owner."""
    overview = door.relay_parts().overview
    if overview.group(door.actor(), organization, cause) == (None, None):
        abort(404)
    written = {name: request.form.get(name, "") for name in ("note", "owner")}
    overview.write(door.actor(), organization, cause, **written)
    flash("Written down.", "ok")
    return redirect(url_for("console.attention_cause", organization=organization, cause=cause), 303)


def _shown(group: Group, note: Note | None) -> Shown:
    return Shown(
        organization=group.organization,
        key=group.cause.key,
        sentence=group.cause.sentence,
        luminate=group.cause.luminate,
        reason=group.reason,
        status=group.status,
        counted=some(group.counts),
        count=group.count,
        amounts=" and ".join(map(words.money, group.amounts)),
        oldest=group.oldest,
        step=next_step(group.status, group.reason, voice=Voice.GROUP),
        search=f"cause:{group.cause.key}",
        note=note,
    )


def looks(marks: Iterable[Mark]) -> list[Look]:
    """Marked gifts by organization and reason; one that has two marks stands under both."""
    found: dict[tuple[str, str], Look] = {}
    for mark in marks:
        for sentence, search in _marked(mark):
            look = found.setdefault((mark.organization, search), Look(mark.organization, sentence, search, 0, {}))
            look.count += mark.count
            known = look.amounts.get(mark.amount.currency, 0)
            look.amounts[mark.amount.currency] = known + mark.amount.minor
    return list(found.values())


def _marked(mark: Mark) -> Iterable[tuple[str, str]]:
    if mark.flag:
        yield words.FLAGS.get(mark.flag, mark.flag), str(Term("flag", mark.flag))
    if mark.late:
        period = words.LATE[mark.late]
        yield f"Luminate dates it in another {period} than the donor paid in", f"late:{mark.late}"


_EVENTS: Mapping[Verdict, str] = {
    Verdict.NOT_UNDERSTOOD: "genuine, and relay does not understand what they say",
    Verdict.PENDING: "kept until the provider tells what they mean",
}


def _event(one: Unread) -> str:
    verb = "is" if one.count == 1 else "are"
    return f"{words.count(one.count, 'event')} of {one.provider} {verb} {_EVENTS[one.verdict]}"
