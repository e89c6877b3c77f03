"""``flask replays``, ``proposals``, ``by-hand`` and ``note``: the same use cases as the console, by command."""

import orjson

from relay.access import operator
from relay.ledger.search import Filter
from tests.service.cli.conftest import FIELD_ERROR

ANN = ("--reason", "she told us", "--who", "Ann")


def refused(house, amount="25.00"):
    house.give("ch_1", amount)
    house.post(FIELD_ERROR)
    assert house.status(1) == "rejected"


def test_a_drawn_replay_is_started_paused_resumed_and_told(house):
    refused(house)
    house.relay.plans.draw(Filter(ids=(1,)), actor=operator("Ann"), search="#1")
    assert "drawn" in house.run("replays", "list").stdout
    assert "Replay 1 runs." in house.run("replays", "start", 1, *ANN).stdout
    assert house.relay.bell.rung[-1] == "hope"
    assert "is paused" in house.run("replays", "pause", 1, "--who", "Ann").stdout
    assert not house.relay.plans.advance("hope")
    assert "1 rejected" not in house.run("replays", "show", 1).stdout
    house.run("replays", "resume", 1, "--who", "Ann")
    assert not house.relay.plans.advance("hope")
    shown = house.run("replays", "show", 1).stdout
    assert "in line again" in shown
    assert "Replay 1 is done: 1 of 1 done (1 queued), 0 stay as they are." in shown
    assert orjson.loads(house.run("replays", "show", 1, "--json").stdout)["result"] == "in line again"
    assert orjson.loads(house.run("replays", "list", "--json").stdout)["status"] == "done"
    assert "it cannot be cancelled" in house.run("replays", "cancel", 1, "--who", "Ann", code=1).stderr
    assert "no plan 7" in house.run("replays", "show", 7, code=1).stderr


def test_a_cancelled_replay_leaves_its_entries_as_they_are(house):
    refused(house)
    house.relay.plans.draw(Filter(ids=(1,)), actor=operator("Ann"), search="#1")
    assert "cancelled" in house.run("replays", "cancel", 1, "--who", "Ann").stdout
    assert "is cancelled; it cannot be started" in house.run("replays", "start", 1, *ANN, code=1).stderr
    assert house.status(1) == "rejected"


def test_a_second_person_agrees_or_refuses(house):
    house.configure(second_person_above=20)
    refused(house)
    first = house.run("correct", 1, "zip=97201", *ANN, code=1)
    assert "is not something" in first.stderr
    assert "Proposal 1: another person must agree" in house.run("correct", 1, "donor.address.zip=97201", *ANN).stdout
    assert "waits" in house.run("proposals", "list").stdout
    assert orjson.loads(house.run("proposals", "list", "--json").stdout)["changes"] == {"donor.address.zip": "97201"}
    assert "Another person" in house.run("proposals", "agree", 1, "--who", "Ann", code=1).stderr
    assert "refused" in house.run("proposals", "refuse", 1, "--who", "Bob", "--reason", "no").stdout
    house.run("correct", 1, "donor.address.zip=97202", *ANN)
    assert "is now queued" in house.run("proposals", "agree", 2, "--who", "Bob").stdout
    assert "agreed" in house.run("proposals", "list").stdout


def test_somebody_else_is_correcting_it(house):
    refused(house)
    house.relay.correcting.open(1, actor=operator("Ann"))
    bob = ("donor.address.zip=97201", "--reason", "new", "--who", "Bob")
    assert "being corrected by Ann" in house.run("correct", 1, *bob, code=1).stderr
    assert "is now queued" in house.run("correct", 1, "--take-over", *bob).stdout


def test_a_gift_entered_by_hand(house):
    refused(house)
    unchecked = house.run("by-hand", 1, "R-77", *ANN, code=1)
    assert "could not be checked" in unchecked.stderr
    assert "--seen" in unchecked.stderr
    assert "confirmation code R-77" in house.run("by-hand", 1, "R-77", "--seen", *ANN).stdout
    assert house.status(1) == "posted"


def test_a_refund_by_the_code_that_somebody_tells(house):
    house.refund("re_1", "ch_9", "5.00")
    assert "`flask gift-code 1 CODE`" in " ".join(house.run("show", 1).stdout.split())
    unchecked = house.run("gift-code", 1, "OLD-1", *ANN, code=1)
    assert "--seen and --worth" in unchecked.stderr
    assert "amount of the gift" in house.run("gift-code", 1, "OLD-1", "--seen", "--worth", "x", *ANN, code=1).stderr
    done = house.run("gift-code", 1, " OLD-1", "--seen", "--worth", "25", *ANN).stdout
    assert "relay refunds entry 1 by the confirmation code OLD-1." in done
    house.post()
    (call,) = house.luminate.calls
    assert (call["refund_user_confirm_code"], call["refund_amount"]) == ("OLD-1", "5.00")
    assert "Ann told the confirmation code of its gift" in " ".join(house.run("show", 1).stdout.split())


def test_a_note_stands_in_the_story(house):
    refused(house)
    house.run("note", 1, "--reason", "I have asked her", "--who", "Ann")
    assert "Ann noted: I have asked her" in house.run("show", 1).stdout
    assert house.status(1) == "rejected"
