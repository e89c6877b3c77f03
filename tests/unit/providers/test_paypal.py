"""PayPal: its certificates and signature, and what its events of both versions mean."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from relay.config import ProviderSettings
from relay.errors import BadSignature, FetchFailed, NotUnderstood, ProofPending
from relay.gifts import Address, Designation, Flag, Gift, Name, Refund, RefundReason, Reinstatement, TenderKind
from relay.money import Money
from relay.providers import paypal
from relay.providers.base import Delivery
from relay.providers.calling import Reply
from relay.providers.paypal import EVENTS, PAYPAL
from relay.providers.paypal import headers as said
from relay.providers.paypal.payments import STATUS
from relay.providers.times import instant
from tests.provider_cases import NOW, SENT, ProviderCases, payloads
from tests.support import paypal as signing

RECORDED = Path(os.environ.get("RELAY_PAYLOADS", ""))
VECTORS = Path(os.environ.get("RELAY_VECTORS", ""))
needs_recorded = pytest.mark.skipif("RELAY_PAYLOADS" not in os.environ, reason="RELAY_PAYLOADS is not set")
needs_vectors = pytest.mark.skipif("RELAY_VECTORS" not in os.environ, reason="RELAY_VECTORS is not set")
HOOK = "7WH10001ALDER"
CAPTURE = "8AB10001CC0000001"
WATER_AND_LIBRARY = (
    Designation(fund="WATER", amount=Money(4000, "USD")),
    Designation(fund="LIBRARY", amount=Money(2000, "USD")),
)


def usd(text):
    return Money.parse(text, "USD")


def options(**said):
    return ProviderSettings(secrets=(HOOK,), options=said)


def situation(name, settings=None, **headers):
    return PAYPAL.parse(Delivery(payloads("paypal")[name], headers), settings)


def only(name, **said):
    (fact,) = situation(name, options(**said)).facts
    return fact


def changed(name, **fields):
    """One of our payloads with some fields of its resource changed."""
    body = json.loads(payloads("paypal")[name])
    body["resource"] |= fields
    return PAYPAL.parse(Delivery(json.dumps(body).encode()), options())


class TestPayPal(ProviderCases):
    provider = signing.make_provider()
    secret = HOOK
    second_secret = "7WH10002ALDER"
    other_secret = "7WH10003BIRCH"
    genuine = "capture_completed"
    strange = "PAYMENT.CAPTURE.ECLIPSED"
    may_vanish: ClassVar = {
        "event_type": "another type of event is kept, counted and ignored",
        "resource": "a capture is announced by itself, too",
        "resource.purchase_units": "a capture is announced by itself, too",
        "resource.purchase_units.*": "a capture is announced by itself, too",
        "resource.purchase_units.*.payments": "a capture is announced by itself, too",
        "resource.purchase_units.*.payments.captures": "a capture is announced by itself, too",
        "resource.purchase_units.*.payments.captures.*": "a capture is announced by itself, too",
    }
    may_differ: ClassVar = {
        "resource.dispute_outcome.amount_refunded": "untold, the whole disputed amount was lost",
        "resource.disputed_transactions.*": "one payment fewer: then all of it is about the other",
    }
    signature_header = "paypal-transmission-sig"
    # It says when, but a later try may say the time of the first: see below.
    stamped = False

    def sign(self, body, secret, timestamp=SENT):
        return signing.signed(body, secret, datetime.fromtimestamp(timestamp, UTC))

    def typed(self, event, kind):
        return event | {"event_type": kind}

    def delivery(self, **headers):
        return Delivery(self.body, self.sign(self.body, self.secret) | headers)

    @pytest.mark.parametrize(("age", "words"), [(3 * 86_400 + 301, "ago"), (-301, "future"), (-86_400, "future")])
    def test_older_than_three_days_or_from_the_future_is_refused(self, age, words):
        self.refused(words, now=datetime.fromtimestamp(SENT, UTC) + timedelta(seconds=age))

    @pytest.mark.parametrize("age", [-300, 301, 86_400, 3 * 86_400 + 300])
    def test_a_later_try_is_taken_for_three_days(self, age):
        assert self.verify(now=datetime.fromtimestamp(SENT, UTC) + timedelta(seconds=age)) == 0

    @pytest.mark.parametrize(
        "url",
        [
            "http://api.paypal.com/v1/notifications/certs/CERT-alder-1",
            "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-alder-1",
            "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-alder-1",
            "https://evil.example/v1/notifications/certs/CERT-alder-1",
            "https://u:p@api.paypal.com/v1/notifications/certs/CERT-alder-1",
            "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-alder-1",
            "https://api.paypal.com:443/v1/notifications/certs/CERT-alder-1",
            "https://api.paypal.com/v1/notifications/certs/CERT-alder-1?x=1",
            "https://api.paypal.com/v1/notifications/certs/CERT-alder-1#x",
            "https://api.paypal.com/v1/notifications/certs/../certs/CERT-alder-1",
            "https://api.paypal.com/v1/notifications/certs/%2e%2e",
            "https://api.paypal.com/v1/notifications/certs/a/b",
            "https://api.paypal.com/v1/notifications/certs/",
            "https://api.paypal.com/v1/notifications/test",
            "https://API.PAYPAL.COM/v1/notifications/certs/CERT-alder-1",
            "https://api.paypal.com/v1/notifications/certs/CERT-alder-1\n",
            "file:///etc/passwd",
        ],
    )
    def test_only_paypals_own_certificate_address_is_taken(self, url):
        headers = self.sign(self.body, self.secret) | {"paypal-cert-url": f"x{url}"[1:]}
        if url.endswith("\n"):
            assert said.claim(Delivery(self.body, headers), self.settings()).url == url.strip()
        else:
            self.refused("PAYPAL-CERT-URL", headers=headers)

    def test_a_certificate_nobody_has_seen_must_be_fetched_first(self):
        with pytest.raises(ProofPending):
            signing.make_provider({}).verify(self.delivery(), self.settings(), NOW)

    @pytest.mark.parametrize(
        "pem",
        [
            b"",
            b"not a certificate",
            signing.pem(signing.leaf("evil.example")),
            signing.pem(signing.leaf(common_name="evil.example")),
            signing.pem(signing.leaf(signing.SANDBOX_OWNER)),
            signing.pem(signing.leaf(issuer="stranger")),
            signing.pem(signing.leaf(issuer="between")),
            signing.pem(signing.leaf(ends=datetime(2025, 6, 1, tzinfo=UTC))),
            signing.pem(signing.root()),
        ],
    )
    def test_a_certificate_that_is_not_paypals_proves_nothing(self, pem):
        with pytest.raises(BadSignature, match="certificate"):
            signing.make_provider({signing.url(): pem}).verify(self.delivery(), self.settings(), NOW)

    def test_an_intermediate_that_comes_along_is_proven_too(self):
        pem = signing.pem(signing.leaf(issuer="between"), signing.between())
        assert signing.make_provider({signing.url(): pem}).verify(self.delivery(), self.settings(), NOW) == 0

    def test_another_algorithm_is_refused(self):
        self.refused("SHA256withRSA", headers=self.delivery(**{"paypal-auth-algo": "SHA1withRSA"}).headers)

    def test_the_sandbox_has_a_certificate_and_an_address_of_its_own(self):
        url = signing.url(host=signing.SANDBOX_HOST)
        ours = signing.make_provider({url: signing.pem(signing.leaf(signing.SANDBOX_OWNER))})
        body = self.body
        headers = signing.signed(body, HOOK, NOW, certificate=url)
        sandbox = options(environment="sandbox")
        assert ours.verify(Delivery(body, headers), sandbox, NOW) == 0
        assert ours.parse(Delivery(body, headers), sandbox).live is False
        with pytest.raises(BadSignature, match="'live'"):
            ours.verify(Delivery(body, headers), options(), NOW)

    def test_the_simulator_counts_only_where_nothing_is_live(self):
        headers = self.sign(self.body, "WEBHOOK_ID")
        self.refused("simulator", headers=headers)
        for secrets in (("WEBHOOK_ID",), (HOOK, "WEBHOOK_ID")):
            self.refused("simulator|no signing secret", headers=headers, settings=ProviderSettings(secrets=secrets))
        simulator = ProviderSettings(secrets=("WEBHOOK_ID", HOOK), options={"environment": "simulator"})
        assert self.verify(headers, settings=simulator) == 0
        self.refused("simulator|secret", settings=simulator)
        assert self.provider.parse(self.delivery(), simulator).live is False

    def test_the_body_is_bound_only_by_its_crc32(self):
        """PayPal's weakness, which the transmission id and the API make good: tests/service/test_paypal.py."""
        forged = signing.with_same_crc32(self.body, self.body.replace(b"60.00", b"6000.00"))
        assert json.loads(forged)["resource"]["amount"]["value"] == "6000.00"
        assert self.verify(self.sign(self.body, self.secret), forged) == 0


