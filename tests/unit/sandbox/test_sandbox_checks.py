"""Facts 13.1, 13.2 and 5: verbs, paths, the order of checks, and the common error codes."""

import pytest
import requests

from .calling import CREDENTIALS, GIFT, OTHER, error_of

ADD = {"method": "addOfflineDonation", **GIFT}


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE", "HEAD", "PATCH"])
def test_a_write_takes_post_only(site, verb):
    url = f"{site.url}/{site.name}/site/SRDonationAPI"
    answer = site.session.request(
        verb, url, params={**CREDENTIALS, **ADD, "suppress_response_codes": "true"}, timeout=5
    )
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert site.donations() == []


@pytest.mark.parametrize("path", ["SRAddressBookAPI", "CRConsAPI", "srdonationapi"])
def test_an_unknown_servlet_is_an_html_404(site, path):
    answer = site.post(path, ADD)
    assert answer.status_code == 404
    assert "<html" in answer.text


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"api_key": "wrong"}, "2"),
        ({"api_key": None}, "2"),
        ({"login_password": "wrong"}, "3"),
        ({"login_name": "nobody"}, "3"),
        ({"login_name": None, "login_password": None}, "3"),
        ({"login_name": "demo-readonly", "login_password": "demo-readonly-password"}, "3"),
        ({"method": "addofflinedonation"}, "6"),
        ({"method": None}, "6"),
        ({"method": "getUserTransactions"}, "6"),  # belongs to another servlet
        ({"form_id": None}, "9"),
        ({"level_id": " "}, "9"),
        ({"v": None}, "9"),
        ({"v": "2.0"}, "9"),
    ],
)
def test_a_common_error_has_its_documented_code_and_records_nothing(site, changed, code):
    answer = site.post("SRDonationAPI", ADD | changed)
    assert answer.status_code == 403
    assert error_of(answer)["code"] == code
    assert site.donations() == []


def test_the_text_of_a_wrong_key_is_the_vendors(site):
    assert error_of(site.add(api_key="x"))["message"] == (
        "Incorrect API key.  Verify that the value of the parameter api_key matches the value of the SDP "
        "CONVIO_API_KEY."
    )


def test_an_address_that_is_not_listed_is_refused_at_server_calls_only(site):
    site.set(ip_allow=["203.0.113.0/24"])
    assert error_of(site.add())["code"] == "4"
    assert error_of(site.transactions())["code"] == "4"
    assert "getDesigneesResponse" in site.read_form("getDesignees").json()
    site.set(ip_allow=["127.0.0.0/8"])
    assert site.add().status_code == 200


def test_an_addonly_account_may_not_refund(site):
    account = {"login_name": "demo-addonly", "login_password": "demo-addonly-password"}
    code = site.code(**account)
    assert error_of(site.refund(code, **account))["code"] == "3"


def test_an_account_without_rights_may_read(site):
    account = {"login_name": "demo-readonly", "login_password": "demo-readonly-password"}
    site.add()
    assert len(site.rows(**account)) == 1


# Everything is wrong at once; mending what the answer names shows the order.
MENDING = [
    ("4", {"ip_allow": ["0.0.0.0/0"]}, {}),
    ("2", {}, {"api_key": "demo-api-key"}),
    ("3", {}, {"login_name": "demo-readonly", "login_password": "demo-readonly-password"}),
    ("6", {}, {"method": "addOfflineDonation"}),
    ("3", {}, OTHER),
    ("9", {}, {"form_id": "1260"}),
]
ORDERS = {
    "as in 13.2": [0, 1, 2, 3, 4, 5],
    "method_first": [3, 0, 1, 2, 4, 5],
    "parameters_first": [3, 5, 0, 1, 2, 4],
}


@pytest.mark.parametrize("position", ORDERS)
def test_checks_come_in_the_order_of_the_switch(site, position):
    site.set(switches={"check_order": position}, ip_allow=["203.0.113.1"])
    sent = ADD | {"api_key": "x", "login_name": "x", "method": "x", "form_id": None}
    for step in ORDERS[position]:
        code, settings, changed = MENDING[step]
        assert error_of(site.post("SRDonationAPI", sent))["code"] == code
        site.set(**settings)
        sent |= changed
    assert site.post("SRDonationAPI", sent).status_code == 200


def test_reads_take_get_and_post(site):
    query = {**CREDENTIALS, "method": "isEmailValid", "email": "a@b.org"}
    answer = site.session.get(f"{site.url}/{site.name}/site/SRConsAPI", params=query, timeout=5)
    assert "isEmailValidResponse" in answer.text


def test_a_form_that_states_no_charset_is_read_as_latin_1(site):
    data = {**CREDENTIALS, **ADD, "donor.name.first": "Zoë"}
    requests.post(f"{site.url}/{site.name}/site/SRDonationAPI", data=data, timeout=5)
    site.add(donor__name__first="Zoë")
    assert [gift["params"]["donor.name.first"] for gift in site.donations()] == ["ZoÃ«", "Zoë"]


def test_the_first_of_a_repeated_parameter_wins(site):
    data = [*CREDENTIALS.items(), *ADD.items(), ("other_amount", "99")]
    requests.post(f"{site.url}/{site.name}/site/SRDonationAPI", data=data, timeout=5)
    assert site.donations()[0]["amount"] == "25.00"
