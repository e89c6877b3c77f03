"""The SOAP web services: login, sessions, queries over the same gifts, faults, and a description a client can load."""

import re
from decimal import Decimal

import pytest
import zeep
from defusedxml import ElementTree

from .calling import Site

SWITCHES_HERE = {
    "sub_source_readable": [("false", False), ("true", True)],
    "soap_where": [("proven_fields_only", False), ("all", True)],
    "soap_fault_http": [("200", 200), ("500", 500)],
}
ALL = " from Donation"
EVERY = "select TransactionId from Donation"
LOGIN = "<UserName>demo-soap-user</UserName><Password>demo-soap-password</Password>"


def post(site: Site, body: str, session: str = ""):
    header = f'<Session xmlns="urn:soap.convio.com"><SessionId>{session}</SessionId></Session>'
    envelope = (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>{header}</s:Header>'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    )
    return site.session.post(f"{site.url}/1.0/{site.name}", data=envelope.encode(), timeout=5)


def login(site, inner=LOGIN):
    found = re.search(
        "<SessionId>(.+)</SessionId>", post(site, f'<Login xmlns="urn:soap.convio.com">{inner}</Login>').text
    )
    return found[1] if found else ""


def ask(site, text, session=None, page=1, size=200):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    body = f"<QueryString>{escaped}</QueryString><Page>{page}</Page><PageSize>{size}</PageSize>"
    return post(site, f'<Query xmlns="urn:soap.convio.com">{body}</Query>', login(site) if session is None else session)


def records(site, text, **more):
    """The records as dicts of the innermost names."""
    root = ElementTree.fromstring(ask(site, text, **more).text)
    found = [one for one in root.iter() if one.tag.endswith("}Record")]
    return [{leaf.tag.rpartition("}")[2]: leaf.text for leaf in one.iter() if len(leaf) == 0} for one in found]


def fault(answer):
    root = ElementTree.fromstring(answer.text)
    return root.findtext(".//faultcode"), root.findtext(".//faultstring")


def test_the_description_can_be_loaded_and_the_records_are_as_described(site):
    site.code(other_amount="12.34", sub_source="ch_1")
    client = zeep.Client(f"{site.url}/1.0/{site.name}/wsdl")
    session = client.service.Login(UserName="demo-soap-user", Password="demo-soap-password")
    element = client.get_element("{urn:soap.convio.com}Session")
    found = client.service.Query(
        QueryString="select TransactionId, Payment.Amount, Payment.CreationDate, Donor.PrimaryEmail from Donation",
        _soapheaders=[element(SessionId=session)],
    )
    assert [str(one.Payment.Amount) for one in found] == ["12.34"]
    assert found[0].Donor.PrimaryEmail == "ada@example.org"
    client.transport.session.close()


@pytest.mark.parametrize(
    "inner",
    [
        LOGIN.replace("demo-soap-password", "wrong"),
        LOGIN.replace("demo-soap", "demo-api"),
        "",
    ],
)
def test_only_the_account_of_the_web_services_logs_in(site, inner):
    answer = post(site, f'<Login xmlns="urn:soap.convio.com">{inner}</Login>')
    assert fault(answer) == ("fns:LOGIN", "Invalid username or password.")
    assert "LoginFault" in answer.text


def test_the_account_of_the_web_services_serves_nothing_else(site):
    answer = site.transactions(login_name="demo-soap-user", login_password="demo-soap-password")
    assert answer.json()["errorResponse"]["code"] == "3"


def test_a_query_without_a_session_is_a_session_fault(site):
    assert fault(ask(site, EVERY, session="unknown"))[0] == "fns:SESSION"


def test_a_session_ends_after_thirty_idle_minutes_and_belongs_to_one_organization(site, server):
    session, other = login(site), Site(server.url, f"{site.name}-other")
    assert fault(ask(other, EVERY, session=session))[0] == "fns:SESSION"
    other.session.close()
    for minutes, code in ((29, None), (29, None), (31, "fns:SESSION")):
        site.session.post(f"{site.url}/sandbox/clock", json={"advance_seconds": minutes * 60}, timeout=5)
        answer = ask(site, EVERY, session=session)
        assert fault(answer)[0] == code


def test_a_gift_is_a_record_with_nested_fields(site):
    code = site.code(offline_payment_method="credit", card_number="************4242", other_amount="12.34")
    wanted = "TransactionId, Payment.Amount, Payment.ConvioConfirmationCode, Payment.TenderType, Donor.PrimaryEmail"
    (found,) = records(site, f"select {wanted}, Payment.CreditCardNumber, Payment.CreationMethod{ALL}")
    assert found == {
        "TransactionId": code.rpartition("-")[2],
        "Amount": "12.34",
        "ConvioConfirmationCode": code,
        "TenderType": "credit_card",
        "PrimaryEmail": "ada@example.org",
        "CreditCardNumber": "************4242",
        "CreationMethod": "0",
    }


def test_a_name_with_marks_of_xml_comes_back_whole(site):
    site.code(donor__name__first="A&B <C>")
    assert records(site, "select Payment.BillingName.FirstName from Donation") == [{"FirstName": "A&B <C>"}]


@pytest.mark.parametrize(("wanted", "names"), [
    ("*", {"TransactionId", "FormId", "DonationLevelId"}),
    ("Donor.*", {"ConsId", "FirstName", "LastName", "PrimaryEmail"}),
    ("Donor", {"ConsId", "FirstName", "LastName", "PrimaryEmail"}),
])  # fmt: skip
def test_wildcards_select_a_part(site, wanted, names):
    site.code()
    assert set(records(site, f"select {wanted}{ALL}")[0]) == names


def test_conditions_select_gifts(site):
    for amount in ("5.00", "10.00", "100.00"):
        site.code(other_amount=amount)
    site.code(form_id="1261", level_id="1530", other_amount="10.00")

    def amounts(where):
        return sorted(Decimal(one["Amount"]) for one in records(site, f"select Payment.Amount{ALL} where {where}"))

    assert amounts("Payment.Amount = 10") == [10, 10]
    assert amounts("Payment.Amount > 5 and Payment.Amount <= 100.0") == [10, 10, 100]
    assert amounts("Payment.Amount <> 10 or FormId = 1261") == [5, 10, 100]
    assert amounts("FormId = 1260 and (Payment.Amount = 5 or Payment.Amount = 100)") == [5, 100]
    assert amounts("Payment.PaymentDate <= 2999-01-01T00:00:00Z") == [5, 10, 10, 100]
    assert amounts("Payment.PaymentDate > 2999-01-01T00:00:00+01:00") == []
    assert amounts("Payment.PaymentDate >= 2020-01-01") == [5, 10, 10, 100]
    assert amounts("Payment.PaymentDate < 2020-01-01T00:00:00-06:00") == []
    assert amounts("CampaignId is null") == [5, 10, 10, 100]
    assert amounts("CampaignId is not null") == []


@pytest.mark.parametrize(("text", "words"), [
    ("", "Expected 'select'"),
    ("select", "ends too early"),
    ("delete from Donation", "Expected 'select'"),
    ("select TransactionId from Constituent", "Constituent is not known"),
    ("select TransactionID from Donation", "no field TransactionID"),
    ("select TransactionId from Donation where", "ends too early"),
    ("select TransactionId from Donation where FormId like 1", "'like' is no operator"),
    ("select TransactionId from Donation where FormId = FormId", "is no value"),
    ("select TransactionId from Donation where Payment.PaymentDate > 2020-13-45", "is no date"),
    ("select TransactionId from Donation where FormId = 1 order by FormId", "Unexpected 'order'"),
    ("select TransactionId from Donation where FormId = 1;", "Unexpected character"),
    ("select TransactionId from Donation where Nothing = 1", "no field Nothing"),
])  # fmt: skip
def test_what_is_no_query_is_a_fault(site, text, words):
    code, said = fault(ask(site, text))
    assert code == "fns:QUERY"
    assert words in said


@pytest.mark.parametrize(("position", "allowed"), SWITCHES_HERE["soap_where"])
def test_soap_where(site, position, allowed):
    site.switch(soap_where=position, sub_source_readable="true")
    site.code(sub_source="it's 1")
    site.code(sub_source="other")
    text = "select TransactionId from Donation where InteractionSource.SubCodeText = 'it\\'s 1'"
    assert (fault(ask(site, text))[0] is None) is allowed
    assert len(records(site, text)) == (1 if allowed else 0)


@pytest.mark.parametrize(("position", "readable"), SWITCHES_HERE["sub_source_readable"])
def test_sub_source_readable(site, position, readable):
    site.switch(sub_source_readable=position)
    site.code(sub_source="ch_1")
    found = records(site, "select TransactionId, InteractionSource.SubCodeText from Donation")
    assert ("SubCodeText" in found[0]) is readable


@pytest.mark.parametrize(("position", "status"), SWITCHES_HERE["soap_fault_http"])
def test_soap_fault_http(site, position, status):
    site.switch(soap_fault_http=position)
    answer = ask(site, "nonsense")
    assert answer.status_code == status
    assert fault(answer)[0] == "fns:QUERY"


def test_pages_begin_with_one_and_the_last_is_short(site):
    for _ in range(5):
        site.code()
    pages = [records(site, EVERY, page=page, size=2) for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert len({one["TransactionId"] for page in pages for one in page}) == 5
    assert fault(ask(site, EVERY, page=0))[0] == "fns:INVALID_MESSAGE"


def test_a_record_shows_after_the_read_back_delay(site):
    site.switch(read_back_delay_s="5")
    site.code()
    assert records(site, EVERY) == []
    site.session.post(f"{site.url}/sandbox/clock", json={"advance_seconds": 6}, timeout=5)
    assert len(records(site, EVERY)) == 1


@pytest.mark.parametrize(("visibility", "shown"), [("replaced_by_refund_row", 0), ("stays", 1), ("vanishes", 0)])
def test_a_refunded_gift_is_shown_as_in_the_other_reading(site, visibility, shown):
    site.switch(refund_visibility=visibility)
    site.refund(site.code(), refund_amount="25.00")
    assert len(records(site, EVERY)) == shown


def test_the_web_services_have_their_own_list_of_addresses(site):
    site.set(soap_ip_allow=["203.0.113.0/24"])
    assert site.transactions().status_code == 200
    assert site.session.get(f"{site.url}/1.0/{site.name}/wsdl", timeout=5).status_code == 403
    assert fault(post(site, f'<Login xmlns="urn:soap.convio.com">{LOGIN}</Login>'))[0] == "fns:LOGIN"


@pytest.mark.parametrize(
    ("name", "code"),
    [("soap_session", "fns:SESSION"), ("soap_conflict", "fns:SYNCHRONIZATION"), ("soap_permission", "fns:QUERY")],
)
def test_faults_of_the_web_services_strike_only_there(site, name, code):
    site.faults({"fault": name, "times": 1})
    assert site.transactions().status_code == 200
    session = login(site)
    assert session == ""
    assert fault(ask(site, EVERY))[0] is None
    site.faults({"fault": name, "method": "Query"})
    assert fault(ask(site, EVERY))[0] == code
    assert site.calls()[-1]["fault"] == name


def test_other_faults_strike_here_too(site):
    site.faults({"fault": "status_500", "method": "Query"})
    assert ask(site, EVERY).status_code == 500
    assert site.calls()[-1] | {"n": 0, "at": ""} == {
        "n": 0, "organization": site.name, "method": "Query", "sub_source": "", "refund_user_confirm_code": "",
        "at": "",
        "recorded": False, "fault": "status_500", "answered": False, "transaction_id": None, "confirmation_code": None,
        "error": None,
    }  # fmt: skip


@pytest.mark.parametrize("body", [b"", b"<", b"<a/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"])
def test_what_is_no_envelope_is_a_malformed_message(site, body):
    answer = site.session.post(f"{site.url}/1.0/{site.name}", data=body, timeout=5)
    assert fault(answer)[0] == "fns:MALFORMED_MESSAGE"


def test_other_operations_and_verbs_are_refused(site):
    assert fault(post(site, '<Delete xmlns="urn:soap.convio.com"/>'))[0] == "fns:UNSUPPORTED_OPERATION"
    assert site.session.get(f"{site.url}/1.0/{site.name}", timeout=5).status_code == 405
    assert site.session.post(f"{site.url}/1.0/{site.name}/wsdl", timeout=5).status_code == 405
