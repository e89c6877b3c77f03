"""What relay makes of every recorded body and every signature vector, against what a careful reader expects.

Bodies and vectors lie outside the project (``RELAY_PAYLOADS``, ``RELAY_VECTORS``); their index says what each is.
"""

import json
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlencode

from relay.config import ProviderSettings
from relay.errors import RelayError
from relay.gifts import Gift, Link, Refund
from relay.inbound.reading import parts_of
from relay.providers import PROVIDERS, Delivery, paypal
from relay.providers.calling import Caller, Reply
from relay.providers.times import instant

PAYLOADS, VECTORS = Path(os.environ.get("RELAY_PAYLOADS", "")), Path(os.environ.get("RELAY_VECTORS", ""))
NOW = datetime(2026, 1, 3, 10, tzinfo=UTC)
# Their words for the same thing, once the provider's API was asked.
AFTER_ASKING = {
    "gift_after_fetch": "gift",
    "donation_after_callback": "gift",
    "fetch": "gift",
    "refund_after_fetch": "refund",
}


def index():
    """Every body but the answers of an API, with its provider."""
    return [(provider_of(row["file"]), row) for row in _rows() if row["expected"]["action"] != "api_answer"]


def answers():
    """The recorded answers of providers' APIs, which are no webhooks."""
    return [row["file"] for row in _rows() if row["expected"]["action"] == "api_answer"]


def _rows():
    return json.loads((PAYLOADS / "index.json").read_text(encoding="utf-8"))["files"]


def provider_of(file):
    folder, _, name = file.partition("/")
    return name.partition("_")[0] if folder == "platforms" else folder


# --- bodies -----------------------------------------------------------------------------------------------------------


def differences(provider, row):
    """What relay does otherwise than expected, one sentence for each event of the body: type, expected, done."""
    body = (PAYLOADS / row["file"]).read_bytes()
    options = {"currency": "USD"} if provider in ("braintree", "authorizenet") else {}
    if provider == "braintree":
        body = urlencode(json.loads(body)).encode()
    settings = ProviderSettings(secrets=("s",), options=options)
    parts = parts_of(PROVIDERS[provider], Delivery(body))
    wanted = row["expected"].get("events", [row["expected"]])
    assert len(parts) == len(wanted), row["file"]
    judged = [_judged(PROVIDERS[provider], part, settings, one) for part, one in zip(parts, wanted, strict=True)]
    return [sentence for sentence in judged if sentence]


def _judged(provider, part, settings, expected):
    parsed = provider.parse(part, settings)
    if parsed.wanted:
        parsed = provider.fetch(part, settings, Told(parsed), NOW)
    facts = [fact for fact in parsed.facts if not isinstance(fact, Link)]
    told = [fact for fact in facts if not getattr(fact, "only_if_booked", False)]
    did = action(told)
    wanted = AFTER_ASKING.get(expected["action"], expected["action"])
    if did != wanted:
        return f"{parsed.type}: {wanted} expected, {did} done"
    wrong = [name for fact in told for name in _wrong(fact, expected)]
    return f"{parsed.type}: another {' and '.join(wrong)}" if wrong else ""


def action(facts):
    """In the words of the index. What only takes back what was booked does nothing by itself."""
    kinds = {Gift: "gift", Refund: "refund"}
    found = {kinds.get(type(fact), "flag") for fact in facts}
    return "+".join(sorted(found)) or "ignore"


def _wrong(fact, expected):
    """What of a fact is not as expected, as far as anything is."""
    amount = getattr(fact, "amount", None)
    if isinstance(fact, Gift | Refund):
        if Decimal(expected.get("amount", amount.decimal)) != amount.decimal:
            yield "amount"
        if (expected.get("currency") or amount.currency) != amount.currency:
            yield "currency"
    if isinstance(fact, Gift) and expected.get("payment_id", fact.keys[0]) != fact.keys[0]:
        yield "payment id"
    if isinstance(fact, Refund):
        own = fact.keys[0].partition(":")[0] if fact.keys else ""
        if own not in {expected.get("refund_id", own), expected.get("dispute_id", own)}:
            yield "refund id"
        if expected.get("of_payment_id") and expected["of_payment_id"] not in fact.parent_keys:
            yield "payment id"


