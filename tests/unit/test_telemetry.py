"""Logs name ids and never people, and no card number is ever stored."""

import json
import sys

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import telemetry
from relay.errors import NotUnderstood
from relay.telemetry import blot, mask_cards, redact

VISA, MASTERCARD, AMEX, DISCOVER = "4242424242424242", "5555555555554444", "378282246310005", "6011111111111117"


@pytest.mark.parametrize(
    "number",
    [
        VISA, MASTERCARD, AMEX, DISCOVER, "4222222222222", "2223003122003222", "30569309025904", "3566002020360505",
        "6200000000000005", "6759649826438453", "5018717207034115",
    ],
)  # fmt: skip
def test_every_issuer_is_masked_to_the_last_four(number):
    assert mask_cards(number.encode()) == b"*" * 12 + number[-4:].encode()


@pytest.mark.parametrize(
    ("body", "masked"),
    [
        ('{"note": "my card is 4242 4242 4242 4242."}', '{"note": "my card is ************4242."}'),
        ('{"note": "4242-4242-4242-4242, 12/27"}', '{"note": "************4242, 12/27"}'),
        ('{"note": "12/25 4242 4242 4242 4242 123"}', '{"note": "12/25 ************4242 123"}'),
        ('{"note": "2025 12 25 4242 4242 4242 4242"}', '{"note": "2025 12 25 ************4242"}'),
        ('{"note": "4242  4242 - 4242 4242"}', '{"note": "4242  4242 - 4242 4242"}'),
        ('{"note": "4242  4242  4242  4242"}', '{"note": "************4242"}'),
        (r'{"note": "pay:\n4242424242424242"}', r'{"note": "pay:\n************4242"}'),
        (r'{"note": "4242\u00a04242\u00a04242\u00a04242"}', '{"note": "************4242"}'),
        ('{"note": "4242\u00a04242\u00a04242\u00a04242"}', '{"note": "************4242"}'),
        ('{"a": "4242424242424242", "b": "5555555555554444"}', '{"a": "************4242", "b": "************4444"}'),
        ("number=4242424242424242&cvc=123", "number=************4242&cvc=***"),
        ('{"card": {"cvc": "123", "CVV2" : 1234}}', '{"card": {"cvc": "***", "CVV2" : null}}'),
        (
            r'{"said": "{\"security_code\": 9137, \"cvv\":\"913\"}"}',
            r'{"said": "{\"security_code\": null, \"cvv\":\"***\"}"}',
        ),
        ("<cardCode>900</cardCode>", "<cardCode>***</cardCode>"),
        ("number=4242+4242+4242+4242&x=1", "number=************4242&x=1"),
        ("note=card%3A4242%204242%204242%204242%21", "note=card%3A************4242%21"),
        ("note=card%3A4242%2D4242%2d4242%2D4242", "note=card%3A************4242"),
        ("<number>4242424242424242</number>", "<number>************4242</number>"),
    ],
)
def test_card_numbers_are_masked_wherever_people_write_them(body, masked):
    assert mask_cards(body.encode()) == masked.encode()


@pytest.mark.parametrize(
    "body",
    [
        '{"created": 1735603200, "ms": 1735603200000, "us": 1735603200000000, "ns": 1735603200000000000}',
        '{"id": "ch_4242424242424242", "pi": "pi_4242424242424242_secret"}',
        '{"id": "evt4242424242424242x"}',
        '{"amount": "4242424242424242.50", "rate": 0.4242424242424242}',
        '{"id": "4242424242424241"}',  # Luhn does not hold
        '{"psp": "8535516988490341"}',  # no issuer begins with 8
        '{"id": "9c4c3f2e-4242-4242-8242-424242424242"}',
        '{"trace": "42424242424242424242424242"}',  # longer than any card
        '{"phone": "+1 512 555 0100", "zip": "78701-1234"}',
        '{"at": "2025-12-30T16:05:00.123456Z"}',
        '{"last4": "4242", "bin": "424242"}',
        '{"masked": "************4242"}',
    ],
)
def test_what_only_looks_like_a_card_number_stays(body):
    assert mask_cards(body.encode()) == body.encode()


