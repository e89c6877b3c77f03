"""Stripe: its signature, and what its events mean, over every API version since 2012."""

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
import stripe

from relay.demo.signing import stripe_headers
from relay.errors import BadSignature, NotUnderstood
from relay.gifts import (
    Address,
    Billing,
    Designation,
    Flag,
    Gift,
    Link,
    Name,
    Refund,
    RefundReason,
    Reinstatement,
    TenderKind,
)
from relay.money import Money
from relay.providers.base import Delivery
from relay.providers.stripe import EVENTS, STRIPE, invoices
from relay.providers.stripe.amounts import EXPONENTS, money
from relay.providers.stripe.people import TENDERS
from tests.provider_cases import NOW, SENT, ProviderCases, payloads

RECORDED = Path(os.environ.get("RELAY_PAYLOADS", ""))
needs_recorded = pytest.mark.skipif("RELAY_PAYLOADS" not in os.environ, reason="RELAY_PAYLOADS is not set")


def usd(text):
    return Money.parse(text, "USD")


def situation(name):
    return STRIPE.parse(Delivery(payloads("stripe")[name]))


def only(name):
    (fact,) = situation(name).facts
    return fact


def changed(name, *, event=None, previous=None, without=(), **fields):
    """One of our payloads with some fields of its object, and perhaps of its event, changed."""
    body = json.loads(payloads("stripe")[name])
    body["data"]["object"] = {
        key: value for key, value in (body["data"]["object"] | fields).items() if key not in without
    }
    if previous is not None:
        body["data"]["previous_attributes"] = previous
    return STRIPE.parse(Delivery(json.dumps(body | (event or {})).encode()))


def gift_of(name, **changes):
    (gift,) = changed(name, **changes).facts
    assert isinstance(gift, Gift)
    return gift


class TestStripe(ProviderCases):
    provider = STRIPE
    secret = "whsec_of_this_organization"
    second_secret = "whsec_while_rolling_over"
    other_secret = "whsec_of_another_organization"
    genuine = "charge_succeeded"
    strange = "charge.dispute.eclipsed"
    may_vanish: ClassVar = {
        "type": "another type of event is kept, counted and ignored",
    }
    may_differ: ClassVar = {
        "data.object.amount": "a charge that was captured in part shows it there and nowhere else",
        "data.object.amount_captured": "a charge that was captured in part shows it there and nowhere else",
        "data.object.payments": "without the list of its payments, an unlinked invoice is held",
        "data.object.payments.data": "without the list of its payments, an unlinked invoice is held",
        "data.previous_attributes": "without it the ledger works out what is new",
        "data.previous_attributes.amount_refunded": "without it the ledger works out what is new",
    }
    signature_header = "stripe-signature"

    def sign(self, body, secret, timestamp=SENT):
        return stripe_headers(body, secret, timestamp)

    def header(self, text):
        return {"stripe-signature": text}

    def signed(self):
        """The timestamp part and the v1 part of a genuine header."""
        return self.sign(self.body, self.secret)["stripe-signature"].split(",")

    def test_any_of_several_signatures_is_accepted_in_any_order(self):
        time_part, v1 = self.signed()
        assert self.verify(self.header(f"{time_part},v1={'0' * 64},{v1},v0={'1' * 64}")) == 0
        assert self.verify(self.header(f"v0=abc, {v1} , {time_part}")) == 0
        assert self.verify(self.header(f"{time_part},{v1},v9=future")) == 0

    def test_v0_never_counts(self):
        time_part, v1 = self.signed()
        self.refused("no v1", headers=self.header(f"{time_part},{v1.replace('v1=', 'v0=')}"))

    @pytest.mark.parametrize(
        ("header", "words"),
        [
            ("{t},{t},{v1}", "exactly one timestamp"),
            ("{t},{v1},{t},{v1}", "exactly one timestamp"),
            ("t=1,{t},{v1}", "exactly one timestamp"),
            ("{v1}", "exactly one timestamp"),
            ("{t}", "no v1"),
            ("{t},{v1},", "not a list"),
            ("{t},{v1},garbage", "not a list"),
            ("{t},=x,{v1}", "not a list"),
            ("{t},v1=", "not a list"),
            ("t=-5,{v1}", "whole number"),
            ("t=1.5,{v1}", "whole number"),
            ("t=+{n},{v1}", "whole number"),
            ("t=٣,{v1}", "whole number"),
            ("t=9999999999999,{v1}", "whole number"),
            ("t=0{n},{v1}", "configured secret"),
            ("{t};{v1}", "exactly one timestamp|no v1|whole number"),
        ],
    )
    def test_odd_headers_are_refused_with_a_clear_sentence(self, header, words):
        time_part, v1 = self.signed()
        self.refused(words, headers=self.header(header.format(t=time_part, v1=v1, n=SENT)))

    def test_the_secret_is_text_and_not_decoded(self):
        headers = self.sign(self.body, self.secret.removeprefix("whsec_"))
        self.refused(headers=headers)

    def test_upper_case_hex_is_not_what_stripe_sends(self):
        time_part, v1 = self.signed()
        self.refused(headers=self.header(f"{time_part},v1={v1.removeprefix('v1=').upper()}"))

    def test_the_official_sdk_accepts_ours(self):
        header = self.sign(self.body, self.secret, int(time.time()))["stripe-signature"]
        assert stripe.WebhookSignature.verify_header(self.body, header, self.secret, 300)

    def test_ours_accepts_the_official_sdk(self):
        for body in payloads("stripe").values():
            header = stripe.WebhookSignature.generate_signature_header(body.decode(), self.secret, SENT)
            assert self.verify(self.header(header), body) == 0

    def test_verify_and_parse_take_well_under_a_millisecond(self):
        headers, settings = self.sign(self.body, self.secret), self.settings()
        delivery, rounds = Delivery(self.body, headers), 200
        times = []
        for _ in range(5):
            start = time.perf_counter()
            for _ in range(rounds):
                STRIPE.verify(delivery, settings, NOW)
                STRIPE.parse(delivery)
            times.append((time.perf_counter() - start) / rounds)
        assert min(times) < 0.001


