"""gunicorn's worker with threads, where no thread ever waits for a sender.

gunicorn's own reads from the connection in the thread that answers: sixteen senders that trickle their bytes hold all
threads for as long as they like, and no timeout ends them. Here the loop that accepts connections also takes their
bytes in, only whole requests go to a thread, and whoever needs longer than WHOLE_SECONDS for one is answered 408
(docs/adr/0024-limits-at-the-front-door.md). It speaks no TLS: the router in front does.
"""

from __future__ import annotations

import selectors
import socket
import time
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

import structlog
from gunicorn.http.unreader import Unreader
from gunicorn.workers.gthread import TConn, ThreadWorker
from prometheus_client import Counter

from relay.web.framing import Got, Incoming
from relay.web.metrics import OF_THIS_PROCESS

log = structlog.get_logger(__name__)

# From the first byte of a request to its last. No sender waits longer than 30 s for its answer; and a server that is
# told to stop gives its requests 25.
WHOLE_SECONDS = 20.0
# What all requests on their way in may hold together, in bytes.
MOST_HELD = 32_000_000
# How long a sender may take to read the end of its answer and hang up.
LINGER_SECONDS = 2.0
_MOST_LINGERING = 100
_CHUNK = 65_536
# Any page, so that a thread need not wait for whoever reads slowly.
_SEND_BUFFER = 262_144
_SLOW, _FULL = "408 Request Timeout", "503 Service Unavailable"
_REFUSED = {Got.OVERFLOWING: "413 Content Too Large", Got.HEAD_TOO_LONG: "431 Request Header Fields Too Large"}
ENDED = Counter(
    "relay_requests_not_received",
    "Requests that were not taken in: too slow (408), too large (413, 431), or no room was left (503).",
    ["status"],
    registry=OF_THIS_PROCESS,
)


class Received(Unreader):  # type: ignore[misc]  # gunicorn has no annotations
    """What gunicorn's parser reads from: what has come, and then the end. It never waits for more."""

    def chunk(self, size_hint: int | None = None) -> bytes:  # noqa: ARG002  # gunicorn's signature
        """Nothing but what was put in."""
        return b""


class Conn(TConn):  # type: ignore[misc]
    """A connection whose requests the loop takes in."""

    def __init__(self, worker: Worker, sock: socket.socket, client: Any, server: Any) -> None:
        """A connection of this worker."""
        super().__init__(worker.cfg, sock, client, server)
        self._worker = worker
        self.incoming = Incoming(0)
        self.until = 0.0
        # Not all of its request was taken: it ends with the answer.
        self.is_partial = False

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002  # gunicorn's signature
        """Hang up; gracefully, the loop waits for the other side, and not this thread."""
        if graceful and self._worker.lingers(self):
            return
        super().close()


