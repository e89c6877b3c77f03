"""Sealing: how donor data is written down where RELAY_ENCRYPTION_KEYS is set, and read again.

A sealed value says so, and with which key: ``relay-sealed:<mark of the key>:<Fernet token>``. The first key of the
list seals, every key of the list opens, and what was written plain is read as it stands; so keys are set, changed and
given up beside running processes. A list that begins with ``open`` writes plain and reads all.

What must be found without being opened has a blind value beside it: an HMAC under a key derived from the same secret.
A word of a name becomes a token for its first three letters, followed by one for each further letter, so that the
token of "mar" is the beginning of that of "mary", and an index finds both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Dialect

from relay.errors import KeyMissing

if TYPE_CHECKING:
    from relay.ledger.sealing_key import SealingKey

# In the place of a first key: write plain.
OPEN = "open"
# What a sealed value begins with; what stands before a plain one that begins like either.
SEALED, PLAIN = "relay-sealed:", "relay-plain:"
_SHAPE = re.compile(SEALED + r"([0-9a-f]{8}):([A-Za-z0-9_-]{98,}={0,2})")


def _key(key: str) -> SealingKey:
    from relay.ledger.sealing_key import SealingKey  # noqa: PLC0415 - whoever has no key need not carry cryptography

    return SealingKey(key)


class Keyring:
    """The keys of one ledger, newest first. Without any it writes plain, as relay does where none is set."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        """``keys``: Fernet keys, newest first; ``open`` in the first place writes plain."""
        told = list(keys)
        self._keys = [_key(key) for key in told if key != OPEN]
        self.seals = bool(self._keys) and told[0] != OPEN

    @property
    def marks(self) -> tuple[str, ...]:
        """The mark of each key, newest first. Marks are no secrets."""
        return tuple(key.mark for key in self._keys)

    @property
    def beginnings(self) -> tuple[str, ...]:
        """What a value sealed with each key begins with, newest first."""
        return tuple(f"{SEALED}{mark}:" for mark in self.marks)

    # --- values -----------------------------------------------------------------------------------------------

    def written(self, value: str) -> str:
        """A text as it is stored. Emptiness is no secret: an empty one stays empty."""
        if value and self.seals:
            return self.sealed(value.encode())
        return self.plain(value)

    @staticmethod
    def plain(value: str) -> str:
        """A text as it is stored where nothing is sealed: one that looks sealed, or escaped, is escaped."""
        return f"{PLAIN}{value}" if value.startswith((SEALED, PLAIN)) else value

    def read(self, stored: str) -> str:
        """The text that ``written`` stored, now or before there were keys. Raises KeyMissing."""
        if stored.startswith(PLAIN):
            return stored.removeprefix(PLAIN)
        opened = self.opened(stored)
        return stored if opened is None else opened.decode()

    def sealed(self, value: bytes) -> str:
        """Sealed with the newest key."""
        if not self._keys:
            raise ValueError("nothing can be sealed without a key")
        newest = self._keys[0]
        return f"{SEALED}{newest.mark}:{newest.sealed(value)}"

    def opened(self, stored: str) -> bytes | None:
        """What was sealed; None for a value that never was. Raises KeyMissing."""
        shape = _SHAPE.fullmatch(stored) if stored.startswith(SEALED) else None
        if shape is None:
            return None
        mark, token = shape.groups()
        marked = [key for key in self._keys if key.mark == mark]
        if not marked:
            raise KeyMissing(f"RELAY_ENCRYPTION_KEYS lacks a key (its mark is {mark}) with which the ledger was sealed")
        opened = next((found for key in marked if (found := key.opened(token)) is not None), None)
        if opened is None:
            text = f"a value of the ledger was changed or cut off: key {mark} of RELAY_ENCRYPTION_KEYS does not open it"
            raise KeyMissing(text)
        return opened

    # --- blind values -----------------------------------------------------------------------------------------

    def donor_key(self, email: str) -> str:
        """What two entries of one donor have in common although their address is sealed; "" where it is plain."""
        return self._keys[0].donor(email) if email and self.seals else ""

    def donor_keys(self, email: str) -> list[str]:
        """What an entry of this donor may bear, under each key of the list."""
        return [key.donor(email) for key in self._keys] if email else []

    def word(self, word: str) -> str:
        """A word as it is stored to be found by."""
        return self._keys[0].word(word) if self.seals else word

    def searched(self, words: Sequence[str]) -> list[list[str]]:
        """Words in every way they may be stored: plain, and under each key."""
        return [list(words), *([key.word(word) for word in words] for key in self._keys)]


_NONE = Keyring()


def attach(dialect: Dialect, keyring: Keyring) -> None:
    """Give an engine its keys; each engine has a dialect of its own."""
    dialect.relay_keyring = keyring  # type: ignore[attr-defined]  # a name of our own on SQLAlchemy's object


def keyring_of(dialect: Dialect) -> Keyring:
    """The keys of whoever binds or reads a value."""
    found: Keyring = getattr(dialect, "relay_keyring", _NONE)
    return found
