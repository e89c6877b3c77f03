"""`flask replay`: shows first, asks, then does; nothing twice, nobody mailed by accident."""

from dataclasses import replace

import pytest

from relay.access import operator
from relay.cli import commands
from relay.config import Mode


@pytest.fixture
def person(monkeypatch):
    """Somebody sits at the terminal."""
    monkeypatch.setattr(commands, "is_interactive", lambda: True)


ASKED = ("--reason", "mended", "--who", "Ann")


def map_air(house):
    charity = house.relay.settings.organizations["hope"]
    house.configure(funds={**charity.funds, "AIR": charity.funds["WATER"]})


def test_it_shows_count_sum_and_effect_and_does_nothing_without_a_yes(house):
    house.give("ch_1", "25.00", fund="AIR")
    house.give("ch_2", "1000.00", fund="AIR")
    map_air(house)
    house.give("ch_3", "5.00", fund="WATER")
    house.give("ch_4", "7.00", email="")
    result = house.run("replay", "--organization", "hope", *ASKED, code=2)
    assert "Would be sent again: 2 entries, gifts of $1,025.00." in result.stdout
    assert "will send one addOfflineDonation of $1,000.00 to form 1260" in result.stdout
    assert "Donors whom Luminate may e-mail: 0." in result.stdout
    assert "stays: it is in line already" in result.stdout
    assert "stays: it would be held again: The donor has no e-mail address." in result.stdout
    assert "Donors whom Luminate may e-mail: 0." in result.stdout
    assert "--yes" in result.stderr
    assert house.status(1) == "held"


def test_a_person_may_say_no(house, person):
    house.give("ch_1", fund="AIR")
    map_air(house)
    result = house.run("replay", 1, *ASKED, code=1, input="n\n")
    assert "Nothing was changed." in result.stderr
    assert house.run("events", "--json").exit_code == 0


def test_it_posts_after_the_fund_was_mapped(house, person):
    house.give("ch_1", fund="AIR")
    map_air(house)
    result = house.run("replay", "--reason-code", "fund_not_mapped", *ASKED, input="y\n")
    assert "In line now: 1." in result.stdout
    assert house.relay.bell.rung[-1] == "hope"
    house.post()
    assert house.status(1) == "posted"


def test_what_is_still_wrong_is_left_as_it_is(house):
    house.give("ch_1", fund="AIR")
    result = house.run("replay", 1, "--yes", *ASKED, code=1)
    assert "it would be held again: Fund 'AIR'" in result.stdout
    assert "Nothing of this can be sent again." in result.stderr
    assert house.status(1) == "held"


def test_a_refund_of_more_than_is_left_is_held_again_and_told(house):
    house.give("ch_1", "25.00")
    house.post()
    house.refund("re_1", "ch_1", "30.00")
    assert "Still held: 2." in house.run("replay", 2, "--yes", *ASKED).stdout


def test_it_mails_nobody_unless_somebody_chose_it(house, field_error):
    house.give("ch_1")
    house.post(field_error)
    house.run("replay", 1, "--yes", *ASKED)
    house.post(field_error)
    house.run("replay", 1, "--yes", "--mail", *ASKED)
    house.post()
    receipts = [call["send_receipt"] for call in house.luminate.calls]
    assert receipts == ["true", "false", "true"]


def test_a_refund_replayed_mails_nobody_either(house):
    house.give("ch_1", "25.00")
    house.refund("re_1", "ch_1", "30.00")
    house.post()
    assert house.status(2) == "held"
    house.take(house.gift("ch_1", amount="25.00"))
    with house.relay.database.write() as tx:
        tx.exec_driver_sql("UPDATE entries SET amount = 1000 WHERE id = 2")
    result = house.run("replay", 2, "--yes", *ASKED)
    assert "refundOfflineDonation of $10.00" in result.stdout
    assert "Donors whom Luminate may e-mail: 0." in result.stdout
    house.post()
    assert house.luminate.calls[-1]["send_auto_responder"] == "false"


@pytest.mark.parametrize("status", ["posted", "unknown"])
def test_what_luminate_has_or_may_have_is_never_sent_again(house, status):
    house.give("ch_1")
    house.post(*([] if status == "posted" else [ValueError("broken")]))
    assert house.status(1) == status
    result = house.run("replay", 1, "--yes", *ASKED, code=1)
    assert "stays: " in result.stdout
    assert "Nothing of this can be sent again." in result.stderr


def test_everything_at_once_is_refused(house):
    house.give("ch_1", email="")
    assert "everything at once" in house.run("replay", "--yes", *ASKED, code=2).stderr


def test_an_id_that_is_not_there_stops_all(house):
    house.give("ch_1", fund="AIR")
    assert "1 entry 7" in house.run("replay", 1, 7, "--yes", *ASKED, code=1).stderr


def test_a_reason_must_be_given(house):
    assert "--reason" in house.run("replay", 1, "--yes", code=2).stderr
    house.give("ch_1", fund="AIR")
    map_air(house)
    assert "say who asks" in house.run("replay", 1, "--yes", "--reason", " ", code=1).stderr.lower()


def test_somebody_else_was_first(house, monkeypatch):
    house.give("ch_1", fund="AIR")
    house.give("ch_2", fund="AIR")
    map_air(house)
    draw = house.relay.plans.draw

    def meanwhile(wanted, **told):
        drawn = draw(wanted, **told)
        house.relay.deciding.close(1, actor=operator("Bob"), reason="not ours")
        return drawn

    monkeypatch.setattr(house.relay.plans, "draw", meanwhile, raising=False)
    result = house.run("replay", 1, 2, "--yes", *ASKED)
    assert "left alone: 1." in result.stdout
    assert house.status(1) == "closed"


