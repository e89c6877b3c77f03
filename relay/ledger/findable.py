"""The words an entry is found by, and the column that holds them.

Names and e-mail addresses are cut into words without accents or capitals, so that "nunez" finds "Núñez"; ids and
codes stay whole. A search word stands for the beginning of a word, a phrase for words in a row. PostgreSQL keeps them
as a ``tsvector`` under a GIN index, which every PostgreSQL has (``pg_trgm`` is an extension, which a platform may not
offer); SQLite keeps them as text and scans the narrow index over it. Both find the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Text, TypeDecorator, literal
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, TypeEngine

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
        return stored(value or (), dialect.name)


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


def begins(column: ColumnElement[Any], words: list[str]) -> ColumnElement[bool]:
    """These words stand in a row, and the last may go on."""
    query = " <-> ".join(_lexeme(word) for word in words) + ":*"
    return _stands(column, literal(query), literal(f"% {_escaped(' '.join(words))}%"))


def names(column: ColumnElement[Any], code: str) -> ColumnElement[bool]:
    """It has this id or code."""
    word = whole(code)
    return _stands(column, literal(_lexeme(word)), literal(f"% {_escaped(word)} %"))


class _stands(FunctionElement[bool]):  # noqa: N801  # a function of SQL
    """The column has these words: asked in two ways, one for each database."""

    inherit_cache = True
    type = Boolean()


@compiles(_stands)
def _as_pattern(element: _stands, compiler: SQLCompiler, **options: Any) -> str:
    column, _query, pattern = element.clauses
    return f"{compiler.process(column, **options)} LIKE {compiler.process(pattern, **options)} ESCAPE '\\'"


@compiles(_stands, "postgresql")
def _as_query(element: _stands, compiler: SQLCompiler, **options: Any) -> str:
    column, query, _pattern = element.clauses
    return f"{compiler.process(column, **options)} @@ CAST({compiler.process(query, **options)} AS tsquery)"


def _lexeme(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _escaped(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)
