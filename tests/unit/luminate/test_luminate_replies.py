"""Every reply shape, and everything that is none."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relay.luminate.documents import MAX_BYTES
from relay.luminate.replies import Reply, ReplyKind, read_reply
from tests.unit.luminate.giving import REPLIES, answer

CODE = "709-1201-1-5470-5579"
FIELD_TEXTS = ("An email address is required.", "Billing city is required.")
MESSAGE = "Error: There was a problem encountered while processing your donation."

KINDS = {
    "add_ok.xml": ReplyKind.DONATION,
    "add_ok.json": ReplyKind.DONATION,
    "add_ok_one_summary_field.json": ReplyKind.DONATION,
    "add_other_amount.json": ReplyKind.DONATION,
    "add_amount_not_shown.json": ReplyKind.DONATION,
    "add_and_errors.xml": ReplyKind.DONATION,
    "add_without_code.xml": ReplyKind.DONATION,
    "add_without_code.json": ReplyKind.DONATION,
    "two_donations.json": ReplyKind.DONATION,
    "byte_order_mark.json": ReplyKind.DONATION,
    "wrong_charset.xml": ReplyKind.DONATION,
    "refund_ok_donation.xml": ReplyKind.DONATION,
    "field_errors.xml": ReplyKind.DONATION_ERRORS,
    "field_errors.json": ReplyKind.DONATION_ERRORS,
    "one_field_error.xml": ReplyKind.DONATION_ERRORS,
    "one_field_error.json": ReplyKind.DONATION_ERRORS,
    "card_declined.json": ReplyKind.DONATION_ERRORS,
    "errors_without_words.json": ReplyKind.DONATION_ERRORS,
    "suppressed_bad_login.json": ReplyKind.DONATION_ERRORS,
    "bad_key_403.xml": ReplyKind.ERROR_RESPONSE,
    "trailing_comma.json": ReplyKind.ERROR_RESPONSE,
    "refund_ok.json": ReplyKind.REFUND,
    "redirect.xml": ReplyKind.REDIRECT,
    "refund_ok_bare.json": ReplyKind.OTHER,
    "transactions_none.json": ReplyKind.OTHER,
    "transactions_none.xml": ReplyKind.OTHER,
    "transactions_one.json": ReplyKind.OTHER,
    "transactions_one.xml": ReplyKind.OTHER,
    "transactions_many.json": ReplyKind.OTHER,
    "email_valid.json": ReplyKind.OTHER,
    "form_info.json": ReplyKind.OTHER,
    "designees_one.json": ReplyKind.OTHER,
    "designation_types_one.json": ReplyKind.OTHER,
    "html_502.html": ReplyKind.HTML,
    "html_maintenance.html": ReplyKind.HTML,
    "html_without_doctype.html": ReplyKind.HTML,
    "empty.txt": ReplyKind.EMPTY,
    "blank.txt": ReplyKind.EMPTY,
    "empty_object.json": ReplyKind.EMPTY,
    "plain_text.txt": ReplyKind.UNREADABLE,
    "broken_off.json": ReplyKind.UNREADABLE,
    "broken_off.xml": ReplyKind.UNREADABLE,
    "doctype_bomb.xml": ReplyKind.UNREADABLE,
}


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_each_reply_is_of_its_kind(name, kind):
    assert read_reply(answer(name)).kind is kind


def test_every_recorded_reply_is_in_the_table():
    assert {path.name for path in REPLIES.iterdir()} == set(KINDS)


@pytest.mark.parametrize("name", ["add_ok.xml", "add_ok.json"])
def test_the_documented_success_in_both_formats(name):
    reply = read_reply(answer(name))
    assert (reply.confirmation_code, reply.transaction_id, reply.cons_id, reply.amount_text) == (
        "0-0000-0-0000-0000", "100101", "1006789", "100")  # fmt: skip
    assert reply.date_time.startswith("2016-02-01T09:43:53.98")
    assert not reply.has_errors
    fields = reply.data["donationResponse"]["donation"]["summary_data"]["field"]
    assert fields[0] == {"header": "false", "label": "Transaction Date:", "value": "0/0/201", "name": "date_id"}
    assert fields[1]["value"] == ""


@pytest.mark.parametrize("name", ["field_errors.xml", "field_errors.json"])
def test_the_documented_field_errors_in_both_formats(name):
    reply = read_reply(answer(name))
    assert (reply.code, reply.reason, reply.message) == ("101", "FIELD_VALIDATION", MESSAGE)
    assert reply.field_errors == FIELD_TEXTS
    assert reply.page_errors == ("There was a problem processing your request.  Please see below.",)
    assert reply.has_errors


@pytest.mark.parametrize("name", ["one_field_error.xml", "one_field_error.json"])
def test_a_lone_field_error_is_not_walked_letter_by_letter(name):
    assert read_reply(answer(name)).field_errors == ("Gift amount is invalid.",)


def test_the_trailing_comma_is_forgiven_and_texts_are_left_alone():
    reply = read_reply(answer("trailing_comma.json"))
    assert reply.code == "2"
    assert '"a,}"' in reply.message


def test_leaves_are_texts_and_one_is_a_list_too():
    reply = read_reply(answer("add_ok_one_summary_field.json"))
    assert (reply.cons_id, reply.transaction_id) == ("1006789", "5579")
    assert reply.data["donationResponse"]["donation"]["summary_data"]["field"][0]["value"] == ""


@pytest.mark.parametrize(
    ("name", "count"), [("transactions_one.json", 1), ("transactions_one.xml", 1), ("transactions_many.json", 2)]
)
def test_transactions_are_always_a_list(name, count):
    rows = read_reply(answer(name)).data["getConsTransactionsResponse"]["transaction"]
    assert len(rows) == count
    assert "2023-1161-1-14621-14701" in [row["confirmation_code"] for row in rows]
    assert rows[0].get("billing_name", {}).get("middle", "") == ""


@pytest.mark.parametrize("name", ["transactions_none.json", "transactions_none.xml"])
def test_no_transactions_are_an_empty_part(name):
    reply = read_reply(answer(name))
    assert (reply.root, reply.data) == ("getConsTransactionsResponse", {"getConsTransactionsResponse": ""})


def test_read_calls_come_normalised():
    form = read_reply(answer("form_info.json")).data["getDonationFormInfoResponse"]
    assert [level["userSpecified"] for level in form["donationLevels"]["donationLevel"]] == ["false", "true"]
    assert form["donationFields"]["donationField"] == [{"defaultValue": "1540"}]
    assert form["paymentCards"]["paymentCard"] == ["VISA"]
    assert read_reply(answer("designees_one.json")).data["getDesigneesResponse"]["designee"][0]["id"] == "1001"
    assert (
        read_reply(answer("designation_types_one.json")).data["getDesignationTypesResponse"]["type"][0]["sort"] == "1"
    )
    assert read_reply(answer("email_valid.json")).data == {"isEmailValidResponse": {"valid": "true"}}


def test_a_wrong_charset_or_a_byte_order_mark_hides_no_code():
    assert read_reply(answer("wrong_charset.xml")).confirmation_code == CODE
    assert read_reply(answer("byte_order_mark.json")).confirmation_code == CODE
    utf16 = answer("add_ok.xml").body.decode().replace("UTF-8", "UTF-16").encode("utf-16")
    assert read_reply(answer(utf16)).transaction_id == "100101"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<donationResponse><donation/></donationResponse>" * 2, ReplyKind.UNREADABLE),
        (b'{"donationResponse":{}}{"donationResponse":{}}', ReplyKind.UNREADABLE),
        (b"{" + b'"a":{' * 100 + b"}" * 101, ReplyKind.UNREADABLE),
        (b'{"a":' * 20_000, ReplyKind.UNREADABLE),
        (b'{"a":' + b"[" * 20_000, ReplyKind.UNREADABLE),
        (b"<x>" * 40_000 + b"</x>" * 40_000, ReplyKind.UNREADABLE),
        (b"<x/>" + b" " * MAX_BYTES, ReplyKind.UNREADABLE),
        (b'["donationResponse"]', ReplyKind.UNREADABLE),
        (b"null", ReplyKind.UNREADABLE),
        (b'{"donationResponse": null}', ReplyKind.OTHER),
        (b'{"donationResponse": ["x"]}', ReplyKind.OTHER),
        (b'{"donationResponse": {"donation": null}}', ReplyKind.DONATION),
        (b'{"errorResponse": "x"}', ReplyKind.ERROR_RESPONSE),
        (b'{"errorResponse": {"code": 2}, "extra": 1}', ReplyKind.ERROR_RESPONSE),
        (b'{"errorResponse": {"code": 2}, "donationResponse": {"donation": {}}}', ReplyKind.OTHER),
        (b'{"a": 1, "b": 2}', ReplyKind.OTHER),
        (b"<soap:Envelope xmlns:soap='s'/>", ReplyKind.OTHER),
        (b"\xff\xfe", ReplyKind.EMPTY),
        (b"\xff\xfe\x00", ReplyKind.UNREADABLE),
        (b"\x00\x01\x02", ReplyKind.UNREADABLE),
        (b"<?xml version='1.0'?>" + b"<!--a-->" * 5_000 + b"<>", ReplyKind.UNREADABLE),
        (b'{"' + b'\\"' * 200_000, ReplyKind.UNREADABLE),
        (b"{" + b"," * 400_000, ReplyKind.UNREADABLE),
    ],
)  # fmt: skip
def test_odd_bodies(body, kind):
    assert read_reply(answer(body)).kind is kind


def test_what_a_database_cannot_hold_is_replaced():
    reply = read_reply(answer(b'{"errorResponse":{"code":"9","message":"a\\u0000b\\ud800c"}}'))
    assert reply.message == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"


def test_a_message_with_markup_keeps_its_words():
    reply = read_reply(answer(b"<errorResponse><code>9</code><message>Very <b>wrong</b></message></errorResponse>"))
    assert sorted(reply.message.split()) == ["Very", "wrong"]


def test_repeated_names_in_json_lose_nothing():
    body = b'{"donationResponse":{"errors":{"fieldError":"a","fieldError":"b","code":"101"}}}'
    assert read_reply(answer(body)).field_errors == ("a", "b")


PIECES = st.lists(
    st.sampled_from(
        [b"<donationResponse>", b"</donationResponse>", b"<donation>", b"</donation>", b"<errors>", b"<x a='1'/>", b"{",
         b'"donationResponse"', b":", b'"donation"', b'"errors"', b"[", b"]", b"}", b",", b"null", b"1e999",
         b'"\\ud800"', b"<!--", b"-->", b"<?xml?>", b"<html", b"&amp;", b"&nbsp;", b"\xef\xbb\xbf", b"\xff\xfe",
         b"\x00", b" "]
    )
    | st.binary(max_size=4)
).map(b"".join)  # fmt: skip


@given(PIECES | st.binary())
@example(b"\xef\xbb\xbf")
def test_whatever_the_bytes_are_the_reader_answers(body):
    reply = read_reply(answer(body))
    assert isinstance(reply, Reply)
    assert reply.kind in ReplyKind
    repr(reply).encode()


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from("donation errors errorResponse code amount confirmation_code fieldError decimal x".split()),  # noqa: SIM905
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSONISH)
def test_any_json_of_our_words_is_read_without_fault(value):
    reply = read_reply(answer(json.dumps({"donationResponse": value}).encode()))
    assert isinstance(reply.confirmation_code, str)
    assert all(isinstance(text, str) for text in (*reply.page_errors, *reply.field_errors))
