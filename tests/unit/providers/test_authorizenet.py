"""Authorize.Net: its signature, and what its API makes of a notification that names only a transaction."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relay.config import ProviderSettings
from relay.demo.signing import authorizenet_headers
from relay.errors import BadSignature, FetchFailed, NotUnderstood
from relay.gifts import Address, Designation, Flag, Gift, Name, Refund, Reinstatement, TenderKind
from relay.money import Money
from relay.providers.authorizenet import AUTHORIZENET
from relay.providers.base import Delivery
from relay.providers.calling import Caller
from tests.provider_cases import NOW, SENT, ProviderCases, payloads

RECORDED = Path(os.environ.get("RELAY_PAYLOADS", ""))
needs_recorded = pytest.mark.skipif("RELAY_PAYLOADS" not in os.environ, reason="RELAY_PAYLOADS is not set")
KEY = "0123456789ABCDEF" * 8
OPTIONS = {"login_id": "alder-login", "transaction_key": "alder-transaction-key"}
# Written as text: the API answers with JSON numbers, whose zeros count.
DETAILS = """{
 "transaction": {
  "transId": "60000000001",
  "submitTimeUTC": "2026-01-03T09:58:00.12Z",
  "transactionType": "authCaptureTransaction",
  "transactionStatus": "capturedPendingSettlement",
  "responseCode": 1,
  "authAmount": 60.00,
  "settleAmount": 60.00,
  "order": {"invoiceNumber": "1042", "description": "WATER"},
  "payment": {"creditCard": {"cardNumber": "XXXX4242", "expirationDate": "XXXX", "cardType": "AmericanExpress"}},
  "customer": {"id": "4", "email": "anna.berg@example.org"},
  "billTo": {"firstName": "Anna", "lastName": "Berg", "address": "12 Alder Way\\nApt 3", "city": "Portland",
   "state": "OR", "zip": "97201", "country": "US", "phoneNumber": "503-555-0100"},
  "recurringBilling": false
 },
 "messages": {"resultCode": "Ok", "message": [{"code": "I00001", "text": "Successful."}]}
}"""
REFUND = {"transId": "60000000002", "transactionType": "refundTransaction", "refTransId": "60000000001",
          "transactionStatus": "refundPendingSettlement", "authAmount": "15.00", "settleAmount": "15.00"}  # fmt: skip


def usd(text):
    return Money.parse(text, "USD")


def answer(**changes):
    """The API's answer as it really comes: numbers with their zeros, behind a byte order mark."""
    found = json.loads(DETAILS, parse_float=str)
    found["transaction"] |= changes
    found["transaction"] = {name: value for name, value in found["transaction"].items() if value is not None}
    told = json.dumps(found)
    for amount in {str(found["transaction"].get(name)) for name in ("authAmount", "settleAmount")}:
        told = told.replace(f'"{amount}"', amount)
    return b"\xef\xbb\xbf" + told.encode()


def refusal(code):
    return {"messages": {"resultCode": "Error", "message": [{"code": code, "text": "No."}]}}


def serve(api, *answers):
    """Answer with the transaction that is asked for."""
    known = {json.loads(one.decode("utf-8-sig"))["transaction"]["transId"]: one for one in answers}
    api.answers["/"] = lambda body: known[json.loads(body)["getTransactionDetailsRequest"]["transId"]]
    return settings_of(api)


def settings_of(api, **options):
    return ProviderSettings(secrets=(KEY,), options=OPTIONS | {"api_url": api.url + "/"} | options)


def situation(name):
    return Delivery(payloads("authorizenet")[name])


@pytest.fixture
def ask(provider_api):
    def asked(name, *, api=None, options=None, **changes):
        provider_api.answers["/"] = answer(**changes) if api is None else api
        settings = settings_of(provider_api, **(options or {}))
        return AUTHORIZENET.fetch(situation(name), settings, Caller(), NOW)

    return asked


@pytest.fixture
def only(ask):
    def fact(name, **how):
        (found,) = ask(name, **how).facts
        return found

    return fact


