"""How long a request is, from any pieces it comes in: never handed over early, never waited for in vain."""

import itertools

import pytest
from gunicorn.config import Config
from gunicorn.http import RequestParser
from hypothesis import given
from hypothesis import strategies as st

from relay.web.framing import MOST_HEAD, MOST_LINE, Got, Incoming

LIMIT = 10_000
POST = b"POST /webhooks/a/stripe HTTP/1.1\r\nHost: x\r\n"
ODD_NAMES = st.sampled_from([b"Content-Length", b"content-length", b"CONTENT-LENGTH"])


def added(pieces, limit=LIMIT):
    """What each piece leads to."""
    incoming = Incoming(limit)
    return [incoming.add(piece) for piece in pieces]


def with_length(name, body):
    return POST + name + b": " + str(len(body)).encode() + b"\r\n\r\n" + body


def in_chunks(parts, trailers=b""):
    chunks = b"".join(f"{len(part):X};note=1\r\n".encode() + part + b"\r\n" for part in parts if part)
    return POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailers + b"\r\n"


BODIES = st.one_of(st.binary(max_size=400), st.sampled_from([b"\r\n0\r\n\r\n" * 3, b"\r\n\r\n", b"0\r\n\r\n"]))
REQUESTS = st.one_of(
    st.builds(with_length, ODD_NAMES, BODIES),
    st.builds(in_chunks, st.lists(BODIES, max_size=4), st.sampled_from([b"", b"X-Sum: 1\r\n"])),
    st.just(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"),
)


@given(REQUESTS, st.data())
def test_whole_with_its_last_byte_and_not_before_whatever_the_pieces(request_bytes, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(request_bytes)), max_size=12)))
    edges = [0, *cuts, len(request_bytes) - 1, len(request_bytes)]
    pieces = [request_bytes[a:b] for a, b in itertools.pairwise(sorted(set(edges)))]
    *before, last = added(pieces)
    assert last is Got.WHOLE
    assert set(before) <= {Got.PART}


@given(REQUESTS, st.binary(max_size=40))
def test_gunicorn_reads_the_same_from_what_is_called_whole(request_bytes, behind):
    """And what came behind it is left for the next request."""
    assert added([request_bytes + behind]) == [Got.WHOLE]
    parser = RequestParser(Config(), iter([request_bytes + behind]), ("127.0.0.1", 1))
    read = next(parser)
    body = read.body.read()
    assert len(body) <= LIMIT
    assert parser.unreader.take_buffered() == behind


@given(st.binary(max_size=300))
def test_anything_at_all_is_a_part_or_handed_over(anything):
    assert added([anything])[0] in set(Got)


def test_what_says_that_it_is_too_long_is_not_waited_for():
    assert added([POST + b"Content-Length: 10001\r\n\r\n"]) == [Got.TOO_LONG]
    assert added([POST + b"Content-Length: 10000\r\n\r\n"]) == [Got.PART]


def test_chunks_that_become_too_long_are_not_taken():
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"1388\r\n" + b"x" * 5000 + b"\r\n"
    assert added([head, chunk, chunk, b"1\r\n"]) == [Got.PART, Got.PART, Got.PART, Got.OVERFLOWING]
    assert added([head, b"FFFFFFFF\r\n"])[-1] is Got.OVERFLOWING


@pytest.mark.parametrize("more", [b"x" * (MOST_HEAD + 1), b"A: b\r\n" * 11_000, b"A: b\r\n" * 11_000 + b"\r\n"])
def test_a_head_without_end_is_not_taken(more):
    assert added([POST, more])[-1] is Got.HEAD_TOO_LONG


@pytest.mark.parametrize(
    "odd",
    [
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: five\r\n\r\n",
        b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nnot a size\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * (MOST_LINE + 1),
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 2000,
    ],
)
def test_what_is_odd_is_gunicorns_to_judge(odd):
    assert added([POST + odd]) == [Got.WHOLE]


def test_a_sender_that_asks_first_is_known():
    incoming = Incoming(LIMIT)
    assert incoming.add(POST + b"Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n") is Got.PART
    assert incoming.waits_for_leave
