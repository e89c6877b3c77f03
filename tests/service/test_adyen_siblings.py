"""Adyen's announcements of one payment, in every order, through the front door into the ledger: one gift."""

import json

import pytest

from relay.config import ProviderSettings
from relay.demo.signing import adyen_body
from relay.providers import Delivery
from tests.provider_cases import payloads
from tests.support.front_door import charity, entries_after, in_every_order

KEY = "ab" * 32


def whose(**options):
    return charity("adyen", ProviderSettings(secrets=(KEY,), options=options))


GIFT = ("gift", "6000", "queued", "")
REFUNDS = (("refund", "1500", "waiting", "refund"), ("refund", "500", "waiting", "refund"))
CHARGEBACK = ("refund", "6000", "waiting", "chargeback")


def items(*names):
    return [json.loads(payloads("adyen")[name])["notificationItems"][0] for name in names]


def body(*wrapped):
    return Delivery(adyen_body({"live": "true", "notificationItems": list(wrapped)}, KEY))


def deliveries(*names):
    return [body(item) for item in items(*names)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.db"


@pytest.mark.parametrize("capture", ["automatic", "manual"])
def test_an_authorisation_and_its_capture_are_one_gift_with_two_refunds(path, capture):
    names = ("authorisation", "capture", "refund_in_part", "refund_second_part")
    (left,) = in_every_order(path, whose(capture=capture), deliveries(*names))
    # A capture does not say who gave: with manual capture such a gift is held for its donor.
    gift = GIFT if capture == "automatic" else ("gift", "6000", "held", "")
    assert left == (gift, *REFUNDS)


def test_a_batch_is_its_items(path):
    batch = body(*items("authorisation", "refund_in_part", "refund_second_part", "report_available"))
    left = entries_after(path, whose(), [batch, *deliveries("authorisation"), batch])
    assert sorted((entry["kind"], entry["amount"]) for entry in left) == [
        ("gift", 6000),
        ("refund", 500),
        ("refund", 1500),
    ]


@pytest.mark.parametrize("undone", ["cancellation", "technical_cancel", "capture_failed", "cancel_or_refund_canceled"])
def test_what_was_never_taken_leaves_nothing_to_send(path, undone):
    for left in in_every_order(path, whose(), deliveries("authorisation", undone)):
        assert {status for _, _, status, _ in left} == {"closed"}
    (left,) = in_every_order(path, whose(capture="manual"), deliveries("authorisation", "cancellation"))
    assert left == ()


def test_a_refund_that_failed_leaves_nothing_to_send(path):
    for left in in_every_order(path, whose(), deliveries("authorisation", "refund_in_part", "refund_failed")):
        assert [entry for entry in left if entry[2] != "closed"] == [GIFT]


def test_a_chargeback_told_three_times_is_one_and_reversed_it_is_none(path):
    told = deliveries("refund_second_part", "notification_of_chargeback", "chargeback", "chargeback_lost")
    (left,) = in_every_order(path, whose(), told)
    assert left == (REFUNDS[1], CHARGEBACK)
    told = deliveries("authorisation", "refund_second_part", "chargeback", "chargeback_reversed_without_payment")
    for left in in_every_order(path, whose(), told):
        # Taken back in full before it was posted, then given back after all: a person says whether it goes.
        gift = ("gift", "6000", "held", "")
        assert [entry for entry in left if entry[2] != "closed"] in ([GIFT, REFUNDS[1]], [gift, REFUNDS[1]])


def test_a_second_chargeback_without_its_payment_finds_it_through_the_dispute(path):
    names = ("refund_in_part", "chargeback", "chargeback_reversed_without_payment", "second_chargeback_without_payment")
    for left in in_every_order(path, whose(), deliveries(*names)):
        assert [entry for entry in left if entry[2] != "closed"] == [REFUNDS[0], CHARGEBACK]
    for found in (entries_after(path, whose(), deliveries(*order)) for order in (names, names[::-1])):
        assert len({entry["payment_id"] for entry in found}) == 1


def test_without_the_dispute_the_organizations_unique_reference_finds_it(path):
    told = deliveries("refund_in_part", "authorisation", "second_chargeback_without_payment")
    for left in in_every_order(path, whose(merchant_reference="unique"), told):
        assert len(left) == 3
    found = entries_after(path, whose(merchant_reference="unique"), told)
    assert len({entry["payment_id"] for entry in found}) == 1
    found = entries_after(path, whose(), told)
    assert len({entry["payment_id"] for entry in found}) == 2


def test_two_gifts_with_one_reference_are_two_gifts(path):
    """A fund's code as merchantReference must not fold two donors' gifts into one."""
    one, other = items("authorisation", "authorisation")
    other["NotificationRequestItem"]["pspReference"] = "ALDERPAY00000009"
    (left,) = in_every_order(path, whose(), [body(one), body(other)])
    assert left == (GIFT, GIFT)
