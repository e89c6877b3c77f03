"""A ledger that is sealed: nobody who reads the database reads a donor, and everybody who may finds them as before."""

import json
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from relay.app import create_app
from relay.bootstrap import build
from relay.demo import signing
from relay.doctor import start
from relay.errors import CouldNotStore, KeyMissing
from relay.gifts import Donor, Name
from relay.ledger import claims, donors, entries, migrate, search
from relay.ledger.db import Database
from relay.ledger.models import entries as table
from relay.ledger.resealing import sealed_columns, tables
from relay.ledger.sealing import PLAIN, SEALED, Keyring
from relay.ledger.search import Filter
from relay.luminate.seen import Seen
from relay.office.people.entering import actor_of
from relay.outbound.probing import Probing
from relay.providers import Delivery
from relay.status import Status
from tests.builders import ClockedDatabase, make_gift, make_organization, make_relay
from tests.fakes import as_answer
from tests.provider_cases import payloads
from tests.support.console import BOSS, House, actor_named
from tests.support.sealed import NEW, OLD, STRANGE, everything

NAME, EMAIL = ("Zebulon", "Quarkington"), "zebulon.quarkington@example.net"
STREET, PHONE, CARD = "77 Marzipan Parade", "+1 555 010 7788", "4000056655665556"
PLANTED = (*NAME, EMAIL, "quarkington", STREET, "marzipan", PHONE, "010 7788", CARD, "************")
CLOSED_FOR = "Zebulon Quarkington asked for it"


def charge(number, amount=5000):
    """A charge of Stripe as it is sent, of the planted donor, who wrote a card number where it does not belong."""
    event = json.loads(payloads("stripe")["charge_succeeded"])
    event["id"] = f"evt_{number}"
    body = event["data"]["object"]
    body |= {"id": f"ch_{number}", "payment_intent": f"pi_{number}", "amount": amount, "amount_captured": amount}
    address = {"line1": STREET, "city": "Bay", "state": "NY", "postal_code": "10001", "country": "US"}
    body["billing_details"] = {"name": " ".join(NAME), "email": EMAIL, "address": address, "phone": PHONE}
    body |= {"receipt_email": EMAIL, "description": f"my card is {CARD}", "metadata": {"note": f"from {NAME[0]}"}}
    return json.dumps(event).encode()


def refuses(_parameters):
    words = {"code": "105", "message": f"{EMAIL} of {' '.join(NAME)} is not welcome."}
    return as_answer({"donationResponse": {"errors": words}})


class Reader:
    """Luminate shows two gifts that may be the one that was asked for."""

    def seen(self, *, email, begin, cons_id="", **_more):
        assert email == EMAIL or cons_id
        at, name = begin + timedelta(seconds=1), " ".join(NAME)
        return tuple(
            Seen(kind="DONATION", confirmation_code=code, amount=Decimal("20.00"), at=at, billing_name=name)
            for code in ("9-1", "9-2")
        )


def send(house, number, amount=5000):
    take(house, charge(number, amount))


def take(house, body):
    headers = signing.stripe_headers(body, "whsec_1", int(time.time())) | {"content-type": "application/json"}
    house.relay.intake.take("alder", "stripe", Delivery(body, headers))


def journey(house):
    """Received, refused, corrected by two, replayed, unknown, looked up, closed, searched for, exported, noted."""
    finance, second = actor_named(house, "finance"), actor_named(house, "second")
    house.luminate.script = [refuses]
    send(house, 1)
    house.post()
    assert house.entry(1).status is Status.REJECTED
    changes, why = {"donor.address.street1": f"{STREET} 2"}, f"{NAME[0]} told us"
    number = house.relay.correcting.correct(1, changes, actor=finance, reason=why).proposal
    house.relay.proposing.agree(number, actor=second)
    house.luminate.script = [refuses]
    house.post()
    (plan,) = house.relay.plans.draw(Filter(emails=(EMAIL,)), actor=finance, search=f"email:{EMAIL}")
    house.relay.plans.start(plan, actor=finance, reason=why)
    house.relay.plans.advance("alder")
    house.post()
    assert house.entry(1).status is Status.POSTED
    house.luminate.script = ["lost"]
    send(house, 2, 2000)
    send(house, 2, 2000)
    house.post()
    house.later(seconds=121)
    Probing(house.database, house.settings.organizations["alder"], Reader()).run()
    assert [one["billing_name"] for one in house.entry(2).candidates] == [" ".join(NAME)] * 2
    house.later(seconds=601)  # until then a gift waits for the unknown one of its donor
    house.luminate.script = [refuses]
    send(house, 3, 3000)
    house.post()
    token = house.relay.tokens.add("program", "alder", ["read", "act"], actor=BOSS).secret
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k1"}
    close = {"reason": CLOSED_FOR}
    answer = house.app.test_client().post("/api/v1/entries/3/close", json=close, headers=headers)
    assert answer.status_code == 200
    list(house.relay.searching.export(finance, f"email:{EMAIL}", kind="csv").lines)
    house.relay.overview.write(finance, "alder", "unknown", note=f"ask {NAME[0]}", owner="ann")


