"""Who is here, what they may see, and the session that says so. What every screen asks."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from flask import abort, current_app, g, request, session

from relay.access import Actor, Permission
from relay.bootstrap import Relay
from relay.ledger.people import Person
from relay.office.people import Visit
from relay.office.people.entering import actor_of

HOURS, IDLE_MINUTES = 12, 60
# How long the second step of a sign-in may take.
CODE_MINUTES = 5


def relay_parts() -> Relay:
    """The wired relay of this process."""
    relay: Relay = current_app.extensions["relay"]
    return relay


def person() -> Person | None:
    """Who signed in, unless the session was ended or is too old. Asked of the ledger once a request."""
    if "person" not in g:
        g.person = _person()
    found: Person | None = g.person
    return found


def actor() -> Actor:
    """Who asks. Only behind the sign-in."""
    found = person()
    if found is None:
        abort(401)
    return actor_of(found)


def reach(permission: Permission = Permission.READ) -> tuple[str, ...]:
    """The organizations in which they may, sorted."""
    return actor().within(permission, relay_parts().settings.organizations)


def chosen() -> str:
    """The organization in view (``in=NAME``); "": all within reach. One out of reach does not exist."""
    name = request.args.get("in", "")
    if name and name not in reach():
        abort(404)
    return name


def in_view(permission: Permission = Permission.READ) -> tuple[str, ...]:
    """The organizations that this page speaks of: the chosen one, or all within reach."""
    name, within = chosen(), reach(permission)
    return tuple(one for one in within if one == name) if name else within


def enter(visit: Visit) -> None:
    """Begin a session: a new one, whatever the browser brought along."""
    now = int(time.time())
    session.clear()
    session.update(person=visit.person, number=visit.number, began=now, seen=now)
    g.pop("person", None)


def half_enter(visit: Visit, wanted: str) -> None:
    """The password was right, the code is still to come."""
    session.clear()
    session.update(half=[visit.person, visit.number, int(time.time())], next=wanted)


def half_entered() -> Visit | None:
    """Who is between the two steps."""
    number, session_number, began = session.get("half", (0, 0, 0))
    return Visit(number, session_number) if time.time() - began < CODE_MINUTES * 60 else None


def leave() -> None:
    """End the session of this browser."""
    session.clear()
    g.pop("person", None)


def safe(address: str | None) -> str:
    """Where to go after the sign-in: a page of the console, never another site."""
    wanted = address or ""
    parts = urlsplit(wanted) if wanted.isprintable() and "\\" not in wanted else urlsplit("")
    is_ours = not parts.scheme and not parts.netloc and parts.path.startswith("/console/")
    return wanted if is_ours and not parts.path.startswith("/console/sign-") else "/console/"


def _person() -> Person | None:
    if "person" not in session:
        return None
    now = int(time.time())
    is_old = now - session["began"] > HOURS * 3600 or now - session["seen"] > IDLE_MINUTES * 60
    found = None if is_old else relay_parts().entering.whose(Visit(session["person"], session["number"]))
    if found is None:
        session.clear()
    elif now - session["seen"] >= 60:  # not on every request: a cookie less
        session["seen"] = now
    return found
