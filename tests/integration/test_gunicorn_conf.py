"""`gunicorn wsgi:app` on a platform: one app, several workers, none of which uses its parent's connections."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest

CONF = Path(__file__).parents[2] / "gunicorn.conf.py"

APP = """
import os, json
from flask import Flask, request

class Relay:
    loaded_by = os.getpid()
    forked = None
    def after_fork(self):
        self.forked = os.getpid()

app = Flask(__name__)
app.extensions["relay"] = Relay()

@app.get("/")
def index():
    relay = app.extensions["relay"]
    return json.dumps({"forked": relay.forked == os.getpid(), "loaded_by": relay.loaded_by, "scheme": request.scheme})
"""


def get(port, headers=()):
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/", headers=dict(headers))
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def serve(tmp_path):
    """Start gunicorn with our configuration and a small app; returns its port and process."""
    (tmp_path / "wsgi.py").write_text(APP)
    started = []

    def start(**environment):
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--config", str(CONF), "wsgi:app"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CONF.parent), "PORT": str(port), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        started.append(process)
        deadline = time.monotonic() + 20
        while True:
            try:
                get(port)
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            else:
                return port, process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_app_is_loaded_once_and_told_of_the_fork(serve):
    port, process = serve()
    answer = get(port)
    assert answer["forked"]
    assert answer["loaded_by"] == process.pid


def test_it_stops_when_asked_and_has_written_no_access_log(serve):
    port, process = serve()
    get(port)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert b"GET /" not in output


@pytest.mark.parametrize(
    ("environment", "scheme"),
    [({}, "https"), ({"FORWARDED_ALLOW_IPS": "192.0.2.7"}, "http"), ({"DYNO": "web.1"}, "https")],
)
def test_only_a_router_that_is_trusted_may_say_https(serve, environment, scheme):
    port, _ = serve(**environment)
    assert get(port, [("X-Forwarded-Proto", "https")])["scheme"] == scheme
