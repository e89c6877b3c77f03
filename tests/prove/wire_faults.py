"""What can come back from Luminate, or fail to, and what relay makes of it: the table behind docs/wire-faults.md.

Each case is played over a real socket against the real client; `python -m tests.prove.wire_faults` prints the page.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relay.status import Outcome
from tests.support.faults import read_head
from tests.unit.luminate import sockets
from tests.unit.luminate.sockets import Server, answering, reply

POSTED, REJECTED, NOT_SENT, BLOCKED, UNKNOWN = (
    Outcome.POSTED, Outcome.REJECTED, Outcome.NOT_SENT, Outcome.BLOCKED, Outcome.UNKNOWN,
)  # fmt: skip
REPLIES = Path(__file__).parents[1] / "replies"
Behaviour = Callable[[Server, Any], None]

# Where the call goes, for what no server can show.
NOWHERE = {
    "refused": "http://127.0.0.1:{free}/site",
    "no name": "http://luminate.invalid/site",
    "no address": "luminate/site",
    "full": "http://127.0.0.1:{full}/site",
}


@dataclass(frozen=True, slots=True)
class Case:
    """``place``: a server that behaves so, or the name of an address in NOWHERE. ``tls``: unknown or trusted.

    ``refund``: what the same is to a refund, where it is something else.
    """

    what: str
    place: Behaviour | str
    outcome: Outcome
    reasons: str
    safe: str
    tls: str = ""
    refund: Outcome | None = None


def answered(body: str | bytes, status: str = "200 OK", *headers: str) -> Behaviour:
    """The server reads the whole request and gives this answer; a text names a file of tests/replies."""
    content = body if isinstance(body, bytes) else (REPLIES / body).read_bytes()
    return answering(reply(content, status, headers))


def raw(data: bytes, *, pause: float = 0.0, hard: bool = False) -> Behaviour:
    """The server reads the whole request, says just these bytes, and closes (or resets)."""

    def behave(server: Server, connection: Any) -> None:
        server.read(connection)
        connection.sendall(data)
        time.sleep(pause)
        if hard:
            sockets.reset(connection)

    return behave


def dripping(data: bytes, size: int = 1) -> Behaviour:
    def behave(server: Server, connection: Any) -> None:
        server.read(connection)
        sockets.drip(connection, data, pause=0.05, size=size)

    return behave


def silent(server: Server, connection: Any) -> None:
    server.read(connection)
    time.sleep(1)


def reset_unread(_server: Server, connection: Any) -> None:
    connection.recv(1, socket.MSG_PEEK)
    sockets.reset(connection)


def reset_after_the_head(_server: Server, connection: Any) -> None:
    read_head(connection)
    sockets.reset(connection)


def handshake_closed(server: Server, connection: Any) -> None:
    server.listen(connection)


def handshake_nonsense(server: Server, connection: Any) -> None:
    server.listen(connection)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    server.listen(connection)


def handshake_silent(server: Server, connection: Any) -> None:
    server.listen(connection)
    server.listen(connection)  # until the caller has gone


def broken_record(server: Server, secure: Any) -> None:
    server.read(secure)
    with socket.socket(fileno=secure.detach()) as bare:
        bare.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def error(code: str, words: str = "Their words.") -> bytes:
    return f'{{"errorResponse":{{"code":"{code}","message":"{words}"}}}}'.encode()


OK = (REPLIES / "add_ok.json").read_bytes()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(OK)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
NO_BYTE = "no byte of the request left, so nothing can be recorded: sent again by itself"
MAY_BE = "the request was, or may have been, read: never sent again until a look-up proves that the gift is absent"
NO_VERDICT = "the request was read and nothing in the answer says what became of it: looked up"
PAGE = "a page of some machine on the way; what stands behind it may have recorded the gift: looked up"
THEIR_NO = "Luminate speaks of this gift and refuses it, so it is not recorded; sent again it would be refused again"
SITE = "refused before any method ran, and the next gift would be too: no attempt is used up, posting pauses"
NO_METHOD = "whoever says so has not handed a POST on to any method; the next gift would fare alike: posting pauses"
CODE = "only a recorded gift has a confirmation code; it is never sent again"

CASES = (
    # --- the line
    Case("connection refused", "refused", NOT_SENT, "connection_refused", NO_BYTE),
    Case("name not found", "no name", NOT_SENT, "name_not_found", NO_BYTE),
    Case("address that is none", "no address", NOT_SENT, "bad_address", NO_BYTE),
    Case("connection not taken in time", "full", NOT_SENT, "connect_timeout", NO_BYTE),
    Case("certificate nobody vouches for", answering(reply()), NOT_SENT, "certificate_refused",
         "we end the handshake ourselves, before the request", tls="unknown"),
    Case("TLS closed during the handshake", handshake_closed, NOT_SENT, "not_connected",
         "the connection itself noted that no request byte was written", tls="trusted, bare"),
    Case("no TLS on the other side", handshake_nonsense, NOT_SENT, "not_connected",
         "the connection itself noted that no request byte was written", tls="trusted, bare"),
    Case("silence during the handshake", handshake_silent, NOT_SENT, "not_connected",
         "the connection itself noted that no request byte was written", tls="trusted, bare"),
    Case("TLS record broken after the request", broken_record, UNKNOWN, "tls_broken",
         "a TLS error like those before, but the request was out: the note of the first byte decides", tls="trusted"),
    Case("reset, request unread", reset_unread, UNKNOWN, "connection_lost",
         "not read, but we cannot see that: a byte was written"),
    Case("reset after the head of the request", reset_after_the_head, UNKNOWN, "connection_lost", MAY_BE),
    Case("reset after the whole request", raw(b"", hard=True), UNKNOWN, "connection_lost", MAY_BE),
    Case("closed without an answer", raw(b""), UNKNOWN, "connection_lost", MAY_BE),
    # --- time
    Case("silence", silent, UNKNOWN, "read_timeout", MAY_BE),
    Case("the head of the answer drips", dripping(HEAD + OK), UNKNOWN, "read_timeout",
         "one deadline for the whole answer, however it drips; the gift may be recorded"),
    Case("the body drips", dripping(HEAD + OK, size=20), UNKNOWN, "read_timeout",
         "one deadline for the whole answer, however it drips; the gift may be recorded"),
    Case("endless chunks", dripping(CHUNKED + b"1\r\nx\r\n" * 100, size=6), UNKNOWN, "read_timeout",
         "one deadline for the whole answer, however it drips; the gift may be recorded"),
    # --- half an answer
    Case("reset in the body", raw(HEAD + OK[:200], pause=0.05, hard=True), UNKNOWN, "answer_cut_short, connection_lost",
         "half an answer is none, even if its half looks like a success"),
    Case("body shorter than announced", raw(HEAD + OK[:200]), UNKNOWN, "answer_cut_short",
         "half an answer is none, even if its half looks like a success"),
    Case("chunks without an end", raw(CHUNKED + b"63\r\nhalf"), UNKNOWN, "answer_cut_short",
         "half an answer is none, even if its half looks like a success"),
    Case("head that breaks off", raw(b"HTTP/1.1 200 OK\r\nContent-Le"), UNKNOWN, "empty_answer", NO_VERDICT),
    Case("JSON that breaks off", answered("broken_off.json"), UNKNOWN, "unreadable_answer", NO_VERDICT),
    Case("XML that breaks off", answered("broken_off.xml"), UNKNOWN, "unreadable_answer", NO_VERDICT),
    # --- no answer of Luminate's
    Case("bytes that are no HTTP", raw(b"\x00\x01\x02 hello\r\n\r\n"), UNKNOWN, "connection_lost, transport_failed",
         NO_VERDICT),
    Case("gzip that is none", answered(b"not gzip", "200 OK", "Content-Encoding: gzip"), UNKNOWN, "transport_failed",
         NO_VERDICT),
    Case("a header without end", raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n"), UNKNOWN,
         "connection_lost, transport_failed", NO_VERDICT),
    Case("an answer of 1.5 MB", answered(b"x" * 1_500_000), UNKNOWN, "answer_too_large",
         "no reply of Luminate's is that large; it is not read to its end"),
    Case("200 without a body", answered(b""), UNKNOWN, "empty_answer", NO_VERDICT),
    Case("200 with blanks", answered("blank.txt"), UNKNOWN, "empty_answer", NO_VERDICT),
    Case("200 with an empty object", answered("empty_object.json"), UNKNOWN, "empty_answer", NO_VERDICT),
    Case("200 with plain text", answered("plain_text.txt"), UNKNOWN, "unreadable_answer", NO_VERDICT),
    Case("200 with a maintenance page", answered("html_maintenance.html"), UNKNOWN, "html_page", PAGE),
    Case("XML with a DTD", answered("doctype_bomb.xml"), UNKNOWN, "unreadable_answer",
         "not expanded, not read: it says nothing we trust"),
    Case("302, empty", answered(b"", "302 Found", "Location: /x"), UNKNOWN, "empty_answer",
         "never followed: a request repeated elsewhere would be a second gift"),
    Case("302 with a page", answered("html_502.html", "302 Found", "Location: /x"), UNKNOWN, "html_page",
         "never followed: a request repeated elsewhere would be a second gift"),
    Case("403 with a page", answered("html_502.html", "403 Forbidden"), UNKNOWN, "html_page", PAGE),
    Case("404 with text", answered("plain_text.txt", "404 Not Found"), UNKNOWN, "unreadable_answer", NO_VERDICT),
    Case("429 with text", answered("plain_text.txt", "429 Too Many Requests", "Retry-After: 30"), UNKNOWN,
         "unreadable_answer", "whether this call ran is not said: looked up, and the wait is kept"),
    Case("500, empty", answered(b"", "500 Internal Server Error"), UNKNOWN, "empty_answer", NO_VERDICT),
    Case("502 with a page", answered("html_502.html", "502 Bad Gateway"), UNKNOWN, "html_page", PAGE),
    Case("503 with a page", answered("html_maintenance.html", "503 Service Unavailable"), UNKNOWN, "html_page", PAGE),
    Case("504 with a page", answered("html_502.html", "504 Gateway Timeout"), UNKNOWN, "html_page",
         "the gateway gave up waiting, not Luminate working: looked up"),
    # --- Luminate's, but no verdict about the gift
    Case("a list of transactions", answered("transactions_one.json"), UNKNOWN, "unexpected_reply", NO_VERDICT),
    Case("the answer to a refund", answered("refund_ok.json"), UNKNOWN, "unexpected_reply", NO_VERDICT, refund=POSTED),
    Case("a redirect to an external checkout", answered("redirect.xml"), UNKNOWN, "redirect_reply", NO_VERDICT),
    Case("a donation without a code", answered("add_without_code.json"), UNKNOWN, "no_confirmation_code",
         "it speaks of a gift and does not prove one: looked up"),
    Case("two donations", answered("two_donations.json"), UNKNOWN, "no_confirmation_code",
         "which of them is ours is not said: looked up"),
    Case("errors without words", answered("errors_without_words.json", "403 Forbidden"), UNKNOWN,
         "errors_without_words", NO_VERDICT),
    Case("error 1, unable to process", answered(error("1"), "403 Forbidden"), UNKNOWN, "unable_to_process",
         "Luminate's failure in the middle of something: it may have recorded it before"),
    Case("an error code nobody knows", answered(error("906"), "403 Forbidden"), UNKNOWN, "unknown_code",
         "a table without a line for it is no permission to send again"),
    # --- this gift is refused
    Case("field errors, JSON, 403", answered("field_errors.json", "403 Forbidden"), REJECTED, "luminate_field_error",
         THEIR_NO),
    Case("field errors, XML, 403", answered("field_errors.xml", "403 Forbidden"), REJECTED, "luminate_field_error",
         THEIR_NO),
    Case("field errors, HTTP 200 (suppressed codes)", answered("field_errors.json"), REJECTED, "luminate_field_error",
         "the body beats the status code. " + THEIR_NO),
    Case("card declined", answered("card_declined.json", "403 Forbidden"), REJECTED, "card_declined", THEIR_NO),
    Case("error 8, several constituents", answered(error("8"), "403 Forbidden"), REJECTED, "several_constituents",
         THEIR_NO),
    Case("error 9, parameter missing", answered(error("9"), "403 Forbidden"), REJECTED, "parameter_missing", THEIR_NO),
    # --- everything is refused
    Case("error 2, API key", answered("bad_key_403.xml", "403 Forbidden"), BLOCKED, "bad_api_key", SITE),
    Case("the same in JSON with its invalid comma", answered("trailing_comma.json", "403 Forbidden"), BLOCKED,
         "bad_api_key", SITE),
    Case("error 3, login", answered(error("3"), "403 Forbidden"), BLOCKED, "bad_login", SITE),
    Case("error 3 inside donationResponse, 200", answered("suppressed_bad_login.json"), BLOCKED, "bad_login", SITE),
    Case("error 4, address not on the allow-list", answered(error("4"), "403 Forbidden"), BLOCKED, "ip_refused", SITE),
    Case("error 6, unknown method", answered(error("6"), "403 Forbidden"), BLOCKED, "method_unknown", SITE),
    Case("error 14, method not allowed", answered(error("14"), "403 Forbidden"), BLOCKED, "method_not_allowed", SITE),
    Case("405", answered("html_502.html", "405 Method Not Allowed"), BLOCKED, "wrong_verb", NO_METHOD),
    # --- recorded
    Case("a donation with a code, JSON", answered("add_ok.json"), POSTED, "recorded", CODE),
    Case("the same in XML", answered("add_ok.xml"), POSTED, "recorded", CODE),
    Case("the same under another charset than declared", answered("wrong_charset.xml"), POSTED, "recorded", CODE),
    Case("the same with HTTP 502", answered("add_ok.json", "502 Bad Gateway"), POSTED, "recorded",
         "the body beats the status code. " + CODE, refund=UNKNOWN),
    Case("a donation with another amount", answered("add_other_amount.json"), POSTED, "recorded",
         CODE + "; flagged for a person, because the amount differs"),
    Case("a donation without its amount", answered("add_amount_not_shown.json"), POSTED, "recorded",
         CODE + "; flagged for a person"),
    Case("a donation and errors", answered("add_and_errors.xml"), POSTED, "recorded", CODE + "; flagged for a person",
         refund=UNKNOWN),
    Case("the answer twice", answering(reply(OK) * 2), POSTED, "recorded",
         CODE + "; each call has a connection of its own, so nobody reads what comes after"),
)  # fmt: skip

PREFACE = """# What the wire can do, and what relay makes of it