def test_a_bare_number_in_json_becomes_a_text_so_that_the_body_is_still_json():
    body = b'{"number": 4242424242424242, "others": [5555555555554444, 7]}'
    assert json.loads(mask_cards(body)) == {"number": "************4242", "others": ["************4444", 7]}


def test_a_number_between_commas_in_a_text_does_not_break_the_text():
    body = b'{"note": "cards: 4242424242424242, and more"}'
    assert json.loads(mask_cards(body)) == {"note": "cards: ************4242, and more"}


@given(st.recursive(st.text() | st.integers(-(2**53), 2**53) | st.none(), lambda part: st.lists(part, max_size=4)))
def test_json_stays_json(value):
    orjson.loads(mask_cards(orjson.dumps({"value": value})))


@given(st.binary(max_size=300))
def test_any_bytes_are_taken_and_masking_twice_changes_nothing(body):
    once = mask_cards(body)
    assert mask_cards(once) == once


def test_a_hostile_body_costs_no_time():
    for piece in (b"4 ", b"4", b"4 4a", b"%20", b"4%20", b"2.2"):
        mask_cards(piece * (300_000 // len(piece)))


# --- log lines ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["body", "payload", "parameters", "login_password", "secret", "api_key", "token", "cookie", "donor_email", "name",
     "donor_name", "address", "phone", "card_number", "Authorization"],
)  # fmt: skip
def test_forbidden_names_are_redacted_whatever_they_hold(name):
    assert redact(None, "info", {name: "Mary", "event": "x"}) == {name: "[redacted]", "event": "x"}


def test_ids_counts_and_codes_pass():
    line = {
        "event": "event_stored", "organization": "hope", "entry": 7, "provider": "stripe", "seconds": 0.25,
        "more": True, "none": None, "verdict": "entry", "ids": [1, 2],
    }  # fmt: skip
    assert redact(None, "info", dict(line)) == line


def test_what_slips_into_other_values_is_blotted():
    line = {
        "why": "no constituent for mary.stone@example.org",
        "url": "https://x/?e=mary%40example.org",
        "things": ["4242424242424242", {"donor": "Mary"}],
        "number": 4242424242424242,
        "error": ValueError("mary@example.org"),
    }
    shown = json.dumps(redact(None, "info", line))
    for leak in ("mary", "Mary", "42424242424"):
        assert leak not in shown


@given(st.text())
def test_blot_leaves_no_address(text):
    assert "mary@example.org" not in blot(f"{text} mary@example.org {text}")


def test_a_traceback_tells_places_and_classes_but_not_what_an_exception_quotes(capsys):
    telemetry.configure("json", "INFO")
    try:
        try:
            int("Ma" + "ry Stone")
        except ValueError as error:
            raise NotUnderstood("the object of the event is of an unknown kind") from error
    except NotUnderstood:
        telemetry.structlog.get_logger("test").exception("parser_failed", provider="stripe")
    said = capsys.readouterr()
    line = json.loads((said.out or said.err).splitlines()[-1])
    assert "Mary" not in line["exception"]
    assert "ValueError" in line["exception"]
    assert "NotUnderstood: the object of the event is of an unknown kind" in line["exception"]
    assert "test_telemetry.py" in line["exception"]


def test_commands_keep_their_output_to_themselves(capsys):
    telemetry.configure("json", "INFO")
    telemetry.to_standard_error()
    log = telemetry.structlog.get_logger("test")
    log.info("one")
    said = capsys.readouterr()
    assert (said.out, json.loads(said.err)["event"]) == ("", "one")
    telemetry.to_standard_output()
    log.info("two")
    assert json.loads(capsys.readouterr().out)["event"] == "two"


@pytest.fixture(autouse=True)
def _as_it_was():
    yield
    telemetry.to_standard_output()
    sys.stdout.flush()
