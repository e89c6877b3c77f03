"""The wire-fault table, played: outcome and reason of each case, and that "not sent" is what the server saw too."""

import contextlib
import socket
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from relay.errors import MaybeSent, NotSent
from relay.luminate.client import LuminateClient
from relay.luminate.outcomes import judge_error, judge_gift
from relay.luminate.replies import read_reply
from relay.status import Outcome
from tests.prove.wire_faults import CASES, NOWHERE, page
from tests.unit.luminate.giving import SITE, usd
from tests.unit.luminate.sockets import Server, over_tls

PAGE = Path(__file__).parents[2] / "docs" / "wire-faults.md"
UNIT = Path(__file__).parents[1] / "unit" / "luminate"
CERTIFICATE = (UNIT / "self_signed.pem", UNIT / "self_signed.key.pem")
GIFT = {"donor.email": "jane@example.org", "other_amount": "100.00"}


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


def call(url, *, trusting):
    """One gift; what relay makes of whatever comes back."""
    client = LuminateClient(replace(SITE, url=url, connect_timeout=0.4, read_timeout=0.4))
    if trusting:
        client._session.verify = str(CERTIFICATE[0])
    try:
        answer = client.add_offline_donation(GIFT)
        return judge_gift(read_reply(answer), answer.status, usd("100.00"))
    except (NotSent, MaybeSent) as error:
        return judge_error(error)
    finally:
        client.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_what_comes_back(case, addresses):
    if isinstance(case.place, str):
        judged, server = call(NOWHERE[case.place].format(**addresses), trusting=False), None
    else:
        bare = not case.tls or "bare" in case.tls
        server = Server(case.place if bare else over_tls(CERTIFICATE, case.place))
        scheme = "https" if case.tls else "http"
        judged = call(f"{scheme}://127.0.0.1:{server.port}/site", trusting="trusted" in case.tls)
        server.close()
    assert (judged.outcome, judged.reason in case.reasons.split(", ")) == (case.outcome, True), judged
    assert judged.text
    assert bool(judged.confirmation_code) == (case.outcome is Outcome.POSTED)
    if server and case.outcome is Outcome.NOT_SENT:
        assert server.requests == []


def test_there_are_at_least_sixty_and_every_outcome_has_some():
    assert len(CASES) >= 60
    assert len({case.what for case in CASES}) == len(CASES)
    assert set(Counter(case.outcome for case in CASES)) == set(Outcome)


def test_the_page_is_this_table():
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.prove.wire_faults > docs/wire-faults.md"
