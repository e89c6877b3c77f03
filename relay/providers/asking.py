"""What all providers have in common whose API must be asked: which address, and how an answer is read.

Numbers with a point become the very text that was sent ("45.00"), so that money is exact and a source stays JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from relay.config import ProviderSettings
from relay.errors import FetchFailed, NotUnderstood
from relay.providers import letters
from relay.providers.base import MAX_DEPTH, Parsed, depth, ident
from relay.providers.calling import Reply

LIVE, SANDBOX = "live", "sandbox"
# What may stand in the path of an address: no slash, no dot, no question mark. Every provider's ids fit.
_PATH_ID = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)


def environment(settings: ProviderSettings | None) -> str:
    """``live`` or ``sandbox``, by the option of that name."""
    return (settings.options.get("environment", "") if settings else "").strip() or LIVE


def address(settings: ProviderSettings, addresses: Mapping[str, str]) -> str:
    """The base of the API's addresses: the option ``api_url``, else the environment's own."""
    return (settings.options.get("api_url", "").strip() or addresses[environment(settings)]).rstrip("/")


def path_id(value: object, what: str) -> str:
    """An id that may be put into an address. Raises NotUnderstood for anything else."""
    found = ident(value)
    if not _PATH_ID.fullmatch(found):
        raise NotUnderstood(f"the event names no {what} that could be asked for")
    return found


def completed(about: Parsed, **told: Any) -> Parsed:
    """What the API made of an event that only named an object."""
    fields = {name: getattr(about, name) for name in Parsed.__dataclass_fields__}
    return Parsed(**fields | {"wanted": ""} | told)


def read_answer(reply: Reply) -> dict[str, Any]:
    """The JSON object of an answer, perhaps behind a byte order mark.

    Raises FetchFailed (a proxy's page may be gone next time) or NotUnderstood (nests too deep).
    """
    try:
        found = json.loads(letters.mended(reply.body), parse_float=str, parse_constant=_not_json)
    except (ValueError, RecursionError):
        raise FetchFailed("the provider's API answered with something else than JSON", again=True) from None
    if not isinstance(found, dict):
        raise FetchFailed("the provider's API answered with something else than a JSON object", again=True)
    if depth(found) > MAX_DEPTH:
        raise NotUnderstood(f"the answer of the provider's API nests deeper than {MAX_DEPTH} levels")
    answer: dict[str, Any] = letters.without_nul(found)
    return answer


def _not_json(word: str) -> NoReturn:
    raise ValueError(word)
