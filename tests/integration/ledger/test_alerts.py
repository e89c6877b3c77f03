"""Alerts on both databases: workers at once, begin, end and send each thing once."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from relay.alerting import Alerting
from relay.alerting.damping import SETTLED
from relay.config import Alerts
from relay.errors import NotDelivered
from relay.ledger import alerts, entries
from relay.ledger.alert_tables import alert_messages
from relay.ledger.alerts import RAISED, Said
from relay.status import Status
from tests.builders import DONOR, ClockedDatabase, make_gift, make_organization, make_relay
from tests.integration.ledger.racing import race

SAID = Said(subject="s", text="t", facts={})


class Counting:
    """A sender that remembers; ``down``: nobody answers."""

    mail = None

    def __init__(self):
        self.sent, self.down = [], False

    def send(self, _channel, said, _number):
        if self.down:
            raise NotDelivered("nobody answers")
        self.sent.append(said.subject)
        return "taken"


@pytest.fixture
def relay(database_url):
    charity = make_organization(alerts=Alerts(emails=("a@alder.org", "b@alder.org"), daily_at=None))
    relay = make_relay(database_url, charity)
    yield relay
    relay.database.engine.dispose()


def workers(relay, sender, count=4):
    """Each with connections of its own."""
    made = []
    for _ in range(count):
        database = ClockedDatabase(relay.settings.database_url)
        made.append(Alerting(database, relay.settings.organizations, sender))
    return made


def hold(relay):
    nobody = type(DONOR)(name=DONOR.name)
    relay.take(make_gift(donor=nobody))


def test_four_workers_at_once_tell_each_address_once_and_its_end_once(relay):
    sender = Counting()
    four = workers(relay, sender)
    hold(relay)
    race(4, lambda number: four[number].run())
    assert sender.sent == ["alder: 1 gift needs a person: $25.00"] * 2
    with relay.database.write() as tx:
        (entry,) = relay.entries()
        entries.move(tx, entry, Status.CLOSED, relay.database.now(tx))
    race(4, lambda number: four[number].run())
    assert sender.sent[2:] == []
    for one in four:
        one.database.ahead += SETTLED
    race(4, lambda number: four[number].run())
    assert sender.sent[2:] == ["alder: over: nothing needs a person any more"] * 2
    for one in four:
        one.database.engine.dispose()


def test_a_message_is_claimed_by_one_of_many(relay):
    with relay.database.write() as tx:
        now = relay.database.now(tx)
        number = alerts.begin(tx, "alder", ("paused", ""), now, now)
        alerts.put(tx, number, RAISED, {"x"}, SAID, now)
        (message,) = alerts.due(tx, now)
    claimed = []

    def claim(_number):
        with relay.database.write() as tx:
            if one := alerts.claim(tx, message, relay.database.now(tx), seconds=60):
                claimed.append(one)

    race(4, claim)
    assert len(claimed) == 1


def test_beginning_twice_is_beginning_once_until_it_is_over(relay):
    with relay.database.write() as tx:
        now = relay.database.now(tx)
        assert alerts.begin(tx, "alder", ("paused", ""), now, now) is not None
        assert alerts.begin(tx, "alder", ("paused", ""), now, now) is None
        assert alerts.begin(tx, "birch", ("paused", ""), now, now) is not None
        (open_one,) = alerts.open_ones(tx, "alder").values()
        assert alerts.say_again(tx, open_one, now + timedelta(hours=1))
        assert not alerts.say_again(tx, open_one, now + timedelta(hours=2))
        assert alerts.end(tx, open_one, now) == set()
        assert alerts.end(tx, open_one, now) is None
        assert alerts.begin(tx, "alder", ("paused", ""), now, now) is not None


def test_what_waits_for_a_dead_server_waits_in_the_ledger(relay):
    sender = Counting()
    sender.down = True
    hold(relay)
    (one,) = workers(relay, sender, 1)
    one.run()
    with relay.database.read() as tx:
        rows = tx.execute(select(alert_messages)).all()
    assert [(row.claims, row.failures, row.sent_at) for row in rows] == [(1, 1, None)] * 2
    assert all(row.due_at > row.made_at for row in rows)
    one.database.engine.dispose()


def test_every_rule_reads_both_databases_and_finds_nothing_in_peace(relay):
    sender = Counting()
    relay.take(make_gift())
    relay.post()
    (one,) = workers(relay, sender, 1)
    one.run()
    with relay.database.read() as tx:
        assert alerts.newest(tx, "alder", 10) == []
    one.database.engine.dispose()
