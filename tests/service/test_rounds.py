"""The rounds of the doctor: real Luminate over HTTP, both databases, a fault here and there; nothing is ever posted."""

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from relay import worker
from relay.access import EVERYWHERE, operator
from relay.bootstrap import build
from relay.config import FormLevel, LuminateSettings, MailServer, Settings
from relay.doctor import credentials, examine, rounds
from relay.doctor.board import Progress, State
from relay.doctor.rounds import Rounds
from relay.ledger import claims, connections, pauses
from relay.ledger.models import metadata
from relay.outbound import pausing
from relay.sandbox.fault_shapes import faults
from tests.builders import ClockedDatabase, make_organization

PLACE = ("hope", credentials.LUMINATE)
ANN = operator("ann")


def luminate(sandbox, **changes):
    told = {"api_key": "demo-api-key", "login_name": "demo-api-user", "login_password": "demo-api-password"}
    told |= {"url": f"{sandbox.url}/hope/site", "connect_timeout": 2, "read_timeout": 2}
    return LuminateSettings(**told | changes)


class Office:
    """A relay with one organization on the sandbox, whose process can start again with other credentials."""

    def __init__(self, url, redis_url, sandbox):
        self.sandbox, self.redis_url, self.database = sandbox, redis_url, ClockedDatabase(url)
        metadata.create_all(self.database.engine)
        self.opened = []
        self.start()

    def start(self, worker="w1", mail=None, secret="k" * 40, kept=True, **changes):
        """A process with these credentials."""
        organization = make_organization(
            "hope", luminate=luminate(self.sandbox, **changes), form=FormLevel(form_id=1260, level_id=1523), funds={}
        )
        settings = Settings(
            database_url="", redis_url=self.redis_url, secret_key=secret, secret_is_kept=kept, mail=mail,
            organizations={"hope": organization},
        )  # fmt: skip
        self.relay = build(settings, database=self.database)
        self.opened.append(self.relay)
        self.rounds = self.relay.rounds_for(worker)
        return self.rounds

    def site(self, **posted):
        self.sandbox.sandbox.change("hope", posted)

    def fault(self, name, method, **more):
        self.sandbox.sandbox.faults.replace(*faults({"faults": [{"fault": name, "method": method, **more}]}))

    def round(self):
        """One second of the worker, and all that it begins."""
        self.rounds.beside()
        for thread in list(self.rounds._running.values()):
            thread.join(30)
        self.rounds._next_notice = 0.0

    @property
    def group(self):
        return self.relay.board.group(ANN, "hope")

    @property
    def card(self):
        return next(card for card in self.group.cards if card.endpoint == credentials.LUMINATE)

    def known(self, place=PLACE):
        with self.database.read() as tx:
            return connections.known(tx, [place[0]]).get(place)

    @property
    def pause(self):
        with self.database.read() as tx:
            return pauses.of(tx, "hope")

    def later(self, **some):
        self.database.ahead += timedelta(**some)

    def calls(self):
        """How often the door was tried."""
        return sum(line["method"] == "isEmailValid" for line in self.sandbox.sandbox.calls.listed("hope"))

    def close(self):
        for relay in self.opened:
            relay.redis.close()
            for client in (*relay._clients.values(), *relay._soap.values()):
                client.close()


@pytest.fixture
def office(database_url, redis_url, sandbox):
    made = Office(database_url, redis_url, sandbox)
    yield made
    made.close()


def test_a_new_relay_checks_everything_at_once(office):
    assert office.card.state is State.UNCHECKED
    office.round()
    card = office.card
    assert (card.state, card.changed_at) == (State.WORKS, None)
    assert card.checked_at == card.worked_at == card.proven_at is not None
    assert office.sandbox.sandbox.counts()["gifts"] == 0


def test_page_and_doctor_say_the_same_words(office):
    office.site(ip_allow=["203.0.113.0/24"])
    office.round()
    shown = {check.name: (check.level, check.text, check.what_to_do) for check in office.card.checks}
    told = {check.name: (check.level, check.text, check.what_to_do) for check in examine(office.relay.patient)}
    assert shown == {name: told[name] for name in shown}
    level, text, what_to_do = shown["hope: Luminate"]
    assert (level, office.card.state) == ("failed", State.BROKEN)
    assert "does not let this machine's address in" in text
    assert what_to_do.startswith("Add 127.0.0.1/32 to the allow-list")


def test_whoever_asks_gets_a_check_and_no_second_one_within_a_minute(office):
    office.round()
    office.later(minutes=2)
    before = office.calls()
    assert office.relay.board.ask("hope", actor=ANN)
    assert not office.relay.board.ask("hope", actor=ANN)
    assert office.group.progress is Progress.WAITS
    office.round()
    assert (office.group.progress, office.calls()) == (None, before + 1)
    assert not office.relay.board.ask("hope", actor=ANN)
    office.later(seconds=61)
    assert office.relay.board.ask("hope", actor=ANN)


