"""Reading a donor's transactions back over REST: every row, or a refusal that proves nothing."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from relay.config import LuminateSettings
from relay.errors import MaybeSent, NotSent, ReadRefused
from relay.luminate.client import Answer, LuminateClient
from relay.luminate.readback import PAGE_SIZE, RestReader

ADA = "ada@example.org"
REPLIES = Path(__file__).parents[2] / "replies"
BEGIN, END = datetime(2010, 5, 1, tzinfo=UTC), datetime(2010, 5, 2, tzinfo=UTC)


def settings(site, **changed):
    fields = {
        "url": f"{site.url}/{site.name}/site",
        "api_key": "demo-api-key",
        "login_name": "demo-api-user",
        "login_password": "demo-api-password",
        "connect_timeout": 2,
        "read_timeout": 2,
    }
    return LuminateSettings(**(fields | changed))


def seen(site, kind="DONATION", email=ADA, cons_id="", window=timedelta(hours=1), **changed):
    client = LuminateClient(settings(site, **changed))
    now = datetime.now(UTC)
    try:
        return RestReader(client).seen(email=email, cons_id=cons_id, begin=now - window, end=now + window, kind=kind)
    finally:
        client.close()


def refusal(*args, **kwargs):
    with pytest.raises(ReadRefused) as refused:
        seen(*args, **kwargs)
    return refused.value


# --- against the sandbox --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("response_format", ["json", "xml"])
@pytest.mark.parametrize("suppress", [False, True])
def test_a_recorded_gift_is_seen_with_everything_that_luminate_shows(site, response_format, suppress):
    code = site.code(offline_payment_method="credit", card_number="************4242", card_type="VISA")
    (row,) = seen(site, response_format=response_format, suppress_response_codes=suppress)
    assert (row.kind, row.confirmation_code, row.amount) == ("DONATION", code, Decimal(25))
    assert (row.tender, row.last4, row.billing_name) == ("credit", "4242", "Ada Lovelace")
    assert row.at.utcoffset() == timedelta(0)
    assert abs(row.at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_check_is_seen_with_its_number(site):
    site.code(offline_payment_method="check", check_number="ch_17", other_amount="14.50")
    (row,) = seen(site)
    assert (row.tender, row.check_number, row.last4, row.amount) == ("check", "ch_17", "", Decimal("14.50"))


@pytest.mark.parametrize("response_format", ["json", "xml"])
def test_no_gift_is_no_row(site, response_format):
    assert seen(site, response_format=response_format) == ()


@pytest.mark.parametrize("response_format", ["json", "xml"])
@pytest.mark.parametrize("suppress", [False, True])
def test_an_address_of_several_constituents_is_refused_and_its_constituent_id_is_not(site, response_format, suppress):
    site.set(constituents=[{"email": ADA, "first": "Ada", "last": "L", "cons_id": cons_id} for cons_id in ("71", "72")])
    site.code(donor__cons_id="72")
    how = {"response_format": response_format, "suppress_response_codes": suppress}
    assert refusal(site, **how).reason == "several_constituents"
    assert len(seen(site, cons_id="72", **how)) == 1
    assert seen(site, cons_id="71", **how) == ()


def test_look_alike_gifts_are_all_seen(site):
    codes = {site.code() for _ in range(3)}
    rows = seen(site)
    assert {row.confirmation_code for row in rows} == codes
    assert len(rows) == 3


@pytest.mark.parametrize("response_format", ["json", "xml"])
def test_sixty_gifts_of_one_donor_are_all_seen_once(site, response_format):
    codes = {site.code(other_amount=f"{number}.25") for number in range(1, 61)}
    rows = seen(site, response_format=response_format)
    assert {row.confirmation_code for row in rows} == codes
    assert len(rows) == 60


def test_more_gifts_than_a_page_holds_are_all_seen_once(site):
    codes = {site.code() for _ in range(PAGE_SIZE + 5)}
    rows = seen(site)
    assert {row.confirmation_code for row in rows} == codes
    assert len(rows) == PAGE_SIZE + 5


def test_a_gift_shows_when_the_read_back_delay_is_over(site):
    site.switch(read_back_delay_s="5")
    site.code()
    assert seen(site) == ()
    site.session.post(f"{site.url}/sandbox/clock", json={"advance_seconds": 6}, timeout=5)
    assert len(seen(site)) == 1


@pytest.mark.parametrize(
    ("visibility", "gifts", "refunds"), [("replaced_by_refund_row", 0, 1), ("stays", 1, 1), ("vanishes", 0, 0)]
)
def test_a_full_refund_is_seen_as_the_site_shows_it(site, visibility, gifts, refunds):
    site.switch(refund_visibility=visibility)
    code = site.code()
    site.refund(code, refund_amount="25.00", send_auto_responder="false")
    assert [row.confirmation_code for row in seen(site)] == [code] * gifts
    found = seen(site, "REFUND")
    assert [(row.kind, row.confirmation_code, row.amount) for row in found] == [("REFUND", code, Decimal(25))] * refunds


def test_two_equal_refunds_of_one_gift_are_two(site):
    code = site.code()
    for _ in range(2):
        site.refund(code, refund_amount="5.00", send_auto_responder="false")
    assert [row.amount for row in seen(site, "REFUND")] == [Decimal(5), Decimal(5)]
    assert [row.amount for row in seen(site)] == [Decimal(25)]


def test_only_the_window_is_seen(site):
    site.code()
    now = datetime.now(UTC)
    client = LuminateClient(settings(site))
    assert RestReader(client).seen(email=ADA, begin=now + timedelta(hours=1), end=now + timedelta(hours=2)) == ()
    client.close()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"login_password": "wrong"}, "not_permitted"),
        ({"api_key": "wrong"}, "blocked"),
        ({"v": "2.0"}, "refused"),
    ],
)
@pytest.mark.parametrize("suppress", [False, True])
def test_an_account_that_is_kept_out_is_a_refusal(site, changed, reason, suppress):
    refused = refusal(site, suppress_response_codes=suppress, **changed)
    assert refused.reason == reason
    assert refused.luminate_says


def test_a_missing_permission_and_a_missing_address_have_names(site):
    site.switch(read_permission="separate")
    assert refusal(site).reason == "not_permitted"
    site.set(ip_allow=["203.0.113.0/24"])
    assert refusal(site).reason == "blocked"


@pytest.mark.parametrize("fault", ["html", "status_503", "empty_200", "status_404"])
def test_an_answer_that_is_no_list_is_a_refusal(site, fault):
    site.faults({"fault": fault})
    assert refusal(site).reason == "unreadable"


@pytest.mark.parametrize("fault", ["reset_before", "close_after", "break_off_after"])
def test_a_lost_answer_is_named_like_that_of_a_write(site, fault):
    site.faults({"fault": fault})
    with pytest.raises(MaybeSent):
        seen(site)


def test_an_unknown_host_is_not_sent(site):
    with pytest.raises(NotSent):
        seen(site, url="http://nobody.invalid/charity/site")


def test_without_a_key_nothing_is_asked(site):
    assert refusal(site, email="").reason == "no_email"
    assert site.calls() == []


# --- against answers the sandbox does not give ----------------------------------------------------------------------


class Scripted:
    """Answers page after page from a list, then with no rows."""

    def __init__(self, *pages):
        self.pages, self.asked = list(pages), []

    def get_user_transactions(self, **params):
        self.asked.append(params)
        page = self.pages.pop(0) if self.pages else []
        if isinstance(page, bytes):
            return Answer(200, page)
        body = {"getConsTransactionsResponse": {"transaction": page} if page else {}}
        return Answer(200, json.dumps(body).encode())


def row(number, **changed):
    return {
        "confirmation_code": f"1-1-1-1-{number}",
        "amount": {"decimal": "5"},
        "timestamp": "2010-05-01T09:28:32.965-05:00",
        "transaction_type": "DONATION",
        **changed,
    }


def read(*pages, kind="DONATION"):
    client = Scripted(*pages)
    return RestReader(client).seen(email=ADA, begin=BEGIN, end=END, kind=kind), client


def refused_reason(*pages, kind="DONATION"):
    with pytest.raises(ReadRefused) as refused:
        read(*pages, kind=kind)
    return refused.value.reason


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("transactions_none.json", []),
        ("transactions_none.xml", []),
        ("transactions_one.json", ["2023-1161-1-14621-14701"]),
        ("transactions_one.xml", ["2023-1161-1-14621-14701"]),
        ("transactions_many.json", ["2023-1161-1-14621-14701", "2023-1161-1-14621-14702"]),
    ],
)
def test_recorded_replies_are_read(name, codes):
    rows, _ = read((REPLIES / name).read_bytes())
    assert sorted(found.confirmation_code for found in rows) == codes


def test_the_window_asked_for_is_wider_than_the_one_wanted():
    _, client = read()
    assert client.asked[0]["begin_date"] == "2010-04-30T00:00:00Z"
    assert client.asked[0]["end_date"] == "2010-05-03T00:00:00Z"


def test_a_site_that_caps_its_pages_hides_no_row():
    pages = [[row(number) for number in range(start, start + 25)] for start in (0, 25)]
    rows, client = read(*pages, [row(50)])
    assert len(rows) == 51
    assert [asked["list_record_offset"] for asked in client.asked] == ["0", "25", "50"]


def test_a_row_that_stands_on_two_pages_counts_once():
    first, second = [row(number) for number in range(PAGE_SIZE)], [row(PAGE_SIZE - 1), row(PAGE_SIZE)]
    rows, _ = read(first, second, first, second)
    assert len(rows) == PAGE_SIZE + 1


def test_a_list_that_moved_is_read_again():
    moved = [[row(number) for number in range(30)], [row(0)]]
    quiet = [[row(number) for number in range(31)], []]
    rows, _ = read(*moved, *quiet)
    assert len(rows) == 31


def test_a_list_that_never_stands_still_proves_nothing():
    passes = [[[row(number) for number in range(30 + turn)], [row(0)]] for turn in range(3)]
    assert refused_reason(*(page for one in passes for page in one)) == "rows_moved"


def test_a_list_without_end_proves_nothing():
    pages = [[row(number * 100 + place) for place in range(100)] for number in range(30)]
    assert refused_reason(*pages) == "too_many_rows"


def test_an_error_behind_the_last_page_is_its_end():
    past = b'{"errorResponse":{"code":"50","message":"Invalid list criteria."}}'
    rows, _ = read([row(number) for number in range(30)], past)
    assert len(rows) == 30
    assert refused_reason(past) == "list_criteria"


def test_nobody_by_that_address_is_no_row():
    rows, _ = read(b'{"errorResponse":{"code":"16","message":"No record matches."}}')
    assert rows == ()


@pytest.mark.parametrize("timestamp", ["", "yesterday", "2010-05-01T09:28:32", "0001-01-01T00:00:00+14:00"])
def test_a_row_without_a_time_stays(timestamp):
    rows, _ = read([row(1, timestamp=timestamp)])
    assert [found.at for found in rows] == [None]


def test_rows_of_another_kind_are_left_out_and_a_row_that_says_no_kind_is_taken():
    rows, _ = read(
        [row(1), row(2, transaction_type="REFUND"), row(3, transaction_type={}), row(4, transaction_type="PLEDGE")]
    )
    assert [found.confirmation_code[-1] for found in rows] == ["1", "3"]


@pytest.mark.parametrize(
    "page",
    [
        [row(1, transaction_type="GIFT")],
        [row(1, amount={})],
        [row(1, amount={"decimal": "$5"})],
        [row(1, amount={"decimal": "1,234.50"})],
        ["a text"],
        [{}],
        b'{"getConsTransactionsResponse":{"somethingElse":"1"}}',
        b'{"getConsTransactionsResponse":"words"}',
        b'{"getConsTransactionsResponse":{"transaction":{"error":"x"}}}',
        b'{"isEmailValidResponse":{"valid":"true"}}',
        b"{",
        b"",
    ],
)
def test_what_could_hide_a_row_proves_nothing(page):
    assert refused_reason(page) == "unreadable"


def test_rows_beside_an_error_status_prove_nothing():
    client = Scripted()
    client.get_user_transactions = lambda **_: Answer(500, b'{"getConsTransactionsResponse":{}}')
    with pytest.raises(ReadRefused):
        RestReader(client).seen(email=ADA, begin=BEGIN, end=END)


def test_a_refusal_keeps_luminates_words_out_of_its_own():
    client = Scripted(b'{"errorResponse":{"code":"8","message":"ada@example.org matches two."}}')
    with pytest.raises(ReadRefused) as refused:
        RestReader(client).seen(email=ADA, begin=BEGIN, end=END)
    assert "ada" not in str(refused.value)
    assert refused.value.luminate_says == "ada@example.org matches two."


def test_an_error_code_without_a_meaning_is_a_refusal():
    assert refused_reason(b'{"errorResponse":{"code":"999","message":"?"}}') == "refused"