@pytest.fixture
def alder():
    return make_organization("alder", second_person_above=40)


@pytest.fixture
def house(database_url, alder):
    return House(database_url, alder, keys=(NEW,))


@pytest.fixture
def plain(database_url, alder):
    return House(database_url, alder)


def found(house, asked):
    return [line.id for line in house.relay.searching.find(actor_of(house.person("finance")), asked).lines]


def planted_in(database):
    held = everything(database).casefold()
    return [word for word in PLANTED if word.casefold() in held]


def test_nobody_who_reads_the_database_reads_a_donor(house):
    journey(house)
    assert planted_in(house.database) == []


def test_without_keys_all_of_it_would_be_there(plain):
    """So that the test above looks where it must."""
    journey(plain)
    assert set(PLANTED) - set(planted_in(plain.database)) == {CARD}


def test_every_sealed_column_was_filled_on_the_way(house):
    """A column that the journey leaves empty would prove nothing."""
    journey(house)
    empty = []
    with house.database.engine.connect() as connection:
        for one in tables():
            rows = connection.execute(text(f"SELECT * FROM {one.name}")).mappings().all()  # noqa: S608 - our own names
            empty += [
                f"{one.name}.{column.name}"
                for column in sealed_columns(one)
                if not any(SEALED in str(bytes(row[column.name] or b"") if column.name in {"body", "reply"}
                           else row[column.name]) for row in rows)
            ]  # fmt: skip
    assert empty == []


FOUND = {
    "quark": [3, 2, 1],
    "zebulon": [3, 2, 1],
    '"zebulon quark"': [3, 2, 1],
    "zeb 50": [1],
    EMAIL: [3, 2, 1],
    "email:zebulon.quarkington": [3, 2, 1],
    "30.00": [3],
    "ch_2": [2],
    "code:C1": [1],
    "pi_3 zeb": [3],
    "zebulons": [],
    # A beginning of two letters is too short for a sealed ledger.
    "ze": [],
    "quarkzebulon": [],
    "zebulon.marzipan@example.net": [],
}


def test_a_donor_is_found_as_before(house):
    journey(house)
    assert {asked: found(house, asked) for asked in FOUND} == FOUND


def test_people_read_the_words_that_luminate_said(house):
    """The attempt has them whole; the sentence that gifts are grouped by names nobody."""
    journey(house)
    with house.database.read() as tx:
        story = search.story(tx, entries.get(tx, 3))
    assert f"{EMAIL} of Zebulon Quarkington is not welcome." in story.attempts[0].reason_text
    assert story.entry.reason_text == "[donor] [donor] asked for it"
    assert [row.reason for row in story.corrections] == [CLOSED_FOR]
    assert house.relay.auditing.check().faults == ()


# --- mixed ledgers ------------------------------------------------------------------------------------------------


def sealed_with(relay, *keys):
    """Another process on the same ledger, which has these keys."""
    return make_relay(relay.settings.database_url, keys=keys)


@pytest.fixture
def mixed(database_url):
    """Three gifts of one donor: written before there were keys, under the old one, and under both."""
    relay = make_relay(database_url, keys=())
    relay.take(make_gift("1.00", keys=("ch_1",)))
    sealed_with(relay, OLD).take(make_gift("2.00", keys=("ch_2",)))
    both = sealed_with(relay, NEW, OLD)
    both.take(make_gift("3.00", keys=("ch_3",)))
    return both


def test_rows_of_all_ages_are_read_and_found(mixed):
    assert {entry.donor_email for entry in mixed.entries()} == {"mary@example.org"}
    with mixed.database.read() as tx:
        for wanted in (Filter(names=("sto",)), Filter(emails=("mary@example.org",)), Filter(words=("mary",))):
            assert [entry.id for entry in search.listing(tx, wanted)] == [1, 2, 3]
        assert donors.entries_of(tx, " Mary@Example.org ") == [1, 2, 3]
        assert donors.entries_of(tx, "mary@example.com") == []


