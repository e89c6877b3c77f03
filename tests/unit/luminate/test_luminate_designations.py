"""What the money is for: shares that sum, or a reason to hold."""

import pytest

from relay.config import WholeUnits
from relay.gifts import Designation
from relay.money import Money
from tests.unit.luminate.giving import gift, mapped, organization, parameters, reasons, share


def designated(amount, *shares, **house):
    found = parameters(gift(amount, designations=shares), organization(**house))
    return {name: value for name, value in found.items() if "designated" in name}


def test_one_designation_has_the_whole_gift():
    assert designated("25", share("WATER")) == {"designated.1.id": "1003", "designated.1.amount": "25"}


def test_shares_as_told():
    assert designated("25", share("WATER", "20"), share("SCHOOL", "5")) == {
        "designated.1.id": "1003",
        "designated.1.amount": "20",
        "designated.2.id": "1002",
        "designated.2.amount": "5",
    }


def test_what_is_left_goes_to_those_without_an_amount_in_equal_parts():
    assert designated("25", share("WATER", "5"), share("SCHOOL"), share("LIBRARY")) == {
        "designated.1.id": "1003",
        "designated.1.amount": "5",
        "designated.2.id": "1002",
        "designated.2.amount": "10",
        "designated.3.id": "1001",
        "designated.3.amount": "10",
    }


def test_write_ins_by_fund_and_by_the_donor():
    assert designated("20", share("GARDEN"), share(write_in="Roof", contact="Ann")) == {
        "designated_write_in.1.name": "Garden",
        "designated_write_in.1.amount": "10",
        "designated_write_in.2.name": "Roof",
        "designated_write_in.2.contact": "Ann",
        "designated_write_in.2.amount": "10",
    }


def test_two_funds_of_one_designee_are_one_designation():
    assert designated("20", share("LIBRARY", "12"), share("BOOKS", "8")) == {
        "designated.1.id": "1001",
        "designated.1.amount": "20",
    }


def test_the_default_fund_serves_gifts_that_name_none():
    assert designated("20", default_fund="WATER") == {"designated.1.id": "1003", "designated.1.amount": "20"}
    assert designated("20") == {}
    assert designated("20", share("GENERAL"), default_fund="WATER") == {}
    assert reasons(gift(), organization(default_fund="NONE")) == ["fund_not_mapped"]


def test_one_designee_by_opt_in():
    assert designated("20.50", share("WATER"), single_designated_id=True) == {"single_designated_id": "1003"}
    assert designated("20", share("GARDEN"), single_designated_id=True) == {
        "designated_write_in.1.name": "Garden",
        "designated_write_in.1.amount": "20",
    }
    two = designated("20", share("WATER"), share("SCHOOL"), single_designated_id=True)
    assert "single_designated_id" not in two
    assert len(two) == 4


@pytest.mark.parametrize(
    ("amount", "shares", "reason"),
    [
        ("25", (share("WATER", "20"),), "shares_do_not_add_up"),
        ("25", (share("WATER", "26"),), "shares_do_not_add_up"),
        ("25", (share("WATER", "25"), share("SCHOOL")), "shares_do_not_add_up"),
        ("25", (share("WATER", "30"), share("SCHOOL")), "shares_do_not_add_up"),
        ("25", (share("WATER", "30"), share("SCHOOL", "-5")), "not_positive"),
        ("25", (share("WATER"), share("GENERAL")), "designation_missing"),
        ("25.50", (share("WATER"),), "cents_in_designation"),
        ("25", (share("WATER"), share("SCHOOL")), "cents_in_designation"),
    ],
)
def test_what_cannot_be_shared_out_is_held(amount, shares, reason):
    assert reasons(gift(amount, designations=shares)) == [reason]


def test_a_share_in_another_currency_is_held():
    odd = Designation(fund="WATER", amount=Money(2500, "EUR"))
    assert reasons(gift("25", designations=(odd,))) == ["other_currency"]


@pytest.mark.parametrize(
    ("amount", "shares", "sent"),
    [
        ("25", (share("WATER"), share("SCHOOL")), ["13", "12"]),
        ("100", (share("WATER"), share("SCHOOL"), share("LIBRARY")), ["34", "33", "33"]),
        ("104", (share("WATER", "20.80"), share("SCHOOL", "30"), share("LIBRARY", "53.20")), ["21", "30", "53"]),
        ("10", (share("WATER", "7"), share("SCHOOL", "1.50"), share("LIBRARY", "1.50")), ["7", "2", "1"]),
    ],
)
def test_whole_units_with_the_rounding_on_the_first(amount, shares, sent):
    found = designated(amount, *shares, whole_units=WholeUnits.FIRST)
    assert [value for name, value in found.items() if name.endswith(".amount")] == sent


def test_rounding_never_drops_cents_of_the_gift_nor_a_whole_designation():
    first = organization(whole_units=WholeUnits.FIRST)
    assert reasons(gift("25.50", designations=(share("WATER"),)), first) == ["cents_in_designation"]
    tiny = (share("WATER", "1.60"), share("SCHOOL", "0.40"))
    assert reasons(gift("2", designations=tiny), first) == ["cents_in_designation"]


def test_cents_go_as_they_are_where_the_site_takes_them():
    found = designated("25.50", share("WATER"), share("SCHOOL", "5"), whole_units=WholeUnits.SEND_CENTS)
    assert (found["designated.1.amount"], found["designated.2.amount"]) == ("20.50", "5")


def test_a_held_gift_still_shows_its_other_parameters():
    result = mapped(gift("25.50", designations=(share("WATER"),)))
    assert result.parameters["other_amount"] == "25.50"
    assert not [name for name in result.parameters if "designated" in name]
