"""What a gift becomes."""

from dataclasses import replace
from decimal import Decimal

import pytest

from relay.config import AmountRule, FieldRule, FormLevel, Mail, OptIn, WholeUnits
from relay.errors import MoneyError
from relay.gifts import Address, Billing, Name, Shipping, Tender, TenderKind
from relay.luminate.schemas import REASONS, map_refund
from relay.money import Money
from tests.unit.luminate.giving import SITE, donor, gift, mapped, organization, parameters, reasons, share, usd


def rule(parameter, path="", **more):
    return organization(fields=(FieldRule(parameter=parameter, path=path, **more),))


def test_the_smallest_gift_says_all_that_luminate_needs():
    assert parameters() == {
        "billing.name.first": "Jane",
        "billing.name.last": "Doe",
        "billing.address.street1": "1 Road",
        "billing.address.city": "Austin",
        "billing.address.state": "TX",
        "billing.address.zip": "78701",
        "donor.email": "jane@example.org",
        "donor.name.first": "Jane",
        "donor.name.last": "Doe",
        "donor.address.street1": "1 Road",
        "donor.address.city": "Austin",
        "donor.address.state": "TX",
        "donor.address.zip": "78701",
        "donor.address.country": "US",
        "form_id": "1260",
        "level_id": "1523",
        "offline_payment_method": "cash",
        "other_amount": "25.00",
        "send_receipt": "false",
        "send_registration_email": "false",
        "validate": "false",
        "source": "relay",
        "sub_source": "ch_1",
    }


def test_everything_a_gift_can_say():
    full = gift(
        "1234.56",
        donor=donor(
            name=Name(title="Dr.", first="Jane", middle="Q", last="Doe", suffix="Jr.", prof_suffix="PhD"),
            phone="555 1234",
            phone_type="Mobile",
            employer="Acme & Sons",
            occupation="Potter",
            cons_id="77",
            email_opt_in=True,
        ),
        billing=Billing(name=Name(first="J", last="Roe"), address=Address(street1="2 Lane", street2="Apt 3", zip="1")),
        shipping=Shipping(name=Name(first="Ann", last="Lee"), address=Address(city="Rome"), email="a@b.org", phone="9"),
        joint_donor=Name(first="Jim", last="Doe", suffix="Sr.", prof_suffix="MD"),
        tender=Tender(kind=TenderKind.CARD, card_type="VISA", last4="4242", exp_month=4, exp_year=2030),
        premium_id="12",
        gift_aid="Y",
        matching_eligible=True,
        anonymous=False,
    )
    found = parameters(full)
    wanted = {
        "donor.name.title": "Dr.",
        "donor.name.middle": "Q",
        "donor.name.suffix": "Jr.",
        "donor.name.profSuffix": "PhD",
        "donor.phone": "555 1234",
        "donor.phone_type": "other",
        "donor.employer": "Acme & Sons",
        "donor.occupation": "Potter",
        "donor.cons_id": "77",
        "donor.email_opt_in": "true",
        "billing.name.first": "J",
        "billing.name.last": "Roe",
        "billing.address.street1": "2 Lane",
        "billing.address.street2": "Apt 3",
        "billing.address.zip": "1",
        "billing.address.city": "Austin",
        "shipping.name.first": "Ann",
        "shipping.name.last": "Lee",
        "shipping.address.city": "Rome",
        "shipping.email": "a@b.org",
        "shipping.phone": "9",
        "joint_donor.name.first": "Jim",
        "joint_donor.name.last": "Doe",
        "joint_donor.name.suffix": "Sr. MD",
        "card_type": "VISA",
        "card_number": "************4242",
        "card_exp_date": "04/2030",
        "offline_payment_method": "credit",
        "premium_id": "12",
        "gift_aid": "Y",
        "matching_eligible": "true",
        "anonymous": "false",
        "other_amount": "1234.56",
    }
    assert {name: found.get(name) for name in wanted} == wanted
    assert "joint_donor.name.profSuffix" not in found
    assert "billing.address.country" not in found


