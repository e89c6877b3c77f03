"""What is wrong, and where: marshmallow's messages as plain sentences with their place.

No sentence repeats a value, because a password pasted into the wrong place must not end up in a log. Keys,
variable names and words that relay itself knows may appear.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Path = tuple[str | int, ...]

MISSING = "is missing"
UNKNOWN = "Unknown field."
# marshmallow's words left, ours right; what is not listed was written by us.
_SENTENCES = {
    "Missing data for required field.": MISSING,
    "Field may not be null.": "must not be null",
    "Invalid input type.": "must be a table",
    "Not a valid list.": "must be a list",
    UNKNOWN: "is not known",
}
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake at one path inside an organization, the file, or the environment."""

    path: Path
    text: str

    def under(self, *prefix: str | int) -> Problem:
        """The same mistake, seen from further outside."""
        return Problem(prefix + self.path, self.text)


def sentence(place: str, text: str) -> str:
    """What ``ConfigurationError.problems`` holds: the place, then what is wrong there."""
    return f"{place}: {text}" + ("" if text.endswith(("?", ".")) else ".")


def flatten(messages: object, path: Path = ()) -> Iterator[Problem]:
    """Every message of a marshmallow error with the path that leads to it."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from flatten(inner, path if key == "_schema" else (*path, key))
    elif isinstance(messages, list):
        for text in messages:
            yield Problem(path, _SENTENCES.get(str(text), str(text)))


def dotted(path: Path) -> str:
    """A path as it is written in TOML: ``funds.WATER``, ``fields."donor.phone"``, ``amount_rules[1].minimum``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (step if _BARE_KEY.fullmatch(step) else f'"{step}"')
    return text


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean "x"?`` for a word close to a known one, else nothing."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return f'; did you mean "{by_lower[close[0]]}"?' if close else ""


def not_one_of(word: str, known: Iterable[str]) -> str:
    """The sentence for a word outside a short list."""
    known = tuple(known)
    return f"must be {listed(known)}{did_you_mean(word, known)}"


def listed(words: Iterable[str]) -> str:
    """``a, b or c``."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
