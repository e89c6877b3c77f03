"""The fortress that attacks are made on."""

import pytest

from relay.inbound.strangers import Strangers
from tests.support.fortress import Fortress


@pytest.fixture
def fortress(tmp_path):
    made = Fortress(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield made
    made.database.engine.dispose()


@pytest.fixture
def standing(of_a_file):
    """The same; who was wrong too often in an earlier attack is forgotten."""
    of_a_file.relay.intake.strangers = Strangers()
    return of_a_file


@pytest.fixture(scope="module")
def of_a_file(tmp_path_factory):
    """One for all attacks of a file that leave nothing behind where they fail."""
    made = Fortress(f"sqlite:///{tmp_path_factory.mktemp('fortress') / 'ledger.db'}")
    yield made
    made.database.engine.dispose()
