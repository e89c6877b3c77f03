"""Events that need their provider's API: pending at the front door, completed by a worker, never lost on the way."""

import itertools
from dataclasses import replace

import orjson
import pytest

from relay.access import operator
from relay.config import Mode
from relay.errors import BadSignature, FetchFailed, NotUnderstood, ProofPending, ReplayRefused
from relay.inbound.fetching import LADDER, Fetching
from relay.inbound.reparse import Reparse
from relay.jobs import post_due, use
from relay.providers import Delivery, Parsed, Provider
from relay.providers.calling import Caller
from relay.status import Verdict
from tests.builders import SIGNED, make_gift, make_organization, make_refund, make_relay, usd

LATER = FetchFailed("the API answered HTTP 404 yet", again=True)
SILENT = FetchFailed("the API did not answer", again=True, silent=True)
NEVER = FetchFailed("there is no such object", again=False)


class ThinProvider:
    """Its events name an object; ``says`` is what its API tells of it: facts, or an error to raise."""

    def __init__(self):
        self.provider = Provider("acme", self.verify, self.parse, fetch=self.fetch)
        self.says = {}
        self.asked = []
        self.live = True
        self.unproven = False
        self.numbers = itertools.count(1)

    def verify(self, delivery, _settings, _now):
        if self.unproven:
            raise ProofPending("the proof must be fetched")
        if delivery.headers.get("sign") != "good":
            raise BadSignature("the signature does not match")
        return 0

    def event(self, about):
        return orjson.dumps({"id": f"evt_{next(self.numbers)}", "about": about})

    def about(self, delivery):
        told = orjson.loads(delivery.body)
        return Parsed(event_id=told["id"], type="thing.changed", delivery_key=told["id"], wanted=told["about"])

    def parse(self, delivery, _settings=None):
        return self.about(delivery)

    def fetch(self, delivery, _settings, _caller, _received_at):
        parsed = self.about(delivery)
        self.asked.append(parsed.wanted)
        answer = self.says[parsed.wanted]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        return replace(parsed, wanted="", live=self.live, facts=answer, note="" if answer else "nothing to book")


@pytest.fixture
def thin():
    return ThinProvider()


@pytest.fixture
def bench(sqlite_url, thin):
    relay = make_relay(sqlite_url)
    relay.intake.providers = {"acme": thin.provider}
    return relay


@pytest.fixture
def send(bench, thin):
    def arrives(about, body=None):
        return bench.intake.take("alder", "acme", Delivery(body or thin.event(about), SIGNED))

    return arrives


@pytest.fixture
def fetching(bench, thin):
    def made(worker="w1", **parts):
        return Fetching(bench.database, bench.organization, {"acme": thin.provider}, Caller(), worker=worker, **parts)

    return made


def verdicts(bench):
    return [row["verdict"] for row in bench.events()]


def only_event(bench):
    (row,) = bench.events()
    return row


def test_an_event_that_needs_the_api_is_stored_and_answered_before_anything_is_asked(bench, thin, send):
    taken = send("payment p1")
    assert taken.verdict is Verdict.PENDING
    assert thin.asked == []
    assert only_event(bench)["note"] == "waits until a worker has asked for: payment p1"
    assert bench.entries() == []
    assert bench.bell.rings == ["alder"]


def test_what_the_api_says_is_booked_like_any_other_event(bench, thin, send, fetching):
    thin.says["p1"] = (make_gift("25.00", keys=("p1",)),)
    send("p1")
    assert fetching().run() == 1
    assert only_event(bench)["verdict"] == "entry"
    assert [(gift.amount, gift.status) for gift in bench.gifts()] == [(usd("25.00"), "queued")]
    bench.post()
    assert bench.statuses() == ["posted"]
    assert fetching().run() == 0


def test_nothing_to_book_is_ignored_with_its_note(bench, thin, send, fetching):
    thin.says["p1"] = ()
    send("p1")
    fetching().run()
    assert (only_event(bench)["verdict"], only_event(bench)["note"]) == ("ignored", "nothing to book")


