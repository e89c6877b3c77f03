"""Sentry, where SENTRY_DSN is set: what broke and where, and nothing of what it worked on.

The SDK is imported only then, with none of its integrations but one that sends what is left at the end: relay hands
over its own error lines (relay.telemetry). Whatever else would reach the wire, ``scrubbed`` makes anew from a list.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from relay import telemetry

# Ids and codes that an error line may carry along; each short and without blanks.
TAGS = frozenset(
    {
        "organization",
        "provider",
        "entry",
        "attempt",
        "event_row",
        "plan",
        "message",
        "request",
        "kind",
        "reason",
        "rule",
    }
)
_TAG = re.compile(r"[A-Za-z0-9_./<>:-]{1,100}", re.ASCII)
# What is left of the SDK's own envelope of an event.
_KEPT = ("event_id", "timestamp", "platform", "level", "environment", "release")
_HERE = Path(__file__).parent
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.<>]{0,100}", re.ASCII)


def configure(dsn: str) -> None:
    """Report to this address from now on; "" reports nowhere, and loads nothing."""
    if not dsn:
        return
    sdk = importlib.import_module("sentry_sdk")
    atexit = importlib.import_module("sentry_sdk.integrations.atexit")
    sdk.init(
        dsn=dsn,
        release="relay",
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[atexit.AtexitIntegration(callback=lambda *_: None)],
        before_send=scrubbed,
        before_send_transaction=lambda *_: None,
        before_breadcrumb=lambda *_: None,
        traces_sample_rate=0.0,
        max_breadcrumbs=0,
        # send_default_pii is deprecated and off; there is no integration that could collect any.
        max_request_body_size="never",
        include_local_variables=False,
        include_source_context=False,
        auto_session_tracking=False,
        send_client_reports=False,
        server_name="relay",
        spotlight=False,
    )
    telemetry.report_to(lambda line, error: sdk.capture_event(told(line, error)))


def told(line: Mapping[str, Any], error: BaseException | None) -> dict[str, Any]:
    """An error line as Sentry's event: the phrase, the ids, the types of the exceptions and where they passed."""
    tags = {name: str(value) for name, value in line.items() if name in TAGS and value is not None}
    event: dict[str, Any] = {"level": "error", "tags": tags | {"event": str(line.get("event", ""))}}
    if error is not None:
        event["exception"] = {"values": [_exception(one) for one in _chain(error)]}
    return event


def scrubbed(event: Mapping[str, Any], _hint: object = None) -> dict[str, Any]:
    """The event made anew from what may leave: nothing passes because it was not thought of."""
    tags = {
        name: value
        for name, value in dict(event.get("tags") or {}).items()
        if name in {*TAGS, "event"} and isinstance(value, str) and _TAG.fullmatch(telemetry.blot(value))
    }
    phrase = tags.get("event", "")
    found = [
        {
            "type": _named(one.get("type")),
            "value": phrase,
            "stacktrace": {"frames": [_frame(frame) for frame in (one.get("stacktrace") or {}).get("frames") or ()]},
        }
        for one in (event.get("exception") or {}).get("values") or ()
    ]
    kept = {name: event[name] for name in _KEPT if name in event}
    return {**kept, "tags": tags, **({"exception": {"values": found}} if found else {"message": phrase})}


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The first cause first, as Sentry wants it."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _chain(before)
    yield error


def _exception(error: BaseException) -> dict[str, Any]:
    return {"type": type(error).__name__, "stacktrace": {"frames": list(_ours(error.__traceback__))}}


def _ours(trace: TracebackType | None) -> Iterator[dict[str, Any]]:
    """The frames of our own files, by name and line."""
    while trace is not None:
        code = trace.tb_frame.f_code
        path = Path(code.co_filename)
        if path.is_relative_to(_HERE):
            file = path.relative_to(_HERE.parent).as_posix()
            yield {"filename": file, "function": code.co_name, "lineno": trace.tb_lineno, "in_app": True}
        trace = trace.tb_next


def _frame(frame: Mapping[str, Any]) -> dict[str, Any]:
    file, line = str(frame.get("filename", "")), frame.get("lineno")
    return {
        "filename": file if re.fullmatch(r"relay/[\w/]+\.py", file, re.ASCII) else "elsewhere",
        "function": _named(frame.get("function")),
        "lineno": line if isinstance(line, int) else 0,
        "in_app": True,
    }


def _named(name: object) -> str:
    """A name as Python has them; anything else could be a sentence."""
    return name if isinstance(name, str) and _NAME.fullmatch(name) else "unnamed"
