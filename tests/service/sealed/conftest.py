"""The same tests once more, on ledgers that are sealed: what people and machines see must be the same."""

import pytest

from tests.builders import ClockedDatabase
from tests.support.console import House
from tests.support.sealed import NEW

# What a sealed ledger does not do: three letters are the least that a word is found by.
TOO_SHORT = {"test_a_search_finds_exactly[m.stone@ex-numbers14]"}


def pytest_collection_modifyitems(items):
    for item in items:
        if item.name in TOO_SHORT and "/sealed/" in item.nodeid:
            item.add_marker(pytest.mark.xfail(reason="a beginning of two letters", strict=True))


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    monkeypatch.setattr(ClockedDatabase, "keys", (NEW,))


@pytest.fixture
def house(sqlite_url):
    return House(sqlite_url)
