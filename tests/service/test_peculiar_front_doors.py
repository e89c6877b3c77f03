"""What some providers expect of the front door over HTTP: an answer, a form, a check by GET, a signed address."""

import base64
import json

import pytest
from sqlalchemy import select

from relay.app import create_app
from relay.bootstrap import build
from relay.config import ProviderSettings
from relay.demo.signing import adyen_body, braintree_body, square_headers
from relay.ledger.models import entries, events, metadata
from tests.builders import make_settings
from tests.fakes import FakeBell
from tests.provider_cases import payloads
from tests.support.braintree_xml import xml_of
from tests.support.front_door import charity

KEY = "ab" * 32
URL = "https://relay.example.org/webhooks/alder/square"
LOGIN = {"authorization": "Basic " + base64.b64encode(b"relay:alder").decode()}
SETTINGS = {
    "adyen": ProviderSettings(secrets=(KEY,), options={"username": "relay", "password": "alder"}),
    "braintree": ProviderSettings(secrets=("private",), options={"public_key": "public"}),
    "square": ProviderSettings(secrets=("key",), options={"notification_url": URL}),
}


@pytest.fixture
def door(sqlite_url):
    """A function that makes a client and the relay behind it, for one provider."""
    built = []

    def open_for(provider):
        relay = build(make_settings(charity(provider, SETTINGS[provider]), database_url=sqlite_url))
        metadata.create_all(relay.database.engine)
        relay.bell = relay.intake.bell = FakeBell()
        built.append(relay)
        return create_app(relay).test_client(), relay

    yield open_for
    for relay in built:
        relay.database.dispose()


def rows(relay, table):
    with relay.database.read() as tx:
        return tx.execute(select(table)).mappings().all()


def test_adyen_hears_accepted_for_a_batch_a_repeat_and_what_is_not_understood(door):
    client, relay = door("adyen")
    items = [
        json.loads(payloads("adyen")[name])["notificationItems"][0] for name in ("authorisation", "refund_in_part")
    ]
    odd = json.loads(payloads("adyen")["capture"])["notificationItems"][0]
    odd["NotificationRequestItem"]["amount"] = None
    for batch in (items, items, [odd]):
        body = (
            adyen_body({"live": "true", "notificationItems": batch}, KEY)
            if batch != [odd]
            else signed_without_amount(odd)
        )
        answer = client.post("/webhooks/alder/adyen", data=body, headers=LOGIN, content_type="application/json")
        assert (answer.status_code, answer.text) == (200, "[accepted]")
    assert [entry["kind"] for entry in rows(relay, entries)] == ["gift", "refund"]
    assert [event["verdict"] for event in rows(relay, events)] == [
        "entry",
        "entry",
        "duplicate",
        "duplicate",
        "not_understood",
    ]


def signed_without_amount(wrapped):
    item = wrapped["NotificationRequestItem"]
    signed = adyen_body(
        {"live": "true", "notificationItems": [{"NotificationRequestItem": item | {"amount": {}}}]}, KEY
    )
    return signed.replace(b'"amount": {}', b'"amount": null')


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic " + base64.b64encode(b"relay:other").decode()}])
def test_adyen_without_its_password_is_refused(door, headers):
    client, relay = door("adyen")
    body = adyen_body(json.loads(payloads("adyen")["authorisation"]), KEY)
    answer = client.post("/webhooks/alder/adyen", data=body, headers=headers)
    assert (answer.status_code, answer.json["reason"]) == (401, "bad_signature")
    assert rows(relay, events) == []


def test_adyen_one_spoiled_item_refuses_the_whole_body(door):
    client, relay = door("adyen")
    items = [
        json.loads(payloads("adyen")[name])["notificationItems"][0] for name in ("authorisation", "refund_in_part")
    ]
    body = json.loads(adyen_body({"live": "true", "notificationItems": items}, KEY))
    body["notificationItems"][1]["NotificationRequestItem"]["amount"]["value"] += 1
    assert client.post("/webhooks/alder/adyen", json=body, headers=LOGIN).status_code == 401
    assert rows(relay, events) == []


def test_braintree_posts_a_form_and_checks_the_endpoint_by_get(door):
    client, relay = door("braintree")
    body = braintree_body(xml_of(payloads("braintree")["subscription_charged"]), "private", "public")
    for verdict in ("entry", "duplicate"):
        answer = client.post("/webhooks/alder/braintree", data=body, content_type="application/x-www-form-urlencoded")
        assert (answer.status_code, answer.json["verdict"]) == (200, verdict)
    assert [entry["amount"] for entry in rows(relay, entries)] == [2500]
    asked = client.get("/webhooks/alder/braintree?bt_challenge=20f9f8ed05f77439fe955c977e4c8a53")
    assert (asked.status_code, asked.text.partition("|")[0]) == (200, "public")
    assert client.get("/webhooks/alder/braintree").status_code == 401


def test_squares_address_is_the_registered_one_whatever_the_request_says(door):
    client, relay = door("square")
    body = payloads("square")["payment_completed"]
    headers = square_headers(body, "key", URL) | {"host": "10.0.0.7:8000", "square-environment": "Production"}
    answer = client.post("/webhooks/alder/square", data=body, headers=headers)
    assert (answer.status_code, answer.json["verdict"]) == (200, "entry")
    (event,) = rows(relay, events)
    assert event["headers"]["square-environment"] == "Production"
    forged = square_headers(body, "key", "http://10.0.0.7:8000/webhooks/alder/square")
    assert client.post("/webhooks/alder/square", data=body, headers=headers | forged).status_code == 401
