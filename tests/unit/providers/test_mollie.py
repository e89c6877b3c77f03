"""Mollie: the secret in the address, signed next-gen events, and what its API says of a payment."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import mollie.api.client
import pytest
from mollie.api.objects.payment import Payment

from relay.config import ProviderSettings
from relay.demo.signing import mollie_headers
from relay.errors import BadSignature, FetchFailed, NotUnderstood, Unreadable
from relay.gifts import Address, Designation, Flag, Gift, Name, Refund, RefundReason, Reinstatement, TenderKind
from relay.money import Money
from relay.providers.base import Delivery
from relay.providers.calling import Caller
from relay.providers.mollie import MOLLIE
from relay.providers.mollie.api import ADDRESSES
from relay.providers.mollie.payments import PAID, UNPAID
from tests.provider_cases import NOW, SENT, ProviderCases, payloads

RECORDED = Path(os.environ.get("RELAY_PAYLOADS", ""))
needs_recorded = pytest.mark.skipif("RELAY_PAYLOADS" not in os.environ, reason="RELAY_PAYLOADS is not set")
TOKEN = "alder-4f1c5b8e9d2a7736"
OTHER = "birch-0d9e8c7b6a5f4132"
KEY = "live_keyOfAlder"
ID = "tr_AnnaPay001"
PATH = f"/v2/payments/{ID}?embed=refunds,chargebacks"
CLASSIC = f"id={ID}".encode()
PAYMENT = {
    "resource": "payment",
    "id": ID,
    "mode": "live",
    "createdAt": "2026-01-03T09:50:00+00:00",
    "paidAt": "2026-01-03T09:58:00+00:00",
    "amount": {"value": "25.00", "currency": "EUR"},
    "amountRefunded": {"value": "0.00", "currency": "EUR"},
    "description": "Gift to Alder",
    "method": "creditcard",
    "metadata": {"fund": "WATER", "cons_id": "1001"},
    "status": "paid",
    "sequenceType": "oneoff",
    "details": {"cardNumber": "4242", "cardHolder": "A. Berg", "cardLabel": "Mastercard"},
    "billingAddress": {
        "title": "Dr.",
        "givenName": "Anna",
        "familyName": "Berg",
        "email": "anna.berg@example.org",
        "phone": "+31201234567",
        "streetAndNumber": "Elzenlaan 12",
        "streetAdditional": "bis",
        "postalCode": "1012 AB",
        "city": "Amsterdam",
        "region": "Noord-Holland",
        "country": "NL",
    },
}
REFUND = {
    "resource": "refund",
    "id": "re_AnnaRef001",
    "amount": {"currency": "EUR", "value": "10.00"},
    "status": "refunded",
    "createdAt": "2026-01-05T09:00:00+00:00",
    "paymentId": ID,
}
CHARGEBACK = {
    "resource": "chargeback",
    "id": "chb_Anna01",
    "amount": {"currency": "EUR", "value": "25.00"},
    "createdAt": "2026-01-07T09:00:00+00:00",
    "reversedAt": None,
    "paymentId": ID,
}


def eur(text):
    return Money.parse(text, "EUR")


def with_returns(refunds=(), chargebacks=(), **changes):
    return PAYMENT | {"_embedded": {"refunds": list(refunds), "chargebacks": list(chargebacks)}} | changes


def settings_of(api, key=KEY):
    return ProviderSettings(secrets=(TOKEN,), options={"api_key": key, "api_url": api.url})


@pytest.fixture
def ask(provider_api):
    """What Mollie's API makes of the classic webhook, the payment being as given."""

    def asked(payment=PAYMENT, body=CLASSIC):
        provider_api.answers[PATH] = payment
        return MOLLIE.fetch(Delivery(body), settings_of(provider_api), Caller(), NOW)

    return asked


@pytest.fixture
def gift_of(ask):
    def gift(**changes):
        found = [fact for fact in ask(PAYMENT | changes).facts if isinstance(fact, Gift)]
        assert len(found) == 1
        return found[0]

    return gift