class TestAuthorizeNet(ProviderCases):
    provider = AUTHORIZENET
    secret = KEY
    second_secret = "FEDCBA9876543210" * 8
    other_secret = "0011223344556677" * 8
    genuine = "authcapture_created"
    strange = "net.authorize.payment.eclipsed"
    signature_header = "x-anet-signature"
    stamped = False

    def sign(self, body, secret, timestamp=SENT):
        return authorizenet_headers(body, secret)

    def typed(self, event, kind):
        return event | {"eventType": kind}

    def test_unknown_fields_at_every_level_change_nothing(self):
        for body in payloads("authorizenet").values():
            event = json.loads(body)
            event["surprise"] = event["payload"]["surprise"] = {"deep": [1]}
            assert self.meaning(json.dumps(event).encode()) == self.meaning(body)

    def test_hex_in_lower_case_is_the_same_hex(self):
        header = self.sign(self.body, self.secret)["x-anet-signature"]
        assert self.verify({"x-anet-signature": header.lower()}) == 0

    def test_the_key_is_text_and_not_decoded(self):
        assert self.sign(self.body, KEY) != self.sign(self.body, bytes.fromhex(KEY).decode("latin-1"))

    @pytest.mark.parametrize("scheme", ["sha256", "sha1", "", "md5"])
    def test_another_scheme_is_refused(self, scheme):
        header = self.sign(self.body, self.secret)["x-anet-signature"].removeprefix("sha512")
        self.refused("not sha512", headers={"x-anet-signature": scheme + header})


@pytest.mark.skipif("RELAY_VECTORS" not in os.environ, reason="RELAY_VECTORS is not set")
def test_published_vectors():
    vectors = json.loads((Path(os.environ["RELAY_VECTORS"]) / "signatures.json").read_text(encoding="utf-8"))
    mine = [vector for vector in vectors if vector["provider"] == "authorizenet"]
    assert len(mine) == 3
    for vector in mine:
        headers = {name.lower(): value for name, value in vector["headers"].items()}
        settings, body = ProviderSettings(secrets=(vector["secret"],)), vector["body"].encode()
        assert AUTHORIZENET.verify(Delivery(body, headers), settings, NOW) == 0
        for tampered in (body + b" ", body[:-1], body.replace(b"created", b"Created", 1)):
            with pytest.raises(BadSignature):
                AUTHORIZENET.verify(Delivery(tampered, headers), settings, NOW)


@pytest.mark.parametrize(
    ("name", "wanted", "note"),
    [
        ("authcapture_created", "transaction 60000000001", ""),
        ("prior_auth_capture_created", "transaction 60000000001", ""),
        ("capture_created", "transaction 60000000001", ""),
        ("fraud_approved", "transaction 60000000001", ""),
        ("void_created", "transaction 60000000001", ""),
        ("refund_created", "transaction 60000000002", ""),
        ("refund_void_created", "transaction 60000000002", ""),
        ("authorization_created", "", "not captured"),
        ("authcapture_declined", "", "declined"),
        ("authcapture_failed", "", "failed"),
        ("authcapture_held", "", "review"),
        ("fraud_held", "", "fraud filter"),
        ("fraud_declined", "", "declined"),
        ("test_button", "", "test button"),
        ("subscription_created", "", "each of its payments"),
    ],
)
def test_what_needs_asking_and_what_does_not(name, wanted, note):
    parsed = AUTHORIZENET.parse(situation(name))
    assert (parsed.wanted, parsed.facts) == (wanted, ())
    assert note in parsed.note
    assert len(payloads("authorizenet")) == 15


@pytest.mark.parametrize("code", [0, 5, 21, -1, None, "1", 1.0, True])
def test_a_response_code_that_is_none_is_the_test_button(code):
    event = json.loads(payloads("authorizenet")["authcapture_created"])
    event["payload"]["responseCode"] = code
    assert "test button" in AUTHORIZENET.parse(Delivery(json.dumps(event).encode())).note


