"""``/console/gifts/<id>``: the whole story of one gift, and what will happen next before it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import orjson
from flask import Response, render_template
from flask.typing import ResponseReturnValue

from relay import words
from relay.access import Permission
from relay.ledger.entries import Entry
from relay.office.remapping import effect
from relay.reports.advice import Voice
from relay.reports.searching import Opened
from relay.reports.story import MAILS, Moment, headline, tell, where
from relay.status import ON_ITS_WAY, REPLAYABLE, Kind, Status
from relay.web.console import door
from relay.web.console.blueprint import console
from relay.web.console.speech import kind_of

# Families of Luminate's parameters left, the part of the card they stand in right; the rest is technical.
_PARTS: Mapping[str, str] = {
    "donor": "Donor",
    "joint_donor": "Joint donor",
    "billing": "Billing",
    "shipping": "Recipient",
    "other_amount": "Gift",
    "refund_amount": "Gift",
    "offline_payment_method": "Gift",
    "card_number": "Gift",
    "card_exp_date": "Gift",
    "check_number": "Gift",
    "premium_id": "Gift",
    "gift_aid": "Gift",
    "matching_eligible": "Gift",
    "anonymous_gift": "Gift",
    "designated": "Designation",
    "designated_write_in": "Designation",
    "single_designated_id": "Designation",
    "form_id": "Designation",
    "level_id": "Designation",
    **dict.fromkeys(MAILS, "Mail"),
}
ORDER = ("Gift", "Donor", "Joint donor", "Billing", "Recipient", "Designation", "Mail", "Technical")
# In which order a person reads an address; what is not named comes after.
_READ = ("title", "first", "middle", "last", "suffix", "email", "street1", "street2", "street3", "city", "state", "zip",
         "country", "other_amount", "form_id", "level_id")  # fmt: skip
_EXCERPT = 1500


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of the card: what it is called, its value, the parameter, whether a person put it there."""

    label: str
    value: str
    parameter: str
    corrected: bool


@console.get("/gifts/<int(max=9223372036854775807):number>")
def gift(number: int) -> ResponseReturnValue:
    """The page of one gift. That it was seen is written down."""
    opened = door.relay_parts().searching.open(door.actor(), number)
    entry, zone = opened.story.entry, opened.organization.time_zone
    told = tell(opened.story, zone, opened.pause, Voice.BUTTONS)
    return render_template(
        "gift.html",
        opened=opened,
        entry=entry,
        told=told,
        timeline=[(moment, tone(moment)) for moment in told.timeline],
        kind=kind_of(entry.kind, entry.refund_reason),
        stands=where(entry, zone),
        forecast=forecast(opened, datetime.now(UTC)),
        family=[(one, headline(one, zone)) for one in _family(opened)],
        card=card(entry),
        events=[
            (event, words.ERASED_EVENT if event.erased_at else excerpt(event.body)) for event in opened.story.events
        ],
        may_act=door.actor().may(Permission.ACT, entry.organization),
        title=opened.organization.title or entry.organization,
        zone=zone,
    )


@console.get("/gifts/<int(max=9223372036854775807):number>/events/<int(max=9223372036854775807):event>")
def gift_event(number: int, event: int) -> ResponseReturnValue:
    """An event as it came, byte for byte but for card numbers; as a text that no browser runs."""
    body = door.relay_parts().searching.body(door.actor(), number, event)
    return Response(body, mimetype="text/plain", headers={"Content-Disposition": f'inline; filename="event-{event}"'})


def _family(opened: Opened) -> list[Entry]:
    story = opened.story
    return [one for one in (story.gift, *story.refunds) if one is not None and one.id != story.entry.id]


def tone(moment: Moment) -> str:
    """How a moment looks on the line."""
    said = moment.text
    if ": recorded" in said or "found it in Luminate" in said:
        return "good"
    if said.startswith("Attempt") and ": not sent" not in said:
        return "bad"
    return "person" if any(word in said for word in _BY_PEOPLE) else ""


_BY_PEOPLE = (" replayed it", " corrected it", " closed it", " reopened it", " looked, and", " told the")


def forecast(opened: Opened, now: datetime) -> str:
    """What the next call will be, or what a replay would make it, before it is made."""
    entry, zone = opened.story.entry, opened.organization.time_zone
    if entry.status in ON_ITS_WAY and entry.status is not Status.POSTING and entry.merged_into is None:
        said = f"relay {effect(entry, entry.parameters)}; {_mail(entry.parameters)}"
    elif entry.status in REPLAYABLE and opened.planned.effect:
        said = f"A replay {opened.planned.effect}; it will not e-mail the donor unless you choose so"
    elif entry.status in REPLAYABLE and opened.planned.refused:
        return f"A replay would not help yet: {opened.planned.refused.rstrip('.')}."
    else:
        return ""
    return f"{said}{_dated(entry, zone, now)}."


def _mail(parameters: Mapping[str, str]) -> str:
    asked = [what for name, what in MAILS.items() if parameters.get(name) == "true"]
    return f"Luminate is asked to send {' and '.join(asked)}" if asked else "it will not e-mail the donor"


def _dated(entry: Entry, zone: tzinfo, now: datetime) -> str:
    """Luminate dates a gift by its arrival: said where that is not the day on which the donor paid."""
    if entry.kind is not Kind.GIFT or entry.occurred_at is None:
        return ""
    paid, today = words.day(entry.occurred_at, zone), words.day(now, zone)
    return "" if paid == today else f"; Luminate will date it {today}, the donor paid on {paid}"


def card(entry: Entry) -> dict[str, list[Shown]]:
    """The parameters in words, in parts that a person looks for."""
    parts: dict[str, list[Shown]] = {name: [] for name in ORDER}
    for name, value in sorted(entry.parameters.items(), key=lambda item: _place(item[0])):
        family = _PARTS.get(name) or _PARTS.get(name.partition(".")[0]) or "Technical"
        parts[family].append(_line(family, name, value, corrected=name in entry.overrides))
    return {name: shown for name, shown in parts.items() if shown}


def _place(name: str) -> tuple[int, str]:
    last = name.rpartition(".")[2]
    return (_READ.index(last) if last in _READ else len(_READ), words.parameter(name))


def _line(family: str, name: str, value: str, *, corrected: bool) -> Shown:
    if name in MAILS:
        return Shown(MAILS[name].partition(" ")[2], "asked for" if value == "true" else "not sent", name, corrected)
    label = words.parameter(name)
    short = label.removeprefix(f"{family.lower()} ").removeprefix(f"{family.lower()}'s ")
    return Shown(short, value, name, corrected)


def excerpt(body: bytes) -> str:
    """The beginning of an event, laid out for reading; bytes that are no text say so."""
    try:
        text = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        text = body.decode("utf-8", "replace")
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]} ..."
