"""One row of getUserTransactions (facts 8.1: the shape from recorded shop orders H, gifts by analogy M)."""

import calendar
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from .clock import central, central_text
from .money import amount_node
from .site import Gift, Refund

TENDERS = {"cash": "CASH", "check": "CHECK", "credit": "CREDIT_CARD"}
COUNTRIES = {"US": "United States", "USA": "United States", "GB": "United Kingdom", "CA": "Canada", "FR": "France",
             "DE": "Germany", "AU": "Australia", "NL": "Netherlands", "IE": "Ireland"}  # fmt: skip
NAMES = {"title": "title", "first": "first", "middle": "middle", "last": "last", "suffix": "suffix",
         "profSuffix": "prof_suffix"}  # fmt: skip
STREETS = ("street1", "street2", "street3", "city", "state", "zip", "country")


def gift_row(gift: Gift, switches: Mapping[str, str], *, detail: bool) -> dict[str, Any]:
    """A DONATION row. There is no transaction id in it (H)."""
    row = _row(gift, "DONATION", gift.recorded_at, gift.amount, switches)
    return row | {"donation_detail": {"form_id": gift.form_id, "level_id": gift.level_id}} if detail else row


def refund_row(gift: Gift, refund: Refund, switches: Mapping[str, str]) -> dict[str, Any]:
    """A REFUND row: the gift's code, the refund's time and amount (ND)."""
    return _row(gift, "REFUND", refund.recorded_at, refund.amount, switches)


def _row(gift: Gift, kind: str, at: datetime, amount: int, switches: Mapping[str, str]) -> dict[str, Any]:
    pay_method = switches["offline_pay_method"]
    return {
        "timestamp": central_text(at),
        "confirmation_code": gift.confirmation_code,
        "amount": amount_node(amount, switches["decimal_text"]),
        "tender_type": TENDERS.get(gift.payment_method, gift.payment_method.upper()),
        **({} if pay_method == "absent" else {"pay_method": pay_method}),
        "transaction_type": kind,
        **_tender(gift),
        "billing_name": {there: gift.billing.get(f"name.{here}") for here, there in NAMES.items()},
        "billing_address": _address(gift, switches["country_text"]),
    }


def _tender(gift: Gift) -> dict[str, str]:
    """The check number, or what is known of the card; cash has neither."""
    params = gift.params
    if gift.payment_method == "check":
        found = {"check_number": params.get("check_number", "")}
    elif gift.payment_method == "credit":
        digits = params.get("card_number", "")[-4:]
        found = {
            "credit_card_type": params.get("card_type", ""),
            "credit_card_number": "*" * 12 + digits if digits else "",
            "credit_card_expiration": _expiration(params),
        }
    else:
        found = {}
    return {name: value for name, value in found.items() if value}


def _expiration(params: Mapping[str, str]) -> str:
    """The last day of the month with an offset, `2012-06-30-05:00` (H); empty when it cannot be read."""
    month, _, year = params.get("card_exp_date", "").partition("/")
    month, year = month or params.get("card_exp_date_month", ""), year or params.get("card_exp_date_year", "")
    if not (month.isdecimal() and year.isdecimal() and 1 <= int(month) <= 12 and 1970 <= int(year) <= 9998):
        return ""
    day = calendar.monthrange(int(year), int(month))[1]
    offset = central(datetime(int(year), int(month), day, 12, tzinfo=UTC)).isoformat()[-6:]
    return f"{int(year):04d}-{int(month):02d}-{day:02d}{offset}"


def _address(gift: Gift, style: str) -> dict[str, str | None]:
    found = {part: gift.billing.get(f"address.{part}") for part in STREETS}
    if style == "full_name" and found["country"]:
        found["country"] = COUNTRIES.get(found["country"].upper(), found["country"])
        if found["country"] != "United States":
            found["state"] = "None"  # what real replies show outside the US (H)
    return found
