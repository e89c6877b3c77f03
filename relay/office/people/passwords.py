"""Passwords: argon2id, a floor for their length, and made-up ones that can be read out on the telephone."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from relay.errors import PersonRefused

LEAST, MOST = 12, 200
# OWASP's first choice for argon2id: 19 MiB each, so that sixteen people who sign in at once fit on a small machine.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Nobody's: what is compared where there is nobody, so that the answer takes as long.
_NOBODY = _HASHER.hash(secrets.token_urlsafe(32))
# Without signs that look alike.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def hashed(password: str, *about: str) -> str:
    """What is kept of a new password. ``about``: what it must not be made of. Raises PersonRefused."""
    low = password.lower()
    if not LEAST <= len(password) <= MOST:
        raise PersonRefused(f"A password has {LEAST} to {MOST} characters; a few words in a row are a good one")
    if len(set(low)) < 5 or any(len(word) > 3 and low.strip("0123456789!.? ") == word.lower() for word in about):
        raise PersonRefused("This password is too easy to guess; a few words in a row are a good one")
    return _HASHER.hash(password)


def is_right(kept: str, password: str) -> bool:
    """Whether this is the password. Takes as long where nothing is kept."""
    try:
        # A longer one was never taken, and is not worth the work.
        _HASHER.verify(kept or _NOBODY, password[: MOST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return bool(kept)


def is_outdated(kept: str) -> bool:
    """Whether it was made with weaker settings than today's."""
    return _HASHER.check_needs_rehash(kept)


def made_up() -> str:
    """A password of 79 bits: ``kx7m-2pqa-wd9f-hn3t``."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
