"""Senders that trickle, stall, lie about their length or never hang up, against gunicorn with real sockets."""

import contextlib
import json
import re
import socket
import subprocess
import sys
import threading
import time

import pytest
import requests

from relay.demo import signing
from relay.ledger import migrate
from relay.ledger.db import Database
from tests.provider_cases import payloads
from tests.support.processes import ROOT, SECRET, Processes, wait_until

# Instead of 20 s.
WHOLE = 4.0
CONF = f"""
exec(open({str(ROOT / "gunicorn.conf.py")!r}).read())
from relay.web.server import Worker
Worker.whole_seconds = {WHOLE}
worker_connections = {{connections}}
"""
POST = "POST /webhooks/acme/stripe HTTP/1.1\r\nHost: relay\r\n"


class Web(Processes):
    """The web process alone, as gunicorn.conf.py starts it; only the time limit is shorter."""

    def begin(self, connections):
        self.opened = []
        database = Database(self.environ["DATABASE_URL"])
        migrate.upgrade(database)
        database.engine.dispose()
        conf = self.folder / "conf.py"
        conf.write_text(CONF.format(connections=connections))
        self.start("web", "-m", "gunicorn", "--config", str(conf), "wsgi:app")
        wait_until(lambda: ready(self.web_port))

    def connect(self, sent=b""):
        opened = socket.create_connection(("127.0.0.1", self.web_port), timeout=10)
        self.opened.append(opened)
        opened.sendall(sent)
        return opened

    def hang_up(self):
        while self.opened:
            self.opened.pop().close()

    def log(self):
        return (self.folder / "web.log").read_text()


def ready(port):
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=2).ok


@pytest.fixture
def web(running):
    yield running
    running.hang_up()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    with Web(folder, database_url=f"sqlite:///{folder / 'ledger.db'}", redis_url="redis://127.0.0.1:1/0") as started:
        started.begin(connections=200)
        yield started


def charge(number, padding=0):
    told = json.loads(payloads("stripe")["charge_succeeded"])
    told["id"], told["data"]["object"]["id"] = f"evt_{number}", f"ch_{number}"
    told["data"]["object"]["payment_intent"] = f"pi_{number}"
    return json.dumps(told | {"padding": "x" * padding}).encode()


def signed(body):
    return signing.stripe_headers(body, SECRET, int(time.time()))


def post(web, body, **more):
    return requests.post(f"{web.web}/webhooks/acme/stripe", data=body, headers=signed(body), timeout=20, **more)


def answer(sock):
    """Status line, head and body of what is answered, until the other side hangs up; b"" where nothing is."""
    sock.settimeout(10)
    got = b""
    with contextlib.suppress(ConnectionError):
        while more := sock.recv(65536):
            got += more
    return got


def trickle(sock, data, until, every=0.4):
    with contextlib.suppress(OSError):
        for byte in data:
            sock.sendall(bytes([byte]))
            if time.monotonic() > until:
                return
            time.sleep(every)


def test_two_hundred_slow_senders_keep_no_genuine_webhook_waiting(web):
    """A hundred trickle their head, a hundred their body; there are sixteen threads."""
    body = charge("slow")
    in_head = [web.connect(b"POST /webhooks/ac") for _ in range(100)]
    head = f"{POST}Content-Length: {len(body)}\r\n\r\n".encode()
    in_body = [web.connect(head + body[:40]) for _ in range(100)]
    began = time.monotonic()
    senders = [
        threading.Thread(target=trickle, args=(sock, data, began + WHOLE + 4))
        for sock, data in [*((one, b"me/stripe" * 99) for one in in_head[:20]), *((one, body) for one in in_body[:20])]
    ]
    for sender in senders:
        sender.start()
    waited = []
    for number in range(20):
        before = time.monotonic()
        assert post(web, charge(f"genuine{number}")).status_code == 200
        waited.append(time.monotonic() - before)
    assert sorted(waited)[18] < 1.5, waited
    for sock in (*in_head, *in_body):
        assert answer(sock).startswith((b"HTTP/1.1 408 Request Timeout", b"HTTP/1.1 503 ")), "never answered"
    assert time.monotonic() - began < WHOLE + 8
    for sender in senders:
        sender.join()
    assert "slow_senders_ended" in web.log()


