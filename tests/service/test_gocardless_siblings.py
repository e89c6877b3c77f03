"""GoCardless's events about one payment, in every order, through the front door and a worker into the ledger."""

import itertools

import pytest

from relay.config import ProviderSettings
from relay.demo.signing import gocardless_headers
from relay.inbound.fetching import Fetching
from relay.providers import PROVIDERS, Delivery
from relay.providers.calling import Caller
from tests.builders import make_organization, make_relay
from tests.provider_cases import payloads
from tests.unit.providers.test_gocardless import PAYMENT, REFUND, batch, serve

GIFT = ("gift", 2500, "posted")


@pytest.fixture
def left(tmp_path, provider_api):
    """The entries after these events came in, each with the payment and the refund as they stood at that moment.

    Every event is completed and posted before the next one comes; ``at_once`` completes them all at the end.
    """

    def after(steps, *, at_once=False):
        settings = serve(provider_api)
        settings = ProviderSettings(secrets=("key",), options=settings.options)
        charity = make_organization(currency="GBP", providers={"gocardless": settings}, funds={})
        (tmp_path / "ledger.db").unlink(missing_ok=True)
        bench = make_relay(f"sqlite:///{tmp_path / 'ledger.db'}", charity)
        bench.intake.providers = PROVIDERS
        for name, changes in steps:
            body = name if isinstance(name, bytes) else payloads("gocardless")[name]
            serve(provider_api, **changes)
            bench.intake.take("alder", "gocardless", Delivery(body, gocardless_headers(body, "key")))
            if not at_once:
                work(bench)
        work(bench)
        assert {event["verdict"] for event in bench.events()} & {"pending", "not_understood"} == set()
        found = sorted((str(entry.kind), entry.amount.minor, str(entry.status)) for entry in bench.entries())
        assert bench.balance_holds()
        bench.database.dispose()
        return tuple(found), bench.luminate.net

    return after


def work(bench):
    Fetching(bench.database, bench.organization, PROVIDERS, Caller(), worker="w").run()
    bench.post()


def state(status, refund="paid"):
    return {"payment": PAYMENT | {"status": status}, "refund": REFUND | {"status": refund}}


def in_every_order(left, names, now):
    """What is left of these events in each order, all asked for when the payment stood as it does ``now``."""
    orders = enumerate(sorted(set(itertools.permutations(names))))
    return {left([(name, now) for name in order], at_once=number % 2 == 1) for number, order in orders}


@pytest.fixture(autouse=True)
def _without_fund(monkeypatch):
    """The payloads name a fund; what becomes of funds is tested elsewhere."""
    monkeypatch.setattr("relay.providers.metadata.designations", lambda _words, _currency: ())


def test_confirmed_and_paid_out_are_one_gift_in_every_order(left):
    names = ("payment_submitted", "payment_confirmed", "payment_paid_out", "payment_confirmed")
    assert in_every_order(left, names, state("paid_out")) == {((GIFT,), 2500)}


def test_a_refund_told_twice_is_one_refund_in_every_order(left):
    names = ("payment_confirmed", "refund_created", "refund_paid", "refund_settled")
    assert in_every_order(left, names, state("paid_out")) == {((GIFT, ("refund", 1000, "posted")), 1500)}


def test_a_payment_that_failed_before_it_was_confirmed_leaves_nothing(left):
    names = ("payment_submitted", "payment_failed")
    assert in_every_order(left, names, state("failed")) == {((), 0)}


def test_a_late_failure_leaves_nothing_in_luminate_whatever_came_first(left):
    names = ("payment_confirmed", "payment_paid_out", "payment_failed", "payment_late_failure_settled")
    assert in_every_order(left, names, state("failed")) == {((), 0)}
    history = [("payment_confirmed", state("confirmed")), ("payment_failed", state("failed"))]
    found, net = left(
        [*history, ("payment_late_failure_settled", state("failed")), ("payment_paid_out", state("failed"))]
    )
    assert (found, net) == ((GIFT, ("refund", 2500, "posted")), 0)


def test_a_chargeback_is_one_refund_however_often_it_is_told(left):
    history = [("payment_confirmed", state("confirmed"))]
    later = itertools.permutations(("payment_charged_back", "payment_chargeback_settled", "payment_charged_back"))
    for order in later:
        found, net = left([*history, *((name, state("charged_back")) for name in order)])
        assert (found, net) == ((GIFT, ("refund", 2500, "posted")), 0)


def test_a_cancelled_chargeback_gives_the_gift_back_to_a_person(left):
    history = [
        ("payment_confirmed", state("confirmed")),
        ("payment_charged_back", state("charged_back")),
        ("payment_chargeback_cancelled", state("paid_out")),
        ("payment_chargeback_settled", state("paid_out")),
    ]
    found, net = left(history)
    assert (found, net) == ((GIFT, ("refund", 2500, "posted"), ("reinstatement", 2500, "held")), 0)


def test_a_chargeback_cancelled_before_it_was_seen_leaves_the_gift(left):
    names = ("payment_confirmed", "payment_charged_back", "payment_chargeback_cancelled")
    assert in_every_order(left, names, state("paid_out")) == {((GIFT,), 2500)}


def test_a_refund_that_came_back_is_undone_or_for_a_person(left):
    names = ("payment_confirmed", "refund_paid", "refund_funds_returned", "refund_failed")
    assert in_every_order(left, names, state("paid_out", refund="funds_returned")) == {((GIFT,), 2500)}
    history = [(name, state("paid_out")) for name in ("payment_confirmed", "refund_paid")]
    found, _ = left([*history, ("refund_funds_returned", state("paid_out", refund="funds_returned"))])
    assert ("reinstatement", 1000, "held") in found


def test_a_batch_is_completed_event_by_event(left, provider_api):
    body = batch("payment_confirmed", "mandate_active", "refund_paid", "payment_submitted", "payment_paid_out")
    assert left([(body, state("paid_out"))]) == ((GIFT, ("refund", 1000, "posted")), 1500)


def test_a_payment_tried_again_is_shown_only_where_it_was_booked(left):
    found, _ = left([("payment_resubmission_requested", state("submitted")), ("payment_confirmed", state("confirmed"))])
    assert found == (GIFT,)