@pytest.mark.skipif("RELAY_VECTORS" not in os.environ, reason="RELAY_VECTORS is not set")
def test_published_vectors():
    vectors = json.loads((Path(os.environ["RELAY_VECTORS"]) / "signatures.json").read_text(encoding="utf-8"))
    mine = [vector for vector in vectors if vector["provider"] == "stripe"]
    assert mine
    cases = TestStripe()
    for vector in mine:
        headers = {name.lower(): value for name, value in vector["headers"].items()}
        settings, now = cases.settings(vector["secret"]), datetime.fromtimestamp(vector["timestamp"], UTC)
        assert STRIPE.verify(Delivery(vector["body"].encode(), headers), settings, now) == 0
        with pytest.raises(BadSignature):
            STRIPE.verify(Delivery(vector["body"].rstrip().encode(), headers), settings, now)


# --- money in ---------------------------------------------------------------------------------------------------------


def test_a_charge_tells_the_whole_gift():
    gift = only("charge_succeeded")
    assert gift.keys == ("ch_3SkAnna0001", "pi_3SkAnna0001")
    assert gift.amount == usd("60.00")
    assert gift.occurred_at == datetime(2026, 1, 3, 10, 0, tzinfo=UTC)
    assert gift.donor.name == Name(full="Anna Berg")
    assert gift.donor.email == "anna.berg@example.org"
    assert gift.donor.phone == "+1 503 555 0100"
    assert gift.donor.employer == "Alder Press"
    assert gift.donor.address == Address(
        street1="12 Alder Way", street2="Apt 3", city="Portland", state="OR", zip="97201", country="US"
    )
    assert gift.anonymous is False
    assert gift.designations == (Designation(fund="WATER"),)
    assert (gift.tender.kind, gift.tender.card_type, gift.tender.last4) == (TenderKind.CARD, "Visa", "4242")
    assert (gift.tender.exp_month, gift.tender.exp_year) == (4, 2029)
    assert gift.sources[0]["id"] == "ch_3SkAnna0001"
    assert (gift.hold, gift.fee, gift.recurring, gift.billing) == ("", None, None, Billing())


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"status": "pending"}, "on its way"),
        ({"status": "failed"}, "failed"),
        ({"paid": False}, "not paid"),
        ({"captured": False}, "not captured"),
        ({"amount_captured": 0}, "zero"),
        ({"amount": 0, "amount_captured": None}, "zero"),
    ],
)
def test_the_status_decides_and_not_the_name_of_the_event(fields, why):
    parsed = changed("charge_succeeded", **fields)
    assert parsed.facts == ()
    assert why in parsed.note


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("charge_succeeded", {"status": "brand_new"}, "status 'brand_new'"),
        ("charge_succeeded", {"status": ["succeeded"]}, "status"),
        ("charge_succeeded", {"status": None, "paid": None}, "paid 'None'"),
        ("charge_succeeded", {"captured": None}, "captured 'None'"),
        ("charge_succeeded", {"captured": "true"}, "captured 'true'"),
        ("charge_succeeded", {"paid": "yes"}, "paid 'yes'"),
        ("payment_intent_succeeded", {"status": None}, "status 'None'"),
        ("payment_intent_succeeded", {"status": "captured"}, "status 'captured'"),
        ("session_paid", {"payment_status": "settled"}, "payment_status 'settled'"),
        ("session_paid", {"mode": "gift"}, "mode 'gift'"),
        ("invoice_payment_succeeded_2023", {"status": "settled"}, "status 'settled'"),
        ("invoice_payment_succeeded_2023", {"paid": 1}, "paid '1'"),
        ("invoice_paid_2014", {"paid": None}, "paid 'None'"),
        ("invoice_payment_paid", {"status": None}, "status 'None'"),
        ("invoice_payment_paid", {"payment": None}, "payer 'None'"),
        ("dispute_funds_reinstated", {"status": None}, "status 'None'"),
    ],
)
def test_a_word_that_nobody_knows_is_for_a_person_and_never_passed_over(name, fields, words):
    (flag,) = changed(name, **fields).facts
    assert isinstance(flag, Flag)
    assert words in flag.text
    assert flag.parent_keys


