"""Dates as finance counts them: in the organization's time zone, by month and fiscal year.

Luminate dates a gift when it arrives (addOfflineDonation takes no date), so a gift may land in another month or
fiscal year than the donor paid in. relay cannot change that; it says so.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo


class Late(StrEnum):
    """How far Luminate's date of a gift is from the day the donor paid."""

    NO = ""
    MONTH = "month"
    YEAR = "year"


def fiscal_year(moment: datetime, zone: ZoneInfo, first_month: int) -> int:
    """The calendar year in which the fiscal year of this moment began."""
    local = moment.astimezone(zone)
    return local.year if local.month >= first_month else local.year - 1


def lateness(paid: datetime, recorded: datetime, zone: ZoneInfo, first_month: int) -> Late:
    """Whether a gift was recorded in another month, or another fiscal year, than it was paid in.

    For a gift without a date of its own ``paid`` is when it was received: it was paid by then, if not earlier. So
    what is late by it is late; whether it came late to relay, nobody knows.
    """
    if fiscal_year(paid, zone, first_month) != fiscal_year(recorded, zone, first_month):
        return Late.YEAR
    ours, theirs = paid.astimezone(zone), recorded.astimezone(zone)
    return Late.NO if (ours.year, ours.month) == (theirs.year, theirs.month) else Late.MONTH
