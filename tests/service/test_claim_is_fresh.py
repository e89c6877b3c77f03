"""What is sent is what the ledger holds at the moment of the claim, not what was there when the entry was found."""

from relay.ledger import claims
from tests.builders import make_gift


def test_a_correction_between_finding_and_claiming_is_sent(relay):
    relay.take(make_gift())
    with relay.database.read() as tx:
        found = claims.next_due(tx, "alder", relay.database.now(tx))
    relay.replay.correct(found.id, {"donor.employer": "Analytical Engines"}, who="Ada", reason="she told us")
    with relay.database.write() as tx:
        claim = claims.claim(tx, found, relay.database.now(tx), seconds=60, worker="w", login_name="api")
    assert claim.entry.parameters["donor.employer"] == "Analytical Engines"
    assert relay.attempts()[0]["parameters"]["donor.employer"] == "Analytical Engines"
