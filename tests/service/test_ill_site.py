"""A Luminate that seems ill is left in peace, and posting goes on by itself once it works again."""

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from relay.access import operator
from relay.ledger import pauses
from relay.luminate.client import Answer
from relay.outbound.pausing import pause, resume
from relay.outbound.probing import Probed, Probing
from relay.outbound.watching import circuit_opens, retry_after, same_refusal
from relay.status import Kind, Outcome
from tests.builders import DONOR, make_gift, make_organization, make_refund, make_relay
from tests.fakes import as_answer, error


def gifts(relay, count):
    for number in range(count):
        donor = replace(DONOR, email=f"donor{number}@example.org")
        relay.take(make_gift(keys=(f"ch_{number}",), donor=donor))


def limited(told):
    """An answer that asks to wait."""
    return lambda _parameters: Answer(503, b"<html>", {"retry-after": str(told)})


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
    relay.luminate.script = [limited(120)]
    gifts(relay, 3)
    relay.post()
    assert pause_of(relay).reason == "asked_to_wait"
    assert len(relay.luminate.calls) == 1
    relay.later(seconds=121)
    assert relay.sweep().run().resumed == ["alder"]


NOW = datetime(2026, 10, 21, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "told", "seconds"),
    [(503, "120", 120), (429, "1", 1), (503, "0", 0), (503, "000120", 120), (503, "99999", 3600),
     (503, "9" * 5000, 3600), (503, "Wed, 21 Oct 2026 07:28:00 GMT", 1680),
     (503, "Wed, 21 Oct 2026 09:28:00 GMT", 3600),
     (429, "Wed, 21 Oct 2026 06:28:00 GMT", 0), (503, "Wed, 41 Oct 2026 07:28:00 GMT", None),
     (503, "Wed, 21 Oct 2026 07:28:00", None), (503, "soon", None), (503, "-5", None), (503, "\u0665", None),
     (200, "120", None), (502, "120", None)],
)  # fmt: skip
def test_retry_after_is_read_as_seconds_or_a_date_and_within_reason(status, told, seconds):
    assert retry_after(Answer(status, b"", {"retry-after": told}), NOW) == seconds


def test_no_answer_asks_for_nothing():
    assert retry_after(None, NOW) is None


@pytest.mark.parametrize("told", ["9" * 5000, "in half an hour"])
def test_luminate_may_ask_to_wait_in_other_words(relay, told):
    """The first alone would be an error in the middle of noting what the call came to."""
    if told == "in half an hour":
        told = f"{datetime.now(UTC) + timedelta(minutes=30):%a, %d %b %Y %H:%M:%S} GMT"
    relay.luminate.script = [limited(told)]
    gifts(relay, 3)
    relay.post()
    assert len(relay.luminate.calls) == 1
    assert relay.statuses() == ["unknown", "queued", "queued"]
    pause = pause_of(relay)
    assert pause.check_at - pause.since > timedelta(minutes=29)


def test_the_longest_of_what_several_calls_in_flight_are_told_counts(sqlite_url):
    """The first is told two seconds, and the second, begun beside it, an hour."""
    relay = make_relay(sqlite_url, make_organization(max_in_flight=2))
    begun = threading.Barrier(2)

    def short(_parameters):
        begun.wait(5)
        return limited(2)(_parameters)

    def long(_parameters):
        begun.wait(5)
        while not pause_of(relay):
            time.sleep(0.01)
        return limited(3600)(_parameters)

    relay.luminate.script = [short, long]
    gifts(relay, 10)
    relay.post()
    assert len(relay.luminate.calls) == 2
    pause = pause_of(relay)
    assert (pause.reason, pause.reason_text) == ("asked_to_wait", "Luminate asked to wait 3600 seconds.")
    relay.later(minutes=5)
    assert relay.sweep().run().resumed == []
    relay.later(minutes=56)
    assert relay.sweep("another").run().resumed == ["alder"]


def test_a_person_s_pause_is_not_made_shorter_or_longer_by_what_is_in_flight(relay):
    def paused_meanwhile(parameters):
        pause(relay.database, "alder", actor=operator("ann"), reason="stop")
        return limited(60)(parameters)

    relay.luminate.script = [paused_meanwhile]
    gifts(relay, 1)
    relay.post()
    assert (pause_of(relay).reason, pause_of(relay).check_at) == ("paused_by_person", None)


