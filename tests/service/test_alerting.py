"""Alerts: each raised once, ended once, told to real servers, whatever dies meanwhile."""

import contextlib
import threading
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select, update

from relay.access import operator
from relay.alerting import Alerting, Kind, running
from relay.alerting.sending import Channel, Sender, channels, composed
from relay.alerting.signs import RULES
from relay.config import Alerts
from relay.errors import NotDelivered
from relay.gifts import Donor, Name
from relay.ledger import alerts, entries, search
from relay.ledger.alert_tables import alert_messages
from relay.ledger.alerts import Said
from relay.ledger.models import entries as entry_table
from relay.ledger.models import events as event_table
from relay.ledger.refusals import Refusals
from relay.money import Money
from relay.outbound import pausing
from relay.status import Status, Verdict
from tests.builders import DONOR, make_gift, make_organization, make_relay, water
from tests.support.receivers import Hook, Mailbox

TO = "finance@alder.org"


@pytest.fixture
def mailbox():
    box = Mailbox().up()
    yield box
    box.down()


@pytest.fixture
def hook():
    hook = Hook()
    yield hook
    hook.close()


class House:
    """A relay and its alerting; ``look`` is one round."""

    def __init__(self, url, mailbox, **alerts_told):
        told = {"daily_at": None, "emails": (TO,)} | alerts_told
        self.mailbox = mailbox
        self.charity = make_organization(alerts=Alerts(**told), time_zone=ZoneInfo("America/Chicago"))
        self.relay = make_relay(url, self.charity)
        self.alerting = self.made()

    def made(self, **more):
        settings, sender = self.relay.settings, Sender(self.mailbox.server, step=2, whole=5)
        return Alerting(self.relay.database, settings.organizations, sender, public_url="https://relay.org", **more)

    def look(self, **later):
        self.relay.later(**later)
        self.alerting.look(self.charity)
        self.alerting.deliver()
        return self.mailbox.subjects

    def calm(self, **later):
        """What is no more must be away for ten minutes; then it is over."""
        before = len(self.look(**later))
        assert len(self.look(minutes=9)) == before
        return self.look(minutes=1)

    def hold(self, amount="25.00", number=1):
        """A gift whose fund nobody has mapped."""
        self.relay.take(make_gift(amount, keys=(f"ch_{number}",), designations=(replace(water()[0], fund="NEW"),)))

    def close(self):
        with self.relay.database.write() as tx:
            for entry in self.relay.entries():
                entries.move(tx, entry, Status.CLOSED, self.relay.database.now(tx))

    def rows(self):
        with self.relay.database.read() as tx:
            return alerts.newest(tx, "alder", 100)

    def messages(self):
        with self.relay.database.read() as tx:
            return tx.execute(select(alert_messages).order_by(alert_messages.c.id)).all()


@pytest.fixture
def house(sqlite_url, mailbox):
    return House(sqlite_url, mailbox)


def text_of(mail):
    return mail.get_content()


# --- raised once, ended once, raised again -------------------------------------------------------------------------


def test_what_needs_a_person_is_told_once_and_its_end_once(house):
    house.hold("25.00")
    assert house.look() == ["alder: 1 gift needs a person: $25.00"]
    assert len(house.look(minutes=1)) == 1
    house.close()
    assert house.calm(minutes=1)[1:] == ["alder: over: nothing needs a person any more"]
    assert len(house.look(hours=1)) == 2
    house.hold("5.00", 2)
    assert house.look(minutes=1)[2:] == ["alder: 1 gift needs a person: $5.00"]
    first, second = sorted(house.rows(), key=lambda one: one.id)
    assert first.told_at
    assert first.ended_at
    assert first.told_end_at
    assert second.ended_at is None


