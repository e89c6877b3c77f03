"""What comes and goes mails little, and what is new mails at once: with moved time, on both databases."""

from dataclasses import replace
from datetime import datetime, time

import pytest

from relay.access import operator
from relay.ledger import alerts, pauses
from relay.outbound import pausing
from tests.service.test_alerting import House, mailbox, text_of
from tests.service.test_ill_site import gifts, pause_of

__all__ = ["mailbox"]
PAUSED, OVER = "alder: posting to Luminate is paused", "alder: over: posting to Luminate goes on"


@pytest.fixture
def house(database_url, mailbox):
    return House(database_url, mailbox)


def switch(house, *, on):
    """Pause posting, or let it go on."""
    with house.relay.database.read() as tx:
        is_on = pauses.of(tx, "alder") is not None
    if on and not is_on:
        pausing.pause(house.relay.database, "alder", actor=operator("ann"), reason="why")
    if is_on and not on:
        pausing.resume(house.relay.database, "alder", actor=operator("ann"), reason="why")


def flap(house, *, on, off, minutes, step=5):
    """So many minutes on, so many off, again and again; what was mailed, with the minute of each."""
    seen = []
    for minute in range(0, minutes, step):
        switch(house, on=minute % (on + off) < on)
        before = len(house.mailbox.subjects)
        seen += [(minute, subject) for subject in house.look()[before:]]
        house.relay.later(minutes=step)
    return seen


def test_what_flips_every_minute_mails_once_and_its_end_once(house):
    assert flap(house, on=1, off=1, minutes=40, step=1) == [(0, PAUSED)]
    switch(house, on=False)
    house.look(minutes=10)
    assert house.mailbox.subjects == [PAUSED, OVER]


@pytest.mark.parametrize(("on", "off"), [(5, 5), (15, 10)])
def test_what_is_never_away_for_ten_minutes_mails_once(house, on, off):
    assert flap(house, on=on, off=off, minutes=150) == [(0, PAUSED)]


@pytest.mark.parametrize(
    ("on", "off", "minutes"),
    [
        # It never stays for ten minutes: the summary of the day tells of the rest.
        (5, 15, [0, 15]),
        # It stays for longer each time, and must be away for ever longer: 10, 20, 40 minutes, an hour.
        (20, 25, [0, 30, 55, 85, 100]),
        (30, 50, [0, 40, 90, 130, 170, 230, 250]),
    ],
)
def test_what_comes_and_goes_within_the_hour_is_told_ever_less(house, on, off, minutes):
    told = flap(house, on=on, off=off, minutes=5 * 60)
    assert [minute for minute, _ in told] == minutes
    assert [subject for _, subject in told] == ([PAUSED, OVER] * 4)[: len(told)]


def test_the_first_alert_is_never_kept_back_nor_one_after_an_hour(house):
    for _ in range(3):
        switch(house, on=True)
        before = len(house.mailbox.subjects)
        assert house.look()[before:] == [PAUSED]
        switch(house, on=False)
        house.look(minutes=1)
        assert house.look(minutes=10)[before + 1 :] == [OVER]
        house.look(minutes=61)
    assert len(house.rows()) == 3


def test_what_comes_back_within_the_hour_is_the_same_alert_and_told_if_it_stays(house):
    switch(house, on=True)
    house.look()
    switch(house, on=False)
    house.calm(minutes=1)
    switch(house, on=True)
    assert len(house.look(minutes=30)) == 2
    assert len(house.look(minutes=9)) == 2
    assert house.look(minutes=1)[2:] == [PAUSED]
    assert len(house.look(minutes=1)) == 3
    (row,) = house.rows()
    assert (row.ended_at, row.endings, row.returns) == (None, 1, 1)
    switch(house, on=False)
    house.look(minutes=1)
    assert len(house.look(minutes=19)) == 3  # the second end takes twenty minutes
    assert house.look(minutes=1)[3:] == [OVER]


def test_something_else_is_not_held_back_by_what_flaps(house):
    flap(house, on=5, off=5, minutes=30)
    house.hold("25.00")
    assert house.look()[1:] == ["alder: 1 gift needs a person: $25.00"]


def test_nobody_is_told_of_what_went_while_the_mail_server_was_down(house):
    house.mailbox.down()
    switch(house, on=True)
    house.look()
    switch(house, on=False)
    house.look(minutes=1)
    house.mailbox.up()
    assert house.look(minutes=5) == []
    switch(house, on=True)
    assert house.look(minutes=2) == [PAUSED]  # it is there again, and this is the first that anybody hears


def test_the_daily_summary_counts_how_often_it_came_back(database_url, mailbox):
    house = House(database_url, mailbox)
    # The hour of the summary is not in the hour that follows, whatever the time is now.
    local = datetime.now(house.charity.time_zone)
    told = replace(house.charity.alerts, daily_at=time((local.hour - 2) % 24))
    house.charity = replace(house.charity, alerts=told)
    house.look()
    flap(house, on=5, off=5, minutes=60)
    house.look(days=1)
    text = text_of(mailbox.mails[-1])
    assert "Came back again since the last summary:" in text
    assert "- Posting to Luminate is paused: 5 times." in text
    house.look(days=1)
    assert "Came back" not in text_of(mailbox.mails[-1])
    with house.relay.database.write() as tx:
        assert alerts.came_back(tx, "alder") == []


def test_one_alert_a_day_is_always_told(house):
    for day in range(4):
        switch(house, on=True)
        assert house.look().count(PAUSED) == day + 1
        switch(house, on=False)
        house.relay.later(hours=3)
        house.calm()
        house.relay.later(days=1, minutes=-(3 * 60 + 10))
    assert house.mailbox.subjects == [PAUSED, OVER] * 4


# --- who ends a pause: relay by itself, or only a person -------------------------------------------------------------


def of_pauses(house):
    return [subject for subject in house.mailbox.subjects if subject in {PAUSED, OVER}]


def blocked(house):
    """A pause that relay ends by itself, told as such."""
    gifts(house.relay, 40)
    house.relay.luminate.script = ["blocked"]
    house.relay.post()
    house.look()
    assert house.mailbox.subjects == [PAUSED]
    assert "relay tries again by itself" in text_of(house.mailbox.mails[0])


def test_that_only_a_person_ends_a_pause_is_told_also_after_one_that_ended_by_itself(house):
    blocked(house)
    house.relay.later(seconds=61)
    assert house.relay.sweep().run().resumed == ["alder"]
    house.look()
    house.relay.luminate.script = ["rejected"] * 40
    house.relay.post(times=60)
    assert pause_of(house.relay).check_at is None
    house.look()
    assert of_pauses(house) == [PAUSED, PAUSED]
    assert "Only a person ends this" in text_of(house.mailbox.mails[house.mailbox.subjects.index(PAUSED, 1)])
    # That it goes on is told once it does, not when relay's own pause is over and the other holds.
    for _ in range(12):
        house.look(minutes=5)
    assert of_pauses(house) == [PAUSED, PAUSED]
    switch(house, on=False)
    house.calm(minutes=1)
    assert of_pauses(house) == [PAUSED, PAUSED, OVER]


def test_a_person_who_takes_over_a_pause_is_told_of_and_its_end_once(house):
    blocked(house)
    pausing.pause(house.relay.database, "alder", actor=operator("ann"), reason="I look into it")
    assert house.look() == [PAUSED, PAUSED]
    assert len(house.calm(minutes=1)) == 2
    switch(house, on=False)
    assert house.calm(minutes=1)[2:] == [OVER]
