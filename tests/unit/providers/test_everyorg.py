"""Every.org: unsigned, a secret at the end of the address; one kind of event; donors who may stay unnamed."""

import dataclasses
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relay.config import ProviderSettings
from relay.config.provider_names import PROVIDERS
from relay.errors import NotUnderstood
from relay.gifts import Designation, Name, TenderKind
from relay.money import Money
from relay.providers.base import Delivery
from relay.providers.everyorg import EVERYORG, RECURRING, TENDERS
from tests.provider_cases import NOW, payloads
from tests.unsigned_cases import UnsignedCases

RECORDED = Path(os.environ.get("RELAY_PAYLOADS", ""))


def usd(text):
    return Money.parse(text, "USD")


def situation(name, **options):
    return EVERYORG.parse(Delivery(payloads("everyorg")[name]), ProviderSettings(secrets=("s",), options=options))


def changed(**fields):
    event = json.loads(payloads("everyorg")["donation"]) | fields
    return EVERYORG.parse(Delivery(json.dumps(event).encode()))


class TestEveryorg(UnsignedCases):
    provider = EVERYORG
    secret = "token-of-this-organization"
    second_secret = "token-while-rolling-over"
    other_secret = "token-of-another-organization"
    genuine = "donation"
    signature_header = "token"

    def sign(self, body, secret, timestamp=None):
        """The secret is no header: it ends the address."""
        return {"token": secret}

    def verify(self, headers=None, body=None, settings=None, now=NOW):
        token = (self.sign(self.body, self.secret) if headers is None else headers).get("token", "")
        delivery = Delivery(self.body if body is None else body, {}, token)
        return EVERYORG.verify(delivery, settings or self.settings(), now)

    def typed(self, event, kind):
        """There is no type; without its id a donation means nothing either."""
        return event | {"chargeId": kind}

    def test_an_unknown_type_is_kept_and_brings_nothing(self):
        assert situation("donation").type == "donation"

    def test_a_secret_in_a_header_does_not_count(self):
        headers = dict.fromkeys(("token", "authorization", "x-webhook-token"), self.secret)
        with pytest.raises(Exception, match="ends without its secret"):
            EVERYORG.verify(Delivery(self.body, headers), self.settings(), NOW)

    def test_the_token_is_never_shown(self):
        assert self.secret not in repr(Delivery(b"", {}, self.secret))


@pytest.mark.parametrize(
    "token", ["short", "has/a/slash-in-it-and-more", "blanks in it are not good", "ümlaut" * 5, ""]
)
def test_a_secret_must_be_able_to_end_an_address(token):
    assert "20 or more" in PROVIDERS["everyorg"](token)
    assert PROVIDERS["everyorg"]("Zm9vYmFyYmF6cXV4-_1234") == ""


def test_the_whole_gift():
    (gift,) = situation("donation").facts
    assert gift.keys == ("7c5b1d5e-6d21-4f0e-9a39-0d1f6f3b0001",)
    assert (gift.amount, gift.fee) == (usd("60"), usd("1.79"))
    assert gift.donor.name == Name(first="Anna", last="Berg")
    assert gift.donor.email == "anna.berg@example.org"
    assert gift.designations == (Designation(fund="WATER"),)
    assert (gift.recurring, gift.tender.kind) == (True, TenderKind.OTHER)
    assert gift.occurred_at == datetime(2026, 1, 3, 10, 0, 0, 175000, tzinfo=UTC)


def test_a_donor_who_shares_nothing_is_nobody():
    (gift,) = situation("donation_without_consent").facts
    assert (gift.donor.name, gift.donor.email, gift.designations) == (Name(), "", ())
    assert (gift.fee, gift.recurring, gift.tender.kind) == (usd("0"), False, TenderKind.BANK_DEBIT)


def test_half_a_name_is_one_text():
    assert changed(lastName=None).facts[0].donor.name == Name(full="Anna")


@pytest.mark.parametrize("nonprofit", ["acme-water-fund", "ACME-Water-Fund", "931234567", "93-1234567"])
def test_a_partner_tells_of_donations_to_others_too(nonprofit):
    assert situation("donation", nonprofit=nonprofit).facts
    other = situation("donation_to_another", nonprofit=nonprofit)
    assert (other.facts, other.note) == ((), "a donation to another nonprofit than the configured one")
    assert situation("donation_to_another").facts


@pytest.mark.parametrize(("word", "recurring"), [*RECURRING.items(), ("fortnightly", None), (None, None)])
def test_frequencies(word, recurring):
    assert changed(frequency=word).facts[0].recurring is recurring


@pytest.mark.parametrize(("word", "kind"), TENDERS.items())
def test_tenders(word, kind):
    assert changed(paymentMethod=word).facts[0].tender.kind is kind


@pytest.mark.parametrize("odd", [{"amount": "1.005"}, {"amount": None}, {"currency": "US"}, {"chargeId": ""}])
def test_what_is_no_money_is_not_understood(odd):
    with pytest.raises(NotUnderstood):
        changed(**odd)


def test_nothing_is_no_gift_and_an_odd_net_is_no_fee():
    assert situation("donation_of_nothing").facts == ()
    assert changed(amount="-1.00").facts == ()
    for net in ("61.00", "-1", "x", None):
        assert changed(netAmount=net).facts[0].fee is None


@pytest.mark.skipif("RELAY_PAYLOADS" not in os.environ, reason="RELAY_PAYLOADS is not set")
def test_recorded_bodies():
    index = json.loads((RECORDED / "index.json").read_text(encoding="utf-8"))["files"]
    mine = [one for one in index if one["file"].startswith("platforms/everyorg")]
    assert len(mine) == 2
    for one in mine:
        (gift,) = EVERYORG.parse(Delivery((RECORDED / one["file"]).read_bytes())).facts
        told = one["expected"]
        assert told["action"] == "gift"
        assert (gift.amount.text, gift.amount.currency) == (told["amount"], told["currency"])
        assert (gift.keys, gift.recurring) == ((told["payment_id"],), told["recurring"])
        assert (gift.amount - gift.fee).text == told["net"]
        assert dataclasses.astuple(gift.donor.name)[2] == "Jane"
