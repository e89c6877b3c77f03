"""The words an entry is found by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.ledger.findable import cut, stored, whole, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Mary Stone", ["mary", "stone"]),
        ("  Núñez-Ørsted, Zoë ", ["nunez", "orsted", "zoe"]),
        ("O'Brien", ["o", "brien"]),
        ("STRAßE ﬁsh", ["strasse", "fish"]),
        ("Łukasz Æsir", ["lukasz", "aesir"]),
        ("a_b.c", ["a", "b", "c"]),
        ("山田 太郎", ["山田", "太郎"]),
        ("", []),
        ("'; -- %", []),
    ],
)
def test_a_text_is_cut_into_plain_words(text, words):
    assert cut(text) == words


def test_an_address_is_marked_and_an_id_stays_whole():
    found = words_of(name="Mary Stone", email="M.Stone@Example.org", codes=("ch_1A", "", "0-1001 x"))
    assert found == ("mary", "stone", "@m", "@stone", "@example", "@org", "=ch_1a", "=0-1001_x")


def test_what_a_hostile_sender_makes_is_bounded():
    found = words_of(name="a " * 10_000, email="x" * 10_000, codes=("y" * 10_000,))
    assert len(found) < 60
    assert max(map(len, found)) <= 81


def test_each_database_has_its_own_way_to_keep_them():
    words = ("mary", "@stone", whole("it's"), whole("a\\b"))
    assert stored(words, "sqlite") == " mary @stone =it's =a\\b "
    assert stored(words, "postgresql") == r"'mary':1 '@stone':2 '=it''s':3 '=a\\b':4"


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_name_is_found_by_any_beginning_of_its_words(name, more):
    for word in cut(name):
        assert word in words_of(name=f"{name} {more}", email="", codes=())
        assert cut(word) == [word]
