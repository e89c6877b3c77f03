"""Half a letter is mended, and nothing else of a body is touched."""

import json

import orjson
import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from relay.providers import letters
from relay.providers.asking import read_answer
from relay.providers.calling import Reply
from relay.providers.exact import read_exact
from relay.telemetry import mask_cards

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
# Any text of Python's, halves of letters among the others.
HALVES = st.text(st.characters() | st.characters(categories=["Cs"]))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (rb'"Ada \ud83d"', "Ada \ufffd"),
        (rb'"Ada \ud83d!"', "Ada \ufffd!"),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"\uD83D\uDE00\uDE00"', "\U0001f600\ufffd"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd\U0001f600"),
        (rb'"\ude00\ud83d"', "\ufffd\ufffd"),
        (rb'"\\ud83d \udc00"', "\\ud83d \ufffd"),
        (rb'"\\\ud83d"', "\\\ufffd"),
        (rb'"\"\ud83d\""', '"\ufffd"'),
        (b'"J\xf6rg"', "J\ufffdrg"),
        (b'"\xed\xa0\xbd"', "\ufffd\ufffd\ufffd"),
        (b'"two\tcolumns\nand lines"', "two columns and lines"),
        (b'\xef\xbb\xbf"behind a mark"', "behind a mark"),
    ],
)
def test_what_is_half_a_letter_and_what_is_none(written, read):
    assert letters.loads(written) == read


@pytest.mark.parametrize("written", [b"", b"\xff\xfe", b'{"a": 1', rb'{"a": "\ud83"}', b"{a: 1}", b"NaN", b'"\\x"'])
def test_what_is_no_json_stays_none(written):
    with pytest.raises(orjson.JSONDecodeError):
        letters.loads(written)


@given(VALUES, st.booleans())
def test_what_can_be_read_is_not_touched(value, escaped):
    body = json.dumps(value, ensure_ascii=escaped).encode()
    assert letters.read(body) == (value, body)
    assert json.loads(letters.mended(body)) == value


@given(HALVES, st.booleans())
def test_every_text_becomes_one_that_can_be_kept(text, escaped):
    body = json.dumps({"name": text, "amount": 5}, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    told = letters.loads(body)
    told["name"].encode()
    assert told["amount"] == 5
    whole = [letter for letter in text if not "\ud800" <= letter <= "\udfff"]
    assert [letter for letter in told["name"] if letter != "\ufffd"] == [one for one in whole if one != "\ufffd"]


@given(st.binary(max_size=200))
def test_mending_never_fails_and_ends_after_once(body):
    once = letters.mended(body)
    once.decode()
    assert letters.mended(once) == once or once.startswith(b"\xef\xbb\xbf")


def test_amounts_beside_half_a_letter_stay_exact():
    told = read_exact(rb'{"name": "\ud83d", "amount": 7.780}')
    assert (told["name"], str(told["amount"])) == ("\ufffd", "7.780")


def test_an_answer_of_an_api_with_half_a_letter_is_read():
    told = read_answer(Reply(200, rb'{"name": "Ada \ud83d", "amount": 45.00}'))
    assert told == {"name": "Ada \ufffd", "amount": "45.00"}


def test_what_is_written_inside_a_text_is_mended_too():
    assert letters.inside(r'{"fund": "WATER\u0000", "note": "\ud83d"}') == {"fund": "WATER", "note": "\ufffd"}


def test_a_card_number_beside_half_a_letter_is_masked_and_the_body_still_read():
    body = rb'{"name": "\ud83d", "note": 4242424242424242}'
    assert letters.loads(mask_cards(body)) == {"name": "\ufffd", "note": "************4242"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"Ada &#xD83D;!", "Ada \ufffd!"),
        (b"&#0;&#1;&#xFFFE;&#x110000;", "\ufffd" * 4),
        (b"\x01\x0b", "\ufffd\ufffd"),
        (b"J\xf6rg", "J\ufffdrg"),
        (b"&#xe9;&#233;&#x1F600;&amp;", "\xe9\xe9\U0001f600&"),
    ],
)
def test_xml_is_mended_where_a_letter_is_none(written, read):
    whole = letters.mended_xml(b"<name>" + written + b"</name>")
    assert fromstring(whole).text == read
