"""The one blueprint of the console: who comes in, how an error looks, what every page is told."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException

from relay.config import Settings
from relay.errors import KeyMissing, LedgerUnavailable, NotAllowed, RelayError, ReplayRefused
from relay.web.console import door
from relay.web.console.navigation import navigation
from relay.web.console.sessions import Sessions, is_loopback
from relay.web.console.throttle import Throttle

console = Blueprint(
    "console",
    __name__,
    url_prefix="/console",
    template_folder="../templates",
    static_folder="../static",
    static_url_path="/static",
)
# Checked by the console alone, in its own hook: a webhook has no form to read.
csrf = CSRFProtect()
# What anybody may ask for, with the POST of the same name: everything else wants somebody who signed in.
OPEN = frozenset({"static", "sign_in", "sign_in_code", "oidc_begin", "oidc_end", "invitation"})
STATIC = Path(__file__).parent.parent / "static"
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
)
_YEAR = 365 * 24 * 3600
# The largest number of a row: what is larger is nobody's, and no database takes it.
LARGEST = 2**63 - 1


def attach(app: Flask, settings: Settings) -> None:
    """Put the console into the application. After the application's own headers, which fill in what these leave."""
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, SESSION_COOKIE_SAMESITE="Lax")
    app.session_interface = Sessions()
    csrf.init_app(app)
    app.jinja_env.globals["static_url"] = static_url
    app.extensions["relay_throttle"] = Throttle(settings.redis_url)
    app.register_blueprint(console)


def is_of_the_console() -> bool:
    """Whether this request is for a page."""
    return request.path == "/console" or request.path.startswith("/console/")


@console.before_request
def guard() -> ResponseReturnValue | None:
    """Nobody passes without signing in, no change without its token, nobody with no role at all."""
    if _is_elsewhere():
        return _page(400, "Not under this name", f"Open it at {door.relay_parts().settings.public_url}/console/.")
    csrf.protect()
    if _holds_nul():
        return _page(400, "This cannot be", "A sign in what was sent cannot be kept. Nothing was changed.")
    name = (request.endpoint or "").removeprefix("console.").removesuffix("_post")
    if name in OPEN:
        return None
    if door.person() is None:
        return _to_sign_in()
    if not door.reach() and not name.startswith(("account", "sign_out")):
        return _page(403, "You have no role yet", "Ask an admin of relay for a role in your organization.")
    door.chosen()
    if any(isinstance(value, int) and value > LARGEST for value in (request.view_args or {}).values()):
        return missing()
    return None


def _is_elsewhere() -> bool:
    """Whether the browser asked for another host than RELAY_PUBLIC_URL says: links are made of what it asked for."""
    wanted = urlsplit(door.relay_parts().settings.public_url).netloc
    return bool(wanted) and not is_loopback() and _host(wanted) != _host(request.host)


def _host(place: str) -> str:
    return place.lower().removesuffix(":443").removesuffix(":80")


def _holds_nul() -> bool:
    """Whether a NUL stands anywhere in what was sent: PostgreSQL keeps none, and nobody types one."""
    sent = (*(request.view_args or {}).values(), *request.values.to_dict(flat=False).values())
    return any("\0" in text for value in sent for text in (value if isinstance(value, list) else [str(value)]))


def _to_sign_in() -> ResponseReturnValue:
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    address = url_for("console.sign_in", next=wanted)
    if request.headers.get("HX-Request"):  # htmx would put the sign-in page into a corner of this one
        return Response(status=401, headers={"HX-Redirect": url_for("console.sign_in")})
    return redirect(address, 303)


@console.context_processor
def shared() -> dict[str, Any]:
    """What base.html wants to know; nothing on the pages before sign-in."""
    if door.person() is None:
        return {}
    actor, organizations = door.actor(), door.reach()
    known = door.relay_parts().settings.organizations
    return {
        "actor": actor,
        "nav": navigation(actor, request.path, known),
        "organizations": organizations,
        "chosen": request.args.get("in", ""),
        "titles": {name: known[name].title for name in organizations},
    }


@console.after_app_request
def harden(response: Response) -> Response:
    """What a browser may do with a page; files of the console may be kept for a year under their hash."""
    if not is_of_the_console():
        return response
    response.headers["Content-Security-Policy"] = POLICY
    # Flask-WTF wants to see where a form came from; nobody else learns what was searched for.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = f"max-age={_YEAR}"
    if request.endpoint == "console.static" and response.status_code in (200, 304):
        kept = f"public, max-age={_YEAR}, immutable" if request.args.get("v") else "no-cache"
        response.headers["Cache-Control"] = kept
    return response


def static_url(name: str) -> str:
    """The address of a file, with its hash: another content is another address."""
    path = STATIC / name
    return url_for("console.static", filename=name, v=_hash(path, path.stat().st_mtime_ns))


@cache
def _hash(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


@console.app_errorhandler(CSRFError)
def stale(_error: CSRFError) -> ResponseReturnValue:
    """A form from before the sign-in, or from somewhere else."""
    return _page(
        400, "This page was open for too long", "Nothing was changed. Go back, load the page again and repeat."
    )


@console.errorhandler(RelayError)
def refused(error: RelayError) -> ResponseReturnValue:
    """Every refusal of ours is a calm page with its sentence."""
    sentence = str(error)[:1].upper() + str(error)[1:].rstrip(".") + "."
    match error:
        case NotAllowed():
            return _page(403, "You may not do this", "Ask an admin of relay.") if _is_inside(error) else missing()
        case ReplayRefused():
            return _page(409, "This was not done", sentence)
        case KeyMissing():
            return _page(503, "This cannot be read", f"{sentence} Whoever runs relay can mend it.")
        case LedgerUnavailable():
            return _page(503, "The ledger does not answer", "Nothing was changed. Try again in a minute.")
        case _:
            return _page(400, "This cannot be", sentence)


def _is_inside(error: NotAllowed) -> bool:
    """Whether the organization is one that they may see: to everybody else it does not exist."""
    return error.organization == "*" or error.organization in door.reach()


def missing() -> ResponseReturnValue:
    """Not there, or not for whoever asks: the same page."""
    return _page(404, "There is no such page", "It may have moved, or belong to an organization that is not yours.")


@console.errorhandler(HTTPException)
def failed(error: HTTPException) -> ResponseReturnValue:
    """Every other error is a page too; our own failures never show a trace."""
    if error.code == 404:
        return missing()
    if error.code == 500:
        return _page(500, "Something went wrong here", "It was written down. Nothing was sent twice; try again.")
    return _page(error.code or 500, error.name, error.description or "")


def _page(status: int, title: str, sentence: str) -> ResponseReturnValue:
    context = shared() if request.blueprint != "console" else {}
    return render_template("error.html", title=title, sentence=sentence, **context), status
