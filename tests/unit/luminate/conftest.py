"""A sandbox to read from, and for each test an organization of its own on it."""

import itertools
import threading

import pytest

from relay.sandbox.server import SandboxServer
from relay.sandbox.state import Sandbox
from tests.unit.sandbox.calling import Site

names = itertools.count(1)


@pytest.fixture(scope="session")
def luminate():
    """The sandbox's server, in memory and on a free port."""
    running = SandboxServer("127.0.0.1", 0, Sandbox())
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield running
    running.stop()
    thread.join(timeout=5)


@pytest.fixture
def site(luminate):
    """An organization nobody has used yet."""
    found = Site(luminate.url, f"reading{next(names)}")
    yield found
    luminate.sandbox.faults.replace([])
    found.session.close()
