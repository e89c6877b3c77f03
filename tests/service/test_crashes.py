"""Sentry on loopback: what broke and where arrives; nothing of what it worked on does."""

import gzip
import json
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import sentry_sdk
import structlog

from relay import crashes, telemetry
from relay.app import create_app
from relay.bootstrap import build
from relay.crashes import scrubbed
from relay.errors import MoneyError
from relay.money import Money
from tests.builders import make_relay

PLANTED = (
    "mary.stone@example.org",
    "4242424242424242",
    "4242 4242 4242 4242",
    "whsec_planted_secret",
    "Quark",
    "tok-99",
)


class Project:
    """A Sentry project that keeps every byte it is sent."""

    def __init__(self):
        self.bodies = []
        project = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                project.bodies.append((str(self.headers) + self.path).encode() + body)
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                """Tests print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def dsn(self):
        return f"http://publickey@127.0.0.1:{self._server.server_address[1]}/1"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    @property
    def events(self):
        sentry_sdk.flush(5)
        return [json.loads(body.splitlines()[-1]) for body in self.bodies]

    @property
    def everything(self):
        sentry_sdk.flush(5)
        return b"\n".join(self.bodies).decode()


@pytest.fixture
def project():
    project = Project()
    yield project
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)
    telemetry.report_to(None)
    structlog.contextvars.clear_contextvars()
    project.close()


@pytest.fixture
def app(sqlite_url, project):
    bench = make_relay(sqlite_url, sentry_dsn=project.dsn)
    app = create_app(build(bench.settings, database=bench.database))

    @app.post("/breaks/<token>")
    def breaks(token):
        name, card = "Zebulon Quark", PLANTED[2]
        raise KeyError(f"{token} {PLANTED[3]}") from ValueError(f"{name} {PLANTED[0]} {card}")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app


def test_a_broken_request_is_reported_without_what_it_was_about(app, project, capsys):
    answer = app.test_client().post(
        f"/breaks/{PLANTED[5]}?email={PLANTED[0]}",
        json={"card": PLANTED[1], "name": "Quark"},
        headers={"Authorization": f"Bearer {PLANTED[3]}", "Cookie": f"c={PLANTED[5]}", "X-Request-ID": "request-17"},
    )
    assert answer.status_code == 500
    (event,) = project.events
    assert [one["type"] for one in event["exception"]["values"]] == ["ValueError", "KeyError"]
    assert event["tags"] == {"event": "request_failed", "request": "request-17", "rule": "/breaks/<token>"}
    assert [word for word in PLANTED if word in project.everything] == []
    assert [word for word in PLANTED if word in "".join(capsys.readouterr())] == []


def test_our_own_frames_are_told_by_file_function_and_line(project):
    telemetry.configure("json", "INFO")
    crashes.configure(project.dsn)
    try:
        Money.parse("Quark", "USD")
    except MoneyError:
        structlog.get_logger("relay.outbound.posting").exception(
            "sending_failed", entry=7, organization="alder", donor="Quark"
        )
    (event,) = project.events
    (told,) = event["exception"]["values"]
    frame = told["stacktrace"]["frames"][0]
    assert (frame["filename"], frame["function"]) == ("relay/money.py", "parse")
    assert frame["lineno"] > 0
    assert set(frame) == {"filename", "function", "lineno", "in_app"}
    assert told["value"] == "sending_failed"
    assert event["tags"] == {"event": "sending_failed", "entry": "7", "organization": "alder"}


def test_an_error_without_an_exception_is_its_phrase_and_ids(project):
    telemetry.configure("json", "INFO")
    crashes.configure(project.dsn)
    log = structlog.get_logger("relay.worker")
    log.error("lease_expired", entry=12, why=PLANTED[0], kind="Zebulon Quark", reason=PLANTED[1])
    log.warning("signature_refused", organization="alder")
    (event,) = project.events
    assert event["message"] == "lease_expired"
    assert event["tags"] == {"event": "lease_expired", "entry": "12"}
    assert [word for word in PLANTED if word in project.everything] == []


def test_whatever_else_reaches_the_sdk_is_made_anew(project):
    telemetry.configure("json", "INFO")
    crashes.configure(project.dsn)
    sentry_sdk.set_user({"email": PLANTED[0]})
    sentry_sdk.set_extra("card", PLANTED[1])
    sentry_sdk.set_tag("donor", "Quark")
    sentry_sdk.set_context("payment", {"secret": PLANTED[3]})
    sentry_sdk.add_breadcrumb(message=PLANTED[0])
    sentry_sdk.capture_message(PLANTED[0])
    sentry_sdk.capture_exception(LookupError(PLANTED[2]))
    sentry_sdk.get_isolation_scope().clear()
    assert [event.get("exception", {}).get("values", [{}])[0].get("type") for event in project.events] == [
        None, "LookupError",
    ]  # fmt: skip
    assert [word for word in PLANTED if word in project.everything] == []


def test_nothing_passes_because_nobody_thought_of_it():
    event = {
        "event_id": "1", "request": {"data": "x"}, "user": {"id": 1}, "extra": {}, "contexts": {}, "breadcrumbs": [],
        "modules": {}, "server_name": "host", "transaction": "x", "logentry": {}, "threads": {}, "something_new": "x",
        "tags": {"entry": "7", "reason": "Mary Stone", "else": "x"},
        "exception": {"values": [{"type": "Not a name", "value": "x", "module": "m", "stacktrace": {"frames": [
            {"filename": "/home/mary/x.py", "function": "a b", "lineno": "1", "vars": {}, "context_line": "x"}]}}]},
    }  # fmt: skip
    assert scrubbed(event) == {
        "event_id": "1",
        "tags": {"entry": "7"},
        "exception": {"values": [{"type": "unnamed", "value": "", "stacktrace": {"frames": [
            {"filename": "elsewhere", "function": "unnamed", "lineno": 0, "in_app": True}]}}]},
    }  # fmt: skip


def test_without_an_address_the_sdk_is_not_even_loaded(sqlite_url):
    bench = make_relay(sqlite_url)
    assert replace(bench.settings).sentry_dsn == ""
    code = "import sys, relay.app; from relay import crashes; crashes.configure(''); print('sentry_sdk' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