def test_asking_a_thousand_times_calls_luminate_once(office):
    office.round()
    office.later(minutes=2)
    before = office.calls()
    assert sum(office.relay.board.ask("hope", actor=ANN) for _ in range(1000)) == 1
    for _ in range(3):
        office.round()
    assert office.calls() == before + 1


def test_a_check_that_is_under_way_is_not_begun_by_a_second_worker(office):
    office.round()
    office.later(minutes=2)
    office.relay.board.ask("hope", actor=ANN)
    office.fault("slow", "isEmailValid", seconds=1)
    other, before = office.relay.rounds_for("w2"), office.calls()
    office.rounds.beside()
    until(lambda: office.group.progress is Progress.RUNS)
    other.beside()
    for thread in (*office.rounds._running.values(), *other._running.values()):
        thread.join(10)
    assert office.calls() == before + 1


def test_what_a_dead_worker_had_taken_up_is_taken_up_by_another(office):
    office.round()
    office.later(minutes=2)
    office.relay.board.ask("hope", actor=ANN)
    with office.database.write() as tx:
        now = office.database.now(tx)
        claims.take_lease(tx, rounds.lease_of("hope"), "dead", now, seconds=rounds.LEASE_SECONDS)
        connections.begin(tx, "hope", now)
    office.round()
    assert office.group.progress is Progress.RUNS
    office.later(seconds=31)
    office.round()
    assert office.group.progress is None


def test_a_lease_is_kept_while_its_check_goes_on(office):
    release = threading.Event()
    office.rounds.carry_out = lambda scope: (Rounds._lease(office.rounds, scope), release.wait(10))
    office.rounds.beside()
    office.later(seconds=25)
    office.rounds._next_renewal = 0.0
    office.rounds.beside()
    office.later(seconds=25)
    with office.database.read() as tx:
        assert claims.holder_of(tx, rounds.lease_of("hope"), office.database.now(tx)) == "w1"
    release.set()
    for thread in office.rounds._running.values():
        thread.join(10)


def test_where_no_worker_runs_the_page_says_so_after_a_while(office):
    office.round()
    office.later(minutes=2)
    office.relay.board.ask("hope", actor=ANN)
    assert office.group.progress is Progress.WAITS
    office.later(seconds=31)
    assert office.group.progress is Progress.NOBODY


def test_a_check_that_breaks_rests_before_it_is_tried_again(office, monkeypatch):
    def broken(_patient, _scope):
        raise RuntimeError("our own mistake")

    office.round()
    office.later(minutes=2)
    office.relay.board.ask("hope", actor=ANN)
    monkeypatch.setattr(rounds, "parts", broken)
    office.rounds._safely("hope")
    monkeypatch.undo()
    before = office.calls()
    office.round()
    assert (office.group.progress, office.calls()) == (None, before)


# --- by itself ------------------------------------------------------------------------------------------------------


def test_what_works_is_checked_every_six_hours_and_what_is_broken_every_quarter(office):
    office.round()
    office.later(hours=5, minutes=59)
    office.round()
    assert office.calls() == 1
    office.site(ip_allow=["203.0.113.0/24"])
    office.later(minutes=2)
    office.round()
    assert (office.calls(), office.card.state) == (2, State.BROKEN)
    office.site(ip_allow=["0.0.0.0/0", "::/0"])
    office.later(minutes=14)
    office.round()
    assert office.calls() == 2
    office.later(minutes=2)
    office.round()
    assert (office.calls(), office.card.state) == (3, State.WORKS)


def test_a_result_of_half_a_day_speaks_for_nobody(office):
    office.round()
    office.later(hours=13)
    assert office.card.state is State.OLD


def test_a_site_that_hangs_keeps_no_other_check_waiting(office):
    office.start(mail=MailServer(host="127.0.0.1", port=9, security="plain", sender="relay@x.org"))
    office.fault("hang", "isEmailValid", seconds=1.5)
    office.rounds.beside()
    until(lambda: office.known((EVERYWHERE, credentials.MAIL)).checked_at)
    assert office.known().checked_at is None
    for thread in office.rounds._running.values():
        thread.join(10)
    (mail,) = (card for card in office.relay.board.house(ANN, ["hope"]).cards if card.endpoint == credentials.MAIL)
    assert (mail.state, mail.checks[0].text) == (State.BROKEN, "Nothing answers where the mail server should be.")


# --- other credentials ----------------------------------------------------------------------------------------------


def test_an_old_result_never_speaks_for_new_credentials(office):
    office.round()
    office.later(minutes=5)
    office.start(login_password="wrong")
    card = office.card
    assert (card.state, card.checks, card.checked_at) == (State.CHANGED, (), None)
    office.round()
    card = office.card
    assert (card.state, card.proven_at) == (State.BROKEN, None)
    assert "does not accept the API account" in card.checks[0].text


