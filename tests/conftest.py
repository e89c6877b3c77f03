"""What every test has: no network, and real servers for those that ask. See tests/support for each fixture."""

import os
import resource
from collections.abc import Iterator

import pytest
from hypothesis import settings
from sqlalchemy import Connection, Engine, event

from tests.support.engines import close

pytest_plugins = [
    "tests.support.databases",
    "tests.support.luminate_site",
    "tests.support.network",
    "tests.support.provider_api",
]

# A busy machine is not a wrong answer. CI plays the same examples each time, so that chance never decides what lands;
# everybody else, and `make prove`, plays new ones.
settings.register_profile("relay", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("relay")

# Thousands of tests of one process hold more files open than the 1,024 that many systems begin with.
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
_wanted = 8192 if _hard == resource.RLIM_INFINITY else min(8192, _hard)
if _soft != resource.RLIM_INFINITY and _soft < _wanted:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_wanted, _hard))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: two workers at least, so that tests which need the same thing are found out everywhere."""
    return min(max(2, os.cpu_count() or 2), 8)


@pytest.fixture(autouse=True)
def _engines_closed() -> Iterator[None]:
    """Close what this test's engines hold open: whatever was left behind would be found, and warned of, in another."""
    used: set[Engine] = set()

    def remember(connection: Connection) -> None:
        used.add(connection.engine)

    event.listen(Engine, "engine_connect", remember)
    yield
    event.remove(Engine, "engine_connect", remember)
    close(used)