class TestMollieNextGen(ProviderCases):
    provider = MOLLIE
    secret = TOKEN
    second_secret = "while-rolling-over-12"
    other_secret = OTHER
    genuine = "payment_link_paid"
    strange = "refund.eclipsed"
    signature_header = "x-mollie-signature"
    stamped = False
    keyless = "payment"

    def sign(self, body, secret, timestamp=SENT):
        return mollie_headers(body, secret)

    def test_a_form_that_names_something_else_than_a_payment_is_kept(self):
        assert self.survives(b"id=A").note == "the id of something else than a payment"

    def test_another_scheme_is_refused(self):
        header = self.sign(self.body, self.secret)["x-mollie-signature"]
        for odd in (header.replace("sha256", "sha1"), header.removeprefix("sha256="), "sha256"):
            self.refused("not sha256", headers={"x-mollie-signature": odd})

    def test_a_signature_that_does_not_fit_is_not_saved_by_the_address(self):
        delivery = Delivery(self.body, self.sign(self.body, OTHER), token=self.secret)
        with pytest.raises(BadSignature):
            MOLLIE.verify(delivery, self.settings(), NOW)


@pytest.mark.skipif("RELAY_VECTORS" not in os.environ, reason="RELAY_VECTORS is not set")
def test_published_vectors():
    vectors = json.loads((Path(os.environ["RELAY_VECTORS"]) / "signatures.json").read_text(encoding="utf-8"))
    (vector,) = [one for one in vectors if one["provider"] == "mollie"]
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    settings, body = ProviderSettings(secrets=(vector["secret"],)), vector["body"].encode()
    assert MOLLIE.verify(Delivery(body, headers), settings, NOW) == 0
    for tampered in (body + b" ", body[:-1], body.replace(b"tr_", b"ts_")):
        with pytest.raises(BadSignature):
            MOLLIE.verify(Delivery(tampered, headers), settings, NOW)


# --- the classic webhook ----------------------------------------------------------------------------------------------


def test_the_secret_in_the_address_is_the_proof():
    settings = ProviderSettings(secrets=(OTHER, TOKEN))
    assert MOLLIE.verify(Delivery(CLASSIC, token=TOKEN), settings, NOW) == 1
    assert MOLLIE.verify(Delivery(CLASSIC, token=OTHER), settings, NOW) == 0
    for wrong in ("", " ", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é", "\x00", "x" * 9000):
        with pytest.raises(BadSignature, match="configured secret") as caught:
            MOLLIE.verify(Delivery(CLASSIC, token=wrong), settings, NOW)
        assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("secrets", [(), ("",), (" ", "")])
def test_no_secret_or_a_blank_one_accepts_nothing(secrets):
    for token in ("", *secrets):
        with pytest.raises(BadSignature, match="no signing secret"):
            MOLLIE.verify(Delivery(CLASSIC, token=token), ProviderSettings(secrets=secrets), NOW)


def test_the_token_is_in_no_repr():
    assert TOKEN not in repr(Delivery(CLASSIC, token=TOKEN))


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"id=tr_d0b0E3EA3v", "payment tr_d0b0E3EA3v"),
        (b"id=tr_d0b0E3EA3v\r\n", "payment tr_d0b0E3EA3v"),
        (b"testByMollie=1&id=tr_1", "payment tr_1"),
        (b"id=pl_4Y0eZitmBnQ5jsBYZIBw", "payment-link pl_4Y0eZitmBnQ5jsBYZIBw"),
        (b"id=ord_kEn1PlbGa", "order ord_kEn1PlbGa"),
        (b"id=sub_rVKGtNd6s3", ""),
        (b"id=x", ""),
    ],
)
def test_the_body_is_one_id(body, wanted):
    parsed = MOLLIE.parse(Delivery(body))
    assert (parsed.wanted, parsed.facts, parsed.delivery_key) == (wanted, (), "")
    assert bool(parsed.note) is not bool(wanted)


