"""OpenID Connect by Authlib: discovery, state, nonce, PKCE, the signature and the claims of the id token.

Loaded only where an identity provider is configured: with what it brings along it is 8 MB more in every web.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask
from flask.typing import ResponseReturnValue
from joserfc.errors import JoseError
from requests import RequestException

from relay.config.front import Oidc
from relay.web.console.identity import EXTENSION, IdentityFailed

# Signed with the provider's private key; never with a secret that we know, nor with nothing.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
SCOPE = "openid email profile"
SECONDS = 10


def attach(app: Flask, settings: Oidc) -> None:
    """Give the application its identity provider; nothing is asked of it before somebody signs in."""
    app.extensions[EXTENSION] = Provider(app, settings)


class Provider:
    """The identity provider, as `identity` asks it."""

    def __init__(self, app: Flask, settings: Oidc) -> None:
        """Get to know it."""
        self.issuer = settings.issuer.rstrip("/")
        self._client: Any = OAuth(app).register(
            "oidc",
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            server_metadata_url=f"{self.issuer}/.well-known/openid-configuration",
            client_kwargs={"scope": SCOPE, "code_challenge_method": "S256", "default_timeout": SECONDS},
        )

    def begin(self, back: str) -> ResponseReturnValue:
        """Off to the provider, and from there to the address ``back``. Raises IdentityFailed."""
        with _told():
            answer: ResponseReturnValue = self._client.authorize_redirect(back)
        return answer

    def claims(self) -> dict[str, Any]:
        """What the provider says about whoever came back. Raises IdentityFailed."""
        with _told():
            return self._claims()

    def _claims(self) -> dict[str, Any]:
        known = self._client.load_server_metadata()
        known["id_token_signing_alg_values_supported"] = ALGORITHMS
        options = {"iss": {"essential": True, "values": [self.issuer, f"{self.issuer}/"]}}
        token = self._client.authorize_access_token(claims_options=options)
        claims = dict(token["userinfo"])
        if "email" not in claims and "userinfo_endpoint" in known:
            more = self._client.userinfo(token=token)
            claims |= more if more["sub"] == claims["sub"] else {}
        return claims


@contextmanager
def _told() -> Iterator[None]:
    """Everything that may go wrong between the provider and Authlib, as the one error that `identity` knows."""
    try:
        yield
    except (OAuthError, JoseError, RequestException, ValueError, KeyError, RuntimeError) as error:
        raise IdentityFailed(type(error).__name__) from error
