"""The connection under one request, and everything honest or dishonest that can be done with it.

Whole answers are one `sendall` (a second small write would wait for a delayed acknowledgement). Every method that
writes tells whether the caller was still there.
"""

import select
import socket
import struct
import threading
import time
from http import HTTPStatus
from typing import Protocol

from .messages import Reply

PAUSE = 0.05


class Closable(Protocol):
    def close(self) -> None: ...


def head(reply: Reply, length: str) -> bytes:
    """Status line and headers; `length` is the line that frames the body."""
    phrase = HTTPStatus(reply.status).phrase
    lines = [f"HTTP/1.1 {reply.status} {phrase}", "Server: sandbox", f"Content-Type: {reply.content_type}", length]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def whole(reply: Reply) -> bytes:
    return head(reply, f"Content-Length: {len(reply.body)}") + reply.body


class Wire:
    """One connection. `stopping` ends every wait when the server stops; `over` tells that no request may follow."""

    def __init__(self, connection: socket.socket, reader: Closable, stopping: threading.Event) -> None:
        self._socket = connection
        self._reader = reader
        self._stopping = stopping
        self.over = False

    def send(self, reply: Reply, times: int = 1) -> bool:
        """The whole answer, once or more often in one go."""
        return self.write(whole(reply) * times)

    def write(self, data: bytes) -> bool:
        """Whether the caller was there and the network took all of it."""
        if self.gone():
            return False
        try:
            self._socket.sendall(data)
        except OSError:
            self.over = True
            return False
        return True

    def gone(self) -> bool:
        """The caller has hung up (seen as an end of file or an error where nothing or a next request should be)."""
        try:
            # Not select(): it knows no file beyond number 1023.
            waiting = select.poll()
            waiting.register(self._socket, select.POLLIN)
            left = bool(waiting.poll(0)) and not self._socket.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):
            left = True
        self.over = self.over or left
        return left

    def wait(self, seconds: float) -> None:
        """Waits the whole time, whether or not the caller does."""
        self._stopping.wait(seconds)

    def hang(self, seconds: float) -> None:
        """Says nothing until the time is up, the caller has gone or the server stops; then closes."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._stopping.wait(PAUSE) and not self.gone():
            pass
        self.close()

    def close(self) -> None:
        """An orderly end (FIN) without an answer."""
        self.over = True

    def reset(self) -> None:
        """A hard end (RST): with a linger time of zero the kernel drops the connection at close."""
        self.over = True
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._reader.close()
        self._socket.close()

    def break_off(self, reply: Reply, framing: str) -> None:
        """Announces a whole body (by its length, or in chunks without a last one), sends half of it and closes."""
        half = reply.body[: len(reply.body) // 2]
        if framing == "chunked":
            data = head(reply, "Transfer-Encoding: chunked") + b"%x\r\n%b\r\n" % (len(half), half)
        else:
            data = head(reply, f"Content-Length: {len(reply.body)}") + half
        self.write(data)
        self.close()

    def drip(self, reply: Reply, seconds: float) -> bytes:
        """The answer but for its last piece, spread evenly over the time; returns that piece, or nothing when the
        caller has left. There are at most twenty pieces a second, of at least one byte.
        """
        data = whole(reply)
        size = max(1, round(len(data) * PAUSE / seconds)) if seconds > 0 else len(data)
        for start in range(0, len(data) - size, size):
            if not self.write(data[start : start + size]) or self._stopping.wait(seconds * size / len(data)):
                return b""
        return data[(len(data) - 1) // size * size :]
