"""Whatever a gift says, mapping it never raises, and what has no problem is right to the cent."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from relay.config import FieldRule, OptIn, WholeUnits
from relay.gifts import Address, Billing, Designation, Donor, Gift, Name, Shipping, Tender, TenderKind
from relay.luminate.parameters import checked
from relay.luminate.problems import REASONS
from relay.luminate.schemas import map_gift
from relay.money import MAX_MINOR, Money
from tests.unit.luminate.giving import FUNDS, organization

TEXT = st.sampled_from(["", "a", "Jane", " x ", "é & +", "1\n2", "\ud800", "\x00"]) | st.text(max_size=6)
CURRENCIES = st.sampled_from(["USD"] * 6 + ["EUR", "JPY", "KWD"])
MONEY = st.builds(
    Money, st.integers(-500, 100_000) | st.sampled_from([0, 100, 2500, MAX_MINOR, -MAX_MINOR]), CURRENCIES
)
NAMES = st.builds(Name, full=TEXT, title=TEXT, first=TEXT, last=TEXT, suffix=TEXT) | st.builds(Name, full=st.text())
ADDRESSES = st.builds(Address, street1=TEXT, street2=TEXT, city=TEXT, zip=TEXT, country=TEXT)
EMAILS = (
    st.sampled_from(["", " ", "x", "jane@example.org", " jane@example.org\t", "x@[1.2.3.4]", "é@ü.org"]) | st.emails()
)
DONORS = st.builds(
    Donor, name=NAMES, email=EMAILS, phone=TEXT, phone_type=TEXT, address=ADDRESSES, cons_id=TEXT,
    email_opt_in=st.none() | st.booleans(),
)  # fmt: skip
TENDERS = st.builds(
    Tender, kind=st.sampled_from(TenderKind), card_type=TEXT, last4=TEXT | st.just("4242"),
    exp_month=st.none() | st.integers(-1, 99), exp_year=st.none() | st.integers(-1, 99999), check_number=TEXT,
)  # fmt: skip
DESIGNATIONS = st.builds(
    Designation, fund=st.sampled_from(["", *FUNDS, "NOPE"]), write_in=st.sampled_from(["", "", "Roof"]), contact=TEXT,
    amount=st.none() | MONEY,
)  # fmt: skip
SCALARS = TEXT | st.integers() | st.floats() | st.booleans() | st.none() | st.just({"a": 1}) | st.just([1])
GIFTS = st.builds(
    Gift, keys=st.lists(TEXT, max_size=2).map(tuple), amount=MONEY, donor=DONORS,
    billing=st.builds(Billing, name=NAMES, address=ADDRESSES),
    shipping=st.builds(Shipping, name=NAMES, address=ADDRESSES, email=TEXT, phone=TEXT), joint_donor=NAMES,
    tender=TENDERS, designations=st.lists(DESIGNATIONS, max_size=4).map(tuple), premium_id=TEXT, gift_aid=TEXT,
    matching_eligible=st.none() | st.booleans(), anonymous=st.none() | st.booleans(),
    sources=st.lists(st.fixed_dictionaries({"v": SCALARS}), max_size=2).map(tuple),
)  # fmt: skip
RULES = st.lists(
    st.builds(
        FieldRule, parameter=st.sampled_from(["donor.employer", "donor.email", "other_amount", "x", "designated.1.id"]),
        path=st.sampled_from(["", "v", "v.a", "v[", "length(v)"]), default=st.sampled_from(["", "d"]),
        required=st.booleans(),
    ), max_size=3,
).map(tuple)  # fmt: skip
HOUSES = st.builds(
    organization, whole_units=st.sampled_from(WholeUnits), default_fund=st.sampled_from(["", "WATER", "NOPE"]),
    single_designated_id=st.booleans(), opt_in=st.sampled_from(OptIn), fields=RULES,
)  # fmt: skip


@given(GIFTS, HOUSES, st.booleans())
def test_any_gift_maps_or_tells_why_not(gift, house, mail):
    result = map_gift(gift, house, provider="stripe", mail=mail)
    assert result == map_gift(gift, house, provider="stripe", mail=mail)
    assert {problem.reason for problem in result.problems} <= set(REASONS)
    assert {"send_receipt", "send_registration_email"} <= set(result.parameters)
    if not result.problems:
        right_to_the_cent(gift, result.parameters)


def right_to_the_cent(gift, parameters):
    assert parameters["other_amount"] == gift.amount.text
    assert gift.amount.minor > 0
    assert "@" in parameters["donor.email"]
    assert checked(parameters) == (parameters, ())
    "".join(parameters.values()).encode()
    shares = [value for name, value in parameters.items() if name.startswith("designated") and name.endswith(".amount")]
    assert not shares or sum(map(Decimal, shares)) == gift.amount.decimal
    assert not (shares and "single_designated_id" in parameters)


@given(
    st.integers(1, 200_000),
    st.lists(st.sampled_from(["WATER", "LIBRARY", "SCHOOL", "GARDEN"]), min_size=1, max_size=4, unique=True),
    st.sampled_from(WholeUnits),
    st.data(),
)
def test_shares_always_sum_and_rounding_moves_less_than_a_unit(minor, funds, rule, data):
    whole = Money(minor, "USD")
    weights = [data.draw(st.integers(1, 9)) for _ in funds]
    exact = dict(zip(funds, whole.split(weights), strict=True))
    given_shares = tuple(Designation(fund=fund, amount=share) for fund, share in exact.items())
    donor = Donor(name=Name(first="J", last="D"), email="j@example.org")
    gift = Gift(keys=("k",), amount=whole, donor=donor, designations=given_shares)
    result = map_gift(gift, replace(organization(), whole_units=rule), provider="stripe")
    if result.problems:
        assert result.problems[0].reason in {"cents_in_designation", "not_positive"}
        assert not all(share.is_whole for share in exact.values()) or not min(exact.values()).minor
        return
    by_number = {name.split(".")[1]: value for name, value in result.parameters.items() if name.endswith(".amount")}
    sent = [Decimal(by_number[number]) for number in sorted(by_number)]
    assert sum(sent) == whole.decimal
    assert all(abs(one - share.decimal) < 1 for one, share in zip(sent, exact.values(), strict=True))
    assert rule is WholeUnits.SEND_CENTS or all(one == one.to_integral_value() for one in sent)