def test_the_transmission_id_is_the_delivery_key_whatever_the_body():
    keys = {situation(name, **{said.ID: "t-1"}).delivery_key for name in payloads("paypal")}
    assert keys == {"t-1"}
    assert situation("capture_completed", **{said.ID: "t-2"}).delivery_key == "t-2"
    assert len(situation("capture_completed", **{said.ID: "t" * 9000}).delivery_key) < 100


# --- the certificate, for a worker ------------------------------------------------------------------------------------


class FakeCaller:
    """Answers with what a test put there; remembers what it was asked."""

    def __init__(self, **answers):
        self.answers = {url.replace("__", "/"): answer for url, answer in answers.items()}
        self.asked = []

    def get(self, url, **_more):
        self.asked.append(url)
        if url not in self.answers:
            raise FetchFailed("the provider's API answered HTTP 404", again=False)
        return Reply(200, self.answers[url])


@pytest.fixture
def genuine():
    body = payloads("paypal")["capture_completed"]
    return Delivery(body, signing.signed(body, HOOK, NOW))


def test_a_worker_fetches_the_certificate_once_and_keeps_it(genuine):
    kept, caller = {}, FakeCaller()
    caller.answers[signing.url()] = signing.pem(signing.leaf())
    ours = signing.make_provider(kept)
    for _ in range(2):
        (gift,) = ours.fetch(genuine, options(), caller, NOW).facts
        assert (gift.keys, gift.amount) == ((CAPTURE,), usd("60.00"))
    assert caller.asked == [signing.url()]
    assert ours.verify(genuine, options(), NOW) == 0


