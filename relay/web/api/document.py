"""The OpenAPI document, made from the declarations that also check every request."""

from __future__ import annotations

from functools import cache
from typing import Any

from relay.web.api import problems, schemas
from relay.web.api.once import HEADER, LONGEST, SIGNS
from relay.web.api.operations import LARGEST, OPERATIONS, WRITES, Operation

# Of the API, not of relay: it rises with every change that a program could notice.
VERSION = "1.0"
# What any operation may be refused with; a write or a body may be refused with more.
ALWAYS = (401, 403, 404, 422, 429, 500, 503)
WITH_BODY = (400, 413, 415)
_ABOUT = """The same use cases as the console's, for programs. A token speaks for one organization; another's things
look like things that are not there. Lists go from the newest back and are paged by cursor. Errors are problem
details (RFC 9457). Send writes with an Idempotency-Key: the same request under the same key is done once."""


@cache
def document() -> dict[str, Any]:
    """The whole document."""
    from apispec import APISpec  # noqa: PLC0415 - for the one page that few ask for
    from apispec.ext.marshmallow import MarshmallowPlugin  # noqa: PLC0415

    spec = APISpec(
        title="relay",
        version=VERSION,
        openapi_version="3.1.0",
        info={"description": " ".join(_ABOUT.split()), "license": {"name": "MIT", "identifier": "MIT"}},
        plugins=[MarshmallowPlugin()],
        servers=[{"url": "/api/v1"}],
        security=[{"token": []}],
    )
    about = "; ".join(f"{scope}: {what}" for scope, what in schemas.SCOPES.items())
    scheme = {"type": "http", "scheme": "bearer", "description": f"A token of relay. Scopes: {about}."}
    spec.components.security_scheme("token", scheme)
    spec.components.schema("Problem", schema=schemas.Problem)
    for status in (*ALWAYS, *WITH_BODY, 409):
        spec.components.response(f"Problem{status}", _problem(status))
    for one in OPERATIONS:
        spec.path(path=one.path, operations={one.method: _operation(one)})
    told: dict[str, Any] = spec.to_dict()
    return told


def _problem(status: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "description": problems.TITLES[status],
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in (429, 503):
        seconds = {"schema": {"type": "integer"}, "description": "Seconds to wait."}
        told["headers"] = {"Retry-After": seconds}
    return told


def _operation(one: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": f"{one.text}\n\nScope: {one.scope}.".strip(),
        "parameters": list(_parameters(one)),
        "responses": {str(one.status): {"description": "Done", "content": _json(one.answer)}},
    }
    if one.body:
        told["requestBody"] = {"required": True, "content": _json(one.body)}
    refused = (*ALWAYS, *(WITH_BODY if one.body else ()), *((409,) if one.method in WRITES else ()))
    told["responses"] |= {str(status): f"Problem{status}" for status in refused}
    return told


def _parameters(one: Operation) -> list[Any]:
    found: list[Any] = []
    if "{number}" in one.path:
        number = {"type": "integer", "minimum": 1, "maximum": LARGEST}
        found.append({"in": "path", "name": "number", "required": True, "schema": number})
    if one.query:
        found.append({"in": "query", "schema": one.query})
    if one.method in WRITES:
        key = {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": f"^{SIGNS}+$"}
        found.append({"in": "header", "name": HEADER, "schema": key, "description": "Any text of yours, once a write."})
    return found


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
