"""Stripe's announcements of one payment, in every order, through the front door into the ledger: one gift."""

import itertools
import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from relay.config import FormLevel, Fund, LuminateSettings, Organization, ProviderSettings, Settings
from relay.demo.signing import stripe_headers
from relay.inbound.intake import Intake
from relay.ledger.models import entries
from relay.providers import PROVIDERS, Delivery
from tests.builders import ClockedDatabase
from tests.provider_cases import NOW, SENT, payloads
from tests.support.engines import make_tables

SECRET = "whsec_test"
CHARITY = Organization(
    name="alder",
    luminate=LuminateSettings(url="https://example.org/site", api_key="k", login_name="u", login_password="p"),
    form=FormLevel(form_id=1, level_id=2),
    funds={code: Fund(code=code, designee_id=number) for number, code in enumerate(("WATER", "LIBRARY"), 1)},
    providers={"stripe": ProviderSettings(secrets=(SECRET,))},
)


class SilentBell:
    def ring(self, organization):
        return True


@pytest.fixture
def take(tmp_path):
    """Send payloads of ours, perhaps changed, and look at the entries."""
    settings = Settings(database_url="", redis_url="", secret_key="", organizations={"alder": CHARITY})

    def entries_after(number, bodies):
        database = ClockedDatabase(f"sqlite:///{tmp_path / f'{number}.db'}")
        make_tables(database.engine)
        intake = Intake(settings, database, PROVIDERS, SilentBell(), clock=lambda: NOW)
        for body in bodies:
            intake.take("alder", "stripe", Delivery(body, stripe_headers(body, SECRET, SENT)))
        with database.read() as tx:
            found = tx.execute(select(entries).where(entries.c.merged_into.is_(None))).mappings().all()
        database.dispose()
        return found

    return entries_after


def monthly_charge():
    """The charge of a recurring gift: since 2025 it knows neither its invoice nor the subscription's fund."""
    event = json.loads(payloads("stripe")["charge_succeeded"])
    event["data"]["object"] |= {"amount": 2500, "amount_captured": 2500, "metadata": {}}
    return json.dumps(event).encode()


def test_an_invoice_of_today_its_payment_and_its_charge_are_one_gift_in_any_order(take):
    ours = payloads("stripe")
    bodies = [ours["invoice_paid_unlinked"], ours["invoice_payment_paid"], monthly_charge()]
    for number, order in enumerate(itertools.permutations(bodies)):
        (entry,) = take(number, order)
        assert (entry["kind"], entry["status"], entry["amount"], entry["fund"]) == ("gift", "queued", 2500, "WATER")
        assert entry["donor_email"] == "anna.berg@example.org"


def test_an_invoice_without_its_payment_waits_for_a_person(take):
    held = [entry["status"] for entry in take(0, [payloads("stripe")["invoice_paid_unlinked"], monthly_charge()])]
    assert sorted(held) == ["held", "queued"]


def test_a_gift_at_checkout_is_one_gift_in_any_order(take):
    names = ("charge_succeeded", "payment_intent_succeeded", "session_paid", "charge_succeeded")
    bodies = [payloads("stripe")[name] for name in names]
    for number, order in enumerate(itertools.permutations(bodies)):
        (entry,) = take(number, order)
        assert (entry["status"], entry["amount"]) == ("queued", 6000)


def test_both_parts_of_an_invoice_become_gifts(take):
    """Two payments met one invoice: neither swallows the other, whatever comes first."""
    ours = payloads("stripe")
    part = json.loads(ours["invoice_payment_paid"])
    part["id"] = "evt_rest"
    part["data"]["object"] |= {
        "amount_paid": 1000,
        "payment": {"type": "payment_intent", "payment_intent": "pi_3SkAnna0002"},
    }
    bodies = [ours["invoice_paid_in_parts"], ours["invoice_payment_paid_in_part"], json.dumps(part).encode()]
    for number, order in enumerate(itertools.permutations(bodies)):
        found = take(number, order)
        assert sorted(entry["amount"] for entry in found) == [1000, 1500]


def test_a_refund_told_three_times_is_one_refund(take):
    names = ("charge_succeeded", "refund_created", "refund_updated", "charge_refunded_without_before")
    bodies = [payloads("stripe")[name] for name in names]
    total = json.loads(bodies[3])
    total["data"]["object"]["amount_refunded"] = 1500
    bodies[3] = json.dumps(total).encode()
    for number, order in enumerate(itertools.permutations(bodies)):
        found = take(number, order)
        assert sorted((entry["kind"], entry["amount"]) for entry in found) == [("gift", 6000), ("refund", 1500)]


def test_a_dispute_withdrawn_and_lost_is_one_chargeback_and_won_is_none(take):
    ours = payloads("stripe")
    lost = [ours[name] for name in ("charge_succeeded", "dispute_opened", "dispute_funds_withdrawn", "dispute_lost")]
    for number, order in enumerate(itertools.permutations(lost)):
        found = take(number, order)
        assert sorted((entry["kind"], entry["amount"]) for entry in found) == [("gift", 6000), ("refund", 6000)]
    won = [ours[name] for name in ("charge_succeeded", "dispute_funds_withdrawn", "dispute_won")]
    for number, order in enumerate(itertools.permutations(won), 100):
        going = [entry for entry in take(number, order) if entry["kind"] == "refund" and entry["status"] != "closed"]
        assert going == []


def test_moments_are_aware(take):
    (entry,) = take(0, [payloads("stripe")["charge_succeeded"]])
    assert entry["occurred_at"] == datetime(2026, 1, 3, 10, 0, tzinfo=UTC)
