"""The types of columns that hold donor data: sealed when written and opened when read, where there are keys.

A sealed value is another one each time it is written, so SQL can compare such a column with nothing but "". Whoever
must find rows by an address asks ``relay.ledger.donors``; names and words are found through ``relay.ledger.findable``.
"""

from __future__ import annotations

from typing import Any, TypeVar

import orjson
from sqlalchemy import JSON, Dialect, LargeBinary, Text, TypeDecorator
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeEngine

from relay.ledger.sealing import keyring_of

_T = TypeVar("_T")


class Sealed(TypeDecorator[_T]):
    """What the three have in common: how such a column is known."""

    __abstract__ = True
    cache_ok = True

    def coerce_compared_value(self, op: OperatorType | None, value: Any) -> TypeEngine[Any]:
        """Refuse what would never be found."""
        if value not in ("", None):
            raise TypeError("a sealed column is compared with nothing but an empty text: see relay.ledger.donors")
        compared: TypeEngine[Any] = super().coerce_compared_value(op, value)
        return compared


class SealedText(Sealed[str]):
    """A text; an empty one stays empty."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Seal it."""
        return value and keyring_of(dialect).written(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Open it. Raises KeyMissing."""
        return value and keyring_of(dialect).read(value)


class SealedBytes(Sealed[bytes]):
    """A body; an empty one stays empty."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Seal it."""
        keyring = keyring_of(dialect)
        if value and keyring.seals:
            return keyring.sealed(value).encode("ascii")
        return value and keyring.plain(value.decode("latin-1")).encode("latin-1")

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Open it. Raises KeyMissing."""
        if not value or not value.startswith(b"relay-"):
            return value
        keyring, stored = keyring_of(dialect), value.decode("latin-1")
        opened = keyring.opened(stored)
        return keyring.read(stored).encode("latin-1") if opened is None else opened


class SealedJSON(Sealed[Any]):
    """An object or a list, sealed into one text; an empty one stays as it is."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Seal it."""
        keyring = keyring_of(dialect)
        if isinstance(value, str):
            raise TypeError("a sealed column of JSON holds objects and lists")
        if not value or not keyring.seals:
            return value
        return keyring.sealed(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Open it. Raises KeyMissing."""
        if not isinstance(value, str):
            return value
        opened = keyring_of(dialect).opened(value)
        return value if opened is None else orjson.loads(opened)
