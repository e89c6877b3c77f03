"""Each provider's own way to send: a payload of ours as the provider would deliver it, and the settings that prove it.

A new provider has its line here; what is sent through every front door comes from this table.
"""

import base64
import json
from datetime import datetime

from relay.config import ProviderSettings
from relay.demo import signing
from relay.providers import Delivery
from tests.support import paypal
from tests.support.braintree_xml import xml_of

HEX, SECRET, TOKEN = "ab" * 32, "secret-of-this-organization", "token-of-this-organization"
WHSEC = "whsec_" + base64.b64encode(b"a" * 24).decode()
HOOK, URL = "7WH10001ALDER", "https://relay.example.org/webhooks/alder/square"
IPN = b"txn_type=web_accept&payment_status=Completed&txn_id=0AN00001&mc_gross=25.00&mc_currency=USD&business=a@b.org"
LOGIN = "Basic " + base64.b64encode(b"relay:alder").decode()

_MAPPED = {
    "signature": "hmac-sha256", "header": "X-Signature", "signed": "{body}", "type": "event",
    "payment_id": "payment.id", "is_gift": "payment.status == 'completed'", "amount": "payment.amount",
    "amount_unit": "minor", "currency": "USD",
}  # fmt: skip
SETTINGS = {
    "adyen": ProviderSettings(secrets=(HEX,), options={"username": "relay", "password": "alder"}),
    "authorizenet": ProviderSettings(secrets=("AB" * 64,), options={"login_id": "login", "transaction_key": "key"}),
    "braintree": ProviderSettings(secrets=("private",), options={"public_key": "public"}),
    "donorbox": ProviderSettings(secrets=(SECRET,)),
    "everyorg": ProviderSettings(secrets=(TOKEN,)),
    "generic": ProviderSettings(secrets=(SECRET,), options=_MAPPED),
    "givebutter": ProviderSettings(secrets=(SECRET,)),
    "gocardless": ProviderSettings(secrets=(SECRET,), options={"access_token": "live_alder"}),
    "gofundmepro": ProviderSettings(secrets=(WHSEC,)),
    "mollie": ProviderSettings(secrets=(TOKEN,), options={"api_key": "live_alder"}),
    "paypal": ProviderSettings(secrets=(HOOK,), options={"client_id": "id", "client_secret": "secret"}),
    "paypal_ipn": ProviderSettings(secrets=(TOKEN,), options={"receiver": "a@b.org"}),
    "raisely": ProviderSettings(secrets=(SECRET,)),
    "square": ProviderSettings(secrets=("key",), options={"notification_url": URL, "access_token": "EAAAalder"}),
    "standard": ProviderSettings(secrets=(WHSEC,)),
    "stripe": ProviderSettings(secrets=("whsec_alder",), options={"api_key": "rk_live_alder"}),
}
# A payload of each that makes a gift, by its situation; None: the provider's own form, below.
GIFT = {
    "adyen": "authorisation", "authorizenet": "authcapture_created", "braintree": "subscription_charged",
    "donorbox": "donation_created", "everyorg": "donation", "generic": "payment_completed",
    "givebutter": "transaction_succeeded", "gocardless": "payment_confirmed", "gofundmepro": "transaction_created",
    "mollie": None, "paypal": "capture_completed", "paypal_ipn": None, "raisely": "donation_succeeded",
    "square": "payment_completed", "standard": "gift_received", "stripe": "charge_succeeded",
}  # fmt: skip
_FORMS = {"mollie": b"id=tr_AnnaPay001", "paypal_ipn": IPN}


def _adyen(body, _now):
    return Delivery(signing.adyen_body(json.loads(body), HEX), {"authorization": LOGIN})


def _raisely(body, _now):
    event = {name: value for name, value in json.loads(body).items() if name != "secret"}
    return Delivery(signing.raisely_body(event, SECRET))


def _standard(body, now):
    return Delivery(body, signing.standard_headers(body, WHSEC, int(now.timestamp()), f"msg_{hash(body)}"))


def _gofundmepro(body, now):
    return Delivery(body, signing.gofundmepro_headers(body, WHSEC, int(now.timestamp()), f"msg_{hash(body)}"))


_SENT = {
    "adyen": _adyen,
    "authorizenet": lambda body, _: Delivery(body, signing.authorizenet_headers(body, "AB" * 64)),
    "braintree": lambda body, _: Delivery(signing.braintree_body(xml_of(body), "private", "public")),
    "donorbox": lambda body, now: Delivery(body, signing.donorbox_headers(body, SECRET, int(now.timestamp()))),
    "everyorg": lambda body, _: Delivery(body, {}, TOKEN),
    "generic": lambda body, _: Delivery(body, signing.generic_headers(body, SECRET, "X-Signature")),
    "givebutter": lambda body, _: Delivery(body, signing.givebutter_headers(body, SECRET)),
    "gocardless": lambda body, _: Delivery(body, signing.gocardless_headers(body, SECRET)),
    "gofundmepro": _gofundmepro,
    "mollie": lambda body, _: Delivery(body, {}, TOKEN),
    "paypal": lambda body, now: Delivery(body, paypal.signed(body, HOOK, now)),
    "paypal_ipn": lambda body, _: Delivery(body, {}, TOKEN),
    "raisely": _raisely,
    "square": lambda body, _: Delivery(body, signing.square_headers(body, "key", URL)),
    "standard": _standard,
    "stripe": lambda body, now: Delivery(body, signing.stripe_headers(body, "whsec_alder", int(now.timestamp()))),
}


def sent(provider: str, body: bytes, now: datetime) -> Delivery:
    """A payload as its provider delivers it at that moment."""
    return _SENT[provider](body, now)


def form_of(provider: str) -> bytes | None:
    """The body of a provider that posts no JSON."""
    return _FORMS.get(provider)


def _set(*path: str, value: object):
    def in_test(body: bytes) -> bytes:
        event = inside = json.loads(body)
        for step in path[:-1]:
            inside = inside[step]
        inside[path[-1]] = value
        return json.dumps(event).encode()

    return in_test


# A provider whose events tell live from test: what a test event says otherwise.
IN_TEST = {
    "adyen": _set("live", value="false"),
    "paypal_ipn": lambda body: body + b"&test_ipn=1",
    "raisely": _set("data", "data", "mode", value="TEST"),
    "square": _set("data", "object", "payment", "application_details", value={"application_id": "sandbox-sq0idb-A"}),
    "standard": _set("live", value=False),
    "stripe": _set("livemode", value=False),
}
# The others: the option of the environment says it for all events, the organization's mapping does, or nobody does.
BY_ENVIRONMENT = {"authorizenet", "gocardless", "paypal"}
BY_MAPPING = {"generic", "gofundmepro"}
# Mollie's payment tells it once it is asked for; the rest have another secret for their test accounts, or none.
UNTOLD = {"braintree", "donorbox", "everyorg", "givebutter", "mollie"}
