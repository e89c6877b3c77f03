"""What each fault does to one call, and how a true answer is delivered."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from .calls import CallLine
from .faults import BEFORE, Fault
from .messages import Reply, html_reply
from .wire import Wire

PAGE = ("<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1>"
        "<p>A page in front of Luminate, as a proxy shows it.&nbsp;</p></body></html>")  # fmt: skip
TITLES = {302: "Found", 404: "Not Found", 403: "Forbidden", 429: "Too Many Requests", 500: "Internal Server Error",
          502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}  # fmt: skip
# What a broken-off answer starts like when nothing was worked on: its second half is never sent.
NEVER_DONE = Reply(200, "text/xml;charset=UTF-8",
                   b'<?xml version="1.0" encoding="UTF-8"?>\n<donationResponse xmlns="http://convio.com/crm/v1.0">'
                   + b" " * 400)  # fmt: skip


@dataclass(frozen=True)
class Blow:
    """A fault and what it strikes. `stale` is the answer of the organization's call before this one."""

    line: CallLine
    wire: Wire
    fault: Fault
    reply: Reply
    stale: Reply


Strike = Callable[[Blow], None]


def error_page(status: int, retry_after: int | None = None) -> Reply:
    """An HTML page with a status, as something in front of Luminate would send it."""
    reply = html_reply(PAGE.format(title=TITLES.get(status, "Scheduled maintenance")), status)
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    return replace(reply, headers=headers | ({"Location": "/elsewhere"} if status == 302 else {}))


def deliver(line: CallLine, wire: Wire, reply: Reply, times: int = 1) -> None:
    """Sends a true answer. It is noted before the bytes leave: whoever holds the answer must find it noted."""
    line.answered = True
    line.answered = wire.send(reply, times)


def _hang(blow: Blow) -> None:
    blow.wire.hang(blow.fault.seconds)


def _slow(blow: Blow) -> None:
    if blow.fault.when != BEFORE:  # before, the wait was over before the work began
        blow.wire.wait(blow.fault.seconds)
    deliver(blow.line, blow.wire, blow.reply)


def _reset(blow: Blow) -> None:
    blow.wire.reset()


def _close(blow: Blow) -> None:
    blow.wire.close()


def _break_off(blow: Blow) -> None:
    blow.wire.break_off(blow.reply, blow.fault.variant or "length")


def _html(blow: Blow) -> None:
    blow.wire.send(error_page(int(blow.fault.variant or 200)))


def _status(blow: Blow) -> None:
    blow.wire.send(error_page(int(blow.fault.fault.removeprefix("status_")), blow.fault.retry_after))


def _empty(blow: Blow) -> None:
    blow.wire.send(Reply(200, blow.reply.content_type, b""))


def _wrong_charset(blow: Blow) -> None:
    reply, text = blow.reply, blow.reply.body.decode()
    if blow.fault.variant == "latin1_bytes":
        reply = replace(reply, body=text.encode("latin-1", "replace"))
    elif blow.fault.variant == "utf16_bytes":
        reply = replace(reply, body=text.encode("utf-16"))
    else:
        reply = replace(reply, content_type=f"{reply.content_type.split(';')[0]};charset=ISO-8859-1")
    deliver(blow.line, blow.wire, reply)


def _duplicate(blow: Blow) -> None:
    deliver(blow.line, blow.wire, blow.reply, times=2)


def _stale(blow: Blow) -> None:
    blow.wire.send(blow.stale)


def _drip(blow: Blow) -> None:
    rest = blow.wire.drip(blow.reply, blow.fault.seconds)
    if rest:
        blow.line.answered = True
        blow.line.answered = blow.wire.write(rest)


STRIKES: dict[str, Strike] = {
    "hang": _hang, "slow": _slow, "reset_before": _reset, "reset_after": _reset, "close_before": _close,
    "close_after": _close, "break_off_before": _break_off, "break_off_after": _break_off, "html": _html,
    "empty_200": _empty, "wrong_charset": _wrong_charset, "duplicate_answer": _duplicate, "stale_answer": _stale,
    "drip": _drip,
}  # fmt: skip


def strike(blow: Blow) -> None:
    """Lets the fault strike."""
    STRIKES.get(blow.fault.fault, _status)(blow)
