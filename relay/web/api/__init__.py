"""The API for programs, ``/api/v1``: the console's use cases over JSON. ``attach`` puts it into the application."""

from __future__ import annotations

import orjson
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from relay.config import Settings
from relay.web.api import connections, entries, events, funds, problems, replays
from relay.web.api.document import document
from relay.web.api.door import Pace
from relay.web.api.operations import api

RESOURCES = (connections, entries, events, funds, replays)

__all__ = ["attach"]


def attach(app: Flask, settings: Settings) -> None:
    """Put the API into the application."""
    app.extensions["relay_api_pace"] = Pace(settings.redis_url)
    app.register_blueprint(api)


@api.get("/openapi.json", provide_automatic_options=False)
def openapi() -> Response:
    """The document, for everybody."""
    return Response(orjson.dumps(document()), content_type="application/json")


@api.errorhandler(Exception)
def failed(error: Exception) -> Response:
    """Every error is a problem; our own failures never show a trace."""
    if isinstance(error, HTTPException):
        return problems.of_http(error)
    return problems.answer(problems.of_error(error))
