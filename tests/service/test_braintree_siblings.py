"""Braintree's announcements of one payment, in every order, through the front door into the ledger: one gift."""

import pytest

from relay.config import ProviderSettings
from relay.demo.signing import braintree_body
from relay.providers import Delivery
from tests.provider_cases import payloads
from tests.support.braintree_xml import xml_of
from tests.support.front_door import charity, entries_after, in_every_order

WHOSE = charity("braintree", ProviderSettings(secrets=("private",), options={"public_key": "public"}))


def deliveries(*names):
    bodies = [xml_of(payloads("braintree")[name]) for name in names]
    return [Delivery(braintree_body(body, "private", "public")) for body in bodies]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.db"


def test_each_month_lists_the_months_before_and_each_gift_is_booked_once(path):
    told = deliveries("subscription_charged", "subscription_charged_second_month", "subscription_charged")
    (left,) = in_every_order(path, WHOSE, told)
    assert left == (("gift", "2500", "queued", ""), ("gift", "2500", "queued", ""))


def test_a_month_that_only_the_next_one_tells_of_is_held_for_a_person(path):
    found = entries_after(path, WHOSE, deliveries("subscription_charged_second_month"))
    assert sorted((entry["provider_transaction_id"], entry["status"]) for entry in found) == [
        ("al1der01", "held"),
        ("al1der02", "queued"),
    ]


def test_a_payout_announces_a_known_gift_again_and_an_unknown_one_for_a_person(path):
    found = entries_after(path, WHOSE, deliveries("subscription_charged", "transaction_disbursed"))
    assert [(entry["amount"], entry["status"]) for entry in found] == [(2500, "queued"), (7500, "held")]


def test_a_dispute_lost_is_one_chargeback_whatever_it_is_called(path):
    told = deliveries("subscription_charged", "dispute_opened", "dispute_lost", "dispute_expired")
    for left in in_every_order(path, WHOSE, told):
        # Taken back in full before it was posted: neither is recorded.
        assert left == (("gift", "2500", "closed", ""), ("refund", "2500", "closed", "chargeback"))


def test_a_bank_debit_its_refund_and_the_refund_that_failed(path):
    for left in in_every_order(
        path, WHOSE, deliveries("transaction_settled", "transaction_settled_refund", "refund_failed")
    ):
        assert [entry[:3] for entry in left if entry[2] != "closed"] == [("gift", "10000", "held")]


def test_a_bank_debit_that_bounced_takes_back_only_what_was_booked(path):
    assert entries_after(path, WHOSE, deliveries("transaction_settlement_declined")) == []
    found = entries_after(path, WHOSE, deliveries("transaction_settled", "transaction_settlement_declined"))
    assert [entry["status"] for entry in found] == ["closed", "closed"]
