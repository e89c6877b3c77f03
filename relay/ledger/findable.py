"""The words an entry is found by, and the column that holds them.

Names and e-mail addresses are cut into words without accents or capitals, so that "nunez" finds "Núñez"; ids and
codes stay whole. A search word stands for the beginning of a word, a phrase for words in a row. PostgreSQL keeps them
as a ``tsvector`` under a GIN index, which every PostgreSQL has (``pg_trgm`` is an extension, which a platform may not
offer); SQLite keeps them as text and scans the narrow index over it. Both find the same.

Where the ledger is sealed (relay.ledger.sealing), a word of a name or address is kept as a blind token, and looked for
plain and under every key. Ids and codes stay plain: they stand in columns of their own beside it, and name nobody.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Dialect, Text, TypeDecorator, literal
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, TypeEngine

from relay.ledger.sealing import Keyring, keyring_of

# Longer and more than any name has: a bound on what a hostile sender can make the index hold.
_LONGEST, _MOST = 80, 24
# Letters that Unicode does not take apart into a plain one and a mark.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "\N{LATIN SMALL LETTER DOTLESS I}": "i"}
)
_RUN = re.compile(r"[^\W_]+")
# Marks a word of an e-mail address, and an id, which is found whole only.
_ADDRESS, _WHOLE = "@", "="


class Findable(TypeDecorator[tuple[str, ...]]):
    """Words in their order, each with its place."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """A tsvector where there is one."""
        return dialect.type_descriptor(TSVECTOR() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str:
        """As the database writes it down."""
        keyring = keyring_of(dialect)
        return stored((word if word.startswith(_WHOLE) else keyring.word(word) for word in value or ()), dialect.name)


def stored(words: Iterable[str], dialect: str) -> str:
    """Words as one text of this database."""
    if dialect != "postgresql":
        return f" {' '.join(words)} "
    return " ".join(f"{_lexeme(word)}:{place}" for place, word in enumerate(words, 1))


def words_of(*, name: str, email: str, codes: Iterable[str]) -> tuple[str, ...]:
    """Everything an entry is found by."""
    kept = [whole(code) for code in codes if code.strip()]
    return (*cut(name), *address_words(email), *kept)


def cut(text: str) -> list[str]:
    """The words of a text, without accents or capitals."""
    return [word[:_LONGEST] for word in _RUN.findall(_plain(text))][:_MOST]


def address_words(text: str) -> list[str]:
    """The words of an e-mail address, marked as such."""
    return [_ADDRESS + word for word in cut(text)]


def whole(code: str) -> str:
    """An id or code as one word."""
    return _WHOLE + "_".join(_plain(code).split())[:_LONGEST]


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text).casefold()
    letters = "".join(sign for sign in apart if not unicodedata.combining(sign))
    return "".join(letters.translate(_PLAIN).split("\x00"))


# --- asking -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Phrase:
    """Words in a row; of the last one its beginning, or an id alone."""

    words: tuple[str, ...]
    is_whole: bool = False

    def spellings(self, keyring: Keyring) -> list[list[str]]:
        """In every way they may be stored."""
        return [list(self.words)] if self.is_whole else keyring.searched(self.words)


class _Asked(TypeDecorator[_Phrase]):
    """A phrase as each of the two databases is asked for it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: _Phrase | None, dialect: Dialect) -> str:
        """A tsquery, or a list of patterns."""
        if value is None:
            raise TypeError("nothing was asked for")
        spellings = value.spellings(keyring_of(dialect))
        if dialect.name == "postgresql":
            end = "" if value.is_whole else ":*"
            return " | ".join(f"({' <-> '.join(map(_lexeme, words))}{end})" for words in spellings)
        end = " %" if value.is_whole else "%"
        return orjson.dumps([f"% {_escaped(' '.join(words))}{end}" for words in spellings]).decode()


def begins(column: ColumnElement[Any], words: list[str]) -> ColumnElement[bool]:
    """These words stand in a row, and the last may go on (where they are sealed, after three letters)."""
    return _stands(column, literal(_Phrase(tuple(words)), _Asked()))


def names(column: ColumnElement[Any], code: str) -> ColumnElement[bool]:
    """It has this id or code."""
    return _stands(column, literal(_Phrase((whole(code),), is_whole=True), _Asked()))


class _stands(FunctionElement[bool]):  # noqa: N801  # a function of SQL
    """The column has these words: asked in two ways, one for each database."""

    inherit_cache = True
    type = Boolean()


@compiles(_stands)
def _as_patterns(element: _stands, compiler: SQLCompiler, **options: Any) -> str:
    column, asked = (compiler.process(part, **options) for part in element.clauses)
    spellings = range(1 + len(keyring_of(compiler.dialect).marks))
    likes = (f"{column} LIKE json_extract({asked}, '$[{number}]') ESCAPE '\\'" for number in spellings)
    return f"({' OR '.join(likes)})"


@compiles(_stands, "postgresql")
def _as_query(element: _stands, compiler: SQLCompiler, **options: Any) -> str:
    column, asked = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} @@ CAST({asked} AS tsquery)"


def _lexeme(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _escaped(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)
