"""``flask seal``, and what the doctor says of encryption before, between and after."""

import pytest

from relay.doctor.encryption import encryption
from relay.ledger.db import Database
from relay.ledger.sealing import Keyring
from tests.support.sealed import NEW, OLD, STRANGE, everything


def lives_on_with(house, *keys):
    """The same relay, started anew with these keys."""
    database = house.relay.database
    anew = Database(house.relay.settings.database_url, Keyring(keys))
    database.engine, database.keyring = anew.engine, anew.keyring


def doctor(house):
    (check,) = encryption(house.relay.database)
    return check.level, check.text, check.what_to_do


def mark(key):
    return Keyring((key,)).marks[0]


@pytest.fixture
def life(house):
    """A gift before there were keys."""
    house.give()
    return house


def test_from_plain_over_two_keys_to_plain_again(life):
    assert doctor(life)[:2] == ("ok", "Donor data lies readable in the ledger (RELAY_ENCRYPTION_KEYS is not set).")

    lives_on_with(life, "open", OLD)
    life.give("ch_2")
    assert "Everything is open." in life.run("seal", "--check").stdout

    lives_on_with(life, OLD)
    assert doctor(life) == (
        "warning", f"4 rows are not sealed with the newest key ({mark(OLD)}).", "Run `flask seal`.",
    )  # fmt: skip
    said = life.run("seal", "--check").stdout
    assert f"entries: 2 rows not sealed with key {mark(OLD)} yet" in said
    assert "Stone" in everything(life.relay.database)
    assert "Written anew: 4 rows." in (said := life.run("seal", "--who", "Ada").stdout)
    assert "without it nobody reads these rows again" in said
    assert "Stone" not in everything(life.relay.database)
    assert doctor(life)[:2] == ("ok", f"Donor data is sealed with key {mark(OLD)}.")

    lives_on_with(life, NEW, OLD)
    life.give("ch_3")
    assert doctor(life)[0] == "warning"
    assert "The older keys may leave RELAY_ENCRYPTION_KEYS" in life.run("seal").stdout
    assert doctor(life)[:2] == ("ok", f"Donor data is sealed with key {mark(NEW)}. 1 older key may leave the list.")

    lives_on_with(life, "open", NEW)
    assert doctor(life)[1].endswith("rows are sealed still.")
    assert "RELAY_ENCRYPTION_KEYS may go" in life.run("seal").stdout
    assert doctor(life)[1] == "Nothing is sealed any more; RELAY_ENCRYPTION_KEYS may go."
    lives_on_with(life)
    assert "Stone" in everything(life.relay.database)
    assert {line["action"] for line in life.lines("audit", "list")} >= {"seal", "sealed"}


@pytest.mark.parametrize("keys", [(), (NEW,), ("open", NEW)])
def test_a_key_that_is_missing_is_said_by_both(house, keys):
    lives_on_with(house, STRANGE)
    house.give()
    lives_on_with(house, *keys)
    level, sentence, what_to_do = doctor(house)
    assert level == "failed"
    assert sentence.startswith("RELAY_ENCRYPTION_KEYS lacks a key")
    assert what_to_do.startswith("Put the key back")
    refused = house.run("seal", code=1)
    assert "lacks a key with which rows were sealed (1 of events, 1 of entries)" in refused.stderr
    assert not any(word in refused.output for word in ("Stone", "relay-sealed", STRANGE, NEW))


def test_without_keys_there_is_nothing_to_do(life):
    assert "RELAY_ENCRYPTION_KEYS is not set" in life.run("seal", code=1).stderr
