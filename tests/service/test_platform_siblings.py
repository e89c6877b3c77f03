"""The donation platforms' announcements of one gift, in every order, through the front door into the ledger."""

import itertools
import json
import re
import tomllib
from pathlib import Path

import pytest
from sqlalchemy import select

from relay.config import FormLevel, Fund, LuminateSettings, Organization, ProviderSettings, Settings, load_settings
from relay.demo.signing import donorbox_headers, givebutter_headers, gofundmepro_headers
from relay.errors import BadSignature
from relay.inbound.intake import Intake
from relay.ledger.models import entries, events
from relay.providers import PROVIDERS, Delivery
from tests.builders import ClockedDatabase
from tests.provider_cases import NOW, SENT, payloads
from tests.support.engines import make_tables

SECRET = "raisely-secret-of-alder"
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
GENERIC_PAGE = Path(__file__).parents[2] / "docs" / "providers" / "generic.md"
GOFUNDMEPRO_PAGE = Path(__file__).parents[2] / "docs" / "providers" / "gofundmepro.md"
NAMES = ("donorbox", "everyorg", "generic", "givebutter", "gofundmepro", "raisely")


class SilentBell:
    def ring(self, organization):
        return True


def delivery(provider, body, number=0):
    """A body as its provider delivers it."""
    match provider:
        case "donorbox" | "generic":
            return Delivery(body, donorbox_headers(body, SECRET, SENT))
        case "givebutter":
            return Delivery(body, givebutter_headers(body, SECRET))
        case "gofundmepro":
            return Delivery(body, gofundmepro_headers(body, WHSEC, SENT, f"msg_{number}"))
    return Delivery(body, {}, SECRET)


def options_on(page, provider, tmp_path):
    """The options of the worked example on a page, read as the configuration is."""
    (block,) = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "relay.toml"
    table = tomllib.loads(block)["organizations"]["acme"]
    named = set(re.findall(r"\$\{(\w+)\}", block))
    assert set(table) == {"providers"}
    rest = """
        [organizations.acme]
        form_id = 1
        level_id = 2
        luminate = {url = "https://give.acme.org/site", api_key = "k", login_name = "n", login_password = "p"}
    """
    file.write_text(rest + block, encoding="utf-8")
    loaded = load_settings({"RELAY_CONFIG": str(file), **dict.fromkeys(named, WHSEC)})
    return loaded.organizations["acme"].providers[provider].options


@pytest.fixture
def take(tmp_path):
    """Send bodies as a provider does, and look at the entries."""
    numbers = itertools.count()
    options = {
        "generic": options_on(GENERIC_PAGE, "generic", tmp_path),
        "gofundmepro": options_on(GOFUNDMEPRO_PAGE, "gofundmepro", tmp_path),
    }
    charity = Organization(
        name="alder",
        luminate=LuminateSettings(url="https://example.org/site", api_key="k", login_name="u", login_password="p"),
        form=FormLevel(form_id=1, level_id=2),
        funds={"WATER": Fund(code="WATER", designee_id=1)},
        providers={
            name: ProviderSettings(secrets=(WHSEC if name == "gofundmepro" else SECRET,), options=options.get(name, {}))
            for name in NAMES
        },
    )

    def rows(provider, bodies, table=entries):
        database = ClockedDatabase(f"sqlite:///{tmp_path / f'{next(numbers)}.db'}")
        make_tables(database.engine)
        settings = Settings(database_url="", redis_url="", secret_key="", organizations={"alder": charity})
        intake = Intake(settings, database, PROVIDERS, SilentBell(), clock=lambda: NOW)
        for number, body in enumerate(bodies):
            intake.take("alder", provider, delivery(provider, body, number))
        with database.read() as tx:
            found = [dict(row) for row in tx.execute(select(table)).mappings().all()]
        database.dispose()
        return [row for row in found if row.get("merged_into") is None]

    return rows


def told(rows):
    """What finance sees of entries, whatever their order."""
    names = ("kind", "status", "amount", "currency", "provider_transaction_id", "refund_reason", "donor_name", "fund")
    return sorted([tuple(str(row[name]) for name in names) for row in rows])


def of(provider, *names):
    return [payloads(provider)[name] for name in names]