@pytest.mark.parametrize("name", ["charge_authorized_only", "charge_pending_bank_debit", "session_setup"])
def test_no_money_no_facts(name):
    parsed = situation(name)
    assert parsed.facts == ()
    assert parsed.note


def test_of_a_partial_capture_only_the_captured_money_is_the_gift():
    assert only("charge_captured_partly").amount == usd("60.00")
    assert gift_of("charge_captured_partly", without=["amount_captured"]).amount == usd("60.00")


def test_a_charge_of_2012_has_its_donor_on_the_card():
    gift = only("charge_succeeded_2012")
    assert (gift.amount, gift.fee) == (usd("25.00"), usd("1.03"))
    assert gift.donor.name == Name(full="Carl Dahl")
    assert gift.donor.address == Address(street1="4 Fjord Road", city="Duluth", state="MN", zip="55802", country="US")
    assert (gift.tender.kind, gift.tender.card_type, gift.tender.last4) == (TenderKind.CARD, "American Express", "0005")


def test_a_charge_of_2016_has_its_donor_on_the_source_and_names_its_invoice():
    gift = only("charge_succeeded_2016_source")
    assert gift.keys == ("ch_1Old2016", "in_1Old2016")
    assert (gift.donor.name.full, gift.donor.email) == ("Carl Dahl", "carl.dahl@example.org")
    assert (gift.tender.card_type, gift.tender.exp_year) == ("MasterCard", 2019)


def test_a_status_of_paid_is_how_succeeded_was_spelled_before_2015():
    assert gift_of("charge_succeeded_2016_source", status="paid").amount == usd("25.00")


def test_a_source_of_another_type_brings_its_owner_and_its_kind():
    source = {"object": "source", "type": "sepa_debit", "sepa_debit": {"last4": "3000"}}
    owner = {"name": "Carl Dahl", "email": "c@example.org", "address": {"line1": "4 Fjord Road"}}
    gift = gift_of("charge_succeeded_2016_source", source=source | {"owner": owner}, receipt_email=None)
    assert (gift.donor.name.full, gift.donor.email) == ("Carl Dahl", "c@example.org")
    assert gift.donor.address.street1 == "4 Fjord Road"
    assert (gift.tender.kind, gift.tender.last4) == (TenderKind.BANK_DEBIT, "3000")


def test_a_bank_debit_is_no_card():
    tender = only("charge_succeeded_bank_debit").tender
    assert (tender.kind, tender.card_type, tender.last4) == (TenderKind.BANK_DEBIT, "", "6789")


@pytest.mark.parametrize(
    ("kind", "ours"),
    [
        ("card_present", TenderKind.CARD),
        ("sepa_debit", TenderKind.BANK_DEBIT),
        ("link", TenderKind.WALLET),
        ("klarna", TenderKind.OTHER),
        ("invented_tomorrow", TenderKind.OTHER),
    ],
)
def test_tenders(kind, ours):
    assert gift_of("charge_succeeded", payment_method_details={"type": kind, kind: {}}).tender.kind is ours


def test_tenders_are_words_stripe_knows():
    known = set(stripe.Charge.PaymentMethodDetails.__annotations__)
    before = {"bank_account", "three_d_secure"}  # types of sources, before payment methods
    assert set(TENDERS) <= known | before


def test_the_fee_is_told_where_the_balance_transaction_is_expanded_in_the_same_currency():
    assert only("charge_succeeded_with_fee").fee == usd("2.04")
    settled = {"fee": 180, "currency": "eur"}
    assert gift_of("charge_succeeded", balance_transaction=settled).fee is None


def test_expanded_ids_are_ids():
    gift = gift_of("charge_succeeded", payment_intent={"id": "pi_x", "object": "payment_intent"})
    assert gift.keys == ("ch_3SkAnna0001", "pi_x")


def test_an_event_of_a_connected_account_is_read_like_any_other():
    assert only("charge_succeeded_on_a_connected_account").keys == only("charge_succeeded").keys


def test_a_payment_intent_names_its_charge():
    gift = only("payment_intent_succeeded")
    assert gift.keys == ("pi_3SkAnna0001", "ch_3SkAnna0001")
    assert (gift.amount, gift.donor.email) == (usd("60.00"), "anna.berg@example.org")
    assert gift.designations == (Designation(fund="WATER"),)


def test_a_payment_intent_before_2022_brings_the_charge_that_succeeded():
    gift = only("payment_intent_succeeded_2020_with_charges")
    assert gift.keys == ("pi_3SkAnna0001", "ch_3SkAnna0001")
    assert gift.donor.name.full == "Anna Berg"
    assert gift.tender.last4 == "4242"


def test_a_payment_intent_of_2018_has_only_amount():
    assert gift_of("payment_intent_succeeded", without=["amount_received"]).amount == usd("60.00")


def test_a_payment_intent_that_says_otherwise_is_no_gift():
    assert situation("payment_intent_succeeded_says_otherwise").facts == ()


