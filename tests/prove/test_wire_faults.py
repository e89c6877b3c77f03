"""The wire-fault table, played: outcome and reason of each case, and that "not sent" is what the server saw too."""

import contextlib
import socket
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from relay.errors import MaybeSent, NotSent
from relay.luminate.client import LuminateClient
from relay.luminate.outcomes import judge_error, judge_gift, judge_refund
from relay.luminate.replies import read_reply
from relay.status import Outcome
from tests.prove.wire_faults import CASES, NOWHERE, page
from tests.unit.luminate.giving import SITE, usd
from tests.unit.luminate.sockets import Server, over_tls

PAGE = Path(__file__).parents[2] / "docs" / "wire-faults.md"
UNIT = Path(__file__).parents[1] / "unit" / "luminate"
CERTIFICATE = (UNIT / "self_signed.pem", UNIT / "self_signed.key.pem")
GIFT = {"donor.email": "jane@example.org", "other_amount": "100.00"}
REFUND = {"refund_user_confirm_code": "1-2-3-4-5", "refund_amount": "100.00"}
# The records that a TLS handshake consists of; 23 would be a request (RFC 8446, section 5.1).
HANDSHAKE = {20, 21, 22}


@pytest.fixture
def addresses():
    """An address where nobody listens, and one whose queue of callers is full."""
    with contextlib.ExitStack() as open_, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        full = open_.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            caller = open_.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
        yield {"free": free.getsockname()[1], "full": full.getsockname()[1]}


def call(url, *, trusting, refund):
    """One gift or refund; what relay makes of whatever comes back."""
    client = LuminateClient(replace(SITE, url=url, connect_timeout=0.4, read_timeout=0.4))
    if trusting:
        client._session.verify = str(CERTIFICATE[0])
    try:
        if refund:
            answer = client.refund_offline_donation(REFUND)
            return judge_refund(read_reply(answer), answer.status)
        answer = client.add_offline_donation(GIFT)
        return judge_gift(read_reply(answer), answer.status, usd("100.00"))
    except (NotSent, MaybeSent) as error:
        return judge_error(error)
    finally:
        client.close()


def played(case, addresses, *, refund=False):
    """What relay makes of it, and the server it came from if there is one."""
    if isinstance(case.place, str):
        return call(NOWHERE[case.place].format(**addresses), trusting=False, refund=refund), None
    bare = not case.tls or "bare" in case.tls
    server = Server(case.place if bare else over_tls(CERTIFICATE, case.place))
    scheme = "https" if case.tls else "http"
    trusting = "trusted" in case.tls
    judged = call(f"{scheme}://127.0.0.1:{server.port}/site", trusting=trusting, refund=refund)
    server.close()
    return judged, server


def records(heard):
    """The types of the TLS records that arrived."""
    types, rest = [], bytes(heard)
    while rest:
        types.append(rest[0])
        rest = rest[5 + int.from_bytes(rest[3:5], "big") :]
    return types


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_what_comes_back(case, addresses):
    judged, server = played(case, addresses)
    assert (judged.outcome, judged.reason in case.reasons.split(", ")) == (case.outcome, True), judged
    assert judged.text
    assert bool(judged.confirmation_code) == (case.outcome is Outcome.POSTED)
    if server and case.outcome is Outcome.NOT_SENT:
        assert server.requests == []
        assert "bare" not in case.tls or (server.heard and set(records(server.heard)) <= HANDSHAKE)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_what_comes_back_to_a_refund(case, addresses):
    judged, _ = played(case, addresses, refund=True)
    assert judged.outcome is (case.refund or case.outcome), judged
    assert judged.text


def test_there_are_at_least_sixty_and_every_outcome_has_some():
    assert len(CASES) >= 60
    assert len({case.what for case in CASES}) == len(CASES)
    assert set(Counter(case.outcome for case in CASES)) == set(Outcome)


def test_the_page_is_this_table():
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.prove.wire_faults > docs/wire-faults.md"
