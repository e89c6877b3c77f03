"""Forged, stripped, doubled, altered and repeated deliveries: nothing that a processor did not say becomes a gift."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import pytest

from relay.demo import signing
from relay.providers import PROVIDERS, Delivery
from tests.provider_cases import payloads
from tests.support import genuine, paypal

EVERY = sorted(PROVIDERS)
BODY = payloads("stripe")["charge_succeeded"]
SECRET = "whsec_alder"


def of_stripe(sent_at=0, secret=SECRET, body=BODY):
    """The header that Stripe would send."""
    return signing.stripe_headers(body, secret, int(sent_at or time.time()))["stripe-signature"]


def refused(fortress, answer, *statuses):
    """Refused, and nothing of it was kept."""
    return answer.status_code in (statuses or (401,)) and fortress.counts() == (0, 0)


@pytest.mark.parametrize("provider", EVERY)
def test_what_was_signed_for_one_organization_is_worth_nothing_at_another(standing, provider):
    """Alder's processor, or whoever holds alder's secret, sends to birch's address."""
    assert refused(standing, standing.send(provider, standing.genuine(provider), "birch"))


@pytest.mark.parametrize("provider", EVERY)
def test_the_genuine_delivery_is_taken_or_the_test_above_proves_nothing(fortress, provider):
    assert fortress.send(provider, fortress.genuine(provider)).status_code == 200
    assert fortress.counts()[0] == 1


@pytest.mark.parametrize("provider", EVERY)
def test_a_delivery_without_its_proof_is_refused(standing, provider):
    assert refused(standing, standing.send(provider, stripped(provider, standing.genuine(provider))), 400, 401)


def stripped(provider, delivery):
    """The same without what proves it."""
    if provider == "braintree":
        form = dict(parse_qsl(delivery.body.decode()))
        return Delivery(urlencode(form | {"bt_signature": ""}).encode())
    body = delivery.body
    if provider == "adyen":
        told = json.loads(body)
        for item in told["notificationItems"]:
            item["NotificationRequestItem"].get("additionalData", {}).pop("hmacSignature", None)
        return Delivery(json.dumps(told).encode(), delivery.headers)
    if provider == "raisely":
        body = json.dumps({name: value for name, value in json.loads(body).items() if name != "secret"}).encode()
    return Delivery(body)


@pytest.mark.parametrize("provider", EVERY)
def test_a_delivery_whose_proof_is_doubled_or_cut_is_refused(standing, provider):
    delivery = standing.genuine(provider)
    token = f"{delivery.token}{delivery.token}" or None
    headers = {name: value[:-1] for name, value in delivery.headers.items()}
    body = delivery.body
    if provider == "braintree":
        body = body.replace(b"bt_signature=", b"bt_signature=x")
    if provider == "raisely":
        body = body.replace(genuine.SECRET.encode(), genuine.SECRET[:-1].encode())
    answer = standing.send(provider, replace(delivery, body=body), headers=headers, token=token)
    assert refused(standing, answer)


@pytest.mark.parametrize("provider", EVERY)
def test_a_delivery_sent_again_is_known_and_makes_no_second_gift(fortress, provider):
    delivery = fortress.genuine(provider)
    fortress.send(provider, delivery)
    _, gifts = fortress.counts()
    again = fortress.send(provider, delivery)
    assert again.status_code == 200
    assert fortress.counts()[1] == gifts
    # Mollie's message is an id and nothing else: each is asked about anew, and meets the same payment.
    expected = {"adyen": "[accepted]"}.get(provider, "pending" if provider == "mollie" else "duplicate")
    assert expected in again.get_data(as_text=True)


@pytest.mark.parametrize(
    ("provider", "other"),
    [
        ("stripe", "square"),
        ("givebutter", "gocardless"),
        ("adyen", "generic"),
        ("standard", "gofundmepro"),
        ("mollie", "everyorg"),
    ],
)
def test_a_proof_of_one_provider_opens_no_door_of_another(standing, provider, other):
    delivery = standing.genuine(provider)
    if provider == "standard":  # both follow one specification, so their secrets must differ
        delivery = Delivery(delivery.body, signing.standard_headers(delivery.body, "whsec_" + "c" * 32, 1, "msg_1"))
    assert refused(standing, standing.send(other, delivery, token="" if other == "everyorg" else None))