Each line is played over a real socket against the real client (`tests/prove/test_wire_faults.py`); the test fails if
this page and the table of the test differ. `python -m tests.prove.wire_faults > docs/wire-faults.md` writes it.

One rule stands behind all lines: **sent again by itself is only what is surely not recorded**: it was not sent, or it
was refused before any method ran. The test holds every `not_sent` against the server, where there is one: no request
had arrived there, and of a handshake that failed nothing but the handshake.

Every line is played twice, as the answer to `addOfflineDonation` and to `refundOfflineDonation`. The outcome is the
same, unless the line names the other one: the success of a refund is not documented, so relay takes HTTP 200 with
something at the top that speaks of a donation or a refund, and nothing that speaks of an error.

| outcome | then |
|---|---|
| `posted` | in Luminate, with its confirmation code |
| `rejected` | a person mends it; Luminate's words are kept |
| `not_sent` | sent again by itself, after growing waits |
| `blocked` | the gift stays in line, posting of the organization pauses until a harmless read succeeds |
| `unknown` | never sent again before a look-up in Luminate has proven that it is absent |

| # | what comes back | outcome | reason | why this is safe |
|---|---|---|---|---|
"""


def page() -> str:
    """docs/wire-faults.md."""
    lines = (
        f"| {number} | {case.what} | {_outcome(case)} | {_codes(case)} | {case.safe} |\n"
        for number, case in enumerate(CASES, 1)
    )
    return PREFACE + "".join(lines)


def _outcome(case: Case) -> str:
    return f"`{case.outcome}`" + (f"; a refund `{case.refund}`" if case.refund else "")


def _codes(case: Case) -> str:
    return " or ".join(f"`{reason}`" for reason in case.reasons.split(", "))


if __name__ == "__main__":
    sys.stdout.write(page())
