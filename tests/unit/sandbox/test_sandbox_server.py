"""The server itself: many callers at once, keep-alive, odd requests, restarts and signals."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from relay.sandbox.server import SandboxServer
from relay.sandbox.state import Sandbox

from . import raw
from .calling import Site


def test_counters_are_exact_under_32_threads(site):
    site.faults(
        {"fault": "close_after", "probability": 0.1}, {"fault": "reset_before", "probability": 0.1},
        {"fault": "status_502", "when": "after", "probability": 0.1}, seed=1,
    )  # fmt: skip

    def gift(n):
        raw.call(
            site, patience=10, connection="close", sub_source=f"ch_{n}", **{"donor.email": f"d{n % 40}@example.org"}
        )

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(gift, range(400)))
    calls, gifts = site.calls(), site.donations()
    assert len(calls) == site.counts()["calls"] == 400
    assert Counter(line["sub_source"] for line in calls if line["recorded"]) == Counter(g["sub_source"] for g in gifts)
    assert site.counts()["gifts"] == len(gifts) == len({gift["confirmation_code"] for gift in gifts})
    assert {line["fault"] for line in calls} == {None, "close_after", "reset_before", "status_502"}
    assert all(line["recorded"] is (line["fault"] != "reset_before") for line in calls)
    assert all(line["answered"] is (line["fault"] is None) for line in calls)
    assert len({gift["cons_id"] for gift in gifts}) == len({gift["email"] for gift in gifts})
    assert site.counts()["registration_emails"] == len({gift["email"] for gift in gifts})


def test_two_refunds_at_once_never_return_more_than_the_gift(site):
    code = site.code()
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: Site.refund(site, code, refund_amount="10").status_code, range(16)))
    assert statuses.count(200) == 2
    assert site.donations()[0]["current_amount"] == "5.00"


def test_one_connection_carries_many_calls(site):
    with raw.connect(site) as sock:
        for n in range(3):
            sock.sendall(raw.request_bytes(site, sub_source=str(n)))
            assert sock.recv(65536).startswith(b"HTTP/1.1 200 OK")
    assert [gift["sub_source"] for gift in site.donations()] == ["0", "1", "2"]


def test_two_calls_in_one_packet_are_both_answered(site):
    with raw.connect(site) as sock:
        sock.sendall(raw.request_bytes(site) * 2)
        data = b""
        while data.count(b"HTTP/1.1 200 OK") < 2:
            data += sock.recv(65536)
    assert len(site.donations()) == 2


def test_a_call_that_never_arrives_in_full_is_no_call(site):
    with raw.connect(site) as sock:
        sock.sendall(raw.request_bytes(site)[:-5])
    time.sleep(0.1)
    assert site.calls() == []


def test_a_body_without_a_length_is_refused(site):
    with raw.connect(site) as sock:
        sock.sendall(f"POST /{site.name}/site/SRDonationAPI HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        assert b" 413 " in sock.recv(65536)
    assert site.calls() == []


def test_more_than_64_connections_at_once(site):
    waiting = threading.Barrier(80)

    def one(n):
        with raw.connect(site) as sock:
            waiting.wait(10)
            sock.sendall(raw.request_bytes(site, sub_source=str(n)))
            return sock.recv(65536)[:15]

    with ThreadPoolExecutor(80) as pool:
        assert set(pool.map(one, range(80))) == {b"HTTP/1.1 200 OK"}
    assert site.counts()["gifts"] == 80


@pytest.fixture
def kept(tmp_path):
    """Starts a sandbox on the same store as often as it is asked to; the earlier one is stopped."""
    path, running = tmp_path / "sandbox" / "kept.jsonl", []

    def start():
        stop()
        running.append(SandboxServer("127.0.0.1", 0, Sandbox(path)))
        threading.Thread(target=running[-1].serve_forever, args=(0.01,), daemon=True).start()
        return Site(running[-1].url, "kept")

    def stop():
        while running:
            running.pop().stop()

    start.path = path
    yield start
    stop()


def state(site):
    settings = requests.get(f"{site.url}/sandbox/organizations/kept", timeout=5).json()
    site.session.close()
    return site.held(), site.calls(), settings


def test_a_restart_goes_on_where_it_was(kept):
    site = kept()
    code = site.code(sub_source="ch_1", donor__name__first="Zoë", designated__1__id="1001", designated__1__amount="25")
    site.add(other_amount="0")
    site.refund(code, refund_amount="5")
    site.set(switches={"decimal_text": "two_places"}, constituents=[{"email": "x@example.org"}])
    before = state(site)
    again = kept()
    assert state(again) == before
    assert again.refund(code, refund_amount="20").status_code == 200
    donation = again.add().json()["donationResponse"]["donation"]
    assert donation["confirmation_code"] != code
    assert donation["cons_id"] == before[0]["donations"][0]["cons_id"]
    again.session.close()


def test_a_torn_last_line_costs_that_line_only(kept, capsys):
    site = kept()
    site.code()
    state(site)
    with kept.path.open("a") as file:
        file.write('{"kind": "gift", "organ')
    site = kept()
    assert "line 3" in capsys.readouterr().err
    site.add()
    state(site)
    site = kept()
    assert len(site.donations()) == 2
    site.session.close()


def test_a_reset_is_kept_too(kept):
    site = kept()
    site.add()
    requests.post(f"{site.url}/sandbox/reset", timeout=5)
    assert site.donations() == []
    state(site)
    site = kept()
    assert (site.donations(), site.calls(), site.counts()["calls"]) == ([], [], 0)
    site.session.close()


def test_the_store_holds_no_credentials(kept):
    site = kept()
    site.add()
    state(site)
    assert "demo-api-password" not in kept.path.read_text()
    assert all(json.loads(line) for line in kept.path.read_text().splitlines())


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_command_at_once_also_while_a_call_hangs(tmp_path, how):
    command = [sys.executable, "-m", "relay.sandbox", "--port", "0", "--store", str(tmp_path / "kept.jsonl")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        site = Site(re.search(r"http://[\d.:]+", process.stdout.readline()).group(), "a")
        site.faults({"fault": "hang", "when": "after"})
        seen = raw.call(site, patience=0.1)
        assert seen.end == "silence"
        with raw.connect(site) as hanging:
            hanging.sendall(raw.request_bytes(site))
            time.sleep(0.1)
            started = time.monotonic()
            process.send_signal(how)
            assert process.wait(5) == 0
            assert time.monotonic() - started < 1
        assert (process.stdout.read(), process.stderr.read()) == ("", "")
        site.session.close()
    assert len(Sandbox(tmp_path / "kept.jsonl").donations()) == 2


def test_a_taken_port_is_said_in_a_sentence(server):
    port = server.server_address[1]
    command = [sys.executable, "-m", "relay.sandbox", "--port", str(port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("The sandbox cannot start: ")
    assert "Traceback" not in done.stderr
