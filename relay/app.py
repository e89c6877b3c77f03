"""The Flask application: the wired relay, its commands, and what answers over HTTP where that is wanted."""

from __future__ import annotations

import os

from flask import Flask

from relay import crashes, telemetry
from relay.bootstrap import Relay, build
from relay.cli import register
from relay.config import load_settings


def create_app(relay: Relay | None = None, *, serves: bool = True) -> Flask:
    """The application around a wired relay; without one, around the environment's settings.

    ``serves``: whether it answers over HTTP; `flask work` and the other commands do not, and then carry no pages.
    Raises ConfigurationError with every mistake at once.
    """
    if relay is None:
        relay = build(load_settings(os.environ))
    telemetry.configure(relay.settings.log_format, relay.settings.log_level)
    crashes.configure(relay.settings.sentry_dsn)
    app = Flask("relay", static_folder=None)
    app.config.update(SECRET_KEY=relay.settings.secret_key, MAX_CONTENT_LENGTH=relay.settings.max_body_bytes + 1)
    app.extensions["relay"] = relay
    register(app)
    if serves:
        from relay.web import front  # noqa: PLC0415 - a worker would carry console and API for nothing, some 15 MB

        front.attach(app, relay.settings)
    return app
