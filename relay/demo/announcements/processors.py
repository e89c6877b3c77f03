"""Gifts from processors whose events tell everything: nobody needs to be asked."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from relay.demo import signing
from relay.demo.announcements.announced import FUND, Announced, Sent, Stamp
from relay.demo.samples import FIRST, charge, standard, stripe

STRIPE_SECRET = "whsec_relay_demo"  # noqa: S105 - published on purpose
STANDARD_SECRET = "whsec_cmVsYXkgZGVtbyBzZWNyZXQsIG5vdCBhIHNlY3JldA=="  # noqa: S105 - published on purpose
HEX_SECRET = hashlib.sha256(b"relay demo, not a secret").hexdigest()
WHEN = FIRST.isoformat()


def _body(value: Any) -> bytes:
    return json.dumps(value).encode()


# --- Stripe and Standard Webhooks ----------------------------------------------------------------------------------


def _stripe(stamp: Stamp) -> Sent:
    body = _body(stripe(20, "charge.succeeded", charge("ida", 2000, "Ida Rhodes", FUND)))
    return Sent(body, signing.stripe_headers(body, STRIPE_SECRET, stamp.now))


def _standard(stamp: Stamp) -> Sent:
    donor = {"name": {"first": "Mary", "last": "Somerville"}, "email": "somerville@example.org"}
    gift = {"payment_id": "pay_demo_mary", "amount": "21.00", "currency": "USD", "donor": donor}
    event = standard(20, "gift.received", **gift, designations=[{"fund": FUND}], tender={"kind": "card"})
    body = _body(event)
    return Sent(body, signing.standard_headers(body, STANDARD_SECRET, stamp.now, event["id"]))


# --- Adyen ---------------------------------------------------------------------------------------------------------

_ADYEN = {
    "live": "false",
    "notificationItems": [
        {
            "NotificationRequestItem": {
                "amount": {"currency": "USD", "value": 3000},
                "eventCode": "AUTHORISATION",
                "eventDate": WHEN,
                "merchantAccountCode": "RelayDemoECOM",
                "merchantReference": "gift-sofia",
                "paymentMethod": "visa",
                "pspReference": "DEMOSOFIA0000001",
                "reason": "",
                "success": "true",
                "additionalData": {
                    "shopperEmail": "sofia@example.org",
                    "shopperName": "[first name=Sofia, infix=null, last name=Kovalevskaya, gender=null]",
                    "cardSummary": "4242",
                    "expiryDate": "8/2030",
                    "metadata.fund": FUND,
                },
            }
        }
    ],
}

# --- Braintree -----------------------------------------------------------------------------------------------------

_BRAINTREE = f"""\
<notification>
  <timestamp type="datetime">{WHEN}</timestamp>
  <kind>transaction_settled</kind>
  <subject>
    <transaction>
      <id>demomarie</id>
      <status>settled</status>
      <type>sale</type>
      <currency-iso-code>USD</currency-iso-code>
      <amount>31.00</amount>
      <created-at type="datetime">{WHEN}</created-at>
      <customer>
        <first-name>Marie</first-name>
        <last-name>Curie</last-name>
        <email>marie@example.org</email>
      </customer>
      <custom-fields>
        <fund>{FUND}</fund>
      </custom-fields>
      <payment-instrument-type>us_bank_account</payment-instrument-type>
      <us-bank-account>
        <last-4>6789</last-4>
        <account-holder-name>Marie Curie</account-holder-name>
      </us-bank-account>
    </transaction>
  </subject>
</notification>
"""
_BRAINTREE_KEYS = {"private": "relay-demo-private-key", "public": "relay-demo-public-key"}

# --- Square --------------------------------------------------------------------------------------------------------

_SQUARE = {
    "merchant_id": "MLRELAYDEMO01",
    "type": "payment.updated",
    "event_id": "5eed0000-0000-4000-8000-000000000001",
    "created_at": WHEN,
    "data": {
        "type": "payment",
        "id": "DemoPayLise0001",
        "object": {
            "payment": {
                "id": "DemoPayLise0001",
                "status": "COMPLETED",
                "amount_money": {"amount": 3200, "currency": "USD"},
                "total_money": {"amount": 3200, "currency": "USD"},
                "application_details": {"application_id": "sandbox-sq0idb-RelayDemo"},
                "billing_address": {"first_name": "Lise", "last_name": "Meitner"},
                "buyer_email_address": "lise@example.org",
                "card_details": {
                    "status": "CAPTURED",
                    "card": {"card_brand": "VISA", "last_4": "4242", "exp_month": 8, "exp_year": 2030},
                },
                "created_at": WHEN,
                "reference_id": FUND,
                "source_type": "CARD",
            }
        },
    },
}
# What is signed together with the body: the address as it stands at Square, wherever relay really is.
_SQUARE_URL = "https://relay.example.org/webhooks/demo/square"
_SQUARE_SECRET = "relay-demo-signature-key"  # noqa: S105 - published on purpose


def _square(_stamp: Stamp) -> Sent:
    body = _body(_SQUARE)
    return Sent(body, signing.square_headers(body, _SQUARE_SECRET, _SQUARE_URL))


ALL = (
    Announced(
        provider="stripe",
        donor="Ida Rhodes",
        amount="20.00",
        key="ch_demo_ida",
        secret=STRIPE_SECRET,
        send=_stripe,
    ),
    Announced(
        provider="standard",
        donor="Mary Somerville",
        amount="21.00",
        key="pay_demo_mary",
        secret=STANDARD_SECRET,
        send=_standard,
    ),
    Announced(
        provider="adyen",
        donor="Sofia Kovalevskaya",
        amount="30.00",
        key="DEMOSOFIA0000001",
        secret=HEX_SECRET,
        send=lambda _stamp: Sent(signing.adyen_body(_ADYEN, HEX_SECRET)),
    ),
    Announced(
        provider="braintree",
        donor="Marie Curie",
        amount="31.00",
        key="demomarie",
        secret=_BRAINTREE_KEYS["private"],
        options={"public_key": _BRAINTREE_KEYS["public"]},
        send=lambda _stamp: Sent(
            signing.braintree_body(_BRAINTREE.encode(), _BRAINTREE_KEYS["private"], _BRAINTREE_KEYS["public"])
        ),
    ),
    Announced(
        provider="square",
        donor="Lise Meitner",
        amount="32.00",
        key="DemoPayLise0001",
        secret=_SQUARE_SECRET,
        options={"notification_url": _SQUARE_URL},
        send=_square,
    ),
)