@pytest.mark.parametrize("body", [b"", b"id", b"id=", b"\xff", b"a=b", b"id=tr_1&id=tr_2", b"id=tr_1&" * 30, b"<xml/>"])
def test_what_is_not_one_id_is_unreadable(body):
    with pytest.raises(Unreadable):
        MOLLIE.parse(Delivery(body))


@pytest.mark.parametrize("odd", ["tr_1%2F..%2Fkeys", "tr_1%3Fx", "tr_ 1", "tr_%C3%A9", "tr_" + "x" * 200])
def test_an_id_that_is_none_never_gets_into_an_address(odd):
    with pytest.raises(NotUnderstood):
        MOLLIE.parse(Delivery(f"id={odd}".encode()))


# --- what the API says ------------------------------------------------------------------------------------------------


def test_a_paid_payment_is_the_whole_gift(ask, provider_api):
    parsed = ask()
    (gift,) = parsed.facts
    assert parsed.live is True
    assert gift.keys == (ID,)
    assert gift.amount == eur("25.00")
    assert gift.occurred_at == datetime(2026, 1, 3, 9, 58, tzinfo=UTC)
    assert gift.donor.name == Name(title="Dr.", first="Anna", last="Berg")
    assert (gift.donor.email, gift.donor.phone, gift.donor.cons_id) == ("anna.berg@example.org", "+31201234567", "1001")
    assert gift.donor.address == Address(
        street1="Elzenlaan 12", street2="bis", city="Amsterdam", state="Noord-Holland", zip="1012 AB", country="NL"
    )
    assert gift.designations == (Designation(fund="WATER"),)
    assert (gift.tender.kind, gift.tender.card_type, gift.tender.last4) == (TenderKind.CARD, "MasterCard", "4242")
    assert (gift.recurring, gift.hold) == (False, "")
    assert provider_api.asked == [("GET", PATH)]
    assert provider_api.headers[0]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("status", [*UNPAID, "brand_new", "", None])
def test_only_a_paid_payment_is_a_gift(ask, status):
    parsed = ask(with_returns(refunds=[REFUND], status=status))
    assert [type(fact) for fact in parsed.facts] == ([] if status in UNPAID else [Flag])
    assert parsed.facts or parsed.note


def test_the_statuses_are_those_of_the_official_sdk():
    words = {value for name, value in vars(Payment).items() if name.startswith("STATUS_")}
    assert words == {*UNPAID, PAID}


def test_what_was_captured_is_the_gift(gift_of):
    assert gift_of(amountCaptured={"value": "20.00", "currency": "EUR"}).amount == eur("20.00")


def test_a_bank_tells_the_payers_name(gift_of, provider_api):
    details = {"consumerName": "Anna B. Berg", "consumerAccount": "NL53INGB0618365937", "consumerBic": "INGBNL2A"}
    gift = gift_of(method="ideal", details=details, billingAddress=None)
    assert (gift.donor.name, gift.donor.email) == (Name(full="Anna B. Berg"), "")
    assert (gift.tender.kind, gift.tender.last4) == (TenderKind.BANK_DEBIT, "")


def test_paypals_account_is_an_address(gift_of):
    details = {"consumerName": "Anna Berg", "consumerAccount": "anna@example.org"}
    gift = gift_of(method="paypal", details=details, billingAddress=None)
    assert (gift.donor.email, gift.tender.kind) == ("anna@example.org", TenderKind.WALLET)


def test_a_recurring_gift_asks_for_its_customer(gift_of, provider_api):
    customer = {"id": "cst_1", "name": "Anna Berg", "email": "a@example.org", "metadata": {"employer": "Alder Press"}}
    provider_api.answers["/v2/customers/cst_1"] = customer
    recurring = {"sequenceType": "recurring", "customerId": "cst_1", "billingAddress": None, "details": None}
    gift = gift_of(**recurring)
    assert (gift.donor.name, gift.donor.email, gift.recurring) == (Name(full="Anna Berg"), "a@example.org", True)
    assert gift.donor.employer == "Alder Press"
    provider_api.answers["/v2/customers/cst_1"] = 410
    assert gift_of(**recurring).donor.name == Name()
    provider_api.answers["/v2/customers/cst_1"] = 503
    with pytest.raises(FetchFailed):
        gift_of(**recurring)


