"""Facts 13.1, 3.5, 5, 6: shapes, namespaces, content types, one-or-many, empty and nil, suppression."""

import re
from datetime import UTC, datetime

import pytest

from relay.sandbox.clock import central_text
from relay.sandbox.money import parse_amount

from .calling import donation_errors, local_names

NO_ADDRESS = {"validate": "true"}
DONATION_KEYS = {
    "cons_id", "confirmation_code", "date_time", "org_tax_id", "reward_points_earned", "transaction_id", "amount",
    "tax_deductible_amount", "value_of_goods", "summary_data",
}  # fmt: skip


def test_a_gift_is_answered_as_documented_in_json(site):
    answer = site.add(offline_payment_method="credit", card_number="************1234")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain;charset=UTF-8"
    donation = answer.json()["donationResponse"]["donation"]
    assert set(donation) == DONATION_KEYS
    assert donation["amount"] == {"decimal": "25", "formatted": "$25.00"}
    assert donation["value_of_goods"] == {"decimal": "0", "formatted": "$0.00"}
    rows = donation["summary_data"]["field"]
    assert {"name": "section-header", "value": {}, "label": "Gift Information", "header": "true"} in rows
    assert {"name": "card_number", "value": "*" * 15 + "1234", "label": "Card Number:", "header": "false"} in rows


@pytest.mark.parametrize("wanted", [None, "xml", "yaml"])
def test_a_gift_is_answered_as_documented_in_xml(site, wanted):
    answer = site.add(response_format=wanted)
    assert answer.headers["Content-Type"] == "text/xml;charset=UTF-8"
    assert 'xmlns="http://convio.com/crm/v1.0"' in answer.text
    assert '<field header="true"><label>Gift Information</label><value/>' in answer.text
    donation = local_names(answer.text)["donation"]
    assert set(donation) == DONATION_KEYS
    assert donation["amount"] == {"decimal": "25", "formatted": "$25.00"}


def test_leaves_are_texts_and_the_order_of_json_keys_is_not_stable(site):
    donation = site.add().json()["donationResponse"]["donation"]
    assert all(isinstance(donation[name], str) for name in ("cons_id", "transaction_id", "reward_points_earned"))
    assert len({tuple(site.add().json()["donationResponse"]["donation"]) for _ in range(20)}) > 1


def test_the_code_has_five_numbers_of_which_the_last_is_the_transaction_id(site):
    donation = site.add().json()["donationResponse"]["donation"]
    assert re.fullmatch(r"\d+-\d+-1-\d+-" + donation["transaction_id"], donation["confirmation_code"])


def test_date_time_is_now_in_us_central_time(site):
    text = site.add().json()["donationResponse"]["donation"]["date_time"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}-0[56]:00", text)
    assert abs((datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds()) < 3600 * 24


@pytest.mark.parametrize(
    ("utc", "central"),
    [
        ("2016-02-01T15:43:53.980", "2016-02-01T09:43:53.980-06:00"),
        ("2024-03-10T07:59:59.999", "2024-03-10T01:59:59.999-06:00"),
        ("2024-03-10T08:00:00.000", "2024-03-10T03:00:00.000-05:00"),
        ("2024-11-03T06:59:59.999", "2024-11-03T01:59:59.999-05:00"),
        ("2024-11-03T07:00:00.000", "2024-11-03T01:00:00.000-06:00"),
    ],
)
def test_central_time_knows_daylight_saving(utc, central):
    assert central_text(datetime.fromisoformat(utc).replace(tzinfo=UTC)) == central


@pytest.mark.parametrize(("suppressed", "status"), [("false", 403), ("true", 200)])
def test_errors_are_403_or_200_when_suppressed(site, suppressed, status):
    common = site.add(api_key="x", suppress_response_codes=suppressed)
    field = site.add(donor__email=None, suppress_response_codes=suppressed)
    assert (common.status_code, field.status_code) == (status, status)
    assert common.json()["errorResponse"]["code"] == "2"
    assert donation_errors(field) == ["An email address is required."]


def test_a_success_is_200_under_suppression_too(site):
    assert site.add(suppress_response_codes="true").status_code == 200


@pytest.mark.parametrize("changed", [{"api_key": "x"}, {"donor__email": ""}])
def test_errors_have_the_namespace_of_errors(site, changed):
    answer = site.add(response_format="xml", **changed)
    assert 'xmlns="http://convio.com/crm/v1"' in answer.text
    assert set(local_names(answer.text)) in ({"code", "message"}, {"errors"})


def test_one_field_error_is_a_text_and_several_are_a_list(site):
    one = site.add(donor__email=None).json()["donationResponse"]["errors"]
    several = site.add(donor__email=None, donor__name__first=None).json()["donationResponse"]["errors"]
    assert one["fieldError"] == "An email address is required."
    assert several["fieldError"] == ["An email address is required.", "Billing first name is required."]
    assert one["reason"] == "FIELD_VALIDATION"
    assert one["message"] == "Error: There was a problem encountered while processing your donation."
    assert one["pageError"] == "There was a problem processing your request.  Please see below."


def test_field_errors_repeat_in_xml(site):
    errors = local_names(site.add(response_format="xml", validate="true").text)["errors"]
    assert errors["fieldError"] == [
        "Billing street address is required.",
        "Billing city is required.",
        "Billing state or province is required.",
        "Billing zip or postal code is required.",
    ]


def test_nil_is_null_and_an_empty_list_is_an_empty_object(site):
    assert site.transactions().json() == {"getConsTransactionsResponse": {}}
    site.add()
    assert site.rows()[0]["billing_name"]["middle"] is None
    assert '<middle xsi:nil="true"/>' in site.transactions(response_format="xml").text


def test_one_row_is_an_object_and_several_are_a_list(site):
    site.add()
    assert isinstance(site.transactions().json()["getConsTransactionsResponse"]["transaction"], dict)
    site.add()
    assert isinstance(site.transactions().json()["getConsTransactionsResponse"]["transaction"], list)


@pytest.mark.parametrize("name", ["Zoë", "O'Brien & <Söhne>", "山田", 'a"b', "tab\tnul\x00bell\x07", "😀"])
def test_any_name_gives_a_well_formed_answer(site, name):
    answer = site.add(donor__name__first=name, response_format="xml")
    fields = local_names(answer.content.decode())["donation"]["summary_data"]["field"]
    shown = next(field["value"] for field in fields if field["name"] == "billing.name.first")
    assert shown == name.replace("\x00", "").replace("\x07", "")
    assert site.donations()[0]["params"]["donor.name.first"] == name


@pytest.mark.parametrize(
    "text", ["", "-5", "+5", "1e3", " 5", "5.", ".5", "5.123", "1,000", "$5", "٣", "NaN", "9" * 13]
)
def test_strict_amounts_take_digits_and_two_places_only(text):
    assert parse_amount(text) is None


def test_the_session_labels_a_gift_with_the_sub_source_of_an_earlier_one(site):
    site.add(sub_source="ch_1", source="relay")
    site.add()  # requests.Session has sent the cookie back
    site.session.cookies.clear()
    site.add()
    assert [gift["sub_source"] for gift in site.donations()] == ["ch_1", "ch_1", ""]