def test_a_digest_has_counts_and_money_by_cause_and_a_link_but_no_donor(house):
    house.hold("25.00", 1)
    house.hold("30.00", 2)
    nobody = Donor(name=Name(first="Zebulon", last="Quark"))
    house.relay.take(make_gift("7.00", keys=("ch_3",), donor=nobody))
    house.look()
    text = text_of(house.mailbox.mails[0])
    assert "3 gifts need a person: $62.00." in text
    assert "- A fund code has no place in the table of funds: 2 gifts, $55.00, the oldest of " in text
    assert "- There is no e-mail address, and Luminate wants one: 1 gift, $7.00, the oldest of " in text
    assert "https://relay.org/console/attention?in=alder" in text
    assert not any(word in text + house.mailbox.subjects[0] for word in ("Zebulon", "Quark", "Mary", "mary@", "NEW"))


def test_luminate_s_own_words_stay_out_of_a_message(house):
    def names_the_donor(_parameters):
        from tests.fakes import as_answer  # noqa: PLC0415

        said = {"code": "105", "reason": "FIELD_VALIDATION", "message": "Mary Stone is not a valid name"}
        return as_answer({"donationResponse": {"errors": said}})

    house.relay.luminate.script = [names_the_donor]
    house.relay.take(make_gift())
    house.relay.post()
    house.look()
    assert "Mary" in house.relay.entry(1).reason_text
    assert "Luminate refused it; the console has its words: 1 gift" in text_of(house.mailbox.mails[0])
    assert "Mary" not in text_of(house.mailbox.mails[0])


def test_while_new_ones_come_the_digest_comes_at_most_once_an_hour(house):
    house.hold("1.00", 1)
    house.look()
    for minutes in range(59):
        with house.relay.database.write() as tx:
            tx.execute(update(entry_table).values(changed_at=house.relay.database.now(tx)))
        assert len(house.look(minutes=1)) == 1, minutes
    house.hold("2.00", 2)
    assert house.look(minutes=1)[1:] == ["alder: 2 gifts need a person: $3.00"]
    assert len(house.look(hours=5)) == 2


def test_a_pause_is_told_with_its_cause_and_its_end(house):
    house.relay.luminate.script = ["blocked"]
    house.relay.take(make_gift())
    house.relay.post()
    assert house.look() == ["alder: posting to Luminate is paused"]
    assert "Luminate does not accept the API key. relay tries again by itself." in text_of(house.mailbox.mails[0])
    pausing.resume(house.relay.database, "alder", actor=operator("ann"), reason="mended")
    assert house.calm(minutes=1)[1:] == ["alder: over: posting to Luminate goes on"]
    pausing.pause(house.relay.database, "alder", actor=operator("ann@alder.org"), reason="Mary Stone called")
    assert len(house.look(hours=1)) == 3
    text = text_of(house.mailbox.mails[2])
    assert "A person paused it" in text
    assert "Only a person ends this." in text
    assert "Mary" not in text


def test_an_unknown_gift_is_told_only_when_the_ladder_has_ended(house):
    house.relay.luminate.script = ["recorded"]
    house.relay.take(make_gift("40.00"))
    house.relay.post()
    assert house.relay.entry(1).status is Status.UNKNOWN
    assert house.look(hours=1) == []
    with house.relay.database.write() as tx:
        entries.change(tx, house.relay.entry(1), house.relay.database.now(tx), probe_at=None)
    assert house.look() == ["alder: 1 gift may or may not be in Luminate: $40.00"]
    assert len(house.look(minutes=1)) == 1
    with house.relay.database.write() as tx:
        entries.move(tx, house.relay.entry(1), Status.CLOSED, house.relay.database.now(tx))
    assert house.calm(minutes=1)[1:] == ["alder: over: every gift is known to be in Luminate, or not to be"]


def test_a_backlog_that_does_not_drain_is_told(house):
    house.relay.take(make_gift())
    assert house.look(minutes=29) == []
    assert house.look(minutes=2) == ["alder: 1 entry waits for Luminate, and none goes"]
    house.relay.post()
    assert house.calm(minutes=1)[1:] == ["alder: over: what waited for Luminate goes again"]
    house.relay.take(make_gift(keys=("ch_2",)))
    assert house.look(minutes=91)[2:] == ["alder: 1 entry waits for Luminate, and none goes"]


