"""Cursors: where a list goes on. Lists go from the newest back, by number, so what comes in moves nothing."""

from __future__ import annotations

import base64
import binascii
import hashlib

import orjson

from relay.web.api.problems import Refusal

# Larger than any number of a row.
BEGINNING = 2**62


def made(listing: str, after: int, query: str = "") -> str:
    """The cursor behind the row with this number; it is good for the same list and question only."""
    raw = orjson.dumps([listing, _mark(query), after])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read(listing: str, cursor: str, query: str = "") -> int:
    """Where to go on. Raises Refusal for anything that was not made for this list and question."""
    if not cursor:
        return BEGINNING
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = orjson.loads(raw)
        name, mark, after = found if isinstance(found, list) and len(found) == 3 else (None, None, None)
    except (binascii.Error, ValueError):
        name = mark = after = None
    if (name, mark) != (listing, _mark(query)) or type(after) is not int or not 0 <= after <= BEGINNING:
        text = "is not one that this list gave for this question; leave it out to begin anew"
        raise Refusal(422, "The cursor cannot be used here.", kind="cursor", wrong=[("cursor", text)])
    return after


def _mark(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()[:12]
