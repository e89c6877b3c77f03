"""One sandbox server for the whole run, and for each test an organization of its own on it."""

import itertools
import threading

import pytest

from relay.sandbox.server import SandboxServer
from relay.sandbox.state import Sandbox

from .calling import Site

names = itertools.count(1)


@pytest.fixture(scope="session")
def server():
    """A sandbox in memory, on a free port."""
    running = SandboxServer("127.0.0.1", 0, Sandbox())
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield running
    running.stop()
    thread.join(timeout=5)


@pytest.fixture
def site(server):
    """An organization nobody has used yet."""
    found = Site(server.url, f"charity{next(names)}")
    yield found
    server.sandbox.faults.replace([])
    found.session.close()