def test_a_paid_session_is_the_gift_of_its_payment_intent():
    for name in ("session_paid", "session_async_payment_succeeded"):
        gift = only(name)
        assert gift.keys == ("pi_3SkAnna0001", "cs_live_a1Anna0001")
        assert gift.amount == usd("60.00")
        assert gift.donor.email_opt_in is True
        assert gift.donor.employer == "Alder Press"
        assert gift.designations == (Designation(fund="LIBRARY"),)
        assert gift.shipping.name.full == "Berg Household"
        assert gift.recurring is False


def test_a_session_may_name_the_invoice_it_makes():
    assert gift_of("session_paid", invoice="in_x").keys == ("pi_3SkAnna0001", "cs_live_a1Anna0001", "in_x")


@pytest.mark.parametrize("field", ["shipping_details", "shipping"])
def test_shipping_stood_elsewhere_in_older_sessions(field):
    told = {"name": "Berg Household", "address": {"line1": "12 Alder Way"}}
    gift = gift_of("session_paid", without=["collected_information"], **{field: told})
    assert gift.shipping.name.full == "Berg Household"


@pytest.mark.parametrize("name", ["session_unpaid_bank_debit", "session_nothing_to_pay", "session_setup"])
def test_an_unpaid_session_is_no_gift(name):
    assert situation(name).facts == ()


def test_a_session_that_begins_a_subscription_only_names_its_invoice():
    assert only("session_subscription") == Link(keys=("cs_live_a1Anna0001", "in_1SkAnna0001"))
    assert changed("session_subscription", invoice=None).facts == ()


def test_a_session_without_payment_status_is_for_a_person():
    flag = only("session_2019_without_status")
    assert isinstance(flag, Flag)
    assert flag.parent_keys == ("pi_2019", "cs_2019")


# --- invoices ---------------------------------------------------------------------------------------------------------


def test_an_invoice_before_2025_names_charge_and_payment_intent():
    gift = only("invoice_payment_succeeded_2023")
    assert gift.keys == ("ch_3SkAnna0001", "in_1SkAnna0001", "pi_3SkAnna0001")
    assert (gift.amount, gift.recurring, gift.hold) == (usd("25.00"), True, "")
    assert (gift.donor.name.full, gift.donor.email) == ("Anna Berg", "anna.berg@example.org")
    assert gift.designations == (Designation(fund="LIBRARY"),)
    assert gift.occurred_at == datetime(2026, 1, 3, 10, 0, tzinfo=UTC)


def test_an_invoice_of_2014_has_neither_status_nor_amount_paid():
    gift = only("invoice_paid_2014")
    assert (gift.keys, gift.amount, gift.recurring) == (("ch_1Old2014", "in_1Old2014"), usd("10.00"), True)


def test_an_invoice_since_2025_names_no_payment_and_waits_for_one():
    gift = only("invoice_paid_unlinked")
    assert (gift.keys, gift.hold) == (("in_1SkAnna0001",), invoices.UNLINKED)
    assert gift.designations == (Designation(fund="WATER"),)
    assert gift.recurring is True
    assert gift.donor.email_opt_in is True


def test_an_invoice_with_its_payment_needs_no_hold():
    gift = only("invoice_paid_with_its_payment")
    assert (gift.keys, gift.hold) == (("pi_3SkAnna0001", "in_1SkAnna0001"), "")


def test_an_invoice_payment_joins_invoice_and_payment_and_is_the_money():
    gift = only("invoice_payment_paid")
    assert (gift.keys, gift.amount, gift.hold) == (("pi_3SkAnna0001", "in_1SkAnna0001"), usd("25.00"), "")


def test_together_they_are_one_complete_gift_in_any_order():
    paid, bill = only("invoice_payment_paid"), only("invoice_paid_unlinked")
    charge = gift_of("charge_succeeded", amount=2500, amount_captured=2500, metadata={})
    for order in ([paid, bill, charge], [bill, paid, charge], [charge, bill, paid], [bill, charge, paid]):
        gift = order[0].filled_from(order[1]).filled_from(order[2])
        assert set(gift.keys) == {"ch_3SkAnna0001", "pi_3SkAnna0001", "in_1SkAnna0001"}
        assert (gift.hold, gift.recurring, gift.tender.last4) == ("", True, "4242")
        assert gift.designations == (Designation(fund="WATER"),)


def test_part_payments_of_an_invoice_are_gifts_of_their_own():
    first, second = situation("invoice_paid_in_parts").facts
    assert [(gift.keys, gift.amount) for gift in (first, second)] == [
        (("pi_3SkAnna0001",), usd("15.00")),
        (("pi_3SkAnna0002",), usd("10.00")),
    ]
    assert first.hold == second.hold == invoices.IN_PARTS
    part = only("invoice_payment_paid_in_part")
    assert (part.keys, part.amount, part.hold) == (("pi_3SkAnna0001",), usd("15.00"), "")


@pytest.mark.parametrize("other", ["canceled", "open", "brand_new", None])
def test_an_invoice_of_which_only_a_part_is_listed_as_paid_is_not_taken_for_its_whole(other):
    bill = json.loads(payloads("stripe")["invoice_paid_in_parts"])["data"]["object"]
    bill["payments"]["data"][0]["status"] = other
    gift = gift_of("invoice_paid_in_parts", payments=bill["payments"])
    assert (gift.keys, gift.amount, gift.hold) == (("pi_3SkAnna0002",), usd("10.00"), invoices.IN_PARTS)


