"""Facts 13.8 and section 8: transactions of a constituent, forms, designees, e-mail patterns."""

import pytest

from .calling import CREDENTIALS, error_of, local_names


def test_a_credit_card_gift_reads_back(site):
    code = site.code(
        offline_payment_method="credit", card_type="VISA", card_number="************1111", card_exp_date="06/2012",
        billing__address__street1="1 Road", billing__address__country="France", other_amount="14.50",
    )  # fmt: skip
    row = site.rows()[0]
    assert row["confirmation_code"] == code
    assert row["amount"] == {"decimal": "14.50", "formatted": "$14.50"}
    assert (row["tender_type"], row["pay_method"], row["transaction_type"]) == ("CREDIT_CARD", "OFFLINE", "DONATION")
    assert (row["credit_card_type"], row["credit_card_number"]) == ("VISA", "************1111")
    assert row["credit_card_expiration"] == "2012-06-30-05:00"
    assert row["billing_name"]["last"] == "Lovelace"
    assert (row["billing_address"]["street1"], row["billing_address"]["street2"]) == ("1 Road", None)
    assert "transaction_id" not in row


def test_the_root_is_not_the_name_of_the_method(site):
    assert "<getConsTransactionsResponse " in site.transactions(response_format="xml").text


@pytest.mark.parametrize(
    ("sent", "expiration"),
    [
        ({"card_exp_date_month": "2", "card_exp_date_year": "2028"}, "2028-02-29-06:00"),
        ({"card_exp_date": "13/2028"}, None),
        ({"card_exp_date": "x"}, None),
    ],
)
def test_card_expiry_is_the_last_day_of_its_month(site, sent, expiration):
    site.add(offline_payment_method="credit", **sent)
    assert site.rows()[0].get("credit_card_expiration") == expiration


def test_a_check_has_its_number_and_no_card(site):
    site.add(offline_payment_method="check", check_number="ch_1", card_number="************1111")
    row = site.rows()[0]
    assert (row["tender_type"], row["check_number"]) == ("CHECK", "ch_1")
    assert not [name for name in row if name.startswith("credit_card")]


def test_cash_has_neither(site):
    site.add(check_number="1", card_number="************1111")
    row = site.rows()[0]
    assert row["tender_type"] == "CASH"
    assert not [name for name in row if name.startswith(("credit_card", "check"))]


@pytest.mark.parametrize("way", ["primary_email", "cons_id", "member_id"])
def test_the_constituent_is_named_in_one_of_three_ways(site, way):
    site.set(constituents=[{"cons_id": "77", "email": "ada@example.org", "member_id": "m7"}])
    site.add()
    site.add(donor__email="grace@example.org")
    named = {"primary_email": None, way: {"primary_email": "ADA@example.org", "cons_id": "77", "member_id": "m7"}[way]}
    assert len(site.rows(**named)) == 1


def test_a_stranger_has_no_transactions(site):
    assert site.rows(primary_email="nobody@example.org") == []
    assert site.rows(primary_email=None, cons_id="1") == []


def test_nobody_named_is_error_9_and_several_named_are_error_8(site):
    assert error_of(site.transactions(primary_email=None))["code"] == "9"
    site.set(constituents=[{"email": "ada@example.org"}, {"email": "Ada@example.org"}])
    assert error_of(site.transactions())["code"] == "8"


@pytest.mark.parametrize(
    ("kind", "rows"),
    [(None, {"DONATION", "REFUND"}), ("DONATION", {"DONATION"}), ("REFUND", {"REFUND"}), ("PLEDGE", set()),
     ("DONATION_PENDING", set()), ("FAILED_RECURRING_DONATION_FRAUD", set())],
)  # fmt: skip
def test_transaction_types(site, kind, rows):
    site.refund(site.code(), refund_amount="5")
    assert {row["transaction_type"] for row in site.rows(transaction_type=kind)} == rows


def test_a_refund_row_has_the_code_of_its_gift_and_its_own_amount(site):
    code = site.code()
    site.refund(code, refund_amount="5")
    row = site.rows(transaction_type="REFUND")[0]
    assert (row["confirmation_code"], row["amount"]["formatted"]) == (code, "$5.00")


@pytest.mark.parametrize(
    ("begin", "end", "found"),
    [
        (None, None, 1),
        ("2000-01-01T00:00:00Z", "2999-01-01T00:00:00-06:00", 1),
        ("2000-01-01T00:00:00", None, 1),
        ("2999-01-01T00:00:00Z", None, 0),
        (None, "2000-01-01", 0),
    ],
)
def test_the_window_is_respected(site, begin, end, found):
    site.add()
    assert len(site.rows(begin_date=begin, end_date=end)) == found


