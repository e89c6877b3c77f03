"""A client without any cleverness: it sends one call over a socket and keeps what came, and how it ended."""

import http.client
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from .calling import CREDENTIALS, GIFT


@dataclass
class Seen:
    """Bytes received, and the end: `closed` (FIN), `reset` (RST) or `silence` (nothing more within the time)."""

    data: bytes
    end: str
    seconds: float

    @property
    def head(self) -> str:
        return self.data.partition(b"\r\n\r\n")[0].decode()

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]


def request_bytes(site, connection="keep-alive", **changed):
    """One addOfflineDonation call as it goes over the wire."""
    params = {**CREDENTIALS, "method": "addOfflineDonation", "response_format": "json", **GIFT, **changed}
    body = urlencode(params).encode()
    head = (
        f"POST /{site.name}/site/SRDonationAPI HTTP/1.1\r\nHost: sandbox\r\n"
        f"Connection: {connection}\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n\r\n"
    )
    return head.encode() + body


def connect(site):
    where = urlsplit(site.url)
    return socket.create_connection((where.hostname, where.port), timeout=5)


def call(site, patience=0.3, **changed):
    """Sends a gift and listens until the end, or until nothing has come for `patience` seconds."""
    started = time.monotonic()
    with connect(site) as sock:
        sock.settimeout(patience)
        sock.sendall(request_bytes(site, **changed))
        data, end = _listen(sock)
    return Seen(data, end, time.monotonic() - started)


def _listen(sock):
    data = b""
    try:
        while piece := sock.recv(65536):
            data += piece
    except ConnectionResetError:
        return data, "reset"
    except TimeoutError:
        return data, "silence"
    return data, "closed"


def incomplete(site, **changed):
    """Reads the answer as http.client does; the body that could not be completed, or None when it could."""
    with connect(site) as sock:
        sock.sendall(request_bytes(site, **changed))
        response = http.client.HTTPResponse(sock, method="POST")
        response.begin()
        try:
            response.read()
        except http.client.IncompleteRead as cut:
            return cut.partial
        finally:
            response.close()
    return None
