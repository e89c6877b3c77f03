"""A Luminate that seems ill is left in peace, and posting goes on by itself once it works again."""

from dataclasses import replace

import orjson
import pytest

from relay.ledger import pauses
from relay.luminate.client import Answer
from relay.outbound.settling import circuit_opens, retry_after, same_refusal
from relay.status import Outcome
from tests.builders import DONOR, make_gift, make_organization, make_relay


def gifts(relay, count):
    for number in range(count):
        donor = replace(DONOR, email=f"donor{number}@example.org")
        relay.take(make_gift(keys=(f"ch_{number}",), donor=donor))


def pause_of(relay):
    with relay.database.read() as tx:
        return pauses.of(tx, "alder")


@pytest.mark.parametrize("word", ["lost", "not_sent"])
def test_five_calls_in_a_row_without_an_answer_open_the_circuit(relay, word):
    relay.luminate.script = [word] * 20
    gifts(relay, 20)
    relay.post()
    assert len(relay.luminate.calls) == 5
    assert pause_of(relay).reason == "circuit_open"


def test_an_answer_in_between_keeps_it_closed(relay):
    relay.luminate.script = ["lost", "lost", "ok", "lost", "lost", "ok"] * 2
    gifts(relay, 12)
    relay.post()
    assert len(relay.luminate.calls) == 12
    assert pause_of(relay) is None


def test_the_circuit_closes_by_itself_after_a_harmless_read(relay):
    relay.luminate.script = ["not_sent"] * 5
    gifts(relay, 8)
    relay.post()
    relay.luminate.healthy = False
    relay.later(seconds=61)
    assert relay.sweep().run().resumed == []
    relay.luminate.healthy = True
    relay.later(seconds=301)
    assert relay.sweep("another").run().resumed == ["alder"]
    relay.later(hours=1)
    relay.post()
    assert relay.statuses() == ["posted"] * 8
    assert len(relay.luminate.gifts) == 8


def test_one_refusal_for_nearly_all_gifts_pauses_until_a_person_looks(relay):
    relay.luminate.script = ["rejected"] * 40
    gifts(relay, 40)
    relay.post(times=60)
    pause = pause_of(relay)
    assert (pause.reason, pause.check_at) == ("same_refusal", None)
    assert len(relay.luminate.calls) == 20
    assert relay.statuses().count("rejected") == 20
    relay.later(days=1)
    assert relay.sweep().run().resumed == []


@pytest.mark.parametrize("word", ["blocked", "lost"])
def test_a_site_that_reads_well_and_writes_badly_is_tried_less_and_less(relay, word):
    relay.luminate.script = [word] * 50
    gifts(relay, 50)
    waits = []
    for _ in range(4):
        relay.post()
        pause = pause_of(relay)
        waits.append(round((pause.check_at - pause.since).total_seconds()))
        relay.later(seconds=waits[-1] + 1)
        assert relay.sweep(f"sweep{len(waits)}").run().resumed == ["alder"]
    assert waits == [60, 300, 900, 900]
    relay.luminate.script = []
    relay.post()
    relay.luminate.script = ["blocked"]
    gifts(relay, 51)
    relay.post()
    pause = pause_of(relay)
    assert round((pause.check_at - pause.since).total_seconds()) == 60


def test_luminate_may_ask_to_wait(relay):
    relay.luminate.script = [lambda _parameters: Answer(503, b"<html>", {"retry-after": "120"})]
    gifts(relay, 3)
    relay.post()
    assert pause_of(relay).reason == "asked_to_wait"
    assert len(relay.luminate.calls) == 1
    relay.later(seconds=121)
    assert relay.sweep().run().resumed == ["alder"]


@pytest.mark.parametrize(
    ("status", "told", "seconds"),
    [(503, "120", 120), (429, "1", 1), (503, "99999", 3600), (503, "Wed, 21 Oct 2026 07:28:00 GMT", None),
     (503, "-5", None), (503, "\u0665", None), (200, "120", None), (502, "120", None)],
)  # fmt: skip
def test_retry_after_is_read_as_seconds_and_within_reason(status, told, seconds):
    assert retry_after(Answer(status, b"", {"retry-after": told})) == seconds


def test_no_answer_asks_for_nothing():
    assert retry_after(None) is None


@pytest.mark.parametrize(
    ("last", "opens"),
    [("uuuuu", True), ("nunun", True), ("uuuuuppppp", True), ("uuuu", False), ("puuuuu", False), ("uupuu", False)],
)
def test_the_circuit_looks_at_the_newest_calls(last, opens):
    words = {"u": Outcome.UNKNOWN, "n": Outcome.NOT_SENT, "p": Outcome.POSTED}
    assert circuit_opens([(words[letter], "") for letter in last]) is opens


def test_a_burst_is_many_of_one_and_the_same_refusal():
    refused, posted = (Outcome.REJECTED, "Zip is required."), (Outcome.POSTED, "")
    assert same_refusal([refused] * 16 + [posted] * 4) == "Zip is required."
    assert same_refusal([refused] * 15 + [posted] * 5) == ""
    assert same_refusal([refused] * 19) == ""
    assert same_refusal([(Outcome.REJECTED, str(number)) for number in range(20)]) == ""


def test_a_confirmation_code_of_another_gift_proves_nothing(relay):
    def stale(_parameters):
        found = {"confirmation_code": "C1", "amount": {"decimal": "25.00"}, "transaction_id": "1", "cons_id": "1"}
        return Answer(200, orjson.dumps({"donationResponse": {"donation": found}}))

    gifts(relay, 2)
    relay.luminate.script = ["ok", stale]
    relay.post()
    assert relay.statuses() == ["posted", "unknown"]
    assert relay.gifts()[1].reason == "code_of_another_gift"


def test_one_organization_that_is_ill_does_not_pause_another(sqlite_url):
    relay = make_relay(sqlite_url, make_organization("alder"), make_organization("birch"))
    relay.luminate.script = ["lost"] * 5
    gifts(relay, 5)
    relay.take(make_gift(keys=("ch_b",)), organization="birch")
    relay.post()
    relay.posting(organization=relay.settings.organizations["birch"]).run()
    assert relay.statuses().count("posted") == 1
