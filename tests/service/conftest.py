"""A relay on a SQLite ledger that does not wait for the disk: the bulk of the tests runs here."""

import pytest

from tests.builders import make_relay


@pytest.fixture
def sqlite_url(tmp_path):
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def relay(sqlite_url):
    return make_relay(sqlite_url)