# What a header claims, by the trick; made when it is sent, since the time stands in it.
TRICKS = {
    "nothing": lambda now: "",
    "names only": lambda now: "t=,v1=",
    "no time": lambda now: "v1=" + "0" * 64,
    "zeros": lambda now: f"t={now},v1=" + "0" * 64,
    "endless time": lambda now: "t=" + "9" * 400 + ",v1=" + "0" * 64,
    "no secret": lambda now: of_stripe(secret=""),
    "blank secret": lambda now: of_stripe(secret=" "),
    "prefix of all secrets": lambda now: of_stripe(secret="whsec_"),
    "an older scheme": lambda now: of_stripe().replace("v1=", "v0="),
    "an hour ago": lambda now: of_stripe(now - 3600),
    "in an hour": lambda now: of_stripe(now + 3600),
    "of another body": lambda now: of_stripe(body=BODY + b" "),
    "a fresh time before the old": lambda now: of_stripe(now - 3600).replace("t=", f"t={now},t="),
    "a fresh time behind the old": lambda now: of_stripe(now - 3600) + f",t={now}",
    "digits of another script": lambda now: of_stripe().replace("t=1", "t=\N{SUPERSCRIPT ONE}"),
    "empty signatures": lambda now: f"v1=,v1=,t={now}",
    "commas": lambda now: "," * 5000,
}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_header_made_up_or_put_together_from_old_parts_is_refused(standing, trick):
    header = TRICKS[trick](int(time.time()))
    assert refused(standing, standing.send("stripe", Delivery(BODY), headers={"Stripe-Signature": header}))


def test_two_headers_of_which_one_is_old_and_genuine_are_refused(standing):
    headers = [("Stripe-Signature", of_stripe(time.time() - 3600)), ("Stripe-Signature", f"t={int(time.time())}")]
    assert refused(standing, standing.send("stripe", Delivery(BODY), headers=headers))


def test_one_byte_changed_under_a_genuine_signature_is_refused(standing):
    richer = BODY.replace(b'"amount": 2500', b'"amount": 9500').replace(b'"amount":2500', b'"amount":9500')
    changed = richer if richer != BODY else BODY + b"\n"
    assert refused(standing, standing.send("stripe", Delivery(changed), headers={"Stripe-Signature": of_stripe()}))


def test_an_unsigned_item_beside_a_signed_one_takes_both_down(standing):
    """Adyen signs each item, not the whole."""
    delivery = standing.genuine("adyen")
    told = json.loads(delivery.body)
    item = json.loads(json.dumps(told["notificationItems"][0]))
    item["NotificationRequestItem"]["amount"]["value"] = 99_999_00
    told["notificationItems"].append(item)
    assert refused(standing, standing.send("adyen", Delivery(json.dumps(told).encode(), delivery.headers)))


@pytest.mark.parametrize("algorithm", ["none", "SHA1withRSA", "HmacSHA256", ""])
def test_paypal_s_algorithm_cannot_be_chosen(standing, algorithm):
    delivery = standing.genuine("paypal")
    headers = {**delivery.headers, "paypal-auth-algo": algorithm}
    assert refused(standing, standing.send("paypal", delivery, headers=headers))


def test_paypal_s_simulator_that_anyone_may_use_signs_for_nobody(standing):
    body = payloads("paypal")["capture_completed"]
    headers = paypal.signed(body, "WEBHOOK_ID", datetime.now(UTC))
    assert refused(standing, standing.send("paypal", Delivery(body, headers)))


@pytest.mark.parametrize(
    "token",
    [
        "t",
        genuine.TOKEN[:-1],
        genuine.TOKEN + "x",
        genuine.TOKEN.upper(),
        "%00",
        "%2e%2e",
        "a-secret-of-birch-for-everyorg",
        f"{genuine.TOKEN}%0a",
        "%20" + genuine.TOKEN,
    ],
)
def test_an_address_that_is_nearly_the_secret_one_is_refused(standing, token):
    before = standing.counts()
    answer = standing.send("everyorg", standing.genuine("everyorg"), token=token)
    assert answer.status_code in (401, 404)
    assert standing.counts() == before


def test_a_secret_address_is_tried_in_vain_however_often(standing):
    before = standing.counts()
    delivery = standing.genuine("everyorg")
    answers = {standing.send("everyorg", delivery, token=f"guess-{number:04}").status_code for number in range(200)}
    assert (answers, standing.counts()) == ({401, 429}, before)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_a_genuine_delivery_by_another_method_is_none(standing, method):
    before, headers = standing.counts(), {"Stripe-Signature": of_stripe(), "X-HTTP-Method-Override": "POST"}
    answer = standing.client().open("/webhooks/alder/stripe", method=method, data=BODY, headers=headers)
    assert answer.status_code in (404, 405)
    assert standing.counts() == before


def test_what_is_refused_says_nothing_of_what_would_have_been_right(standing):
    for provider in EVERY:
        answer = standing.send(provider, Delivery(b"{}"), token="nothing")
        told = answer.get_data(as_text=True)
        known = {secret for one in genuine.SETTINGS.values() for secret in (*one.secrets, *one.options.values())}
        assert [secret for secret in known if len(secret) > 6 and secret in told] == []


def test_an_organization_that_is_not_there_looks_like_a_provider_that_is_not(standing):
    places = [("stripe", Delivery(b"{}"), "cedar"), ("klarna", Delivery(b"{}"))]
    answers = [standing.send(*place) for place in places]
    assert {(answer.status_code, answer.data) for answer in answers} == {(404, answers[0].data)}


def test_an_old_delivery_of_paypal_is_not_taken_after_its_time(standing):
    before = standing.counts()
    old = standing.genuine("paypal", datetime.now(UTC) - timedelta(days=4))
    assert standing.send("paypal", old).status_code == 401
    assert standing.counts() == before
