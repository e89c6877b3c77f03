"""The session cookie: signed, and sent over HTTPS only, except to this very machine."""

from __future__ import annotations

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def is_loopback() -> bool:
    """Whether the browser asked this very machine, where nothing crosses a wire."""
    return request.host in LOOPBACK or request.host.rpartition(":")[0] in LOOPBACK


class Sessions(SecureCookieSessionInterface):
    """Flask's own, with the rules of ``__Host-`` wherever the connection is not of this machine."""

    def get_cookie_name(self, app: Flask) -> str:
        """``__Host-``: a browser takes it over HTTPS only, for this host and no other."""
        return "__Host-relay" if self.get_cookie_secure(app) else "relay"

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - Flask's signature
        """Not needed on loopback; without HTTPS anywhere else nobody can sign in."""
        return request.is_secure or not is_loopback()
