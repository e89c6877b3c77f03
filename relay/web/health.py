"""``/livez``: this process answers. ``/readyz``: the ledger answers too."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy import text

from relay.bootstrap import Relay
from relay.errors import LedgerUnavailable

health = Blueprint("health", __name__)


@health.get("/livez")
def livez() -> Response:
    """Alive: no part is asked."""
    return jsonify(status="ok")


@health.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Ready to store events: the ledger answers. Redis is not asked, since intake does without it."""
    relay: Relay = current_app.extensions["relay"]
    try:
        with relay.database.read() as tx:
            tx.execute(text("SELECT 1"))
    except LedgerUnavailable:
        return jsonify(status="unavailable", part="ledger"), 503
    return jsonify(status="ok"), 200
