"""``flask retention`` and ``flask erase-donor``: they say what they would do, ask, and end with the right code."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from relay.access import operator
from relay.config import Retention as Kept
from relay.ledger.models import entries, events
from relay.office.erasing import Erasing
from relay.office.retention import Retention
from relay.providers import Delivery

MARY = "mary@example.org"
WHY = ("--reason", "case 12", "--who", "ann")


def configure(house, **changes):
    house.configure(**changes)
    known = house.relay.settings.organizations
    house.relay.retention = Retention(house.relay.database, known, sleep=lambda _seconds: None)
    house.relay.erasing = Erasing(house.relay.database, known)


def long_ago(house):
    """Everything happened two years ago."""
    then = datetime.now(UTC) - timedelta(days=730)
    with house.relay.database.write() as tx:
        tx.execute(entries.update().values(changed_at=then))
        tx.execute(events.update().values(received_at=then))
        for table in ("attempts", "corrections"):
            column = {"attempts": "finished_at", "corrections": "at"}[table]
            tx.exec_driver_sql(f"UPDATE {table} SET {column} = '2024-01-01 00:00:00'")  # noqa: S608 - ours


@pytest.fixture
def old(house):
    house.give()
    house.post()
    configure(house, retention=Kept(payload_days=540))
    long_ago(house)
    return house


# --- retention ------------------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_would_go(old):
    said = old.run("retention", "--dry-run").stdout
    assert "hope: would erase 1 payment (1 entry, 1 event, 1 call). Payloads are kept for 540 days." in said
    assert "care: nothing to erase. Payloads are kept for ever." in said
    assert old.lines("gifts")[0]["erased"] == ""


def test_it_erases_and_says_so_everywhere(old):
    assert (
        "hope: erased 1 payment (1 entry, 1 event, 1 call). Payloads"
        in old.run("retention", "--organization", "hope").stdout
    )
    (told,) = old.lines("gifts")
    assert (told["erased"], told["erased_at"] is None) == ("age", False)
    assert old.lines("events")[0]["erased_at"]
    assert "What it held is erased." in old.run("events").stdout
    story = old.run("show", 1).stdout
    assert "the gift itself is kept" in story
    assert "What it held is erased." in story
    refused = old.run("replay", "--event", 1, "--yes", *WHY, code=1)
    assert "Event 1 was erased on" in refused.stderr


def test_json_has_the_counts(old):
    first, second = old.lines("retention", "--dry-run")
    assert first == {"organization": "care", "payload_days": 0, "payments": 0, "entries": 0, "events": 0,
                     "attempts": 0, "idle": 0}  # fmt: skip
    assert (second["organization"], second["payload_days"], second["payments"]) == ("hope", 540, 1)


def test_an_unknown_organization_is_a_wrong_way_of_asking(old):
    old.run("retention", "--organization", "hop", code=2)


# --- erase-donor ----------------------------------------------------------------------------------------------------


def test_it_shows_asks_and_erases(house):
    house.give()
    house.post()
    said = house.run("erase-donor", MARY, *WHY, "--yes").stdout
    assert "hope: 1 payment (1 entry, 1 event, 1 call)." in said
    assert "Erased in hope: 1 payment" in said
    assert "Luminate and the provider keep what they have." in said
    assert MARY not in said
    told = house.lines("gifts", "--donor")[0]
    assert (told["donor_name"], told["donor_email"], told["erased"]) == ("", "", "donor")
    assert (told["amount"], told["status"], told["confirmation_code"]) == ("25.00", "posted", "0-1001")
    assert "(erased)" in house.run("gifts").stdout
    story = house.run("show", 1).stdout
    assert "ann erased its donor: case 12" in story
    assert "The donor is erased" in story
    assert "The audit is whole" in house.run("audit", "verify").stdout


def test_without_anybody_to_ask_it_wants_yes(house):
    house.give()
    house.post()
    house.run("erase-donor", MARY, *WHY, code=2)
    assert house.lines("gifts")[0]["erased"] == ""


def test_a_no_changes_nothing(house, monkeypatch):
    house.give()
    house.post()
    monkeypatch.setattr("relay.cli.commands.is_interactive", lambda: True)
    said = house.run("erase-donor", MARY, *WHY, code=1, input="n\n")
    assert "Erase this donor? It cannot be taken back. [y/N]" in said.stdout
    assert said.stderr.endswith("Nothing was changed.\n")
    assert house.lines("gifts")[0]["erased"] == ""


def test_the_address_may_be_asked_for_so_that_no_log_has_it(house):
    house.give()
    house.post()
    house.run("erase-donor", "-", *WHY, "--yes", input=f"{MARY}\n")
    assert house.lines("gifts")[0]["erased"] == "donor"


@pytest.mark.parametrize(
    ("email", "sentence"),
    [
        ("nobody@example.org", "There is no gift with this e-mail address.\n"),
        ("Mary Stone", "This is not an e-mail address.\n"),
        ("@", "This is not an e-mail address.\n"),
    ],
)
def test_what_is_not_known_is_a_sentence(house, email, sentence):
    house.give()
    house.post()
    refused = house.run("erase-donor", email, *WHY, "--yes", code=1)
    assert refused.stderr == sentence


def test_what_is_not_settled_is_listed_with_what_to_do(house):
    house.give()
    house.give("ch_2", fund="ODD")
    refused = house.run("erase-donor", MARY, *WHY, "--yes", code=1)
    assert "Not settled: entry 1 is in line and goes by itself: try again once it is in Luminate." in refused.stdout
    assert "Not settled: entry 2 is held: send it or close it." in refused.stdout
    assert refused.stderr == "Nothing was erased: settle this first, then say it again.\n"


def test_an_event_that_nobody_understood_is_erased_by_whoever_looked_at_it(house):
    house.give()
    house.post()
    house.relay.intake.take("hope", "stripe", Delivery(b'{"id": "evt_odd", "email": "mary@example.org"}'))
    refused = house.run("erase-donor", MARY, *WHY, "--yes", code=1)
    assert "Not settled: event 2 is not understood: `flask replay --event 2` reads it again." in refused.stdout
    house.run("erase-donor", MARY, *WHY, "--yes", "--unread")
    assert [one["verdict"] for one in house.lines("events")] == ["entry", "ignored"]


def test_two_organizations_that_know_the_address_are_told_apart(house):
    house.give()
    house.give("ch_2", organization="care")
    house.post()
    house.post(organization="care")
    refused = house.run("erase-donor", MARY, *WHY, "--yes", code=2)
    assert refused.stderr == "Care and hope know this address: say which one was asked, with --organization.\n"
    house.run("erase-donor", MARY, "--organization", "care", *WHY, "--yes")
    assert {one["organization"]: one["erased"] for one in house.lines("gifts")} == {"hope": "", "care": "donor"}
    refused = house.run("erase-donor", MARY, "--organization", "care", *WHY, "--yes", code=1)
    assert refused.stderr == "There is no gift with this e-mail address in care.\n"


def test_lines_of_the_audit_that_name_the_donor_are_told(house):
    house.give()
    house.post()
    house.run("note", 1, "--reason", "Mary Stone called", "--who", "ann")
    said = house.run("erase-donor", MARY, *WHY, "--yes").stdout
    assert "The audit names the donor and cannot be changed: 1 line (1)." in said


def test_a_reason_that_names_the_donor_is_refused(house):
    house.give()
    house.post()
    refused = house.run("erase-donor", MARY, "--reason", "Mary asked", "--who", "ann", "--yes", code=1)
    assert refused.stderr == "The reason names the donor and would stay: say it without, such as a case number.\n"
    house.run("erase-donor", MARY, "--yes", code=2)


def test_an_export_keeps_no_word_that_may_be_a_name(house):
    """What is searched for is a line of the audit for ever: names and addresses are stars there."""
    house.give()
    typed = f'mary "mary stone" email:{MARY} status:queued 25 #1'
    list(house.relay.searching.export(operator("ann"), typed, "hope", kind="csv").lines)
    (line,) = [json.loads(text) for text in house.run("audit", "list", "--json").stdout.splitlines()]
    assert line["details"]["search"] == "* * email:* status:queued 25 #1"