@pytest.mark.parametrize("odd", [None, "", "1/2", "1 2", 7.5, {}, "x" * 101])
def test_a_transaction_without_an_id_is_not_understood(odd):
    event = json.loads(payloads("authorizenet")["authcapture_created"])
    event["payload"]["id"] = odd
    with pytest.raises(NotUnderstood, match="names no transaction"):
        AUTHORIZENET.parse(Delivery(json.dumps(event).encode()))


# --- what the API says ------------------------------------------------------------------------------------------------


def test_a_captured_transaction_is_the_whole_gift(only, provider_api):
    gift = only("authcapture_created")
    assert gift.keys == ("60000000001",)
    assert gift.amount == usd("60.00")
    assert gift.occurred_at == datetime(2026, 1, 3, 9, 58, 0, 120000, tzinfo=UTC)
    assert gift.donor.name == Name(first="Anna", last="Berg")
    assert (gift.donor.email, gift.donor.phone) == ("anna.berg@example.org", "503-555-0100")
    assert gift.donor.address == Address(
        street1="12 Alder Way", street2="Apt 3", city="Portland", state="OR", zip="97201", country="US"
    )
    assert (gift.tender.kind, gift.tender.card_type, gift.tender.last4) == (TenderKind.CARD, "American Express", "4242")
    assert (gift.tender.exp_month, gift.recurring, gift.designations) == (None, False, ())
    assert gift.sources[0]["settleAmount"] == "60.00"
    (asked,) = provider_api.bodies
    assert list(json.loads(asked)["getTransactionDetailsRequest"]) == ["merchantAuthentication", "transId"]
    assert list(json.loads(asked)["getTransactionDetailsRequest"]["merchantAuthentication"]) == [
        "name",
        "transactionKey",
    ]
    assert provider_api.asked == [("POST", "/")]


@pytest.mark.parametrize(
    ("field", "fund"), [("invoice_number", ("1042",)), ("description", ("WATER",)), ("none", ()), ("", ())]
)
def test_the_order_names_the_fund_only_where_that_is_configured(only, field, fund):
    gift = only("authcapture_created", options={"fund_from": field})
    assert gift.designations == tuple(Designation(fund=code) for code in fund)


def test_the_currency_is_the_accounts(only):
    assert only("authcapture_created", options={"currency": "CAD"}).amount == Money.parse("60.00", "CAD")
    assert only("authcapture_created", currencyCode="EUR").amount == Money.parse("60.00", "EUR")


@pytest.mark.parametrize(
    ("settle", "auth", "amount"), [("45.50", "60.00", "45.50"), (None, "60.00", "60.00"), ("7", "7", "7.00")]
)
def test_what_settles_is_the_gift(only, settle, auth, amount):
    assert only("prior_auth_capture_created", settleAmount=settle, authAmount=auth).amount == usd(amount)


@pytest.mark.parametrize("changes", [{"subscription": {"id": "77", "payNum": 3}}, {"recurringBilling": True}])
def test_a_payment_of_a_subscription_is_recurring(only, changes):
    assert only("authcapture_created", **changes).recurring is True


def test_a_bank_account_is_no_card(only):
    bank = {"bankAccount": {"routingNumber": "XXXX0000", "accountNumber": "XXXX6789", "nameOnAccount": "Anna B. Berg"}}
    gift = only("authcapture_created", payment=bank, billTo={})
    assert (gift.tender.kind, gift.tender.last4, gift.tender.card_type) == (TenderKind.BANK_DEBIT, "6789", "")
    assert gift.donor.name == Name(full="Anna B. Berg")


@pytest.mark.parametrize(
    ("status", "facts"),
    [
        ("capturedPendingSettlement", [Gift]),
        ("settledSuccessfully", [Gift]),
        ("updatingSettlement", [Gift]),
        ("authorizedPendingCapture", []),
        ("FDSPendingReview", []),
        ("FDSAuthorizedPendingReview", []),
        ("declined", []),
        ("expired", []),
        ("failedReview", []),
        ("generalError", []),
        ("voided", [Refund]),
        ("settlementError", [Flag]),
        ("returnedItem", [Flag]),
        ("refundSettledSuccessfully", [Flag]),
        ("brand_new", [Flag]),
        ("", [Flag]),
    ],
)
def test_the_status_decides_and_not_the_name_of_the_notification(ask, status, facts):
    for name in ("authcapture_created", "capture_created", "fraud_approved", "void_created"):
        parsed = ask(name, transactionStatus=status)
        assert [type(fact) for fact in parsed.facts] == facts
        assert parsed.facts or parsed.note


