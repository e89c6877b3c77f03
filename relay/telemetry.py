"""Logs that name ids and never people: structlog with redaction; card numbers are masked before anything is stored."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TextIO, cast

import structlog

from relay.errors import RelayError

# Never logged, whatever a caller passes; a log line carries ids, codes and counts.
FORBIDDEN = re.compile(
    r"body|payload|parameters|params|password|secret|api_key|token|authorization|cookie|email|donor|name$|address|phone|card",
    re.IGNORECASE,
)
ALLOWED = frozenset({"event", "login_name_changed"})
_EMAIL = re.compile(r"[^\s@\"'<>]{1,64}(?:@|%40)[^\s@\"'<>]{1,255}")

# First digits and lengths of the numbers that issuers give out (ISO/IEC 7812; the lengths are the networks' own).
_ISSUERS = (
    (re.compile(rb"4"), {13, 16, 19}),
    (re.compile(rb"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), {16}),
    (re.compile(rb"3[47]"), {15}),
    (re.compile(rb"30[0-5]|3[689]"), {14, 15, 16, 17, 18, 19}),
    (re.compile(rb"352[89]|35[3-8]|6"), {16, 17, 18, 19}),
    (re.compile(rb"5[06-9]|6"), {13, 14, 15, 16, 17, 18, 19}),
)
_FIRST = frozenset((b"2", b"3", b"4", b"5", b"6"))
# A digit -> the sum of the digits of its double (Luhn).
_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
# Between two digits: nothing, or up to two blanks or dashes, also as forms and JSON write them.
_BLANK = rb"(?:[ +-]|%20|%2[dD]|\xc2\xa0|\\u00[aA]0)"
# 13 digits and more, not inside a longer word or a decimal; an escape before them (%3A, \n, \u0020) is no word.
_DIGITS = re.compile(
    rb"\d(?:(?<![\w%]\d)(?<!\d\.\d)|(?<=%[0-9A-Fa-f]{2}\d)|(?<=\\[nrtbf]\d)|(?<=\\u[0-9A-Fa-f]{4}\d))"
    rb"(?:" + _BLANK + rb"{0,2}\d){12,}(?!\w|\.\d)"
)
_BLANKS = re.compile(rb"(" + _BLANK + rb"+)")
# The code on a card, by its names in JSON, forms and XML. Processors never send it; a form of somebody's own might.
_CODE = re.compile(
    rb"((?:cvv2?|cvc2?|csc|cvn|(?:card|security)[_-]?code)"
    rb'(?:\\*"\s{0,9}:\s{0,9}(?:\\*")?|=|>))\d{3,4}(?=[\\"\s,}\]&<]|$)',
    re.IGNORECASE,
)
# Looked for first, since next to no body has one: a tenth of the time. Stripe's cvc_check is none of them.
_CODE_NAMES = (b"cvv", b'cvc"', b"cvc\\", b"cvc=", b"cvc>", b"cvc2", b"csc", b"cvn", b"rdcode", b"rd_code", b"rd-code",
               b"itycode", b"ity_code", b"ity-code")  # fmt: skip


def mask_cards(body: bytes) -> bytes:
    """The body with every card number (issuer's range, length and Luhn) cut to ``************1234``; no code.

    A number that stands bare in JSON becomes a text (a code null), so that the body can still be read.
    """
    small = body.lower()
    if any(name in small for name in _CODE_NAMES):
        body = _CODE.sub(_without_code, body)
    masked = _DIGITS.sub(lambda run: _masked(run, quoted=_is_bare(run)), body)
    if masked != body and not (_is_json(body) and _is_json(masked)):
        return _DIGITS.sub(lambda run: _masked(run, quoted=False), body)
    return masked


def _without_code(found: re.Match[bytes]) -> bytes:
    return found[1] + (b"null" if found[1].rstrip().endswith(b":") else b"***")


def _masked(run: re.Match[bytes], *, quoted: bool) -> bytes:
    """The run of digits without the card numbers among its groups: "12 25 4242 4242 4242 4242 123" has one."""
    parts = _BLANKS.split(run.group())
    place, kept = 0, []
    while place < len(parts):
        size = _card_at(parts, place)
        if size:
            mark = b"*" * 12 + b"".join(parts[place : place + size : 2])[-4:]
            kept.append(b'"' + mark + b'"' if quoted and size == len(parts) else mark)
        else:
            kept.append(parts[place])
        place += size or 1
    return b"".join(kept)


def _card_at(parts: list[bytes], place: int) -> int:
    """How many parts from here make one card number; 0: none. Every second part is a gap."""
    if place % 2 or parts[place][:1] not in _FIRST:
        return 0
    digits = b""
    for last in range(place, len(parts), 2):
        digits += parts[last]
        if len(digits) > 19:
            return 0
        if len(digits) > 12 and _luhn(digits) and _issued(digits):
            return last - place + 1
    return 0


def _is_bare(run: re.Match[bytes]) -> bool:
    before = run.string[max(0, run.start() - 9) : run.start()].rstrip()[-1:]
    after = run.string[run.end() : run.end() + 9].lstrip()[:1]
    return before in {b":", b",", b"["} and after in {b",", b"}", b"]"}


def _is_json(body: bytes) -> bool:
    try:
        # As leniently as a body is read that holds half a letter.
        json.loads(body.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return False
    return True


def _issued(digits: bytes) -> bool:
    return any(prefix.match(digits) and len(digits) in lengths for prefix, lengths in _ISSUERS)


def _luhn(digits: bytes) -> bool:
    # Both halves are sums over bytes; "0" is the byte 48.
    single, doubled = digits[-1::-2], digits[-2::-2].translate(_DOUBLED)
    return (sum(single) - 48 * len(single) + sum(doubled)) % 10 == 0


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Drop values under forbidden names and blot e-mail addresses and card numbers out of the rest."""
    for name, value in event.items():
        event[name] = _clean(name, value)
    return event


def _clean(name: str, value: Any) -> Any:
    if name not in ALLOWED and FORBIDDEN.search(name):
        return "[redacted]"
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _clean(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(name, inner) for inner in value]
    text = blot(str(value))
    return value if isinstance(value, int) and text == str(value) else text


def blot(text: str) -> str:
    """A text without e-mail addresses and card numbers."""
    return mask_cards(_EMAIL.sub("[e-mail]", text).encode("utf-8", "replace")).decode("utf-8", "replace")


# Who else is told of error lines: relay.crashes, where it is configured.
_reporters: list[Callable[[Mapping[str, Any], BaseException | None], object]] = []


def report_to(reporter: Callable[[Mapping[str, Any], BaseException | None], object] | None) -> None:
    """Hand every error line to this one, too, with its exception; None: to nobody."""
    _reporters[:] = [reporter] if reporter else []


def _reported(_logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if method in {"error", "exception", "critical"}:
        for reporter in _reporters:
            reporter(event, _error_of(event.get("exc_info")))
    return event


def _error_of(given: Any) -> BaseException | None:
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    return error if isinstance(error, BaseException) else None


def _scrubbed_exception(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A traceback as text: files, lines and classes. What an exception says may quote a donor; only ours never does."""
    if (error := _error_of(event.pop("exc_info", None))) is not None:
        event["exception"] = "".join(_told(error))
    return event


def _told(error: BaseException) -> list[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = [*_told(cause), "then\n"] if cause else []
    said = f": {error}" if isinstance(error, RelayError) else ""
    return [*before, *traceback.format_tb(error.__traceback__), f"{type(error).__name__}{said}\n"]


class _Out:
    """Where lines go: standard output, or standard error once ``to_standard_error`` was called.

    Asked at each line, so that whoever replaces the streams (a test, a pager) is obeyed.
    """

    def __init__(self) -> None:
        self.stream_name = "stdout"

    def write(self, text: str) -> None:
        getattr(sys, self.stream_name).write(text)

    def flush(self) -> None:
        getattr(sys, self.stream_name).flush()


_out = _Out()


def to_standard_error() -> None:
    """Keep log lines out of a command's own output."""
    _out.stream_name = "stderr"


def to_standard_output() -> None:
    """The reverse: for the long-running processes, whose output is their log."""
    _out.stream_name = "stdout"


def configure(log_format: str, level: str) -> None:
    """Send structured lines to the stream chosen above: JSON, or for a person ("console")."""
    last: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
        if log_format == "console"
        else structlog.processors.JSONRenderer()
    )
    out = cast("TextIO", _out)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _reported,
            _scrubbed_exception,
            redact,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=out),
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s", stream=out)
