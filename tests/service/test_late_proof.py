"""Answers that come late, to another's call, or while the ledger's clock is put right: what that proves, and not."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from relay.access import operator
from relay.errors import MaybeSent, NotSent
from relay.gifts import Donor
from relay.luminate.seen import Seen
from relay.outbound.probing import Probing
from relay.status import Status
from tests.builders import DONOR, make_gift, make_refund
from tests.fakes import as_answer, donation
from tests.service.test_posting import claim, expire, give
from tests.service.test_probing import FakeReader, Shows, probe, unknown

ANN = operator("ann")


@pytest.fixture
def reader(relay):
    return FakeReader(relay)


# --- the answer of a gift that nobody owns yet ------------------------------------------------------------------------


def refund_answered_with(relay, code):
    give(relay, 1)
    relay.post()
    relay.luminate.script = [lambda _parameters: donation(code, "25.00")]
    relay.take(make_refund("5.00", parents=("ch_0",)))
    relay.post()
    assert relay.luminate.refunds == []


def test_the_answer_of_a_gift_in_flight_proves_no_refund(relay):
    refund_answered_with(relay, "C2")
    refund = relay.entry(2)
    assert (refund.status, refund.reason) == (Status.UNKNOWN, "code_of_another_gift")


def test_of_two_whose_answers_were_swapped_the_refund_is_a_person_s(relay, reader):
    refund_answered_with(relay, "C2")

    def refunds_answer(parameters):
        relay.luminate.record("add", parameters)
        return as_answer({"refundOfflineDonationResponse": {"refund": {"transaction_id": "1"}}})

    relay.luminate.script = [refunds_answer]
    relay.take(make_gift(keys=("ch_9",), donor=Donor(name=DONOR.name, email="other@example.org")))
    relay.post()
    for _ in range(3):
        relay.later(hours=1)
        probe(relay, reader)
    gift, refund = relay.entry(3), relay.entry(2)
    assert (gift.status, gift.confirmation_code) == (Status.POSTED, "C2")
    assert (refund.status, refund.reason) == (Status.UNKNOWN, "refund_not_seen")


# --- proof of an earlier call -----------------------------------------------------------------------------------------


def held_back(relay):
    """A first call whose answer is in the hands of a worker that stands still; a person says it is absent meanwhile."""
    give(relay)
    held = claim(relay)
    expire(relay)
    relay.later(hours=1)
    relay.deciding.absent(1, attempt=1, actor=ANN, reason="not there")
    return held


def answers_late(relay, held):
    relay.luminate.script = ["ok"]
    relay.posting()._send(held)
    relay.luminate.script = []


@pytest.mark.parametrize("ending", ["not_sent", "blocked"])
def test_what_was_recorded_is_not_sent_again_when_the_next_call_does_not_get_through(relay, ending):
    held = held_back(relay)

    def meanwhile(parameters):
        answers_late(relay, held)
        if ending == "not_sent":
            raise NotSent("connection_refused: Nobody listens.")
        return relay.luminate._blocked("add", parameters)

    relay.luminate.script = [meanwhile]
    relay.post()
    for _ in range(3):
        relay.later(hours=1)
        relay.sweep().run()
        relay.post()
    entry = relay.entry(1)
    assert len(relay.luminate.gifts) == 1
    assert (entry.status, entry.reason, "C1" in entry.flag) == (Status.HELD, "recorded_before", True)


def test_nor_when_the_next_call_is_proven_absent(relay):
    held = held_back(relay)
    relay.luminate.script = ["lost"]
    relay.post()
    answers_late(relay, held)
    at = relay.attempts()[0]["started_at"] + timedelta(seconds=1)
    row = Seen(kind="DONATION", confirmation_code="C1", amount=Decimal("25.00"), at=at)
    for _ in range(4):
        relay.later(hours=2)
        Probing(relay.database, relay.organization, Shows(row)).run()
        relay.post()
    assert len(relay.luminate.gifts) == 1
    assert relay.entry(1).reason == "recorded_before"


def test_a_person_says_so_and_its_refund_goes(relay):
    test_nor_when_the_next_call_is_proven_absent(relay)
    relay.take(make_refund("5.00", parents=("ch_0",)))
    relay.deciding.by_hand(1, "C1", actor=ANN, reason="there it is", seen=True)
    relay.post()
    assert relay.luminate.net == 2000


# --- clocks and look-ups that stood still -----------------------------------------------------------------------------


def test_a_clock_that_is_set_back_during_a_call_proves_no_absence(relay):
    """The ledger's clock was half an hour fast, and is put right while a call is under way."""
    relay.database.ahead = timedelta(minutes=30)

    def put_right(parameters):
        relay.luminate.record("add", parameters)
        relay.database.ahead = timedelta()
        raise MaybeSent("read_timeout: No answer.")

    relay.take(make_gift())
    relay.luminate.script = [put_right]
    relay.post(1)
    row = Seen(kind="DONATION", confirmation_code="C1", amount=Decimal("25.00"), at=datetime.now(UTC))
    for _ in range(4):
        relay.later(minutes=20)
        Probing(relay.database, relay.organization, Shows(row)).run()
    entry = relay.entry(1)
    assert (entry.status, entry.confirmation_code) == (Status.POSTED, "C1")


def test_a_look_up_that_another_one_overtook_concludes_nothing(relay, reader):
    """Seed 3617 of the simulation: a worker stood still in its look-up, and then spoke over what a person was told."""
    unknown(relay, "recorded")
    relay.later(hours=1)
    real = reader.seen

    def stands_still(**asked):
        shown = real(**asked)
        reader.seen = real
        reader.extra = [reader.row(Decimal("25.00"), "C7", relay.attempts()[-1]["started_at"])]
        probe(relay, reader)
        return shown

    reader.seen = stands_still
    probe(relay, reader)
    entry = relay.entry(1)
    assert (entry.status, entry.reason, entry.probes) == (Status.UNKNOWN, "look_alikes", 1)