def test_a_missing_intermediate_is_fetched_from_digicert_and_proven(genuine):
    kept, caller = {}, FakeCaller()
    file = f"http://cacerts.digicert.com/{signing.ISSUER_FILE}"
    caller.answers = {
        signing.url(): signing.pem(signing.leaf(issuer="between")),
        file: signing.between().public_bytes(Encoding.DER),
    }
    assert signing.make_provider(kept).fetch(genuine, options(), caller, NOW).facts
    assert caller.asked == [signing.url(), file]
    assert kept == {signing.url(): signing.pem(signing.leaf(issuer="between"), signing.between())}


@pytest.mark.parametrize(
    "answer", [b"<html>", signing.pem(signing.leaf("evil.example")), signing.pem(signing.leaf(common_name="x.example"))]
)
def test_what_is_no_certificate_of_paypals_is_not_kept(genuine, answer):
    kept, caller = {}, FakeCaller()
    caller.answers[signing.url()] = answer
    with pytest.raises(BadSignature):
        signing.make_provider(kept).fetch(genuine, options(), caller, NOW)
    assert kept == {}


def test_a_late_bad_signature_and_a_missing_certificate_book_nothing(genuine):
    forged = Delivery(genuine.body + b" ", genuine.headers)
    with pytest.raises(BadSignature):
        signing.make_provider().fetch(forged, options(), FakeCaller(), NOW)
    with pytest.raises(FetchFailed):
        signing.make_provider({}).fetch(genuine, options(), FakeCaller(), NOW)


def test_dates_are_judged_as_of_when_it_came(genuine):
    kept = {signing.url(): signing.pem(signing.leaf(ends=NOW + timedelta(days=1)))}
    assert signing.make_provider(kept).fetch(genuine, options(), FakeCaller(), NOW).facts
    with pytest.raises(BadSignature):
        signing.make_provider(kept).verify(genuine, options(), NOW + timedelta(days=2))


# --- the table of words -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "amount", "keys"),
    [
        ("capture_completed", "60.00 USD", (CAPTURE,)),
        ("capture_completed_in_euros_received", "60.00 USD", ("8AB10001CC0000002",)),
        ("capture_completed_in_yen", "5000 JPY", ("8AB10001CC0000003",)),
        ("order_completed", "60.00 USD", (CAPTURE,)),
        ("order_paid_by_card", "60.00 USD", ("8AB10001CC0000007",)),
        ("sale_completed_monthly", "25.00 USD", ("9SA10001FF0000001",)),
    ],
)
def test_gifts(name, amount, keys):
    gift = only(name, unconfirmed_limit="100000")
    assert isinstance(gift, Gift)
    assert (str(gift.amount), gift.keys, gift.hold) == (amount, keys, "")