@pytest.mark.parametrize(
    "wrong",
    [
        {"begin_date": "yesterday"},
        {"transaction_type": "GIFT"},
        {"list_page_size": "x"},
        {"list_page_offset": "1", "list_record_offset": "1"},
    ],
)
def test_a_list_that_cannot_be_made_is_error_50(site, wrong):
    assert error_of(site.transactions(**wrong))["code"] == "50"


def test_pages_start_with_zero_and_hold_25(site):
    codes = [site.code() for _ in range(30)]
    first, second = site.rows(), site.rows(list_page_offset="1")
    assert (len(first), len(second)) == (25, 5)
    seen = [row["confirmation_code"] for row in first + second]
    assert sorted(seen) == sorted(codes)
    assert seen != codes  # in no order
    last = site.rows(list_record_offset="28", list_page_size="10")
    assert [row["confirmation_code"] for row in last] == seen[28:]


def test_form_info_shows_levels_as_documented(site):
    info = site.read_form("getDonationFormInfo", form_id="1260").json()["getDonationFormInfoResponse"]
    levels = info["donationLevels"]["donationLevel"]
    assert {"level_id": "1521", "name": "$25", "amount": {"decimal": "25.00", "formatted": "$25.00"},
            "userSpecified": "false"} in levels  # fmt: skip
    assert {"level_id": "1523", "name": "Other", "amount": {"decimal": "0.00", "formatted": "$0.00"},
            "userSpecified": "true"} in levels  # fmt: skip
    assert info["supportsWriteInDesignation"] == "false"


def test_a_lone_level_is_an_object_and_write_ins_are_told(site):
    info = site.read_form("getDonationFormInfo", form_id="1261").json()["getDonationFormInfoResponse"]
    assert info["donationLevels"]["donationLevel"]["level_id"] == "1530"
    assert info["supportsWriteInDesignation"] == "true"


@pytest.mark.parametrize("form", ["9", "1263"])
def test_an_unknown_form_is_not_found(site, form):
    assert "not found" in error_of(site.read_form("getDonationFormInfo", form_id=form))["message"]


def test_archived_designees_are_left_out(site):
    found = site.read_form("getDesignees").json()["getDesigneesResponse"]["designee"]
    assert [one["id"] for one in found] == ["1001", "1002", "1003"]
    assert found[0] == {"id": "1001", "name": "Library", "typeId": "11"}


def test_a_form_narrows_designees_and_types(site):
    site.set(forms={"1261": {"designees": ["1003", "1004"]}, "1262": {"designations": False}})
    one = site.read_form("getDesignees", form_id="1261", response_format="xml")
    assert local_names(one.text) == {"designee": {"id": "1003", "name": "Water", "typeId": "12"}}
    kind = site.read_form("getDesignationTypes", form_id="1261").json()
    assert kind == {"getDesignationTypesResponse": {"type": {"id": "12", "name": "Projects", "sort": "2"}}}
    assert site.read_form("getDesignees", form_id="1262").json() == {"getDesigneesResponse": {}}


def test_types_come_by_their_sort_order_without_archived_ones(site):
    site.set(designation_types={"10": {"name": "Late", "sort": 9}})
    found = site.read_form("getDesignationTypes").json()["getDesignationTypesResponse"]["type"]
    assert [one["id"] for one in found] == ["11", "12", "10"]


def test_form_reads_need_the_key_and_no_login(site):
    assert error_of(site.read_form("getDesignees", api_key="x"))["code"] == "2"
    assert error_of(site.read_form("getDonationFormInfo"))["code"] == "9"


@pytest.mark.parametrize(("email", "valid"), [("a@b.org", "true"), ("a@b", "false"), ("x y@b.org", "false")])
def test_email_patterns(site, email, valid):
    answer = site.post("SRConsAPI", {"method": "isEmailValid", "email": email})
    assert answer.json() == {"isEmailValidResponse": {"valid": valid}}


@pytest.mark.parametrize(("wrong", "code"), [("api_key", "2"), ("login_name", "3"), ("login_password", "3")])
def test_is_email_valid_proves_key_and_credentials(site, wrong, code):
    assert wrong in CREDENTIALS
    answer = site.post("SRConsAPI", {"method": "isEmailValid", "email": "a@b.org", wrong: "x"})
    assert error_of(answer)["code"] == code
