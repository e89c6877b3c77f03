"""What is sent is what the ledger holds at the moment of the claim, not what was there when the entry was found."""

import pytest

from relay.access import operator
from relay.ledger import claims
from relay.luminate.outcomes import Judgement
from relay.outbound import pausing
from relay.outbound.settling import Settling
from relay.status import Outcome, Status
from tests.builders import make_gift


def test_a_correction_between_finding_and_claiming_is_sent(relay):
    relay.take(make_gift())
    with relay.database.read() as tx:
        found = claims.next_due(tx, "alder", relay.database.now(tx))
    relay.correcting.correct(
        found.id, {"donor.employer": "Analytical Engines"}, actor=operator("Ada"), reason="she told us"
    )
    with relay.database.write() as tx:
        claim = claims.claim(tx, found, relay.database.now(tx), seconds=60, worker="w", login_name="api")
    assert claim.entry.parameters["donor.employer"] == "Analytical Engines"
    assert relay.attempts()[0]["parameters"]["donor.employer"] == "Analytical Engines"


@pytest.mark.parametrize("word", [Outcome.REJECTED, Outcome.UNKNOWN, Outcome.NOT_SENT, Outcome.BLOCKED])
def test_a_worker_that_wakes_up_late_cannot_overwrite_the_call_of_another(relay, word):
    relay.take(make_gift())
    late = claimed(relay)
    relay.later(seconds=200)
    relay.sweep().run()
    relay.later(hours=1)
    relay.deciding.absent(1, attempt=1, actor=operator("Ada"), reason="not in Luminate")
    claimed(relay)
    with relay.database.write() as tx:
        settling = Settling(tx, relay.organization, relay.database.now(tx))
        settling.settle(late, Judgement(word, "late", "Too late."), None, 3600.0)
    assert (relay.entry(1).status, relay.entry(1).fence) == (Status.POSTING, 2)
    assert [attempt["outcome"] for attempt in relay.attempts()] == [word, None]


def claimed(relay):
    with relay.database.write() as tx:
        now = relay.database.now(tx)
        found = claims.next_due(tx, "alder", now)
        return claims.claim(tx, found, now, seconds=180, worker="w", login_name="api")


def test_no_call_begins_once_a_pause_by_hand_is_committed(relay):
    relay.take(make_gift())
    posting = relay.posting()
    with relay.database.read() as tx:
        candidate = posting._candidate(tx)
    pausing.pause(relay.database, "alder", actor=operator("Ann"), reason="stop now")
    with relay.database.write() as tx:
        assert posting._take(tx, candidate) is None