class Told(Caller):
    """The API of a provider, from its recorded answers: about the object that is asked for, as the event says it is."""

    def __init__(self, parsed):
        super().__init__()
        self._what, _, self._name = parsed.wanted.partition(" ")
        self._action = parsed.type.rpartition(".")[2]

    def get(self, url, **_more):
        path = url.partition("://")[2].partition("/")[2].partition("?")[0]
        return Reply(200, json.dumps(self._mollie(path) if path.startswith("v2/") else self._gocardless(path)).encode())

    def post(self, _url, body, **_more):
        """Authorize.Net: the amount and the status are those that the notification tells."""
        asked = json.loads(body)["getTransactionDetailsRequest"]["transId"]
        event = next(
            row for one, row in index() if one == "authorizenet" and row["expected"].get("payment_id") == asked
        )
        told = {
            "transId": asked,
            "transactionType": "authCaptureTransaction",
            "transactionStatus": "capturedPendingSettlement",
            "settleAmount": event["expected"]["amount"],
        }
        return Reply(200, json.dumps({"transaction": told, "messages": {"resultCode": "Ok"}}).encode())

    def _gocardless(self, path):
        kind, _, name = path.partition("/")
        answer = _recorded(f"gocardless/api_{kind}.json")["get"]["body"][kind]
        status = {"status": self._action} if kind in ("payments", "refunds") else {}
        return {kind: answer | {"id": name} | status}

    def _mollie(self, path):
        if path.startswith("v2/payment-links/"):
            return {"_embedded": {"payments": [{"id": "tr_d0b0E3EA3v", "status": "paid"}]}}
        paid = _recorded("mollie/docs_api_payment_0.json") | {"id": path.rpartition("/")[2], "status": "paid"}
        return {name: value for name, value in paid.items() if name not in ("amountRefunded", "amountChargedBack")}


def _recorded(file):
    return json.loads((PAYLOADS / file).read_text(encoding="utf-8"))


# --- vectors ----------------------------------------------------------------------------------------------------------


def vectors():
    """Every signature vector, with its provider."""
    listed = json.loads((VECTORS / "signatures.json").read_text(encoding="utf-8"))
    return [({"standardwebhooks": "standard"}.get(one["provider"], one["provider"]), one) for one in listed]


def verifies(provider, vector):
    """Whether a delivery is taken with the vector's own secret, at the moment it was made."""
    headers = {name.lower(): value for name, value in vector.get("headers", {}).items()}
    options = {"public_key": vector.get("public_key", ""), "notification_url": vector.get("url", "")}
    settings = ProviderSettings(secrets=(vector.get("secret") or vector.get("webhook_id"),), options=options)
    if "challenge" in vector:
        return PROVIDERS[provider].challenge({"bt_challenge": vector["challenge"]}, settings) == vector["answer"]
    if provider == "paypal":
        return _paypal_verifies(vector, headers)
    now = datetime.fromtimestamp(vector["timestamp"], UTC) if "timestamp" in vector else NOW
    return _taken(PROVIDERS[provider], Delivery(_body(vector), headers), settings, now)


def _body(vector):
    if "item" in vector:
        return json.dumps({"notificationItems": [{"NotificationRequestItem": vector["item"]}]}).encode()
    return urlencode(vector["form"]).encode() if "form" in vector else vector["body"].encode()


def _paypal_verifies(vector, headers):
    url = headers["paypal-cert-url"]
    place = "simulator" if vector["webhook_id"] == "WEBHOOK_ID" else "sandbox"
    settings = ProviderSettings(secrets=(vector["webhook_id"],), options={"environment": place})
    then = instant(headers["paypal-transmission-time"]) + timedelta(seconds=5)
    kept = {url: (VECTORS / vector["certificate"]).read_bytes()}
    return _taken(paypal.provider(kept), Delivery(vector["body"].encode(), headers), settings, then)


def _taken(provider, delivery, settings, now):
    try:
        return provider.verify(delivery, settings, now) == 0
    except RelayError:
        return False