@pytest.mark.parametrize(
    ("told", "funds"),
    [
        ('{"fund": "WATER"}', ["WATER"]),
        ('{"fund": "WAT\\u0000ER"}', ["WATER"]),
        ("order 1042", []),
        ("[1]", []),
        ("[" * 5000, []),
        (None, []),
        ([{"fund": "WATER"}], []),
        ({"Fund Code": "WATER"}, ["WATER"]),
        ({"designations": "WATER:20.00,LIBRARY:5.00"}, ["WATER", "LIBRARY"]),
    ],
)
def test_metadata_is_an_object_or_a_text_that_holds_one(gift_of, told, funds):
    assert [part.fund for part in gift_of(metadata=told).designations] == funds


def test_refunds_and_chargebacks_are_each_one_by_its_id(ask):
    second = REFUND | {"id": "re_AnnaRef002", "amount": {"currency": "EUR", "value": "5.00"}}
    _, one, two, taken = ask(with_returns([REFUND, second], [CHARGEBACK])).facts
    assert [(fact.keys, fact.parent_keys, fact.amount) for fact in (one, two, taken)] == [
        (("re_AnnaRef001",), (ID,), eur("10.00")),
        (("re_AnnaRef002",), (ID,), eur("5.00")),
        (("chb_Anna01",), (ID,), eur("25.00")),
    ]
    assert [fact.reason for fact in (one, taken)] == [RefundReason.REFUND, RefundReason.CHARGEBACK]


@pytest.mark.parametrize(
    ("status", "fact"),
    [("refunded", Refund), ("failed", Reinstatement), ("queued", None), ("pending", None), ("processing", None),
     ("canceled", None), ("brand_new", Flag), (None, Flag)],
)  # fmt: skip
def test_refunds_by_their_status(ask, status, fact):
    facts = ask(with_returns([REFUND | {"status": status}])).facts
    assert [type(one) for one in facts] == [Gift, *([fact] if fact else [])]


def test_a_reversed_chargeback_is_money_back(ask):
    _, back = ask(with_returns(chargebacks=[CHARGEBACK | {"reversedAt": "2026-02-01T09:00:00+00:00"}])).facts
    assert isinstance(back, Reinstatement)
    assert (back.refund_keys, back.parent_keys, back.amount) == (("chb_Anna01",), (ID,), eur("25.00"))


def test_a_total_without_its_parts_is_asked_for_again(ask):
    for name in ("amountRefunded", "amountChargedBack"):
        with pytest.raises(FetchFailed) as caught:
            ask(PAYMENT | {name: {"value": "5.00", "currency": "EUR"}})
        assert caught.value.again


@pytest.mark.parametrize(
    "odd",
    [
        {"amount": None},
        {"amount": {"value": "25.001", "currency": "EUR"}},
        {"amount": {"value": "0.00", "currency": "EUR"}},
        {"amount": {"value": "-1.00", "currency": "EUR"}},
        {"amount": {"value": "25.00"}},
        {"id": "tr_other"},
    ],
)
def test_an_odd_payment_is_not_understood(ask, odd):
    with pytest.raises((NotUnderstood, ValueError)):
        ask(PAYMENT | odd)


def test_amounts_without_decimals(gift_of):
    assert gift_of(amount={"value": "2500", "currency": "JPY"}).amount == Money(2500, "JPY")


@pytest.mark.parametrize(("odd", "again"), [(404, False), (410, False), (401, True), (429, True), (b"<html>", True)])
def test_an_api_that_does_not_tell(ask, odd, again):
    with pytest.raises(FetchFailed) as caught:
        ask(odd)
    assert caught.value.again is again
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(("mode", "live"), [("live", True), ("test", False), (None, None)])
def test_the_mode_of_the_payment_tells_live_from_test(ask, mode, live):
    assert ask(PAYMENT | {"mode": mode}).live is live