def test_a_canceled_attempt_beside_the_payment_of_the_whole_is_no_part():
    bill = json.loads(payloads("stripe")["invoice_paid_in_parts"])["data"]["object"]
    bill["payments"]["data"][0]["status"] = "canceled"
    bill["payments"]["data"][1]["amount_paid"] = 2500
    gift = gift_of("invoice_paid_in_parts", payments=bill["payments"])
    assert (gift.keys, gift.amount, gift.hold) == (("pi_3SkAnna0002", "in_1SkAnna0001"), usd("25.00"), "")


def test_a_subscription_without_a_mode_is_not_booked_beside_its_invoice():
    assert changed("session_subscription", mode=None).facts == situation("session_subscription").facts


def test_what_was_paid_outside_stripe_is_for_a_person():
    assert only("invoice_paid_outside_stripe").hold == invoices.OFF_STRIPE
    assert gift_of("invoice_paid_with_its_payment", amount_paid_off_stripe=500).hold == invoices.OFF_STRIPE
    record = {"type": "payment_record", "payment_record": "pr_1"}
    assert changed("invoice_payment_paid", payment=record).facts == ()


def test_an_invoice_that_contradicts_itself_is_for_a_person():
    gift = gift_of("invoice_paid_2014", total=0)
    assert (gift.amount, gift.hold) == (usd("10.00"), invoices.CONTRADICTS)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("invoice_paid_zero", {}),
        ("invoice_paid_unlinked", {"status": "open"}),
        ("invoice_paid_unlinked", {"status": "uncollectible"}),
        ("invoice_paid_2014", {"paid": False}),
        ("invoice_payment_paid", {"status": "open", "amount_paid": None}),
        ("invoice_payment_paid", {"amount_paid": 0}),
    ],
)
def test_an_invoice_without_money_is_no_gift(name, fields):
    assert changed(name, **fields).facts == ()


def line(amount, **metadata):
    return {"amount": amount, "currency": "usd", "metadata": metadata}


@pytest.mark.parametrize(
    ("lines", "designations"),
    [
        ([line(2500, fund="A")], (Designation(fund="A"),)),
        ([line(1000, fund="A"), line(1500, fund="A")], (Designation(fund="A"),)),
        (
            [line(1000, fund="A"), line(1500, fund="B")],
            (Designation(fund="A", amount=usd("10")), Designation(fund="B", amount=usd("15"))),
        ),
        ([line(1000, fund="A"), line(1500)], (Designation(fund="A", amount=usd("10")), Designation(amount=usd("15")))),
        ([line(1000, fund="A"), line(1700, fund="B")], ()),
        ([line(3500, fund="A"), line(-1000, fund="B")], ()),
        ([line(2500)], ()),
        ([], ()),
        (["odd", line("2500", fund="A")], (Designation(fund="A"),)),
    ],
)
def test_the_lines_of_an_invoice_may_each_have_a_fund(lines, designations):
    gift = gift_of("invoice_paid_unlinked", lines={"data": lines}, parent=None)
    assert gift.designations == designations


@pytest.mark.parametrize(
    ("fields", "recurring"),
    [
        ({"billing_reason": "manual", "parent": None}, False),
        ({"billing_reason": "subscription_create", "parent": None}, True),
        ({"billing_reason": None, "parent": None}, None),
        ({"billing_reason": None, "parent": None, "subscription": "sub_1"}, True),
    ],
)
def test_whether_an_invoice_is_one_of_a_series(fields, recurring):
    assert gift_of("invoice_paid_unlinked", **fields).recurring is recurring