@pytest.mark.parametrize(
    ("name", "amount", "keys", "parent", "reason"),
    [
        ("capture_refunded_in_part", "15.00", ("3RE10001EE0000001",), CAPTURE, RefundReason.REFUND),
        ("capture_refunded_second_part", "5.00", ("3RE10001EE0000002",), CAPTURE, RefundReason.REFUND),
        ("sale_refunded", "10.00", ("4RF10001GG0000001",), "9SA10001FF0000001", RefundReason.REFUND),
        (
            "capture_reversed",
            "60.00",
            ("3RE10001EE0000009", f"reversal of {CAPTURE}"),
            CAPTURE,
            RefundReason.CHARGEBACK,
        ),
        ("dispute_lost", "60.00", ("PP-D-1001", f"reversal of {CAPTURE}"), CAPTURE, RefundReason.CHARGEBACK),
        ("dispute_lost_in_part", "20.00", ("PP-D-1002", f"reversal of {CAPTURE}"), CAPTURE, RefundReason.CHARGEBACK),
    ],
)
def test_refunds(name, amount, keys, parent, reason):
    refund = only(name)
    assert isinstance(refund, Refund)
    assert (refund.amount, refund.keys, refund.parent_keys) == (usd(amount), keys, (parent,))
    assert (refund.reason, refund.total) == (reason, None)


@pytest.mark.parametrize(
    ("name", "keys", "words"),
    [
        ("dispute_won", ("PP-D-1001", f"reversal of {CAPTURE}"), "won"),
        ("dispute_taken_back", ("PP-D-1001", f"reversal of {CAPTURE}"), "took the dispute back"),
        ("capture_refund_failed", ("3RE10001EE0000001",), "refund failed"),
    ],
)
def test_money_that_comes_back(name, keys, words):
    back = only(name)
    assert isinstance(back, Reinstatement)
    assert (back.refund_keys, back.parent_keys) == (keys, (CAPTURE,))
    assert words in back.text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dispute_opened", "60.00 USD: open, inquiry"),
        ("dispute_waiting", "waiting for seller response, chargeback"),
        ("dispute_paid_out", "resolved with payout"),
        ("dispute_lost_over_two_payments", "resolved buyer favour"),
        ("sale_reversed_naming_nothing", "which payment"),
        ("capture_refunded_naming_nothing", "which payment"),
        ("capture_status_unknown", "something_new"),
    ],
)
def test_what_a_person_must_see(name, words):
    flag = only(name)
    assert isinstance(flag, Flag)
    assert words in flag.text


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("capture_pending", "on its way"),
        ("capture_denied", "declined"),
        ("capture_of_nothing", "zero"),
        ("capture_refund_pending", "on its way"),
        ("sale_pending", "on its way"),
        ("order_without_capture", "the capture announces"),
        ("order_approved", "taken later"),
        ("subscription_activated_at_an_impossible_time", "not about the money"),
        ("subscription_payment_failed", "attempt"),
    ],
)
def test_what_brings_nothing(name, note):
    parsed = situation(name)
    assert parsed.facts == ()
    assert note in parsed.note


@pytest.mark.parametrize("status", STATUS)
def test_the_status_decides_and_not_the_name_of_the_event(status):
    for kind in ("capture_completed", "capture_pending", "capture_denied"):
        assert bool(changed(kind, status=status.upper()).facts) is (STATUS[status] == "")


@pytest.mark.parametrize("kind", EVENTS)
def test_every_known_type_without_its_resource_is_not_understood(kind):
    for resource in (None, "x", [], 5):
        with pytest.raises(NotUnderstood):
            PAYPAL.parse(Delivery(json.dumps({"id": "WH-1", "event_type": kind, "resource": resource}).encode()))


@pytest.mark.parametrize(
    "amount",
    [
        None,
        {},
        {"value": 60.5, "currency_code": "USD"},
        {"value": "60.005", "currency_code": "USD"},
        {"value": "1e3", "currency_code": "USD"},
        {"value": "60,00", "currency_code": "USD"},
        {"value": "-60.00", "currency_code": "USD"},
        {"value": "50.5", "currency_code": "JPY"},
        {"value": "60.00", "currency_code": "dollars"},
        {"value": "9" * 20, "currency_code": "USD"},
    ],
)
def test_an_amount_that_is_not_exact_is_not_understood(amount):
    with pytest.raises(NotUnderstood):
        changed("capture_completed", amount=amount)


