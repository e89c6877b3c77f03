"""The words of alerts: every reason has some of its own, and no word is anybody else's."""

from datetime import timedelta

import pytest

from relay.alerting import Kind, causes
from relay.alerting.messages import _OVER, WHAT_TO_DO
from relay.alerting.signs import RULES
from relay.luminate.outcomes import COMMON_CODES
from relay.luminate.problems import REASONS
from relay.money import Money
from relay.outbound.pausing import BY_PERSON
from relay.outbound.recovery import PAUSE
from relay.status import Outcome, Status

HELD = [*REASONS, "closed_before", "code_supplied", "reopened", "needs_proof", "names_no_payment", "more_than_left",
        "total_unclear", "money_came_back", "other_login",
        "not_reachable", "other_fiscal_year", "twin_was_sent"]  # fmt: skip


@pytest.mark.parametrize("reason", HELD)
def test_every_reason_to_hold_has_words(reason):
    assert causes.of(Status.HELD, reason) != causes.of(Status.HELD, "never_heard_of")


@pytest.mark.parametrize("reason", [reason for outcome, reason, _ in COMMON_CODES.values()
                                    if outcome is Outcome.REJECTED])  # fmt: skip
def test_every_common_refusal_has_words(reason):
    assert causes.of(Status.REJECTED, reason) != causes.of(Status.REJECTED, "luminate_refused")


@pytest.mark.parametrize("reason", [BY_PERSON, PAUSE, "asked_to_wait", "circuit_open", "same_refusal",
                                    *(reason for outcome, reason, _ in COMMON_CODES.values()
                                      if outcome is Outcome.BLOCKED)])  # fmt: skip
def test_every_pause_has_words(reason):
    assert causes.of_pause(reason) != causes.of_pause("never_heard_of")


@pytest.mark.parametrize("status", [Status.HELD, Status.REJECTED, Status.UNKNOWN])
def test_a_reason_nobody_knows_is_never_repeated(status):
    assert "Mary Stone" not in causes.of(status, "Mary Stone")
    assert "Mary Stone" not in causes.of_pause("Mary Stone")


def test_every_kind_has_a_rule_an_advice_and_an_end():
    assert set(RULES) == set(WHAT_TO_DO) == set(_OVER) == set(Kind)


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(seconds=1), "1 minute"),
        (timedelta(minutes=50), "50 minutes"),
        (timedelta(hours=1, minutes=20), "1 hour"),
        (timedelta(hours=24), "1 day"),
        (timedelta(days=2, hours=4, minutes=50), "2 days and 4 hours"),
    ],
)
def test_times_in_words(time, words):
    assert causes.lasting(time) == words


def test_sums_keep_currencies_apart():
    found = causes.sums([Money(100, "USD"), Money(5, "EUR"), Money(20, "USD")])
    assert causes.money(found) == "\N{EURO SIGN}0.05 and $1.20"
    assert causes.fields(found) == [{"amount": "0.05", "currency": "EUR"}, {"amount": "1.20", "currency": "USD"}]