# --- what metadata adds -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "designations"),
    [
        ({"Fund Code": " WATER "}, (Designation(fund="WATER"),)),
        ({"campaign": "GALA", "designation": "WATER"}, (Designation(fund="WATER"),)),
        ({"fund": "", "campaign": "GALA"}, (Designation(fund="GALA"),)),
        ({"write_in": "Choir", "write_in_contact": "Lund"}, (Designation(write_in="Choir", contact="Lund"),)),
        (
            {"designations": "WATER:40.00, LIBRARY"},
            (Designation(fund="WATER", amount=usd("40")), Designation(fund="LIBRARY")),
        ),
        (
            {"designations": '[{"fund": "A", "amount": "40"}, {"write_in": "Choir", "contact": "Lund"}, "B"]'},
            (
                Designation(fund="A", amount=usd("40")),
                Designation(write_in="Choir", contact="Lund"),
                Designation(fund="B"),
            ),
        ),
        (
            {"designations": '{"A": "40.00", "B": 20}'},
            (Designation(fund="A", amount=usd("40")), Designation(fund="B", amount=usd("20"))),
        ),
        (
            {"fund_1": "A", "amount_1": "40", "write_in_2": "Choir", "contact_2": "Lund", "amount_2": "20.00"},
            (
                Designation(fund="A", amount=usd("40")),
                Designation(write_in="Choir", contact="Lund", amount=usd("20")),
            ),
        ),
        # What cannot be read becomes a fund that nobody has configured: the gift is held with the text in sight.
        ({"designations": "A:forty"}, (Designation(fund="A:forty"),)),
        ({"designations": "A:40.005"}, (Designation(fund="A:40.005"),)),
        ({"designations": '{"A": 40.5}'}, (Designation(fund='{"A": 40.5}'),)),
        ({"designations": "[{}]"}, (Designation(fund="[{}]"),)),
        ({"designations": "[not json"}, (Designation(fund="[not json"),)),
        ({"designations": "[[1]]"}, (Designation(fund="[[1]]"),)),
        ({"designations": ","}, (Designation(fund=","),)),
        ({"designations": "A:"}, (Designation(fund="A:"),)),
        ({"designations": ":40"}, (Designation(fund=":40"),)),
        ({"fund_1": "A", "amount_1": "$40"}, (Designation(fund="A: $40"),)),
        ({"fund_1": "A", "amount_1": "-40"}, (Designation(fund="A: -40"),)),
        ({"designations": "A:0"}, (Designation(fund="A:0"),)),
        ({"designations": ",".join("ABCDEFGHIJKLMNOPQRSTU")}, (Designation(fund=",".join("ABCDEFGHIJKLMNOPQRSTU")),)),
        ({}, ()),
        ([], ()),
        (None, ()),
    ],
)
def test_funds_in_metadata(metadata, designations):
    assert gift_of("charge_succeeded", metadata=metadata).designations == designations


def test_a_name_in_parts_wins_and_the_cardholder_becomes_the_billing_name():
    gift = only("charge_succeeded_split_gift")
    assert gift.donor.name == Name(title="Dr.", first="Anna", last="Berg-Lund")
    assert gift.billing.name == Name(full="Anna Berg")
    assert gift.billing.address.zip == "97201"


def test_half_a_name_in_metadata_does_not_replace_a_whole_one():
    gift = gift_of("charge_succeeded", metadata={"first_name": "Anna"})
    assert (gift.donor.name, gift.billing) == (Name(full="Anna Berg"), Billing())


def test_metadata_fills_what_stripe_does_not_know():
    words = {
        "Donor-Email": "a@example.org",
        "phone": "1",
        "phone_type": "home",
        "occupation": "Editor",
        "constituent_id": "7",
        "opt_in": "No",
        "address_line1": "4 Fjord Road",
        "postcode": "55802",
        "matching_eligible": "TRUE",
        "gift_aid": "yes",
        "premium_id": "12",
        "anonymous": "perhaps",
        "spouse_first_name": "Carl",
        "spouse_last_name": "Lund",
    }
    gift = gift_of("charge_succeeded", billing_details=None, metadata=words)
    donor = gift.donor
    assert (donor.email, donor.phone, donor.phone_type, donor.cons_id) == ("a@example.org", "1", "home", "7")
    assert (donor.occupation, donor.email_opt_in) == ("Editor", False)
    assert donor.address == Address(street1="4 Fjord Road", zip="55802")
    assert (gift.matching_eligible, gift.gift_aid, gift.premium_id, gift.anonymous) == (True, "yes", "12", None)
    assert gift.joint_donor == Name(first="Carl", last="Lund")


def test_what_the_donor_told_stripe_wins_over_metadata():
    gift = gift_of("charge_succeeded", metadata={"email": "old@example.org", "phone": "0"})
    assert (gift.donor.email, gift.donor.phone) == ("anna.berg@example.org", "+1 503 555 0100")


# --- amounts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1050, "usd", "10.50"),
        (1050, "EUR", "10.50"),
        (1050, "jpy", "1050"),
        (1050, "krw", "1050"),
        (1050, "mga", "1050.00"),
        (10500, "kwd", "10.500"),
        (500, "isk", "5"),
        (500, "ugx", "5"),
        (500, "huf", "5.00"),
        (500, "twd", "5.00"),
    ],
)
def test_stripes_minor_units(amount, currency, text):
    assert money(amount, currency).text == text


@pytest.mark.parametrize(
    ("amount", "currency"),
    [(505, "isk"), (1, "ugx"), (10.0, "usd"), ("10", "usd"), (True, "usd"), (None, "usd"), (2**63, "usd"), (5, "us")],
)
def test_what_is_no_exact_amount_is_not_understood(amount, currency):
    with pytest.raises(NotUnderstood):
        changed("charge_succeeded", amount_captured=amount or "", amount=amount, currency=currency)


def test_every_currency_of_stripes_tables_can_be_read():
    for code in EXPONENTS:
        assert money(100, code.lower()).minor > 0


# --- refunds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["refund_created", "refund_updated"])
def test_a_refund_that_succeeded(name):
    refund = only(name)
    assert refund.keys == ("re_3SkAnna0001",)
    assert refund.parent_keys == ("ch_3SkAnna0001", "pi_3SkAnna0001")
    assert (refund.amount, refund.reason, refund.total) == (usd("15.00"), RefundReason.REFUND, None)


@pytest.mark.parametrize("status", ["pending", "requires_action"])
def test_a_refund_on_its_way_is_nothing_yet(status):
    assert changed("refund_created", status=status).facts == ()