@pytest.mark.parametrize(("value", "currency"), [("500", "HUF"), ("500", "TWD"), ("500.00", "JPY")])
def test_currencies_without_decimals(value, currency):
    (gift,) = changed("capture_completed", amount={"value": value, "currency_code": currency}, custom_id="").facts
    assert gift.amount == Money.parse(value, currency)


def test_the_donor_of_an_order():
    gift = only("order_completed")
    assert gift.donor.name == Name(first="Anna", last="Berg")
    assert (gift.donor.email, gift.donor.phone) == ("anna.berg@example.org", "5550100")
    assert gift.donor.address == Address(
        street1="12 Alder Way", street2="Flat 3", city="Springfield", state="IL", zip="62701", country="US"
    )
    assert gift.designations == WATER_AND_LIBRARY
    assert (gift.fee, gift.occurred_at) == (usd("1.68"), datetime(2026, 1, 3, 10, tzinfo=UTC))
    assert gift.tender.kind is TenderKind.WALLET


def test_a_card_typed_in_and_a_recurring_gift():
    card = only("order_paid_by_card").tender
    assert (card.kind, card.card_type, card.last4) == (TenderKind.CARD, "Visa", "1111")
    sale = only("sale_completed_monthly")
    assert (sale.recurring, sale.fee, sale.designations) == (True, usd("0.85"), (Designation(fund="LIBRARY"),))


def test_an_order_with_two_captures_is_two_gifts():
    facts = situation("order_processed_with_two_captures").facts
    assert [(gift.keys, gift.amount) for gift in facts] == [
        (("8AB10001CC0000005",), usd("30.00")),
        (("8AB10001CC0000006",), usd("30.00")),
    ]


def test_a_capture_of_an_order_whose_status_nobody_knows_is_for_a_person():
    body = json.loads(payloads("paypal")["order_processed_with_two_captures"])
    captures = [one for unit in body["resource"]["purchase_units"] for one in unit["payments"]["captures"]]
    captures[0]["status"] = "SOMETHING_NEW"
    flag, gift = changed("order_processed_with_two_captures", **body["resource"]).facts
    assert isinstance(flag, Flag)
    assert ("something_new" in flag.text, flag.parent_keys) == (True, ("8AB10001CC0000005",))
    assert gift.keys == ("8AB10001CC0000006",)


@pytest.mark.parametrize("other", [None, {}, {"seller_transaction_id": None}, {"seller_transaction_id": ["x"]}])
def test_a_dispute_over_a_second_payment_of_which_nothing_is_known_is_not_booked_whole_on_the_first(other):
    listed = json.loads(payloads("paypal")["dispute_lost_over_two_payments"])["resource"]["disputed_transactions"]
    (flag,) = changed("dispute_lost_over_two_payments", disputed_transactions=[listed[0], other]).facts
    assert isinstance(flag, Flag)


def test_a_fee_in_another_currency_is_not_the_gifts():
    assert only("capture_completed_in_euros_received").fee is None


@pytest.mark.parametrize(
    ("custom", "fund_from", "designations"),
    [
        ("WATER", "custom", (Designation(fund="WATER"),)),
        ('{"fund": "WATER", "first_name": "A"}', "custom", (Designation(fund="WATER"),)),
        ("{broken", "custom", (Designation(fund="{broken"),)),
        ("Hello, World!", "custom", (Designation(fund="Hello, World!"),)),
        ("WATER", "none", ()),
        ("WATER", "invoice", (Designation(fund="ALDER-1001"),)),
    ],
)
def test_where_the_fund_comes_from(custom, fund_from, designations):
    body = json.loads(payloads("paypal")["capture_completed"])
    body["resource"]["custom_id"] = custom
    parsed = PAYPAL.parse(Delivery(json.dumps(body).encode()), options(fund_from=fund_from))
    assert parsed.facts[0].designations == designations


def test_times():
    assert situation("subscription_activated_at_an_impossible_time").occurred_at is None
    assert only("capture_refunded_in_part").occurred_at == datetime(2026, 1, 3, 10, tzinfo=UTC)


# --- how much is believed without the API -----------------------------------------------------------------------------


