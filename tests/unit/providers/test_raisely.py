"""Raisely: the secret inside the body, which is never stored; amounts in cents; refunds that do not say how much."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.demo.signing import raisely_body
from relay.errors import NotUnderstood
from relay.gifts import Address, Designation, Flag, Gift, Name, Refund, TenderKind
from relay.money import Money
from relay.providers.base import Delivery
from relay.providers.raisely import OFFLINE, RAISELY, STATUSES, TENDERS, scrub
from tests.provider_cases import NOW, payloads
from tests.unsigned_cases import UnsignedCases

RECORDED = Path(os.environ.get("RELAY_PAYLOADS", ""))
SECRET = "raisely-secret-of-alder"
ANNA = "aa10d2c0-0001-11f1-8f3c-c766ac08c846"


def usd(text):
    return Money.parse(text, "USD")


def situation(name):
    return RAISELY.parse(Delivery(payloads("raisely")[name]))


def changed(name="donation_succeeded", **fields):
    event = json.loads(payloads("raisely")[name])
    event["data"]["data"] |= fields
    return RAISELY.parse(Delivery(json.dumps(event).encode()))


class TestRaisely(UnsignedCases):
    provider = RAISELY
    secret = SECRET
    second_secret = "secret-while-rolling-over"
    other_secret = "secret-of-another-organization"
    genuine = "donation_succeeded"
    strange = "donation.eclipsed"
    may_vanish: ClassVar = {
        "data.data": "until it is charged, only what was entered by hand (offline) counts",
        "data.data.type": "until it is charged, only what was entered by hand (offline) counts",
        "data.type": "another type of event is kept, counted and ignored",
    }
    signature_header = "secret"

    def sign(self, body, secret, timestamp=None):
        """The secret is no header: it travels in the body."""
        return {"secret": secret}

    def verify(self, headers=None, body=None, settings=None, now=NOW):
        event = json.loads(self.body if body is None else body)
        told = self.sign(self.body, self.secret) if headers is None else headers
        event = {name: value for name, value in event.items() if name != "secret"}
        carried = raisely_body(event, told["secret"]) if "secret" in told else json.dumps(event).encode()
        return RAISELY.verify(Delivery(carried), settings or self.settings(), now)

    def typed(self, event, kind):
        return event | {"data": event["data"] | {"type": kind}}

    def test_not_utf8_verifies_like_any_bytes(self):
        with pytest.raises(Exception, match="carries no secret"):
            RAISELY.verify(Delivery(b"\xff\xfe{}"), self.settings(), NOW)

    def test_an_empty_body_verifies_and_is_unreadable(self):
        for body in (b"", b"[]", b"null", b'{"secret": null}', b'{"secret": ["raisely-secret-of-alder"]}'):
            with pytest.raises(Exception, match="carries no secret"):
                RAISELY.verify(Delivery(body), self.settings(), NOW)

    def test_the_secret_as_a_header_does_not_count(self):
        headers = dict.fromkeys(("secret", "signature", "authorization"), self.secret)
        with pytest.raises(Exception, match="carries no secret"):
            RAISELY.verify(Delivery(b'{"data": {}}', headers), self.settings(), NOW)

    def test_the_secret_of_a_genuine_body_matches(self):
        for body in payloads("raisely").values():
            assert RAISELY.verify(Delivery(body), self.settings(), NOW) == 0


# --- the secret never stays -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        *payloads("raisely").values(),
        b'{"secret": "raisely-secret-of-alder", "secret": "raisely-secret-of-alder", "data": {"type": "x"}}',
        b'{"data": {"secret": "raisely-secret-of-alder", "data": [{"secret": "raisely-secret-of-alder"}]}}',
        b'{"s\\u0065cret": "raisely-secret-of-alder", "data": {"note": "it is raisely-secret-of-alder!"}}',
        b'{"SECRET": "r\\u0061isely-secret-of-alder", "data": {"raisely-secret-of-alder": 1}}',
        b'{"secret" : "raisely-secret-of-alder", "deep": ' + b"[" * 900 + b"]" * 900 + b"}",
    ],
)
def test_no_trace_of_the_secret_is_stored(body):
    stored = scrub(body)
    assert b"raisely-secret-of-alder" not in stored
    assert b"raisely-secret-of-alder" not in json.dumps(_loaded(stored)).encode()


def _loaded(body):
    try:
        return json.loads(body)
    except RecursionError:
        return None


def test_what_is_stored_means_the_same():
    for body in payloads("raisely").values():
        assert RAISELY.parse(Delivery(scrub(body))) == RAISELY.parse(Delivery(body))


def test_numbers_stay_as_they_were_written():
    stored = scrub(b'{"secret": "s", "a": 7.780, "b": 1e400, "c": 123456789012345678901234567890, "d": -0}')
    assert stored == b'{"a":7.780,"b":1e400,"c":123456789012345678901234567890,"d":-0}'


def test_a_gift_keeps_no_secret_in_its_source():
    (gift,) = changed(secret=SECRET, note=f"x {SECRET}").facts
    assert SECRET not in json.dumps(gift.sources)


@given(st.binary(max_size=200))
def test_scrubbing_never_loses_a_body_by_an_error(body):
    assert isinstance(scrub(body), bytes)
    scrub(b'{"secret": "' + body + b'"}')


# --- money in ---------------------------------------------------------------------------------------------------------


def test_the_whole_gift():
    parsed = situation("donation_succeeded")
    (gift,) = parsed.facts
    assert (parsed.live, parsed.event_id) == (True, "aa10d2c0-0050-11f1-8f3c-c766ac08c846")
    assert gift.keys == (ANNA,)
    assert (gift.amount, gift.fee, gift.hold) == (usd("60"), None, "")
    assert gift.donor.name == Name(first="Anna", last="Berg")
    assert (gift.donor.email, gift.donor.phone) == ("anna.berg@example.org", "+1 503 555 0100")
    assert gift.donor.employer == "Alder Press"
    assert gift.donor.address == Address(street1="12 Alder Way", city="Portland", state="OR", zip="97201", country="US")
    assert gift.designations == (Designation(fund="WATER"),)
    assert (gift.recurring, gift.anonymous, gift.tender.kind) == (False, False, TenderKind.CARD)
    assert gift.occurred_at == datetime(2026, 1, 3, 10, 0, 0, 469000, tzinfo=UTC)


@pytest.mark.parametrize(("mode", "live"), [("LIVE", True), ("TEST", False), ("test", False), ("", None), (None, None)])
def test_live_or_test(mode, live):
    assert changed(mode=mode).live is live


@pytest.mark.parametrize(("status", "why"), STATUSES.items())
def test_the_status_decides(status, why):
    parsed = changed(status=status.upper())
    assert (parsed.note == why) if why else isinstance(parsed.facts[0], Gift)


def test_a_status_nobody_knows_is_for_a_person():
    (flag,) = changed(status="BREWING").facts
    assert isinstance(flag, Flag)
    assert flag.parent_keys == (ANNA,)


def test_created_is_not_charged_yet_unless_it_was_entered_by_hand():
    assert situation("donation_created").facts == ()
    (gift,) = situation("donation_created_offline").facts
    assert gift.hold == OFFLINE
    (flag,) = situation("donation_deleted_offline").facts
    assert flag.parent_keys == gift.keys


@pytest.mark.parametrize("name", ["donation_updated", "profile_created"])
def test_what_changes_nothing_is_ignored(name):
    assert situation(name).facts == ()


@pytest.mark.parametrize(("word", "kind"), TENDERS.items())
def test_tenders(word, kind):
    assert changed(method=word).facts[0].tender.kind is kind


def test_a_monthly_gift():
    (gift,) = situation("donation_succeeded_monthly").facts
    assert (gift.recurring, gift.tender.kind, gift.designations) == (True, TenderKind.BANK_DEBIT, ())


@pytest.mark.parametrize(
    "odd", [{"amount": "60.00"}, {"amount": 60.5}, {"amount": None}, {"amount": True}, {"uuid": ""}]
)
def test_what_is_no_money_is_not_understood(odd):
    with pytest.raises(NotUnderstood):
        changed(**odd)


def test_amounts_of_nothing_and_currencies_without_cents():
    assert changed(amount=0).facts == ()
    assert changed(amount=6000, currency="JPY").facts[0].amount == Money(6000, "JPY")


# --- money back -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "total"), [("donation_refunded_in_full", "60"), ("donation_refunded_in_part", "15")])
def test_the_processors_charge_tells_how_much(name, total):
    (refund,) = situation(name).facts
    assert isinstance(refund, Refund)
    assert (refund.keys, refund.parent_keys) == ((), (ANNA,))
    assert (refund.amount, refund.total, refund.before) == (usd(total), usd(total), None)


@pytest.mark.parametrize("name", ["donation_refunded_part_of_fee_too", "donation_refunded_unsaid"])
def test_a_refund_of_an_unknown_amount_is_for_a_person(name):
    (flag,) = situation(name).facts
    assert isinstance(flag, Flag)
    assert flag.parent_keys == (ANNA,)


@pytest.mark.parametrize(
    "odd", [{"currency": "aud"}, {"amount_refunded": 0}, {"amount_refunded": 9000}, {"amount": "6000"}, {"object": "x"}]
)
def test_a_charge_that_does_not_fit_tells_nothing(odd):
    charge = {"object": "charge", "amount": 6000, "amount_refunded": 1500, "currency": "usd"} | odd
    assert isinstance(changed("donation_refunded_in_part", result=charge).facts[0], Flag)


# --- recorded bodies --------------------------------------------------------------------------------------------------


@pytest.mark.skipif("RELAY_PAYLOADS" not in os.environ, reason="RELAY_PAYLOADS is not set")
def test_recorded_bodies():
    index = json.loads((RECORDED / "index.json").read_text(encoding="utf-8"))["files"]
    (one,) = (one for one in index if one["file"].startswith("platforms/raisely"))
    parsed = RAISELY.parse(Delivery((RECORDED / one["file"]).read_bytes()))
    (gift,) = parsed.facts
    told = one["expected"]
    assert told["action"] == "gift"
    assert (gift.amount.text, gift.amount.currency, gift.keys[0]) == (
        told["amount"],
        told["currency"],
        told["payment_id"],
    )
    assert (parsed.event_id, parsed.live) == (told["event_id"], not told["test"])
