"""``/console/sign-in/oidc``: whoever the identity provider vouches for, if an admin added them here.

Authlib does the protocol: discovery, state, nonce, PKCE, the signature and the claims of the id token. What is ours:
the issuer must be the configured one, the signature must be of a public key, and the address must be verified.
"""

from __future__ import annotations

from typing import Any

import structlog
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, abort, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from joserfc.errors import JoseError
from requests import RequestException

from relay.config.front import Oidc
from relay.errors import SignInRefused
from relay.web.console import door
from relay.web.console.blueprint import console

log = structlog.get_logger(__name__)

SILENT = "Your identity provider did not answer, or not as it should. Try again, or sign in with a password."
# Signed with the provider's private key; never with a secret that we know, nor with nothing.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
SECONDS = 10
_FAILURES = (OAuthError, JoseError, RequestException, ValueError, KeyError, RuntimeError)


def attach_oidc(app: Flask, provider: Oidc) -> None:
    """Get to know the provider; nothing is asked of it before somebody signs in."""
    OAuth(app).register(
        "oidc",
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        server_metadata_url=f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256", "default_timeout": SECONDS},
    )


@console.get("/sign-in/oidc")
def oidc_begin() -> ResponseReturnValue:
    """Off to the provider, with a state, a nonce and a challenge that only this browser's session knows."""
    client, wanted = _client(), door.safe(request.args.get("next"))
    session.clear()
    session["next"] = wanted
    try:
        answer: ResponseReturnValue = client.authorize_redirect(url_for("console.oidc_end", _external=True))
    except _FAILURES as error:
        return _failed(error)
    return answer


@console.get("/sign-in/oidc/done")
def oidc_end() -> ResponseReturnValue:
    """Back from the provider."""
    client, wanted = _client(), door.safe(session.get("next"))
    try:
        claims = _claims(client)
    except _FAILURES as error:
        return _failed(error)
    try:
        visit = door.relay_parts().entering.by_identity(claims, address=request.remote_addr or "")
    except SignInRefused as error:
        return _refused(str(error), 401)
    door.enter(visit)
    return redirect(wanted, 303)


def _claims(client: Any) -> dict[str, Any]:
    """What the provider says about whoever came back. Raises one of _FAILURES."""
    known = client.load_server_metadata()
    known["id_token_signing_alg_values_supported"] = ALGORITHMS
    issuer = _provider().issuer.rstrip("/")
    options = {"iss": {"essential": True, "values": [issuer, f"{issuer}/"]}}
    token = client.authorize_access_token(claims_options=options)
    claims = dict(token["userinfo"])
    if "email" not in claims and "userinfo_endpoint" in known:
        more = client.userinfo(token=token)
        claims |= more if more["sub"] == claims["sub"] else {}
    return claims


def _provider() -> Oidc:
    return door.relay_parts().settings.oidc or abort(404)


def _client() -> Any:
    _provider()
    return current_app.extensions["authlib.integrations.flask_client"].oidc


def _failed(error: Exception) -> ResponseReturnValue:
    """Neither the provider's words nor anything of the token goes into the log."""
    log.warning("oidc_failed", kind=type(error).__name__)
    return _refused(SILENT, 502)


def _refused(sentence: str, status: int) -> ResponseReturnValue:
    return render_template("sign_in.html", next="/console/", wrong=sentence, email="", provider=_provider()), status
