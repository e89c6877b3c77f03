"""The kinds of value a configuration has, as strict marshmallow fields.

Stricter than marshmallow's own: 5.7 is no whole number, "on" is no boolean, bytes are no text. A text that
holds the value is taken too, because variables and ``${NAME}`` are always texts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from marshmallow import Schema, ValidationError, fields

from relay.config.problems import UNKNOWN, did_you_mean, not_one_of

T = TypeVar("T")
Data = Mapping[str, Any] | None
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
_DECIMAL = re.compile(r"\d{1,9}(\.\d{1,6})?", re.ASCII)


class StrictSchema(Schema):
    """Refuses every key it does not know, and says which one may be meant."""

    def handle_error(self, error: ValidationError, data: Any, *, many: bool, **kwargs: Any) -> None:  # noqa: ARG002
        """Turn marshmallow's "Unknown field." into a hint."""
        known = [field.data_key or name for name, field in self.load_fields.items()]
        for key, messages in error.messages_dict.items():
            if messages == [UNKNOWN]:
                error.messages_dict[key] = ["is not known" + did_you_mean(str(key), known)]


class Text(fields.Field[str]):
    """A text, trimmed. ``check`` says what is wrong with it ("": nothing) or is None."""

    def __init__(self, *, blank: bool = True, check: Callable[[str], str] | None = None, **kwargs: Any) -> None:
        """With ``blank`` false an empty text is refused."""
        super().__init__(**kwargs)
        self.blank, self.check = blank, check

    def _deserialize(self, value: Any, attr: str | None, data: Data, **kwargs: Any) -> str:  # noqa: ARG002
        if not isinstance(value, str):
            raise ValidationError("must be a text in quotes")
        text = self._trimmed(value)
        if not text and not self.blank:
            raise ValidationError("must not be empty")
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
            raise ValidationError("must not contain control characters or line breaks")
        if self.check and (wrong := self.check(text)):
            raise ValidationError(wrong)
        return text

    def _trimmed(self, value: str) -> str:
        return value.strip()


class Password(Text):
    """A password: taken as it is, so blanks around it, which are nearly always pasted, are refused."""

    def _trimmed(self, value: str) -> str:
        if value.strip() and value != value.strip():
            raise ValidationError("must not begin or end with a blank or line break")
        return value.strip()


class WholeNumber(fields.Field[int]):
    """A whole number from ``least`` to ``most``."""

    def __init__(self, *, least: int = 0, most: int = 10**15, **kwargs: Any) -> None:
        """Both ends are included."""
        super().__init__(**kwargs)
        self.least, self.most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Data, **kwargs: Any) -> int:  # noqa: ARG002
        if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
            value = int(value)
        if type(value) is not int:
            raise ValidationError("must be a whole number")
        if not self.least <= value <= self.most:
            raise ValidationError(_range("a whole number", self.least, self.most))
        return value


class WholeNumbers(fields.List[Any]):
    """A list of whole numbers; a text may hold several, separated by commas or blanks."""

    def __init__(self, *, least: int, most: int, **kwargs: Any) -> None:
        """Both ends are included."""
        super().__init__(WholeNumber(least=least, most=most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Data, **kwargs: Any) -> list[Any]:
        given = value.replace(",", " ").split() if isinstance(value, str) else value
        return super()._deserialize(given, attr, data, **kwargs)


class Seconds(fields.Field[float]):
    """A time in seconds from ``least`` to ``most``; fractions are allowed."""

    def __init__(self, *, least: float, most: float, **kwargs: Any) -> None:
        """Both ends are included."""
        super().__init__(**kwargs)
        self.least, self.most = least, most

    def _deserialize(self, value: Any, attr: str | None, data: Data, **kwargs: Any) -> float:  # noqa: ARG002
        if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
            value = float(value)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or (isinstance(value, float) and not math.isfinite(value)):
            raise ValidationError("must be a number of seconds")
        if not self.least <= value <= self.most:
            raise ValidationError(_range("a number of seconds", self.least, self.most))
        return float(value)


def _range(what: str, least: float, most: float) -> str:
    return f"must be {what} of at least {least}" if most >= 10**15 else f"must be {what} from {least} to {most}"


class Flag(fields.Field[bool]):
    """``true`` or ``false``, nothing that merely looks like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Data, **kwargs: Any) -> bool:  # noqa: ARG002
        if isinstance(value, bool):
            return value
        word = value.strip().lower() if isinstance(value, str) else ""
        if word not in ("true", "false"):
            raise ValidationError("must be true or false")
        return word == "true"


class Choice(fields.Field[T], Generic[T]):
    """One of a few words, in any case of letters; gives what the word stands for."""

    def __init__(self, words: Mapping[str, T], **kwargs: Any) -> None:
        """``words`` are in lower case."""
        super().__init__(**kwargs)
        self.words = words

    def _deserialize(self, value: Any, attr: str | None, data: Data, **kwargs: Any) -> T:  # noqa: ARG002
        word = value.strip().lower() if isinstance(value, str) else ""
        if word not in self.words:
            raise ValidationError(not_one_of(word, self.words))
        return self.words[word]


class TableOf(fields.Field[dict[str, T]], Generic[T]):
    """A table whose keys the reader chooses; ``check`` says what is wrong with a key ("": nothing)."""

    def __init__(self, inner: fields.Field[T], *, check: Callable[[str], str] | None = None, **kwargs: Any) -> None:
        """Every value is one ``inner``."""
        super().__init__(**kwargs)
        self.inner, self.check = inner, check

    def _deserialize(self, value: Any, attr: str | None, data: Data, **kwargs: Any) -> dict[str, T]:  # noqa: ARG002
        if not isinstance(value, Mapping):
            raise ValidationError("must be a table")
        found: dict[str, Any] = {}
        wrong: dict[str, Any] = {}
        for key, item in value.items():
            if self.check and (text := self.check(key)):
                wrong[key] = [text]
                continue
            try:
                found[key] = self.inner.deserialize(item, key, value)
            except ValidationError as error:
                wrong[key] = error.messages
                if error.valid_data:  # what is right in it is still checked against the rest
                    found[key] = error.valid_data
        if wrong:
            raise ValidationError(wrong, valid_data=found)
        return found
