"""The client against a server that misbehaves: what surely was not sent, and what perhaps was."""

import contextlib
import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from relay.errors import MaybeSent, NotSent
from relay.luminate import wire
from relay.luminate.client import LuminateClient
from relay.luminate.outcomes import TRANSPORT_CODES, judge_error, judge_gift
from relay.luminate.replies import read_reply
from relay.status import Outcome
from tests.unit.luminate import sockets
from tests.unit.luminate.giving import SITE, usd
from tests.unit.luminate.sockets import OK, Server, answering, over_tls, reply

CERTIFICATE = (Path(__file__).with_name("self_signed.pem"), Path(__file__).with_name("self_signed.key.pem"))
GIFT = {"donor.email": "jane@example.org", "donor.employer": "Söhne & Co + 1=2 %41 é", "other_amount": "25.00"}
SECRETS = ("the-key", "the-login", "the-password", "jane@example.org", "hne", "25.00")


@pytest.fixture
def serve():
    """Starts servers and stops them at the end."""
    with contextlib.ExitStack() as stack:

        def start(behave):
            server = Server(behave)
            stack.callback(server.close)
            return server

        yield start


@pytest.fixture
def connect():
    """Builds clients and closes them at the end."""
    with contextlib.ExitStack() as stack:

        def build(url, *, pool_size=1, **settings):
            given = {"connect_timeout": 0.5, "read_timeout": 0.4} | settings
            client = LuminateClient(replace(SITE, url=url, **given), pool_size=pool_size)
            stack.callback(client.close)
            return client

        yield build


def failure(client):
    """The error of one gift, after a look that it gives nothing away."""
    with pytest.raises((NotSent, MaybeSent)) as caught:
        client.add_offline_donation(GIFT)
    error = caught.value
    assert str(error).partition(":")[0] in TRANSPORT_CODES
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    assert not [secret for secret in (*SECRETS, "SRDonationAPI") if secret in str(error)]
    return type(error), str(error).partition(":")[0]


# --- what is on the wire -------------------------------------------------------------------------------------------


def test_everything_travels_in_the_body(serve, connect):
    server = serve(answering(reply()))
    connect(server.url).add_offline_donation(GIFT)
    head, body = server.requests[0]
    assert head.startswith("POST /demo/site/SRDonationAPI HTTP/1.1\r\n")
    assert "content-type: application/x-www-form-urlencoded; charset=utf-8" in head.lower()
    assert not [secret for secret in SECRETS if secret in head]
    assert body.isascii()
    assert server.parameters() == GIFT | {
        "method": "addOfflineDonation",
        "api_key": "the-key",
        "login_name": "the-login",
        "login_password": "the-password",
        "v": "1.0",
        "response_format": "json",
    }


@pytest.mark.parametrize(
    ("call", "servlet", "method", "more"),
    [
        (
            lambda c: c.refund_offline_donation({"refund_amount": "5.00"}),
            "SRDonationAPI",
            "refundOfflineDonation",
            {"refund_amount": "5.00"},
        ),
        (lambda c: c.is_email_valid(), "SRConsAPI", "isEmailValid", {"email": "relay@example.org"}),
        (lambda c: c.is_email_valid("a@b.org"), "SRConsAPI", "isEmailValid", {"email": "a@b.org"}),
        (
            lambda c: c.get_user_transactions(primary_email="a@b.org", transaction_type="DONATION"),
            "SRConsAPI",
            "getUserTransactions",
            {"primary_email": "a@b.org", "transaction_type": "DONATION"},
        ),
        (lambda c: c.get_donation_form_info(1260), "CRDonationAPI", "getDonationFormInfo", {"form_id": "1260"}),
        (lambda c: c.get_designees(), "CRDonationAPI", "getDesignees", {}),
        (lambda c: c.get_designees(1260), "CRDonationAPI", "getDesignees", {"form_id": "1260"}),
    ],
)
def test_each_call_goes_to_its_servlet(serve, connect, call, servlet, method, more):
    server = serve(answering(reply()))
    call(connect(server.url + "/", response_format="xml", suppress_response_codes=True))
    assert server.requests[0][0].startswith(f"POST /demo/site/{servlet} HTTP/1.1\r\n")
    login = {} if servlet == "CRDonationAPI" else {"login_name": "the-login", "login_password": "the-password"}
    assert server.parameters() == more | login | {
        "method": method,
        "api_key": "the-key",
        "v": "1.0",
        "response_format": "xml",
        "suppress_response_codes": "true",
    }


