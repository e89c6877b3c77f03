"""Square's announcements of one payment, in every order, through the front door into the ledger: one gift."""

import pytest

from relay.config import ProviderSettings
from relay.demo.signing import square_headers
from relay.providers import Delivery
from tests.provider_cases import payloads
from tests.support.front_door import charity, entries_after, in_every_order

URL = "https://relay.example.org/webhooks/alder/square"
WHOSE = charity("square", ProviderSettings(secrets=("key",), options={"notification_url": URL}))
GIFT = ("gift", "6000", "queued", "")


def deliveries(*names):
    bodies = [payloads("square")[name] for name in names]
    return [Delivery(body, square_headers(body, "key", URL)) for body in bodies]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.db"


def test_a_payment_told_three_times_and_by_its_invoice_is_one_gift(path):
    names = (
        "payment_approved",
        "payment_completed",
        "payment_completed_again_refunded_in_part",
        "invoice_payment_made",
    )
    (left,) = in_every_order(path, WHOSE, deliveries(*names))
    assert left == (GIFT,)
    (entry, *_) = entries_after(path, WHOSE, deliveries(*names))
    assert (entry["fund"], entry["donor_email"]) == ("WATER", "anna.berg@example.org")


def test_two_refunds_in_part_are_two_refunds_in_every_order(path):
    names = ("payment_completed", "refund_pending", "refund_completed", "refund_second_part")
    (left,) = in_every_order(path, WHOSE, deliveries(*names))
    assert left == (GIFT, ("refund", "1500", "waiting", "refund"), ("refund", "500", "waiting", "refund"))


def test_a_refund_that_failed_leaves_nothing_to_send(path):
    for left in in_every_order(path, WHOSE, deliveries("payment_completed", "refund_completed", "refund_failed")):
        assert [entry for entry in left if entry[2] != "closed"] == [GIFT]


def test_a_lost_dispute_is_one_chargeback_and_a_won_one_is_none(path):
    (left,) = in_every_order(
        path, WHOSE, deliveries("payment_approved", "dispute_opened", "dispute_lost", "dispute_accepted")
    )
    assert left == (("refund", "6000", "waiting", "chargeback"),)
    (left,) = in_every_order(
        path, WHOSE, deliveries("payment_completed", "refund_second_part", "dispute_opened", "dispute_won")
    )
    assert left == (GIFT, ("refund", "500", "waiting", "refund"))
