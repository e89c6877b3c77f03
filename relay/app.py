"""The Flask application: blueprints, error answers, commands."""

from __future__ import annotations

import os

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from relay import telemetry
from relay.bootstrap import Relay, build
from relay.cli import register
from relay.config import load_settings
from relay.web.health import health
from relay.web.webhooks import webhooks


def create_app(relay: Relay | None = None) -> Flask:
    """The application around a wired relay; without one, around the environment's settings.

    Raises ConfigurationError with every mistake at once.
    """
    if relay is None:
        relay = build(load_settings(os.environ))
    telemetry.configure(relay.settings.log_format, relay.settings.log_level)
    app = Flask("relay", static_folder=None)
    app.config.update(SECRET_KEY=relay.settings.secret_key, MAX_CONTENT_LENGTH=relay.settings.max_body_bytes + 1)
    app.extensions["relay"] = relay
    app.register_blueprint(webhooks)
    app.register_blueprint(health)
    app.register_error_handler(HTTPException, _answer)
    app.after_request(_harden)
    register(app)
    return app


def _answer(error: HTTPException) -> tuple[Response, int]:
    """JSON for every HTTP error; our own failures never show a trace."""
    status = error.code or 500
    return jsonify(status="refused", reason=error.name.lower().replace(" ", "_")), status


def _harden(response: Response) -> Response:
    """Nothing here is for a browser to frame, sniff, cache or run."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    response.headers.setdefault("Cache-Control", "no-store")
    return response
