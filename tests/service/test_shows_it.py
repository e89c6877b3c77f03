"""What issue 3 wants shown, in numbers: answers lost, gifts never applied, a login refused for a minute."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from relay.ledger import pauses
from relay.status import Status
from tests.builders import DONOR, make_gift
from tests.service.test_alert_damping import OVER, PAUSED
from tests.service.test_alerting import House, mailbox
from tests.service.test_probing import FakeReader, probe

__all__ = ["mailbox"]

HUNDRED = 100


def gifts(relay, count):
    """So many gifts of as many donors, in one event each."""
    donors = [replace(DONOR, email=f"donor{number}@example.org") for number in range(count)]
    relay.take(*(make_gift(keys=(f"ch_{number}",), donor=donor) for number, donor in enumerate(donors)))


def until_done(relay, reader):
    """Workers, sweep and look-ups go on, nobody helps; the time between two rounds passes at once."""
    for round_ in range(20):
        relay.posting().run()
        if set(relay.statuses()) == {Status.POSTED}:
            return
        relay.later(minutes=5)
        relay.sweep(f"sweep{round_}").run()
        probe(relay, reader)
    raise AssertionError(relay.statuses())


def recorded(relay):
    """The codes under which Luminate has the gifts, by donor: a donor in it twice was doubled."""
    return sorted((sent["donor.email"], code) for code, sent in relay.luminate.gifts.items())


@pytest.mark.parametrize(("word", "again"), [("recorded", 0), ("html", 0), ("lost", HUNDRED)])
def test_a_hundred_unknowns_of_a_hundred_end_posted_once_under_their_own_code(relay, word, again):
    """Applied and then lost: found, with the right code, and no second call. Never applied: sent exactly once more."""
    relay.luminate.script = [word, "ok"] * HUNDRED  # an answer in between: else the circuit spreads them over a day
    gifts(relay, 2 * HUNDRED)
    until_done(relay, FakeReader(relay))
    assert recorded(relay) == sorted((gift.donor_email, gift.confirmation_code) for gift in relay.gifts())
    assert len(relay.luminate.gifts) == 2 * HUNDRED
    assert len(relay.luminate.calls) == 2 * HUNDRED + again
    assert [attempt["outcome"] for attempt in relay.attempts()].count("unknown") == HUNDRED


class RefusingLogin:
    """A FakeLuminate that refuses the account for a minute from its 250th call on, reads as well as writes."""

    def __init__(self, relay):
        self.relay, self.inner = relay, relay.luminate
        self.calls, self.since = 0, None

    def add_offline_donation(self, parameters):
        self.calls += 1
        if self.calls == 250:
            self.since = self.now
        self.inner.script = ["blocked"] if self.is_refusing else []
        return self.inner.add_offline_donation(parameters)

    def is_email_valid(self):
        self.inner.healthy = not self.is_refusing
        return self.inner.is_email_valid()

    @property
    def is_refusing(self):
        return self.since is not None and self.now - self.since < timedelta(minutes=1)

    @property
    def now(self):
        return datetime.now(UTC) + self.relay.database.ahead


def test_a_login_refused_for_a_minute_amid_500_gifts_uses_nothing_up_alerts_once_and_ends_by_itself(
    sqlite_url, mailbox
):
    """The alerts are those that reach a mail server: one, and one that says it is over."""
    house = House(sqlite_url, mailbox)
    relay = house.relay
    relay.organization = replace(relay.organization, pace=replace(relay.organization.pace, max_in_flight=1))
    gifts(relay, 500)
    relay.luminate = RefusingLogin(relay)
    for round_ in range(20):
        relay.posting().run()
        house.look(seconds=11)
        relay.sweep(f"sweep{round_}").run()
    assert mailbox.subjects == [PAUSED]
    assert house.look(minutes=10) == [PAUSED, OVER]
    with relay.database.read() as tx:
        assert pauses.of(tx, "alder") is None
    assert [gift.status for gift in relay.gifts()] == [Status.POSTED] * 500
    assert {gift.not_sent for gift in relay.gifts()} == {0}
    assert len(relay.luminate.inner.gifts) == 500
    outcomes = [attempt["outcome"] for attempt in relay.attempts()]
    assert (outcomes.count("posted"), outcomes.count("blocked")) == (500, 1)
