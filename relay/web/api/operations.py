"""One declaration for each operation of the API: what it takes, what it gives, who may. It is checked and documented.

``@operation`` wraps a function in everything that every request goes through, in this order: token, pace and scope;
the query; the body; the idempotency key of a write. The document is made from the same declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import orjson
from flask import Blueprint, Response, request
from marshmallow import Schema, ValidationError

from relay.access import Actor, Permission
from relay.bootstrap import Relay
from relay.config.problems import flatten
from relay.ledger.tokens import Token
from relay.web.api import door, problems
from relay.web.api.once import once
from relay.web.api.problems import Refusal

api = Blueprint("api", __name__, url_prefix="/api/v1")

# The largest number of a row: what is larger is nobody's.
LARGEST = 2**63 - 1
WRITES = frozenset({"post", "put"})


@dataclass(frozen=True, slots=True)
class Call:
    """One request that may be answered: who asks, for which organization, and what was asked, checked."""

    token: Token
    actor: Actor
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def organization(self) -> str:
        """The one organization of the token."""
        return self.token.organization

    @property
    def relay(self) -> Relay:
        """The wired relay."""
        return door.parts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What the document tells of an operation."""

    method: str
    path: str
    name: str
    summary: str
    text: str
    scope: Permission
    answer: type[Schema]
    query: type[Schema] | None
    body: type[Schema] | None
    status: int


OPERATIONS: list[Operation] = []


def operation(
    method: str,
    path: str,
    *,
    answer: type[Schema],
    scope: Permission = Permission.READ,
    query: type[Schema] | None = None,
    body: type[Schema] | None = None,
    status: int = 200,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a function an operation of the API. It takes a Call and the numbers of the path, and gives what to tell."""

    def made(function: Callable[..., Any]) -> Callable[..., Any]:
        summary, _, text = (function.__doc__ or "").strip().partition("\n")
        OPERATIONS.append(
            Operation(
                method=method, path=path, name=function.__name__, summary=summary.rstrip("."), text=text.strip(),
                scope=scope, answer=answer, query=query, body=body, status=status,
            )
        )  # fmt: skip

        @wraps(function)
        def view(**numbers: int) -> Response:
            return _answered(OPERATIONS[place], function, numbers)

        place = len(OPERATIONS) - 1
        rule = path.replace("{number}", "<int:number>")
        api.add_url_rule(rule, function.__name__, view, methods=[method.upper()], provide_automatic_options=False)
        return function

    return made


def _answered(asked: Operation, function: Callable[..., Any], numbers: Mapping[str, int]) -> Response:
    token, actor = door.enter(asked.scope)
    if any(number > LARGEST for number in numbers.values()):
        raise problems.missing("row with this number")
    query = _checked(asked.query, _query()) if asked.query or request.args else {}
    body = _checked(asked.body, _body()) if asked.body else {}

    def work() -> Response:
        told = function(Call(token, actor, query, body), **numbers)
        return Response(_json(asked.answer().dump(told)), asked.status, content_type="application/json")

    return once(token, work) if asked.method in WRITES else work()


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


def _query() -> dict[str, Any]:
    several = [name for name, values in request.args.lists() if len(values) > 1]
    if several:
        raise Refusal(422, "A parameter stands twice.", wrong=[(name, "may stand once") for name in several])
    return request.args.to_dict()


def _body() -> Any:
    if request.mimetype != "application/json":
        raise Refusal(415, "Send the body as application/json.")
    try:
        return orjson.loads(request.get_data())
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"The body is not JSON: {error.msg}, at character {error.pos}.") from error


def _checked(schema: type[Schema] | None, data: Any) -> dict[str, Any]:
    """What a schema makes of what was sent. Raises Refusal with everything that is wrong."""
    try:
        loaded: dict[str, Any] = (schema or Schema)().load(data)
    except ValidationError as error:
        found = flatten(error.messages)
        wrong = [(".".join(map(str, one.path)) or "body", one.text) for one in found]
        raise Refusal(422, "What was sent does not fit; errors says where.", kind="invalid", wrong=wrong) from error
    return loaded
