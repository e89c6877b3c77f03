"""Connections that know whether a request byte was written, that serve one call each, and that keep a deadline.

requests and urllib3 cannot tell the phase in which a call failed: a reset, a close without an answer and a close during
the TLS handshake are one exception. So the connection itself notes the moment before the first request byte goes out.
"""

from __future__ import annotations

import http.client
import io
import math
import socket
import threading
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from relay import clock


class _Note(threading.local):
    """What happened to the call of this thread. ``written`` None: our connections had no part in it."""

    written: bool | None = None
    latest: float = math.inf


_NOTE = _Note()


def begin_call(patience: float = math.inf) -> None:
    """Forget the call before. If no byte has left ``patience`` seconds from now, none will.

    A process that stood still, or waited for a name server, may have lost its claim to another meanwhile.
    """
    _NOTE.written = None
    _NOTE.latest = clock.seconds() + patience


def surely_unwritten() -> bool:
    """Whether it is proven that no byte of this thread's request went out."""
    return _NOTE.written is False


class _UntilDeadline(io.RawIOBase):
    """Reads a socket, each time with no more patience than the deadline leaves."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: float) -> None:
        self._raw, self._sock, self._deadline = raw, sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the whole answer took too long")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer whose headers and body must both be there before the deadline, however slowly they drip."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        patience = sock.gettimeout()
        if patience is not None:
            raw = _UntilDeadline(self.fp.detach(), sock, time.monotonic() + patience)
            self.fp = io.BufferedReader(raw)


class _Noting(HTTPConnection):
    """The part that HTTP and HTTPS share."""

    response_class = _Response
    _used = False
    _tunnelling = False

    def _tunnel(self) -> None:
        """What is said to a proxy to reach Luminate is no request byte: the handshake is still to come."""
        self._tunnelling = True
        try:
            super()._tunnel()
        finally:
            self._tunnelling = False

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if self._tunnelling:
            super().send(data)
            return
        if not _NOTE.written and clock.seconds() > _NOTE.latest:
            raise TimeoutError("too late for the first byte")
        _NOTE.written = True
        self._used = True
        super().send(data)

    @property
    def is_connected(self) -> bool:
        """Whether the pool may use this connection: once, for whatever comes late would answer the next gift."""
        return not self._used and super().is_connected


class _NotingTLS(_Noting, HTTPSConnection):
    """The same over TLS; the bytes of a handshake are no request bytes."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Noting


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _NotingTLS


class NotingAdapter(HTTPAdapter):
    """Connections of our own kind, one for each call, and nothing is ever repeated."""

    def __init__(self, pool_size: int) -> None:
        super().__init__(pool_connections=1, pool_maxsize=pool_size, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        _NOTE.written = False
        request.headers["Connection"] = "close"
        return super().send(request, *args, **kwargs)
