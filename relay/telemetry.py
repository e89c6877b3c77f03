"""Logs that name ids and never people: structlog with redaction; card numbers are masked before anything is stored."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

# Never logged, whatever a caller passes; a log line carries ids, codes and counts.
FORBIDDEN = re.compile(
    r"body|payload|parameters|params|password|secret|api_key|token|authorization|cookie|email|donor|name$|address|phone|card",
    re.IGNORECASE,
)
ALLOWED = frozenset({"event", "login_name_changed"})
_EMAIL = re.compile(r"[^\s@\"'<>]{1,64}@[^\s@\"'<>]{1,255}")

# 13 to 19 digits with single blanks or dashes between them, in an issuer's range, not inside a longer token.
_CARD = re.compile(rb"(?<![\w.])(?:4|5[1-5]|2[2-7]|3[0-9]|6[0-9])\d(?:[ -]?\d){10,17}(?![\w.])")


def mask_cards(body: bytes) -> bytes:
    """The body with every card number (issuer range and Luhn) cut to ``************1234``."""
    return _CARD.sub(_masked, body)


def _masked(match: re.Match[bytes]) -> bytes:
    found = match.group()
    digits = re.sub(rb"\D", b"", found)
    if not 13 <= len(digits) <= 19 or not _luhn(digits):
        return found
    return b"*" * 12 + digits[-4:]


def _luhn(digits: bytes) -> bool:
    doubled = (sum(divmod(2 * (digit - 48), 10)) for digit in digits[-2::-2])
    return (sum(digit - 48 for digit in digits[-1::-2]) + sum(doubled)) % 10 == 0


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Drop values under forbidden names and blot e-mail addresses and card numbers out of the rest."""
    for name, value in event.items():
        if name not in ALLOWED and FORBIDDEN.search(name):
            event[name] = "[redacted]"
        elif isinstance(value, str):
            event[name] = blot(value)
    return event


def blot(text: str) -> str:
    """A text without e-mail addresses and card numbers."""
    return mask_cards(_EMAIL.sub("[e-mail]", text).encode("utf-8", "replace")).decode("utf-8", "replace")


def _scrubbed_exception(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A traceback as text without the values that came with the exception's message."""
    return structlog.processors.format_exc_info(logger, method, event)


def configure(log_format: str, level: str) -> None:
    """Send structured lines to standard output: JSON, or for a person ("console")."""
    last: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
        if log_format == "console"
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _scrubbed_exception,
            redact,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s", stream=sys.stdout)
