"""The one whom `make run` lets into the console."""

import stat

import pytest

from relay.access import Role
from relay.demo.people import DEMO, EMAIL, welcome
from relay.ledger import people
from relay.ledger.db import Database
from relay.ledger.models import metadata
from relay.office.people import People, passwords


@pytest.fixture
def ledger(tmp_path):
    made = Database(f"sqlite:///{tmp_path / 'ledger.db'}")
    metadata.create_all(made.engine)
    yield made
    made.engine.dispose()


def admin(ledger):
    with ledger.read() as tx:
        return people.find(tx, EMAIL)


def test_the_password_is_made_once_and_kept_for_its_owner_alone(ledger, tmp_path):
    password = welcome(ledger, tmp_path)
    assert passwords.is_right(admin(ledger).password_hash, password)
    assert admin(ledger).roles == {"*": Role.ADMIN}
    assert welcome(ledger, tmp_path) == password
    assert stat.S_IMODE((tmp_path / "console-password").stat().st_mode) == 0o600


def test_a_password_that_was_chosen_since_is_not_told(ledger, tmp_path):
    welcome(ledger, tmp_path)
    People(ledger, (), "").generate(DEMO, admin(ledger).id, "one of my own choice")
    assert welcome(ledger, tmp_path) == ""


def test_with_its_file_gone_there_is_a_new_one(ledger, tmp_path):
    before = welcome(ledger, tmp_path)
    (tmp_path / "console-password").unlink()
    assert welcome(ledger, tmp_path) not in ("", before)