class Worker(ThreadWorker):  # type: ignore[misc]
    """Takes requests in beside each other, and hands whole ones to the threads."""

    whole_seconds: ClassVar[float] = WHOLE_SECONDS

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Nobody is here."""
        super().__init__(*arguments, **named)
        # Both from the oldest to the newest.
        self.receiving: dict[Conn, None] = {}
        self.lingering: dict[Conn, None] = {}
        self.held = 0

    @property
    def limit(self) -> int:
        """The bytes of a body that the application takes at most."""
        config = getattr(self.wsgi, "config", {})
        return int(config.get("MAX_CONTENT_LENGTH") or 1_000_000)

    # --- taking in ----------------------------------------------------------------------------------------------------

    def accept(self, listener: socket.socket) -> None:
        """Take a new connection."""
        with suppress(BlockingIOError, ConnectionAbortedError):
            sock, client = listener.accept()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            self.nr_conns += 1
            self.enqueue_req(Conn(self, sock, client, listener.getsockname()))

    def enqueue_req(self, conn: Conn) -> None:
        """Take in the next request of a connection; only then does a thread get it."""
        self._make_room()
        conn.sock.setblocking(False)
        conn.incoming, conn.until = Incoming(self.limit), time.monotonic() + self.whole_seconds
        self.receiving[conn] = None
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._more, conn))
        # Of the next request some may have come with the last one.
        ahead = conn.parser.unreader.take_buffered() if conn.parser else b""
        self._took(conn, ahead) if ahead else self._more(conn)

    def _more(self, conn: Conn, _sock: object = None) -> None:
        """Something came, or the other side hung up."""
        try:
            came = conn.sock.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            came = b""
        if came:
            self._took(conn, came)
        else:
            self._forget(conn)
            self._hang_up(conn)

    def _took(self, conn: Conn, came: bytes) -> None:
        """Take this many bytes more, and see whether that is all."""
        is_asking, self.held = conn.incoming.waits_for_leave, self.held + len(came)
        got = conn.incoming.add(came)
        if status := _REFUSED.get(got):
            self._refuse(conn, status)
        elif got is not Got.PART:
            self._hand_over(conn, is_partial=got is Got.TOO_LONG)
        elif conn.incoming.waits_for_leave and not is_asking:
            with suppress(OSError):
                conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        while self.held > max(MOST_HELD, 2 * self.limit):
            self._refuse(next(iter(self.receiving)), _FULL)

    def _hand_over(self, conn: Conn, *, is_partial: bool) -> None:
        """Give the whole request to a thread."""
        self._forget(conn)
        conn.is_partial = is_partial
        conn.init()
        if not isinstance(conn.parser.unreader, Received):
            conn.parser.unreader = Received()
        conn.parser.unreader.unread(bytes(conn.incoming.data))
        conn.incoming = Incoming(0)
        super().enqueue_req(conn)

    def _keepalive_after(self, conn: Conn, keepalive: bool) -> bool:  # noqa: FBT001  # gunicorn's signature
        """Where a request was not taken in whole, nobody knows where the next one begins."""
        return not conn.is_partial and bool(super()._keepalive_after(conn, keepalive))

    # --- ending -------------------------------------------------------------------------------------------------------

    def murder_pending(self) -> None:
        """End whoever took too long. gunicorn's loop asks for it at least once a second."""
        super().murder_pending()
        slow = self._slow()
        for conn in slow:
            self._refuse(conn, _SLOW if conn.incoming.data else "")
        for conn in [conn for conn in self.lingering if conn.until <= time.monotonic()]:
            self._let_go(conn)
        if count := sum(bool(conn.incoming.data) for conn in slow):
            log.warning("slow_senders_ended", count=count, seconds=self.whole_seconds)

    def _slow(self) -> list[Conn]:
        """Whose time is up. When this worker stops, nobody is waited for who has sent nothing yet."""
        now = time.monotonic()
        early = now if self.alive else now + self.whole_seconds - LINGER_SECONDS
        return [conn for conn in self.receiving if conn.until <= (now if conn.incoming.data else early)]

    def _make_room(self) -> None:
        """Where nearly all connections are taken, the oldest without a whole request ends: a new one may be genuine."""
        if self.nr_conns < self.worker_connections - 8:
            return
        if len(self.keepalived_conns) > len(self.receiving):
            conn = self.keepalived_conns.popleft()
            self.poller.unregister(conn.sock)
            self._hang_up(conn)
        elif self.receiving:
            self._refuse(next(iter(self.receiving)), _FULL)

    def _refuse(self, conn: Conn, status: str) -> None:
        """Answer without the application, as far as that goes at once, and hang up."""
        self._forget(conn)
        if status:
            ENDED.labels(status[:3]).inc()
            text = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            with suppress(OSError):
                conn.sock.send(text.encode())
        self._hang_up(conn, graceful=bool(status))

    def _forget(self, conn: Conn) -> None:
        """It takes nothing in any more."""
        if conn in self.receiving:
            del self.receiving[conn]
            self.held -= len(conn.incoming.data)
            self.poller.unregister(conn.sock)

    def _hang_up(self, conn: Conn, *, graceful: bool = False) -> None:
        self.nr_conns -= 1
        conn.close(graceful)

    def lingers(self, conn: Conn) -> bool:
        """Say that nothing more is coming, and let the other side read the rest: else what it has not read is lost."""
        if len(self.lingering) >= _MOST_LINGERING:
            return False
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._drain, conn))
        except (OSError, ValueError, KeyError):
            return False
        conn.until = time.monotonic() + LINGER_SECONDS
        self.lingering[conn] = None
        return True

    def _drain(self, conn: Conn, _sock: object = None) -> None:
        with suppress(BlockingIOError):
            try:
                if conn.sock.recv(_CHUNK):
                    return
            except ConnectionError:
                pass
            self._let_go(conn)

    def _let_go(self, conn: Conn) -> None:
        del self.lingering[conn]
        self.poller.unregister(conn.sock)
        conn.close()
