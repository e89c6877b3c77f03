"""`flask doctor` on each provider: its last event, its refusals, and which secret is used."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from relay.config import ProviderSettings
from relay.doctor import credentials
from relay.doctor.sources import sources
from relay.ledger import arrivals, connections
from relay.ledger.models import events, refusals

NOON = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def told(house):
    """What the doctor says of the one provider of an organization with that many secrets."""

    def ask(secrets=2):
        charity = house.relay.settings.organizations["hope"]
        names = tuple(f"whsec_{number}" for number in range(secrets))
        charity = replace(charity, providers={"stripe": ProviderSettings(secrets=names)})
        (check,) = sources(house.relay.settings, house.relay.database, charity)
        return check

    return ask


@pytest.fixture
def put(house):
    def add(table, **row):
        with house.relay.database.write() as tx:
            tx.execute(insert(table).values(row))

    return add


def came(put, ago, place):
    row = {"organization": "hope", "provider": "stripe", "event_id": "", "type": "t", "verdict": "ignored"}
    put(events, **row, body=b"", headers={}, secret_place=place, received_at=NOON - ago)


def refused(put, ago, count=3, reason="bad_signature", provider="stripe"):
    at = NOON - ago
    row = {"organization": "hope", "provider": provider, "reason": reason, "day": at.date()}
    put(refusals, **row, count=count, first_at=at, last_at=at)


def test_nothing_has_come_yet(told):
    check = told(1)
    assert (check.name, check.level, check.text) == ("hope: stripe", "warning", "No event has come yet.")
    assert "/webhooks/hope/stripe" in check.what_to_do
    assert check.details["last_event_at"] is None


def test_all_is_well_after_an_event(told, put):
    came(put, timedelta(hours=1), 0)
    check = told(1)
    assert (check.level, check.what_to_do) == ("ok", "")
    assert check.text.endswith("; secret 1 of 1 matched last.")
    assert check.details == {
        "last_event_at": (NOON - timedelta(hours=1)).isoformat(),
        "last_secret": 1,
        "secrets": {"1": (NOON - timedelta(hours=1)).isoformat()},
        "last_bad_signature_at": None,
        "bad_signatures_since_yesterday": 0,
        "refused": {},
    }


def test_only_the_second_secret_is_used(told, put):
    came(put, timedelta(hours=1), 1)
    check = told(2)
    assert check.level == "warning"
    assert "secret 2 of 2 matched last" in check.text
    assert check.what_to_do.startswith(
        "Secret 1 has matched nothing in 90 days: if it is the new one, the provider does not"
    )


@pytest.mark.parametrize(("unused_for", "level"), [(timedelta(hours=30), "ok"), (timedelta(days=3), "warning")])
def test_the_old_secret_can_be_dropped_once_nothing_needs_it(told, put, unused_for, level):
    came(put, unused_for, 1)
    came(put, timedelta(0), 0)
    check = told(2)
    assert check.level == level
    assert check.what_to_do.startswith("Secret 2 has matched nothing since ") == (level == "warning")


def test_an_unproven_event_is_the_last_event_and_matched_no_secret(told, put):
    came(put, timedelta(0), None)
    check = told(1)
    assert "none was proven by a secret yet" in check.text
    assert check.details["last_secret"] is None


def test_bad_signatures_are_a_warning_until_a_good_event_comes(told, put):
    refused(put, timedelta(minutes=5))
    assert "Last refused with a bad signature" in told(1).text
    assert "3 since yesterday" in told(1).text
    assert "Compare the secret" in told(1).what_to_do
    came(put, timedelta(minutes=1), 0)
    check = told(1)
    assert (check.level, check.details["bad_signatures_since_yesterday"]) == ("ok", 3)
    assert "3 since yesterday" in check.text


def test_refusals_of_long_ago_and_of_others_are_told_as_such(told, put):
    came(put, timedelta(days=30), 0)
    refused(put, timedelta(days=9), count=70)
    refused(put, timedelta(0), provider="square")
    check = told(1)
    assert check.level == "ok"
    assert "yesterday" not in check.text
    assert check.details["last_bad_signature_at"] == (NOON - timedelta(days=9)).isoformat()


def test_other_refusals_have_their_own_words(told, put):
    refused(put, timedelta(0), reason="wrong_mode")
    refused(put, timedelta(0), reason="too_large")
    check = told(1)
    assert "of the wrong mode (test or live)" in check.text
    assert "Last refused (too_large)" in check.text
    assert "in test mode" in check.what_to_do


def changed(house, secrets, since):
    """These secrets are in force since then, and others were before."""
    charity = replace(
        house.relay.settings.organizations["hope"], providers={"stripe": ProviderSettings(secrets=secrets)}
    )
    fingerprint = credentials.of_organization(house.relay.settings, charity)["from stripe"]
    with house.relay.database.write() as tx:
        connections.meet(tx, "hope", "from stripe", "of others", since)
        connections.meet(tx, "hope", "from stripe", fingerprint, since)


def test_what_the_old_secrets_proved_is_not_told_of_new_ones(house, told, put):
    came(put, timedelta(hours=2), 0)
    assert "secret 1 of 2 matched last" in told().text
    changed(house, ("whsec_0", "whsec_1"), NOON - timedelta(hours=1))
    check = told()
    assert "the secrets were changed, and none has been proven since" in check.text
    assert (check.level, check.what_to_do) == (
        "warning", "The next event will show whether they are right; a test event does it now.",
    )  # fmt: skip
    came(put, timedelta(minutes=5), 1)
    assert "secret 2 of 2 matched last" in told().text


def test_secrets_that_no_worker_has_met_yet_have_proven_nothing(house, told, put):
    came(put, timedelta(hours=2), 0)
    with house.relay.database.write() as tx:
        connections.meet(tx, "hope", "from stripe", "of the process before", NOON - timedelta(days=9))
    assert "the secrets were changed" in told().text


def test_events_that_wait_for_the_provider_s_api_are_told_once_it_was_asked(house, put):
    row = {"organization": "hope", "provider": "stripe", "event_id": "", "type": "t", "verdict": "pending", "body": b"",
           "headers": {}, "received_at": NOON, "note": "the API answered 401", "fetch_at": NOON}  # fmt: skip
    charity = replace(
        house.relay.settings.organizations["hope"], providers={"stripe": ProviderSettings(secrets=("s",))}
    )

    def told_of():
        return list(sources(house.relay.settings, house.relay.database, charity))

    put(events, delivery_key="1", fetches=0, **row)
    assert len(told_of()) == 1
    put(events, delivery_key="2", fetches=1, **row)
    _, waits = told_of()
    assert (waits.name, waits.level) == ("hope: stripe API", "warning")
    assert "1 event waits for an answer of its API" in waits.text
    assert "The last try: the API answered 401." in waits.text


def test_the_last_event_of_a_quiet_year_still_tells_its_secret(told, put):
    came(put, timedelta(days=300), 0)
    assert "secret 1 of 1 matched last" in told(1).text


def test_a_secret_that_only_older_events_needed_is_found_behind_the_newest(told, put, monkeypatch):
    monkeypatch.setattr(arrivals, "RECENT", 3)
    came(put, timedelta(days=5), 1)
    for ago in range(4):
        came(put, timedelta(minutes=ago), 0)
    check = told()
    assert check.details["secrets"].keys() == {"1", "2"}
    assert check.what_to_do.startswith("Secret 2 has matched nothing since ")