def test_above_the_limit_a_gift_is_held_and_what_takes_money_back_is_flagged():
    assert "above the limit" in only("capture_completed_large").hold
    assert only("capture_completed_large", unconfirmed_limit="1000.01").hold == ""
    assert only("capture_completed", unconfirmed_limit="59.99").hold
    for name in ("capture_refunded_in_full", "capture_reversed", "dispute_lost", "dispute_won"):
        flag = only(name, unconfirmed_limit="59.99")
        assert isinstance(flag, Flag)
        assert flag.parent_keys == (CAPTURE,)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("capture_completed", f"capture {CAPTURE}"),
        ("order_completed", "order 5OR10001DD0000001"),
        ("sale_completed_monthly", "sale 9SA10001FF0000001"),
        ("capture_refunded_in_part", "refund 3RE10001EE0000001"),
        ("sale_reversed_naming_nothing", "refund 4RF10001GG0000002"),
        ("dispute_lost", "dispute PP-D-1001"),
        ("dispute_opened", ""),
        ("capture_pending", ""),
        ("subscription_payment_failed", ""),
    ],
)
def test_with_credentials_whatever_moves_money_is_asked_for(name, wanted):
    parsed = situation(name, options(client_id="c", client_secret="s"))
    assert parsed.wanted == wanted
    assert not (wanted and parsed.facts)
    assert situation(name, options(client_id="c")).wanted == ""


# --- recorded bodies and signed deliveries ----------------------------------------------------------------------------


def recorded():
    if "RELAY_PAYLOADS" not in os.environ:
        return []
    listed = json.loads((RECORDED / "index.json").read_text(encoding="utf-8"))["files"]
    return [one for one in listed if one["file"].startswith("paypal/")]


@needs_recorded
@pytest.mark.parametrize("row", recorded(), ids=lambda row: row["file"])
def test_recorded_bodies(row):
    expected = row["expected"]
    facts = PAYPAL.parse(Delivery((RECORDED / row["file"]).read_bytes())).facts
    if expected["action"] == "ignore":
        assert facts == ()
        return
    (fact,) = facts
    if expected["action"] == "flag":
        assert isinstance(fact, Flag | Reinstatement)
        return
    assert isinstance(fact, {"gift": Gift, "refund": Refund}[expected["action"]])
    assert fact.amount == Money.parse(expected["amount"], expected["currency"])
    assert fact.keys[0] == expected.get("payment_id", expected.get("refund_id"))
    assert getattr(fact, "parent_keys", (None,))[0] == expected.get("of_payment_id")


def vectors():
    if "RELAY_VECTORS" not in os.environ:
        return []
    listed = json.loads((VECTORS / "signatures.json").read_text(encoding="utf-8"))
    return [one for one in listed if one["provider"] == "paypal"]


def of_vector(vector):
    """The provider as it was then: certificate at hand, environment, and a clock a few seconds later."""
    headers = dict(vector["headers"])
    host = signing.SANDBOX_HOST if "sandbox" in headers["paypal-cert-url"] else signing.LIVE_HOST
    if "/certs/" not in headers["paypal-cert-url"]:
        headers["paypal-cert-url"] = signing.url("testClientCert", host)
    place = "simulator" if vector["webhook_id"] == "WEBHOOK_ID" else "sandbox"
    settings = ProviderSettings(secrets=("OTHER", vector["webhook_id"]), options={"environment": place})
    kept = {headers["paypal-cert-url"]: (VECTORS / vector["certificate"]).read_bytes()}
    clock = instant(headers["paypal-transmission-time"]) + timedelta(seconds=5)
    return paypal.provider(kept), Delivery(vector["body"].encode(), headers), settings, clock


@needs_vectors
@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["name"])
def test_genuine_deliveries_verify_with_digicerts_own_roots_and_tampered_ones_do_not(vector):
    ours, delivery, settings, clock = of_vector(vector)
    assert ours.verify(delivery, settings, clock) == 1
    ours.parse(delivery, settings)
    for tampered in (delivery.body + b" ", delivery.body[:-1], delivery.body.replace(b"0", b"1", 1)):
        with pytest.raises(BadSignature, match="secret"):
            ours.verify(Delivery(tampered, delivery.headers), settings, clock)
    with pytest.raises(BadSignature, match=r"certificate|ago"):
        ours.verify(delivery, settings, datetime(2026, 1, 3, tzinfo=UTC))


@needs_vectors
def test_there_are_25_and_one_of_them_names_a_certificate_elsewhere():
    elsewhere = [one for one in vectors() if "/certs/" not in one["headers"]["paypal-cert-url"]]
    assert (len(vectors()), len(elsewhere)) == (25, 1)
    ours, delivery, settings, clock = of_vector(elsewhere[0])
    with pytest.raises(BadSignature, match="CERT-URL"):
        ours.verify(Delivery(delivery.body, elsewhere[0]["headers"]), settings, clock)