def test_what_belongs_to_the_call_cannot_be_overridden(serve, connect):
    server = serve(answering(reply()))
    connect(server.url).add_offline_donation({"method": "x", "api_key": "x", "login_password": "x", "v": "2"})
    found = server.parameters()
    assert (found["method"], found["api_key"], found["login_password"], found["v"]) == (
        "addOfflineDonation",
        "the-key",
        "the-password",
        "1.0",
    )


def test_the_answer_comes_back_unread(serve, connect):
    server = serve(answering(reply(b"\xff<", "403 Forbidden", ["X-Thing: a"])))
    answer = connect(server.url).add_offline_donation(GIFT)
    assert (answer.status, answer.body, answer.headers["x-thing"]) == (403, b"\xff<", "a")
    assert 0 < answer.elapsed < 5


# --- a connection a call, no memory ---------------------------------------------------------------------------------


def test_every_call_has_a_connection_of_its_own(serve, connect):
    server = serve(answering(reply()))
    client = connect(server.url)
    for _ in range(5):
        client.add_offline_donation(GIFT)
    assert (server.connections, len(server.requests)) == (5, 5)
    assert all("connection: close" in head.lower() for head, _ in server.requests)


def test_a_connection_that_the_server_closed_is_noticed(serve, connect):
    def once(server, connection):
        server.read(connection)
        connection.sendall(reply())

    server = serve(once)
    client = connect(server.url)
    for _ in range(3):
        client.is_email_valid()
        time.sleep(0.05)
    assert (server.connections, len(server.requests)) == (3, 3)


def test_bytes_left_over_from_one_answer_never_become_the_next(serve, connect):
    server = serve(answering(reply(b"first") + reply(b"second"), reply(b"third")))
    client = connect(server.url)
    assert client.is_email_valid().body == b"first"
    assert client.is_email_valid().body == b"first"


def late_copy(server, connection):
    server.read(connection)
    answer = reply(b"answer %d" % server.connections)
    connection.sendall(answer)
    time.sleep(0.05)
    connection.sendall(answer)


def interim_first(server, connection):
    server.read(connection)
    connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    time.sleep(0.05)
    connection.sendall(reply(b"answer %d" % server.connections))


@pytest.mark.parametrize("behave", [late_copy, interim_first])
def test_what_comes_late_for_one_call_never_answers_the_next(serve, connect, behave):
    client = connect(serve(behave).url)
    for number in (1, 2, 3):
        assert client.is_email_valid().body in {b"answer %d" % number, b""}


def test_no_cookie_is_kept(serve, connect):
    server = serve(answering(reply(headers=["Set-Cookie: JSESSIONID=abc; Path=/"])))
    client = connect(server.url)
    client.is_email_valid()
    client.is_email_valid()
    assert not [head for head, _ in server.requests if "cookie" in head.lower()]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_no_redirect_is_followed(serve, connect, status):
    server = serve(answering(reply(b"", status, ["Location: http://127.0.0.1:1/elsewhere"])))
    assert connect(server.url).add_offline_donation(GIFT).status == int(status[:3])
    assert len(server.requests) == 1


