"""Stripe's thin events: what they name is asked of Stripe's API, here over real HTTP, and read like a snapshot."""

import json
from datetime import UTC, datetime

import pytest

from relay.config import ProviderSettings
from relay.errors import FetchFailed, NotUnderstood
from relay.gifts import Flag, Gift, Refund, Reinstatement
from relay.providers.base import Delivery
from relay.providers.calling import Caller
from relay.providers.stripe import EVENTS, STRIPE, thin
from tests.provider_cases import NOW, payloads


def settings(api, key="rk_live_alder"):
    return ProviderSettings(secrets=("whsec_1",), options={"api_key": key, "api_url": api.url} if key else {})


def event(kind, name, word="charge", **changes):
    related = {"id": name, "type": word, "url": "https://evil.example.net/v1/charges/ch_other"}
    body = json.loads(payloads("stripe")["thin_charge_succeeded"])
    return Delivery(json.dumps(body | {"type": f"v1.{kind}", "related_object": related} | changes).encode())


def snapshot(name, **changes):
    """The type and the object of one of our snapshot payloads."""
    body = json.loads(payloads("stripe")[name])
    return body["type"], body["data"]["object"] | changes


@pytest.fixture
def ask(provider_api):
    """What becomes of a thin event, its object being that of a snapshot payload."""

    def asked(name, **changes):
        kind, found = snapshot(name, **changes)
        word = EVENTS[kind][0]
        path = "/v1/" + thin.PATHS[word].format(found["id"])
        provider_api.answers[path] = found
        return STRIPE.fetch(event(kind, found["id"], word), settings(provider_api), Caller(), NOW)

    return asked


@pytest.mark.parametrize(
    "name",
    ["charge_succeeded", "payment_intent_succeeded", "session_paid", "invoice_paid_with_its_payment",
     "invoice_payment_paid", "refund_created", "refund_failed", "dispute_funds_withdrawn", "dispute_won",
     "charge_authorized_only", "session_unpaid_bank_debit"],
)  # fmt: skip
def test_a_thin_event_says_what_its_snapshot_says(ask, name):
    seen, told = STRIPE.parse(Delivery(payloads("stripe")[name])), ask(name)
    assert [type(fact) for fact in told.facts] == [type(fact) for fact in seen.facts]
    for one, other in zip(told.facts, seen.facts, strict=True):
        amounts = (one.amount, other.amount) if isinstance(one, Gift | Refund | Reinstatement) else (1, 1)
        assert amounts[0] == amounts[1]
    assert (told.wanted, told.note) == ("", seen.note)


def test_every_object_of_the_table_has_an_address():
    assert {word for word, _ in EVENTS.values()} == set(thin.PATHS)


def test_it_waits_for_a_worker_and_names_what_it_waits_for(provider_api):
    parsed = STRIPE.parse(event("charge.succeeded", "ch_1"), settings(provider_api))
    assert (parsed.wanted, parsed.facts, parsed.live) == ("charge ch_1", (), True)
    assert parsed.occurred_at == datetime(2026, 1, 3, 10, tzinfo=UTC)


def test_without_a_key_it_is_for_a_person(provider_api):
    parsed = STRIPE.parse(event("charge.succeeded", "ch_1"), settings(provider_api, key=""))
    (flag,) = parsed.facts
    assert isinstance(flag, Flag)
    assert "STRIPE_API_KEY" in flag.text


@pytest.mark.parametrize("kind", ["customer.created", "payout.paid", "charge.failed"])
def test_what_is_no_money_is_not_asked_for(provider_api, kind):
    parsed = STRIPE.fetch(event(kind, "cus_1", "customer"), settings(provider_api), Caller(), NOW)
    assert (parsed.wanted, parsed.facts) == ("", ())
    assert parsed.note
    assert provider_api.asked == []


def test_the_address_in_the_event_is_never_followed(ask, provider_api):
    (gift,) = ask("charge_succeeded").facts
    assert isinstance(gift, Gift)
    assert provider_api.asked == [("GET", "/v1/charges/ch_3SkAnna0001")]
    assert provider_api.headers[0]["authorization"] == "Bearer rk_live_alder"
    assert provider_api.headers[0]["stripe-version"] == thin.VERSION
    assert "stripe-context" not in provider_api.headers[0]


@pytest.mark.parametrize("odd", ["../v1/customers", "ch_1?expand[]=x", "", None, {"id": ""}, "é", "x" * 300])
def test_an_id_that_is_none_gets_into_no_address(provider_api, odd):
    with pytest.raises(NotUnderstood, match="no charge that could be asked for"):
        STRIPE.parse(event("charge.succeeded", odd), settings(provider_api))


def test_a_connected_account_is_asked_for_its_own(provider_api):
    _, found = snapshot("charge_succeeded")
    provider_api.answers["/v1/charges/ch_3SkAnna0001"] = found
    STRIPE.fetch(event("charge.succeeded", found["id"], context="acct_1"), settings(provider_api), Caller(), NOW)
    assert provider_api.headers[0]["stripe-context"] == "acct_1"
    for odd in ("acct_1\r\nX: y", 7, ["acct_1"], "a b"):
        with pytest.raises(NotUnderstood, match="context"):
            STRIPE.fetch(event("charge.succeeded", "ch_1", context=odd), settings(provider_api), Caller(), NOW)


def test_a_running_total_is_told_as_such(ask):
    """The object as it stands now knows no "before": the ledger works out what is new."""
    (refund,) = ask("charge_refunded_in_part").facts
    assert (refund.keys, str(refund.total), refund.before) == ((), "25.00 USD", None)


@pytest.mark.parametrize("changes", [{"id": "ch_other"}, {"object": "customer"}])
def test_another_answer_is_not_understood(provider_api, changes):
    _, found = snapshot("charge_succeeded")
    provider_api.answers["/v1/charges/ch_3SkAnna0001"] = found | changes
    with pytest.raises(NotUnderstood, match="something else"):
        STRIPE.fetch(event("charge.succeeded", "ch_3SkAnna0001"), settings(provider_api), Caller(), NOW)


@pytest.mark.parametrize(("status", "again"), [(401, True), (403, True), (404, False), (429, True), (500, True)])
def test_a_silent_api_is_asked_again_and_an_unknown_object_is_for_a_person(provider_api, status, again):
    provider_api.answers["/v1/charges/ch_1"] = status
    with pytest.raises(FetchFailed) as caught:
        STRIPE.fetch(event("charge.succeeded", "ch_1"), settings(provider_api), Caller(), NOW)
    assert caught.value.again is again
    assert "rk_live" not in str(caught.value)
