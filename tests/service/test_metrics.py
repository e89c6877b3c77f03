"""``/metrics``: what stands where, for whoever holds the token, and nothing of a donor."""

from dataclasses import replace

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from relay.app import create_app
from relay.bootstrap import build
from relay.reports.meters import LedgerCollector
from relay.status import Kind
from tests.builders import DONOR, make_gift, make_organization, make_refund, make_relay, make_settings

TOKEN = "a-token-for-prometheus"


@pytest.fixture
def relay(database_url):
    bench = make_relay(database_url, make_organization("alder"), make_organization("birch"))
    yield bench
    bench.database.engine.dispose()


def scrape(relay):
    """Name and labels of each sample -> its value."""
    collector = LedgerCollector(relay.database, relay.settings.organizations)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in collector.collect()
        for sample in family.samples
    }


def value(relay, name, **labels):
    return scrape(relay).get((name, tuple(sorted(labels.items()))))


def test_money_and_counts_are_those_of_the_ledger(relay):
    relay.take(make_gift("25.00"))
    relay.take(make_gift("10.50", keys=("ch_2",)))
    relay.take(make_refund("5.00"))
    relay.post()
    posted = {"organization": "alder", "status": "posted", "currency": "USD"}
    assert value(relay, "relay_entries", kind="gift", **posted) == 2
    assert value(relay, "relay_money_minor", kind="gift", **posted) == 3550
    assert value(relay, "relay_money_minor", kind="refund", **posted) == 500
    told = {name: amount for name, amount in scrape(relay).items() if name[0] == "relay_money_minor"}
    assert sum(told.values()) == sum(one.amount.minor for one in relay.entries(*Kind))


def test_what_waits_is_as_old_as_it_is(relay):
    relay.take(make_gift(donor=replace(DONOR, email="")))
    relay.later(hours=2)
    age = value(relay, "relay_oldest_seconds", organization="alder", status="held")
    assert 7200 <= age < 7260


def test_events_and_refusals_are_counted_by_provider(relay):
    relay.take(make_gift())
    relay.take(make_gift())
    relay.take(make_gift(), organization="birch")
    assert value(relay, "relay_events_total", organization="alder", provider="acme", verdict="entry") == 1
    assert value(relay, "relay_events_total", organization="alder", provider="acme", verdict="duplicate") == 1
    assert value(relay, "relay_events_total", organization="birch", provider="acme", verdict="entry") == 1


def test_a_line_that_has_no_pace_yet_has_no_end_in_sight(relay):
    relay.take(make_gift())
    assert value(relay, "relay_backlog", organization="alder") == 1
    assert value(relay, "relay_backlog_drain_seconds", organization="alder") is None
    relay.post()
    assert value(relay, "relay_backlog", organization="alder") == 0
    assert value(relay, "relay_backlog_drain_seconds", organization="alder") == 0
    assert value(relay, "relay_paused", organization="alder") == 0


def test_times_are_of_the_last_hour(relay):
    relay.take(make_gift())
    relay.post()
    assert value(relay, "relay_luminate_call_seconds", organization="alder", quantile="0.5") >= 0
    assert value(relay, "relay_posting_age_seconds", organization="alder", quantile="1") >= 0
    relay.later(hours=2)
    assert value(relay, "relay_luminate_call_seconds", organization="alder", quantile="0.5") is None


def test_a_ledger_that_is_away_is_said_and_nothing_else(relay):
    relay.database.engine.dispose()
    away = make_settings(database_url="postgresql+psycopg://nobody@127.0.0.1:1/none")
    collector = LedgerCollector(build(away).database, relay.settings.organizations)
    assert [(one.name, [sample.value for sample in one.samples]) for one in collector.collect()] == [
        ("relay_ledger_up", [0])
    ]


@pytest.fixture
def client(relay):
    settings = make_settings(make_organization("alder"), database_url=relay.settings.database_url, metrics_token=TOKEN)
    app = create_app(build(settings))
    yield app.test_client()
    app.extensions["relay"].database.engine.dispose()


def test_only_who_holds_the_token_may_read(client):
    for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Authorization": "Bearer "}):
        assert client.get("/metrics", headers=given).status_code == 404
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_without_a_token_there_is_no_such_page(relay):
    app = create_app(build(make_settings(make_organization(), database_url=relay.settings.database_url)))
    assert app.test_client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404
    app.extensions["relay"].database.engine.dispose()


def test_a_scrape_can_be_read_and_holds_nothing_of_a_donor(relay, client):
    relay.take(make_gift())
    relay.take(make_refund())
    relay.post()
    client.post("/webhooks/alder/stripe", data=b"{}")
    told = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).get_data(as_text=True)
    families = {family.name: family for family in text_string_to_metric_families(told)}
    answered = [one for one in families["relay_webhook_seconds"].samples if one.name.endswith("_count")]
    assert {one.labels["status"] for one in answered} >= {"4xx"}
    assert {"relay_entries", "relay_money_minor", "relay_events", "relay_ledger_up"} <= families.keys()
    assert not [word for word in ("mary", "stone", "example.org", "4242", "ch_1") if word in told.lower()]
    assert not [family for family in REGISTRY.collect() if family.name.startswith("relay_")]