@pytest.mark.parametrize("name", ["refund_failed", "refund_canceled", "charge_refund_updated_failed_2020"])
def test_a_refund_that_failed_is_money_back(name):
    back = only(name)
    assert isinstance(back, Reinstatement)
    assert (back.refund_keys, back.amount) == (("re_3SkAnna0001",), usd("15.00"))
    assert back.parent_keys == ("ch_3SkAnna0001", "pi_3SkAnna0001")


def test_why_a_refund_failed_is_said():
    assert "expired or canceled card" in only("refund_failed").text


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("refund_created", {"status": None}),
        ("refund_created", {"status": "brand_new"}),
        ("refund_failed", {"status": "succeeded"}),
        ("refund_created", {"amount": 0}),
    ],
)
def test_an_odd_refund_is_for_a_person(name, fields):
    (flag,) = changed(name, **fields).facts
    assert isinstance(flag, Flag)
    assert flag.parent_keys == ("ch_3SkAnna0001", "pi_3SkAnna0001")


def test_a_refund_without_an_id_could_be_booked_twice_and_is_not_understood():
    with pytest.raises(NotUnderstood, match="without an id"):
        changed("refund_created", without=["id"])


def test_a_refund_that_names_no_payment_is_still_a_refund():
    (refund,) = changed("refund_created", charge=None, payment_intent=None).facts
    assert refund.parent_keys == ()


def test_a_total_is_turned_into_this_refund_where_it_can_be():
    refund = only("charge_refunded_in_part")
    assert (refund.keys, refund.parent_keys) == ((), ("ch_3SkAnna0001", "pi_3SkAnna0001"))
    assert (refund.amount, refund.total, refund.before) == (usd("15"), usd("25"), usd("10"))
    first = only("charge_refunded_first")
    assert (first.amount, first.total, first.before) == (usd("60"), usd("60"), usd("0"))
    unknown = only("charge_refunded_without_before")
    assert (unknown.amount, unknown.total, unknown.before) == (usd("25"), usd("25"), None)


def test_a_list_of_refunds_names_the_newest_and_tells_the_total_too():
    refund = only("charge_refunded_2020_with_list")
    assert refund.keys == ("re_3SkAnna0002",)
    assert (refund.amount, refund.total, refund.before) == (usd("15"), usd("25"), usd("10"))


def test_a_list_is_not_believed_where_the_total_grew_by_something_else():
    (refund,) = changed("charge_refunded_2020_with_list", previous={"amount_refunded": 2000}).facts
    assert (refund.keys, refund.amount) == ((), usd("5"))


def test_a_refund_in_the_list_that_did_not_succeed_is_not_the_one():
    parsed = json.loads(payloads("stripe")["charge_refunded_2020_with_list"])
    parsed["data"]["object"]["refunds"]["data"][0]["status"] = "failed"
    parsed["data"]["previous_attributes"] = {}
    (refund,) = STRIPE.parse(Delivery(json.dumps(parsed).encode())).facts
    assert refund.keys == ("re_3SkAnna0001",)


def test_the_list_of_2012_has_no_ids():
    refund = only("charge_refunded_2012_plain_list")
    assert (refund.keys, refund.amount, refund.total) == ((), usd("25"), usd("25"))


@pytest.mark.parametrize("name", ["charge_refunded_without_amount", "charge_refunded_rest_of_a_partial_capture"])
def test_a_total_that_does_not_tell_is_for_a_person(name):
    assert isinstance(only(name), Flag)
    (flag,) = changed("charge_refunded_in_part", previous={"amount_refunded": 2500}).facts
    assert isinstance(flag, Flag)


def test_a_released_authorization_is_no_refund():
    assert situation("charge_refunded_authorization_released").facts == ()


# --- disputes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["dispute_opened", "dispute_inquiry_opened", "dispute_under_review", "dispute_prevented"]
)
def test_a_dispute_is_shown_and_moves_nothing(name):
    flag = only(name)
    assert isinstance(flag, Flag)
    assert flag.parent_keys == ("ch_3SkAnna0001", "pi_3SkAnna0001")


def test_withdrawn_and_lost_are_one_chargeback_by_the_id_of_the_dispute():
    withdrawn, lost = only("dispute_funds_withdrawn"), only("dispute_lost")
    for refund in (withdrawn, lost):
        assert isinstance(refund, Refund)
        assert (refund.keys, refund.amount) == (("du_1SkAnna0001",), usd("60"))
        assert refund.reason is RefundReason.CHARGEBACK


@pytest.mark.parametrize("name", ["dispute_won", "dispute_funds_reinstated"])
def test_a_dispute_won_is_money_back(name):
    back = only(name)
    assert isinstance(back, Reinstatement)
    assert (back.refund_keys, back.amount) == (("du_1SkAnna0001",), usd("60"))


def test_an_inquiry_moves_no_money_whatever_the_event_is_called():
    assert situation("dispute_inquiry_closed").facts == ()
    for name in ("dispute_funds_withdrawn", "dispute_funds_reinstated"):
        (flag,) = changed(name, status="warning_under_review").facts
        assert isinstance(flag, Flag)


