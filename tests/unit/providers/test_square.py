"""Square: a signature over the registered URL and the body, and what its events mean."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
from square.utils.webhooks_helper import verify_signature

from relay.config import ProviderSettings
from relay.config.provider_names import OPTIONS, PROVIDERS
from relay.demo.signing import square_headers
from relay.errors import BadSignature, NotUnderstood
from relay.gifts import Address, Billing, Designation, Flag, Gift, Name, Refund, RefundReason, Reinstatement, TenderKind
from relay.money import Money
from relay.providers.base import Delivery
from relay.providers.square import EVENTS, SQUARE
from relay.providers.square.payments import PAYMENT_STATUS
from tests.provider_cases import ProviderCases, payloads

RECORDED = Path(os.environ.get("RELAY_PAYLOADS", ""))
needs_recorded = pytest.mark.skipif("RELAY_PAYLOADS" not in os.environ, reason="RELAY_PAYLOADS is not set")
URL = "https://relay.example.org/webhooks/alder/square"
HEADER = "x-square-hmacsha256-signature"


def usd(text):
    return Money.parse(text, "USD")


def situation(name, headers=None, **options):
    settings = ProviderSettings(secrets=("key",), options=options)
    return SQUARE.parse(Delivery(payloads("square")[name], headers or {}), settings)


def only(name):
    (fact,) = situation(name).facts
    return fact


def changed(name, *, headers=None, without=(), **fields):
    """One of our payloads with some fields of its object changed."""
    body = json.loads(payloads("square")[name])
    ((word, found),) = body["data"]["object"].items()
    body["data"]["object"][word] = {key: value for key, value in (found | fields).items() if key not in without}
    return SQUARE.parse(Delivery(json.dumps(body).encode(), headers or {}))


class TestSquare(ProviderCases):
    provider = SQUARE
    secret = "signature-key-of-this-organization"
    second_secret = "signature-key-while-rolling-over"
    other_secret = "signature-key-of-another-organization"
    genuine = "payment_completed"
    strange = "dispute.eclipsed"
    may_vanish: ClassVar = {
        "type": "another type of event is kept, counted and ignored",
    }
    may_differ: ClassVar = {
        "data.object.payment.tip_money": "without a total, the amount and the tip are the gift",
    }
    signature_header = HEADER
    stamped = False

    def sign(self, body, secret, timestamp=None):
        return square_headers(body, secret, URL)

    def settings(self, *secrets):
        return ProviderSettings(secrets=secrets or (self.secret,), options={"notification_url": URL})

    @pytest.mark.parametrize("url", [URL + "/", URL.replace("https", "http"), URL.upper(), ""])
    def test_the_registered_address_is_signed_byte_by_byte(self, url):
        settings = ProviderSettings(secrets=(self.secret,), options={"notification_url": url})
        self.refused("secret" if url else "notification_url", settings=settings)

    def test_the_host_of_the_request_does_not_matter(self):
        assert self.verify(self.sign(self.body, self.secret) | {"host": "internal:8000"}) == 0

    def test_the_older_header_never_counts(self):
        signature = self.sign(self.body, self.secret)[HEADER]
        self.refused("missing", headers={"x-square-signature": signature})

    def test_the_official_sdk_accepts_ours_and_the_reverse(self):
        for body in payloads("square").values():
            header = self.sign(body, self.secret)[HEADER]
            arguments = {"signature_key": self.secret, "notification_url": URL}
            assert verify_signature(request_body=body.decode(), signature_header=header, **arguments)
            assert not verify_signature(request_body=body.decode() + " ", signature_header=header, **arguments)
            assert self.verify({HEADER: header}, body) == 0


@pytest.mark.skipif("RELAY_VECTORS" not in os.environ, reason="RELAY_VECTORS is not set")
def test_published_vectors():
    vectors = json.loads((Path(os.environ["RELAY_VECTORS"]) / "signatures.json").read_text(encoding="utf-8"))
    mine = [vector for vector in vectors if vector["provider"] == "square"]
    assert len(mine) == 3
    for vector in mine:
        settings = ProviderSettings(secrets=(vector["secret"],), options={"notification_url": vector["url"]})
        body, now = vector["body"].encode(), datetime.now(UTC)
        assert SQUARE.verify(Delivery(body, vector["headers"]), settings, now) == 0
        with pytest.raises(BadSignature):
            SQUARE.verify(Delivery(body + b" ", vector["headers"]), settings, now)


@pytest.mark.parametrize("token", ["EAAAEOuLQObrVwJvCvoio3H13b8Ssqz1ighmTBKZvIENW9qxirHGHkqsGcPBC1uN", "sq0idp-w46nJ"])
def test_an_access_token_is_no_signature_key(token):
    assert "signature key" in PROVIDERS["square"](token)
    assert PROVIDERS["square"]("Ibxx_5AKakO-3qeNVR61Dw") == ""


@pytest.mark.parametrize(
    ("url", "good"),
    [(URL, True), ("http://localhost:8000/x", True), ("relay.example.org", False), ("https://a b", False)],
)
def test_the_notification_url_is_checked(url, good):
    option = OPTIONS["square"]["notification_url"]
    assert option.required
    assert (option.wrong(url) == "") is good


# --- gifts ------------------------------------------------------------------------------------------------------------


def test_a_completed_payment_is_a_gift_with_donor_card_and_fee():
    gift = only("payment_completed")
    assert isinstance(gift, Gift)
    assert (gift.keys, gift.amount, gift.fee) == (("AlderPay0001aZY",), usd("60"), usd("2.04"))
    assert gift.donor.name == Name(first="Anna", last="Berg")
    assert gift.donor.email == "anna.berg@example.org"
    assert gift.donor.address == Address(
        street1="12 Alder Way", street2="Apt 3", city="Portland", state="OR", zip="97201", country="US"
    )
    assert (gift.tender.kind, gift.tender.card_type, gift.tender.last4) == (TenderKind.CARD, "Visa", "4242")
    assert (gift.tender.exp_month, gift.tender.exp_year) == (4, 2029)
    assert gift.designations == (Designation(fund="WATER"),)
    assert gift.occurred_at == datetime(2026, 1, 3, 10, 0, tzinfo=UTC)
    assert gift.billing == Billing()


@pytest.mark.parametrize(("status", "why"), PAYMENT_STATUS.items())
def test_the_status_decides_and_not_the_event(status, why):
    for name in ("payment_completed", "payment_approved"):
        parsed = changed(name, status=status)
        assert ([type(fact) for fact in parsed.facts], parsed.note) == ([] if why else [Gift], why)


@pytest.mark.parametrize("status", ["", None, "completed", "DONE", 1])
def test_an_unknown_status_is_no_gift_and_for_a_person(status):
    (flag,) = changed("payment_completed", status=status).facts
    assert isinstance(flag, Flag)
    assert "status" in flag.text


def test_a_bank_payment_that_failed_is_shown_where_it_was_booked():
    flag = only("payment_failed_bank")
    assert isinstance(flag, Flag)
    assert (flag.parent_keys, flag.only_if_booked) == (("AlderPay0004aZY",), True)
    assert situation("payment_pending_bank").facts == ()
    assert situation("payment_failed_card").facts == ()


@pytest.mark.parametrize(
    ("fields", "without", "amount"),
    [
        ({}, (), "60.00"),
        ({}, ("amount_money", "tip_money"), "60.00"),
        ({}, ("total_money",), "60.00"),
        ({}, ("total_money", "tip_money"), "58.00"),
    ],
)
def test_the_total_includes_the_tip(fields, without, amount):
    (gift,) = changed("payment_completed", without=without, **fields).facts
    assert gift.amount == usd(amount)


def test_yen_have_no_decimals():
    assert str(only("payment_without_total_in_yen").amount) == "550 JPY"


@pytest.mark.parametrize(
    "total", [{"amount": 1.5, "currency": "USD"}, {"amount": "100", "currency": "USD"}, {"amount": 100}, {}, 100]
)
def test_an_amount_that_is_not_exact_is_not_understood(total):
    with pytest.raises(NotUnderstood) as caught:
        changed("payment_completed", total_money=total)
    assert caught.value.about.type == "payment.updated"


@pytest.mark.parametrize("amount", [0, -5])
def test_a_payment_of_nothing_is_no_gift(amount):
    assert changed("payment_completed", total_money={"amount": amount, "currency": "USD"}).facts == ()


def test_an_external_payment_without_a_donor_is_a_gift_all_the_same():
    gift = only("payment_link_without_donor")
    assert (str(gift.amount), gift.tender.kind, gift.donor.email) == ("25.00 CAD", TenderKind.CHECK, "")


@pytest.mark.parametrize(
    ("fund_from", "designations"),
    [
        ("", (Designation(fund="WATER"),)),
        ("reference_id", (Designation(fund="WATER"),)),
        ("note", (Designation(fund="In memory of Olga"),)),
        ("none", ()),
    ],
)
def test_the_fund_stands_where_the_organization_says(fund_from, designations):
    (gift,) = situation("payment_completed", fund_from=fund_from).facts
    assert gift.designations == designations


def test_a_name_on_the_card_serves_where_no_other_is_told():
    card = {"card": {"cardholder_name": "A. Berg"}}
    (gift,) = changed("payment_completed", card_details=card).facts
    assert (gift.donor.name.last, gift.billing.name.full) == ("Berg", "A. Berg")
    (gift,) = changed("payment_completed", card_details=card, without=("billing_address",)).facts
    assert (gift.donor.name.full, gift.billing) == ("A. Berg", Billing())
    (gift,) = changed("payment_completed", billing_address={"last_name": "Berg"}).facts
    assert gift.donor.name == Name(full="Berg")


def test_a_fee_in_another_currency_is_not_told():
    fee = [{"amount_money": {"amount": 5, "currency": "CAD"}}]
    (gift,) = changed("payment_completed", processing_fee=fee).facts
    assert gift.fee is None


def test_a_payment_without_an_id_is_not_understood():
    with pytest.raises(NotUnderstood, match="without an id"):
        changed("payment_completed", id="")


def test_an_event_without_its_object_is_for_a_person():
    body = json.loads(payloads("square")["payment_completed"])
    body["data"]["object"] = None
    (flag,) = SQUARE.parse(Delivery(json.dumps(body).encode())).facts
    assert isinstance(flag, Flag)


@pytest.mark.parametrize("name", ["invoice_payment_made", "invoice_refunded", "test_notification"])
def test_what_tells_of_the_same_money_again_brings_nothing(name):
    assert situation(name).facts == ()


# --- refunds and disputes ---------------------------------------------------------------------------------------------


def test_a_completed_refund_names_its_payment_and_its_own_amount():
    refund = only("refund_completed")
    assert isinstance(refund, Refund)
    assert (refund.keys, refund.parent_keys) == (("AlderPay0001aZY_one",), ("AlderPay0001aZY",))
    assert (refund.amount, refund.reason) == (usd("15"), RefundReason.REFUND)
    assert situation("refund_pending").facts == ()


def test_the_refunds_id_begins_with_the_payments():
    assert only("refund_without_payment_id").parent_keys == ("AlderPay0007aZY",)
    (refund,) = changed("refund_completed", id="plain", without=("payment_id",)).facts
    assert refund.parent_keys == ()


@pytest.mark.parametrize("name", ["refund_failed", "refund_rejected"])
def test_a_refund_that_did_not_happen_is_money_back(name):
    back = only(name)
    assert isinstance(back, Reinstatement)
    assert (back.parent_keys, back.amount) == (("AlderPay0001aZY",), usd("15"))


@pytest.mark.parametrize("fields", [{"status": "ODD"}, {"amount_money": {"amount": 0, "currency": "USD"}}])
def test_an_odd_refund_is_for_a_person(fields):
    (flag,) = changed("refund_completed", **fields).facts
    assert isinstance(flag, Flag)


@pytest.mark.parametrize("state", ["EVIDENCE_REQUIRED", "PROCESSING", "INQUIRY_EVIDENCE_REQUIRED", "", "NEW_STATE"])
def test_an_open_dispute_is_shown_and_moves_nothing(state):
    (flag,) = changed("dispute_opened", state=state).facts
    assert isinstance(flag, Flag)
    assert flag.parent_keys == ("AlderPay0001aZY",)


@pytest.mark.parametrize("name", ["dispute_lost", "dispute_accepted", "dispute_lost_before_2021"])
def test_a_lost_dispute_is_a_chargeback(name):
    lost = only(name)
    assert isinstance(lost, Refund)
    assert (lost.keys, lost.parent_keys) == (("ALDERDISPUTE1",), ("AlderPay0001aZY",))
    assert (lost.amount, lost.reason) == (usd("60"), RefundReason.CHARGEBACK)


def test_a_dispute_won_is_money_back_and_a_closed_inquiry_is_nothing():
    back = only("dispute_won")
    assert isinstance(back, Reinstatement)
    assert back.refund_keys == ("ALDERDISPUTE1",)
    assert situation("dispute_inquiry_closed").facts == ()


def test_a_lost_dispute_about_nothing_is_for_a_person():
    (flag,) = changed("dispute_lost", amount_money=None).facts
    assert isinstance(flag, Flag)


# --- the envelope -----------------------------------------------------------------------------------------------------


def test_one_event_id_over_two_types_is_two_deliveries():
    one, other = situation("refund_pending"), situation("refund_completed")
    assert one.event_id == other.event_id
    assert one.delivery_key != other.delivery_key


@pytest.mark.parametrize(
    ("application", "environment", "live"),
    [
        ("sandbox-sq0idb-x", "Production", False),
        ("sq0idp-x", "Sandbox", True),
        ("", "Sandbox", False),
        ("", "Production", True),
        ("", " production ", True),
        ("", "", None),
        ("other", "Elsewhere", None),
    ],
)
def test_the_signed_application_tells_test_from_live_and_else_the_header(application, environment, live):
    details = {"application_id": application}
    headers = {"square-environment": environment}
    assert changed("payment_completed", headers=headers, application_details=details).live is live
    assert "square-environment" in SQUARE.kept_headers


# --- recorded bodies --------------------------------------------------------------------------------------------------


def recorded():
    if "RELAY_PAYLOADS" not in os.environ:
        return []
    index = json.loads((RECORDED / "index.json").read_text(encoding="utf-8"))["files"]
    return [(one["file"], one) for one in index if one["file"].startswith("square/")]


ACTIONS = {Gift: "gift", Refund: "refund", Reinstatement: "flag", Flag: "flag"}


@needs_recorded
@pytest.mark.parametrize(("file", "row"), recorded())
def test_recorded_bodies(file, row):
    expected = row["expected"]
    parsed = SQUARE.parse(Delivery((RECORDED / file).read_bytes()))
    assert len(parsed.facts) <= 1
    assert (ACTIONS[type(parsed.facts[0])] if parsed.facts else "ignore") == expected["action"]
    assert parsed.live in (row.get("livemode"), None)
    for fact in parsed.facts:
        if isinstance(fact, Gift):
            assert (fact.amount.text, fact.amount.currency) == (expected["amount"], expected["currency"])
            assert fact.keys[0] == expected["payment_id"]
        else:
            assert fact.parent_keys == (expected["of_payment_id"],)
        if isinstance(fact, Refund):
            assert (fact.amount.text, fact.amount.currency) == (expected["amount"], expected["currency"])
            assert fact.keys == (expected["refund_id"],)


@needs_recorded
def test_a_recorded_signature_verifies():
    signed = [row for _, row in recorded() if "signature" in row]
    for row in signed:
        told = row["signature"]
        name, _, value = told["header"].partition(": ")
        settings = ProviderSettings(secrets=(told["key"],), options={"notification_url": told["notification_url"]})
        body = (RECORDED / row["file"]).read_bytes()
        compact = json.dumps(json.loads(body), separators=(",", ":")).encode()
        assert any(_verifies(one, {name: value}, settings) for one in (body, body.rstrip(), compact))


def _verifies(body, headers, settings):
    try:
        return SQUARE.verify(Delivery(body, headers), settings, datetime.now(UTC)) == 0
    except BadSignature:
        return False


@needs_recorded
def test_recorded_bodies_survive_every_removal_and_retyping(monkeypatch):
    cases = TestSquare()
    bodies = {file: (RECORDED / file).read_bytes() for file, _ in recorded()}
    monkeypatch.setattr("tests.provider_cases.payloads", lambda _: bodies)
    cases.test_every_field_removed_one_by_one()
    cases.test_every_field_retyped_one_by_one()


@needs_recorded
def test_recorded_bodies_of_all_providers_stay_inside_our_errors():
    for path in RECORDED.glob("*/*"):
        TestSquare().survives(path.read_bytes())


def test_every_event_we_read_has_a_word():
    assert {word for word, _ in EVENTS.values()} == {"payment", "refund", "dispute"}