def test_a_short_retry_after_does_not_keep_the_circuit_from_opening(relay):
    """Reads work, and writes answer 503 with Retry-After: 1. Every second would make one more unknown, for ever."""
    relay.luminate.script = [limited(1)] * 400
    gifts(relay, 60)
    sweeper = relay.sweep()
    for _ in range(40):
        relay.post()
        relay.later(seconds=2)
        sweeper.run()
    assert len(relay.luminate.calls) == 6  # the circuit opens at the fifth, for one minute
    assert pause_of(relay).reason == "circuit_open"


def test_five_in_flight_that_are_asked_to_wait_a_second_open_the_circuit(sqlite_url):
    relay = make_relay(sqlite_url, make_organization(max_in_flight=5))
    gate = threading.Barrier(5)

    def together(parameters):
        gate.wait(10)
        return limited(1)(parameters)

    relay.luminate.script = [together] * 5
    gifts(relay, 20)
    relay.post()
    pause = pause_of(relay)
    assert len(relay.luminate.calls) == 5
    assert pause.check_at - pause.since >= timedelta(seconds=50)


def test_the_check_of_a_pause_waits_as_long_as_it_is_asked_to(relay):
    relay.luminate.script = [limited(60)]
    gifts(relay, 3)
    relay.post()
    asked = []

    def busy():
        asked.append(1)
        return limited(3600)({})

    relay.luminate.is_email_valid = busy
    relay.later(seconds=61)
    relay.sweep("a").run()
    relay.later(seconds=3500)
    relay.sweep("b").run()
    assert len(asked) == 1
    relay.later(seconds=101)
    relay.sweep("c").run()
    assert len(asked) == 2


def test_a_check_that_fails_in_a_way_nobody_expected_comes_again_later_and_not_at_every_sweep(relay):
    relay.luminate.script = ["blocked"]
    gifts(relay, 1)
    relay.post()
    asked = []

    def broken():
        asked.append(1)
        raise KeyError("our own mistake")

    relay.luminate.is_email_valid = broken
    relay.later(seconds=61)
    for name in "abc":
        relay.sweep(name).run()
        relay.later(seconds=31)  # past the lease of the sweep before
    assert len(asked) == 1
    assert pause_of(relay).checks == 1


def test_whoever_asked_to_wait_is_not_looked_up_either(relay):
    relay.luminate.script = [limited(3600)]
    gifts(relay, 1)
    relay.post()
    relay.later(minutes=10)
    relay.bell.rings.clear()
    assert relay.sweep().run().rung == []
    looked = Probing(relay.database, relay.organization, None).run()  # nobody to read with
    assert looked == Probed()
    relay.later(hours=1)
    swept = relay.sweep("another").run()
    assert (swept.resumed, swept.rung) == (["alder"], ["alder"])


def test_workers_lost_in_one_call_after_the_other_open_the_circuit(relay):
    """A worker that is killed in every call (out of memory) makes an unknown of each gift."""
    gifts(relay, 12)
    sweeper = relay.sweep()
    while relay.posting(worker="dies")._claim() is not None:
        relay.later(minutes=10)
        sweeper.run()
    assert pause_of(relay).reason == "circuit_open"
    assert relay.statuses().count("unknown") == 5


def test_a_refund_that_luminate_lets_in_never_keeps_gifts_waiting_for_ever(relay):
    """An account that may add gifts and not refund them."""
    relay.take(make_gift(keys=("ch_1",)))
    relay.post()
    relay.luminate.refund_offline_donation = lambda _parameters: error("3", "Missing permission.")
    relay.take(make_refund("5.00"))
    gifts(relay, 6)  # that of the refund among them
    for number in range(8):  # two hours
        relay.post()
        relay.later(minutes=15)
        relay.sweep(f"sweep{number}").run()
    assert relay.statuses(Kind.GIFT) == ["posted"] * 6
    assert relay.statuses(Kind.REFUND) == ["queued"]
    del relay.luminate.refund_offline_donation
    relay.later(hours=1)
    relay.sweep("last").run()
    relay.post()
    assert relay.statuses(Kind.REFUND) == ["posted"]


@pytest.mark.parametrize(
    ("last", "opens"),
    [("uuuuu", True), ("nunun", True), ("uuuuuppppp", True), ("uuuu", False), ("puuuuu", False), ("uupuu", False)],
)
def test_the_circuit_looks_at_the_newest_calls(last, opens):
    words = {"u": Outcome.UNKNOWN, "n": Outcome.NOT_SENT, "p": Outcome.POSTED}
    assert circuit_opens([(words[letter], "") for letter in last]) is opens


