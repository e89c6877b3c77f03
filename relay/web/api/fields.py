"""The kinds of value that the API takes: stricter than marshmallow's own, so that nothing is guessed."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

LONGEST_TEXT = 2000
MOST_ON_A_PAGE = 200
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


class Strict(Schema):
    """Refuses what it does not know."""

    class Meta:
        """Unknown fields are mistakes."""

        unknown = RAISE


class Words(fields.String):
    """A text without control characters; line breaks and tabs may stand in it only where ``lines``."""

    def __init__(self, *, longest: int = LONGEST_TEXT, least: int = 0, **kwargs: Any) -> None:
        """``least`` and ``longest`` count characters."""
        super().__init__(validate=validate.Length(least, longest), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        text = str(super()._deserialize(value, attr, data, **kwargs))
        if any(ord(sign) < 32 or 0xD800 <= ord(sign) < 0xE000 for sign in text):
            raise ValidationError("must not hold control characters or line breaks")
        return text


class Reason(Words):
    """Why: kept with the token's name."""

    def __init__(self) -> None:
        """A few words at least."""
        about = {"description": "Why, in your own words. Kept for ever, beside the name of the token."}
        super().__init__(required=True, least=1, longest=500, metadata=about)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        if not text:
            raise ValidationError("must not be blank")
        return text


class Whole(fields.Integer):
    """A whole number of JSON: 5, not "5" and not 5.0."""

    def __init__(self, *, least: int, most: int = 2**62, **kwargs: Any) -> None:
        """From ``least`` to ``most``."""
        super().__init__(strict=True, validate=validate.Range(least, most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid")
        return int(super()._deserialize(value, attr, data, **kwargs))


class Digits(fields.Integer):
    """A whole number in a query."""

    def __init__(self, *, least: int, most: int, **kwargs: Any) -> None:
        """From ``least`` to ``most``."""
        super().__init__(validate=validate.Range(least, most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not _NUMBER.fullmatch(value):
            raise self.make_error("invalid")
        return int(super()._deserialize(value, attr, data, **kwargs))


class YesNo(fields.Boolean):
    """True or false of JSON, and nothing that looks like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:  # noqa: ARG002
        if type(value) is not bool:
            raise self.make_error("invalid", input=value)
        return value


class Page(Strict):
    """Where a list goes on, and how much of it is wanted."""

    cursor = Words(
        load_default="", longest=300, metadata={"description": "The `next` of the page before; left out for the first."}
    )
    limit = Digits(
        least=1, most=MOST_ON_A_PAGE, load_default=50, metadata={"description": "How many at most; 50 unless told."}
    )