def test_a_large_honest_body_on_a_slow_but_steady_line_is_taken(web):
    body = charge("large", padding=900_000)
    head = POST + "".join(f"{name}: {value}\r\n" for name, value in signed(body).items())
    sock = web.connect(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode())
    for place in range(0, len(body), 40_000):
        sock.sendall(body[place : place + 40_000])
        time.sleep(WHOLE / 2 / 23)
    assert answer(sock).startswith(b"HTTP/1.1 200 OK")


def test_a_body_in_chunks_is_taken(web):
    body = charge("chunks", padding=50_000)
    pieces = (body[place : place + 7001] for place in range(0, len(body), 7001))
    told = requests.post(f"{web.web}/webhooks/acme/stripe", data=pieces, headers=signed(body), timeout=20)
    assert told.status_code == 200, told.text


def test_a_sender_that_asks_first_is_told_to_go_on(web):
    body = charge("asks")
    head = POST + "".join(f"{name}: {value}\r\n" for name, value in signed(body).items())
    sock = web.connect(f"{head}Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n".encode())
    assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    sock.sendall(body)
    sock.shutdown(socket.SHUT_WR)
    assert b"HTTP/1.1 200 OK" in answer(sock)


def test_many_requests_on_one_connection_also_one_behind_the_other(web):
    with requests.Session() as session:
        for number in range(5):
            body = charge(f"kept{number}")
            told = session.post(f"{web.web}/webhooks/acme/stripe", data=body, headers=signed(body), timeout=20)
            assert told.status_code == 200
    get = b"GET /livez HTTP/1.1\r\nHost: relay\r\n\r\n"
    sock = web.connect(get * 3 + get[:20])
    time.sleep(0.3)
    sock.sendall(get[20:])
    sock.shutdown(socket.SHUT_WR)
    assert answer(sock).count(b"HTTP/1.1 200 OK") == 4


def test_what_says_that_it_is_too_long_is_answered_before_it_comes(web):
    began = time.monotonic()
    sock = web.connect(f"{POST}Content-Length: 9000000\r\n\r\n".encode())
    told = answer(sock)
    assert told.startswith(b"HTTP/1.1 413 ")
    assert b"too_large" in told
    assert time.monotonic() - began < WHOLE


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST / HTTP/1.1\r\n" + b"A: b\r\n" * 12_000, b"431"),
        (POST.encode() + b"Transfer-Encoding: chunked\r\n\r\nFFFFFF\r\n", b"413"),
        (b"\r\n\r\n", b""),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", b"400"),
        (POST.encode() + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b""),
    ],
)
def test_what_no_sender_sends_holds_nothing_and_nobody(web, sent, status):
    began = time.monotonic()
    told = answer(web.connect(sent))
    assert told[9:12] == status or (not status and told[9:12] in (b"", b"400", b"401"))
    assert time.monotonic() - began < WHOLE + 3


def test_senders_that_never_hang_up_do_not_hold_up_the_others(web):
    """gunicorn waits two seconds for each, in the loop that serves everybody."""
    kept = [web.connect(b"GET /livez HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n") for _ in range(40)]
    began = time.monotonic()
    for number in range(5):
        assert post(web, charge(f"beside{number}")).status_code == 200
    assert time.monotonic() - began < 4
    for sock in kept:
        assert b"200 OK" in answer(sock)


def test_where_every_connection_is_taken_the_oldest_unfinished_ones_make_room(web):
    for _ in range(450):
        web.connect(b"POST /web")
    began = time.monotonic()
    assert post(web, charge("room")).status_code == 200
    assert time.monotonic() - began < WHOLE
    assert "Traceback" not in web.log()


def test_a_server_that_stops_does_not_wait_for_who_has_sent_nothing(tmp_path):
    with Web(tmp_path, database_url=f"sqlite:///{tmp_path / 'l.db'}", redis_url="redis://127.0.0.1:1/0") as one:
        one.begin(connections=200)
        for _ in range(5):
            one.connect()
        time.sleep(0.5)
        began = time.monotonic()
        one.running["web"].terminate()
        assert one.running["web"].wait(timeout=20) == 0
        assert time.monotonic() - began < WHOLE
        one.hang_up()


def test_the_worker_is_the_one_that_is_configured():
    told = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--print-config", "wsgi:app"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    assert re.search(r"worker_class\s+= relay\.web\.server\.Worker", told)
