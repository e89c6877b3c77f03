"""Authorize.Net's notifications about one transaction, in every order, into the ledger."""

import itertools

import pytest

from relay.config import ProviderSettings
from relay.demo.signing import authorizenet_headers
from relay.inbound.fetching import Fetching
from relay.providers import PROVIDERS, Delivery
from relay.providers.calling import Caller
from tests.builders import make_organization, make_relay
from tests.provider_cases import payloads
from tests.unit.providers.test_authorizenet import KEY, REFUND, answer, serve

GIFT = ("gift", 6000, "posted")
REFUNDED = ("refund", 1500, "posted")


@pytest.fixture
def left(tmp_path, provider_api):
    """The entries after these notifications, each with gift and refund as they stood at that moment."""

    def after(steps):
        settings = ProviderSettings(secrets=(KEY,), options=dict(serve(provider_api, answer()).options))
        charity = make_organization(providers={"authorizenet": settings})
        (tmp_path / "ledger.db").unlink(missing_ok=True)
        bench = make_relay(f"sqlite:///{tmp_path / 'ledger.db'}", charity)
        bench.intake.providers = PROVIDERS
        for name, gift, refund in steps:
            serve(provider_api, answer(transactionStatus=gift), answer(**REFUND | {"transactionStatus": refund}))
            body = payloads("authorizenet")[name]
            bench.intake.take("alder", "authorizenet", Delivery(body, authorizenet_headers(body, KEY)))
            Fetching(bench.database, bench.organization, PROVIDERS, Caller(), worker="w").run()
            bench.post()
        assert {event["verdict"] for event in bench.events()} & {"pending", "not_understood"} == set()
        found = tuple(sorted((str(entry.kind), entry.amount.minor, str(entry.status)) for entry in bench.entries()))
        bench.database.dispose()
        return found, bench.luminate.net

    return after


def in_every_order(left, names, *now):
    orders = sorted(set(itertools.permutations(names)))
    return {left([(name, *now) for name in order]) for order in orders}


CAPTURED, REFUND_DONE = "settledSuccessfully", "refundPendingSettlement"


def test_an_authorization_captured_later_and_a_refund_in_part_in_every_order(left):
    names = ("authorization_created", "prior_auth_capture_created", "refund_created", "fraud_approved")
    assert in_every_order(left, names, CAPTURED, REFUND_DONE) == {((GIFT, REFUNDED), 4500)}


def test_what_was_voided_before_anybody_asked_leaves_nothing(left):
    names = ("authcapture_created", "void_created")
    assert in_every_order(left, names, "voided", REFUND_DONE) == {((), 0)}


def test_a_void_after_the_gift_was_posted_gives_it_back(left):
    steps = [("authcapture_created", CAPTURED, REFUND_DONE), ("void_created", "voided", REFUND_DONE)]
    assert left([*steps, steps[1], ("capture_created", "voided", REFUND_DONE)]) == (
        (GIFT, ("refund", 6000, "posted")), 0,
    )  # fmt: skip


def test_a_refund_voided_before_it_was_seen_leaves_the_gift_and_one_seen_goes_to_a_person(left):
    names = ("authcapture_created", "refund_created", "refund_void_created")
    assert in_every_order(left, names, CAPTURED, "voided") == {((GIFT,), 6000)}
    steps = [(name, CAPTURED, REFUND_DONE) for name in ("authcapture_created", "refund_created")]
    found, net = left([*steps, ("refund_void_created", CAPTURED, "voided")])
    assert (found, net) == ((GIFT, REFUNDED, ("reinstatement", 1500, "held")), 4500)
