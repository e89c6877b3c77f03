"""Where one HTTP request ends, from the bytes that have come so far. gunicorn reads it properly once it is whole.

Only how long a request is: what it says, and whether it is one at all, is for gunicorn to judge, so whatever looks odd
here counts as whole and is handed over.
"""

from __future__ import annotations

import re
from enum import Enum

# More than any router passes on; a webhook's head has 2 kB.
MOST_HEAD = 65_536
MOST_LINE = 8_192
_LENGTH = re.compile(rb"\d{1,18}")
_SIZE = re.compile(rb"([0-9a-fA-F]{1,15})\s*(?:;.*)?")


class Got(Enum):
    """How far a request has come."""

    PART = "part"
    WHOLE = "whole"
    # The head says that more will come than is taken: it is answered without waiting for that.
    TOO_LONG = "too long"
    # The same, known only while it came.
    OVERFLOWING = "overflowing"
    HEAD_TOO_LONG = "head too long"


class Incoming:
    """One request on its way in. ``limit``: the bytes of a body that are taken at most."""

    __slots__ = ("_at", "_body", "_length", "data", "limit", "waits_for_leave")

    def __init__(self, limit: int) -> None:
        """Nothing has come."""
        self.data = bytearray()
        self.limit = limit
        # "Expect: 100-continue": the sender wants to be told to go on before it sends the body.
        self.waits_for_leave = False
        # Where the next thing to look at begins: in the head, or in a body of chunks.
        self._at = 0
        # Of the whole request, once known. Below zero: it comes in chunks. None: the head is not there yet.
        self._length: int | None = None
        self._body = 0

    def add(self, more: bytes) -> Got:
        """Take what has come."""
        self.data += more
        if self._length is None and (done := self._read_head()) is not None:
            return done
        if self._length is not None and self._length < 0:
            return self._read_chunks()
        return Got.WHOLE if self._length is not None and len(self.data) >= self._length else Got.PART

    def _read_head(self) -> Got | None:
        """Find out how the body is framed; None where that is known now."""
        end = self.data.find(b"\r\n\r\n", max(0, self._at - 3))
        self._at = len(self.data)
        if end > MOST_HEAD or (end < 0 and len(self.data) > MOST_HEAD):
            return Got.HEAD_TOO_LONG
        if end < 0:
            return Got.PART
        fields = _fields(bytes(self.data[:end]))
        self.waits_for_leave = b"100-continue" in fields.get(b"expect", b"").lower()
        self._at = end + 4
        if b"transfer-encoding" in fields:
            self._length = -1
            return None
        length = fields.get(b"content-length", b"0")
        if not _LENGTH.fullmatch(length):
            return Got.WHOLE
        self._length = self._at + int(length)
        return Got.TOO_LONG if int(length) > self.limit else None

    def _read_chunks(self) -> Got:
        """Step from chunk to chunk as far as they have come."""
        while (end := self.data.find(b"\r\n", self._at)) >= 0:
            size = _SIZE.fullmatch(bytes(self.data[self._at : end]))
            if size is None:
                return Got.WHOLE
            if (length := int(size[1], 16)) == 0:
                return self._read_trailers(end)
            if self._body + length > self.limit:
                return Got.OVERFLOWING
            if len(self.data) < end + 2 + length + 2:
                return Got.PART
            self._body += length
            self._at = end + 2 + length + 2
        return Got.PART if len(self.data) - self._at <= MOST_LINE else Got.WHOLE

    def _read_trailers(self, end: int) -> Got:
        """Behind the last chunk there may be fields, and then an empty line."""
        is_over = self.data.find(b"\r\n\r\n", end) >= 0
        return Got.WHOLE if is_over or len(self.data) - end > MOST_LINE else Got.PART


def _fields(head: bytes) -> dict[bytes, bytes]:
    """The fields of a head, their names in lower case; of several the last."""
    lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in lines}
