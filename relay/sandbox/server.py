"""The HTTP server: a thread for each connection, HTTP/1.1 with keep-alive.

The standard library's server, because it hands over the socket itself: a reset must be a reset, and half a body half a
body.
"""

import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from urllib.parse import urlsplit

from . import admin, api
from .messages import Request, json_reply
from .state import Sandbox
from .wire import Wire

logger = logging.getLogger(__name__)
LARGEST_BODY = 4_000_000
IDLE_SECONDS = 60


class Handler(BaseHTTPRequestHandler):
    """Reads one request after the other from a connection and passes each on."""

    server: "SandboxServer"
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        """As the base class does it, for any verb, with an end of the connection that is not worth a traceback."""
        try:
            self.raw_requestline = self.rfile.readline(65_537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            self._pass_on()
        except (OSError, ValueError):
            # the caller went away (OSError) or the wire was cut by a fault (ValueError: reading a closed file)
            self.close_connection = True

    def _pass_on(self) -> None:
        wire = Wire(self.connection, self.rfile, self.server.stopping)
        request = self._request()
        if request is None:
            wire.send(json_reply({"error": "The body must have a Content-Length of at most 4,000,000 bytes."}, 413))
            wire.close()
        elif admin.is_admin(request.path):
            wire.send(admin.answer(self.server.sandbox, request))
        else:
            api.answer(self.server.sandbox, request, wire)
        self.close_connection = self.close_connection or wire.over

    def _request(self) -> Request | None:
        """The request with its whole body, or None when that cannot be read."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length.isdecimal() or int(length) > LARGEST_BODY:
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionError("the request ended early")
        address = urlsplit(self.path)
        return Request(self.command, address.path, address.query, headers, body, self.client_address[0])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """No line for each request: a demo's terminal belongs to the relay."""
        logger.debug(format, *args)


class SandboxServer(ThreadingHTTPServer):
    """Serves one sandbox until `stop`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, host: str, port: int, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.stopping = threading.Event()
        super().__init__((host, port), Handler)

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def server_bind(self) -> None:
        """Without asking a name server for the name of this machine, as the HTTP class would."""
        self.server_name, self.server_port = "sandbox", 0
        TCPServer.server_bind(self)

    def stop(self) -> None:
        """Ends every wait and every listening; connections are left to their daemon threads."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        self.sandbox.store.close()
