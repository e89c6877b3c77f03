"""States: one table, and every pair that is not in it is refused by name."""

import itertools

import pytest

from relay.errors import TransitionRefused
from relay.status import (
    CLAIMABLE,
    NEEDS_A_PERSON,
    ON_ITS_WAY,
    PERHAPS_RECORDED,
    STATUS_WORDS,
    TRANSITIONS,
    UNSENT,
    Status,
    advance,
)


@pytest.mark.parametrize(("current", "target"), list(itertools.product(Status, Status)))
def test_every_pair_of_states_is_allowed_by_the_table_or_refused(current, target):
    if target in TRANSITIONS[current]:
        assert advance(current, target) is target
    else:
        with pytest.raises(TransitionRefused, match=f"{current} to {target}"):
            advance(current, target)


def test_every_state_has_words_and_a_row():
    assert set(STATUS_WORDS) == set(TRANSITIONS) == set(Status)


def test_posted_is_final_unless_its_code_proves_to_be_another_s():
    assert TRANSITIONS[Status.POSTED] == {Status.UNKNOWN}


def test_only_a_claim_leads_to_posting_and_only_from_what_is_surely_not_recorded():
    assert {one for one in Status if Status.POSTING in TRANSITIONS[one]} == CLAIMABLE
    assert CLAIMABLE <= UNSENT


def test_posted_is_reached_from_a_call_from_proof_or_by_hand():
    by_hand = {Status.HELD, Status.REJECTED}
    assert {one for one in Status if Status.POSTED in TRANSITIONS[one]} == {Status.POSTING, Status.UNKNOWN} | by_hand
    assert not by_hand & (CLAIMABLE | {Status.POSTING})


def test_a_call_under_way_is_not_closed():
    assert Status.CLOSED not in TRANSITIONS[Status.POSTING]


def test_a_closed_entry_is_only_reopened():
    assert TRANSITIONS[Status.CLOSED] == {Status.HELD, Status.UNKNOWN}


def test_every_state_stands_in_one_column_of_the_balance():
    columns = [ON_ITS_WAY, NEEDS_A_PERSON, {Status.POSTED}, {Status.CLOSED}]
    assert sorted(itertools.chain(*columns)) == sorted(Status)


def test_what_is_unsent_is_not_perhaps_recorded():
    assert frozenset() == UNSENT & PERHAPS_RECORDED
    assert UNSENT | PERHAPS_RECORDED | {Status.CLOSED} == set(Status)
