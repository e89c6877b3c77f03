"""Values that are sealed, and what is found of them without being opened."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import KeyMissing
from relay.ledger.findable import cut
from relay.ledger.sealing import PLAIN, SEALED, Keyring
from tests.support.sealed import NEW, OLD, STRANGE

RINGS = {"no key": (), "one key": (NEW,), "two keys": (NEW, OLD), "opening": ("open", NEW, OLD)}
# Texts that look like something of ours, too.
texts = st.text() | st.builds("{}{}".format, st.sampled_from((SEALED, PLAIN, f"{PLAIN}{SEALED}")), st.text())


@pytest.mark.parametrize("keys", RINGS.values(), ids=RINGS)
@given(text=texts)
def test_what_was_written_is_read(keys, text):
    keyring = Keyring(keys)
    assert keyring.read(keyring.written(text)) == text


@pytest.mark.parametrize("keys", RINGS.values(), ids=RINGS)
def test_somebody_who_writes_a_sealed_value_gets_a_text(keys):
    """A donor whose name is a sealed value, genuine or not, breaks nothing and reads nothing."""
    keyring = Keyring(keys)
    for name in (Keyring((STRANGE,)).sealed(b"Mary"), Keyring((NEW,)).sealed(b"Mary"), f"{PLAIN}Mary", SEALED):
        assert keyring.read(keyring.written(name)) == name


def test_each_time_a_text_is_sealed_it_is_another():
    keyring = Keyring((NEW,))
    first, second = keyring.written("Mary Stone"), keyring.written("Mary Stone")
    assert first != second
    assert "Mary" not in first
    assert "Mary" not in base64.urlsafe_b64decode(first.rpartition(":")[2]).decode("latin-1")


def test_an_empty_text_stays_empty():
    assert Keyring((NEW,)).written("") == ""


def test_the_first_key_seals_and_every_key_opens():
    old, both, new = Keyring((OLD,)), Keyring((NEW, OLD)), Keyring((NEW,))
    assert both.read(old.written("Mary")) == "Mary"
    assert new.read(both.written("Mary")) == "Mary"
    assert Keyring((OLD, NEW)).read(new.written("Mary")) == "Mary"


def test_what_was_plain_before_there_were_keys_is_read():
    assert Keyring((NEW,)).read(Keyring().written("Mary")) == "Mary"


def test_open_before_the_keys_writes_plain_and_reads_all():
    opening = Keyring(("open", NEW))
    assert opening.written("Mary") == "Mary"
    assert opening.read(Keyring((NEW,)).written("Mary")) == "Mary"


@pytest.mark.parametrize("keys", [(), (OLD,), ("open", OLD)])
def test_without_its_key_a_value_is_refused_by_the_name_of_the_variable(keys):
    sealed = Keyring((NEW,)).written("Mary Stone")
    with pytest.raises(KeyMissing) as raised:
        Keyring(keys).read(sealed)
    said = str(raised.value)
    assert "RELAY_ENCRYPTION_KEYS" in said
    assert Keyring((NEW,)).marks[0] in said
    assert not {"Mary", NEW, OLD, sealed} & set(said.split())


def test_a_value_that_was_changed_is_refused():
    sealed = Keyring((NEW,)).written("Mary")
    changed = f"{sealed[:60]}{'A' if sealed[60] != 'A' else 'B'}{sealed[61:]}"
    with pytest.raises(KeyMissing, match="changed or cut off"):
        Keyring((NEW,)).read(changed)


def test_no_key_stands_in_what_is_shown_of_a_keyring():
    assert NEW not in f"{Keyring((NEW,))!r} {Keyring((NEW,)).marks} {vars(Keyring((NEW,)))}"


# --- blind values -------------------------------------------------------------------------------------------------


@given(word=st.text(min_size=3, max_size=12).map(cut).filter(bool).map(lambda words: words[0]))
def test_a_word_is_found_by_every_beginning_of_three_letters_and_more(word):
    keyring = Keyring((NEW,))
    for length in range(3, len(word) + 1):
        assert keyring.word(word).startswith(keyring.word(word[:length]))


def test_a_shorter_beginning_finds_only_the_whole_word():
    keyring = Keyring((NEW,))
    assert not keyring.word("mary").startswith(keyring.word("ma"))
    assert keyring.word("ma") == keyring.word("ma")


def test_a_word_of_a_name_and_one_of_an_address_are_two():
    keyring = Keyring((NEW,))
    assert keyring.word("mary")[:13] != keyring.word("@mary")[:13]
    assert keyring.word("@mary").startswith(keyring.word("@mar"))


def test_other_words_and_other_keys_make_other_tokens():
    keyring = Keyring((NEW,))
    words = ("mary", "marx", "stone", "stine", "@mary", "ma")
    assert len({keyring.word(word) for word in words}) == len(words)
    assert keyring.word("mary") != Keyring((OLD,)).word("mary")
    assert "mary" not in keyring.word("mary")


def test_a_search_asks_plain_and_under_every_key():
    keyring = Keyring((NEW, OLD))
    asked = keyring.searched(["mary", "sto"])
    assert asked == [["mary", "sto"], *([one.word("mary"), one.word("sto")] for one in map(Keyring, ((NEW,), (OLD,))))]


def test_the_key_of_a_donor_is_the_same_each_time_and_another_under_another_key():
    new, old = Keyring((NEW,)), Keyring((OLD,))
    assert new.donor_key("mary@example.org") == new.donor_key("mary@example.org")
    assert new.donor_key("mary@example.org") != new.donor_key("mark@example.org")
    assert Keyring((NEW, OLD)).donor_keys("mary@example.org") == [
        new.donor_key("mary@example.org"),
        old.donor_key("mary@example.org"),
    ]
    assert (new.donor_key(""), Keyring().donor_key("mary@example.org")) == ("", "")