def test_a_burst_is_many_of_one_and_the_same_refusal():
    refused, posted = ("Zip is required.",), ()
    assert same_refusal([refused] * 16 + [posted] * 4) == "Zip is required."
    assert same_refusal([refused] * 15 + [posted] * 5) == ""
    assert same_refusal([refused] * 19) == ""
    assert same_refusal([(str(number),) for number in range(20)]) == ""
    assert same_refusal([(str(number), "Zip is required.") for number in range(20)]) == "Zip is required."


def field_errors(*texts):
    problem = {
        "code": "101",
        "reason": "FIELD_VALIDATION",
        "message": "There was a problem.",
        "fieldError": list(texts),
    }
    return lambda _parameters: as_answer({"donationResponse": {"errors": problem}}, 403)


def test_one_field_that_all_miss_is_a_burst_although_some_miss_another_too(relay):
    zip_, city, state = "Billing zip is required.", "Billing city is required.", "Billing state is required."
    relay.luminate.script = [field_errors(*missing) for missing in ((zip_,), (city, zip_), (zip_, state))] * 10
    gifts(relay, 30)
    relay.post(times=40)
    pause = pause_of(relay)
    assert (pause.reason, pause.reason_text.rpartition(": ")[2]) == ("same_refusal", zip_)
    assert len(relay.luminate.calls) == 20


def test_fields_that_differ_are_bad_gifts_and_no_burst(relay):
    relay.luminate.script = [field_errors(f"Field {number} is required.") for number in range(25)]
    gifts(relay, 25)
    relay.post(times=40)
    assert pause_of(relay) is None


def test_what_was_refused_before_a_person_resumed_does_not_pause_again(relay):
    relay.luminate.script = ["rejected"] * 20
    gifts(relay, 60)
    relay.post(times=60)
    assert pause_of(relay).reason == "same_refusal"
    resume(relay.database, "alder", actor=operator("ann"), reason="the switch is off again")
    relay.luminate.script = ["ok", "lost", "rejected", "not_sent"]
    relay.post(times=60)
    assert pause_of(relay) is None
    relay.luminate.script = ["rejected"] * 40
    gifts(relay, 100)
    relay.post(times=80)
    assert pause_of(relay).reason == "same_refusal"


def test_a_confirmation_code_of_another_gift_proves_nothing(relay):
    def stale(_parameters):
        found = {"confirmation_code": "C1", "amount": {"decimal": "25.00"}, "transaction_id": "1", "cons_id": "1"}
        return Answer(200, orjson.dumps({"donationResponse": {"donation": found}}))

    gifts(relay, 2)
    relay.luminate.script = ["ok", stale]
    relay.post()
    assert relay.statuses() == ["posted", "unknown"]
    assert relay.gifts()[1].reason == "code_of_another_gift"


def test_the_answer_about_another_gift_does_not_prove_a_refund(relay):
    """Whoever mixes answers up would else have a refund taken for made that nobody heard of."""

    def answer_with(code):
        found = {"confirmation_code": code, "amount": {"decimal": "25.00"}, "transaction_id": "1", "cons_id": "1"}
        return lambda _parameters: Answer(200, orjson.dumps({"donationResponse": {"donation": found}}))

    gifts(relay, 2)
    relay.post()
    mine, other = (gift.confirmation_code for gift in relay.gifts())
    for number, code in ((1, other), (2, mine)):
        refund = make_refund("5.00", keys=(f"re_{number}",), parents=(relay.gifts()[0].provider_transaction_id,))
        relay.take(refund)
        relay.luminate.script = [answer_with(code)]
        relay.post()
    became = [(one.status, one.reason) for one in relay.refunds()]
    assert became == [("unknown", "code_of_another_gift"), ("posted", "")]


def test_one_organization_that_is_ill_does_not_pause_another(sqlite_url):
    relay = make_relay(sqlite_url, make_organization("alder"), make_organization("birch"))
    relay.luminate.script = ["lost"] * 5
    gifts(relay, 5)
    relay.take(make_gift(keys=("ch_b",)), organization="birch")
    relay.post()
    relay.posting(organization=relay.settings.organizations["birch"]).run()
    assert relay.statuses().count("posted") == 1
