"""One string into the parts of a name; no word is ever lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.gifts import Name
from relay.luminate.names import split_name, words


@pytest.mark.parametrize(
    ("full", "parts"),
    [
        ("Jane Doe", {"first": "Jane", "last": "Doe"}),
        ("Doe, Jane", {"first": "Jane", "last": "Doe"}),
        (
            "Dr. Jane Q. van der Berg PhD",
            {"title": "Dr.", "first": "Jane", "middle": "Q.", "last": "van der Berg", "suffix": "PhD"},
        ),
        ("Mr. and Mrs. John Smith Jr.", {"title": "Mr. and Mrs.", "first": "John", "last": "Smith", "suffix": "Jr."}),
        ("John & Mary Smith", {"first": "John & Mary", "last": "Smith"}),
        ("John (Jack) Smith", {"first": "John", "middle": "(Jack)", "last": "Smith"}),
        ("John Smith (in memory of Ann)", {"first": "John", "middle": "(in memory of Ann)", "last": "Smith"}),
        ('John "Jack" Smith', {"first": "John", "middle": '"Jack"', "last": "Smith"}),
        ("Cher", {"last": "Cher"}),
        ("Prince Harry", {"first": "Prince", "last": "Harry"}),
        ("Mr Smith", {"first": "Mr", "last": "Smith"}),
        ("Dean Martin", {"first": "Dean", "last": "Martin"}),
        ("Yo-Yo Ma", {"first": "Yo-Yo", "last": "Ma"}),
        ("The Smith Family Foundation, Inc.", {"first": "The Smith Family Foundation,", "last": "Inc."}),
        ("First Baptist Church", {"first": "First Baptist", "last": "Church"}),
        ("Jane Smith née Jones", {"first": "Jane Smith née", "last": "Jones"}),
        ("山田 太郎", {"first": "太郎", "last": "山田"}),
        ("محمد علي", {"first": "محمد", "last": "علي"}),
        ("김철수", {"last": "김철수"}),
        ("😀 Bob Lee", {"first": "😀", "middle": "Bob", "last": "Lee"}),
        (" ", {}),
        (", ,", {"first": ",", "last": ","}),
    ],
)
def test_names_are_split_with_care(full, parts):
    assert split_name(Name(full=full)) == Name(**parts)


def test_parts_that_the_provider_gave_are_left_alone():
    given_parts = Name(full="Jane Q Doe", first="Jane", last="Doe")
    assert split_name(given_parts) is given_parts
    assert split_name(Name()) == Name()


def test_a_title_beside_the_full_name_stays():
    assert split_name(Name(full="Jane Q Doe", title="Dr.", prof_suffix="PhD")) == Name(
        title="Dr.", first="Jane Q", last="Doe", prof_suffix="PhD"
    )


NAMEY = st.lists(
    st.sampled_from(
        'Jane Doe Dr. Mr & and Mrs van der de la O\'Brien Smith, Jr. III PhD, (Jack) (Bob "Al" née von Inc. '  # noqa: SIM905
        "Foundation Q. X 王 小明 김 😀 Ma MD esq . , - ( ) St. do y i".split(" ")
    )
    | st.text(max_size=8),
    max_size=8,
).map(" ".join)


@given(NAMEY)
def test_no_word_of_a_name_is_ever_lost(full):
    name = split_name(Name(full=full))
    assert name.full == "" or not full.strip()
    assert words(f"{name.title} {name.first} {name.middle} {name.last} {name.suffix}") == words(full)
    assert name.last or not words(full)
