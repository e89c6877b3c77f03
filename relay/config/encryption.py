"""RELAY_ENCRYPTION_KEYS: the Fernet keys that donor data is sealed with, newest first."""

from __future__ import annotations

import base64
import re

# In the first place: what is sealed is read, and nothing is sealed any more.
OPEN = "open"
_ALPHABET = re.compile(r"[A-Za-z0-9_-]+={0,2}", re.ASCII)
MAKE = "make one with: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"


def listed_keys(text: str) -> tuple[str, ...]:
    """The keys as they stand, separated by commas or blanks."""
    return tuple(text.replace(",", " ").split())


def wrong_keys(text: str) -> str:
    """What is wrong with the first key that is; no sentence repeats any of it."""
    words = listed_keys(text)
    keys = words[1:] if words[:1] == (OPEN,) else words
    if not keys:
        return f"has no key behind `{OPEN}`; where nothing is sealed any more, leave it away"
    seen: list[bytes] = []
    for number, word in enumerate(keys, 1):
        if word == OPEN:
            return f"has `{OPEN}` between its keys; it may only stand before all of them"
        if wrong := _wrong_key(word):
            return f"key {number} {wrong}"
        if (secret := base64.urlsafe_b64decode(word)) in seen:
            return f"key {number} is key {seen.index(secret) + 1} once more"
        seen.append(secret)
    return ""


def _wrong_key(word: str) -> str:
    if not _ALPHABET.fullmatch(word):
        return f"is not URL-safe base64; {MAKE}"
    if len(word) != 44 or not word.endswith("="):
        return f"must be 32 bytes, which is 44 letters with the = at the end; {MAKE}"
    return ""
