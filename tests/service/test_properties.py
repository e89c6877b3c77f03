"""Whatever the order, whatever Luminate answers: nothing lost, nothing doubled, and the books add up."""

import itertools
import os
import shutil
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from relay.access import operator
from relay.config import RefundedUnposted
from relay.status import Kind, Outcome, Status
from tests import strategies
from tests.builders import make_organization, make_relay
from tests.fakes import FakeLuminate

# The long form: RELAY_EXAMPLES=1000 python -m pytest tests/service/test_properties.py
EXAMPLES = int(os.environ.get("RELAY_EXAMPLES", "40"))
often = settings(
    max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
_ledgers = itertools.count()
ROUNDS = 40


@pytest.fixture(scope="module")
def empty_ledger(tmp_path_factory):
    path = tmp_path_factory.mktemp("ledgers") / "empty.db"
    make_relay(f"sqlite:///{path}").database.engine.dispose()
    return path


def fresh(empty, words, **changes):
    """A relay on a ledger of its own, and a Luminate that will answer these words."""
    path = empty.with_name(f"{next(_ledgers)}.db")
    shutil.copy(empty, path)
    return make_relay(f"sqlite:///{path}", make_organization(**changes), luminate=FakeLuminate(words))


@often
@given(history=strategies.histories(), words=strategies.answers)
def test_luminate_s_net_becomes_the_provider_s(empty_ledger, history, words):
    """It does, or nobody could know from what was told: then a person is asked. Never goes back more than went back."""
    relay = fresh(empty_ledger, words)
    play(relay, history)
    told = [str(entry) for entry in relay.entries()]
    waiting = [entry for entry in relay.entries() if entry.status not in {Status.POSTED, Status.CLOSED}]
    assert all(entry.status is Status.HELD and entry.reason in in_doubt(history) for entry in waiting), told
    assert relay.luminate.net == history.net or (waiting and not history.clear), told
    relay.database.engine.dispose()


@often
@given(history=strategies.histories_of_two_ids(), words=strategies.answers)
def test_refunds_told_under_two_ids_count_once_whatever_was_sent(empty_ledger, history, words):
    relay = fresh(empty_ledger, words, refunded_unposted=RefundedUnposted.BOTH)
    play(relay, history)
    told = [str(entry) for entry in relay.entries()]
    assert {entry.status for entry in relay.entries()} <= {Status.POSTED, Status.CLOSED}, told
    assert relay.luminate.net == history.net, told
    assert not any(entry.flag.startswith("Sent twice") for entry in relay.entries()), told
    relay.database.engine.dispose()


def play(relay, history):
    """Everything is told; then relay and people work until nothing moves any more."""
    for step in history.steps:
        take(relay, step)
        check(relay, history)
    for _ in range(ROUNDS):
        before = relay.statuses(), len(relay.luminate.calls)
        work(relay, history)
        check(relay, history)
        if before == (relay.statuses(), len(relay.luminate.calls)):
            break


def in_doubt(history):
    """For what reasons a person may still be asked once everything was told and done."""
    return {"total_unclear"} if history.clear else {"total_unclear", "money_came_back", "more_than_left"}


@often
@given(words=strategies.answers)
def test_any_sequence_of_answers_records_a_gift_at_most_once(empty_ledger, words):
    relay = fresh(empty_ledger, words)
    relay.take(strategies.make_gift())
    for _ in range(len(words) + 2):
        relay.posting().run()
        relay.later(hours=13)
        sweep(relay)
        check(relay)
    assert len(relay.luminate.gifts) <= 1
    relay.database.engine.dispose()


def take(relay, step):
    match step:
        case "post":
            relay.posting().run()
        case "sweep":
            sweep(relay)
        case "hour":
            relay.later(hours=1)
        case "day":
            relay.later(days=1)
        case fact:
            relay.take(replace(fact))


def sweep(relay):
    relay.sweep(worker=f"w{next(_ledgers)}").run()


def work(relay, history):
    """Time passes, relay works, and people resolve what is theirs, truthfully."""
    relay.later(hours=13)
    sweep(relay)
    relay.post()
    recorded = recorded_entries(relay)
    for entry in relay.entries():
        if entry.status is Status.UNKNOWN and recorded.get(entry.id):
            relay.deciding.found(entry.id, code_of(relay, entry), actor=operator("ann"), reason="looked")
        elif entry.status is Status.UNKNOWN:
            relay.later(minutes=15)
            relay.deciding.absent(entry.id, attempt=entry.fence, actor=operator("ann"), reason="looked")
        elif entry.status in {Status.HELD, Status.REJECTED}:
            decide(relay, entry, history)


def decide(relay, entry, history):
    """What a person does with what is held or refused: send it, or take it back by hand from the gift made anew."""
    if entry.kind is not Kind.GIFT and entry.reason in in_doubt(history):
        return
    relay.replay(entry.id)
    settled = all(one.status in {Status.POSTED, Status.CLOSED, Status.HELD} for one in relay.entries())
    if relay.entry(entry.id).reason == "more_than_left" and settled and relay.luminate.take_back(entry.amount):
        relay.deciding.close(entry.id, actor=operator("ann"), reason="refunded by hand")


def recorded_entries(relay):
    """How often Luminate recorded each entry: calls and attempts are in the same order."""
    found = {}
    for attempt, recorded in zip(relay.attempts(), relay.luminate.recorded, strict=True):
        found[attempt["entry_id"]] = found.get(attempt["entry_id"], 0) + recorded
    return found


def code_of(relay, entry):
    if entry.kind is Kind.REFUND:
        return "looked"
    owned = {one.confirmation_code for one in relay.entries()}
    return next(code for code, sent in relay.luminate.gifts.items() if code not in owned and sent == entry.parameters)


def check(relay, history=None):
    """What must hold at every moment."""
    assert history is None or relay.luminate.gone <= history.gone
    assert relay.balance_holds()
    assert relay.luminate.impossible == []
    assert relay.luminate.mails == 0
    assert all(count <= 1 for count in recorded_entries(relay).values())
    told = {attempt["entry_id"] for attempt in relay.attempts() if attempt["outcome"] == Outcome.POSTED}
    assert told <= {entry.id for entry in relay.entries() if entry.status is Status.POSTED}
