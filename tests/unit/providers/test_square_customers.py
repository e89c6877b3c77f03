"""Square: a payment that tells only whose it is, and the customer behind it, over real HTTP."""

import json

import pytest

from relay.config import ProviderSettings
from relay.errors import FetchFailed, NotUnderstood
from relay.gifts import Address, Name
from relay.providers.base import Delivery
from relay.providers.calling import Caller
from relay.providers.square import SQUARE
from tests.provider_cases import NOW, payloads

CUSTOMER = {
    "id": "ALDERCUSTOMER0001",
    "given_name": "Anna",
    "family_name": "Berg",
    "email_address": "anna.berg@example.org",
    "phone_number": "+12175550100",
    "address": {"address_line_1": "3 Alder Way", "locality": "Springfield", "postal_code": "62701", "country": "US"},
}
PATH = "/v2/customers/ALDERCUSTOMER0001"


def settings(api, **options):
    return ProviderSettings(secrets=("key",), options={"access_token": "EAAAtoken", "api_url": api.url} | options)


def delivery(**fields):
    body = json.loads(payloads("square")["payment_link_without_donor"])
    body["data"]["object"]["payment"] |= {"customer_id": "ALDERCUSTOMER0001"} | fields
    return Delivery(json.dumps(body).encode())


@pytest.fixture
def gift(provider_api):
    """The gift of a payment that names a customer, who is as given."""

    def asked(customer, **fields):
        provider_api.answers[PATH] = {"customer": customer} if isinstance(customer, dict) else customer
        parsed = SQUARE.fetch(delivery(**fields), settings(provider_api), Caller(), NOW)
        assert parsed.wanted == ""
        (found,) = parsed.facts
        return found

    return asked


def test_a_payment_without_an_email_waits_for_its_customer(provider_api):
    parsed = SQUARE.parse(delivery(), settings(provider_api))
    assert parsed.wanted == "customer ALDERCUSTOMER0001"


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({}, {"access_token": ""}),
        ({"buyer_email_address": "anna.berg@example.org"}, {}),
        ({"customer_id": None}, {}),
        ({"customer_id": "../keys"}, {}),
        ({"status": "PENDING"}, {}),
    ],
)
def test_nobody_is_asked_for_without_need_or_token(provider_api, fields, options):
    assert SQUARE.parse(delivery(**fields), settings(provider_api, **options)).wanted == ""


def test_the_customer_fills_what_the_payment_does_not_tell(gift, provider_api):
    found = gift(CUSTOMER)
    assert (str(found.amount), found.keys) == ("25.00 CAD", ("AlderPay0005aZY",))
    assert found.donor.name == Name(first="Anna", last="Berg")
    assert (found.donor.email, found.donor.phone) == ("anna.berg@example.org", "+12175550100")
    assert found.donor.address == Address(street1="3 Alder Way", city="Springfield", zip="62701", country="US")
    assert [source["id"] for source in found.sources] == ["AlderPay0005aZY", "ALDERCUSTOMER0001"]
    assert provider_api.headers[0]["authorization"] == "Bearer EAAAtoken"
    assert provider_api.headers[0]["square-version"]


def test_what_the_payment_tells_stays(gift):
    told = {"first_name": "Grace", "last_name": "Hopper", "address_line_1": "1 Navy Yard"}
    found = gift(CUSTOMER, billing_address=told)
    assert found.donor.name == Name(first="Grace", last="Hopper")
    assert (found.donor.address.street1, found.donor.email) == ("1 Navy Yard", "anna.berg@example.org")


def test_a_company_is_a_donor_too(gift):
    assert gift({"id": "ALDERCUSTOMER0001", "company_name": "Alder Ltd"}).donor.name == Name(full="Alder Ltd")


def test_a_customer_who_is_gone_leaves_the_gift_as_it_is(gift):
    found = gift(404)
    assert (str(found.amount), found.donor.email) == ("25.00 CAD", "")


@pytest.mark.parametrize("status", [401, 429, 500])
def test_a_silent_api_is_asked_again(gift, status):
    with pytest.raises(FetchFailed) as caught:
        gift(status)
    assert caught.value.again


def test_another_answer_is_not_understood(gift):
    for odd in ({}, {"given_name": "Anna"}):
        with pytest.raises(NotUnderstood):
            gift(odd)


def test_a_refund_asks_for_nobody(provider_api):
    for name in ("refund_completed", "dispute_lost"):
        parsed = SQUARE.fetch(Delivery(payloads("square")[name]), settings(provider_api), Caller(), NOW)
        assert parsed.facts
    assert provider_api.asked == []
