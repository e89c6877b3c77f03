"""Money: exact or an error, and splits that always sum to the whole."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import MoneyError
from relay.money import EXPONENTS, MAX_MINOR, Money, exponent, parse_currency

MINORS = st.integers(-MAX_MINOR, MAX_MINOR)
CURRENCIES = st.sampled_from(["USD", "JPY", "BHD", "CLF", "EUR"])


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.34", "USD", 1234),
        ("12.3", "usd", 1230),
        ("12", " USD ", 1200),
        (12, "USD", 1200),
        (Decimal("12.340"), "USD", 1234),
        ("12.3400", "USD", 1234),
        ("-5.00", "USD", -500),
        ("0", "USD", 0),
        ("1200", "JPY", 1200),
        ("1200.0", "JPY", 1200),
        ("1.234", "BHD", 1234),
        ("1.2345", "CLF", 12345),
        (Decimal("1E+2"), "USD", 10_000),
    ],
)
def test_an_exact_amount_is_read(text, currency, minor):
    assert Money.parse(text, currency).minor == minor


ODD_TEXTS = ("12.345", "1e5", "1,000", "1_000", " 5", "5 ", "", ".", "5.", ".5", "NaN", "+5", "٣", "12.34.5", "5\n")
ODD_VALUES = (0.1, 12.0, True, None, b"5", Decimal("NaN"), Decimal("Infinity"), Decimal("0.001"))


@pytest.mark.parametrize("text", [*ODD_TEXTS, *ODD_VALUES])
def test_anything_else_is_refused(text):
    with pytest.raises(MoneyError):
        Money.parse(text, "USD")


@pytest.mark.parametrize("currency", ["", "US", "USDT", "U$D", "ÜSD", None, 5, b"USD", "US D"])
def test_a_currency_is_three_letters(currency):
    with pytest.raises(MoneyError):
        parse_currency(currency)


@pytest.mark.parametrize("minor", [1.0, True, "1", None, MAX_MINOR + 1, -MAX_MINOR - 1, Decimal(1)])
def test_minor_units_are_whole_and_sane(minor):
    with pytest.raises(MoneyError):
        Money(minor, "USD")


def test_a_money_error_is_a_value_error_too():
    assert issubclass(MoneyError, ValueError)


@given(minor=MINORS, currency=CURRENCIES)
def test_text_reads_back_as_the_same_money(minor, currency):
    money = Money(minor, currency)
    assert Money.parse(money.text, currency) == money
    assert str(money) == f"{money.text} {currency}"


@given(minor=st.integers(0, 10**12), weights=st.lists(st.integers(0, 1000), min_size=1, max_size=12))
def test_a_split_sums_to_the_whole_and_no_share_is_a_unit_off(minor, weights):
    money = Money(minor, "USD")
    if sum(weights) == 0:
        with pytest.raises(MoneyError):
            money.split(weights)
        return
    shares = money.split(weights)
    assert sum(share.minor for share in shares) == minor
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share.minor * sum(weights) - minor * weight) < sum(weights)


@pytest.mark.parametrize("weights", [[], [0], [1, -1], [2, -1]])
def test_a_split_needs_sane_weights(weights):
    with pytest.raises(MoneyError):
        Money(100, "USD").split(weights)


def test_currencies_do_not_mix():
    one, other = Money(100, "USD"), Money(100, "CAD")
    for act in (lambda: one + other, lambda: one - other):
        with pytest.raises(MoneyError, match="USD with CAD"):
            act()


@pytest.mark.parametrize(
    ("minor", "currency", "whole"), [(1200, "USD", True), (1201, "USD", False), (7, "JPY", True), (-100, "USD", True)]
)
def test_whole_amounts(minor, currency, whole):
    assert Money(minor, currency).is_whole is whole


@pytest.mark.parametrize(("currency", "decimals"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("XXX", 2)])
def test_decimals_follow_iso_4217(currency, decimals):
    assert exponent(currency) == decimals
    assert set(EXPONENTS.values()) == {0, 3, 4}
