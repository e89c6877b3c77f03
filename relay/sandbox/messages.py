"""One HTTP request as it came in, one reply as it goes out, and the parameters of a call."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

FORM_TYPE = "application/x-www-form-urlencoded"
CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9_.:-]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Request:
    """A request that was read to its end. Header names are lower case."""

    verb: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    address: str


@dataclass(frozen=True)
class Reply:
    """A reply before it is written; `headers` are those beyond type and length."""

    status: int
    content_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def json_reply(value: Any, status: int = 200) -> Reply:
    return Reply(status, "application/json", json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def html_reply(text: str, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, "text/html;charset=UTF-8", text.encode("utf-8", "replace"), named)


def parameters(request: Request) -> dict[str, str]:
    """Query and form body together, as a servlet reads them: the first of a repeated name wins (M).

    A form body that does not state its charset is read as ISO-8859-1, the default of servlets (M): a client that
    forgets to state UTF-8 finds its names garbled here, as it might on a real site.
    """
    pairs = parse_qsl(request.query, keep_blank_values=True, errors="replace")
    declared = request.headers.get("content-type", "")
    if declared.split(";")[0].strip().lower() == FORM_TYPE:
        pairs += _form_pairs(request.body, declared)
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found


def _form_pairs(body: bytes, declared: str) -> list[tuple[str, str]]:
    stated = CHARSET.search(declared)
    charset = stated.group(1) if stated else "iso-8859-1"
    try:
        return parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding=charset, errors="replace")
    except LookupError:
        return parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="iso-8859-1")