def test_the_same_delivery_again_is_a_duplicate_and_is_not_asked_for(bench, thin, send, fetching):
    thin.says["p1"] = (make_gift(keys=("p1",)),)
    body = thin.event("p1")
    assert send("p1", body).verdict is Verdict.PENDING
    assert send("p1", body).verdict is Verdict.DUPLICATE
    fetching().run()
    assert send("p1", body).verdict is Verdict.DUPLICATE
    assert thin.asked == ["p1"]
    assert len(bench.gifts()) == 1


def test_two_events_of_one_payment_are_one_gift(bench, thin, send, fetching):
    thin.says["p1"] = (make_gift(keys=("p1",)),)
    send("p1")
    send("p1")
    assert fetching().run() == 2
    assert (len(bench.gifts()), verdicts(bench)) == (1, ["entry", "duplicate"])


def test_a_refund_before_its_gift_waits_for_it(bench, thin, send, fetching):
    thin.says |= {
        "r1": (make_refund("5.00", keys=("r1",), parents=("p1",)),),
        "p1": [LATER, (make_gift(keys=("p1",)),)],
    }
    send("p1")
    send("r1")
    fetching().run()
    assert [refund.status for refund in bench.refunds()] == ["waiting"]
    bench.later(seconds=LADDER[0])
    fetching().run()
    bench.post()
    assert bench.statuses() == ["posted", "posted"]
    assert bench.luminate.net == 2000


def test_a_whole_reversal_of_what_was_never_booked_leaves_nothing_behind(bench, thin, send, fetching):
    thin.says["f1"] = (make_refund("25.00", keys=("p1:failed",), parents=("p1",), only_if_booked=True),)
    send("f1")
    fetching().run()
    assert (bench.entries(), only_event(bench)["verdict"]) == ([], "ignored")
    assert "nothing was booked" in only_event(bench)["note"]


def test_a_whole_reversal_of_a_booked_gift_gives_it_back(bench, thin, send, fetching):
    thin.says["p1"] = (make_gift(keys=("p1",)),)
    thin.says["f1"] = (make_refund("25.00", keys=("p1:failed",), parents=("p1",), only_if_booked=True),)
    send("p1")
    fetching().run()
    bench.post()
    send("f1")
    send("f1")
    fetching().run()
    bench.post()
    assert [refund.amount for refund in bench.refunds()] == [usd("25.00")]
    assert bench.luminate.net == 0


# --- the ladder -------------------------------------------------------------------------------------------------------


def test_the_ladder_is_climbed_and_ends_with_a_person(bench, thin, send, fetching):
    thin.says["p1"] = LATER
    send("p1")
    for rung, wait in enumerate(LADDER):
        fetching().run()
        assert (len(thin.asked), only_event(bench)["verdict"]) == (rung + 1, "pending")
        assert only_event(bench)["note"] == str(LATER)
        bench.later(seconds=wait - 2)
        fetching().run()
        assert len(thin.asked) == rung + 1
        bench.later(seconds=2)
    fetching().run()
    assert (len(thin.asked), only_event(bench)["verdict"]) == (len(LADDER) + 1, "not_understood")
    assert only_event(bench)["note"] == f"it could not be completed: {LATER}"
    bench.later(days=30)
    fetching().run()
    assert len(thin.asked) == len(LADDER) + 1


def test_what_asking_again_cannot_mend_goes_to_a_person_at_once(bench, thin, send, fetching):
    thin.says["p1"] = NEVER
    send("p1")
    fetching().run()
    assert only_event(bench)["verdict"] == "not_understood"


@pytest.mark.parametrize("error", [NotUnderstood("no amount"), KeyError("amount"), ValueError("x"), TypeError("y")])
def test_an_answer_nobody_understands_goes_to_a_person_and_the_next_event_goes_on(bench, thin, send, fetching, error):
    thin.says |= {"odd": error, "p1": (make_gift(keys=("p1",)),)}
    send("odd")
    send("p1")
    assert fetching().run() == 2
    assert verdicts(bench) == ["not_understood", "entry"]


