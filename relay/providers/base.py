"""What a provider is to relay: two functions, ``verify`` and ``parse``, under one name.

The HTTP contract around them is ``relay/inbound/intake.py``. Raw bytes are verified before anything reads them::

    verify(delivery, settings, now)  -> which secret matched (its place in the list); raises BadSignature, or
                                        ProofPending where the proof must be fetched first
    parse(delivery, settings)        -> Parsed; raises Unreadable (400) or NotUnderstood (stored, 200)

``parse`` must also work long after the delivery, on the stored bytes: it never looks at a clock or a network.
What only some providers need has a default: ``split`` (several events in one body), ``scrub`` (a secret inside the
body), ``answer`` (the words it wants to hear), ``challenge`` (a GET that checks the endpoint), ``fetch`` (the event
only names an object; a worker asks the provider's API for it, never the front door).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from relay.config import ProviderSettings
from relay.errors import NotUnderstood, Unreadable
from relay.gifts import Fact, Flag
from relay.providers import letters
from relay.providers.calling import Caller

# Deeper than any provider nests (Stripe: 9), far from what breaks a JSON writer.
MAX_DEPTH = 40
# Longer than any provider's id, short enough for an index.
MAX_ID = 255


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook as received: raw body and headers (names in lower case).

    ``token`` is what follows the provider in the path (a secret path), ``address`` who sent it.
    """

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    token: str = field(default="", repr=False)
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What an event says. No facts: it is kept and counted, and makes no entry; ``note`` says why.

    ``delivery_key`` answers "seen it" (the same event again), the keys inside the facts answer "booked it".
    A blank one says that no two deliveries are the same event ("something changed, look again").
    ``live`` None: the event does not tell test from live. ``wanted`` names the object the provider's API must be
    asked for before the event means anything; its provider then has a ``fetch``.
    """

    event_id: str
    type: str
    delivery_key: str
    live: bool | None = None
    occurred_at: datetime | None = None
    facts: tuple[Fact, ...] = ()
    note: str = ""
    wanted: str = ""


Verify = Callable[[Delivery, ProviderSettings, datetime], int]
Parse = Callable[[Delivery, ProviderSettings], Parsed]
# What a worker does for an event that waits: verify what could not be verified, ask the API, and say what it means.
# Raises FetchFailed (try again, or not), BadSignature, NotUnderstood.
Fetch = Callable[[Delivery, ProviderSettings, Caller, datetime], Parsed]


@dataclass(frozen=True, slots=True)
class Provider:
    """A payment company that sends webhooks."""

    name: str
    verify: Verify
    parse: Parse
    # The single events inside a body, each as a delivery of its own, stored and judged apart.
    split: Callable[[Delivery], Sequence[Delivery]] | None = None
    # The body as it may be stored, where a secret travels inside it.
    scrub: Callable[[bytes], bytes] | None = None
    # The plain text it wants to hear instead of our JSON.
    answer: str = ""
    # The answer to its GET that checks the endpoint; raises BadSignature for a query that is not its own.
    challenge: Callable[[Mapping[str, str], ProviderSettings], str] | None = None
    fetch: Fetch | None = None
    # Headers that ``parse`` or ``fetch`` need again later, beside those that are always kept.
    kept_headers: tuple[str, ...] = ()


@contextmanager
def understood_as(about: Parsed) -> Iterator[None]:
    """Let a NotUnderstood from the block carry what could be read all the same: id, type, mode."""
    try:
        yield
    except NotUnderstood as error:
        error.about = about
        raise


def read_json(body: bytes) -> dict[str, Any]:
    """The JSON object in the body, in whole letters and without NUL characters (PostgreSQL keeps none of the others).

    Raises Unreadable when it is not a JSON object, NotUnderstood when it nests deeper than MAX_DEPTH.
    """
    try:
        value, body = letters.read(body)
    except orjson.JSONDecodeError:
        raise Unreadable("the body is not JSON") from None
    if not isinstance(value, dict):
        raise Unreadable("the body is not a JSON object")
    if depth(value) > MAX_DEPTH:
        raise NotUnderstood(f"the body nests deeper than {MAX_DEPTH} levels")
    return letters.without_nul(value) if b"\\u0000" in body else value


def depth(value: object) -> int:
    """How deep lists and objects nest, counted without recursion."""
    level, layer = 0, [value]
    while layer:
        layer = [
            child
            for parent in layer
            for child in (parent.values() if isinstance(parent, dict) else parent if isinstance(parent, list) else ())
        ]
        level += 1
    return level - 1


def text(value: object) -> str:
    """A text the provider sent, trimmed; anything that is not a text or a plain integer is blank."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if type(value) is int else ""


def dig(value: object, *path: str | int) -> Any:
    """Follow keys and places through nested objects and lists; None where the way ends."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def stranger(kind: str, families: tuple[str, ...], parents: tuple[str, ...] = ()) -> tuple[Fact, ...]:
    """A flag for a type of event that relay does not know, of a family that moves money; nothing for any other."""
    if not kind.startswith(families):
        return ()
    sentence = f"'{kind[:80]}' is new to relay and may be about money: look at it where it comes from."
    return (Flag(text=sentence, parent_keys=parents),)


def moment(unix_seconds: object) -> datetime | None:
    """Aware UTC from unix seconds; None for anything that is not a sane whole number."""
    if type(unix_seconds) is not int or not 0 < unix_seconds < 2**33:
        return None
    return datetime.fromtimestamp(unix_seconds, UTC)


def present(*values: object) -> tuple[str, ...]:
    """The values that are non-empty texts, in order, each once: ids for ``keys``."""
    return tuple(dict.fromkeys(found for value in values if (found := text(value))))


def first(values: Sequence[Any]) -> Any:
    """The first value that is not empty, else None."""
    return next((value for value in values if value), None)


def ident(value: object) -> str:
    """The id of something: the id itself, or of the object where a provider has expanded it; "" if it is none."""
    found = text(value.get("id") if isinstance(value, dict) else value)
    return found if len(found) <= MAX_ID else ""


def delivery_key(body: bytes, *parts: str) -> str:
    """What makes this event one of a kind: its id and whatever else is needed, else a hash of its body.

    The first part is the provider's event id; without one (Stripe's invoice.upcoming) the body speaks for itself.
    """
    key = ":".join(part for part in parts if part)
    if parts and parts[0] and len(key) <= MAX_ID:
        return key
    return "sha256:" + hashlib.sha256(key.encode() if parts and parts[0] else body).hexdigest()
