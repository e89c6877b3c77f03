"""The worker's sweep starts the alerts beside itself: real mail arrives, and a mail server that hangs slows nothing."""

import socket
import threading
import time
from dataclasses import replace

import pytest

from relay import worker
from relay.bootstrap import build
from relay.config import Alerts
from relay.outbound.sweep import Sweep
from tests.builders import DONOR, make_gift, make_organization, make_relay
from tests.fakes import FakeBell
from tests.support.processes import wait_until
from tests.support.receivers import Mailbox


@pytest.fixture
def mailbox():
    box = Mailbox()
    yield box
    box.down()


@pytest.fixture
def sweeping(sqlite_url, mailbox, monkeypatch):
    """The sweeping thread of a worker with one gift that needs a person, and how long each of its sweeps took."""
    monkeypatch.setattr(worker, "SWEEP_SECONDS", 0.02)
    charity = make_organization(alerts=Alerts(emails=("finance@alder.org",)))
    bench = make_relay(sqlite_url, charity, mail=mailbox.server)
    bench.take(make_gift(donor=replace(DONOR, email="")))
    relay = build(bench.settings, database=bench.database)
    relay.bell = FakeBell()
    took, stop, real = [], threading.Event(), Sweep.run

    def timed(sweep):
        began = time.monotonic()
        try:
            return real(sweep)
        finally:
            took.append(time.monotonic() - began)

    monkeypatch.setattr(Sweep, "run", timed)
    thread = threading.Thread(target=worker._sweep_for_ever, args=(relay, stop), daemon=True)
    thread.start()
    yield took
    stop.set()
    thread.join(5)
    if relay.alerting._thread:
        relay.alerting._thread.join(15)


def test_a_worker_s_sweep_sends_a_real_mail_once(mailbox, request):
    mailbox.up()
    took = request.getfixturevalue("sweeping")
    assert wait_until(lambda: mailbox.subjects) == ["alder: 1 gift needs a person: $25.00"]
    before = len(took)
    assert wait_until(lambda: len(took) > before + 20)
    assert len(mailbox.subjects) == 1


def test_a_mail_server_that_hangs_holds_no_sweep_up(mailbox, request):
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", mailbox.port))
        hole.listen()
        took = request.getfixturevalue("sweeping")
        connection, _ = hole.accept()
        before = len(took)
        assert wait_until(lambda: len(took) > before + 20)
        assert max(took[before:]) < 5
        connection.close()
