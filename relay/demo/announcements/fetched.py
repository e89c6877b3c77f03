"""Gifts from providers that only name a payment, or whose word must be asked for: a worker asks their API.

What stands for the APIs is ``relay/demo/provider_apis.py``; it gives the answers that stand here.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from relay.demo import signing
from relay.demo.announcements.announced import FUND, Announced, Answer, Asked, Sent, Stamp, known
from relay.demo.announcements.processors import HEX_SECRET
from relay.demo.samples import FIRST

WHEN = FIRST.isoformat().replace("+00:00", "Z")
ADDRESS_SECRET = "relay-demo-secret-of-the-address"  # noqa: S105 - published on purpose
_FORM = {"content-type": "application/x-www-form-urlencoded"}


def _body(value: Any) -> bytes:
    return json.dumps(value).encode()


# --- Authorize.Net: the notification has no donor, the transaction has ------------------------------------------------

_ANET = {"login": "relay-demo", "key": "relay-demo-key", "signature": HEX_SECRET * 2}
_ANET_ID = "60000000031"
_ANET_EVENT = {
    "notificationId": "5eed0000-0000-4000-8000-000000000002",
    "eventType": "net.authorize.payment.authcapture.created",
    "eventDate": WHEN,
    "webhookId": "5eed0000-aaaa-4000-8000-000000000000",
    "payload": {"responseCode": 1, "authAmount": 33.0, "entityName": "transaction", "id": _ANET_ID},
}
_ANET_TRANSACTION = {
    "transId": _ANET_ID,
    "submitTimeUTC": WHEN,
    "transactionType": "authCaptureTransaction",
    "transactionStatus": "settledSuccessfully",
    "authAmount": 33.0,
    "settleAmount": 33.0,
    "order": {"invoiceNumber": FUND},
    "customer": {"email": "wu@example.org"},
    "billTo": {"firstName": "Chien-Shiung", "lastName": "Wu"},
    "payment": {"creditCard": {"cardNumber": "XXXX4242", "cardType": "Visa"}},
}


def _authorizenet(_stamp: Stamp) -> Sent:
    body = _body(_ANET_EVENT)
    return Sent(body, signing.authorizenet_headers(body, _ANET["signature"]))


def _anet_details(asked: Asked) -> Any:
    """Authorize.Net refuses with HTTP 200 and a code, and begins with a byte order mark."""
    question = json.loads(asked.body).get("getTransactionDetailsRequest", {})
    login = {"name": _ANET["login"], "transactionKey": _ANET["key"]}
    if question != {"merchantAuthentication": login, "transId": _ANET_ID}:
        refused = {"messages": {"resultCode": "Error", "message": [{"code": "E00007", "text": "no"}]}}
        return b"\xef\xbb\xbf" + _body(refused)
    told = {"transaction": _ANET_TRANSACTION, "messages": {"resultCode": "Ok", "message": [{"code": "I00001"}]}}
    return b"\xef\xbb\xbf" + _body(told)


# --- GoCardless: the event names a payment; the donor is the customer behind its mandate ------------------------------

_GOCARDLESS = {"secret": "relay-demo-endpoint-secret", "token": "sandbox_relay_demo"}
_GOCARDLESS_EVENT = {
    "events": [
        {
            "id": "EV0DEMO0001",
            "created_at": WHEN,
            "resource_type": "payments",
            "action": "confirmed",
            "links": {"payment": "PM0DEMO0001"},
            "resource_metadata": {"fund": FUND},
        }
    ]
}


def _gocardless(_stamp: Stamp) -> Sent:
    body = _body(_GOCARDLESS_EVENT)
    return Sent(body, signing.gocardless_headers(body, _GOCARDLESS["secret"]))


def _gocardless_answers() -> dict[str, Answer]:
    payment = {
        "id": "PM0DEMO0001",
        "status": "confirmed",
        "amount": 3400,
        "currency": "USD",
        "charge_date": FIRST.date().isoformat(),
        "metadata": {"fund": FUND},
        "links": {"mandate": "MD0DEMO0001"},
    }
    customer = {"id": "CU0DEMO0001", "given_name": "Caroline", "family_name": "Herschel", "email": "ch@example.org"}
    told = {
        "/payments/PM0DEMO0001": {"payments": payment},
        "/mandates/MD0DEMO0001": {"mandates": {"id": "MD0DEMO0001", "links": {"customer": "CU0DEMO0001"}}},
        "/customers/CU0DEMO0001": {"customers": customer},
    }
    return {path: known(f"Bearer {_GOCARDLESS['token']}", value) for path, value in told.items()}


# --- Mollie: the webhook is one id ------------------------------------------------------------------------------------

_MOLLIE_KEY = "test_relayDemo"
_MOLLIE_PAYMENT = {
    "resource": "payment",
    "id": "tr_demoMaria1",
    "mode": "test",
    "status": "paid",
    "amount": {"currency": "USD", "value": "35.00"},
    "paidAt": WHEN,
    "method": "creditcard",
    "sequenceType": "oneoff",
    "metadata": {"fund": FUND},
    "billingAddress": {"givenName": "Maria", "familyName": "Agnesi", "email": "maria@example.org"},
    "details": {"cardNumber": "4242", "cardLabel": "Visa"},
}

# --- PayPal: a capture does not say who gave; the API confirms the amount, and the order knows the donor --------------

PAYPAL_WEBHOOK = "7WHRELAYDEMO00001"
_PAYPAL = {"id": "relay-demo-app", "secret": "relay-demo-app-secret"}
_CAPTURE = {
    "id": "8RELAYDEMO0000001",
    "status": "COMPLETED",
    "amount": {"currency_code": "USD", "value": "36.00"},
    "custom_id": FUND,
    "supplementary_data": {"related_ids": {"order_id": "5RELAYDEMO0000001"}},
    "create_time": WHEN,
}
_ORDER = {
    "id": "5RELAYDEMO0000001",
    "status": "COMPLETED",
    "payer": {"name": {"given_name": "Hedy", "surname": "Lamarr"}, "email_address": "hedy@example.org"},
}
_PAYPAL_EVENT = {
    "id": "WH-RELAYDEMO000000001",
    "create_time": WHEN,
    "resource_type": "capture",
    "event_type": "PAYMENT.CAPTURE.COMPLETED",
    "resource": _CAPTURE,
}


def _paypal(stamp: Stamp) -> Sent:
    body = _body(_PAYPAL_EVENT)
    sent = datetime.fromtimestamp(stamp.now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    transmission = "5eed0000-bbbb-4000-8000-000000000000"
    headers = signing.paypal_headers(body, PAYPAL_WEBHOOK, sent, transmission, stamp.key, stamp.certificate)
    return Sent(body, headers)


def _paypal_answers() -> dict[str, Answer]:
    login = base64.b64encode(f"{_PAYPAL['id']}:{_PAYPAL['secret']}".encode()).decode()
    token = "A21-relay-demo"  # noqa: S105 - published on purpose
    return {
        "/v1/oauth2/token": known(f"Basic {login}", {"access_token": token, "expires_in": 32_400}),
        f"/v2/payments/captures/{_CAPTURE['id']}": known(f"Bearer {token}", _CAPTURE),
        f"/v2/checkout/orders/{_ORDER['id']}": known(f"Bearer {token}", _ORDER),
    }


# --- PayPal IPN: unsigned; PayPal confirms the very same bytes --------------------------------------------------------

_IPN = urlencode(
    {
        "mc_gross": "37.00",
        "mc_currency": "USD",
        "payment_status": "Completed",
        "payment_type": "instant",
        "charset": "UTF-8",
        "first_name": "Emmy",
        "last_name": "Noether",
        "payer_email": "emmy@example.org",
        "business": "giving@example.org",
        "receiver_email": "giving@example.org",
        "txn_id": "0RELAYDEMO0000001",
        "txn_type": "web_accept",
        "item_number": FUND,
        "test_ipn": "1",
        "ipn_track_id": "5eed00000001",
    }
).encode()


def _ipn_word(asked: Asked) -> bytes:
    return b"VERIFIED" if asked.body == b"cmd=_notify-validate&" + _IPN else b"INVALID"


ALL = (
    Announced(
        provider="authorizenet",
        donor="Chien-Shiung Wu",
        amount="33.00",
        key=_ANET_ID,
        secret=_ANET["signature"],
        options={
            "environment": "sandbox",
            "login_id": _ANET["login"],
            "transaction_key": _ANET["key"],
            "fund_from": "invoice_number",
        },
        send=_authorizenet,
        answers={"/xml/v1/request.api": _anet_details},
        api_path="/xml/v1/request.api",
    ),
    Announced(
        provider="gocardless",
        donor="Caroline Herschel",
        amount="34.00",
        key="PM0DEMO0001",
        secret=_GOCARDLESS["secret"],
        options={"environment": "sandbox", "access_token": _GOCARDLESS["token"]},
        send=_gocardless,
        answers=_gocardless_answers(),
    ),
    Announced(
        provider="mollie",
        donor="Maria Agnesi",
        amount="35.00",
        key="tr_demoMaria1",
        secret=ADDRESS_SECRET,
        options={"api_key": _MOLLIE_KEY},
        send=lambda _stamp: Sent(b"id=tr_demoMaria1", _FORM, ADDRESS_SECRET),
        answers={
            "/v2/payments/tr_demoMaria1?embed=refunds,chargebacks": known(f"Bearer {_MOLLIE_KEY}", _MOLLIE_PAYMENT)
        },
    ),
    Announced(
        provider="paypal",
        donor="Hedy Lamarr",
        amount="36.00",
        key="8RELAYDEMO0000001",
        secret=PAYPAL_WEBHOOK,
        options={"environment": "sandbox", "client_id": _PAYPAL["id"], "client_secret": _PAYPAL["secret"]},
        send=_paypal,
        answers=_paypal_answers(),
    ),
    Announced(
        provider="paypal_ipn",
        donor="Emmy Noether",
        amount="37.00",
        key="0RELAYDEMO0000001",
        secret=ADDRESS_SECRET,
        options={"receiver": "giving@example.org"},
        send=lambda _stamp: Sent(_IPN, _FORM, ADDRESS_SECRET),
        answers={"/cgi-bin/webscr": _ipn_word},
        api_path="/cgi-bin/webscr",
    ),
)
