"""Donorbox: its signature over time and body, webhook versions v1 and v2, totals of refunds, chargebacks."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest

from relay.config import ProviderSettings
from relay.demo.signing import donorbox_headers
from relay.errors import BadSignature, NotUnderstood, Unreadable
from relay.gifts import Address, Designation, Flag, Gift, Name, Refund, RefundReason, Reinstatement, TenderKind
from relay.money import Money
from relay.providers.base import Delivery
from relay.providers.donorbox import DONORBOX, STATUSES, TENDERS, UPDATE_ONLY
from tests.provider_cases import SENT, ProviderCases, payloads

RECORDED = Path(os.environ.get("RELAY_PAYLOADS", ""))
ANNA = ("donorbox:90001", "ch_3SkDbxAnna1")


def usd(text):
    return Money.parse(text, "USD")


def situation(name, **options):
    return DONORBOX.parse(Delivery(payloads("donorbox")[name]), ProviderSettings(secrets=("s",), options=options))


def changed(name="donation_created", **fields):
    event = json.loads(payloads("donorbox")[name])
    event["donation"] |= fields
    return DONORBOX.parse(Delivery(json.dumps(event).encode()))


class TestDonorbox(ProviderCases):
    provider = DONORBOX
    secret = "secret-of-this-organization"
    second_secret = "secret-while-rolling-over"
    other_secret = "secret-of-another-organization"
    genuine = "donation_created"
    strange = "donation.eclipsed"
    may_vanish: ClassVar = {
        "*.action": "another type of event is kept, counted and ignored",
        "event_name": "another type of event is kept, counted and ignored",
    }
    signature_header = "donorbox-signature"

    def sign(self, body, secret, timestamp=SENT):
        return donorbox_headers(body, secret, timestamp)

    def typed(self, event, kind):
        return event | {"event_name": kind}

    @pytest.mark.parametrize("header", ["{t}", "{t},", ",{s}", "{s},{t}", "{t};{s}", "t={t},v1={s}", "{t},{s},{s}"])
    def test_odd_headers_are_refused(self, header):
        time_part, signature = self.sign(self.body, self.secret)["donorbox-signature"].split(",")
        self.refused(headers={"donorbox-signature": header.format(t=time_part, s=signature)})


@pytest.mark.skipif("RELAY_VECTORS" not in os.environ, reason="RELAY_VECTORS is not set")
def test_published_vectors():
    vectors = json.loads((Path(os.environ["RELAY_VECTORS"]) / "signatures.json").read_text(encoding="utf-8"))
    mine = [vector for vector in vectors if vector["provider"] == "donorbox"]
    assert len(mine) == 1
    for vector in mine:
        headers = {name.lower(): value for name, value in vector["headers"].items()}
        settings, now = ProviderSettings(secrets=(vector["secret"],)), datetime.fromtimestamp(vector["timestamp"], UTC)
        assert DONORBOX.verify(Delivery(vector["body"].encode(), headers), settings, now) == 0
        with pytest.raises(BadSignature):
            DONORBOX.verify(Delivery(vector["body"].encode() + b" ", headers), settings, now)


# --- money in ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["donation_created", "donation_created_v1"])
def test_both_versions_tell_the_whole_gift(name):
    (gift,) = situation(name).facts
    assert gift.keys == ANNA
    assert (gift.amount, gift.fee, gift.hold) == (usd("60"), usd("2.04"), "")
    assert gift.occurred_at == datetime(2026, 1, 3, 10, 0, 0, 432000, tzinfo=UTC)
    assert gift.donor.name == Name(first="Anna", last="Berg")
    assert (gift.donor.email, gift.donor.phone) == ("anna.berg@example.org", "+1 503 555 0100")
    assert (gift.donor.employer, gift.donor.occupation, gift.donor.email_opt_in) == ("Alder Press", "Printer", True)
    assert gift.donor.address == Address(
        street1="12 Alder Way", street2="Apt 3", city="Portland", state="OR", zip="97201", country="US"
    )
    assert gift.designations == (Designation(fund="WATER"),)
    assert (gift.tender.kind, gift.anonymous, gift.recurring) == (TenderKind.CARD, False, False)
    assert gift.sources[0]["questions"][0]["answer"] == "Wells"
    assert gift.sources[0]["processing_fee"] == "2.04"


def test_paypal_names_its_transaction():
    (gift,) = situation("donation_created_paypal_v1").facts
    assert gift.keys == ("donorbox:90002", "9XY11223344556677")
    assert (gift.amount, gift.recurring, gift.tender.kind) == (usd("1250.50"), True, TenderKind.WALLET)
    assert gift.designations == ()


def test_by_option_the_campaign_is_the_fund_where_the_donor_chose_none():
    (gift,) = situation("donation_created_paypal_v1", fund_from="campaign").facts
    assert gift.designations == (Designation(fund="Clean Water 2026"),)
    (gift,) = situation("donation_created", fund_from="campaign").facts
    assert gift.designations == (Designation(fund="WATER"),)


def test_an_update_alone_is_held_unless_the_option_says_post():
    assert situation("donation_updated_paid").facts[0].hold == UPDATE_ONLY
    assert situation("donation_updated_paid", updates="hold").facts[0].hold == UPDATE_ONLY
    assert situation("donation_updated_paid", updates="post").facts[0].hold == ""


@pytest.mark.parametrize("status", [None, "", "brewing", 7])
def test_a_status_nobody_knows_is_for_a_person(status):
    (flag,) = changed(status=status).facts
    assert isinstance(flag, Flag)
    assert flag.parent_keys == ANNA


@pytest.mark.parametrize(("status", "why"), STATUSES.items())
def test_the_status_decides_and_not_the_name_of_the_event(status, why):
    for name in ("donation_created", "donation_updated_paid"):
        parsed = changed(name, status=status.upper())
        assert (parsed.note == why) if why else isinstance(parsed.facts[0], Gift)


@pytest.mark.parametrize(("word", "kind"), TENDERS.items())
def test_tenders(word, kind):
    assert changed(donation_type=word).facts[0].tender.kind is kind


def test_an_unknown_tender_is_another():
    assert changed(donation_type="seashells").facts[0].tender.kind is TenderKind.OTHER


@pytest.mark.parametrize("amount", ["60.005", "60,00", "$60", "", None, True, [], "1e3", "NaN"])
def test_an_amount_that_is_not_exact_is_not_understood(amount):
    with pytest.raises(NotUnderstood, match=r"donation\.created"):
        changed(amount=amount)


def test_amounts_of_nothing_and_numbers():
    assert changed(amount="0.0").facts == ()
    assert changed(amount="-5.0").facts == ()
    assert changed(amount=60.1).facts[0].amount == usd("60.10")
    assert changed(amount="6000", currency="JPY").facts[0].amount == Money(6000, "JPY")


def test_a_donation_without_an_id_or_currency_is_not_understood():
    for odd in ({"id": None}, {"id": "x" * 300}, {"currency": None}, {"currency": "dollars"}):
        with pytest.raises(NotUnderstood):
            changed(**odd)


def test_an_array_of_several_donations_is_not_guessed_at():
    donation = json.loads(payloads("donorbox")["donation_created_v1"])[0]
    with pytest.raises(NotUnderstood, match="more than one"):
        DONORBOX.parse(Delivery(json.dumps([donation, donation]).encode()))
    for odd in (b"[1]", b"[[]]"):
        with pytest.raises(Unreadable):
            DONORBOX.parse(Delivery(odd))


# --- money back -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("donation_updated_refunded_in_part", "15"),
        ("donation_updated_refunded_in_part_v1", "15"),
        ("donation_updated_refunded_further", "25.5"),
    ],
)
def test_a_refund_is_known_by_the_total_so_far(name, total):
    gift, refund = situation(name).facts
    assert (gift.amount, gift.hold) == (usd("60"), UPDATE_ONLY)
    assert isinstance(refund, Refund)
    assert (refund.keys, refund.parent_keys) == ((), ANNA)
    assert (refund.amount, refund.total, refund.before) == (usd(total), usd(total), None)


def test_refunded_without_an_amount_is_for_a_person():
    gift, flag = situation("donation_updated_refunded_unsaid").facts
    assert (type(gift), type(flag)) == (Gift, Flag)


def test_chargebacks():
    (opened,) = situation("chargeback_created").facts
    (lost,) = situation("chargeback_lost").facts
    (won,) = situation("chargeback_won").facts
    assert isinstance(opened, Flag)
    assert (lost.keys, lost.amount, lost.reason) == (
        ("chargeback of donorbox:90001",),
        usd("60"),
        RefundReason.CHARGEBACK,
    )
    assert isinstance(won, Reinstatement)
    assert won.refund_keys == lost.keys
    assert won.parent_keys == lost.parent_keys == ANNA


def test_a_chargeback_takes_what_refunds_have_left():
    assert changed("chargeback_lost", amount_refunded="15.0").facts[0].amount == usd("45")
    assert isinstance(changed("chargeback_lost", amount_refunded="60.0").facts[0], Flag)


def test_what_is_not_about_money_is_ignored():
    assert situation("plan_created").facts == ()


# --- recorded bodies --------------------------------------------------------------------------------------------------


@pytest.mark.skipif("RELAY_PAYLOADS" not in os.environ, reason="RELAY_PAYLOADS is not set")
def test_recorded_bodies():
    index = json.loads((RECORDED / "index.json").read_text(encoding="utf-8"))["files"]
    mine = [one for one in index if one["file"].startswith("platforms/donorbox")]
    assert len(mine) == 2
    for one in mine:
        (gift,) = DONORBOX.parse(Delivery((RECORDED / one["file"]).read_bytes())).facts
        told = one["expected"]
        assert told["action"] == "gift"
        assert (gift.amount.text, gift.amount.currency) == (told["amount"], told["currency"])
        assert gift.keys == (told["payment_id"], told["processor_id"])
        assert gift.donor.email == told["donor_email"]
        assert [part.fund for part in gift.designations] == ([told["designation"]] if told["designation"] else [])
        assert gift.hold == ""
