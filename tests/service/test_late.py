"""Luminate dates a gift when it arrives; relay says where that is another month or fiscal year than it was paid in."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from relay.dates import Late, fiscal_year, lateness
from relay.ledger.search import Filter, listing
from relay.outbound.probing import Probing
from relay.status import Status
from tests.builders import make_gift, make_organization, make_refund, make_relay
from tests.fakes import as_answer
from tests.service.test_probing import FakeReader

CHICAGO, TOKYO = ZoneInfo("America/Chicago"), ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize(
    ("paid", "recorded", "zone", "first", "late"),
    [
        ("2025-12-31T23:59-06:00", "2026-01-01T00:01-06:00", CHICAGO, 1, Late.YEAR),
        ("2025-12-31T23:59-06:00", "2026-01-01T00:01-06:00", CHICAGO, 7, Late.MONTH),
        ("2025-12-31T23:59-06:00", "2026-01-01T00:01-06:00", TOKYO, 1, Late.NO),
        ("2026-06-30T23:59-05:00", "2026-07-01T00:01-05:00", CHICAGO, 7, Late.YEAR),
        ("2026-06-30T23:59-05:00", "2026-07-01T00:01-05:00", CHICAGO, 1, Late.MONTH),
        ("2026-03-08T01:59-06:00", "2026-03-08T03:01-05:00", CHICAGO, 3, Late.NO),  # the clock goes forward
        ("2025-07-31T12:00Z", "2026-07-31T12:00Z", CHICAGO, 1, Late.YEAR),
        ("2026-05-02T12:00Z", "2026-05-30T12:00Z", CHICAGO, 1, Late.NO),
    ],
)
def test_month_and_fiscal_year_are_those_of_the_organization(paid, recorded, zone, first, late):
    assert lateness(datetime.fromisoformat(paid), datetime.fromisoformat(recorded), zone, first) is late


def test_a_fiscal_year_is_named_by_the_year_it_begins_in():
    assert fiscal_year(datetime(2026, 6, 30, tzinfo=UTC), ZoneInfo("UTC"), 7) == 2025


def test_a_late_gift_is_marked_and_listed(relay):
    relay.take(make_gift(occurred_at=datetime(2020, 12, 31, 23, 0, tzinfo=UTC)))
    relay.take(make_gift(keys=("ch_2",)))
    relay.post()
    with relay.database.read() as tx:
        (late,) = listing(tx, Filter(late="yes"))
    assert (late.late, late.provider_transaction_id) == ("year", "ch_1")


@pytest.fixture
def strict(sqlite_url):
    return make_relay(sqlite_url, make_organization(hold_other_year=True))


def test_an_organization_may_hold_gifts_of_another_fiscal_year(strict):
    strict.take(make_gift(occurred_at=datetime(2020, 12, 31, 23, 0, tzinfo=UTC)))
    strict.take(make_gift(keys=("ch_2",)))
    strict.post()
    assert [gift.status for gift in strict.gifts()] == [Status.HELD, Status.POSTED]
    assert strict.gifts()[0].reason == "other_fiscal_year"


def test_a_person_may_let_it_go_all_the_same(strict):
    strict.take(make_gift(occurred_at=datetime(2020, 12, 31, 23, 0, tzinfo=UTC)))
    strict.post()
    held = strict.gifts()[0]
    strict.replay(held.id)
    strict.post()
    assert strict.gifts()[0].status is Status.POSTED


@pytest.mark.parametrize("strictly", [False, True])
def test_a_gift_without_a_date_was_paid_by_the_day_it_came_at_the_latest(sqlite_url, strictly):
    relay = make_relay(sqlite_url, make_organization(hold_other_year=strictly))
    relay.take(make_gift(occurred_at=None))
    relay.later(days=400)
    relay.take(make_gift(keys=("ch_2",), occurred_at=None))
    relay.post()
    told = [(gift.status, gift.reason if strictly else gift.late) for gift in relay.gifts()]
    late = (Status.HELD, "other_fiscal_year") if strictly else (Status.POSTED, "year")
    assert told == [late, (Status.POSTED, "")]


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "Pacific/Kiritimati", "America/Chicago", "Etc/GMT+12"])
def test_a_day_without_an_hour_is_that_day_in_every_zone(sqlite_url, zone):
    """GoCardless tells of no hour: 31 December is 31 December in New Zealand, too."""
    charity = make_organization(time_zone=ZoneInfo(zone))
    relay = make_relay(sqlite_url, charity)
    relay.take(make_gift(occurred_at=None, occurred_on=date(2026, 12, 31)))
    (gift,) = relay.gifts()
    paid = gift.occurred_at.astimezone(charity.time_zone)
    assert (paid.date(), paid.hour) == (date(2026, 12, 31), 12)


RECORDED = "2026-12-31T23:59:45.000-06:00"


@pytest.mark.parametrize(
    ("told", "late", "by_luminate"),
    [
        (RECORDED, "", True),
        # No date, one without a zone, and dates of no call that could have been made: the moment of settling.
        ("", "year", False),
        ("2026-12-31T23:59:45.000", "year", False),
        ("2016-12-31T23:59:45.000-06:00", "year", False),
        ("2027-12-31T23:59:45.000-06:00", "year", False),
    ],
)
def test_late_goes_by_luminate_s_own_date(sqlite_url, told, late, by_luminate):
    """Recorded at the last moment of the year; the answer is noted a minute later, in the next."""
    relay = make_relay(sqlite_url, make_organization(time_zone=CHICAGO))
    paid = datetime(2026, 12, 31, 23, 58, tzinfo=CHICAGO)
    relay.database.ahead = paid + timedelta(seconds=100) - datetime.now(UTC)

    def slow(parameters):
        code = relay.luminate.record("add", parameters)
        relay.later(minutes=1)
        found = {"confirmation_code": code, "amount": {"decimal": "25.00"}, "date_time": told}
        return as_answer({"donationResponse": {"donation": found}})

    relay.luminate.script = [slow]
    relay.take(make_gift(occurred_at=paid.astimezone(UTC)))
    relay.post()
    (gift,) = relay.gifts()
    assert (gift.status, gift.late) == (Status.POSTED, late)
    assert (gift.posted_at == datetime.fromisoformat(RECORDED)) is by_luminate


def test_a_refund_found_under_the_date_of_its_gift_is_not_late(relay):
    """Whether a refund's row bears its own time or its gift's is not documented."""
    relay.take(make_gift())
    relay.post()
    (gift,) = relay.gifts()
    relay.later(days=40)
    relay.luminate.script = ["recorded"]
    relay.take(make_refund("5.00", occurred_at=gift.posted_at + timedelta(days=40)))
    relay.post()

    class AsItsGift(FakeReader):
        def seen(self, **asked):
            return [replace(row, at=gift.posted_at) for row in super().seen(**asked)]

    relay.later(seconds=130)
    Probing(relay.database, relay.organization, AsItsGift(relay)).run()
    (refund,) = relay.refunds()
    assert (refund.status, refund.late) == (Status.POSTED, "")
    assert refund.posted_at > gift.posted_at
