"""What was recorded, kept in a file of JSON lines that is only ever added to; without a file nothing is kept.

A line is in the operating system's hands before the answer leaves, so a killed sandbox goes on where it was. It is not
synced to disk: a sandbox need not survive a power cut.
"""

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Store:
    """One file, one writer."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file = -1 if path is None else self._open(path)

    @staticmethod
    def _open(path: Path) -> int:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        content = path.read_bytes()
        if content and not content.endswith(b"\n"):
            os.write(file, b"\n")  # a line torn by a kill must not swallow the next one
        return file

    def add(self, kind: str, organization: str | None, value: Any) -> None:
        if self._file < 0:
            return
        line = json.dumps({"kind": kind, "organization": organization, "value": value})
        with self._lock:
            os.write(self._file, line.encode() + b"\n")

    def lines(self) -> Iterator[tuple[str, str | None, Any]]:
        """Kind, organization and value of every line that can be read, oldest first."""
        if self._path is None:
            return
        with self._path.open(encoding="utf-8", errors="replace") as file:
            for n, text in enumerate(file, 1):
                try:
                    line = json.loads(text)
                    yield line["kind"], line["organization"], line["value"]
                except (ValueError, KeyError, TypeError):
                    sys.stderr.write(f"sandbox: line {n} of {self._path} cannot be read and is left out\n")

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