def test_two_gifts_of_one_donor_never_fly_at_once_whatever_they_are_sealed_with(mixed):
    """In any order: the one in flight and the one that waits need not be sealed alike."""
    with mixed.database.read() as tx:
        now = mixed.database.now(tx)
    for flying in (1, 2, 3):
        with mixed.database.write() as tx:
            claim = claims.claim(tx, entries.get(tx, flying), now, seconds=60, worker="w", login_name="api")
        with mixed.database.read() as tx:
            assert claims.next_due(tx, "alder", now) is None
        mixed.take(make_gift("9.00", keys=(f"ch_other{flying}",), donor=other(flying)))
        with mixed.database.read() as tx:
            assert claims.next_due(tx, "alder", now + timedelta(minutes=1)).donor_email == other(flying).email
        with mixed.database.write() as tx:
            tx.execute(table.update().where(table.c.id > 3).values(status="held"))
            tx.execute(table.update().where(table.c.id == flying).values(status="queued", lease_until=None))
        assert claim.fence == 1


def other(number):
    return Donor(name=Name(first="Ann", last="Baker"), email=f"ann{number}@example.org")


def test_all_of_one_donor_are_posted_one_after_the_other(mixed):
    posting = mixed.posting(organization=make_organization(max_in_flight=8))
    while posting.run().sent:
        pass
    assert mixed.statuses() == ["posted"] * 3
    assert mixed.luminate.most_at_once == 1


def test_a_name_that_looks_sealed_is_a_name(database_url):
    names = [Keyring((NEW,)).sealed(b"Mary"), Keyring((STRANGE,)).sealed(b"Mary"), f"{PLAIN}Mary", SEALED]
    for keys in ((), (NEW,)):
        relay = make_relay(database_url, keys=keys)
        for number, name in enumerate(names):
            relay.take(
                make_gift(keys=(f"ch_{number}{keys}",), donor=Donor(name=Name(last=name), email="m@example.org"))
            )
    assert [entry.donor_name for entry in relay.entries()] == names * 2


def test_sql_never_compares_what_is_sealed():
    with pytest.raises(TypeError, match="donors"):
        select(table).where(table.c.donor_email == "mary@example.org")


# --- a key that is missing ----------------------------------------------------------------------------------------


@pytest.fixture
def robbed(house):
    """The ledger of ``house`` in a process that has lost the key."""
    journey(house)
    return Robbed(house)


class Robbed(House):
    """The same house without its key; its people were added while it had one."""

    def __init__(self, house):
        self.numbers = house.numbers
        self.database = ClockedDatabase(house.settings.database_url, (STRANGE,))
        self.settings = house.settings
        self.relay = build(self.settings, database=self.database)
        self.app = create_app(self.relay)


def test_a_row_that_no_key_opens_is_refused_and_nothing_of_it_is_said(robbed):
    with robbed.database.read() as tx, pytest.raises(KeyMissing) as raised:
        entries.get(tx, 1)
    assert "RELAY_ENCRYPTION_KEYS" in str(raised.value)
    assert not any(word in str(raised.value) for word in (*PLANTED, SEALED))


def test_pages_and_api_say_so_calmly(robbed):
    page = robbed.client("finance").get("/console/gifts/1")
    assert page.status_code == 503
    assert "RELAY_ENCRYPTION_KEYS lacks a key" in page.get_data(as_text=True)
    ran = robbed.app.test_cli_runner().invoke(args=["show", "1"])
    assert ran.exit_code == 1
    assert "RELAY_ENCRYPTION_KEYS lacks a key" in ran.output


def test_a_webhook_that_needs_the_row_is_sent_again(robbed):
    with pytest.raises(CouldNotStore):
        take(robbed, charge(1).replace(b"evt_1", b"evt_7"))


def test_nothing_starts_without_the_key_of_the_newest_rows(database_url):
    database = Database(database_url, Keyring((NEW,)))
    migrate.upgrade(database)
    relay = make_relay(database_url, keys=(NEW,))
    relay.take(make_gift())
    assert start.obstacle(database) == ""
    for keys in ((), (OLD,), ("open", OLD)):
        assert "RELAY_ENCRYPTION_KEYS lacks a key" in start.obstacle(Database(database_url, Keyring(keys)))
    assert start.obstacle(Database(database_url, Keyring((OLD, NEW)))) == ""


def test_a_release_that_cannot_read_it_is_not_gone_back_to(database_url):
    database = Database(database_url, Keyring((NEW,)))
    migrate.upgrade(database)
    relay = make_relay(database_url, keys=(NEW,))
    relay.take(make_gift())
    with pytest.raises(RuntimeError, match="flask seal"):
        migrate.downgrade(database, "0008")
    assert migrate.current(database) == migrate.head()
