"""Names of what can be corrected: Luminate's own, or a person's words for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from relay import words
from relay.config.parameters import LOCKED as WHY_LOCKED
from relay.config.parameters import generic_name
from relay.config.problems import did_you_mean
from relay.errors import ReplayRefused
from relay.luminate.parameters import PARAMETERS
from relay.luminate.rules import is_locked

# "fund" is no parameter: it names another fund of the organization's table.
FUND = "fund"
# Short words left, what they surely mean right.
_SHORT: Mapping[str, str] = {
    "fund": FUND,
    "e mail": "donor.email",
    "email": "donor.email",
    "phone": "donor.phone",
    "first name": "donor.name.first",
    "last name": "donor.name.last",
    "form": "form_id",
    "level": "level_id",
    "amount": "other_amount",
}


def resolve(name: str) -> str:
    """Luminate's name of a parameter that may be corrected. Raises ReplayRefused, with the nearest name if any."""
    wanted = name.strip()
    found = wanted if _is_parameter(wanted) else _by_words().get(_plain(wanted))
    if found is None:
        hint = did_you_mean(wanted, [*open_names(), *_by_words()])
        raise ReplayRefused(f'"{wanted}" is not something that can be corrected{hint or _LIST}')
    if is_locked(found):
        why = WHY_LOCKED.get(found) or WHY_LOCKED.get(generic_name(found), "relay writes it itself")
        raise ReplayRefused(f"{words.parameter(found)} ({found}) cannot be corrected: {why}")
    return found


_LIST = "; docs/commands.md lists the names"


def _is_parameter(name: str) -> bool:
    return name == FUND or name in PARAMETERS or is_locked(name)


def open_names() -> list[str]:
    """Luminate's names of what may be corrected, in order."""
    return sorted(name for name in PARAMETERS if not is_locked(name))


@cache
def _by_words() -> dict[str, str]:
    """``donor e mail address`` -> ``donor.email``."""
    return {_plain(words.parameter(name)): name for name in sorted(PARAMETERS)} | dict(_SHORT)


def _plain(text: str) -> str:
    """Lower case, without "the", possessives and marks."""
    bare = text.lower().replace("'s", "")
    return " ".join(word for word in re.split(r"[^a-z0-9]+", bare) if word != "the").strip()
