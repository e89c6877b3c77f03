"""A Luminate over real HTTP for one test: the sandbox, in a thread of this process."""

import threading
from collections.abc import Iterator

import pytest

from relay.sandbox.server import SandboxServer
from relay.sandbox.state import Sandbox


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """Nobody's gifts yet; ``sandbox.url`` is where it listens."""
    server = SandboxServer("127.0.0.1", 0, Sandbox(None))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.stop()
    thread.join()
