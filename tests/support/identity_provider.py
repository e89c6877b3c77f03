"""A small OpenID Connect provider over loopback HTTP: discovery, authorization code with PKCE, signed id tokens.

It checks what a real one checks (client, redirect address, code, verifier), and can be told to lie.
"""

import base64
import hashlib
import secrets
import threading
import time
from urllib.parse import urlencode

from flask import Flask, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from werkzeug.serving import make_server

CLIENT, SECRET = "relay-console", "a secret of the client"


class IdentityProvider:
    """``claims`` go into the next id token over what is right; ``broken`` makes an endpoint fail."""

    def __init__(self):
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.signing = ({"alg": "RS256", "kid": "one"}, self.key)
        self.claims = {"sub": "42", "email": "viewer@example.org", "email_verified": True}
        self.userinfo = {}
        self.broken = set()
        self.codes = {}
        self.asked = []
        self._server = make_server("127.0.0.1", 0, self._app(), threaded=True)
        # Authlib takes plain HTTP from this name only.
        self.issuer = f"http://localhost:{self._server.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def sign_with_the_client_secret(self):
        self.signing = ({"alg": "HS256"}, OctKey.import_key(SECRET.ljust(32)))

    def _app(self):
        app = Flask("identity provider")
        app.add_url_rule("/.well-known/openid-configuration", view_func=self.discovery)
        app.add_url_rule("/authorize", view_func=self.authorize)
        app.add_url_rule("/token", view_func=self.token, methods=["POST"])
        app.add_url_rule("/userinfo", view_func=self.tell)
        app.add_url_rule("/keys", view_func=lambda: jsonify(KeySet([self.key]).as_dict(private=False)))
        return app

    def discovery(self):
        if "discovery" in self.broken:
            return "<html>down</html>", 503
        place = {name: f"{self.issuer}/{path}" for name, path in ENDPOINTS.items()}
        return jsonify(issuer=self.issuer, id_token_signing_alg_values_supported=["RS256", "HS256", "none"], **place)

    def authorize(self):
        asked = request.args
        self.asked.append(dict(asked))
        assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
        assert asked["code_challenge_method"] == "S256"
        assert asked["nonce"]
        code = secrets.token_urlsafe()
        self.codes[code] = dict(asked)
        return redirect(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")

    def token(self):
        if "token" in self.broken:
            return jsonify(error="server_error"), 500
        asked = self.codes.pop(request.form["code"])
        challenge = base64.urlsafe_b64encode(hashlib.sha256(request.form["code_verifier"].encode()).digest())
        assert challenge.rstrip(b"=").decode() == asked["code_challenge"]
        assert request.form["redirect_uri"] == asked["redirect_uri"]
        assert (request.authorization.username, request.authorization.password) == (CLIENT, SECRET)
        now = int(time.time())
        right = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        header, key = self.signing
        signed = jwt.encode(header, right | self.claims, key, algorithms=["RS256", "HS256"])
        given = {} if "id token" in self.broken else {"id_token": signed}
        return jsonify(access_token="opaque", token_type="Bearer", **given)

    def tell(self):
        assert request.headers["Authorization"] == "Bearer opaque"
        return jsonify(self.userinfo)


ENDPOINTS = {
    "authorization_endpoint": "authorize",
    "token_endpoint": "token",
    "userinfo_endpoint": "userinfo",
    "jwks_uri": "keys",
}
