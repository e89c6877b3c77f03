"""What can go wrong between relay and Luminate, one small function each, and the table of all of them.

`reaches` says whether the gift is recorded by the sandbox: never, always, or too late for the caller.
"""

import contextlib
import random
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from urllib.parse import parse_qs

NOBODY, PART, WHOLE = "nothing", "part", "whole"
# No wait in here is longer: a proxy that hangs for ever would keep a test for ever.
LONGEST_SILENCE = 15.0


@dataclass(slots=True)
class Call:
    """One request as it came by. ``forwarded``: nothing, part or whole; ``answered``: the true answer went out."""

    servlet: str
    fault: str = ""
    method: str = ""
    sub_source: str = ""
    forwarded: str = NOBODY
    answered: bool = False


class Gone(Exception):
    """This connection is over, as the fault wanted it."""


@dataclass(slots=True)
class Exchange:
    """One request and its answer, in the hands of a fault."""

    upstream: Callable[[], AbstractContextManager[socket.socket]]
    replies: deque[bytes]  # what other calls were told
    client: socket.socket
    head: bytes
    rest: bytes  # what came along with the head
    call: Call
    seconds: float
    body: bytes = b""

    def read(self, share: float = 1.0) -> None:
        """Read the body, or the first part of it."""
        length = int(header(self.head, "content-length") or 0)
        body = self.rest
        while len(body) < length * share:
            part = self.client.recv(65_536)
            if not part:
                raise Gone
            body += part
        self.body = body[: int(length * share)]
        if share == 1.0:
            sent = parse_qs(self.body.decode("latin-1"))
            self.call.method = sent.get("method", [""])[0]
            self.call.sub_source = sent.get("sub_source", [""])[0]

    def pass_on(self) -> bytes:
        """The true answer of the sandbox to the whole request."""
        with self.upstream() as there:
            there.sendall(self.head + self.body)
            self.call.forwarded = WHOLE
            reply = read_reply(there)
        self.replies.append(reply)
        return reply

    def pass_on_half(self) -> None:
        """Half of the request, and then the line to the sandbox is cut."""
        with self.upstream() as there:
            there.sendall(self.head + self.body)
            self.call.forwarded = PART
            time.sleep(0.02)

    def send(self, data: bytes) -> None:
        self.client.sendall(data)

    def drip(self, data: bytes, seconds: float, pieces: int = 20) -> None:
        """The data in small pieces over some time, as long as somebody listens."""
        size = max(1, len(data) // pieces)
        for start in range(0, len(data), size):
            self.send(data[start : start + size])
            time.sleep(seconds / pieces)

    def reset(self) -> None:
        """The hard end (RST)."""
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone

    def close(self) -> None:
        """The orderly end (FIN)."""
        raise Gone

    def silence(self) -> None:
        """Not a word until the caller has left."""
        self.client.settimeout(LONGEST_SILENCE)
        with contextlib.suppress(OSError):
            while self.client.recv(65_536):
                pass
        raise Gone


def header(head: bytes, name: str) -> str:
    for line in head.decode("latin-1").split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return ""


def read_head(connection: socket.socket) -> tuple[bytes, bytes] | None:
    """The head with its blank line, and what came behind it; None at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65_536)
        if not part:
            return None
        data += part
    head, _, rest = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


def read_reply(there: socket.socket) -> bytes:
    """A whole answer, framed by its length, as the sandbox sends it."""
    found = read_head(there)
    if found is None:
        raise Gone
    head, body = found
    length = int(header(head, "content-length") or 0)
    while len(body) < length:
        part = there.recv(65_536)
        if not part:
            raise Gone
        body += part
    return head + body


def page(status: str, *headers: str, body: bytes = b"<!DOCTYPE html><html><body>Sorry.</body></html>") -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/html", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


# --- what a fault does ----------------------------------------------------------------------------------------------


def reset_before_body(x: Exchange) -> None:
    x.reset()


def reset_during_body(x: Exchange) -> None:
    x.read(0.5)
    x.pass_on_half()
    x.reset()


def reset_after_body(x: Exchange) -> None:
    x.read()
    x.reset()


def reset_after_recording(x: Exchange) -> None:
    x.read()
    x.pass_on()
    x.reset()


def close_before(x: Exchange) -> None:
    x.read()
    x.close()


def close_after(x: Exchange) -> None:
    x.read()
    x.pass_on()
    x.close()


def black_hole(x: Exchange) -> None:
    x.read()
    x.silence()


def black_hole_after(x: Exchange) -> None:
    x.read()
    x.pass_on()
    x.silence()


def half_then_silence(x: Exchange) -> None:
    x.read(0.5)
    x.pass_on_half()
    x.silence()


def slow_answer(x: Exchange) -> None:
    x.read()
    x.drip(x.pass_on(), x.seconds)


def slow_in_time(x: Exchange) -> None:
    x.read()
    x.drip(x.pass_on(), x.seconds / 5)
    x.call.answered = True


def late_request(x: Exchange) -> None:
    x.read()
    time.sleep(x.seconds)
    x.pass_on()
    x.close()


def late_answer(x: Exchange) -> None:
    x.read()
    reply = x.pass_on()
    time.sleep(x.seconds)
    x.send(reply)


def half_answer(x: Exchange) -> None:
    x.read()
    reply = x.pass_on()
    x.send(reply[: -len(reply.partition(b"\r\n\r\n")[2]) // 2])
    x.close()


def half_head(x: Exchange) -> None:
    x.read()
    reply = x.pass_on()
    x.send(reply[: len(reply.partition(b"\r\n\r\n")[0]) // 2])
    x.close()


def reset_in_answer(x: Exchange) -> None:
    x.read()
    reply = x.pass_on()
    x.send(reply[: len(reply) - 40])
    time.sleep(0.02)
    x.reset()


def unfinished_chunks(x: Exchange) -> None:
    x.read()
    body = x.pass_on().partition(b"\r\n\r\n")[2]
    x.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b" % (len(body) + 10, body[:-5]))
    x.close()


def garbage(x: Exchange) -> None:
    x.read()
    x.pass_on()
    x.send(b"\x00\xff\x13\x37 not a word of HTTP\r\n\r\n")
    x.close()


def false_gzip(x: Exchange) -> None:
    x.read()
    x.pass_on()
    x.send(page("200 OK", "Content-Encoding: gzip", body=b"no gzip at all"))


def answering(reply: bytes, *, recorded: bool) -> Callable[[Exchange], None]:
    def act(x: Exchange) -> None:
        x.read()
        if recorded:
            x.pass_on()
        x.send(reply)

    return act


def duplicate_reply(x: Exchange) -> None:
    x.read()
    x.send(x.pass_on() * 2)
    x.call.answered = True


def duplicate_reply_late(x: Exchange) -> None:
    """The second copy comes when the connection may already serve the next gift."""
    x.read()
    reply = x.pass_on()
    x.send(reply)
    x.call.answered = True
    time.sleep(0.015)
    x.send(reply)


def early_hints(x: Exchange) -> None:
    """An interim answer first; the true one when the caller may have taken the interim one for the end."""
    x.read()
    reply = x.pass_on()
    x.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
    time.sleep(0.03)
    x.send(reply)


def answer_of_another(x: Exchange) -> None:
    """Recorded, but answered with what another call was told."""
    x.read()
    others = list(x.replies)
    x.pass_on()
    x.send(random.choice(others) if others else page("200 OK"))


def answer_of_another_unsent(x: Exchange) -> None:
    """Not recorded, and yet answered: with what another call was told."""
    x.read()
    others = list(x.replies)
    x.send(random.choice(others) if others else page("200 OK"))


@dataclass(frozen=True, slots=True)
class Fault:
    """One row; without ``act`` the proxy itself does it."""

    name: str
    act: Callable[[Exchange], None] | None
    reaches: str
    words: str


NEVER, ALWAYS, LATE = "never", "always", "late"
ELSEWHERE = b'{"isEmailValidResponse":{"valid":"true"}}'
UNAVAILABLE = page("503 Service Unavailable", "Retry-After: 1")
FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("refused", None, NEVER, "nobody listens; up again and away again every second"),
        Fault("reset_on_connect", None, NEVER, "the connection is taken and reset at once"),
        Fault("reset_before_body", reset_before_body, NEVER, "reset after the head of the request"),
        Fault("reset_during_body", reset_during_body, NEVER, "half of the request passed on, both lines cut"),
        Fault("reset_after_body", reset_after_body, NEVER, "the whole request read, not passed on, reset"),
        Fault("reset_after_recording", reset_after_recording, ALWAYS, "recorded, reset before a byte of the answer"),
        Fault("close_before", close_before, NEVER, "the request swallowed, closed without an answer"),
        Fault("close_after", close_after, ALWAYS, "recorded, closed without an answer"),
        Fault("black_hole", black_hole, NEVER, "the request swallowed, silence"),
        Fault("black_hole_after", black_hole_after, ALWAYS, "recorded, silence"),
        Fault("half_then_silence", half_then_silence, NEVER, "half of the request passed on, silence"),
        Fault("slow_answer", slow_answer, ALWAYS, "recorded, the answer drips past the read timeout"),
        Fault("slow_in_time", slow_in_time, ALWAYS, "recorded, the answer drips but is in time"),
        Fault("late_request", late_request, LATE, "passed on only when the caller has given up: recorded all the same"),
        Fault("late_answer", late_answer, ALWAYS, "recorded, answered when the caller has given up"),
        Fault("half_answer", half_answer, ALWAYS, "recorded, the answer breaks off in its body"),
        Fault("half_head", half_head, ALWAYS, "recorded, the answer breaks off in its head"),
        Fault("reset_in_answer", reset_in_answer, ALWAYS, "recorded, reset in the last bytes of the answer"),
        Fault("unfinished_chunks", unfinished_chunks, ALWAYS, "recorded, a chunked answer without its end"),
        Fault("garbage", garbage, ALWAYS, "recorded, answered with bytes that are no HTTP"),
        Fault("false_gzip", false_gzip, ALWAYS, "recorded, an answer that says gzip and is none"),
        Fault("empty_answer", answering(page("200 OK", body=b""), recorded=True), ALWAYS, "recorded, 200 and no body"),
        Fault("html_502", answering(page("502 Bad Gateway"), recorded=False), NEVER, "swallowed, a gateway's page"),
        Fault("html_502_after", answering(page("502 Bad Gateway"), recorded=True), ALWAYS, "recorded, the same page"),
        Fault("html_200", answering(page("200 OK"), recorded=False), NEVER, "swallowed, a page with HTTP 200"),
        Fault("html_200_after", answering(page("200 OK"), recorded=True), ALWAYS, "recorded, a page with HTTP 200"),
        Fault("busy_503", answering(UNAVAILABLE, recorded=False), NEVER, "swallowed, HTTP 503 with Retry-After"),
        Fault("busy_503_after", answering(UNAVAILABLE, recorded=True), ALWAYS, "recorded, HTTP 503 with Retry-After"),
        Fault("busy_429", answering(page("429 Too Many Requests", "Retry-After: 1"), recorded=False), NEVER,
              "swallowed, HTTP 429 with Retry-After"),
        Fault("redirect_302", answering(page("302 Found", "Location: /elsewhere"), recorded=False), NEVER,
              "swallowed, sent elsewhere"),
        Fault("answer_of_a_read", answering(page("200 OK", body=ELSEWHERE), recorded=True), ALWAYS,
              "recorded, answered with what belongs to another method"),
        Fault("duplicate_reply", duplicate_reply, ALWAYS, "recorded, the answer twice in one go"),
        Fault("duplicate_reply_late", duplicate_reply_late, ALWAYS, "recorded, the answer again a moment later"),
        Fault("early_hints", early_hints, ALWAYS, "recorded, an interim answer before the true one"),
        Fault("answer_of_another", answer_of_another, ALWAYS, "recorded, the answer of another's call"),
        Fault("answer_of_another_unsent", answer_of_another_unsent, NEVER, "swallowed, the answer of another's call"),
    )
}  # fmt: skip