def test_a_backlog_that_drains_slowly_enough_to_end_is_no_alert(house):
    for number in range(9):
        house.relay.take(make_gift(keys=(f"ch_{number}",), donor=replace(DONOR, email=f"d{number}@example.org")))
    house.relay.later(minutes=40)
    posting = house.relay.posting(stopping=lambda: len(house.relay.luminate.calls) >= 1)
    posting.run()
    assert "posted" in house.relay.statuses()
    assert "queued" in house.relay.statuses()
    assert house.look() == []


def test_a_paused_backlog_is_told_as_a_pause_alone(house):
    house.relay.take(make_gift())
    pausing.pause(house.relay.database, "alder", actor=operator("ann"), reason="why")
    assert house.look(hours=3) == ["alder: posting to Luminate is paused"]


def test_a_balance_that_does_not_add_up_is_told_and_its_end(house):
    house.relay.take(make_gift("10.00"))
    lost = [100]

    def count(tx, organization):
        found = search.balance(tx, organization)
        for sheet in found.values():
            sheet.received = Money(sheet.received.minor + lost[0], "USD")
        return found

    house.alerting = house.made(balance=count)
    assert house.look() == ["alder: the balance of gifts in USD does not add up"]
    assert "Received $11.00, accounted for $10.00." in text_of(house.mailbox.mails[0])
    assert len(house.look(minutes=1)) == 1
    house.alerting.look(house.charity, with_balance=False)
    assert house.rows()[0].ended_at is None
    lost[0] = 0
    assert house.calm(minutes=1)[1:] == ["alder: over: the balance of gift USD adds up again"]


# --- wrong signatures ----------------------------------------------------------------------------------------------


def refuse(house, count, *, days_ago=0, hours=0):
    counting = Refusals(house.relay.database)
    now = datetime.now(UTC) + house.relay.database.ahead - timedelta(days=days_ago, hours=hours)
    for _ in range(count):
        counting.count("alder", "acme", "bad_signature", now)
    counting.write()


def test_rising_signature_failures_are_told_once_and_end_when_it_is_calm(house):
    refuse(house, 9)
    assert house.look() == []
    refuse(house, 1)
    assert house.look() == ["alder: 10 webhooks from acme had a wrong signature yesterday and today"]
    refuse(house, 50)
    assert len(house.look(hours=1)) == 1
    assert house.calm(hours=6)[1:] == ["alder: over: no wrong signatures from acme any more"]
    house.relay.later(hours=1)
    refuse(house, 100)
    assert len(house.look()) == 3


def test_a_usual_number_of_wrong_signatures_is_no_alert(house):
    for day in range(9):
        refuse(house, 12, days_ago=day)
    assert house.look() == []
    refuse(house, 60)
    assert len(house.look()) == 1


def test_an_attack_that_lasts_for_weeks_stays_one_alert(house):
    for _ in range(12):
        refuse(house, 40)
        house.look(hours=1)
        house.relay.later(hours=4)
        refuse(house, 40)
        house.look(hours=1)
        house.relay.later(hours=5)
        refuse(house, 40)
        assert len(house.look(hours=1)) == 1
        for _ in range(3):
            house.relay.later(hours=4)
            refuse(house, 40)


# --- silence -------------------------------------------------------------------------------------------------------


def come(house, *moments, provider="acme"):
    """Events of the past."""
    row = {"organization": "alder", "provider": provider, "type": "t", "verdict": Verdict.IGNORED, "body": b"{}"}
    with house.relay.database.write() as tx:
        known = len(tx.execute(select(event_table.c.id)).all())
        rows = [
            {**row, "event_id": f"e{known + number}", "headers": {}, "received_at": moment}
            for number, moment in enumerate(moments)
        ]
        tx.execute(insert(event_table), rows)


def working_days(now, *, days=30, hours=range(9, 18)):
    """An event an hour from nine to five, Monday to Friday; the newest just before ``now``."""
    for back in range(days, -1, -1):
        day = now - timedelta(days=back)
        if day.weekday() < 5:
            yield from (at for hour in hours if (at := day.replace(hour=hour, minute=0)) <= now)


def clock_to(house, moment):
    house.relay.database.ahead = moment - datetime.now(UTC)


FRIDAY = datetime(2031, 5, 16, 17, 30, tzinfo=UTC)


