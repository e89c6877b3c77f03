"""One key of RELAY_ENCRYPTION_KEYS: what it seals and opens, and what is derived from it.

`sealing` loads this where there is a key: whoever has none need not carry the 7 MB of cryptography.
"""

from __future__ import annotations

import base64
import hmac

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

# How many letters a search needs, and how many bytes of a digest stand for them and for each further letter.
_LETTERS, _FIRST, _FURTHER = 3, 6, 3
# Marks a blind word: no plain one begins so (relay.ledger.findable).
BLIND = "~"


class SealingKey:
    """A Fernet key."""

    def __init__(self, key: str) -> None:
        """Take it as it stands in the list."""
        secret = base64.urlsafe_b64decode(key)
        self._fernet = Fernet(key)
        self.mark = _derived(secret, b"relay mark of the key", 4).hex()
        self._blind = _derived(secret, b"relay blind index", 32)

    def sealed(self, value: bytes) -> str:
        """A Fernet token."""
        return self._fernet.encrypt(value).decode("ascii")

    def opened(self, token: str) -> bytes | None:
        """What was sealed; None for what this key never sealed, or what was changed since."""
        try:
            return self._fernet.decrypt(token)
        except InvalidToken:
            return None

    def donor(self, email: str) -> str:
        """What stands for a donor's address."""
        return self._digest(f"donor:{email}").hex()

    def word(self, word: str) -> str:
        """The token of a word that may carry a mark of its own before its letters."""
        start = len(word) - len(word.lstrip("@")) + _LETTERS
        ends = range(start + 1, len(word) + 1)
        further = (self._digest(f"word:{word[:end]}")[:_FURTHER].hex() for end in ends)
        return f"{BLIND}{self._digest(f'word:{word[:start]}')[:_FIRST].hex()}{''.join(further)}"

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._blind, text.encode("utf-8", "replace"), "sha256")


def _derived(secret: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=purpose).derive(secret)
