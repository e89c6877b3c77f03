"""A relay on each of the two databases."""

import pytest

from tests.builders import make_relay


@pytest.fixture
def relay(database_url):
    relay = make_relay(database_url)
    yield relay
    relay.database.engine.dispose()
