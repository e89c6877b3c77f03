"""``/console/connections``: what relay talks to, whether it answers, when it last did, and what to do if it does not.

A click only asks for a check: a worker makes it, and the page looks again until it is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from relay import words
from relay.access import EVERYWHERE, Permission
from relay.doctor import Check, Level, credentials
from relay.doctor.board import Card, Group, State
from relay.web.console import door
from relay.web.console.blueprint import console, missing
from relay.web.console.today import Headline, title_of, zone_of

# How it stands: the class of the badge, and its words.
BADGES: Mapping[State, tuple[str, str]] = {
    State.WORKS: ("ok", "Works"),
    State.LOOK: ("warn", "Needs a look"),
    State.BROKEN: ("bad", "Broken"),
    State.PAUSED: ("paused", "Paused"),
    State.CHANGED: ("running", "Changed, being checked"),
    State.UNCHECKED: ("", "Not checked yet"),
    State.OLD: ("", "Not checked lately"),
}
# Nobody can check what only the next event shows.
_OF_SOURCES: Mapping[State, tuple[str, str]] = {
    State.CHANGED: ("running", "Changed, not proven yet"),
    State.UNCHECKED: ("", "No event yet"),
}


@dataclass(frozen=True, slots=True)
class Label:
    """What a connection is called, what it is for, and its two times: when it did its work, when it answered."""

    title: str
    purpose: str
    last: str = ""
    worked: str = "Last worked"


LABELS: Mapping[str, Label] = {
    credentials.LUMINATE: Label(
        "Luminate Online", "Gifts and refunds are recorded here.", "Last recorded", "Last read"
    ),
    credentials.SOAP: Label(
        "Luminate's web services (SOAP)", "The second way to look up whether a gift arrived.", worked="Last read"
    ),
    credentials.HOOKS: Label("Alert webhooks", "Slack, or whatever else is told what needs people.", "Last alert sent"),
    credentials.MAIL: Label("Mail server", "Takes the alerts that go out by e-mail.", "Last alert sent"),
    "database": Label("Database", "The ledger: every gift, and all that became of it."),
    "redis": Label("Redis", "Wakes the workers. What it loses, the ledger still has."),
    "workers": Label("Workers", "The programs that send gifts to Luminate.", "Last seen"),
}


@console.get("/connections")
def connections() -> ResponseReturnValue:
    """Every connection of the organizations in view, and of relay itself."""
    groups = _groups()
    return render_template("connections.html", groups=groups, headline=headline(groups), **_words())


@console.get("/connections/<organization>")
def connections_group(organization: str) -> ResponseReturnValue:
    """The part of the page that changes while a check is under way."""
    if not _is_there(organization):
        return missing()
    groups = _groups()
    shown = next((one for one in groups if one.organization == organization), None)
    if shown is None:
        return missing()
    return render_template("connections_group.html", group=shown, headline=headline(groups), is_part=True, **_words())


@console.post("/connections/<organization>/check")
def connections_check(organization: str) -> ResponseReturnValue:
    """Ask for a check of one organization's connections, or of relay's own."""
    if not _is_there(organization):
        return missing()
    if not door.relay_parts().board.ask(organization, actor=door.actor()):
        flash("Nothing new was asked for: a check is under way, or ended less than a minute ago.", "warn")
    return redirect(url_for("console.connections", _anchor=f"group-{_id(organization)}"), 303)


def _is_there(organization: str) -> bool:
    return organization == EVERYWHERE or organization in door.relay_parts().settings.organizations


def _groups() -> list[Group]:
    board, actor, reach = door.relay_parts().board, door.actor(), door.reach(Permission.READ)
    return [*board.shown(actor, door.in_view()), board.house(actor, reach)]


def _words() -> dict[str, object]:
    return {"badge_of": badge_of, "label_of": label_of, "zone_of": zone_of, "id_of": _id, "Level": Level,
            "everywhere": EVERYWHERE, "title_of": title_of, "about": about}  # fmt: skip


def _id(organization: str) -> str:
    return "relay" if organization == EVERYWHERE else f"of-{organization}"


def badge_of(card: Card) -> tuple[str, str]:
    """Class and words of a card's badge."""
    return (_OF_SOURCES if credentials.provider_of(card.endpoint) else BADGES).get(card.state, BADGES[card.state])


def label_of(endpoint: str) -> Label:
    """What it is called; a provider by its own name."""
    if provider := credentials.provider_of(endpoint):
        return Label(f"Events from {provider}", "Gifts and refunds come in here.", "Last event", "")
    return LABELS[endpoint]


def about(check: Check) -> str:
    """What was looked at, without whose it is."""
    return check.name.rpartition(": ")[2]


def headline(groups: list[Group]) -> Headline:
    """How it stands with everything in view. The worst first."""
    cards = [(card, group.organization) for group in groups for card in group.cards]
    told = {state: [_named(*one) for one in cards if one[0].state is state] for state in State}
    wrong = [f"{BADGES[state][1]}: {_some(told[state])}." for state in _WORST_FIRST if told[state]]
    if wrong:
        return Headline(" ".join(wrong), "bad" if told[State.BROKEN] else "warn")
    if told[State.CHANGED] or told[State.UNCHECKED] or told[State.OLD]:
        return Headline("Nothing is known to be broken; not everything is proven to work.", "")
    return Headline("Everything that relay talks to works.", "ok")


_WORST_FIRST = (State.BROKEN, State.PAUSED, State.LOOK)


def _named(card: Card, organization: str) -> str:
    title = label_of(card.endpoint).title
    return title if organization == EVERYWHERE else f"{title} of {title_of(organization)}"


def _some(names: list[str]) -> str:
    """Three of them by name."""
    return ", ".join(names[:3]) + (f" and {words.count(len(names) - 3, 'other')}" if len(names) > 3 else "")
