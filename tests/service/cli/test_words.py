"""The words a person reads: money, dates, and a next step for every reason there is."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from relay import words
from relay.cli.parameters import open_names, resolve
from relay.cli.tables import plain, table, width
from relay.luminate.outcomes import COMMON_CODES
from relay.luminate.problems import REASONS
from relay.money import Money
from relay.reports.advice import NEXT, Voice, next_step
from relay.status import Outcome, Status


@pytest.mark.parametrize(
    ("amount", "currency", "shown", "alone"),
    [
        (123456, "USD", "$1,234.56", "1,234.56"),
        (5, "USD", "$0.05", "0.05"),
        (500, "JPY", "\N{YEN SIGN}500", "500"),
        (1500, "KWD", "KWD 1.500", "1.500"),
        (10**14, "EUR", "\N{EURO SIGN}1,000,000,000,000.00", "1,000,000,000,000.00"),
    ],
)
def test_money_is_exact_and_readable(amount, currency, shown, alone):
    assert words.money(Money(amount, currency)) == shown
    assert words.number(Money(amount, currency)) == alone


def test_a_day_is_the_organization_s_day():
    moment = datetime(2025, 12, 31, 5, 30, tzinfo=UTC)
    assert words.day(moment, ZoneInfo("America/Chicago")) == "30 December 2025"
    assert words.minute(moment, ZoneInfo("America/Chicago")) == "30 December 2025, 23:30 CST"


@pytest.mark.parametrize("reason", REASONS)
def test_every_problem_has_a_next_step_of_its_own(reason):
    assert next_step(Status.HELD, reason, 7) != next_step(Status.HELD, "", 7)


@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_next_step(status):
    assert "{" not in next_step(status, "", 7)


@pytest.mark.parametrize("reason", sorted(reason for outcome, reason, _ in COMMON_CODES.values()
                                          if outcome is Outcome.REJECTED))  # fmt: skip
def test_every_refusal_of_luminate_has_a_next_step(reason):
    assert "7" in next_step(Status.REJECTED, reason, 7)


@pytest.mark.parametrize("voice", [Voice.BUTTONS, Voice.GROUP])
@pytest.mark.parametrize("reason", ["", *NEXT])
def test_the_console_speaks_of_buttons_never_of_commands(reason, voice):
    for status in Status:
        said = next_step(status, reason, 7, voice=voice)
        assert not set("<>{}") & set(said)
        assert "flask" not in said
        assert "7" not in said


def test_the_same_advice_in_two_voices():
    assert next_step(Status.HELD, "no_email", 7) == (
        "Ask the donor or look at the provider, then `flask correct 7 donor.email=ADDRESS --reason ...` and relay "
        "sends it."
    )
    assert next_step(Status.HELD, "no_email", 7, voice=Voice.BUTTONS) == (
        "Ask the donor or look at the provider, then correct the donor's e-mail address, and relay sends it."
    )


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_word(outcome):
    assert words.OUTCOMES[outcome]


@pytest.mark.parametrize("name", open_names())
def test_every_open_parameter_is_found_by_its_name_and_by_its_words(name):
    assert resolve(name) == name
    assert words.parameter(resolve(words.parameter(name))) == words.parameter(name)


def test_the_words_of_parameters_are_distinct():
    assert len({words.parameter(name) for name in open_names()}) == len(open_names())


def test_a_table_is_aligned_even_with_wide_signs():
    rows = [
        ("1", "\u5c71\u7530\u592a\u90ce", "$5.00", "x"),
        ("22", "Zoe\u0301", "$1,000.00", "a long last column " * 5),
    ]
    lines = list(table(("id", "donor", "money", "why"), rows, right=frozenset({0, 2})))
    assert len({width(line[: line.index("$")].rstrip()) for line in lines[2:]}) == 2
    places = [width(line[: line.index("$5.00") + 5]) if "$5.00" in line else width(line[: line.index(".00") + 3])
              for line in lines[2:]]  # fmt: skip
    assert len(set(places)) == 1


@pytest.mark.parametrize("text", ["a\x1b[31mb", "a\nb", "a\u202eb", "a\u200bb", "a\x00b", "a\u2028b"])
def test_what_a_terminal_would_obey_is_gone(text):
    shown = plain(text)
    assert shown.startswith("a")
    assert shown.endswith("b")
    assert not set(shown) & set("\x1b\n\u202e\u200b\x00\u2028")