def test_a_void_gives_a_booked_gift_back(only):
    refund = only("void_created", transactionStatus="voided", settleAmount="0.00")
    assert (refund.keys, refund.parent_keys) == (("60000000001:void",), ("60000000001",))
    assert (refund.amount, refund.only_if_booked) == (usd("60.00"), True)


def test_a_refund_names_its_transaction(only):
    refund = only("refund_created", **REFUND)
    assert (refund.keys, refund.parent_keys, refund.amount) == (("60000000002",), ("60000000001",), usd("15.00"))
    assert only("refund_created", **REFUND | {"transactionStatus": "refundSettledSuccessfully"}).amount == usd("15")
    assert only("refund_created", **REFUND | {"refTransId": None}).parent_keys == ()


def test_a_voided_refund_did_not_happen(only):
    back = only("refund_void_created", **REFUND | {"transactionStatus": "voided"})
    assert isinstance(back, Reinstatement)
    assert (back.refund_keys, back.parent_keys, back.amount) == (("60000000002",), ("60000000001",), usd("15.00"))


@pytest.mark.parametrize(
    "odd",
    [{"settleAmount": "0.00", "authAmount": "0.00"}, {"settleAmount": None, "authAmount": None},
     {"settleAmount": "1.005"}, {"settleAmount": "-5.00"}, {"transId": "60000000009"}, {"settleAmount": [1]}],
)  # fmt: skip
def test_an_odd_transaction_is_not_understood(ask, odd):
    with pytest.raises((NotUnderstood, ValueError)):
        ask("authcapture_created", **{"authAmount": "0.00"} | odd)


@pytest.mark.parametrize(
    ("api", "silent"),
    [(refusal("E00007"), True), (refusal("E00011"), True), (refusal("E00104"), True), (refusal("E00040"), False),
     ({}, False), (b"<html>", False), (503, True), (b"", False), (b"[1]", False)],
)  # fmt: skip
def test_an_api_that_does_not_tell_is_asked_again(ask, api, silent):
    with pytest.raises(FetchFailed) as caught:
        ask("authcapture_created", api=api)
    assert (caught.value.again, caught.value.silent) == (True, silent)
    assert not any(secret in str(caught.value) for secret in OPTIONS.values())


def test_no_credential_is_in_the_repr():
    settings = ProviderSettings(secrets=(KEY,), options=OPTIONS)
    assert not any(secret in repr(settings) for secret in (KEY, *OPTIONS.values()))


# --- recorded bodies --------------------------------------------------------------------------------------------------


def recorded():
    if "RELAY_PAYLOADS" not in os.environ:
        return []
    index = json.loads((RECORDED / "index.json").read_text(encoding="utf-8"))["files"]
    return [(row["file"], row["expected"]) for row in index if row["file"].startswith("authorizenet/")]


@needs_recorded
def test_eleven_bodies_are_recorded():
    assert len(recorded()) == 11


@needs_recorded
@pytest.mark.parametrize(("file", "expected"), recorded())
def test_recorded_bodies(file, expected, provider_api):
    delivery = Delivery((RECORDED / file).read_bytes())
    parsed = AUTHORIZENET.parse(delivery)
    if expected["action"] == "ignore":
        assert (parsed.facts, parsed.wanted) == ((), "")
        return
    assert expected["action"] == "gift_after_fetch"
    assert parsed.wanted == f"transaction {expected['payment_id']}"
    amount = expected["amount"]
    told = answer(transId=expected["payment_id"], authAmount=amount, settleAmount=amount)
    (gift,) = AUTHORIZENET.fetch(delivery, serve(provider_api, told), Caller(), NOW).facts
    assert (gift.keys, gift.amount) == ((expected["payment_id"],), usd(amount))