# --- next-gen events --------------------------------------------------------------------------------------------------


def test_a_paid_link_is_the_gift_of_each_of_its_payments(provider_api):
    other = PAYMENT | {"id": "tr_Second01"}
    listed = [PAYMENT, other, {"id": "tr_Open01", "status": "open"}]
    provider_api.answers |= {
        "/v2/payment-links/pl_AnnaLink0001/payments?limit=250": {"_embedded": {"payments": listed}},
        PATH: PAYMENT,
        PATH.replace(ID, "tr_Second01"): other,
    }
    delivery = Delivery(payloads("mollie")["payment_link_paid"])
    parsed = MOLLIE.fetch(delivery, settings_of(provider_api), Caller(), NOW)
    assert [(fact.keys, fact.amount) for fact in parsed.facts] == [((ID,), eur("25")), (("tr_Second01",), eur("25"))]
    assert parsed.live is True


def test_a_link_nobody_paid_is_no_gift(provider_api):
    provider_api.answers["/v2/payment-links/pl_AnnaLink0001/payments?limit=250"] = {"_embedded": {"payments": []}}
    delivery = Delivery(payloads("mollie")["payment_link_paid"])
    assert MOLLIE.fetch(delivery, settings_of(provider_api), Caller(), NOW).note == "nothing was paid"
    provider_api.answers["/v2/payment-links/pl_AnnaLink0001/payments?limit=250"] = {}
    with pytest.raises(NotUnderstood):
        MOLLIE.fetch(delivery, settings_of(provider_api), Caller(), NOW)


def test_a_next_gen_payment_is_the_same_gift(ask):
    (gift,) = ask(body=payloads("mollie")["payment_paid"]).facts
    assert gift.keys == (ID,)
    assert ask(body=payloads("mollie")["sales_invoice_paid"]).facts == ()


@pytest.mark.parametrize(
    "name", ["refund_refunded", "chargeback_received", "capture_succeeded", "refund_refunded_bare"]
)
def test_what_was_done_with_a_payment_is_asked_of_the_payment(name):
    """Since 2026 Mollie announces these as next-gen events (docs.mollie.com/reference/refunds-api-webhooks)."""
    assert MOLLIE.parse(Delivery(payloads("mollie")[name])).wanted == f"payment {ID}"


def test_a_next_gen_refund_and_chargeback_are_booked(ask):
    whole = with_returns([REFUND], [CHARGEBACK], amountRefunded={"currency": "EUR", "value": "10.00"})
    gift, refund, chargeback = ask(whole, payloads("mollie")["refund_refunded"]).facts
    assert (gift.keys, refund.keys, refund.amount) == ((ID,), ("re_AnnaRef001",), eur("10.00"))
    assert (chargeback.keys, chargeback.reason) == (("chb_Anna01",), "chargeback")


def test_a_next_gen_refund_without_a_snapshot_is_for_a_person():
    (flag,) = MOLLIE.parse(Delivery(payloads("mollie")["refund_refunded_without_snapshot"])).facts
    assert isinstance(flag, Flag)
    assert "does not say of which payment" in flag.text


def test_an_order_is_paid_by_its_payments(provider_api):
    """The older Orders API calls with the order's id; each payment that was made is a gift of its own."""
    listed = [{"id": ID, "status": "paid"}, {"id": "tr_AnnaTried1", "status": "failed"}]
    provider_api.answers[PATH] = PAYMENT
    order = {"resource": "order", "id": "ord_kEn1PlbGa", "_embedded": {"payments": listed}}
    provider_api.answers["/v2/orders/ord_kEn1PlbGa?embed=payments"] = order
    (gift,) = MOLLIE.fetch(Delivery(b"id=ord_kEn1PlbGa"), settings_of(provider_api), Caller(), NOW).facts
    assert gift.keys == (ID,)
    provider_api.answers["/v2/orders/ord_kEn1PlbGa?embed=payments"] = order | {"_embedded": {}}
    assert MOLLIE.fetch(Delivery(b"id=ord_kEn1PlbGa"), settings_of(provider_api), Caller(), NOW).facts == ()
    provider_api.answers["/v2/orders/ord_kEn1PlbGa?embed=payments"] = order | {"id": "ord_other"}
    with pytest.raises(NotUnderstood):
        MOLLIE.fetch(Delivery(b"id=ord_kEn1PlbGa"), settings_of(provider_api), Caller(), NOW)