# --- what holds a gift ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason", "field", "text"),
    [
        ({"donor": donor(email="")}, "no_email", "donor.email", "The donor has no e-mail address."),
        ({"donor": donor(email="   ")}, "no_email", "donor.email", "The donor has no e-mail address."),
        (
            {"donor": donor(email="jane@")},
            "email_invalid",
            "donor.email",
            "The donor's e-mail address is not valid (donor.email).",
        ),
        ({"amount": usd("0.00")}, "not_positive", "other_amount", "The amount of the gift is 0.00 USD."),
        ({"amount": usd("-1")}, "not_positive", "other_amount", "The amount of the gift is -1.00 USD."),
        (
            {"amount": Money(500, "EUR")},
            "other_currency",
            "other_amount",
            "The gift is in EUR; this organization takes USD.",
        ),
        (
            {"donor": donor(name=Name(last="Cher"))},
            "field_missing",
            "billing.name.first",
            "The billing first name is missing (billing.name.first).",
        ),
        (
            {"designations": (share("WATER-24"),)},
            "fund_not_mapped",
            "designated.X.id",
            "Fund 'WATER-24' is not mapped to a designee.",
        ),
        (
            {"premium_id": "cup"},
            "field_invalid",
            "premium_id",
            "The premium id is not a whole number (premium_id).",
        ),
        (
            {"donor": donor(cons_id="-5")},
            "field_invalid",
            "donor.cons_id",
            "The donor's constituent id is not a whole number (donor.cons_id).",
        ),
        (
            {"donor": donor(employer="\ud800")},
            "field_invalid",
            "donor.employer",
            "The donor's employer has characters that cannot be sent (donor.employer).",
        ),
        (
            {"tender": Tender(kind=TenderKind.CARD, last4="42")},
            "field_invalid",
            "card_number",
            "The masked card number is not masked to its last four digits (card_number).",
        ),
        (
            {"tender": Tender(kind=TenderKind.CARD, last4="4242", exp_month=13, exp_year=2030)},
            "field_invalid",
            "card_exp_date",
            "The card expiry is not a month and year such as 04/2030 (card_exp_date).",
        ),
    ],
)
def test_what_holds_a_gift_is_said_in_words(changes, reason, field, text):
    (problem,) = mapped(gift(**changes)).problems
    assert (problem.reason, problem.field, problem.text) == (reason, field, text)
    assert problem.reason in REASONS


def test_all_problems_are_told_at_once():
    bad = gift(donor=donor(email="", cons_id="x"), designations=(share("NO"), share("NEITHER")))
    assert sorted(reasons(bad)) == ["field_invalid", "fund_not_mapped", "fund_not_mapped", "no_email"]


def test_an_amount_that_may_not_be_sent_is_not_among_the_parameters():
    for amount in (usd("0"), Money(500, "EUR")):
        found = mapped(gift(amount=amount, designations=(share("WATER"),))).parameters
        assert not [name for name in found if "amount" in name or name.startswith("designated")]


def test_blanks_and_line_breaks_are_tidied_and_nothing_is_cut():
    tidy = donor(email=" jane@example.org\n", address=Address(street1="1 Main St\n  Apt 4"), employer="x" * 3000)
    found = parameters(gift(donor=tidy))
    assert found["donor.email"] == "jane@example.org"
    assert found["donor.address.street1"] == "1 Main St Apt 4"
    assert found["donor.employer"] == "x" * 3000


# --- form and level ------------------------------------------------------------------------------------------------

BIG = AmountRule(minimum=100_000, form=FormLevel(form_id=7, level_id=70))
BIGGER = AmountRule(minimum=500_000, form=FormLevel(form_id=8, level_id=80))


@pytest.mark.parametrize(
    ("amount", "fund", "form"),
    [
        ("999.99", "WATER", ("1260", "1523")),
        ("1000.00", "WATER", ("7", "70")),
        ("5000", "WATER", ("8", "80")),
        ("5000", "GALA", ("1261", "1530")),
        ("5", "GALA", ("1261", "1530")),
    ],
)
def test_fund_beats_amount_beats_default(amount, fund, form):
    house = organization(amount_rules=(BIGGER, BIG), whole_units=WholeUnits.SEND_CENTS)
    found = parameters(gift(amount, designations=(share(fund),)), house)
    assert (found["form_id"], found["level_id"]) == form


def test_a_gift_cannot_go_to_two_forms():
    assert reasons(gift("20", designations=(share("GALA"), share("BALL")))) == ["designation_missing", "forms_differ"]


# --- tender --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tender", "sent"),
    [
        (
            Tender(kind=TenderKind.CARD, last4="1111"),
            {"offline_payment_method": "credit", "card_number": "*" * 12 + "1111"},
        ),
        (
            Tender(kind=TenderKind.WALLET, exp_month=1, exp_year=31),
            {"offline_payment_method": "credit", "card_exp_date": "01/2031"},
        ),
        (Tender(kind=TenderKind.CARD, exp_month=1), {"offline_payment_method": "credit"}),
        (Tender(kind=TenderKind.CHECK, check_number="17"), {"offline_payment_method": "check", "check_number": "17"}),
        (Tender(kind=TenderKind.BANK_DEBIT, last4="6789"), {"offline_payment_method": "check"}),
        (Tender(kind=TenderKind.CASH, check_number="17"), {"offline_payment_method": "cash"}),
        (Tender(kind=TenderKind.OTHER, last4="1111"), {"offline_payment_method": "cash"}),
    ],
)
def test_each_tender_in_luminates_words(tender, sent):
    found = parameters(gift(tender=tender))
    names = ("offline_payment_method", "card_number", "card_type", "card_exp_date", "check_number")
    assert {name: found[name] for name in names if name in found} == sent


