"""Each parameter of addOfflineDonation makes the round trip: schema, client, sandbox, reader, outcome."""

import itertools
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import requests

from relay.config import FormLevel, Fund, LuminateSettings, Organization, WholeUnits
from relay.config.parameters import GIFT_PARAMETERS
from relay.gifts import Address, Billing, Designation, Donor, Gift, Name, Shipping, Tender, TenderKind
from relay.luminate.client import LuminateClient
from relay.luminate.outcomes import judge_gift, judge_refund
from relay.luminate.parameters import checked
from relay.luminate.replies import ReplyKind, read_reply
from relay.luminate.schemas import map_gift, map_refund
from relay.money import Money
from relay.status import Outcome

LEAST = {
    "billing.name.first": "Ada",
    "billing.name.last": "Lovelace",
    "donor.email": "ada@example.org",
    "form_id": "1261",
    "level_id": "1530",
    "other_amount": "25.00",
    "offline_payment_method": "cash",
    "send_receipt": "false",
    "send_registration_email": "false",
}
ODD = "Søren & Söhne + 100% «é» 山田 <b>=;/?"
SHAPED = {
    "form_id": "1260",  # together with its level, see MORE
    "level_id": "1530",
    "donor.email": "s.o+tag@exämple.org",
    "offline_payment_method": "credit",
    "other_amount": "1234.56",
    "additional_amount": "5.00",
    "card_number": "************1111",
    "card_exp_date": "04/2030",
    "card_exp_date_month": "4",
    "card_exp_date_year": "2030",
    "designated.X.id": "1003",
    "designated.X.amount": "25",
    "designated_write_in.X.amount": "25",
    "premium_id": "12",
    "matching_eligible": "true",
    "anonymous": "true",
    "donor.email_opt_in": "true",
    "donor.phone_type": "work",
    "donor.cons_id": "",  # a constituent that exists, see parameters_with
    "send_receipt": "true",
    "send_registration_email": "true",
    "validate": "false",
    "single_designated_id": "1001",
    "center_id": "7",
    "source": "s" * 255,
}
# What a parameter needs beside it to be accepted.
MORE = {
    "form_id": {"level_id": "1523"},
    "designated.X.id": {"designated.7.amount": "25"},
    "designated.X.amount": {"designated.7.id": "1003"},
    "designated_write_in.X.name": {"designated_write_in.7.amount": "25"},
    "designated_write_in.X.contact": {"designated_write_in.7.amount": "25", "designated_write_in.7.name": "Roof"},
    "designated_write_in.X.amount": {"designated_write_in.7.name": "Roof"},
}
AMOUNTS = {"other_amount": "1234.56", "additional_amount": "30.00"}
ALL = sorted({*GIFT_PARAMETERS, "single_designated_id", "center_id", "source", "sub_source"})


