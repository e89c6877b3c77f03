"""The language of the search box: what it understands, what it refuses, and that it says the same when printed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import language
from relay.errors import SearchRefused
from relay.language import FIELDS, Search, Term, parse
from relay.status import NEEDS_A_PERSON, ON_ITS_WAY, Status


def terms(text):
    return [(term.field, term.value) for term in parse(text).terms]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("   ", []),
        ("stone 250", [("", "stone"), ("", "250")]),
        ('"mary stone"', [("", "mary stone")]),
        ("status:held", [("status", "held")]),
        ("STATUS:Held,Rejected", [("status", "held,rejected")]),
        ("status:needs", [("status", "needs")]),
        ('fund:"Clean Water"', [("fund", "Clean Water")]),
        ("amount:>=1,000.50", [("amount", ">=1000.50")]),
        ("amount:$250", [("amount", "250")]),
        ("amount:>=10 amount:<20", [("amount", ">=10"), ("amount", "<20")]),
        ("on:2025-12", [("on", "2025-12")]),
        ("after:yesterday", [("after", "yesterday")]),
        ("id:#3,004", [("id", "3,4")]),
        ("#12", [("", "#12")]),
        ("O'Brien", [("", "O'Brien")]),
        ('5" pipe', [("", '5"'), ("", "pipe")]),
        ('"note: this"', [("", "note: this")]),
        ('name:"still open', [("name", "still open")]),
        (r'"a \"b\" \\ c"', [("", r'a "b" \ c')]),
        ("a a", [("", "a")]),
        ("status:held status:held", [("status", "held")]),
        ("currency:usd", [("currency", "USD")]),
        ("mary\x00stone", [("", "mary"), ("", "stone")]),
    ],
)
def test_a_search_is_read(text, found):
    assert terms(text) == found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("satus:held", 'no field "satus"; did you mean "status"?'),
        ("colour:red", "the fields are name, email, amount"),
        ("status:hold", 'did you mean "held"?'),
        ("status:hold", "needs, way, held, waiting"),
        ("kind:donation", "gift, refund or reinstatement"),
        ("amount:much", "amount:>=1000"),
        ("amount:1.23456", "takes an amount"),
        ("on:2025-13", "2025-12-31"),
        ("on:2025-02-30", "2025-12-31"),
        ("on:31.12.2025", "2025-12-31"),
        ("after:soon", "yesterday"),
        ("id:twelve", "id:12,13"),
        ("late:maybe", "yes, no, month or year"),
        ("currency:dollars", "three letters"),
        ("status:", "needs a value"),
        ('status:""', "needs a value"),
        ("status:,", "needs a value"),
        ("status:held status:posted", "stands twice"),
        ("x" * 601, "600 letters"),
        (" ".join("abcdefghijklmnopqrstuvwxyz"), "24 parts"),
    ],
)
def test_what_is_not_known_is_refused_with_what_is(text, says):
    with pytest.raises(SearchRefused) as refused:
        parse(text)
    assert says in str(refused.value)


def test_every_field_is_named_to_whoever_misses_one():
    with pytest.raises(SearchRefused) as refused:
        parse("nothing:like-this")
    assert all(field in str(refused.value) for field in FIELDS)


VALUES = {
    "amount": st.from_regex(r"(>=|<=|>|<)?[1-9]\d{0,8}(\.\d\d)?", fullmatch=True),
    "currency": st.sampled_from(["usd", "EUR"]),
    "id": st.from_regex(r"#?[0-9]{1,9}(,[0-9]{1,9})?", fullmatch=True),
    "status": st.sampled_from(language.STATUSES),
    "kind": st.sampled_from(["gift", "refund,gift"]),
    "late": st.sampled_from(language.LATE),
} | dict.fromkeys(("after", "before", "on"), st.sampled_from(["2025", "2025-12", "2024-02-29", "today", "Yesterday"]))
FREE = st.text(max_size=12)


@given(st.text(max_size=80) | st.text(alphabet=' ":\\,<>=#$-stauhelxid0123', max_size=40))
def test_whatever_is_typed_is_read_or_refused_and_reads_the_same_when_printed(text):
    try:
        search = parse(text)
    except SearchRefused:
        return
    assert parse(str(search)) == search


PART = st.sampled_from(["", *FIELDS]).flatmap(lambda field: st.tuples(st.just(field), VALUES.get(field, FREE)))


@given(st.lists(PART, max_size=6, unique_by=lambda one: one[0]))
def test_a_search_made_of_fields_reads_the_same_when_printed(parts):
    try:
        search = parse(" ".join(str(Term(field, value)) for field, value in parts))
    except SearchRefused:
        return
    assert parse(str(search)) == search


@given(FREE)
def test_any_text_can_be_said_as_one_quoted_word(text):
    clean = " ".join("".join(" " if language._is_blank(sign) else sign for sign in text).split(" ")).strip()
    search = parse(str(Term("", clean)))
    assert search == Search((Term("", clean),) if clean else ())


def test_words_of_the_page_stand_for_several_states():
    assert set(language.statuses("needs")) == NEEDS_A_PERSON
    assert set(language.statuses("way")) == ON_ITS_WAY
    assert language.statuses("posted,needs") == (Status.HELD, Status.UNKNOWN, Status.REJECTED, Status.POSTED)
    assert language.statuses("") == ()


@pytest.mark.parametrize(
    ("value", "first", "after"),
    [
        ("2025-12-31", date(2025, 12, 31), date(2026, 1, 1)),
        ("2025-12", date(2025, 12, 1), date(2026, 1, 1)),
        ("2025-02", date(2025, 2, 1), date(2025, 3, 1)),
        ("2025", date(2025, 1, 1), date(2026, 1, 1)),
        ("today", date(2026, 3, 1), date(2026, 3, 2)),
        ("yesterday", date(2026, 2, 28), date(2026, 3, 1)),
    ],
)
def test_a_day_a_month_and_a_year_are_periods(value, first, after):
    assert language.period(value, date(2026, 3, 1)) == (first, after)


@pytest.mark.parametrize(
    ("word", "minors"),
    [
        ("250", {25000, 250, 250000, 2500000}),
        ("$250.00", {25000, 250, 250000, 2500000}),
        ("1,234.56", {123456, 1234560, 12345600}),
        ("0.125", {125, 1250}),
        ("ch_250", set()),
        (">=250", set()),
        ("mary", set()),
    ],
)
def test_a_word_is_an_amount_in_any_currency_in_which_it_is_exact(word, minors):
    assert {money.minor for money in language.amounts(word)} == minors


def test_a_bound_keeps_its_sign():
    sign, amounts = language.sign(">=49.99")
    assert sign == ">="
    assert 4999 in {money.minor for money in amounts}


def test_a_field_is_set_and_taken_away():
    search = parse("stone status:held")
    assert str(search.plus("status", "needs")) == "stone status:needs"
    assert str(search.plus("status", "")) == "stone"