def test_an_organization_chooses_its_own_words_for_tenders():
    house = organization(tenders={"bank_debit": "cash"})
    assert parameters(gift(tender=Tender(kind=TenderKind.BANK_DEBIT)), house)["offline_payment_method"] == "cash"
    assert parameters(gift(tender=Tender(kind=TenderKind.CARD)), house)["offline_payment_method"] == "credit"
    wrong = organization(tenders={"card": "ach"})
    assert reasons(gift(tender=Tender(kind=TenderKind.CARD)), wrong) == ["field_invalid"]


# --- people --------------------------------------------------------------------------------------------------------


def test_a_donor_known_only_from_billing():
    billing = Billing(name=Name(full="Jane Q Doe"), address=Address(street1="1 Road", county="Travis"))
    found = parameters(gift(donor=donor(name=Name(), address=Address()), billing=billing))
    assert (found["donor.name.first"], found["donor.name.middle"], found["donor.name.last"]) == ("Jane", "Q", "Doe")
    assert (found["donor.address.street1"], found["donor.address.county"]) == ("1 Road", "Travis")


def test_no_half_of_one_address_meets_half_of_another():
    billing = Billing(address=Address(street1="1 Road", city="Austin", zip="78701"))
    found = parameters(gift(donor=donor(address=Address(country="US")), billing=billing))
    assert [name for name in found if name.startswith("donor.address.")] == ["donor.address.country"]


@pytest.mark.parametrize(
    ("kind", "phone", "sent"),
    [("home", "1", "home"), ("WORK", "1", "work"), ("cell", "1", "other"), ("", "1", None), ("home", "", None)],
)
def test_kinds_of_phone(kind, phone, sent):
    assert parameters(gift(donor=donor(phone=phone, phone_type=kind))).get("donor.phone_type") == sent


@pytest.mark.parametrize(
    ("policy", "told", "sent"),
    [
        (OptIn.OPTED_IN, True, "true"),
        (OptIn.OPTED_IN, False, None),
        (OptIn.OPTED_IN, None, None),
        (OptIn.ALWAYS, True, "true"),
        (OptIn.ALWAYS, False, "false"),
        (OptIn.ALWAYS, None, None),
        (OptIn.NEVER, True, None),
    ],
)
def test_consent_is_never_invented(policy, told, sent):
    found = parameters(gift(donor=donor(email_opt_in=told)), organization(opt_in=policy))
    assert found.get("donor.email_opt_in") == sent


# --- mails, source, site -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mail", "wanted", "sent"),
    [
        (True, Mail(), ("false", "false")),
        (True, Mail(receipt=True), ("true", "false")),
        (True, Mail(registration=True), ("false", "true")),
        (False, Mail(receipt=True, registration=True), ("false", "false")),
    ],
)
def test_mails_are_always_said(mail, wanted, sent):
    found = parameters(house=organization(mail=wanted), mail=mail)
    assert (found["send_receipt"], found["send_registration_email"]) == sent


def test_mails_are_said_even_where_there_are_problems():
    found = mapped(gift(donor=donor(email=""))).parameters
    assert (found["send_receipt"], found["send_registration_email"]) == ("false", "false")


def test_the_sub_source_is_filled_in_and_cut_where_luminate_cuts():
    site = replace(SITE, sub_source="{provider}/{kind}/{fund}/{organization}/{provider_transaction_id}", center_id="9")
    found = parameters(gift(designations=(share("WATER"),)), organization(luminate=site))
    assert found["sub_source"] == "stripe/gift/WATER/demo/ch_1"
    assert found["center_id"] == "9"
    long = gift(keys=("k" * 300,))
    assert parameters(long)["sub_source"] == "k" * 255
    assert "sub_source" not in parameters(house=organization(luminate=replace(SITE, sub_source="")))


@pytest.mark.parametrize("template", ["{nope}", "{", "{0}", "{provider.x}", "{provider[x]}"])
def test_a_template_that_cannot_be_filled_in_holds_the_gift(template):
    assert reasons(house=organization(luminate=replace(SITE, sub_source=template))) == ["field_invalid"]


def test_validation_as_the_site_wants_it():
    assert parameters(house=organization(luminate=replace(SITE, validate=True)))["validate"] == "true"