@pytest.fixture(scope="module")
def sandbox():
    """A sandbox of its own, as anybody starts it."""
    command = [sys.executable, "-m", "relay.sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        yield running.stdout.readline().split()[-1].rstrip("/")
        running.terminate()


@pytest.fixture(scope="module", params=list(itertools.product(("xml", "json"), (False, True))), ids=str)
def site(request, sandbox):
    """One organization of the sandbox for each way of answering."""
    form, suppressed = request.param
    name = f"charity-{form}-{suppressed}".lower()
    settings = LuminateSettings(
        url=f"{sandbox}/{name}/site", api_key="demo-api-key", login_name="demo-api-user",
        login_password="demo-api-password", response_format=form, suppress_response_codes=suppressed,
    )  # fmt: skip
    client = LuminateClient(settings)

    def recorded(code):
        answer = requests.get(f"{sandbox}/sandbox/donations", params={"organization": name}, timeout=5)
        return next(gift for gift in answer.json()["donations"] if gift["confirmation_code"] == code)

    yield SimpleNamespace(client=client, settings=settings, recorded=recorded)
    client.close()


def posted(site, parameters, amount="25.00"):
    """The judgement on a gift that must be recorded as sent."""
    answer = site.client.add_offline_donation(parameters)
    judged = judge_gift(read_reply(answer), answer.status, Money.parse(amount, "USD"))
    assert (judged.outcome, judged.flag) == (Outcome.POSTED, ""), judged.text
    return judged


def parameters_with(name, site):
    own = name.replace(".X.", ".7.")
    value = SHAPED.get(name, ODD)
    if name == "donor.cons_id":
        value = posted(site, LEAST).cons_id
    return own, LEAST | {own: value} | MORE.get(name, {})


@pytest.mark.parametrize("name", ALL)
def test_each_parameter_arrives_exactly_as_sent(site, name):
    own, wanted = parameters_with(name, site)
    parameters, problems = checked(wanted)
    assert problems == ()
    judged = posted(site, parameters, AMOUNTS.get(name, "25.00"))
    found = site.recorded(judged.confirmation_code)
    assert found["params"][own] == wanted[own]
    assert {key: found["params"].get(key) for key in wanted} == wanted
    assert (found["transaction_id"], found["cons_id"]) == (judged.luminate_transaction_id, judged.cons_id)


def test_a_whole_gift_arrives_exactly_as_mapped_and_is_refunded(site):
    person = Name(title="Dr.", first="Ada", middle="B", last="Lovelace", suffix="Jr.", prof_suffix="PhD")
    place = Address(
        street1="1 Road & Co", street2="2", street3="3", city="Köln", state="NW", zip="1", county="K", country="Germany"
    )
    gift = Gift(
        keys=("ch_1",),
        amount=Money(10050, "USD"),
        donor=Donor(name=person, email="ada@example.org", phone="1", phone_type="home", address=place, employer="E",
                    occupation="O", email_opt_in=True),
        billing=Billing(name=person, address=place),
        shipping=Shipping(name=person, address=place, email="s@example.org", phone="2"),
        joint_donor=Name(full="Mr. William King"),
        tender=Tender(kind=TenderKind.CARD, card_type="VISA", last4="4242", exp_month=4, exp_year=2030),
        designations=(Designation(fund="W"), Designation(write_in="Roof", contact="Ann", amount=Money(5000, "USD"))),
        premium_id="3", gift_aid="N", matching_eligible=False, anonymous=True,
    )  # fmt: skip
    house = Organization(
        name="demo", luminate=site.settings, form=FormLevel(form_id=1261, level_id=1530),
        funds={"W": Fund(code="W", designee_id=1003)}, whole_units=WholeUnits.SEND_CENTS,
    )  # fmt: skip
    mapped = map_gift(gift, house, provider="stripe")
    assert mapped.problems == ()
    answer = site.client.add_offline_donation(mapped.parameters)
    judged = judge_gift(read_reply(answer), answer.status, gift.amount)
    assert judged.outcome is Outcome.REJECTED  # the sandbox takes whole units only, as documented
    assert "Designated amount must be a whole number." in judged.text
    whole = map_gift(replace(gift, amount=Money(10000, "USD")), house, provider="stripe")
    judged = posted(site, whole.parameters, "100.00")
    found = site.recorded(judged.confirmation_code)
    assert {name: found["params"].get(name) for name in whole.parameters} == whole.parameters
    assert [share["amount"] for share in found["designations"]] == ["50.00", "50.00"]
    assert (found["receipt"], found["registration_email"]) == (False, False)
    for amount, left in ((3000, "70.00"), (7000, "0.00")):
        answer = site.client.refund_offline_donation(map_refund(judged.confirmation_code, Money(amount, "USD"), house))
        assert judge_refund(read_reply(answer), answer.status).outcome is Outcome.POSTED
        assert site.recorded(judged.confirmation_code)["current_amount"] == left
    answer = site.client.refund_offline_donation(map_refund(judged.confirmation_code, Money(1, "USD"), house))
    assert judge_refund(read_reply(answer), answer.status).outcome is Outcome.REJECTED


def test_the_reads_answer(site):
    for answer, root in (
        (site.client.is_email_valid(), "isEmailValidResponse"),
        (site.client.get_donation_form_info(1261), "getDonationFormInfoResponse"),
        (site.client.get_designees(1261), "getDesigneesResponse"),
        (site.client.get_designees(), "getDesigneesResponse"),
    ):
        assert (answer.status, read_reply(answer).root) == (200, root)
    posted(site, LEAST | {"donor.email": "reader@example.org"})
    answer = site.client.get_user_transactions(primary_email="reader@example.org", transaction_type="DONATION")
    rows = read_reply(answer).data["getConsTransactionsResponse"]["transaction"]
    assert [row["amount"]["decimal"] for row in rows] == ["25"]


def test_a_wrong_login_blocks_and_a_wrong_field_is_refused(site):
    answer = site.client.add_offline_donation(LEAST | {"donor.email": "nobody"})
    reply = read_reply(answer)
    assert reply.kind is ReplyKind.DONATION_ERRORS
    assert judge_gift(reply, answer.status, Money(2500, "USD")).outcome is Outcome.REJECTED
    stranger = LuminateClient(replace(site.settings, login_password="wrong"))
    answer = stranger.add_offline_donation(LEAST)
    stranger.close()
    judged = judge_gift(read_reply(answer), answer.status, Money(2500, "USD"))
    assert (judged.outcome, judged.reason) == (Outcome.BLOCKED, "bad_login")
