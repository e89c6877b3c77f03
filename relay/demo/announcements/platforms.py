"""Gifts from donation platforms, and from a processor that only its configuration knows."""

from __future__ import annotations

import json
from typing import Any

from relay.demo import signing
from relay.demo.announcements.announced import FUND, Announced, Sent, Stamp
from relay.demo.announcements.processors import STANDARD_SECRET
from relay.demo.samples import DAY, FIRST

WHEN = FIRST.isoformat()
SECRET = "relay-demo-shared-secret"  # noqa: S105 - published on purpose
ADDRESS_SECRET = "relay-demo-token-of-everyorg"  # noqa: S105 - published on purpose
GENERIC_HEADER = "X-Pledges-Signature"


def _body(value: Any) -> bytes:
    return json.dumps(value).encode()


_DONORBOX = {
    "event_name": "donation.created",
    "event_id": "dbx_demo_0001",
    "donation": {
        "id": 90038,
        "status": "paid",
        "amount": "38.0",
        "currency": "USD",
        "donation_date": WHEN,
        "donation_type": "stripe",
        "designation": FUND,
        "donor": {"first_name": "Barbara", "last_name": "McClintock", "email": "barbara@example.org"},
    },
}
_EVERYORG = {
    "chargeId": "5eed0000-cccc-4000-8000-000000000000",
    "firstName": "Maria",
    "lastName": "Mitchell",
    "email": "mitchell@example.org",
    "toNonprofit": {"slug": "relay-demo", "name": "The charity of the demo"},
    "amount": "39.00",
    "netAmount": "38.00",
    "currency": "USD",
    "frequency": "One-time",
    "donationDate": WHEN,
    "designation": FUND,
}
_GIVEBUTTER = {
    "event": "transaction.succeeded",
    "data": {
        "id": "DemoRachel0001",
        "status": "succeeded",
        "amount": 40,
        "donated": 40,
        "currency": "USD",
        "payment_method": "card",
        "fund_code": FUND,
        "first_name": "Rachel",
        "last_name": "Carson",
        "email": "rachel@example.org",
        "transacted_at": WHEN,
    },
}
_GOFUNDMEPRO = {
    "type": "transaction.created",
    "id": "gfm_demo_0001",
    "data": {
        "id": 880041,
        "status": "success",
        "currency_code": "USD",
        "total_gross_amount": 41.0,
        "designation": {"name": FUND},
        "supporter": {"first_name": "Vera", "last_name": "Rubin", "email_address": "vera@example.org"},
        "purchased_at": WHEN,
    },
}
# GoFundMe Pro shows its schema to its customers only, so each maps it: docs/providers/gofundmepro.md.
_GOFUNDMEPRO_MAPPING = {
    "is_gift": "type == 'transaction.created' && data.status == 'success'",
    "payment_id": "data.id",
    "amount": "data.total_gross_amount",
    "amount_unit": "major",
    "currency": "data.currency_code",
    "fund": "data.designation.name",
    "occurred_at": "data.purchased_at",
    "donor_first_name": "data.supporter.first_name",
    "donor_last_name": "data.supporter.last_name",
    "donor_email": "data.supporter.email_address",
}
_RAISELY = {
    "data": {
        "type": "donation.succeeded",
        "uuid": "5eed0000-dddd-4000-8000-000000000001",
        "createdAt": WHEN,
        "data": {
            "uuid": "5eed0000-dddd-4000-8000-000000000002",
            "type": "ONLINE",
            "method": "CREDIT_CARD",
            "mode": "TEST",
            "status": "OK",
            "processing": "ONCE",
            "currency": "USD",
            "amount": 4200,
            "createdAt": WHEN,
            "email": "beatrix@example.org",
            "firstName": "Beatrix",
            "lastName": "Potter",
            "public": {"fund": FUND},
        },
    }
}
# A processor that relay has no file for; it signs as many do.
_PLEDGES = {
    "event": "pledge.paid",
    "mode": "test",
    "paid_at": DAY,
    "pledge": {"number": "pledge-demo-43", "cents": 4300, "purpose": FUND},
    "giver": {"name": "Henrietta Leavitt", "mail": "henrietta@example.org"},
}
_PLEDGES_OPTIONS = {
    "signature": "hmac-sha256",
    "header": GENERIC_HEADER,
    "type": "event",
    "live": "mode",
    "occurred_at": "paid_at",
    "is_gift": "event == 'pledge.paid'",
    "payment_id": "pledge.number",
    "amount": "pledge.cents",
    "amount_unit": "minor",
    "currency": "USD",
    "fund": "pledge.purpose",
    "donor_name": "giver.name",
    "donor_email": "giver.mail",
}


def _donorbox(stamp: Stamp) -> Sent:
    body = _body(_DONORBOX)
    return Sent(body, signing.donorbox_headers(body, SECRET, stamp.now))


def _gofundmepro(stamp: Stamp) -> Sent:
    body = _body(_GOFUNDMEPRO)
    return Sent(body, signing.gofundmepro_headers(body, STANDARD_SECRET, stamp.now, "msg_demo_gfm_1"))


def _generic(_stamp: Stamp) -> Sent:
    body = _body(_PLEDGES)
    return Sent(body, signing.generic_headers(body, SECRET, GENERIC_HEADER))


ALL = (
    Announced(
        provider="donorbox",
        donor="Barbara McClintock",
        amount="38.00",
        key="donorbox:90038",
        secret=SECRET,
        send=_donorbox,
    ),
    Announced(
        provider="everyorg",
        donor="Maria Mitchell",
        amount="39.00",
        key="5eed0000-cccc-4000-8000-000000000000",
        secret=ADDRESS_SECRET,
        send=lambda _stamp: Sent(_body(_EVERYORG), token=ADDRESS_SECRET),
    ),
    Announced(
        provider="givebutter",
        donor="Rachel Carson",
        amount="40.00",
        key="DemoRachel0001",
        secret=SECRET,
        send=lambda _stamp: Sent(_body(_GIVEBUTTER), signing.givebutter_headers(_body(_GIVEBUTTER), SECRET)),
    ),
    Announced(
        provider="gofundmepro",
        donor="Vera Rubin",
        amount="41.00",
        key="880041",
        secret=STANDARD_SECRET,
        options=_GOFUNDMEPRO_MAPPING,
        send=_gofundmepro,
    ),
    Announced(
        provider="raisely",
        donor="Beatrix Potter",
        amount="42.00",
        key="5eed0000-dddd-4000-8000-000000000002",
        secret=SECRET,
        send=lambda _stamp: Sent(signing.raisely_body(_RAISELY, SECRET)),
    ),
    Announced(
        provider="generic",
        donor="Henrietta Leavitt",
        amount="43.00",
        key="pledge-demo-43",
        secret=SECRET,
        options=_PLEDGES_OPTIONS,
        send=_generic,
    ),
)
