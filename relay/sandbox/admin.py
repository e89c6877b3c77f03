"""The doors for tests and demos under /sandbox, and the page for people. Whatever does not fit is a 400 in words."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote

from . import settings, shapes
from .fault_shapes import faults
from .messages import Reply, Request, html_reply, json_reply
from .page import page
from .shapes import Refused
from .state import Sandbox

Door = Callable[[Sandbox, Request], Any]
ORGANIZATIONS = "/sandbox/organizations/"


def _body(request: Request) -> Any:
    try:
        return json.loads(request.body)
    except ValueError:
        raise Refused("The body is not JSON.") from None


def _organization(request: Request) -> str | None:
    return parse_qs(request.query).get("organization", [None])[0]


def _donations(sandbox: Sandbox, request: Request) -> Any:
    name = _organization(request)
    return {"donations": sandbox.donations(name), "counts": sandbox.counts(name)}


def _calls(sandbox: Sandbox, request: Request) -> Any:
    return {"calls": sandbox.calls.listed(_organization(request))}


def _reset(sandbox: Sandbox, request: Request) -> Any:
    readers = {"organization": shapes.maybe(shapes.text)}
    posted = shapes.fields("The body", _body(request), readers) if request.body.strip() else {}
    sandbox.reset(posted.get("organization"))
    return {"reset": True}


def _show_faults(sandbox: Sandbox, _request: Request) -> Any:
    return sandbox.faults.listed()


def _set_faults(sandbox: Sandbox, request: Request) -> Any:
    sandbox.faults.replace(*faults(_body(request)))
    return sandbox.faults.listed()


def _clear_faults(sandbox: Sandbox, _request: Request) -> Any:
    sandbox.faults.replace([])
    return sandbox.faults.listed()


def _advance(sandbox: Sandbox, request: Request) -> Any:
    posted = shapes.fields("The body", _body(request), {"advance_seconds": shapes.number})
    sandbox.clock.advance(posted.get("advance_seconds", 0.0))
    return {"now": sandbox.clock.now().isoformat()}


def _list_organizations(sandbox: Sandbox, _request: Request) -> Any:
    return {"organizations": sorted(organization.name for organization in sandbox.organizations())}


def _show_organization(sandbox: Sandbox, request: Request) -> Any:
    return settings.shown(sandbox.organization(_name(request)))


def _change_organization(sandbox: Sandbox, request: Request) -> Any:
    sandbox.change(_name(request), _body(request))
    return settings.shown(sandbox.organization(_name(request)))


def _name(request: Request) -> str:
    return unquote(request.path.removeprefix(ORGANIZATIONS))


DOORS: dict[str, dict[str, Door]] = {
    "/sandbox/donations": {"GET": _donations},
    "/sandbox/calls": {"GET": _calls},
    "/sandbox/reset": {"POST": _reset},
    "/sandbox/clock": {"POST": _advance},
    "/sandbox/faults": {"GET": _show_faults, "POST": _set_faults, "DELETE": _clear_faults},
    "/sandbox/organizations": {"GET": _list_organizations},
    ORGANIZATIONS: {"GET": _show_organization, "POST": _change_organization},
}


def is_admin(path: str) -> bool:
    return path == "/" or path.startswith("/sandbox/")


def answer(sandbox: Sandbox, request: Request) -> Reply:
    """The reply of a door."""
    if request.path == "/" and request.verb == "GET":
        return html_reply(page(sandbox))
    named = request.path.startswith(ORGANIZATIONS) and "/" not in request.path.removeprefix(ORGANIZATIONS)
    doors = DOORS.get(ORGANIZATIONS if named and _name(request) else request.path.rstrip("/"))
    if doors is None:
        return json_reply({"error": f"There is no {request.path}; there are / and {', '.join(DOORS)}."}, 404)
    if request.verb not in doors:
        return json_reply({"error": f"{request.path} takes {', '.join(doors)}."}, 405)
    try:
        return json_reply(doors[request.verb](sandbox, request))
    except Refused as problem:
        return json_reply({"error": str(problem)}, 400)
