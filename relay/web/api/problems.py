"""Every error of the API is a problem as RFC 9457 has it: type, title, status, a sentence, and what is wrong where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import structlog
from flask import Response, request
from werkzeug.exceptions import HTTPException

from relay.errors import (
    ConfigurationError,
    CorrectionRefused,
    LedgerUnavailable,
    NotAllowed,
    RelayError,
    ReplayRefused,
    SearchRefused,
)

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
# Seconds after which a ledger that did not answer may be asked again.
AGAIN_SECONDS = 10
TITLES = {
    400: "The request cannot be read",
    401: "A good token is needed",
    403: "The token does not allow this",
    404: "There is no such thing",
    405: "Not this method here",
    409: "Not in this state",
    413: "The body is too large",
    415: "The body must be JSON",
    422: "Something in the request is wrong",
    429: "Too many requests",
    500: "Something went wrong in relay",
    503: "The ledger does not answer",
}


class Refusal(Exception):
    """Ends a request with this problem. ``wrong``: (place, sentence) of each mistake."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str = "",
        wrong: Iterable[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.kind = status, detail, kind
        self.wrong, self.headers = tuple(wrong), dict(headers or {})


def missing(what: str) -> Refusal:
    """Not there, or of another organization: the same answer."""
    return Refusal(404, f"There is no {what}.")


def answer(refusal: Refusal) -> Response:
    """The problem as it is sent."""
    status = refusal.status
    told: dict[str, Any] = {"type": f"urn:relay:problem:{refusal.kind}" if refusal.kind else "about:blank"}
    told |= {"title": TITLES.get(status, "Not this"), "status": status, "detail": refusal.detail}
    if refusal.wrong:
        told["errors"] = [{"where": where, "detail": text} for where, text in refusal.wrong]
    return Response(orjson.dumps(told), status, refusal.headers, content_type=MEDIA_TYPE)


def is_of_the_api() -> bool:
    """Whether this request is for the API, whatever became of its route."""
    return request.path == "/api" or request.path.startswith("/api/")


def of_http(error: HTTPException) -> Response:
    """The problem for what werkzeug refuses: no such path or method, a body that is too large."""
    status = error.code or 500
    headers = {name: value for name, value in error.get_headers() if name.lower() in ("allow", "retry-after")}
    detail = _DETAILS.get(status) or error.description or TITLES.get(status, "Not this.")
    return answer(Refusal(status, detail, headers=headers))


_DETAILS = {
    404: "There is nothing at this address; /api/v1/openapi.json lists what there is.",
    405: "The address does not take this method.",
    413: "The body is larger than relay takes.",
    500: "It was written down. Nothing was sent twice; look at what became of it before you try again.",
}


def of_error(error: Exception) -> Refusal:
    """What an error of ours means to the caller."""
    match error:
        case Refusal():
            return error
        case RelayError():
            return _of_relay(error)
    log.error("api_failed", exc_info=error, rule=request.url_rule and request.url_rule.rule)
    return Refusal(500, _DETAILS[500])


def _of_relay(error: RelayError) -> Refusal:
    sentence = _sentence(error)
    match error:
        case NotAllowed():
            return missing("such thing within reach of this token")
        case CorrectionRefused():
            return Refusal(422, sentence, kind="correction-refused", wrong=error.wrong.items())
        case ReplayRefused():
            return Refusal(409, sentence, kind="refused")
        case SearchRefused():
            return Refusal(422, sentence, kind="search-refused", wrong=[("q", sentence)])
        case ConfigurationError():
            wrong = [(text.partition(":")[0], text) for text in error.problems]
            return Refusal(422, "This is no fund.", kind="fund-refused", wrong=wrong)
        case LedgerUnavailable():
            return Refusal(503, "Nothing was changed; try again.", headers={"Retry-After": str(AGAIN_SECONDS)})
        case _:
            return Refusal(422, sentence, kind="refused")


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:].rstrip(".") + "."
