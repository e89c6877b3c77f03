"""``/console/sign-in/oidc``: whoever the identity provider vouches for, if an admin added them here.

`oidc` does the protocol. What is ours: the issuer must be the configured one, the signature must be of a public key,
and the address must be verified.
"""

from __future__ import annotations

from typing import Any

import structlog
from flask import abort, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from relay.errors import SignInRefused
from relay.web.console import door
from relay.web.console.blueprint import console

log = structlog.get_logger(__name__)

SILENT = "Your identity provider did not answer, or not as it should. Try again, or sign in with a password."
# Where the application keeps its identity provider, if it has one.
EXTENSION = "relay_identity_provider"


class IdentityFailed(Exception):
    """The identity provider did not answer, or not as it should; says by which kind of error."""


@console.get("/sign-in/oidc")
def oidc_begin() -> ResponseReturnValue:
    """Off to the provider, with a state, a nonce and a challenge that only this browser's session knows."""
    provider, wanted = _provider(), door.safe(request.args.get("next"))
    session.clear()
    session["next"] = wanted
    try:
        answer: ResponseReturnValue = provider.begin(url_for("console.oidc_end", _external=True))
    except IdentityFailed as error:
        return _failed(error)
    return answer


@console.get("/sign-in/oidc/done")
def oidc_end() -> ResponseReturnValue:
    """Back from the provider."""
    provider, wanted = _provider(), door.safe(session.get("next"))
    try:
        claims = provider.claims()
    except IdentityFailed as error:
        return _failed(error)
    try:
        visit = door.relay_parts().entering.by_identity(claims, address=request.remote_addr or "")
    except SignInRefused as error:
        return _refused(str(error), 401)
    door.enter(visit)
    return redirect(wanted, 303)


def _provider() -> Any:
    """The `oidc.Provider` of this application; 404 without one."""
    return current_app.extensions.get(EXTENSION) or abort(404)


def _failed(error: IdentityFailed) -> ResponseReturnValue:
    """Neither the provider's words nor anything of the token goes into the log."""
    log.warning("oidc_failed", kind=str(error))
    return _refused(SILENT, 502)


def _refused(sentence: str, status: int) -> ResponseReturnValue:
    settings = door.relay_parts().settings.oidc
    return render_template("sign_in.html", next="/console/", wrong=sentence, email="", provider=settings), status
