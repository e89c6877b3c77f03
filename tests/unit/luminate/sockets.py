"""A server that misbehaves on purpose: each connection is handed to a function that does what the test wants."""

import contextlib
import socket
import ssl
import struct
import threading
import time
from urllib.parse import parse_qsl

OK = b'{"isEmailValidResponse":{"valid":"true"}}'


def reply(body=OK, status="200 OK", headers=()):
    """A whole HTTP answer that keeps the connection alive."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def read_request(connection):
    """One request as (head, body), or None at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:])
    while len(body) < int(headers["Content-Length"]):
        body += connection.recv(65536)
    return head.decode("latin-1"), body


def reset(connection):
    """Ends the connection the hard way (RST)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def drip(connection, data, pause=0.05, size=1):
    for start in range(0, len(data), size):
        connection.sendall(data[start : start + size])
        time.sleep(pause)


class Server:
    """Listens on a free port; ``requests`` are those that arrived whole, ``connections`` counts connections.

    ``heard`` is what arrived where nobody reads requests.
    """

    def __init__(self, behave):
        self.requests = []
        self.heard = bytearray()
        self.connections = 0
        self._behave = behave
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open = []
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/demo/site"
        threading.Thread(target=self._accept, daemon=True).start()

    def read(self, connection):
        request = read_request(connection)
        if request is not None:
            self.requests.append(request)
        return request

    def listen(self, connection):
        self.heard += connection.recv(65536)

    def parameters(self, number=-1):
        return dict(parse_qsl(self.requests[number][1].decode("ascii"), keep_blank_values=True, encoding="utf-8"))

    def close(self):
        for connection in (self._socket, *self._open):
            with contextlib.suppress(OSError):
                connection.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection:
            self._behave(self, connection)


def answering(*answers):
    """Answers the requests of a connection one after the other, the last one for ever."""

    def behave(server, connection):
        number = 0
        while server.read(connection):
            connection.sendall(answers[min(number, len(answers) - 1)])
            number += 1

    return behave


def over_tls(certificate, behave):
    """The same behind TLS with this (certificate, key) pair."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def wrapped(server, connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            behave(server, secure)

    return wrapped