def test_quiet_nights_and_weekends_are_no_silence_but_an_outage_is(house):
    come(house, *working_days(FRIDAY))
    for hours in range(1, 6 * 24):
        clock_to(house, FRIDAY + timedelta(hours=hours))
        if house.look():
            break
    # Two weekends of 64 hours, counted from five o'clock on Friday.
    assert hours == 128
    assert house.mailbox.subjects == ["alder: nothing has come from acme for 5 days and 8 hours"]
    assert "only two pauses were longer than 2 days and 16 hours" in text_of(house.mailbox.mails[0])
    assert len(house.look(days=3)) == 1
    come(house, datetime.now(UTC) + house.relay.database.ahead)
    assert house.calm(minutes=1)[1:] == ["alder: over: events come from acme again"]


def test_a_source_of_day_and_night_is_silent_after_a_day(house):
    come(house, *(FRIDAY - timedelta(hours=2 * back) for back in range(360)))
    clock_to(house, FRIDAY + timedelta(hours=23, minutes=59))
    assert house.look() == []
    assert house.look(minutes=2) == ["alder: nothing has come from acme for 1 day"]


def test_the_times_can_be_chosen_and_none_is_none(sqlite_url, mailbox):
    house = House(sqlite_url, mailbox, silence_times=0)
    come(house, *(FRIDAY - timedelta(hours=2 * back) for back in range(360)))
    clock_to(house, FRIDAY + timedelta(days=60))
    assert house.look() == []


@pytest.mark.parametrize(
    "moments",
    [
        [FRIDAY - timedelta(days=2 * back) for back in range(10)],
        [FRIDAY - timedelta(hours=back) for back in range(200)],
        [],
    ],
    ids=["few", "not for long", "never"],
)
def test_a_source_without_a_habit_is_never_silent(house, moments):
    if moments:
        come(house, *moments)
    clock_to(house, FRIDAY + timedelta(days=20))
    assert house.look() == []


def test_two_outages_do_not_become_a_habit(house):
    hours = [back for back in range(0, 700, 2) if not (100 < back < 180 or 300 < back < 400)]
    come(house, *(FRIDAY - timedelta(hours=back) for back in hours))
    clock_to(house, FRIDAY + timedelta(hours=25))
    assert house.look() == ["alder: nothing has come from acme for 1 day and 1 hour"]


# --- the daily summary ---------------------------------------------------------------------------------------------


def test_the_summary_comes_once_a_day_at_the_hour_over_there(sqlite_url, mailbox):
    house = House(sqlite_url, mailbox, daily_at=time(8))
    chicago = ZoneInfo("America/Chicago")
    clock_to(house, datetime(2031, 3, 4, 7, 0, tzinfo=chicago))
    assert house.look() == []  # from now on
    house.relay.database.ahead -= timedelta(hours=12)  # it came yesterday evening
    house.relay.take(make_gift("25.00"))
    with house.relay.database.write() as tx:
        now = house.relay.database.now(tx)
        tx.execute(update(entry_table).values(received_at=now))
    house.relay.post()
    clock_to(house, datetime(2031, 3, 4, 7, 59, tzinfo=chicago))
    assert house.look() == []
    assert house.look(minutes=2) == ["alder: 3 March 2031: 1 gift ($25.00) received, 1 gift ($25.00) recorded"]
    text = text_of(mailbox.mails[0])
    assert "Received: 1 gift ($25.00)." in text
    assert "Nothing waits for anybody." in text
    assert len(house.look(hours=23)) == 1
    house.hold("9.00", 5)
    assert house.look(hours=2)[-1] == "alder: 4 March 2031: nothing received, nothing recorded"
    assert "- 1 gift needs a person: $9.00." in text_of(mailbox.mails[-1])


def test_a_relay_that_was_down_at_the_hour_makes_up_for_it_once(sqlite_url, mailbox):
    house = House(sqlite_url, mailbox, daily_at=time(8))
    clock_to(house, datetime(2031, 3, 4, 7, 0, tzinfo=ZoneInfo("America/Chicago")))
    house.look()
    assert len(house.look(days=3, hours=5)) == 1
    assert len(house.look(hours=1)) == 1


