"""What each fault does to one call. A strike returns whether the true answer got out in full."""

from collections.abc import Callable
from dataclasses import dataclass, replace

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

    wire: Wire
    fault: Fault
    reply: Reply
    stale: Reply


Strike = Callable[[Blow], bool]


def error_page(status: int, retry_after: int | None = None) -> Reply:
    """An HTML page with a status, as something in front of Luminate would send it."""
    reply = html_reply(PAGE.format(title=TITLES.get(status, "Scheduled maintenance")), status)
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    return replace(reply, headers=headers | ({"Location": "/elsewhere"} if status == 302 else {}))


def _hang(blow: Blow) -> bool:
    blow.wire.hang(blow.fault.seconds)
    return False


def _slow(blow: Blow) -> bool:
    if blow.fault.when != BEFORE:  # before, the wait was over before the work began
        blow.wire.wait(blow.fault.seconds)
    return blow.wire.send(blow.reply)


def _reset(blow: Blow) -> bool:
    blow.wire.reset()
    return False


def _close(blow: Blow) -> bool:
    blow.wire.close()
    return False


def _break_off(blow: Blow) -> bool:
    blow.wire.break_off(blow.reply, blow.fault.variant or "length")
    return False


def _html(blow: Blow) -> bool:
    blow.wire.send(error_page(int(blow.fault.variant or 200)))
    return False


def _status(blow: Blow) -> bool:
    blow.wire.send(error_page(int(blow.fault.fault.removeprefix("status_")), blow.fault.retry_after))
    return False


def _empty(blow: Blow) -> bool:
    blow.wire.send(Reply(200, blow.reply.content_type, b""))
    return False


def _wrong_charset(blow: Blow) -> bool:
    text = blow.reply.body.decode()
    kind = blow.reply.content_type.split(";")[0]
    if blow.fault.variant == "latin1_bytes":
        return blow.wire.send(replace(blow.reply, body=text.encode("latin-1", "replace")))
    if blow.fault.variant == "utf16_bytes":
        return blow.wire.send(replace(blow.reply, body=text.encode("utf-16")))
    return blow.wire.send(replace(blow.reply, content_type=f"{kind};charset=ISO-8859-1"))


def _duplicate(blow: Blow) -> bool:
    return blow.wire.send(blow.reply, times=2)


def _stale(blow: Blow) -> bool:
    blow.wire.send(blow.stale)
    return False


def _drip(blow: Blow) -> bool:
    return blow.wire.drip(blow.reply, blow.fault.seconds)


STRIKES: dict[str, Strike] = {
    "hang": _hang, "slow": _slow, "reset_before": _reset, "reset_after": _reset, "close_before": _close,
    "close_after": _close, "break_off_before": _break_off, "break_off_after": _break_off, "html": _html,
    "empty_200": _empty, "wrong_charset": _wrong_charset, "duplicate_answer": _duplicate, "stale_answer": _stale,
    "drip": _drip,
}  # fmt: skip


def strike(blow: Blow) -> bool:
    """Lets the fault strike."""
    return STRIKES.get(blow.fault.fault, _status)(blow)
