"""What stands for the providers' APIs in the demo: one small server on this machine, answering reads only.

It lives in the process of the demo and ends with it. ``/<provider>/...`` answers what the provider's announcement
says (``relay/demo/announcements/fetched.py``), and nothing else.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from relay.demo.announcements import ANNOUNCEMENTS, Asked

# Questions to APIs are short.
MOST_BYTES = 100_000


class ProviderApis:
    """The server. Any free port will do: relay is told its address."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="provider-apis", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port; whoever is being answered may finish. Harmless before `start`."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


def answer(path: str, asked: Asked) -> tuple[int, bytes]:
    """Status and body for a question: 404 where nobody knows the path, 401 where the credential is not right."""
    provider, _, rest = path.removeprefix("/").partition("/")
    announced = ANNOUNCEMENTS.get(provider)
    found = announced.answers.get(f"/{rest}") if announced else None
    if found is None:
        return 404, b"{}"
    told = found(asked)
    if told is None:
        return 401, b"{}"
    return 200, told if isinstance(told, bytes) else json.dumps(told).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self._reply()

    def _reply(self) -> None:
        length = min(int(self.headers.get("content-length") or 0), MOST_BYTES)
        asked = Asked(self.rfile.read(length), self.headers.get("authorization", ""))
        status, body = answer(self.path, asked)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Say nothing: the worker logs what it asks."""
