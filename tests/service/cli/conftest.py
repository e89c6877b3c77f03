"""A small house: SQLite, the real intake and posting, a provider of plain facts, a scripted Luminate."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from relay.app import create_app
from relay.bootstrap import build
from relay.config import (
    FormLevel,
    Fund,
    LuminateSettings,
    Mail,
    Mode,
    Organization,
    Pace,
    ProviderSettings,
    Settings,
)
from relay.errors import NotUnderstood
from relay.gifts import Address, Designation, Donor, Flag, Gift, Name, Refund, Reinstatement
from relay.inbound.intake import Intake
from relay.luminate.client import Answer
from relay.money import Money
from relay.office.correcting import Correcting
from relay.office.deciding import Deciding
from relay.office.plans import Plans
from relay.office.proposing import Proposing
from relay.outbound.posting import Posting
from relay.providers import Delivery, Parsed, Provider
from tests.builders import ClockedDatabase
from tests.support.engines import make_tables

PAID = datetime(2025, 12, 31, 5, 30, tzinfo=UTC)  # still the 30th in Chicago
FIELD_ERROR = {
    "donationResponse": {
        "errors": {
            "code": "101",
            "reason": "FIELD_VALIDATION",
            "message": "Error: There was a problem encountered while processing your donation.",
            "fieldError": ["Billing city is required."],
        }
    }
}


class FakeBell:
    """Writes down who was rung for."""

    def __init__(self):
        self.rung = []

    def ring(self, organization):
        self.rung.append(organization)
        return True


class FakeLuminate:
    """Answers what is scripted, else records everything."""

    def __init__(self):
        self.calls = []
        self.script = []

    def add_offline_donation(self, parameters):
        return self._answer(parameters, parameters["other_amount"])

    def refund_offline_donation(self, parameters):
        self.calls.append(dict(parameters))
        return Answer(200, b'{"refundOfflineDonationResponse":{"ok":"true"}}')

    def _answer(self, parameters, amount):
        self.calls.append(dict(parameters))
        if self.script:
            answer = self.script.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return Answer(403, json.dumps(answer).encode()) if isinstance(answer, dict) else answer
        number = 1000 + len(self.calls)
        donation = {
            "confirmation_code": f"0-{number}",
            "transaction_id": str(number),
            "cons_id": "77",
            "amount": {"decimal": amount, "formatted": f"${amount}"},
        }
        return Answer(200, json.dumps({"donationResponse": {"donation": donation}}).encode())


class House:
    """What the tests ask for things."""

    def __init__(self, relay):
        self.relay = relay
        self.luminate = FakeLuminate()
        self.facts = {}
        self.app = create_app(relay, serves=False)
        self.count = 0

    def run(self, *args, code=0, **kwargs):
        """Run a command and insist on its exit code."""
        result = self.app.test_cli_runner().invoke(args=[str(arg) for arg in args], **kwargs)
        assert result.exit_code == code, (result.exit_code, result.output, result.exception)
        return result

    def lines(self, *args, **kwargs):
        """The JSON objects a command prints."""
        return [json.loads(line) for line in self.run(*args, "--json", **kwargs).stdout.splitlines()]

    def take(self, *facts, kind="charge.succeeded", note="", organization="hope"):
        """Bring an event of these facts in through the front door; gives back its number."""
        self.count += 1
        name = f"evt_{self.count}"
        self.facts[name] = Parsed(event_id=name, type=kind, delivery_key=name, facts=facts, note=note)
        return self.relay.intake.take(organization, "stripe", Delivery(json.dumps({"id": name}).encode())).event

    def gift(self, key="ch_1", amount="25.00", currency="USD", **given):
        """A gift that lacks nothing, unless told otherwise."""
        name = given.pop("name", Name(first="Mary", last="Stone"))
        email = given.pop("email", "mary@example.org")
        donor = Donor(name=name, email=email, address=Address(city="Austin"))
        fund = given.pop("fund", "")
        designations = (Designation(fund=fund),) if fund else ()
        money = Money.parse(amount, currency)
        return Gift(keys=(key,), amount=money, donor=donor, designations=designations, occurred_at=PAID, **given)

    def give(self, *args, organization="hope", **given):
        """A gift came in; gives back its entry."""
        self.take(self.gift(*args, **given), organization=organization)
        return self.newest()

    def refund(self, key="re_1", parent="ch_1", amount="10.00"):
        """A refund came in; gives back its entry."""
        money = Money.parse(amount, "USD")
        self.take(Refund(keys=(key,), parent_keys=(parent,), amount=money, occurred_at=PAID), kind="refund.created")
        return self.newest()

    def back(self, key="re_1", parent="ch_1", amount="10.00"):
        """Money came back; gives back the newest entry."""
        money = Money.parse(amount, "USD")
        self.take(
            Reinstatement(refund_keys=(key,), parent_keys=(parent,), amount=money, text="The refund failed."),
            kind="refund.failed",
        )
        return self.newest()

    def dispute(self, parent="ch_1"):
        self.take(Flag(text="A dispute was opened.", parent_keys=(parent,)), kind="charge.dispute.created")

    def newest(self):
        return max(row["id"] for row in self.lines("gifts"))

    def post(self, *script, organization="hope"):
        """Let a worker post what is due; Luminate answers by the script, then as it should."""
        self.luminate.script = list(script)
        charity = self.relay.settings.organizations[organization]
        return Posting(self.relay.database, charity, self.luminate, worker="tester").run()

    def status(self, entry):
        (found,) = [row for row in self.lines("gifts") if row["id"] == entry]
        return found["status"]

    def configure(self, **changes):
        """Another configuration, as after a restart."""
        organizations = dict(self.relay.settings.organizations)
        organizations["hope"] = replace(organizations["hope"], **changes)
        self.relay.settings = replace(self.relay.settings, organizations=organizations)
        self.relay.intake.settings = self.relay.settings
        for name, use_case in (("plans", Plans), ("correcting", Correcting), ("proposing", Proposing)):
            setattr(self.relay, name, use_case(self.relay.database, organizations))
        self.relay.deciding = Deciding(self.relay.database, organizations, self.relay.looking)


def organization(name="hope", **given):
    luminate = LuminateSettings(
        url=f"http://127.0.0.1:9/{name}/site", api_key="k", login_name="api-user", login_password="secret-word"
    )
    told = {
        "form": FormLevel(form_id=1260, level_id=1523),
        "mode": Mode.BOTH,
        "time_zone": ZoneInfo("America/Chicago"),
        "funds": {"WATER": Fund(code="WATER", designee_id=1003)},
        "pace": Pace(settle_seconds=0),
        "mail": Mail(receipt=True, refund=True),
        "providers": {"stripe": ProviderSettings(secrets=("whsec_one", "whsec_two"))},
    }
    return Organization(name=name, luminate=luminate, **told | given)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    charities = {name: organization(name) for name in ("hope", "care")}
    return Settings(
        database_url=f"sqlite:///{tmp_path / 'ledger.sqlite3'}",
        redis_url="redis://127.0.0.1:9/0",
        secret_key="k" * 40,
        organizations=charities,
    )


@pytest.fixture
def house(settings: Settings):
    relay = build(settings, database=ClockedDatabase(settings.database_url))
    make_tables(relay.database.engine)
    made = House(relay)

    def parse(delivery, _settings):
        name = json.loads(delivery.body)["id"]
        if name not in made.facts:
            raise NotUnderstood("the object of the event is of an unknown kind")
        return made.facts[name]

    relay.providers = {"stripe": Provider("stripe", lambda *_: 0, parse)}
    relay.bell = FakeBell()
    relay.intake = Intake(settings, relay.database, relay.providers, relay.bell)
    yield made
    relay.database.engine.dispose()


@pytest.fixture
def field_error():
    return FIELD_ERROR


@pytest.fixture
def kit():
    """What a test of the doctor builds with."""
    return SimpleNamespace(organization=organization)
