"""One string into the parts of a name, with no word lost.

nameparser guesses well and drops what it does not place (nicknames, emoji) or misplaces ("Foundation, Inc." as a
title). So a guess counts only if its parts hold exactly the words that went in and both a first and a last name came
out; otherwise everything but the last word is the first name. An organization is not guessed at.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from nameparser import Parser, Policy

from relay.gifts import Name

# Words that say "this is not one person": "The Smith Family Foundation" has no middle name.
_ORGANIZATION = frozenset(
    {
        "academy", "agency", "association", "bank", "charity", "church", "club", "college", "committee",
        "company", "consulting", "cooperative", "corp", "corporation", "council", "estate", "foundation",
        "fund", "gmbh", "group", "holdings", "inc", "incorporated", "institute", "llc", "llp", "lp", "ltd",
        "limited", "ministries", "ministry", "mosque", "parish", "partners", "partnership", "plc", "school",
        "services", "society", "studio", "synagogue", "temple", "trust", "trustees", "union", "university",
        "ventures",
    }
)  # fmt: skip
# Without delimiters nothing becomes a nickname or a maiden name, two fields that Luminate does not have here.
_PARSER = Parser(
    policy=Policy(nickname_delimiters=frozenset(), maiden_delimiters=frozenset(), strip_emoji=False, strip_bidi=False)
)
_SEPARATORS = re.compile(r"[\s,;]+")
# "John Smith (in memory of Ann)": the aside goes into the middle name, so that Smith stays the last.
_ASIDE = re.compile(r"\([^()]*\)")


def split_name(name: Name) -> Name:
    """The name with its parts filled from ``full`` where the provider gave only that.

    A single word becomes the last name; the first name is then missing, and a person is asked.
    """
    if not name.full or name.first or name.last:
        return name
    own = {part: getattr(name, part) for part in ("title", "middle", "suffix") if getattr(name, part)}
    parts = _plainly(name.full) if own else _guessed(name.full) or _plainly(name.full)
    return replace(parts, prof_suffix=name.prof_suffix, **own)


def words(text: str) -> Counter[str]:
    """The words of a text, without the commas between them."""
    return Counter(filter(None, _SEPARATORS.split(text)))


def _guessed(full: str) -> Name | None:
    """What nameparser makes of it, or None where it cannot be trusted."""
    if {word.strip(".").casefold() for word in words(full)} & _ORGANIZATION:
        return None
    found = _PARSER.parse(_ASIDE.sub(" ", full))
    middle = " ".join(filter(None, (found.middle, *_ASIDE.findall(full))))
    parts = Name(title=found.title, first=found.given, middle=middle, last=found.family, suffix=found.suffix)
    kept = words(f"{parts.title} {parts.first} {parts.middle} {parts.last} {parts.suffix}")
    return parts if parts.first and parts.last and kept == words(full) else None


def _plainly(full: str) -> Name:
    """Everything but the last word is the first name."""
    first, _, last = " ".join(full.split()).rpartition(" ")
    return Name(first=first, last=last)
