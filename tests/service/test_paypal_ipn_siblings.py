"""PayPal's messages about one payment, in every order, confirmed by PayPal, into the ledger."""

import itertools

import pytest

from relay.config import ProviderSettings
from relay.errors import BadSignature, WrongMode
from relay.inbound.fetching import Fetching
from relay.providers import PROVIDERS, Delivery
from relay.providers.calling import Caller
from tests.builders import make_organization, make_relay
from tests.unit.providers.test_paypal_ipn import (
    ADJUSTMENT,
    GIFT,
    REFUND,
    RETURNED,
    REVERSAL,
    TOKEN,
    form,
    settings_of,
)

POSTED = ("gift", 2500, "posted")


@pytest.fixture
def new_bench(tmp_path, provider_api):
    def bench():
        provider_api.answers["/webscr"] = b"VERIFIED"
        settings = ProviderSettings(secrets=(TOKEN,), options=settings_of(provider_api).options)
        (tmp_path / "ledger.db").unlink(missing_ok=True)
        charity = make_organization(providers={"paypal_ipn": settings})
        relay = make_relay(f"sqlite:///{tmp_path / 'ledger.db'}", charity)
        relay.intake.providers = PROVIDERS
        return relay

    return bench


@pytest.fixture
def left(new_bench):
    def after(*messages):
        bench = new_bench()
        for message in messages:
            bench.intake.take("alder", "paypal_ipn", Delivery(form(message), token=TOKEN))
            Fetching(bench.database, bench.organization, PROVIDERS, Caller(), worker="w").run()
            bench.post()
        found = sorted((str(entry.kind), entry.amount.minor, str(entry.status)) for entry in bench.entries())
        bench.database.dispose()
        return tuple(found), bench.luminate.net

    return after


def in_every_order(left, *messages):
    return {left(*order) for order in itertools.permutations(messages)}


def test_a_gift_and_its_refunds_in_every_order(left):
    second = REFUND | {"txn_id": "0AN00001NA0000009", "mc_gross": "-5.00"}
    messages = (GIFT | {"payment_status": "Pending"}, GIFT, REFUND, second)
    wanted = ((POSTED, ("refund", 500, "posted"), ("refund", 1000, "posted")), 1000)
    assert in_every_order(left, *messages) == {wanted}
    assert left(GIFT, GIFT | {"resend": "true"}, REFUND, REFUND | {"resend": "true"}, second) == wanted


def test_a_reversal_and_its_settlement_are_one_in_every_order(left):
    # Where both came before the gift was sent, neither is sent.
    unsent = (("gift", 2500, "closed"), ("refund", 2500, "closed"))
    assert in_every_order(left, GIFT, REVERSAL, ADJUSTMENT) <= {((POSTED, ("refund", 2500, "posted")), 0), (unsent, 0)}


def test_a_canceled_reversal_is_for_a_person_once_it_was_sent(left):
    found, net = left(GIFT, REVERSAL, RETURNED)
    assert (found, net) == ((POSTED, ("refund", 2500, "posted"), ("reinstatement", 2500, "held")), 0)
    assert left(GIFT, RETURNED, REVERSAL) == ((POSTED,), 2500)


def test_what_paypal_did_not_send_books_nothing_and_the_genuine_one_still_comes_in(new_bench, provider_api):
    bench = new_bench()
    forged = form(GIFT, mc_gross="2500.00")
    provider_api.answers["/webscr"] = lambda body: b"INVALID" if b"2500.00" in body else b"VERIFIED"
    for body in (forged, form(GIFT)):
        bench.intake.take("alder", "paypal_ipn", Delivery(body, token=TOKEN))
    Fetching(bench.database, bench.organization, PROVIDERS, Caller(), worker="w").run()
    assert [event["verdict"] for event in bench.events()] == ["flagged", "entry"]
    assert [entry.amount.minor for entry in bench.entries()] == [2500]


def test_a_sandbox_message_is_refused_at_the_door_of_a_live_organization(new_bench):
    bench = new_bench()
    with pytest.raises(WrongMode):
        bench.intake.take("alder", "paypal_ipn", Delivery(form(GIFT, test_ipn="1"), token=TOKEN))
    with pytest.raises(BadSignature):
        bench.intake.take("alder", "paypal_ipn", Delivery(form(GIFT), token="x"))
    assert bench.events() == []
