"""What every test has: no network, and real servers for those that ask. See tests/support for each fixture."""

import os

import pytest
from hypothesis import settings

pytest_plugins = ["tests.support.databases", "tests.support.network", "tests.support.provider_api"]

# A busy machine is not a wrong answer. CI plays the same examples each time, so that chance never decides what lands;
# everybody else, and `make prove`, plays new ones.
settings.register_profile("relay", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("relay")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: two workers at least, so that tests which need the same thing are found out everywhere."""
    return min(max(2, os.cpu_count() or 2), 8)
