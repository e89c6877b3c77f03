"""PayPal IPN: the secret in the address, PayPal's word on the very same bytes, and what the variables mean."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

import hypothesis
import pytest
from hypothesis import strategies as st

from relay.config import ProviderSettings
from relay.errors import BadSignature, FetchFailed, NotUnderstood, RelayError, Unreadable
from relay.gifts import Address, Designation, Flag, Gift, Name, Refund, RefundReason, Reinstatement, TenderKind
from relay.money import Money
from relay.providers.base import Delivery
from relay.providers.calling import Caller
from relay.providers.paypal_ipn import ADDRESSES, PAYPAL_IPN
from tests.provider_cases import NOW, ProviderCases

PAYLOADS = Path(__file__).parents[2] / "payloads" / "paypal_ipn"
TOKEN = "alder-4f1c5b8e9d2a7736"
RECEIVER = "giving@alder.example.org"
GIFT = {
    "mc_gross": "25.00",
    "mc_fee": "1.03",
    "mc_currency": "USD",
    "payer_id": "PAYERANNA0001",
    "address_street": "12 Alder Way\r\nApt 3",
    "address_city": "Portland",
    "address_state": "OR",
    "address_zip": "97201",
    "address_country_code": "US",
    "address_country": "United States",
    "payment_date": "01:58:00 Jan 03, 2026 PST",
    "payment_status": "Completed",
    "charset": "windows-1252",
    "first_name": "Anna",
    "last_name": "Berg",
    "payer_email": "anna.berg@example.org",
    "contact_phone": "+1 503 555 0100",
    "business": RECEIVER,
    "receiver_email": RECEIVER,
    "receiver_id": "MERCHANTALDER",
    "txn_id": "0AN00001NA0000001",
    "txn_type": "web_accept",
    "payment_type": "instant",
    "item_name": "Clean water",
    "item_number": "WATER",
    "custom": "",
    "verify_sign": "AFcWxV21C7fd0v3bYYYRCpSSRl31",
    "ipn_track_id": "a11ce00000001",
    "notify_version": "3.9",
}
_back = {"txn_type": None, "parent_txn_id": GIFT["txn_id"], "mc_fee": None}
REFUND = GIFT | _back | {"payment_status": "Refunded", "txn_id": "0AN00001NA0000002", "mc_gross": "-10.00"}
REVERSAL = GIFT | _back | {"payment_status": "Reversed", "txn_id": "0AN00001NA0000003", "mc_gross": "-25.00"}
ADJUSTMENT = REVERSAL | {"txn_type": "adjustment", "payment_status": "Completed", "payer_email": RECEIVER,
                         "txn_id": "0AN00001NA0000004"}  # fmt: skip
RETURNED = GIFT | _back | {"payment_status": "Canceled_Reversal", "txn_id": "0AN00001NA0000005"}


def usd(text):
    return Money.parse(text, "USD")


def form(message, **changes):
    """The message as PayPal writes it, in the bytes of its charset."""
    said = {name: value for name, value in (message | changes).items() if value is not None}
    return urlencode(said, encoding=said.get("charset") or "ascii").encode()


def settings_of(api, **options):
    chosen = {"receiver": RECEIVER, "api_url": api.url + "/webscr"} | options
    return ProviderSettings(secrets=(TOKEN,), options=chosen)


@pytest.fixture
def ask(provider_api):
    """What becomes of a message that PayPal confirms (or not)."""

    def asked(message, *, says=b"VERIFIED", options=None, **changes):
        provider_api.answers["/webscr"] = says
        delivery = Delivery(message if isinstance(message, bytes) else form(message, **changes))
        return PAYPAL_IPN.fetch(delivery, settings_of(provider_api, **(options or {})), Caller(), NOW)

    return asked


@pytest.fixture
def only(ask):
    def fact(message, **how):
        (found,) = ask(message, **how).facts
        return found

    return fact


def test_a_donate_button_in_windows_1252_names_its_donor(only):
    gift = only((PAYLOADS / "donate_button_windows_1252.form").read_bytes())
    assert gift.donor.name == Name(first="Jörg", last="Müller")
    assert (gift.keys[0], gift.amount) == ("0AN00001NA0000001", usd("25.00"))


def parse(message, **changes):
    return PAYPAL_IPN.parse(Delivery(form(message, **changes)))


# --- the door ---------------------------------------------------------------------------------------------------------


def test_the_secret_in_the_address_opens_the_door():
    settings = ProviderSettings(secrets=("another-secret-of-alder", TOKEN))
    assert PAYPAL_IPN.verify(Delivery(form(GIFT), token=TOKEN), settings, NOW) == 1
    for wrong in ("", " ", TOKEN[:-1], TOKEN + "x", "é", "x" * 9000):
        with pytest.raises(BadSignature, match="configured secret") as caught:
            PAYPAL_IPN.verify(Delivery(form(GIFT), token=wrong), settings, NOW)
        assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("secrets", [(), ("",), (" ", "")])
def test_no_secret_or_a_blank_one_accepts_nothing(secrets):
    for token in ("", *secrets):
        with pytest.raises(BadSignature, match="no signing secret"):
            PAYPAL_IPN.verify(Delivery(form(GIFT), token=token), ProviderSettings(secrets=secrets), NOW)


@pytest.mark.parametrize(
    ("message", "changes"),
    [(GIFT, {}), (REFUND, {}), (REVERSAL, {}), (ADJUSTMENT, {}), (RETURNED, {}), (GIFT, {"txn_type": "new_case"}),
     (GIFT, {"txn_type": "brand_new"}), (GIFT, {"payment_status": "Brand_New"})],
)  # fmt: skip
def test_what_may_move_money_waits_for_paypals_word(message, changes):
    parsed = parse(message, **changes)
    assert (parsed.facts, parsed.note) == ((), "")
    assert parsed.wanted.startswith("PayPal's word on 0AN")


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"payment_status": "Pending"}, "on its way"),
        ({"payment_status": "Denied"}, "denied"),
        ({"payment_status": "Failed"}, "failed"),
        ({"payment_status": "Voided"}, "voided"),
        ({"payment_status": None, "txn_type": "subscr_signup"}, "not about"),
        ({"payment_status": None, "txn_type": "subscr_cancel"}, "not about"),
        ({"payment_status": None, "txn_type": "recurring_payment_profile_created"}, "not about"),
        ({"payment_status": "Completed", "txn_type": "masspay"}, "outgoing"),
    ],
)
def test_what_never_brings_money_needs_nobodys_word(changes, note):
    parsed = parse(GIFT, **changes)
    assert (parsed.wanted, parsed.facts) == ("", ())
    assert note in parsed.note


@pytest.mark.parametrize("body", [b"", b" ", b"a=b&" * 2000])
def test_what_is_not_a_form_is_unreadable(body):
    with pytest.raises(Unreadable):
        PAYPAL_IPN.parse(Delivery(body))


@pytest.mark.parametrize("body", [b"{}", b"\xff", b"a=b", b"<xml/>", b"txn_id=1"])
def test_a_form_of_something_else_is_not_understood(body):
    with pytest.raises(NotUnderstood):
        PAYPAL_IPN.parse(Delivery(body))


@hypothesis.given(st.binary(max_size=300))
def test_random_bytes_stay_inside_our_errors(body):
    with contextlib.suppress(RelayError):
        ProviderCases.check(ProviderCases(), PAYPAL_IPN.parse(Delivery(body)))


@hypothesis.given(st.dictionaries(st.sampled_from(sorted(GIFT)), st.text(max_size=30), max_size=4))
def test_odd_values_stay_inside_our_errors(changes):
    message = GIFT | changes | {"charset": "utf-8"}
    body = "&".join(f"{name}={quote(value, errors='replace')}" for name, value in message.items()).encode()

    class Agrees:
        def post(self, *_args, **_more):
            return type("Reply", (), {"body": b"VERIFIED"})

    settings = ProviderSettings(secrets=(TOKEN,), options={"receiver": RECEIVER})
    with contextlib.suppress(RelayError):
        for fact in PAYPAL_IPN.fetch(Delivery(body), settings, Agrees(), NOW).facts:
            ProviderCases.check_fact(ProviderCases(), fact)


def test_test_messages_are_told_from_live_ones_and_the_same_bytes_are_the_same_delivery():
    assert parse(GIFT).live is True
    assert parse(GIFT, test_ipn="1").live is False
    assert parse(GIFT).delivery_key == parse(GIFT).delivery_key
    assert len({parse(GIFT, resend=again).delivery_key for again in (None, "true")}) == 2
    assert parse(GIFT).occurred_at == datetime(2026, 1, 3, 9, 58, tzinfo=UTC)


# --- PayPal's word ----------------------------------------------------------------------------------------------------


def test_the_very_same_bytes_go_back(ask, provider_api):
    body = form(GIFT, first_name="Jörg", charset="windows-1252") + b"&odd=%e9&blank=&a+b=c%20d"
    assert ask(body).facts[0].donor.name == Name(first="Jörg", last="Berg")
    assert b"first_name=J%F6rg" in body
    assert provider_api.bodies == [b"cmd=_notify-validate&" + body]
    assert provider_api.headers[0]["content-type"] == "application/x-www-form-urlencoded"


def test_what_paypal_did_not_send_is_not_believed(ask):
    with pytest.raises(BadSignature, match="did not send"):
        ask(GIFT, says=b"INVALID")


@pytest.mark.parametrize("says", [b"", b"<html>VERIFIED</html>", b"verified", 503, 429])
def test_anything_else_is_asked_about_again(ask, says):
    with pytest.raises(FetchFailed) as caught:
        ask(GIFT, says=says)
    assert caught.value.again


@pytest.mark.parametrize(
    ("told", "ours", "right"),
    [
        ({}, RECEIVER, True),
        ({}, f"other@example.org, {RECEIVER.upper()}", True),
        ({"receiver_email": "other@example.org", "business": None}, "MERCHANTALDER", True),
        ({"receiver_email": None, "business": None, "receiver_id": None}, RECEIVER, True),
        ({"receiver_email": "x@example.org", "business": "x@example.org", "receiver_id": "MERCHANTX"}, RECEIVER, False),
        ({}, "other@example.org", False),
        ({}, "", False),
    ],
)
def test_only_messages_about_our_own_account_count(ask, told, ours, right):
    if right:
        assert ask(GIFT, options={"receiver": ours}, **told).facts
    else:
        with pytest.raises(BadSignature, match="another PayPal account"):
            ask(GIFT, options={"receiver": ours}, **told)


def test_a_masked_number_is_for_a_person_and_not_asked_about(ask, provider_api):
    with pytest.raises(NotUnderstood, match="masked"):
        ask(form(GIFT) + b"&memo=************4242")
    assert provider_api.asked == []


def test_live_and_sandbox_are_asked_at_their_own_addresses():
    asked = []

    class Asked:
        def post(self, url, *_args, **_more):
            asked.append(url)
            return type("Reply", (), {"body": b"VERIFIED"})

    settings = ProviderSettings(secrets=(TOKEN,), options={"receiver": RECEIVER})
    for sandbox in (None, "1"):
        PAYPAL_IPN.fetch(Delivery(form(GIFT, test_ipn=sandbox)), settings, Asked(), NOW)
    assert asked == list(ADDRESSES.values())


# --- what the variables mean ------------------------------------------------------------------------------------------


def test_a_completed_payment_is_the_whole_gift(only):
    gift = only(GIFT)
    assert gift.keys == ("0AN00001NA0000001",)
    assert (gift.amount, gift.fee) == (usd("25.00"), usd("1.03"))
    assert gift.occurred_at == datetime(2026, 1, 3, 9, 58, tzinfo=UTC)
    assert gift.donor.name == Name(first="Anna", last="Berg")
    assert (gift.donor.email, gift.donor.phone) == ("anna.berg@example.org", "+1 503 555 0100")
    assert gift.donor.address == Address(
        street1="12 Alder Way", street2="Apt 3", city="Portland", state="OR", zip="97201", country="US"
    )
    assert gift.designations == (Designation(fund="WATER"),)
    assert (gift.tender.kind, gift.recurring, gift.hold) == (TenderKind.WALLET, False, "")
    assert gift.sources[0]["item_name"] == "Clean water"
    assert "verify_sign" not in gift.sources[0]


@pytest.mark.parametrize(
    ("kind", "recurring"),
    [("web_accept", False), ("express_checkout", False), ("cart", False), ("send_money", False),
     ("recurring_payment", True), ("subscr_payment", True)],
)  # fmt: skip
def test_kinds_of_gifts(only, kind, recurring):
    assert only(GIFT, txn_type=kind).recurring is recurring


@pytest.mark.parametrize(
    "changes",
    [{"txn_type": "brand_new"}, {"txn_type": None}, {"payment_status": "Brand_New"}, {"mc_gross": "-25.00"},
     {"mc_gross": "0.00"}, {"txn_type": "new_case", "case_type": "chargeback"}],
)  # fmt: skip
def test_what_is_not_in_the_table_is_never_a_gift(only, changes):
    assert isinstance(only(GIFT, **changes), Flag)


@pytest.mark.parametrize(
    "changes",
    [{"mc_gross": ""}, {"mc_gross": "25.001"}, {"mc_gross": "25,00"}, {"mc_currency": ""}, {"txn_id": ""},
     {"mc_gross": "1e3"}, {"mc_fee": "x"}],
)  # fmt: skip
def test_an_odd_payment_is_not_understood(ask, changes):
    with pytest.raises(NotUnderstood):
        ask(GIFT, **changes)


def test_yen_have_no_decimals(only):
    assert only(GIFT, mc_gross="2500", mc_fee="100", mc_currency="JPY").amount == Money(2500, "JPY")


def test_paypal_giving_fund_is_no_donor(only):
    for payer in ("ppgfuspay@paypalgivingfund.org", "PPGFUSPay@PayPalGivingFund.org"):
        gift = only(GIFT, payer_email=payer)
        assert gift.donor.name == Name()
        assert (gift.donor.email, gift.donor.address) == ("", Address())
        assert "Giving Fund" in gift.hold


@pytest.mark.parametrize(
    ("changes", "options", "funds"),
    [
        ({}, {}, ["WATER"]),
        ({}, {"fund_from": "item_name"}, ["Clean water"]),
        ({}, {"fund_from": "none"}, []),
        ({"custom": "LIBRARY"}, {"fund_from": "custom"}, ["LIBRARY"]),
        ({"custom": '{"fund": "LIBRARY"}'}, {}, ["LIBRARY"]),
        ({"custom": '{"x": 1}'}, {"fund_from": "custom"}, []),
        ({"option_name1": "Fund", "option_selection1": "LIBRARY"}, {}, ["LIBRARY"]),
        ({"item_number": None}, {}, []),
    ],
)
def test_funds(only, changes, options, funds):
    assert [part.fund for part in only(GIFT, options=options, **changes).designations] == funds


def test_the_items_of_a_cart_are_shares_where_they_add_up(only):
    cart = {"txn_type": "cart", "item_number": None, "item_number1": "WATER", "item_number2": "LIBRARY",
            "mc_gross_1": "20.00", "mc_gross_2": "5.00"}  # fmt: skip
    assert only(GIFT, **cart).designations == (
        Designation(fund="WATER", amount=usd("20.00")), Designation(fund="LIBRARY", amount=usd("5.00")),
    )  # fmt: skip
    for odd in ("6.00", "x", ""):
        assert only(GIFT, **cart | {"mc_gross_2": odd}).designations == (Designation(fund="WATER, LIBRARY"),)
    assert only(GIFT, **cart | {"item_number2": "WATER"}).designations == (Designation(fund="WATER"),)


@pytest.mark.parametrize(
    ("charset", "name"), [("windows-1252", "Jörg"), ("UTF-8", "Łucja"), ("Shift_JIS", "花子"), ("KOI8_R", "Анна")]
)
def test_names_in_their_charset(only, charset, name):
    assert only(GIFT, charset=charset, first_name=name).donor.name.first == name


@pytest.mark.parametrize("charset", ["unicode_escape", "idna", "rot13", "brand-new", "utf_7", ""])
def test_a_charset_that_is_none_is_windows(only, charset):
    body = form(GIFT | {"charset": "windows-1252", "first_name": "Jörg"}).replace(
        b"charset=windows-1252", b"charset=" + charset.encode()
    )
    assert only(body).donor.name.first == "Jörg"


def test_a_refund_is_its_own_amount_of_its_payment(only):
    refund = only(REFUND)
    assert isinstance(refund, Refund)
    assert (refund.keys, refund.parent_keys) == (("0AN00001NA0000002",), ("0AN00001NA0000001",))
    assert (refund.amount, refund.reason) == (usd("10.00"), RefundReason.REFUND)


def test_a_reversal_and_its_settlement_are_one_chargeback_and_its_end_undoes_it(only):
    reversal, settled, back = only(REVERSAL), only(ADJUSTMENT), only(RETURNED)
    assert reversal.keys == settled.keys == back.refund_keys == ("0AN00001NA0000001:reversal",)
    assert {reversal.reason, settled.reason} == {RefundReason.CHARGEBACK}
    assert isinstance(back, Reinstatement)
    assert (back.amount, back.parent_keys) == (usd("25.00"), ("0AN00001NA0000001",))


@pytest.mark.parametrize("message", [REFUND, REVERSAL])
@pytest.mark.parametrize("gross", ["10.00", "0.00", ""])
def test_money_that_did_not_go_out_is_no_refund(ask, message, gross):
    with pytest.raises(NotUnderstood):
        ask(message, mc_gross=gross)


def test_a_reversal_without_its_payment_is_not_understood(ask):
    for message in (REVERSAL, ADJUSTMENT, RETURNED):
        with pytest.raises(NotUnderstood):
            ask(message, parent_txn_id=None)
    assert ask(REFUND, parent_txn_id=None).facts[0].parent_keys == ()


def test_a_gift_is_a_gift(only):
    assert isinstance(only(GIFT), Gift)
