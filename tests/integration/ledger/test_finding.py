"""Search and sums say the same on both databases; what the migration fills in is what the ledger itself writes."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from relay.errors import SearchRefused
from relay.gifts import Donor, Name
from relay.ledger import migrate, search
from relay.ledger.db import Database
from relay.ledger.search import Filter
from relay.office.people.entering import actor_of
from tests.builders import make_gift, make_refund, make_relay
from tests.support.console import House

PEOPLE = (
    ("Mary", "Stone", "m.stone@example.org", "250.00"),
    ("Zoë", "Núñez-Stone", "zoe@example.org", "40.00"),
    ("Ann", "O'Brien", "", "250.00"),
    ("Łukasz", "Ærø", "50%_off\\@example.org", "1250.00"),
)


def fill(taking):
    for number, (first, last, email, amount) in enumerate(PEOPLE, 1):
        donor = Donor(name=Name(first=first, last=last), email=email)
        taking(make_gift(amount, keys=(f"ch_{number}", f"pi'{number}"), donor=donor))
    taking(make_refund("10.00", keys=("re_1",), parents=("ch_1",)))


@pytest.fixture
def house(database_url):
    house = House(database_url)
    fill(house.take)
    house.post()
    yield house
    house.database.engine.dispose()


def found(house, asked):
    return [line.id for line in house.relay.searching.find(actor_of(house.person("finance")), asked).lines]


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ("stone", [5, 2, 1]),
        ("nunez sto", [2]),
        ('"nunez stone"', [2]),
        ("O'BRIEN", [3]),
        ("lukasz aero", [4]),
        ("lukasz", [4]),
        ("ærø", [4]),
        ("250", [3, 1]),
        ("mary 250", [1]),
        ("ch_1", [5, 1]),
        ("pi'2", [2]),
        ("re_1", [5]),
        ("code:C1", [1]),
        ("#2", [2]),
        ("amount:>=250 kind:gift", [4, 3, 1]),
        ("email:50", [4]),
        ("50%_off\\", [4]),
        ("%", []),
        ("status:needs", [4, 3]),
        ("on:today stone", [5, 2, 1]),
        ("flag:no late:no mary", [5, 1]),
    ],
)
def test_a_search_finds_the_same_on_both(house, asked, numbers):
    assert found(house, asked) == numbers


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.text(max_size=24) | st.text(alphabet="'\\:*&|!<>()@%_=\" ax1$,.#-", max_size=16))
def test_nothing_that_is_typed_breaks_the_database(house, asked):
    try:
        numbers = found(house, asked)
    except SearchRefused:
        return
    assert set(numbers) <= {1, 2, 3, 4, 5}


def test_today_and_attention_say_the_same_on_both(house):
    actor = actor_of(house.person("finance"))
    today, attention = house.relay.overview.today(actor), house.relay.overview.attention(actor)
    assert [(sheet.kind, sheet.received, sheet.posted, sheet.needs_a_person) for sheet in today.sheets] == [
        ("gift", 179000, 29000, 150000),
        ("refund", 1000, 1000, 0),
    ]
    last = today.chart.days[-1]
    assert (last.received, last.posted, last.needs) == (179000, 29000, 150000)
    assert [(group.cause.key.partition("-")[0], group.count) for group in attention.groups] == [
        ("no_email", 1),
        ("email_invalid", 1),
    ]
    (drain,) = today.drains
    assert (drain.pace, drain.over, drain.backlog.ready) == (3, "hour", 0)
    assert {source.provider: source.last is not None for source in today.sources} == {"acme": True, "stripe": False}


def test_the_migration_fills_in_what_the_ledger_writes(database_url):
    """0004, with data of before: up, down and up again."""
    database = Database(database_url)
    migrate.upgrade(database)
    relay = make_relay(database_url)
    fill(relay.take)
    relay.post()
    with relay.database.read() as tx:
        before = tx.execute(text("SELECT id, findable FROM entries ORDER BY id")).all()
    migrate.downgrade(database, "0003")
    migrate.upgrade(database)
    with relay.database.read() as tx:
        assert tx.execute(text("SELECT id, findable FROM entries ORDER BY id")).all() == before
        assert [entry.id for entry in search.listing(tx, Filter(words=("zoe",)))] == [2]
    relay.database.engine.dispose()
    database.engine.dispose()
