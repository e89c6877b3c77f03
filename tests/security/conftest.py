"""The fortress that attacks are made on."""

import pytest

from tests.support.fortress import Fortress


@pytest.fixture
def fortress(tmp_path):
    made = Fortress(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield made
    made.database.engine.dispose()


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """One for all attacks of a file that leave nothing behind where they fail."""
    made = Fortress(f"sqlite:///{tmp_path_factory.mktemp('fortress') / 'ledger.db'}")
    yield made
    made.database.engine.dispose()
