"""A code that a person told for a refund, and gifts that turn up beside it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from relay.access import operator
from relay.config import Probe
from relay.errors import NotSent
from relay.luminate.seen import Seen
from relay.outbound.probing import Probing
from relay.status import Status
from tests.builders import make_gift, make_link, make_organization, make_refund, make_relay, make_total
from tests.service.test_gift_code import SEEN
from tests.service.test_probing import Shows


@pytest.fixture
def relay(sqlite_url):
    return make_relay(sqlite_url, make_organization(probe=Probe(settle_seconds=0)))


def tell(relay, code):
    """A refund of a gift that relay never saw goes by this code."""
    relay.luminate.gifts[code] = {"other_amount": "25.00"}
    relay.take(make_refund("5.00"))
    relay.supplying.supply(1, code, **SEEN)
    relay.post()


def test_another_gift_does_not_take_a_told_code(relay):
    tell(relay, "NEW-1")
    relay.luminate.script = ["lost"]
    relay.take(make_gift(keys=("ch_2",)))
    relay.post(1)
    relay.later(minutes=5)
    with relay.database.read() as tx:
        then = relay.database.now(tx) - timedelta(minutes=5)
    row = Seen(kind="DONATION", confirmation_code="NEW-1", amount=Decimal("25.00"), at=then)
    Probing(relay.database, relay.organization, Shows(row)).run()
    assert (relay.entry(2).status, relay.entry(2).reason) == (Status.UNKNOWN, "look_alikes")


def test_an_unknown_gift_that_turns_out_to_be_the_told_one_is_not_sent_again(relay):
    tell(relay, "OLD-1")
    relay.luminate.script = ["lost"]
    relay.take(make_gift(keys=("pi_1",)))
    relay.post(1)
    relay.take(make_link("ch_1", "pi_1"))
    relay.later(hours=1)
    Probing(relay.database, relay.organization, Shows()).run()
    relay.post()
    assert (relay.entry(2).status, relay.entry(2).reason) == (Status.HELD, "code_supplied")
    assert len(relay.luminate.sent("add")) == 1


def test_a_gift_in_flight_that_turns_out_to_be_the_told_one_is_not_sent_again(relay):
    tell(relay, "OLD-1")
    relay.take(make_gift(keys=("pi_1",)))

    def joined_meanwhile(_parameters):
        relay.take(make_link("ch_1", "pi_1"))
        raise NotSent("connection_refused: Nobody listens.")

    relay.luminate.script = [joined_meanwhile]
    relay.post(1)
    relay.later(hours=2)
    relay.post()
    assert (relay.entry(2).status, relay.entry(2).reason) == (Status.HELD, "code_supplied")


def test_the_word_perhaps_goes_once_it_is_sure(relay):
    relay.take(make_gift())
    relay.take(make_gift(keys=("pi_1",)))
    relay.post()
    relay.take(make_refund("5.00"))
    relay.post()
    relay.luminate.script = ["lost"]
    relay.take(make_total("5.00", parents=("pi_1",)))
    relay.post(1)
    relay.take(make_link("ch_1", "pi_1"))
    assert any("perhaps" in relay.entry(number).flag for number in (3, 4))
    relay.later(hours=1)
    relay.deciding.found(4, relay.entry(2).confirmation_code, actor=operator("Ada"), reason="seen")
    assert not any("perhaps" in relay.entry(number).flag for number in (3, 4))
    assert any("Sent twice" in relay.entry(number).flag for number in (3, 4))


def test_a_gift_in_doubt_whose_code_was_told_is_held_once_a_person_says_it_is_absent(relay):
    tell(relay, "OLD-1")
    relay.luminate.script = ["lost"]
    relay.take(make_gift(keys=("pi_1",)))
    relay.post(1)
    relay.take(make_link("ch_1", "pi_1"))
    assert "OLD-1" in relay.entry(2).flag
    relay.later(hours=1)
    relay.deciding.absent(2, attempt=1, actor=operator("ann"), reason="only OLD-1 is there, no second one")
    relay.post()
    assert len(relay.luminate.sent("add")) == 1
    assert (relay.entry(2).status, relay.entry(2).reason) == (Status.HELD, "code_supplied")
