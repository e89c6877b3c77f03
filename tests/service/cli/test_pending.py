"""Events that wait for their provider's API, as the commands show them, and asked for again by hand."""

from dataclasses import replace

import pytest

from relay.errors import FetchFailed
from relay.providers import Delivery, Parsed

ASKED = ("--reason", "the key was wrong", "--who", "mary")


@pytest.fixture
def api(house):
    """What the provider's API says: a fact, or an error to raise."""
    says = []

    def fetch(_delivery, _settings, _caller, _received_at):
        answer = says.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return replace(house.facts["evt_1"], wanted="", facts=(answer,))

    provider = replace(house.relay.providers["stripe"], fetch=fetch)
    house.relay.providers = {"stripe": provider}
    house.relay.intake.providers = house.relay.providers
    return says


def arrive(house):
    house.facts["evt_1"] = Parsed(event_id="evt_1", type="thing.changed", delivery_key="evt_1", wanted="payment p1")
    return house.relay.intake.take("hope", "stripe", Delivery(b'{"id": "evt_1"}')).event


def work(house):
    return house.relay.fetching_for(house.relay.settings.organizations["hope"]).run()


def test_a_pending_event_is_listed_with_what_it_waits_for(house, api):
    event = arrive(house)
    (row,) = house.lines("events", "--verdict", "pending")
    assert (row["id"], row["note"]) == (event, "waits until a worker has asked for: payment p1")
    assert "payment p1" in house.run("events").stdout
    api.append(FetchFailed("the provider's API answered HTTP 503", again=True))
    work(house)
    assert house.lines("events", "--verdict", "pending")[0]["note"] == "the provider's API answered HTTP 503"


def test_a_pending_event_is_not_replayed_by_hand(house, api):
    event = arrive(house)
    assert "waits for its provider's API" in house.run("replay", "--event", event, "--yes", *ASKED, code=1).stderr


def test_an_event_that_could_not_be_completed_is_asked_for_again_by_hand(house, api):
    event = arrive(house)
    api += [FetchFailed("no such object", again=False), FetchFailed("no such object", again=False), house.gift("p1")]
    work(house)
    assert house.lines("events")[0]["note"] == "it could not be completed: no such object"
    assert "No such object" in house.run("replay", "--event", event, "--yes", *ASKED, code=1).stderr
    assert house.lines("events")[0]["verdict"] == "not_understood"
    house.run("replay", "--event", event, "--yes", *ASKED)
    assert house.lines("events")[0]["verdict"] == "entry"
    assert [row["amount"] for row in house.lines("gifts")] == ["25.00"]