def test_a_dispute_about_nothing_is_for_a_person():
    (flag,) = changed("dispute_lost", amount=0).facts
    assert isinstance(flag, Flag)
    (back,) = changed("dispute_won", amount=0).facts
    assert back.amount is None


def test_a_credit_after_a_lost_dispute_is_not_the_gift():
    assert isinstance(only("dispute_credit_after_lost"), Flag)


def test_a_dispute_before_2014_is_known_by_its_charge():
    assert only("dispute_won_2013_without_id").refund_keys == ("dispute of ch_1Old2013",)


# --- the envelope -----------------------------------------------------------------------------------------------------


def test_the_delivery_key_is_event_type_and_object():
    assert situation("charge_succeeded").delivery_key == "evt_1SkRelay0001:charge.succeeded:ch_3SkAnna0001"


def test_one_event_id_over_several_types_is_several_deliveries():
    one = changed("charge_succeeded", event={"id": "evt_1"})
    other = changed("payment_intent_succeeded", event={"id": "evt_1"})
    assert one.event_id == other.event_id
    assert one.delivery_key != other.delivery_key


def test_an_event_without_an_id_is_known_by_its_body():
    parsed = situation("invoice_upcoming_without_ids")
    assert parsed.event_id == ""
    assert parsed.delivery_key.startswith("sha256:")


def test_an_endless_id_does_not_make_an_endless_key():
    assert changed("charge_succeeded", event={"id": "x" * 250}).delivery_key.startswith("sha256:")
    assert changed("charge_succeeded", event={"id": "x" * 9000}).delivery_key.startswith("sha256:")


@pytest.mark.parametrize(("told", "live"), [(True, True), (False, False), ("false", None), (None, None)])
def test_live_or_test(told, live):
    assert changed("charge_succeeded", event={"livemode": told}).live is live


def test_an_object_that_is_none_is_for_a_person():
    parsed = situation("object_is_a_text")
    assert isinstance(parsed.facts[0], Flag)
    assert parsed.live is True


def test_an_object_of_another_kind_is_not_understood():
    with pytest.raises(NotUnderstood, match="something else than a charge"):
        changed("charge_succeeded", object="payment_intent")


def test_a_thin_event_of_money_is_for_a_person_and_another_is_ignored():
    assert "snapshot" in only("thin_charge_succeeded").text
    assert situation("thin_charge_succeeded").occurred_at == datetime(2026, 1, 3, 10, 0, tzinfo=UTC)
    assert situation("thin_account_updated").facts == ()


def test_every_event_we_read_is_one_stripe_sends():
    source = Path(stripe.__file__).with_name("_event.py").read_text(encoding="utf-8")
    assert [kind for kind in EVENTS if f'"{kind}"' not in source] == []


# --- recorded bodies --------------------------------------------------------------------------------------------------


def recorded():
    """Every recorded Stripe body and what a careful reader expects of it."""
    if "RELAY_PAYLOADS" not in os.environ:
        return []
    index = json.loads((RECORDED / "index.json").read_text(encoding="utf-8"))["files"]
    return [(one["file"], one["expected"]) for one in index if one["file"].startswith("stripe/")]


def action(facts):
    """What a relay does with these facts, in the words of the index."""
    words = {Gift: "gift", Refund: "refund", Reinstatement: "flag", Flag: "flag", Link: "ignore"}
    return words[type(facts[0])] if facts else "ignore"


@needs_recorded
@pytest.mark.parametrize(("file", "expected"), recorded())
def test_recorded_bodies(file, expected):
    parsed = STRIPE.parse(Delivery((RECORDED / file).read_bytes()))
    assert action(parsed.facts) == expected["action"]
    assert len(parsed.facts) <= 1
    if expected["action"] == "gift":
        (gift,) = parsed.facts
        assert (gift.amount.text, gift.amount.currency) == (expected["amount"], expected["currency"])
        assert gift.keys[0] == expected["payment_id"]
        assert set(gift.keys) >= set(expected["dedupe_keys"])
        assert gift.recurring in (expected.get("recurring", gift.recurring), None)
        assert gift.hold == ""
    if expected["action"] == "refund":
        (refund,) = parsed.facts
        assert (refund.amount.text, refund.amount.currency) == (expected["amount"], expected["currency"])
        assert refund.keys == (expected["refund_id"],)
        assert refund.parent_keys[0] == expected["of_payment_id"]
        assert refund.reason.value == expected.get("kind", "refund")


@needs_recorded
def test_recorded_bodies_survive_every_removal_and_retyping(monkeypatch):
    cases = TestStripe()
    bodies = {file: (RECORDED / file).read_bytes() for file, _ in recorded()}
    monkeypatch.setattr("tests.provider_cases.payloads", lambda _: bodies)
    cases.test_every_field_removed_one_by_one()
    cases.test_every_field_retyped_one_by_one()


@needs_recorded
def test_recorded_bodies_of_all_providers_stay_inside_our_errors():
    cases = TestStripe()
    for path in RECORDED.glob("*/*"):
        cases.survives(path.read_bytes())
