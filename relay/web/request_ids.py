"""A number for each request, in every line that it logs and in its answer, so that both can be found again."""

from __future__ import annotations

import re
import uuid

import structlog
from flask import Flask, Response, g, request

HEADER = "X-Request-ID"
# What a router in front may have given it: a short token with a letter in it, and nothing that could be anything else.
_TOKEN = re.compile(r"(?=[0-9._-]*[A-Za-z])[A-Za-z0-9._-]{8,64}", re.ASCII)

log = structlog.get_logger(__name__)


def attach(app: Flask) -> None:
    """Number every request before anything else is done with it; tell of its failure in a line of ours."""
    app.before_request(_begin)
    app.after_request(_tell)
    app.teardown_request(_end)
    app.log_exception = _failed  # type: ignore[method-assign]  # Flask's would write what the exception says


def _begin() -> None:
    given = request.headers.get(HEADER, "")
    g.request_id = given if _TOKEN.fullmatch(given) else uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request=g.request_id)


def _tell(response: Response) -> Response:
    if "request_id" in g:
        response.headers[HEADER] = g.request_id
    return response


def _end(_error: BaseException | None) -> None:
    structlog.contextvars.clear_contextvars()


def _failed(exc_info: object) -> None:
    log.error("request_failed", exc_info=exc_info, rule=request.url_rule and request.url_rule.rule)