def test_nothing_is_taken_from_the_environment(serve, connect, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server = serve(answering(reply()))
    assert connect(server.url).is_email_valid().body == OK


def test_several_threads_have_a_connection_each(serve, connect):
    barrier = threading.Barrier(4)

    def together(server, connection):
        while server.read(connection):
            barrier.wait(5)
            connection.sendall(reply())

    server = serve(together)
    client = connect(server.url, pool_size=4, read_timeout=5)
    for _ in range(2):
        with ThreadPoolExecutor(4) as senders:
            answers = list(senders.map(lambda _: client.is_email_valid(), range(4)))
        assert [answer.body for answer in answers] == [OK] * 4
    assert (server.connections, len(server.requests)) == (8, 8)


def test_a_session_can_be_replaced():
    class Fake(requests.Session):
        def post(self, url, **kwargs):
            raise requests.ConnectionError("boom with the-password")

    client = LuminateClient(SITE, session=Fake())
    assert failure(client) == (MaybeSent, "connection_lost")


# --- surely not sent -----------------------------------------------------------------------------------------------


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_refused(connect):
    assert failure(connect(f"http://127.0.0.1:{free_port()}/site")) == (NotSent, "connection_refused")


def test_no_such_name(connect):
    assert failure(connect("http://luminate.invalid/site")) == (NotSent, "name_not_found")


@pytest.mark.parametrize("url", ["luminate/site", "ftp://127.0.0.1/site", "http:///site", "http://[::1/site"])
def test_no_address_at_all(connect, url):
    assert failure(connect(url)) == (NotSent, "bad_address")


def test_not_taken_in_time(connect):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as waiting:
        address = full.getsockname()
        for _ in range(3):  # fills the backlog, which nobody accepts from
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(address)
        assert failure(connect(f"http://127.0.0.1:{address[1]}/site")) == (NotSent, "connect_timeout")


def test_a_certificate_that_nobody_vouches_for(serve, connect):
    server = serve(over_tls(CERTIFICATE, answering(reply())))
    assert failure(connect(f"https://127.0.0.1:{server.port}/site")) == (NotSent, "certificate_refused")
    assert server.requests == []


def trusting(client):
    """A client that takes our own certificate for a good one."""
    client._session.verify = str(CERTIFICATE[0])
    return client


def test_tls_has_a_connection_for_each_call_too(serve, connect):
    server = serve(over_tls(CERTIFICATE, answering(reply())))
    client = trusting(connect(f"https://127.0.0.1:{server.port}/site"))
    assert [client.is_email_valid().body for _ in range(3)] == [OK] * 3
    assert (server.connections, len(server.requests)) == (3, 3)


def test_tls_that_breaks_after_the_request_may_have_been_sent(serve, connect):
    def break_record(server, secure):
        server.read(secure)
        with socket.socket(fileno=secure.detach()) as bare:
            bare.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = serve(over_tls(CERTIFICATE, break_record))
    assert failure(trusting(connect(f"https://127.0.0.1:{server.port}/site"))) == (MaybeSent, "tls_broken")
    assert len(server.requests) == 1


def test_a_name_that_the_certificate_does_not_hold(serve, connect):
    server = serve(over_tls(CERTIFICATE, answering(reply())))
    client = trusting(connect(f"https://localhost:{server.port}/site"))
    assert failure(client) == (NotSent, "certificate_refused")
    assert server.requests == []


def close_at_once(server, connection):
    connection.recv(1)


def talk_nonsense(server, connection):
    connection.recv(1)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def say_nothing(server, connection):
    connection.recv(1)
    time.sleep(2)


@pytest.mark.parametrize("behave", [close_at_once, talk_nonsense, say_nothing])
def test_a_handshake_that_fails_sends_nothing(serve, connect, behave):
    server = serve(behave)
    assert failure(connect(f"https://127.0.0.1:{server.port}/site")) == (NotSent, "not_connected")


def test_a_call_that_was_kept_waiting_before_its_first_byte_sends_nothing(serve, connect, monkeypatch):
    server = serve(answering(reply()))
    client = connect(server.url)
    to_connect = wire._Noting.connect

    def connect_slowly(connection):
        to_connect(connection)
        time.sleep(1.0)  # as when this process stood still: both timeouts together are 0.9 s

    monkeypatch.setattr(wire._Noting, "connect", connect_slowly)
    assert failure(client) == (NotSent, "not_connected")
    assert server.requests == []


def test_a_call_during_which_the_machine_was_suspended_sends_nothing(serve, connect, monkeypatch):
    """Before its first byte; time.monotonic() stands still meanwhile."""
    server = serve(answering(reply()))
    client = connect(server.url)
    to_connect, suspended = wire._Noting.connect, [0.0]
    real = time.clock_gettime

    def connect_and_wake(connection):
        to_connect(connection)
        suspended[0] = 3600.0

    monkeypatch.setattr(wire._Noting, "connect", connect_and_wake)
    monkeypatch.setattr(time, "clock_gettime", lambda which: real(which) + suspended[0])
    assert failure(client) == (NotSent, "not_connected")
    assert server.requests == []


# --- perhaps sent --------------------------------------------------------------------------------------------------


def never_answer(server, connection):
    server.read(connection)
    time.sleep(2)


def drip_headers(server, connection):
    server.read(connection)
    sockets.drip(connection, reply(), pause=0.1)


def drip_body(server, connection):
    server.read(connection)
    head, _, body = reply(OK).partition(b"\r\n\r\n")
    connection.sendall(head + b"\r\n\r\n")
    sockets.drip(connection, body, pause=0.1)


def drip_chunks(server, connection):
    server.read(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    sockets.drip(connection, b"1\r\nx\r\n" * 100, pause=0.05, size=6)


def reset_unread(server, connection):
    connection.recv(1, socket.MSG_PEEK)  # a byte is there, and nobody reads it
    sockets.reset(connection)


def reset_read(server, connection):
    server.read(connection)
    sockets.reset(connection)


def close_read(server, connection):
    server.read(connection)


def reset_in_body(server, connection):
    server.read(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf")
    time.sleep(0.1)
    sockets.reset(connection)


def short_length(server, connection):
    server.read(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf")


def short_chunk(server, connection):
    server.read(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n63\r\nhalf")


def half_headers(server, connection):
    server.read(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")


def not_http(server, connection):
    server.read(connection)
    connection.sendall(b"\x00\x01\x02 hello\r\n\r\n")


def bad_gzip(server, connection):
    server.read(connection)
    connection.sendall(reply(b"not gzip", headers=["Content-Encoding: gzip"]))


def endless_header(server, connection):
    server.read(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n")


def huge(server, connection):
    server.read(connection)
    connection.sendall(reply(b"x" * 1_500_000))


def huge_redirect(server, connection):
    server.read(connection)
    connection.sendall(reply(b"x" * 1_500_000, "302 Found", ["Location: /x"]))


@pytest.mark.parametrize(
    ("behave", "reasons"),
    [
        (never_answer, {"read_timeout"}),
        (drip_headers, {"read_timeout"}),
        (drip_body, {"read_timeout"}),
        (drip_chunks, {"read_timeout"}),
        (reset_unread, {"connection_lost"}),
        (reset_read, {"connection_lost"}),
        (close_read, {"connection_lost"}),
        (reset_in_body, {"answer_cut_short", "connection_lost"}),
        (short_length, {"answer_cut_short"}),
        (short_chunk, {"answer_cut_short"}),
        (not_http, {"connection_lost", "transport_failed"}),
        (bad_gzip, {"transport_failed"}),
        (endless_header, {"connection_lost", "transport_failed"}),
        (huge, {"answer_too_large"}),
        (huge_redirect, {"answer_too_large"}),
    ],
)
def test_what_may_have_arrived_is_never_called_unsent(serve, connect, behave, reasons):
    server = serve(behave)
    started = time.monotonic()
    kind, reason = failure(connect(server.url))
    assert (kind, reason in reasons) == (MaybeSent, True), reason
    assert time.monotonic() - started < 1.5
    assert judge_error(kind(f"{reason}: x")).outcome is Outcome.UNKNOWN


def test_headers_that_break_off_leave_an_answer_that_proves_nothing(serve, connect):
    answer = connect(serve(half_headers).url).add_offline_donation(GIFT)
    assert judge_gift(read_reply(answer), answer.status, usd("25.00")).outcome is Outcome.UNKNOWN


def test_after_a_failure_the_next_call_starts_afresh(serve, connect):
    def first_drips(server, connection):
        if server.connections == 1:
            never_answer(server, connection)
        answering(reply())(server, connection)

    server = serve(first_drips)
    client = connect(server.url)
    assert failure(client) == (MaybeSent, "read_timeout")
    assert client.is_email_valid().body == OK
    assert server.connections == 2


def test_a_slow_answer_within_the_limit_is_an_answer(serve, connect):
    def slow(server, connection):
        server.read(connection)
        sockets.drip(connection, reply(), pause=0.02, size=20)

    assert connect(serve(slow).url).is_email_valid().body == OK


def test_a_body_of_the_largest_size_is_taken(serve, connect):
    server = serve(answering(reply(b"x" * 1_000_000)))
    assert len(connect(server.url, read_timeout=5).is_email_valid().body) == 1_000_000


def test_logs_hold_no_secret(serve, connect, caplog):
    caplog.set_level(logging.DEBUG)
    server = serve(answering(reply(headers=["Broken header"])))
    connect(server.url).add_offline_donation(GIFT)
    failure(connect(serve(short_length).url))
    assert not [secret for secret in SECRETS if secret in caplog.text]
    assert "the-key" not in repr(connect(server.url)._settings)


# --- through a proxy ----------------------------------------------------------------------------------------------


def tunnel(status="200 Connection established", then=lambda there, here: None):
    """A proxy: answers CONNECT, then carries bytes both ways; ``then`` may break the open tunnel off."""

    def carry(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)

    def behave(server, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        server.requests.append(head.decode())
        connection.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())
        if not status.startswith("200"):
            return
        with socket.create_connection(("127.0.0.1", int(head.split()[1].rpartition(b":")[2]))) as there:
            if then(there, connection):
                return
            threading.Thread(target=carry, args=(there, connection), daemon=True).start()
            carry(connection, there)

    return behave


def test_a_proxy_carries_the_call_and_reads_nothing_of_it(serve, connect):
    luminate = serve(over_tls(CERTIFICATE, answering(reply())))
    proxy = serve(tunnel())
    through = f"http://user:secret@127.0.0.1:{proxy.port}"
    client = trusting(connect(f"https://127.0.0.1:{luminate.port}/site", proxy=through))
    assert [client.is_email_valid().body for _ in range(2)] == [OK] * 2
    assert (proxy.connections, len(luminate.requests)) == (2, 2)
    assert "Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=" in proxy.requests[0]
    assert "the-password" not in "".join(proxy.requests)
    assert "Proxy-Authorization" not in luminate.requests[0][0]


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "502 Bad Gateway", "403 Forbidden"])
def test_a_proxy_that_does_not_let_us_through_has_sent_nothing(serve, connect, status):
    luminate, proxy = serve(over_tls(CERTIFICATE, answering(reply()))), serve(tunnel(status))
    client = trusting(connect(f"https://127.0.0.1:{luminate.port}/site", proxy=f"http://u:p@127.0.0.1:{proxy.port}"))
    assert failure(client) == (NotSent, "proxy_refused")
    assert luminate.requests == []


def test_a_proxy_that_is_not_there_has_sent_nothing(connect):
    client = trusting(connect("https://127.0.0.1:1/site", proxy="http://127.0.0.1:1"))
    assert failure(client)[0] is NotSent


def test_a_proxy_that_opens_the_tunnel_and_lets_it_die_has_sent_nothing(serve, connect):
    luminate = serve(over_tls(CERTIFICATE, answering(reply())))
    proxy = serve(tunnel(then=lambda there, here: True))
    client = trusting(connect(f"https://127.0.0.1:{luminate.port}/site", proxy=f"http://127.0.0.1:{proxy.port}"))
    assert failure(client)[0] is NotSent
    assert luminate.requests == []


def test_an_answer_lost_behind_a_proxy_may_have_been_recorded(serve, connect):
    def read_and_reset(server, secure):
        server.read(secure)
        sockets.reset(secure)

    luminate, proxy = serve(over_tls(CERTIFICATE, read_and_reset)), serve(tunnel())
    client = trusting(connect(f"https://127.0.0.1:{luminate.port}/site", proxy=f"http://127.0.0.1:{proxy.port}"))
    assert failure(client)[0] is MaybeSent
    assert len(luminate.requests) == 1