def test_an_api_that_is_silent_is_asked_once_a_run_and_others_use_up_no_rung(bench, thin, send, fetching):
    thin.says["p1"] = thin.says["p2"] = SILENT
    for about in ("p1", "p2", "p2"):
        send(about)
    fetching().run()
    assert thin.asked == ["p1"]
    assert [row["fetches"] for row in bench.events()] == [1, 0, 0]
    fetching().run()
    assert thin.asked == ["p1"]
    thin.says |= {"p1": (make_gift(keys=("p1",)),), "p2": (make_gift(keys=("p2",)),)}
    bench.later(seconds=LADDER[0])
    assert fetching().run() == 3
    assert len(bench.gifts()) == 2


def test_a_run_stops_when_the_worker_does_and_when_its_time_is_up(bench, thin, send, fetching, monkeypatch):
    thin.says["p1"] = ()
    send("p1")
    assert fetching(stopping=lambda: True).run() == 0
    monkeypatch.setattr("relay.inbound.fetching.SLICE_SECONDS", -1.0)
    assert fetching().run() == 0
    assert verdicts(bench) == ["pending"]


# --- crashes, workers, Redis ------------------------------------------------------------------------------------------


def test_a_worker_killed_between_answer_and_booking_loses_and_doubles_nothing(bench, thin, send, fetching, monkeypatch):
    thin.says["p1"] = (make_gift(keys=("p1",)),)
    send("p1")

    def killed(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("relay.inbound.booking.book_event", killed)
        with pytest.raises(KeyboardInterrupt):
            fetching().run()
    assert (verdicts(bench), bench.entries()) == (["pending"], [])
    fetching("w2").run()
    assert len(bench.gifts()) == 1


def test_our_own_mistake_while_booking_is_met_once_and_goes_to_a_person(bench, thin, send, fetching, monkeypatch):
    thin.says["p1"] = (make_gift(keys=("p1",)),)
    send("p1")

    def broken(*_args):
        raise AssertionError

    monkeypatch.setattr("relay.inbound.booking.book_event", broken)
    fetching().run()
    assert only_event(bench)["verdict"] == "not_understood"
    assert fetching().run() == 0


def test_while_one_worker_is_at_it_another_leaves_it_alone(bench, thin, send, fetching):
    thin.says["p1"] = (make_gift(keys=("p1",)),)
    other, others = fetching("w2"), []

    def meanwhile(*_args):
        others.append(other.run())
        return replace(thin.about(_args[0]), wanted="", facts=thin.says["p1"])

    send("p1")
    provider = replace(thin.provider, fetch=meanwhile)
    Fetching(bench.database, bench.organization, {"acme": provider}, Caller(), worker="w1").run()
    assert (others, len(bench.gifts())) == ([0], 1)


def test_an_event_somebody_else_completed_meanwhile_is_left_as_it_is(bench, thin, send, fetching):
    thin.says["p1"] = NEVER
    send("p1")
    due = fetching()._due()
    thin.says["p1"] = (make_gift(keys=("p1",)),)
    fetching("w2").run()
    thin.says["p1"] = NEVER
    fetching()._complete(due[0], set())
    assert only_event(bench)["verdict"] == "entry"


def test_the_sweep_rings_for_pending_events_so_a_lost_bell_costs_nothing(bench, thin, send, fetching):
    thin.says["p1"] = LATER
    send("p1")
    bench.bell.rings.clear()  # FLUSHALL
    assert bench.sweep().run().rung == ["alder"]
    fetching().run()
    assert bench.sweep().run().rung == []
    bench.later(seconds=LADDER[0])
    assert bench.sweep().run().rung == ["alder"]


def test_the_job_that_a_ring_starts_completes_and_posts(bench, thin, send, fetching):
    thin.says["p1"] = (make_gift(keys=("p1",)),)
    send("p1")

    class Parts:
        settings = bench.settings

        class bell:  # noqa: N801
            answered = staticmethod(lambda organization: None)

        stopping = staticmethod(lambda: False)
        fetching_for = staticmethod(lambda organization: fetching())
        posting_for = staticmethod(lambda organization: bench.posting())
        probing_for = staticmethod(lambda organization: fetching())

    use(Parts)
    assert [post_due("alder"), post_due("alder")] == ["sent 0", "sent 1"]
    assert bench.statuses() == ["posted"]


# --- proof and mode, found late ---------------------------------------------------------------------------------------


def test_a_bad_signature_found_late_books_nothing_and_is_shown(bench, thin, send, fetching):
    thin.unproven, thin.says["p1"] = True, BadSignature("the certificate is not theirs")
    assert send("p1").verdict is Verdict.PENDING
    fetching().run()
    assert (only_event(bench)["verdict"], bench.entries()) == ("flagged", [])
    assert only_event(bench)["note"] == "not used: the certificate is not theirs"


def test_an_unproven_delivery_does_not_take_the_place_of_the_genuine_one(bench, thin, send, fetching):
    thin.says["p1"] = (make_gift(keys=("p1",)),)
    body = thin.event("p1")
    thin.unproven = True
    send("p1", body + b" ")
    thin.unproven = False
    assert send("p1", body).verdict is Verdict.PENDING


def test_a_test_event_found_out_late_does_not_reach_a_live_organization(bench, thin, send, fetching):
    thin.says["p1"], thin.live = (make_gift(keys=("p1",)),), False
    send("p1")
    fetching().run()
    assert (only_event(bench)["verdict"], bench.entries()) == ("flagged", [])
    assert "a test event" in only_event(bench)["note"]


def test_a_provider_taken_out_of_the_configuration_leaves_its_events_to_a_person(bench, thin, send):
    send("p1")
    bare = make_organization(providers={}, mode=Mode.LIVE)
    Fetching(bench.database, bare, {"acme": thin.provider}, Caller(), worker="w1").run()
    assert "not configured any more" in only_event(bench)["note"]


def test_a_delivery_without_a_key_is_an_event_of_its_own_each_time(bench, thin, send, fetching):
    thin.says["p1"] = (make_gift(keys=("p1",)),)
    about = thin.about
    thin.about = lambda delivery: replace(about(delivery), delivery_key="")
    body = thin.event("p1")
    send("p1", body)
    send("p1", body)
    assert fetching().run() == 2
    assert (thin.asked, len(bench.gifts())) == (["p1", "p1"], 1)


# --- by hand ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def reparse(bench, thin):
    return Reparse(bench.settings, bench.database, {"acme": thin.provider}, Caller())


def test_an_event_that_could_not_be_completed_can_be_read_again(bench, thin, send, fetching, reparse):
    thin.says["p1"] = [NEVER, (make_gift(keys=("p1",)),)]
    number = send("p1").event
    fetching().run()
    again = reparse.run(number, actor=operator("mary"), reason="the key was wrong")
    assert (again.verdict, thin.asked) == (Verdict.ENTRY, ["p1", "p1"])
    (gift,) = bench.gifts()
    assert gift.mail is False
    with pytest.raises(ReplayRefused, match="booked already"):
        reparse.run(number, actor=operator("mary"), reason="twice")


def test_asking_again_in_vain_changes_nothing(bench, thin, send, fetching, reparse):
    thin.says["p1"] = [NEVER, SILENT, KeyError("x")]
    number = send("p1").event
    fetching().run()
    with pytest.raises(FetchFailed):
        reparse.run(number, actor=operator("mary"), reason="try")
    with pytest.raises(NotUnderstood):
        reparse.run(number, actor=operator("mary"), reason="try")
    assert only_event(bench)["verdict"] == "not_understood"


def test_a_pending_event_is_left_to_the_worker(bench, thin, send, reparse):
    number = send("p1").event
    with pytest.raises(ReplayRefused, match="waits for its provider's API"):
        reparse.run(number, actor=operator("mary"), reason="now")