def test_next_gen_events_tell_live_from_test_and_are_known_by_their_id():
    one, two = (
        MOLLIE.parse(Delivery(payloads("mollie")[name])) for name in ("payment_link_paid", "payment_link_paid_in_test")
    )
    assert (one.live, two.live) == (True, False)
    assert one.delivery_key == "event_Anna0001:payment-link.paid:pl_AnnaLink0001"


def test_the_address_is_that_of_the_official_sdk():
    assert ADDRESSES["live"] == mollie.api.client.Client().api_endpoint


# --- recorded bodies --------------------------------------------------------------------------------------------------


@needs_recorded
def test_recorded_bodies(provider_api):
    """Three webhooks; the other eight are answers of the API (served below)."""
    index = json.loads((RECORDED / "index.json").read_text(encoding="utf-8"))["files"]
    rows = {row["file"].removeprefix("mollie/"): row for row in index if row["file"].startswith("mollie/")}
    hooks = {name for name, row in rows.items() if row["expected"]["action"] != "api_answer"}
    assert (len(rows), hooks) == (
        11, {"classic_payment.form", "php_webhook-event.json", "php_test_snapshot_without_amount.json"},
    )  # fmt: skip
    wanted = {name: MOLLIE.parse(Delivery((RECORDED / "mollie" / name).read_bytes())).wanted for name in hooks}
    assert wanted == {
        "classic_payment.form": "payment tr_d0b0E3EA3v",
        # The index expects a gift of the snapshot; the link is not the payment (docs/providers/mollie.md).
        "php_webhook-event.json": "payment-link pl_4Y0eZitmBnQ5jsBYZIBw",
        "php_test_snapshot_without_amount.json": "payment-link pl_qng5gbbv8NAZ5gpM5ZYgx",
    }


def recorded(name, **changes):
    return json.loads((RECORDED / "mollie" / name).read_text(encoding="utf-8")) | changes


@needs_recorded
@pytest.mark.parametrize("name", ["php_payment.json", "docs_api_payment_0.json"])
def test_the_recorded_answers_of_the_api_served_as_they_are_and_paid(ask, name):
    assert ask(recorded(name, id=ID)).note == UNPAID["open"]
    refund = recorded("php_refund.json", id="re_1", status="refunded")
    chargeback = recorded("docs_api_chargeback_0.json", amount={"currency": "EUR", "value": "4.05"})
    paid = recorded(name, id=ID, status="paid", _embedded={"refunds": [refund], "chargebacks": [chargeback, {}]})
    with pytest.raises(NotUnderstood):
        ask(paid)
    paid["_embedded"]["chargebacks"].pop()
    gift, back, taken = ask(paid).facts
    assert gift.amount == eur(recorded(name)["amount"]["value"])
    assert (back.keys, back.amount) == (("re_1",), eur("5.95"))
    assert (taken.keys, taken.amount) == (("chb_n9z0tp",), eur("4.05"))


@needs_recorded
def test_the_recorded_paid_link(provider_api):
    body = (RECORDED / "mollie/php_webhook-event.json").read_bytes()
    paid = PAYMENT | {"amount": {"currency": "EUR", "value": "10.00"}}
    link = json.loads(body)["entityId"]
    provider_api.answers |= {
        f"/v2/payment-links/{link}/payments?limit=250": {"_embedded": {"payments": [paid]}},
        PATH: paid,
    }
    (gift,) = MOLLIE.fetch(Delivery(body), settings_of(provider_api), Caller(), NOW).facts
    assert (gift.keys, gift.amount) == ((ID,), eur("10.00"))