def test_new_credentials_are_checked_at_once_and_told_since_when_they_work(office):
    office.round()
    office.start(login_password="wrong")
    office.round()
    office.later(minutes=5)
    office.start()
    office.round()
    card = office.card
    assert (card.state, office.calls()) == (State.WORKS, 3)
    assert card.changed_at <= card.proven_at == card.checked_at
    proven = card.proven_at
    office.later(hours=7)
    office.round()
    assert office.card.proven_at == proven
    assert office.card.checked_at > proven


def test_only_what_changed_is_forgotten(office):
    soap = {"soap_url": f"{office.sandbox.url}/1.0/hope", "soap_user": "demo-soap-user"}
    office.start(**soap, soap_password="demo-soap-password")
    office.round()
    checked = office.known().checked_at
    office.start(**soap, soap_password="wrong")
    states = {card.endpoint: card.state for card in office.group.cards}
    assert (states[credentials.LUMINATE], states[credentials.SOAP]) == (State.WORKS, State.CHANGED)
    assert office.card.checked_at == checked


def test_no_secret_is_kept(office):
    mail = MailServer(host="127.0.0.1", port=9, security="plain", user="u", password="pa55word", sender="r@x.org")
    office.start(mail=mail)
    office.round()
    kept = repr([office.known(), office.known((EVERYWHERE, credentials.MAIL))])
    assert not [secret for secret in ("demo-api-password", "demo-api-key", "pa55word", "k" * 40) if secret in kept]


def test_a_fingerprint_says_nothing_without_the_secret_key(office):
    organization = office.relay.settings.organizations["hope"]
    one, other, again = (
        credentials.of_organization(replace(office.relay.settings, secret_key=key * 40), organization)["luminate"]
        for key in "aba"
    )
    assert one == again != other


def test_a_secret_key_made_up_at_the_start_compares_nothing(office):
    office.start(secret="a" * 40, kept=False)
    office.round()
    office.start(secret="b" * 40, kept=False, login_password="wrong")
    assert office.card.state is State.WORKS


def test_a_worker_with_old_credentials_writes_nothing_beside_new_ones(office):
    office.round()
    old = office.rounds
    office.later(minutes=5)
    office.start(login_password="wrong")
    office.round()
    with office.database.write() as tx:
        connections.ask(tx, "hope", "ann", office.database.now(tx) + timedelta(hours=1), rest=timedelta())
    old.carry_out("hope")
    assert office.card.state is State.BROKEN


# --- pauses ---------------------------------------------------------------------------------------------------------


def refused(office):
    """Posting met a refused login, and its organization is paused until the sweep tries it in a minute."""
    with office.database.write() as tx:
        now = office.database.now(tx)
        text = "Luminate does not accept the API account."
        pauses.start(tx, "hope", now, who="relay", reason="bad_login", text=text, check_at=now + timedelta(minutes=15))


def test_new_credentials_end_the_pause_of_a_refused_login_by_the_sweep_s_own_check(office):
    office.start(login_password="wrong")
    office.round()
    refused(office)
    assert office.card.state is State.BROKEN
    office.start()
    assert office.card.state is State.CHANGED
    assert office.relay.sweep_for("s").run().resumed == []  # its turn has not come
    office.round()
    assert office.card.state is State.PAUSED
    swept = office.relay.sweep_for("s").run()
    until(lambda: office.pause is None)
    assert swept is not None
    assert office.card.state is State.WORKS


def test_credentials_that_are_wrong_again_leave_it_paused(office):
    office.round()
    refused(office)
    office.start(login_password="wrong")
    office.round()
    sweep = office.relay.sweep_for("s")
    sweep.run()
    until(lambda: not any(thread.is_alive() for thread in sweep._checking.values()))
    assert office.pause.checks == 1
    assert office.card.state is State.BROKEN


def test_asking_for_a_check_lets_the_sweep_try_the_pause(office):
    office.round()
    refused(office)
    office.later(minutes=2)
    office.relay.board.ask("hope", actor=ANN)
    with office.database.read() as tx:
        assert office.pause.check_at <= office.database.now(tx)


def test_a_person_s_pause_is_left_to_a_person(office):
    office.round()
    pausing.pause(office.database, "hope", actor=ANN, reason="year end")
    office.later(minutes=2)
    office.relay.board.ask("hope", actor=ANN)
    office.start(login_password="wrong")
    office.round()
    assert (office.pause.who, office.pause.check_at) == ("ann", None)


# --- beside everything else -----------------------------------------------------------------------------------------


def until(done):
    for _ in range(200):
        if done():
            return
        time.sleep(0.02)
    pytest.fail("it never came")


def test_the_worker_goes_round_beside_its_sweep(office, monkeypatch):
    stop = threading.Event()
    monkeypatch.setattr(worker, "SWEEP_SECONDS", 0.01)
    thread = threading.Thread(target=worker._sweep_for_ever, args=(office.relay, stop))
    thread.start()
    until(lambda: office.card.state is State.WORKS)
    stop.set()
    thread.join(10)
    assert office.sandbox.sandbox.counts()["gifts"] == 0
