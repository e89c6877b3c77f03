"""Whom alerts reach: a real SMTP server and a real HTTP server on this machine, which keep what they are sent."""

import json
import threading
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller

from relay.config import MailServer
from tests.support.processes import free_port


class Mailbox:
    """A mail server. ``refuses``: an answer to every recipient in place of the usual one."""

    def __init__(self):
        self.port = free_port()
        self.envelopes = []
        self.refuses = ""
        self._server = None

    @property
    def server(self):
        return MailServer(host="127.0.0.1", port=self.port, security="plain", sender="relay@alder.org")

    @property
    def mails(self):
        return [message_from_bytes(one.content, policy=policy.default) for one in self.envelopes]

    @property
    def subjects(self):
        return [mail["Subject"] for mail in self.mails]

    def up(self):
        self._server = Controller(self, hostname="127.0.0.1", port=self.port)
        self._server.start()
        return self

    def down(self):
        if self._server:
            self._server.stop()
            self._server = None

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802  # aiosmtpd's name
        if self.refuses:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802  # aiosmtpd's name
        self.envelopes.append(envelope)
        return "250 Kept"


class Hook:
    """A webhook. ``status`` is what it answers; a redirect leads to itself."""

    def __init__(self):
        self.bodies = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                hook.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(hook.status)
                self.send_header("Location", hook.url)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Tests print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}/services/T0/B0/xyzzy-secret"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
