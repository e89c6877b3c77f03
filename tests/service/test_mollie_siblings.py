"""Mollie's webhook says "something changed" again and again; what is left follows from the payment as it stands."""

import pytest

from relay.config import ProviderSettings
from relay.errors import BadSignature
from relay.inbound.fetching import Fetching
from relay.providers import PROVIDERS, Delivery
from relay.providers.calling import Caller
from tests.builders import make_organization, make_relay
from tests.unit.providers.test_mollie import CHARGEBACK, CLASSIC, PATH, REFUND, TOKEN, settings_of, with_returns

GIFT = ("gift", 2500, "posted")
REVERSED = CHARGEBACK | {"reversedAt": "2026-02-01T09:00:00+00:00"}


@pytest.fixture
def bench(tmp_path, provider_api):
    settings = ProviderSettings(secrets=(TOKEN,), options=settings_of(provider_api).options)
    charity = make_organization(currency="EUR", providers={"mollie": settings})
    relay = make_relay(f"sqlite:///{tmp_path / 'ledger.db'}", charity)
    relay.intake.providers = PROVIDERS
    return relay


@pytest.fixture
def left(bench, provider_api):
    """The entries after a webhook for each of these states of the payment."""

    def after(*states):
        for state in states:
            provider_api.answers[PATH] = state
            bench.intake.take("alder", "mollie", Delivery(CLASSIC, token=TOKEN))
            Fetching(bench.database, bench.organization, PROVIDERS, Caller(), worker="w").run()
            bench.post()
        found = sorted((str(entry.kind), entry.amount.minor, str(entry.status)) for entry in bench.entries())
        return tuple(found), bench.luminate.net

    return after


def test_the_same_body_is_an_event_of_its_own_each_time(bench, left):
    states = [with_returns(status="open"), with_returns(), with_returns(), with_returns([REFUND])]
    assert left(*states) == ((GIFT, ("refund", 1000, "posted")), 1500)
    assert [event["verdict"] for event in bench.events()] == ["ignored", "entry", "duplicate", "entry"]


def test_refunds_are_each_booked_once_however_often_they_are_told(left):
    second = REFUND | {"id": "re_AnnaRef002", "amount": {"currency": "EUR", "value": "5.00"}}
    waiting = second | {"status": "pending"}
    states = [
        with_returns([REFUND]),
        with_returns([REFUND, waiting]),
        with_returns([second, REFUND]),
        with_returns([second, REFUND]),
    ]
    assert left(*states) == ((GIFT, ("refund", 500, "posted"), ("refund", 1000, "posted")), 1000)


def test_a_refund_that_failed_in_the_end_goes_to_a_person(left):
    found, net = left(with_returns([REFUND]), with_returns([REFUND | {"status": "failed"}]))
    assert (found, net) == ((GIFT, ("refund", 1000, "posted"), ("reinstatement", 1000, "held")), 1500)


def test_a_chargeback_and_its_reversal(left):
    found, net = left(with_returns(), with_returns(chargebacks=[CHARGEBACK]), with_returns(chargebacks=[REVERSED]))
    assert (found, net) == ((GIFT, ("refund", 2500, "posted"), ("reinstatement", 2500, "held")), 0)


def test_a_chargeback_reversed_before_it_was_seen_leaves_the_gift(left):
    assert left(with_returns(chargebacks=[REVERSED]), with_returns(chargebacks=[REVERSED])) == ((GIFT,), 2500)


def test_an_unknown_id_is_stored_and_answered_and_left_to_a_person(bench, left):
    assert left(404) == ((), 0)
    (event,) = bench.events()
    assert (event["verdict"], event["note"]) == (
        "not_understood", "it could not be completed: the provider's API answered HTTP 404",
    )  # fmt: skip


def test_a_test_payment_does_not_reach_a_live_organization(bench, left):
    assert left(with_returns(mode="test")) == ((), 0)
    assert bench.events()[0]["verdict"] == "flagged"


def test_a_webhook_without_the_secret_is_not_even_stored(bench):
    with pytest.raises(BadSignature):
        bench.intake.take("alder", "mollie", Delivery(CLASSIC))
    assert bench.events() == []