# --- field rules ---------------------------------------------------------------------------------------------------

SOURCES = (
    {"metadata": {"dept": " Arts ", "n": 5, "yes": True, "no": False, "f": 1.5, "big": {"a": 1}, "empty": ""}},
    {"metadata": {"dept": "Second", "empty": "Later", "d": Decimal("1.10")}},
)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.dept", "Arts"),
        ("metadata.empty", "Later"),
        ("metadata.n", "5"),
        ("metadata.yes", "true"),
        ("metadata.no", "false"),
        ("metadata.f", "1.5"),
        ("metadata.d", "1.10"),
        ("metadata.nothing", None),
        ("metadata.big.a", "1"),
    ],
)
def test_a_rule_takes_the_first_value_that_is_there(path, value):
    assert parameters(gift(sources=SOURCES), rule("donor.employer", path)).get("donor.employer") == value


@pytest.mark.parametrize("path", ["metadata.big", "metadata", "[metadata.n]", "metadata.dept[", "length(metadata.n)"])
def test_a_rule_that_finds_no_single_value_holds_the_gift(path):
    result = mapped(gift(sources=SOURCES), rule("donor.employer", path))
    assert [(one.reason, one.field) for one in result.problems] == [("field_invalid", "donor.employer")]


def test_a_rule_wins_over_our_own_mapping():
    found = parameters(gift(sources=SOURCES), rule("donor.name.first", "metadata.dept"))
    assert (found["donor.name.first"], found["billing.name.first"]) == ("Arts", "Arts")


def test_a_default_serves_where_nothing_is_found_and_never_covers_what_is_known():
    assert parameters(gift(), rule("donor.employer", "metadata.x", default="none"))["donor.employer"] == "none"
    assert (
        parameters(gift(), rule("donor.email", "metadata.x", default="no@example.org"))["donor.email"]
        == "jane@example.org"
    )
    assert parameters(gift(), rule("gift_aid", default="N"))["gift_aid"] == "N"
    friend = rule("donor.name.first", "metadata.x", default="Friend")
    assert parameters(gift(donor=donor(name=Name(last="Cher"))), friend)["billing.name.first"] == "Friend"


def test_what_a_rule_requires_holds_the_gift_when_missing():
    result = mapped(gift(), rule("donor.employer", "metadata.x", required=True))
    assert [(one.reason, one.field) for one in result.problems] == [("field_missing", "donor.employer")]
    assert parameters(gift(sources=SOURCES), rule("donor.employer", "metadata.dept", required=True))
    assert reasons(gift(donor=donor(email="")), rule("donor.email", "metadata.x", required=True)) == ["no_email"]


@pytest.mark.parametrize(
    "parameter",
    [
        "other_amount",
        "additional_amount",
        "api_key",
        "login_password",
        "method",
        "send_receipt",
        "card_number",
        "send_registration_email",
        "send_auto_responder",
        "designated.1.amount",
        "designated_write_in.1.name",
        "v",
        "single_designated_id",
        "validate",
    ],
)
def test_what_is_relays_own_business_no_rule_can_touch(parameter):
    plain = parameters(gift(sources=SOURCES))
    assert parameters(gift(sources=SOURCES), rule(parameter, "metadata.n", default="1", required=True)) == plain


def test_a_rule_for_a_parameter_that_does_not_exist_holds_the_gift():
    result = mapped(gift(sources=SOURCES), rule("donor.shoe_size", "metadata.n"))
    assert [(one.reason, one.field) for one in result.problems] == [("field_invalid", "donor.shoe_size")]


# --- refunds -------------------------------------------------------------------------------------------------------


def test_a_refund_is_always_explicit():
    assert map_refund("1-2-1-3-4", usd("5"), organization()) == {
        "refund_user_confirm_code": "1-2-1-3-4",
        "refund_amount": "5.00",
        "send_auto_responder": "false",
    }


@pytest.mark.parametrize(
    ("mail", "wanted", "sent"), [(True, True, "true"), (False, True, "false"), (True, False, "false")]
)
def test_a_refund_mails_only_where_someone_chose_it(mail, wanted, sent):
    house = organization(mail=Mail(refund=wanted))
    assert map_refund("1", usd("5"), house, mail=mail)["send_auto_responder"] == sent


@pytest.mark.parametrize("amount", [Money(0, "USD"), Money(-1, "USD"), Money(100, "EUR")])
def test_a_refund_that_would_be_another_one_is_refused(amount):
    with pytest.raises(MoneyError):
        map_refund("1", amount, organization())


def test_a_refund_needs_a_code():
    with pytest.raises(ValueError, match="confirmation code"):
        map_refund(" ", usd("5"), organization())
