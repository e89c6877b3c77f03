"""What every test has: no network, and real servers for those that ask. See tests/support for each fixture."""

import os

import pytest
from hypothesis import settings

pytest_plugins = ["tests.support.databases", "tests.support.network", "tests.support.provider_api"]

settings.register_profile("relay", deadline=None)  # a busy machine is not a wrong answer
settings.load_profile("relay")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: two workers at least, so that tests which need the same thing are found out everywhere."""
    return min(max(2, os.cpu_count() or 2), 8)
