"""A console around a whole relay on SQLite, with people in it: viewer, finance, admins, and an outsider."""

import pytest

from tests.support.console import House


@pytest.fixture
def house(sqlite_url):
    """Two organizations, alder and birch, and everybody of tests.support.console.STAFF."""
    return House(sqlite_url)
