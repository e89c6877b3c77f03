"""A later event fills what is blank, whole or not at all, and never overwrites."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.gifts import Address, Billing, Donor, Gift, Name, Tender, TenderKind, is_blank
from relay.ledger.codec import gift_from_json, refund_from_json, to_json, without_cards
from relay.money import Money
from tests.builders import DONOR, make_back, make_gift, make_link, make_refund, water

BARE = Gift(keys=("pi_1",), amount=Money(2500, "USD"))
FULL = make_gift(keys=("ch_1",), designations=water(), recurring=True, anonymous=False, sources=({"a": 1},))


def test_what_is_blank_is_filled():
    filled = BARE.filled_from(FULL)
    assert replace(filled, keys=FULL.keys) == FULL


def test_keys_and_sources_of_both_are_kept_once_and_in_order():
    filled = replace(BARE, sources=({"b": 2},)).filled_from(replace(FULL, keys=("ch_1", "pi_1")))
    assert (filled.keys, filled.sources) == (("pi_1", "ch_1"), ({"b": 2}, {"a": 1}))


def test_nothing_is_overwritten():
    other = Gift(keys=("x",), amount=Money(1, "USD"), donor=Donor(name=Name(first="Eve"), email="eve@example.org"))
    filled = FULL.filled_from(other)
    assert (filled.donor, filled.amount) == (FULL.donor, FULL.amount)


@pytest.mark.parametrize(
    ("ours", "theirs", "kept"),
    [
        (Donor(name=Name(last="Stone")), Donor(name=Name(first="Eve", last="Other")), Name(last="Stone")),
        (Donor(address=Address(city="Bay")), Donor(address=Address(street1="2 Lane")), Address(city="Bay")),
    ],
)
def test_no_half_of_a_name_or_address_meets_half_of_another(ours, theirs, kept):
    filled = replace(BARE, donor=ours).filled_from(replace(BARE, donor=theirs))
    assert kept in (filled.donor.name, filled.donor.address)


def test_a_tender_is_filled_whole():
    told = replace(BARE, tender=Tender(kind=TenderKind.CARD)).filled_from(replace(BARE, tender=Tender(last4="4242")))
    assert told.tender == Tender(kind=TenderKind.CARD)


def test_a_payment_has_one_date_the_first_that_was_told():
    moment, today = {"occurred_at": datetime(2026, 1, 3, tzinfo=UTC)}, {"occurred_on": date(2026, 1, 2)}
    for first, later in ((moment, today), (today, moment)):
        filled = replace(BARE, **first).filled_from(replace(BARE, **later))
        assert filled == BARE.filled_from(replace(BARE, **first)) == replace(BARE, **first)


def test_a_hold_ends_with_the_first_event_that_needs_none():
    held = replace(BARE, hold="Not proven.")
    assert held.filled_from(held).hold == "Not proven."
    assert held.filled_from(BARE).hold == BARE.filled_from(held).hold == ""


def test_false_is_an_answer_and_none_is_not():
    assert replace(BARE, anonymous=False).filled_from(replace(BARE, anonymous=True)).anonymous is False
    assert BARE.filled_from(replace(BARE, anonymous=True)).anonymous is True


@pytest.mark.parametrize("value", [None, "", (), Name(), Donor(), Tender(), Billing()])
def test_blank(value):
    assert is_blank(value)


@pytest.mark.parametrize("value", [False, 0, "x", (1,), Name(last="x"), Money(0, "USD")])
def test_not_blank(value):
    assert not is_blank(value)


@given(st.permutations([BARE, FULL, replace(BARE, donor=DONOR), replace(BARE, designations=water())]))
def test_filling_twice_is_filling_once(order):
    filled = order[0]
    for later in order[1:]:
        filled = filled.filled_from(later)
    again = filled.filled_from(order[-1])
    assert replace(again, sources=()) == replace(filled, sources=())


@pytest.mark.parametrize("gift", [BARE, FULL])
def test_a_gift_comes_back_from_the_ledger_as_it_was(gift):
    assert gift_from_json(to_json(gift)) == gift


def test_a_refund_comes_back_from_the_ledger_as_it_was():
    refund = make_refund(total=Money(500, "USD"), before=Money(0, "USD"), sources=({"id": "re_1"},))
    assert refund_from_json(to_json(refund)) == refund


@pytest.mark.parametrize("fact", [FULL, make_refund(), make_back(), make_link("a", "b")])
def test_a_fact_without_card_numbers_stays_the_very_same(fact):
    assert without_cards(fact) is fact


def test_a_card_number_is_masked_everywhere_but_in_ids():
    number = "4242424242424242"
    gift = make_gift(keys=(number,), donor=Donor(employer=f"card {number}"), sources=({"n": {"m": [number]}},))
    clean = without_cards(gift)
    assert clean.keys == (number,)
    assert clean.donor.employer == "card ************4242"
    assert clean.sources == ({"n": {"m": ["************4242"]}},)
    assert clean.amount == gift.amount
