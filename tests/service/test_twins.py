"""Two entries of one payment, met under several ids: what a person said of one holds for the other; one is there."""

from dataclasses import replace

import pytest

from relay.access import operator
from relay.errors import NotSent
from relay.ledger import claims, entries
from relay.status import Status
from tests.builders import DONOR, make_back, make_gift, make_link, make_refund
from tests.service.test_late_proof import answers_late, held_back
from tests.service.test_probing import FakeReader, probe

ANN = operator("ann")


def take(relay, key):
    """A gift under this id, of an address of its own: whatever is one person's waits for another reason."""
    relay.take(make_gift(keys=(key,), donor=replace(DONOR, email=f"{key}@example.org")))


def claim(relay, number):
    with relay.database.write() as tx:
        now = relay.database.now(tx)
        return claims.claim(tx, entries.get(tx, number), now, seconds=60, worker="w", login_name="api")


def both_called(relay, word):
    """Two entries were under way when their ids met: the folded one was recorded, the kept one was not."""
    take(relay, "in_1")
    take(relay, "pi_1")
    kept, folded = claim(relay, 1), claim(relay, 2)
    relay.take(make_link("in_1", "pi_1"))
    relay.luminate.script = ["ok", word]
    relay.posting()._send(folded)
    relay.posting()._send(kept)
    assert len(relay.luminate.gifts) == 1


@pytest.mark.parametrize("word", ["not_sent", "rejected", "blocked"])
def test_of_two_that_were_called_the_recorded_one_is_the_payment_s_gift(relay, word):
    both_called(relay, word)
    kept, folded = relay.entry(1), relay.entry(2)
    assert (kept.status, kept.merged_into) == (Status.CLOSED, 2)
    assert (folded.status, folded.merged_into, folded.flag) == (Status.POSTED, None, "")


@pytest.mark.parametrize("parent", ["in_1", "pi_1"])
def test_and_its_refund_is_made(relay, parent):
    both_called(relay, "rejected")
    relay.take(make_refund("5.00", parents=(parent,)))
    relay.post()
    assert relay.luminate.net == 2000


def test_also_where_the_kept_one_was_in_doubt_until_a_look_up(relay):
    both_called(relay, "lost")
    assert (relay.entry(1).status, relay.entry(2).flag[:10]) == (Status.UNKNOWN, "Sent twice")
    relay.take(make_refund("5.00", parents=("pi_1",)))
    relay.later(hours=1)
    relay.deciding.absent(1, attempt=1, actor=ANN, reason="not there")
    relay.post()
    assert (relay.entry(1).status, relay.entry(2).merged_into, relay.entry(2).flag) == (Status.CLOSED, None, "")
    assert relay.luminate.net == 2000


def test_where_both_are_there_a_person_takes_one_back(relay):
    take(relay, "in_1")
    take(relay, "pi_1")
    kept, folded = claim(relay, 1), claim(relay, 2)
    relay.take(make_link("in_1", "pi_1"))
    for one in (kept, folded):
        relay.posting()._send(one)
    assert (relay.entry(1).merged_into, relay.entry(2).merged_into) == (None, 1)
    assert relay.entry(2).flag.startswith("Sent twice: entry 1")


def test_a_third_id_does_not_forget_the_twin_that_was_sent(relay):
    both_called(relay, "not_sent")
    take(relay, "cs_1")
    relay.take(make_link("in_1", "cs_1"))
    relay.post()
    assert len(relay.luminate.gifts) == 1


def test_what_a_person_ended_is_not_sent_under_a_third_id(relay):
    take(relay, "in_1")
    relay.deciding.close(1, actor=ANN, reason="entered in Luminate by hand")
    take(relay, "pi_1")
    take(relay, "cs_1")
    relay.take(make_link("in_1", "pi_1", "cs_1"))
    relay.post()
    assert relay.luminate.sent("add") == []
    assert [(one.status, one.reason) for one in relay.entries() if one.merged_into is None] == [
        (Status.HELD, "closed_before")
    ]


def test_what_was_closed_in_doubt_is_not_sent_under_a_third_id(relay):
    relay.luminate.script = ["recorded"]
    take(relay, "in_1")
    relay.post(1)
    relay.deciding.close(1, actor=ANN, reason="seen to")
    take(relay, "pi_1")
    take(relay, "cs_1")
    relay.take(make_link("in_1", "pi_1", "cs_1"))
    relay.post()
    (stands,) = (one for one in relay.entries() if one.merged_into is None)
    relay.replay(stands.id)
    relay.post()
    assert len(relay.luminate.gifts) == 1
    assert relay.entry(stands.id).reason == "twin_was_sent"


