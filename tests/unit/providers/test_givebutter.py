"""Givebutter: two ways to sign, dollars today and cents in the scheme that is announced."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest

from relay.config import ProviderSettings
from relay.demo.signing import givebutter_headers
from relay.errors import NotUnderstood
from relay.gifts import Address, Designation, Flag, Gift, Name, Refund, RefundReason, TenderKind
from relay.money import Money
from relay.providers.base import Delivery
from relay.providers.givebutter import GIVEBUTTER, STATUSES, TENDERS
from tests.provider_cases import ProviderCases, payloads
from tests.unsigned_cases import UnsignedCases

RECORDED = Path(os.environ.get("RELAY_PAYLOADS", ""))


def usd(text):
    return Money.parse(text, "USD")


def situation(name, **options):
    return GIVEBUTTER.parse(Delivery(payloads("givebutter")[name]), ProviderSettings(secrets=("s",), options=options))


def changed(name="transaction_succeeded", *, event=None, **fields):
    body = json.loads(payloads("givebutter")[name])
    body["data"] |= fields
    return GIVEBUTTER.parse(Delivery(json.dumps(body | (event or {})).encode()))


class Givebutter:
    provider = GIVEBUTTER
    secret = "secret-of-this-organization"
    second_secret = "secret-while-rolling-over"
    other_secret = "secret-of-another-organization"
    genuine = "transaction_succeeded"
    strange = "refund.eclipsed"
    may_vanish: ClassVar = {
        "event": "another type of event is kept, counted and ignored",
        "type": "another type of event is kept, counted and ignored",
    }
    may_differ: ClassVar = {
        "data.refund.id": "without an id it is for a person",
    }
    signature_header = "signature"
    stamped = False

    def typed(self, event, kind):
        return event | {"event": kind}


class TestSecretInTheHeader(Givebutter, UnsignedCases):
    def sign(self, body, secret, timestamp=None):
        return givebutter_headers(body, secret)

    def test_a_signature_does_not_count_where_the_secret_is_expected(self):
        self.refused(headers=givebutter_headers(self.body, self.secret, "hmac"))


class TestSigned(Givebutter, ProviderCases):
    def sign(self, body, secret, timestamp=None):
        return givebutter_headers(body, secret, "hmac")

    def settings(self, *secrets):
        return ProviderSettings(secrets=secrets or (self.secret,), options={"signature": "hmac"})

    def test_the_secret_itself_does_not_count_where_a_signature_is_expected(self):
        self.refused(headers=givebutter_headers(self.body, self.secret))

    def test_the_name_of_the_algorithm_may_stand_before_it(self):
        signature = self.sign(self.body, self.secret)["signature"]
        assert self.verify({"signature": f"sha256={signature}"}) == 0
        self.refused(headers={"signature": f"sha1={signature}"})


# --- money in ---------------------------------------------------------------------------------------------------------


def test_the_whole_gift_in_dollars():
    (gift,) = situation("transaction_succeeded").facts
    assert gift.keys == ("GbAnna0001",)
    assert (gift.amount, gift.fee, gift.hold) == (usd("60.25"), usd("2.05"), "")
    assert gift.donor.name == Name(first="Anna", last="Berg")
    assert (gift.donor.email, gift.donor.phone) == ("anna.berg@example.org", "+15035550100")
    assert gift.donor.address == Address(
        street1="12 Alder Way", street2="Apt 3", city="Portland", state="OR", zip="97201", country="USA"
    )
    assert gift.designations == (Designation(fund="WATER"),)
    assert (gift.recurring, gift.anonymous, gift.tender.kind) == (False, None, TenderKind.CARD)
    assert gift.occurred_at == datetime(2026, 1, 3, 10, 0, tzinfo=UTC)
    assert gift.sources[0]["amount"] == "60.25"


def test_the_announced_scheme_counts_in_cents():
    parsed = situation("announced_transaction_created")
    (gift,) = parsed.facts
    assert (parsed.event_id, gift.keys) == ("evt_gb1", ("txn_20260001",))
    assert (gift.amount, gift.fee) == (usd("60.25"), usd("2.05"))
    assert gift.donor.name == Name(first="Anna", last="Berg")
    assert gift.anonymous is False


def test_dollars_and_cents_are_never_mixed_up():
    with pytest.raises(NotUnderstood, match="not both"):
        changed(event={"type": "transaction.created"})
    with pytest.raises(NotUnderstood, match="whole number"):
        changed("announced_transaction_created", amount=60.25)
    assert changed("announced_transaction_created", event={"type": "transaction.succeeded"}).facts == ()
    assert changed(event={"event": "transaction.created"}).facts == ()


def test_a_monthly_gift_and_the_campaign_as_its_fund():
    (gift,) = situation("transaction_succeeded_monthly").facts
    assert (gift.recurring, gift.designations, gift.tender.kind) == (True, (), TenderKind.BANK_DEBIT)
    (gift,) = situation("transaction_succeeded_monthly", fund_from="campaign_code").facts
    assert gift.designations == (Designation(fund="WATER26"),)


def test_a_ticket_is_not_taken_for_a_gift():
    (gift,) = situation("transaction_succeeded_with_ticket").facts
    assert "40.00 USD of these 100.00 USD" in gift.hold


@pytest.mark.parametrize(("status", "why"), STATUSES.items())
def test_the_status_decides(status, why):
    parsed = changed(status=status)
    assert (parsed.note == why) if why else isinstance(parsed.facts[0], Gift)


@pytest.mark.parametrize("status", ["brewing", None, "refunded"])
def test_a_status_nobody_knows_is_for_a_person(status):
    (flag,) = changed(status=status).facts
    assert isinstance(flag, Flag)


@pytest.mark.parametrize(("word", "kind"), TENDERS.items())
def test_tenders(word, kind):
    assert changed(payment_method=word).facts[0].tender.kind is kind


@pytest.mark.parametrize(
    ("amount", "exact"),
    [(7.78, "7.78"), (250, "250"), (0.1, "0.10"), ("60.25", "60.25"), (1000000.01, "1000000.01")],
)
def test_numbers_are_read_as_they_are_written(amount, exact):
    assert changed(amount=amount, donated=None).facts[0].amount == usd(exact)


@pytest.mark.parametrize(
    "odd", [{"amount": 7.785}, {"amount": "$60.25"}, {"amount": None}, {"amount": True}, {"id": None}]
)
def test_what_is_no_money_is_not_understood(odd):
    with pytest.raises(NotUnderstood):
        changed(**odd)


def test_an_exponent_is_no_amount():
    body = payloads("givebutter")["transaction_succeeded"].replace(
        b'"amount": 60.25,\n    "fee"', b'"amount": 6e1,\n    "fee"'
    )
    assert b"6e1" in body
    with pytest.raises(NotUnderstood):
        GIVEBUTTER.parse(Delivery(body))


def test_nothing_is_no_gift():
    assert changed(amount=0).facts == ()
    assert situation("plan_created").facts == ()
    assert situation("transaction_pending").facts == ()


# --- money back -------------------------------------------------------------------------------------------------------


def test_a_refund_that_names_all_is_booked_and_another_is_for_a_person():
    (refund,) = situation("refund_created").facts
    assert (refund.keys, refund.parent_keys, refund.amount) == (("GbRefund01",), ("GbAnna0001",), usd("15.25"))
    (flag,) = situation("refund_created_unclear").facts
    assert isinstance(flag, Flag)
    assert flag.parent_keys == ("GbAnna0001",)


@pytest.mark.parametrize(
    "odd", [{"amount": 0}, {"amount": None}, {"transaction_id": None}, {"transaction_id": "GbRefund01"}]
)
def test_a_refund_that_leaves_something_out_is_for_a_person(odd):
    assert isinstance(changed("refund_created", **odd).facts[0], Flag)


def test_the_announced_refund_and_chargeback():
    (refund,) = situation("announced_transaction_refunded").facts
    assert isinstance(refund, Refund)
    assert (refund.keys, refund.parent_keys, refund.amount) == (("ref_gb1",), ("txn_20260001",), usd("15.25"))
    assert (refund.reason, refund.occurred_at) == (RefundReason.REFUND, datetime(2026, 1, 5, 9, 15, tzinfo=UTC))
    (lost,) = situation("announced_chargeback").facts
    assert (lost.reason, lost.amount) == (RefundReason.CHARGEBACK, usd("60.25"))
    assert isinstance(situation("announced_refunded_unsaid").facts[0], Flag)


# --- recorded bodies --------------------------------------------------------------------------------------------------


@pytest.mark.skipif("RELAY_PAYLOADS" not in os.environ, reason="RELAY_PAYLOADS is not set")
def test_recorded_bodies():
    index = json.loads((RECORDED / "index.json").read_text(encoding="utf-8"))["files"]
    mine = [one for one in index if one["file"].startswith("platforms/givebutter")]
    assert len(mine) == 2
    for one in mine:
        parsed = GIVEBUTTER.parse(Delivery((RECORDED / one["file"]).read_bytes()))
        (gift,) = parsed.facts
        told = one["expected"]
        assert told["action"] == "gift"
        assert (gift.amount.text, gift.amount.currency) == (told["amount"], told["currency"])
        assert gift.keys == (told["payment_id"],)
        assert (parsed.event_id, gift.hold) == (one["event_id"], "")
        assert gift.designations == ()
