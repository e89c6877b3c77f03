"""The schema knows every documented parameter, its type, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config import parameters as told
from relay.luminate.parameters import PARAMETERS, checked
from relay.luminate.rules import is_locked

# http://open.convio.com/api/apidoc/reference/methods/addOfflineDonation_method.html
NUMBERS = ["form_id", "level_id", "card_exp_date_month", "card_exp_date_year", "premium_id", "donor.cons_id"]
FLAGS = ["matching_eligible", "anonymous", "send_receipt", "send_registration_email", "validate"]
AMOUNTS = ["other_amount", "additional_amount"]
SHAPED = {
    "donor.email": "a+b@example.org",
    "offline_payment_method": "check",
    "card_number": "************1111",
    "card_exp_date": "04/2030",
    "donor.phone_type": "work",
    "shipping.email": "c@example.org",
}
TEXTS = [
    "billing.name.first", "billing.name.last", "billing.name.middle", "billing.name.title", "billing.name.suffix",
    "billing.name.profSuffix", "billing.address.street1", "billing.address.street2", "billing.address.street3",
    "billing.address.city", "billing.address.state", "billing.address.zip", "billing.address.county",
    "billing.address.country", "check_number", "card_type", "gift_aid", "donor.email_opt_in", "donor.employer",
    "donor.occupation", "donor.phone", "donor.name.first", "donor.name.middle", "donor.name.last", "donor.name.title",
    "donor.name.suffix", "donor.name.profSuffix", "donor.address.street1", "donor.address.street2",
    "donor.address.street3", "donor.address.city", "donor.address.state", "donor.address.zip", "donor.address.county",
    "donor.address.country", "joint_donor.name.first", "joint_donor.name.middle", "joint_donor.name.last",
    "joint_donor.name.title", "joint_donor.name.suffix", "shipping.name.first", "shipping.name.middle",
    "shipping.name.last", "shipping.name.title", "shipping.name.suffix", "shipping.name.profSuffix",
    "shipping.address.street1", "shipping.address.street2", "shipping.address.street3", "shipping.address.city",
    "shipping.address.state", "shipping.address.zip", "shipping.address.county", "shipping.address.country",
    "shipping.phone",
]  # fmt: skip
FAMILIES = {
    "designated.X.id", "designated.X.amount", "designated_write_in.X.name", "designated_write_in.X.contact",
    "designated_write_in.X.amount",
}  # fmt: skip
COMMON = {"center_id", "source", "sub_source"}
DOCUMENTED = {*NUMBERS, *FLAGS, *AMOUNTS, *SHAPED, *TEXTS}
LEAST = {
    "billing.name.first": "Jane",
    "billing.name.last": "Doe",
    "donor.email": "jane@example.org",
    "form_id": "1260",
    "level_id": "1523",
    "offline_payment_method": "cash",
}


def test_the_schema_has_every_documented_parameter_and_the_common_ones_of_a_gift():
    assert len(DOCUMENTED | FAMILIES) == 79
    assert DOCUMENTED | COMMON | {"single_designated_id"} == PARAMETERS


def test_the_schema_agrees_with_the_configuration():
    assert PARAMETERS - COMMON - {"single_designated_id"} == set(told.GIFT_PARAMETERS) - FAMILIES
    assert {name for name in told.LOCKED if not is_locked(name.replace(".X.", ".1."))} == set()
    assert not [name for name in told.MAPPABLE if is_locked(name)]


@pytest.mark.parametrize("name", TEXTS)
def test_each_text_passes_as_it_is(name):
    value = "Señora & Söhne <b> + 100% 山田"
    assert checked(LEAST | {name: value}) == (LEAST | {name: value}, ())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *SHAPED.items(),
        *((name, "7") for name in NUMBERS),
        *((name, flag) for name in FLAGS for flag in ("true", "false")),
        *((name, amount) for name in AMOUNTS for amount in ("5", "1234.56", "0.01", "10.00")),
        ("source", "s" * 255),
        ("single_designated_id", "1001"),
    ],
)
def test_each_documented_shape_passes_as_it_is(name, value):
    assert checked(LEAST | {name: value}) == (LEAST | {name: value}, ())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in NUMBERS for value in ("5.7", "-1", "1e3", "١٢", "", " 5", "+5", "5\n", "1_0")),
        *((name, value) for name in FLAGS for value in ("yes", "1", "True", "on", "")),
        *((name, value) for name in AMOUNTS for value in ("1,234.56", "$5", "-5", "1e3", "NaN", "", "5.", ".5", "١")),
        ("offline_payment_method", "ach"),
        ("donor.phone_type", "mobile"),
        ("card_number", "4242424242424242"),
        ("card_number", "***1111"),
        ("card_exp_date", "4/30"),
        ("card_exp_date", "13/2030"),
        ("card_exp_date_month", "13"),
        ("card_exp_date_month", "0"),
        ("donor.email", "a@b"),
        ("donor.name.first", ""),
        ("donor.name.first", " Jane"),
        ("donor.name.first", "Ja\x00ne"),
        ("source", "s" * 256),
        ("designated.1.id", "1001"),
        ("designated.1.amount", "5"),
        ("designated.01.id", "1"),
        ("designated", "1"),
        ("designated.*", "1"),
        ("api_key", "k"),
        ("method", "addOfflineDonation"),
        ("donor.shoe_size", "44"),
        ("billing.email", "a@b.org"),
        ("joint_donor.name.profSuffix", "MD"),
    ],
)
def test_everything_else_is_a_problem_and_is_left_out(name, value):
    parameters, problems = checked(LEAST | {name: value})
    assert len(problems) == 1
    assert problems[0].field
    assert problems[0].text.endswith(".")
    assert problems[0].field != name or name not in parameters


@pytest.mark.parametrize("name", LEAST)
def test_what_luminate_requires_is_required(name):
    parameters, problems = checked({key: value for key, value in LEAST.items() if key != name})
    assert [problem.field for problem in problems] == [name]
    assert name not in parameters


def test_designations_are_tied_by_any_number():
    shares = {
        "designated.7.id": "1001", "designated.7.amount": "5", "designated_write_in.3.name": "Roof",
        "designated_write_in.3.contact": "Ann", "designated_write_in.3.amount": "2.50",
    }  # fmt: skip
    assert checked(LEAST | shares) == (LEAST | shares, ())


def test_half_a_designation_is_told_by_what_is_missing():
    problems = checked(LEAST | {"designated_write_in.1.contact": "Ann"})[1]
    assert [problem.field for problem in problems] == ["designated_write_in.1.name", "designated_write_in.1.amount"]


@given(
    st.dictionaries(
        st.sampled_from(sorted(PARAMETERS | {"designated.1.id", "x"})) | st.text(), st.text() | st.just("7")
    )
)
def test_whatever_is_given_it_passes_unchanged_or_is_a_problem(some):
    parameters, problems = checked(LEAST | some)
    assert problems or {name: value.lstrip("0") for name, value in parameters.items()} == {
        name: value.lstrip("0") for name, value in (LEAST | some).items()
    }