HISTORIES = {
    "donorbox": (
        ("donation_created", "donation_updated_refunded_in_part", "donation_updated_refunded_further"),
        [("gift", 6000), ("refund", 2550)],
    ),
    "givebutter": (("transaction_succeeded", "refund_created", "plan_created"), [("gift", 6025), ("refund", 1525)]),
    "raisely": (("donation_succeeded", "donation_created", "donation_refunded_unsaid"), [("gift", 6000)]),
    "gofundmepro": (
        ("transaction_created", "transaction_updated_refunded", "supporter_created"),
        [("gift", 6025), ("refund", 1525)],
    ),
}


@pytest.mark.parametrize("provider", HISTORIES)
def test_a_gift_and_its_refunds_in_any_order(take, provider):
    names, expected = HISTORIES[provider]
    for order in itertools.permutations(of(provider, *names, names[0])):
        sums = {}
        for row in take(provider, order):
            sums[row["kind"]] = sums.get(row["kind"], 0) + row["amount"]
        assert sorted((str(kind), amount) for kind, amount in sums.items()) == expected


def test_an_announced_gift_of_givebutter_refunded_and_charged_back(take):
    bodies = of("givebutter", "announced_transaction_created", "announced_transaction_refunded")
    for order in itertools.permutations(bodies):
        assert sorted((row["kind"], row["amount"]) for row in take("givebutter", order)) == [
            ("gift", 6025),
            ("refund", 1525),
        ]


def test_a_hold_for_an_update_ends_when_the_donation_is_announced(take):
    bodies = of("donorbox", "donation_created", "donation_updated_refunded_in_part")
    for order in itertools.permutations(bodies):
        gift, refund = sorted(take("donorbox", order), key=lambda row: row["kind"])
        assert (gift["status"], refund["status"]) == ("queued", "waiting")
    (gift, _) = sorted(take("donorbox", bodies[1:]), key=lambda row: row["kind"])
    assert gift["status"] == "held"


def test_a_chargeback_of_donorbox_won_again_is_none(take):
    for order in itertools.permutations(of("donorbox", "donation_created", "chargeback_lost", "chargeback_won")):
        going = [row for row in take("donorbox", order) if row["kind"] == "refund" and row["status"] != "closed"]
        assert going == []


def test_both_versions_of_donorboxs_webhook_are_one_gift(take):
    for order in itertools.permutations(of("donorbox", "donation_created", "donation_created_v1")):
        (row,) = take("donorbox", order)
        assert (row["status"], row["amount"]) == ("queued", 6000)


def test_a_donation_at_everyorg_told_twice_is_one(take):
    body = of("everyorg", "donation")[0]
    (row,) = take("everyorg", [body, body, json.dumps(json.loads(body) | {"privateNote": "more"}).encode()])
    assert (row["status"], row["amount"], row["fund"]) == ("queued", 6000, "WATER")


def test_the_secret_of_raisely_is_in_no_table(take):
    for table in (events, entries):
        rows = take("raisely", of("raisely", "donation_succeeded", "donation_refunded_in_full"), table)
        assert rows
        assert SECRET not in repr(rows)


def test_a_platform_without_its_secret_is_not_let_in(take):
    broken = {"everyorg": b'{"chargeId": "x"}', "raisely": b'{"secret": "guess", "data": {}}'}
    with pytest.raises(BadSignature):
        take("raisely", [broken["raisely"]])


DONORBOX = (
    "donation_created",
    "donation_updated_refunded_in_part",
    "donation_updated_refunded_further",
    "chargeback_created",
)
OTHERS = (
    ("donation_created_pending", "donation_updated_paid"),
    ("donation_created", "chargeback_lost"),
    ("donation_created", "chargeback_lost", "chargeback_won"),
    ("donation_created_failed", "plan_created"),
)


@pytest.mark.parametrize("names", [DONORBOX, *OTHERS], ids="-".join)
def test_the_worked_example_of_generic_gives_the_same_entries_as_the_file_for_donorbox(take, names):
    for order in itertools.permutations(of("donorbox", *names)):
        by_file, by_options = take("donorbox", order), take("generic", order)
        assert told(by_file) == told(by_options)
        for one, other in zip(
            *(sorted(rows, key=lambda row: row["id"]) for rows in (by_file, by_options)), strict=True
        ):
            assert one["parameters"] == other["parameters"]
            assert one["fact"]["sources"] == other["fact"]["sources"]