def test_a_reopened_gift_waits_for_its_replay_whatever_id_it_has(relay):
    take(relay, "in_1")
    relay.deciding.close(1, actor=ANN, reason="entered in Luminate by hand?")
    relay.deciding.reopen(1, actor=ANN, reason="not sure: let me look first")
    take(relay, "pi_1")
    relay.take(make_link("in_1", "pi_1"))
    relay.post()
    assert relay.luminate.sent("add") == []
    assert (relay.entry(2).status, relay.entry(2).reason) == (Status.HELD, "reopened")


def test_what_luminate_is_known_to_have_is_not_sent_under_another_id(relay):
    known_to_be_there(relay)
    take(relay, "pi_9")
    relay.take(make_link("ch_0", "pi_9"))
    relay.later(hours=1)
    relay.post()
    assert len(relay.luminate.gifts) == 1
    assert [(one.status, one.reason) for one in relay.entries() if one.merged_into is None] == [
        (Status.HELD, "recorded_before")
    ]


def test_nor_forgone_when_it_is_refunded_in_full(relay):
    known_to_be_there(relay)
    relay.take(make_refund("25.00", parents=("ch_0",)))
    assert [one.status for one in relay.entries()] == [Status.HELD, Status.WAITING]
    relay.deciding.by_hand(1, "C1", actor=ANN, reason="there it is", seen=True)
    relay.post()
    assert relay.luminate.net == 0


def known_to_be_there(relay):
    held = held_back(relay)

    def meanwhile(_parameters):
        answers_late(relay, held)
        raise NotSent("connection_refused: Nobody listens.")

    relay.luminate.script = [meanwhile]
    relay.post()
    assert relay.entry(1).reason == "recorded_before"


def test_a_gift_is_not_forgone_while_its_twin_may_be_there(relay):
    take(relay, "in_1")
    take(relay, "pi_1")
    kept, folded = claim(relay, 1), claim(relay, 2)
    relay.take(make_link("in_1", "pi_1"))
    relay.luminate.script = ["recorded", "rejected"]
    relay.posting()._send(folded)
    relay.posting()._send(kept)
    relay.take(make_refund("25.00", parents=("pi_1",)))
    relay.later(hours=1)
    probe(relay, FakeReader(relay))
    relay.post()
    gifts, refunds = relay.entries()[:2], relay.entries()[2:]
    assert [(one.status, one.merged_into, one.flag) for one in gifts] == [
        (Status.CLOSED, 2, ""),
        (Status.POSTED, None, ""),
    ]
    assert ([one.status for one in refunds], relay.luminate.net) == ([Status.POSTED], 0)


def test_a_gift_that_was_closed_in_doubt_once_and_forgone_since_comes_back_with_its_money(relay):
    relay.luminate.script = ["lost"]
    relay.take(make_gift())
    relay.post(1)
    relay.deciding.close(1, actor=ANN, reason="seen to")
    relay.deciding.reopen(1, actor=ANN, reason="not yet")
    relay.later(hours=1)
    relay.deciding.absent(1, attempt=1, actor=ANN, reason="not there")
    relay.take(make_refund("25.00"))
    assert [(one.status, one.reason) for one in relay.entries()] == [
        (Status.CLOSED, "refunded_unposted"),
        (Status.CLOSED, "gift_closed"),
    ]
    relay.take(make_back("re_1", "25.00"))
    assert (relay.entry(1).status, relay.entry(1).reason) == (Status.HELD, "money_came_back")


def test_a_person_who_closed_the_wrong_one_reopens_it_and_the_recorded_one_stands(relay):
    take(relay, "in_1")
    take(relay, "pi_1")
    kept, folded = claim(relay, 1), claim(relay, 2)
    relay.take(make_link("in_1", "pi_1"))
    relay.luminate.script = ["rejected"]
    relay.posting()._send(kept)
    relay.deciding.close(1, actor=ANN, reason="refused")
    relay.posting()._send(folded)
    relay.take(make_refund("5.00", parents=("pi_1",)))
    assert relay.refunds()[0].status is Status.CLOSED
    relay.deciding.reopen(1, actor=ANN, reason="it is there after all")
    relay.post()
    assert (relay.entry(2).merged_into, relay.luminate.net) == (None, 2000)


def test_two_amounts_of_one_payment_are_told(relay):
    relay.take(make_gift("100.00", keys=("in_1",)))
    relay.take(make_gift("90.00", keys=("pi_1",), donor=replace(DONOR, email="b@example.org")))
    kept, folded = claim(relay, 1), claim(relay, 2)
    relay.take(make_link("in_1", "pi_1"))
    relay.luminate.script = ["ok", "rejected"]
    relay.posting()._send(folded)
    relay.posting()._send(kept)
    assert "told with 100.00" in relay.entry(2).flag


def test_closing_a_gift_in_doubt_ends_no_refund(relay):
    relay.luminate.script = ["lost"]
    relay.take(make_gift())
    relay.post(1)
    relay.take(make_refund("5.00"))
    assert relay.deciding.close(1, actor=ANN, reason="seen to") == [1]
    assert relay.entry(2).status is Status.HELD
