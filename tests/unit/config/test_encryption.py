"""RELAY_ENCRYPTION_KEYS: what it becomes, and each mistake's sentence."""

import pytest
from cryptography.fernet import Fernet

from relay.config import load_settings
from relay.config.encryption import MAKE
from relay.errors import ConfigurationError
from tests.support.sealed import NEW, OLD
from tests.unit.config.test_environment import GOOD


def keys(text):
    return load_settings({**GOOD, "RELAY_ENCRYPTION_KEYS": text}).encryption_keys


def wrong(text):
    with pytest.raises(ConfigurationError) as raised:
        keys(text)
    (problem,) = raised.value.problems
    assert not {OLD, NEW, OLD.rstrip("="), "short"} & set(problem.replace(",", " ").split())
    return problem.removeprefix("RELAY_ENCRYPTION_KEYS: ")


@pytest.mark.parametrize("text", [f"{NEW},{OLD}", f" {NEW} {OLD} ", f"{NEW}, {OLD},"])
def test_several_keys_stand_newest_first(text):
    assert keys(text) == (NEW, OLD)


def test_none_is_none():
    assert keys("") == keys("  ") == load_settings(GOOD).encryption_keys == ()


def test_open_stands_before_the_keys():
    assert keys(f"open {NEW}") == ("open", NEW)


def test_a_key_made_as_the_sentence_says_is_one(capsys):
    exec(MAKE.partition("python -c '")[2].removesuffix("'"))  # noqa: S102 - the line that people are told to run
    assert keys(capsys.readouterr().out) != ()
    assert keys(Fernet.generate_key().decode()) != ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("p@ss/word+", "key 1 is not URL-safe base64; "),
        (NEW.replace("b", "+"), "key 1 is not URL-safe base64; "),
        ("short", "key 1 must be 32 bytes, which is 44 letters with the = at the end; "),
        (f"{NEW} {OLD[:-1]}", "key 2 must be 32 bytes, "),
        (f"{NEW}{OLD}", "key 1 is not URL-safe base64; "),
        (f"{NEW} {OLD} {NEW}", "key 3 is key 1 once more."),
        (f"{NEW} {NEW[:-2]}F=", "key 2 is key 1 once more."),
        ("open", "has no key behind `open`; "),
        (f"{NEW} open {OLD}", "has `open` between its keys; "),
    ],
)
def test_each_mistake_has_its_sentence(text, says):
    assert wrong(text).startswith(says)


def test_no_key_is_ever_printed():
    settings = load_settings({**GOOD, "RELAY_ENCRYPTION_KEYS": f"{NEW} {OLD}"})
    assert not {NEW, OLD} & set(repr(settings).replace("'", " ").replace(",", " ").split())
    assert NEW not in repr(settings)