def test_money_that_came_back_is_recorded_once_more_by_a_replay(house):
    house.give("ch_1", "25.00")
    house.refund("re_1", "ch_1", "10.00")
    house.post()
    house.post()
    back = house.back("re_1", "ch_1", "10.00")
    assert house.status(back) == "held"
    said = " ".join(house.run("show", back).stdout.split())
    assert f"To record the money as a gift once more, `flask replay {back}`" in said
    assert "Would be sent again: 1 entry, reinstatements of $10.00." in (
        house.run("replay", back, "--yes", *ASKED).stdout
    )
    house.post()
    assert house.status(back) == "posted"
    assert house.luminate.calls[-1]["other_amount"] == "10.00"
    assert house.luminate.calls[-1]["send_receipt"] == "false"


def test_money_that_came_back_for_a_gift_nobody_knows_is_recorded_by_hand(house):
    house.refund("re_1", "ch_1", "10.00")
    with house.relay.database.write() as tx:
        tx.exec_driver_sql("UPDATE entries SET status = 'posted', posted_at = received_at")
    back = house.back("re_1", "ch_1", "10.00")
    result = house.run("replay", back, "--yes", *ASKED, code=1)
    assert "record it in Luminate by hand" in result.stdout


# --- an event read again --------------------------------------------------------------------------------------------


def lost(house):
    """An event that an older relay did not understand."""
    event = house.take(house.gift("ch_9"))
    house.facts["evt_1"], kept = None, house.facts["evt_1"]
    with house.relay.database.write() as tx:
        for table in ("event_entries", "entries", "payment_keys", "payments"):
            tx.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608
        tx.exec_driver_sql("UPDATE events SET verdict = 'not_understood', event_id = '', type = ''")
    house.facts["evt_1"] = kept
    return event


def test_an_event_is_read_again_and_mails_nobody(house):
    event = lost(house)
    result = house.run("replay", "--event", event, "--yes", *ASKED)
    assert "is now: entry." in result.stdout
    (row,) = house.lines("events")
    assert (row["verdict"], row["event_id"], row["entries"]) == ("entry", "evt_1", [1])
    assert "read again by Ann: mended" in row["note"]
    assert house.relay.bell.rung[-1] == "hope"
    house.post()
    assert house.luminate.calls[0]["send_receipt"] == "false"


def test_an_event_that_is_still_not_understood_stays_as_it_was(house):
    event = lost(house)
    del house.facts["evt_1"]
    result = house.run("replay", "--event", event, "--yes", *ASKED, code=1)
    assert "is still not understood: the object of the event is of an unknown kind" in result.stderr
    assert house.lines("events")[0]["note"] == ""


def test_a_test_event_is_not_let_in_by_the_back_door(house):
    event = lost(house)
    house.facts["evt_1"] = replace(house.facts["evt_1"], live=False)
    house.configure(mode=Mode.LIVE)
    assert "a test event" in house.run("replay", "--event", event, "--yes", *ASKED, code=1).stderr.lower()


def test_an_event_that_made_its_entry_is_not_booked_twice(house):
    house.give("ch_1")
    house.take(house.gift("ch_1"))
    assert "booked already" in house.run("replay", "--event", 1, "--yes", *ASKED, code=1).stderr
    assert "booked already" in house.run("replay", "--event", 2, "--yes", *ASKED, code=1).stderr
    assert "no event number 3" in house.run("replay", "--event", 3, "--yes", *ASKED, code=1).stderr


def test_a_sibling_that_booked_the_payment_meanwhile_wins(house):
    event = lost(house)
    house.take(house.gift("ch_9"))
    result = house.run("replay", "--event", event, "--yes", *ASKED)
    assert "is now: duplicate." in result.stdout
    assert len(house.lines("gifts")) == 1


def test_what_was_never_proven_is_not_believed_because_a_person_asks(house):
    event = lost(house)
    with house.relay.database.write() as tx:
        tx.exec_driver_sql("UPDATE events SET secret_place = NULL, verdict = 'flagged'")
    result = house.run("replay", "--event", event, "--yes", *ASKED, code=1)
    assert "was never proven to come from stripe" in result.stderr
    assert house.lines("gifts") == []


def test_an_event_that_only_names_an_object_asks_the_provider_s_api(house):
    event = lost(house)
    told = house.facts["evt_1"]
    house.facts["evt_1"] = replace(told, facts=(), wanted="ch_9")
    provider = house.relay.providers["stripe"]
    house.relay.providers["stripe"] = replace(provider, fetch=lambda *_: told)
    assert "is now: entry." in house.run("replay", "--event", event, "--yes", *ASKED).stdout
    house.post()
    assert house.luminate.calls[0]["send_receipt"] == "false"


def test_an_event_that_waits_is_left_to_the_workers(house):
    event = lost(house)
    with house.relay.database.write() as tx:
        tx.exec_driver_sql("UPDATE events SET verdict = 'pending'")
    assert "a worker completes it" in house.run("replay", "--event", event, "--yes", *ASKED, code=1).stderr


def test_an_event_stands_alone(house):
    assert "stands alone" in house.run("replay", 1, "--event", 1, "--yes", *ASKED, code=2).stderr
