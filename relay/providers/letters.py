r"""Bodies as they are really sent: half a letter in a donor's name must not cost the gift.

A text cut in the middle of an emoji leaves half of it (a lone surrogate, ``\ud83d``), another encoding leaves bytes
that are no UTF-8, a careless writer leaves a bare control character. With those a body is neither JSON nor XML, and no
database keeps them; the money beside them can be read. So what cannot be read is mended and read once more: half a
letter becomes U+FFFD, a bare control character in JSON a blank. The body itself is kept as it came.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

# What stands for a letter that could not be read. An id that holds it may be another's.
BROKEN = "\ufffd"
_MARK = b"\xef\xbb\xbf"
# Every escape in turn, so that the second backslash of two is not taken for the beginning of one.
_ESCAPE = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F]..)|\\.", re.DOTALL)
# Between two values of JSON these are blanks anyway.
_CONTROLS = bytes.maketrans(bytes(range(32)), b" " * 32)
# https://www.w3.org/TR/xml/#charsets
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = re.compile("&#(?:[xX]([0-9a-fA-F]{1,8})|([0-9]{1,9}));")


def loads(body: bytes) -> Any:
    """The JSON value in the body. Raises JSONDecodeError (a ValueError) where even mended there is none."""
    return read(body)[0]


def read(body: bytes) -> tuple[Any, bytes]:
    """The value, and the bytes that it was read from. Raises JSONDecodeError."""
    try:
        return orjson.loads(body), body
    except orjson.JSONDecodeError:
        whole = mended(body)
        return orjson.loads(whole), whole


def inside(text: str) -> Any:
    """The JSON that a text of a provider's holds, as ``metadata`` often does; a number with a point stays its text.

    Raises ValueError or RecursionError.
    """
    return without_nul(json.loads(mended(text.encode()), parse_float=str))


def without_nul(value: Any) -> Any:
    """The value with every text in it free of NUL characters, which PostgreSQL keeps none of."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, list):
        return [without_nul(item) for item in value]
    if isinstance(value, dict):
        return {without_nul(key): without_nul(item) for key, item in value.items()}
    return value


def mended(body: bytes) -> bytes:
    """The same JSON in whole letters."""
    whole = body.removeprefix(_MARK).decode("utf-8", "replace").encode()
    return _ESCAPE.sub(_whole_escape, whole.translate(_CONTROLS))


def _whole_escape(escape: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if escape[1] else escape[0]


def mended_xml(body: bytes) -> bytes:
    """The same XML in whole letters."""
    return _NOT_XML.sub(BROKEN, _REFERENCE.sub(_whole_reference, body.decode("utf-8", "replace"))).encode()


def _whole_reference(found: re.Match[str]) -> str:
    number = int(found[1], 16) if found[1] else int(found[2])
    is_letter = number <= 0x10FFFF and not _NOT_XML.match(chr(number))
    return found[0] if is_letter else BROKEN