# --- two at once, crashes, dead servers ----------------------------------------------------------------------------


def test_two_sweeps_at_once_tell_once(house):
    house.hold()
    others = [house.alerting, house.made(), house.made()]
    barrier = threading.Barrier(len(others))

    def sweep(alerting):
        barrier.wait()
        alerting.run()

    threads = [threading.Thread(target=sweep, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(house.rows()) == 1
    house.close()
    house.look(minutes=1)
    house.relay.later(minutes=10)
    threads = [threading.Thread(target=sweep, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(house.mailbox.subjects) == 2


def test_a_dead_mail_server_delays_the_message_and_loses_none(house):
    house.mailbox.down()
    house.hold()
    assert house.look() == []
    assert house.rows()[0].told_at is None
    assert house.look(seconds=61) == []
    house.mailbox.up()
    assert house.look(seconds=61) == []  # its next turn is after two minutes
    assert len(house.look(minutes=1)) == 1
    assert len(house.look(hours=3)) == 1
    assert house.rows()[0].told_at


def test_what_is_over_before_anybody_could_be_told_is_not_told(house):
    house.mailbox.down()
    house.hold()
    house.look()
    house.close()
    house.mailbox.up()
    assert house.look(hours=2) == []
    assert house.look(minutes=10) == []
    assert house.rows()[0].ended_at


def test_a_dead_server_is_asked_once_a_round_however_many_addresses_it_has(sqlite_url, mailbox):
    house = House(sqlite_url, mailbox, emails=tuple(f"p{number}@alder.org" for number in range(5)))
    mailbox.down()
    house.hold()
    house.look()
    problems = [row.problem for row in house.messages()]
    assert sorted(set(problems)) == ["its server did not answer just before",
                                     "the mail server did not answer (ConnectionRefusedError)"]  # fmt: skip
    assert problems.count("its server did not answer just before") == 4


def test_one_refused_address_does_not_keep_the_others(sqlite_url, mailbox, hook):
    house = House(sqlite_url, mailbox, webhooks=(hook.url,))
    mailbox.refuses = "550 No such person"
    house.hold()
    house.look()
    assert len(hook.bodies) == 1
    (mail,) = [row for row in house.messages() if row.problem]
    assert mail.problem == "the mail server refused the address (550)"
    mailbox.refuses = ""
    assert len(house.look(minutes=2)) == 1
    assert len(hook.bodies) == 1


class Dies(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("crashes", [1, 2, 3])
def test_a_crash_between_sending_and_noting_repeats_a_message_once_at_most(house, crashes):
    house.hold()
    real, left = house.alerting.sender.send, [crashes]

    def send(*args):
        answer = real(*args)
        left[0] -= 1
        if left[0] >= 0:
            raise Dies
        return answer

    house.alerting.sender.send = send
    for _ in range(crashes):
        with contextlib.suppress(Dies):
            house.look(minutes=3)
    assert len(house.look(minutes=3)) == 2
    assert len(house.look(hours=5)) == 2
    ids = {mail["Message-ID"] for mail in house.mailbox.mails}
    assert len(ids) == 1


def test_a_server_that_never_ends_is_left(house):
    class Slow(Sender):
        def _mail(self, *_args):
            threading.Event().wait(3)
            return "late"

    with pytest.raises(NotDelivered, match=r"no end after 0\.2 seconds"):
        Slow(house.mailbox.server, whole=0.2).send(Channel("email", TO, TO), SAID, "1")


def test_a_run_survives_whatever_one_organization_or_message_brings(house, monkeypatch):
    def breaks(_asked):
        raise KeyError("our own mistake")

    house.hold()
    house.look()
    house.close()
    monkeypatch.setitem(RULES, Kind.NEEDS_PERSON, breaks)
    house.alerting.run()
    monkeypatch.undo()
    for _ in range(2):
        house.relay.later(minutes=10)
        house.alerting.run()
    assert len(house.mailbox.subjects) == 2


def test_it_runs_beside_the_sweep_and_at_most_once_a_minute(house, monkeypatch):
    began, go = [], threading.Event()
    monkeypatch.setattr(house.alerting, "run", lambda: (began.append(1), go.wait(5)))
    house.alerting.beside()
    house.alerting.beside()
    monkeypatch.setattr(running, "EVERY_SECONDS", 0.0)
    house.alerting._next_run = 0.0
    house.alerting.beside()  # the first is still going
    assert len(began) == 1
    go.set()
    house.alerting._thread.join()
    house.alerting.beside()
    house.alerting._thread.join()
    assert len(began) == 2


def test_nobody_configured_is_nobody_told(sqlite_url, mailbox):
    house = House(sqlite_url, mailbox, emails=())
    house.hold()
    assert house.look() == []
    assert house.rows() == []


def test_old_messages_are_forgotten(sqlite_url, mailbox):
    house = House(sqlite_url, mailbox, daily_at=time(8))
    house.look()
    house.look(days=1)
    house.look(days=120)
    assert len(house.messages()) == 1


# --- what a message is made of -------------------------------------------------------------------------------------

SAID = Said(subject="Alder: a test", text="Words.", facts={"state": "test"})


def test_a_title_cannot_break_out_of_a_header(sqlite_url, mailbox):
    evil = "Evil\r\nBcc: thief@example.org\r\n\r\n<script>"
    house = House(sqlite_url, mailbox)
    house.charity = replace(house.charity, title=evil)
    house.hold()
    house.look()
    (mail,) = mailbox.mails
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("Evil Bcc: thief@example.org <script>: 1 gift")
    assert mailbox.envelopes[0].rcpt_tos == [TO]
    raw = composed(mailbox.server, TO, replace(SAID, subject=evil), "1").as_bytes()
    assert b"\nBcc:" not in raw


def test_a_webhook_gets_slack_s_text_and_fields(sqlite_url, mailbox, hook):
    house = House(sqlite_url, mailbox, emails=(), webhooks=(hook.url,))
    house.charity = replace(house.charity, title="Cats <!channel> & Dogs")
    house.hold("25.00")
    house.look()
    (body,) = hook.bodies
    assert body["text"].startswith("*Cats &lt;!channel&gt; &amp; Dogs: 1 gift needs a person: $25.00*\n")
    assert body["subject"] == "Cats <!channel> & Dogs: 1 gift needs a person: $25.00"
    assert (body["organization"], body["kind"], body["state"]) == ("alder", "needs_person", "raised")
    assert (body["count"], body["money"]) == (1, [{"amount": "25.00", "currency": "USD"}])
    assert body["link"] == "https://relay.org/console/attention?in=alder"


@pytest.mark.parametrize("status", [301, 307, 400, 404, 500])
def test_a_webhook_that_does_not_take_it_is_tried_again_and_never_followed(sqlite_url, mailbox, hook, status):
    house = House(sqlite_url, mailbox, emails=(), webhooks=(hook.url,))
    hook.status = status
    house.hold()
    house.look()
    assert len(hook.bodies) == 1
    hook.status = 204
    house.look(minutes=2)
    assert len(hook.bodies) == 2


def test_no_secret_is_in_what_the_ledger_keeps_or_what_is_said(sqlite_url, mailbox, hook):
    house = House(sqlite_url, mailbox, webhooks=(hook.url,))
    hook.status = 500
    house.hold()
    house.look()
    assert "xyzzy" not in repr(house.messages()) + repr(house.rows()) + repr(house.charity) + repr(
        channels(house.charity)
    )


def test_a_message_to_an_address_that_was_taken_away_is_dropped(house):
    house.mailbox.down()
    house.hold()
    house.look()
    house.mailbox.up()
    other = replace(house.charity, alerts=replace(house.charity.alerts, emails=("new@alder.org",)))
    house.alerting.organizations = {"alder": other}
    house.alerting.deliver()
    assert house.look(minutes=2) == []


def test_the_test_says_what_the_servers_answered(sqlite_url, mailbox, hook):
    house = House(sqlite_url, mailbox, webhooks=(hook.url,))
    hook.status = 403
    assert house.alerting.test(house.charity) == [
        (TO, True, "the mail server took it"),
        ("webhook 1", False, "the webhook answered 403"),
    ]
    assert mailbox.subjects == ["alder: a test"]
