"""The search box: what it finds, counts and gives away as a file, and to whom. Alice is finance of alder, Bob its
viewer, Charlie of birch: Charlie sees nothing of alder, on no page and in no number.
"""

import csv
import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import select, update

from relay.access import Role, operator
from relay.errors import NotAllowed, SearchRefused
from relay.gifts import Address, Designation, Donor, Name
from relay.ledger import findable
from relay.ledger.models import entries
from relay.ledger.search import Filter
from relay.money import Money
from relay.office.people.entering import actor_of
from relay.reports.searching import PAGE, both
from relay.status import Status
from tests.builders import make_chargeback, make_gift, make_organization, make_refund
from tests.support.console import House

ALICE, BOB, CHARLIE = "finance", "viewer", "outsider"


@pytest.fixture
def house(sqlite_url):
    chicago = ZoneInfo("America/Chicago")
    return House(sqlite_url, make_organization("alder", time_zone=chicago), make_organization("birch"))


def give(house, amount="25.00", key="ch_1", first="Mary", last="Stone", email="mary@example.org", **more):
    organization = more.pop("organization", "alder")
    donor = Donor(name=Name(first=first, last=last), email=email, address=Address(city="Bay", zip="10001"))
    return house.take(make_gift(amount, keys=(key,), donor=donor, **more), organization=organization).id


def actor(house, name):
    return actor_of(house.person(name))


def found(house, text, name=ALICE, **more):
    return [line.id for line in house.relay.searching.find(actor(house, name), text, **more).lines]


@pytest.fixture
def four(house):
    give(house, "250.00", "ch_1", last="Stone", email="m.stone@example.org")
    give(house, "40.00", "ch_2", first="Zoë", last="Núñez-Stone", email="zoe@example.org")
    give(house, "250.00", "ch_3", first="Ann", last="O'Brien", email="")
    house.post()
    give(house, "1250.00", "ch_4", first="Tom", last="Baker", email="tom@example.org",
         designations=(Designation(fund="Clean Water"),))  # fmt: skip
    house.take(make_refund("10.00", keys=("re_1",), parents=("ch_1",)))
    return house


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", [5, 4, 3, 2, 1]),
        ("stone", [5, 2, 1]),
        ("STONE 250", [1]),
        ("ston", [5, 2, 1]),
        ("tone", []),
        ("nunez", [2]),
        ("Núñez", [2]),
        ("zoe", [2]),
        ("nunez-stone", [2]),
        ("o'brien", [3]),
        ("brien", [3]),
        ('"mary stone"', [5, 1]),
        ('"stone mary"', []),
        ("m.stone@example.org", [5, 1]),
        ("m.stone@ex", [5, 1]),
        ("250", [3, 1]),
        ("$250.00", [3, 1]),
        ("1,250", [4]),
        ("2.50", []),
        ("ch_1", [5, 1]),
        ("CH_1", [5, 1]),
        ("ch_", []),
        ("re_1", [5]),
        ("C1", [1]),
        ("code:C2", [2]),
        ("#3", [3]),
        ("3", [3]),
        ("id:1,4", [4, 1]),
        ("name:mary", [5, 1]),
        ("name:tom", [4]),
        ("email:tom", [4]),
        ("email:stone", [5, 1]),
        ("email:mary", []),
        ("amount:>=250", [4, 3, 1]),
        ("amount:>250", [4]),
        ("amount:>40 amount:<=250", [3, 1]),
        ("status:needs", [4, 3]),
        ("status:posted", [2, 1]),
        ("status:way", [5]),
        ("status:posted,held", [4, 3, 2, 1]),
        ("kind:refund", [5]),
        ("kind:gift stone", [2, 1]),
        ("provider:acme tom", [4]),
        ("provider:stripe", []),
        ("fund:water", [4]),
        ('fund:"Clean Water"', [4]),
        ("reason:no_email", [3]),
        ("currency:usd 40", [2]),
        ("currency:EUR", []),
        ("organization:alder tom", [4]),
        ("on:today #1", [1]),
        ("before:today", []),
        ("after:2020 #1", [1]),
        ("flag:no #1", [1]),
        ("flag:yes", []),
        ("late:no #1", [1]),
        ("%", []),
        ("_", []),
        ("'", []),
        ("\\", []),
        ("|", []),
        ("@", []),
        ("=ch_1", []),
    ],
)
def test_a_search_finds_exactly(four, text, numbers):
    assert found(four, text) == numbers


def test_an_amount_is_found_in_a_currency_without_cents(house):
    give(house, Money(500, "JPY"), "ch_1")
    give(house, "5.00", "ch_2")
    assert found(house, "500") == [1]
    assert found(house, "5") == [2]
    assert found(house, "amount:>=500") == [1]


def test_a_later_name_and_a_code_are_found_and_an_earlier_name_is_not(house):
    give(house, "25.00", "ch_1", first="", last="", email="m@example.org")
    assert found(house, "stone") == []
    give(house, "25.00", "ch_1", last="Stone", email="m@example.org")
    assert found(house, "stone") == [1]
    house.post()
    assert found(house, "C1") == [1]


def test_the_words_of_a_row_always_follow_from_its_columns(four):
    four.take(make_chargeback("25.00", parents=("ch_2",)))
    four.post()
    names = ("donor_name", "donor_email", "provider_transaction_id", "parent_transaction_id", "confirmation_code",
             "luminate_transaction_id", "findable")  # fmt: skip
    with four.database.read() as tx:
        rows = tx.execute(select(*(entries.c[name] for name in names))).all()
    for name, email, *codes, kept in rows:
        words = findable.words_of(name=name, email=email, codes=codes)
        assert kept == findable.Findable().process_bind_param(words, four.database.engine.dialect)
    assert len(rows) == 6


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("provider:stripes", 'did you mean "stripe"?'),
        ("reason:no_mail", 'did you mean "no_email"?'),
        ("flag:odd", "yes"),
        ("organization:aldr", 'did you mean "alder"?'),
        ("cause:nothing-12345678", 'cause: knows no "nothing-12345678"'),
    ],
)
def test_a_value_that_stands_nowhere_is_refused_with_those_that_do(four, text, says):
    with pytest.raises(SearchRefused) as refused:
        found(four, text)
    assert says in str(refused.value)


def test_a_day_is_the_organization_s_day(house):
    give(house)
    late_evening = datetime(2026, 1, 1, 5, 30, tzinfo=UTC)  # still the 31st of December in Chicago
    with house.database.write() as tx:
        tx.execute(update(entries).values(received_at=late_evening))
    assert found(house, "on:2025-12-31") == [1]
    assert found(house, "on:2025") == [1]
    assert found(house, "on:2026-01") == []
    assert found(house, "after:2025-12-31 before:2026-01-01") == [1]
    # Of both organizations at once a day is UTC's.
    house.add("both", Role.VIEWER, "*")
    assert found(house, "on:2025-12-31", "both") == []
    assert found(house, "on:2026-01-01", "both") == [1]
    assert found(house, "on:2025-12-31", "both", chosen="alder") == [1]


def test_yesterday_is_the_day_before_today(house):
    give(house)
    with house.database.write() as tx:
        tx.execute(update(entries).values(received_at=datetime.now(ZoneInfo("America/Chicago")) - timedelta(days=1)))
    assert found(house, "on:yesterday") == [1]
    assert found(house, "after:today") == []


def test_totals_are_of_the_whole_search_and_a_page_has_fifty(house):
    for number in range(PAGE + 3):
        give(house, "10.00", f"ch_{number}", email="" if number % 2 else "m@example.org")
    page = house.relay.searching.find(actor(house, ALICE), "mary", page=2)
    assert (page.count, page.last, len(page.lines)) == (PAGE + 3, 2, 3)
    assert [line.id for line in page.lines] == [3, 2, 1]
    assert {total.status: (total.count, total.amount.text) for total in page.totals} == {
        Status.HELD: (26, "260.00"),
        Status.QUEUED: (27, "270.00"),
    }
    assert house.relay.searching.find(actor(house, ALICE), "mary", page=99).page == 2


def test_a_folded_payment_is_listed_and_is_no_money_twice(house):
    give(house, "25.00", "ch_1")
    give(house, "25.00", "pi_1")
    give(house, "25.00", "ch_1", email="x@example.org")
    house.take(make_gift("25.00", keys=("ch_1", "pi_1")))
    page = house.relay.searching.find(actor(house, ALICE), "")
    assert page.count == len(page.lines) == 2
    assert sum(total.amount.minor for total in page.totals if not total.folded) == 2500


# --- causes -----------------------------------------------------------------------------------------------------------


def test_a_cause_is_a_search_that_finds_its_group_and_nothing_else(four):
    give(four, "9.00", "ch_9", email="")
    give(four, "8.00", "ch_8", designations=(Designation(fund="OTHER"),))
    groups = four.relay.overview.attention(actor(four, ALICE)).groups
    sizes = {group.cause.sentence: found(four, f"cause:{group.cause.key}") for group in groups}
    assert sizes == {
        "The donor has no e-mail address": [6, 3],
        "Fund 'Clean Water' is not mapped to a designee": [4],
        "Fund 'OTHER' is not mapped to a designee": [7],
    }


def test_a_cause_that_excludes_the_rest_of_a_search_finds_nothing_rather_than_more(four):
    (key,) = {group.cause.key for group in four.relay.overview.attention(actor(four, ALICE)).groups if
              group.reason == "no_email"}  # fmt: skip
    assert found(four, f"cause:{key}") == [3]
    assert found(four, f"cause:{key} status:posted") == []
    assert found(four, f"cause:{key} reason:fund_not_mapped") == []
    assert found(four, "cause:unknown status:held") == []
    assert found(four, "cause:unknown") == []


def test_a_cause_whose_gifts_are_all_gone_finds_nothing(four):
    (key,) = {one.cause.key for one in four.relay.overview.attention(actor(four, ALICE)).groups if
              one.reason == "no_email"}  # fmt: skip
    with four.database.write() as tx:
        tx.execute(update(entries).where(entries.c.id == 3).values(status="closed"))
    assert found(four, f"cause:{key}") == []


# --- Charlie ----------------------------------------------------------------------------------------------------------


def test_charlie_finds_and_counts_nothing_of_alder(four):
    give(four, "77.00", "b_1", first="Birch", last="Stone", organization="birch")
    for text in ("", "stone", "250", "ch_1", "#1", "1", "C1", "re_1", "id:1", "name:mary", "code:C1", "status:posted"):
        numbers = found(four, text, CHARLIE)
        assert set(numbers) <= {6}, text
    page = four.relay.searching.find(actor(four, CHARLIE), "")
    assert (page.count, page.totals[0].amount.text) == (1, "77.00")


def test_no_message_tells_charlie_what_alder_has(four):
    asked = four.relay.searching
    for text in ("organization:alder", "reason:no_email", "fund:Clean", "provider:other", "cause:no_email"):
        try:
            page = asked.find(actor(four, CHARLIE), text)
            assert page.count == 0
        except SearchRefused as refused:
            said = str(refused).replace(text.partition(":")[2], "")
            assert not {"alder", "no_email", "Clean", "fund_not_mapped"} & set(said.replace('"', " ").split()), said


def test_an_organization_out_of_reach_is_refused_like_a_missing_one(four):
    said = []
    for name in ("alder", "no-such"):
        with pytest.raises(SearchRefused) as refused:
            found(four, f"organization:{name}", CHARLIE)
        said.append(str(refused.value).replace(name, "NAME"))
    assert said[0] == said[1]
    for name in ("alder", "no-such"):
        with pytest.raises(NotAllowed, match="no such organization"):
            four.relay.searching.find(actor(four, CHARLIE), "", name)
        with pytest.raises(NotAllowed, match="no such organization"):
            four.relay.searching.export(actor(four, CHARLIE), "", name, kind="csv")


def test_a_command_sees_everything(four):
    assert len(four.relay.searching.find(operator("ops"), "").lines) == 5


# --- files ------------------------------------------------------------------------------------------------------------


def table(data):
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def test_a_csv_has_the_whole_search_and_is_written_down(four):
    answer = four.client(ALICE).get("/console/gifts.csv?q=stone")
    rows = table(answer.data)
    assert [row["number"] for row in rows] == ["1", "2", "5"]
    assert (rows[0]["donor"], rows[0]["amount"], rows[0]["currency"]) == ("Mary Stone", "250.00", "USD")
    assert rows[0]["time zone"] == "America/Chicago"
    assert answer.headers["Content-Disposition"].endswith('.csv"')
    (line,) = four.lines("export")
    assert (line.who, line.organization) == ("finance@example.org", "alder")
    assert (line.details["search"], line.details["rows"], line.details["as"]) == ("*", 3, "csv")


def test_a_name_that_is_a_formula_stays_a_name(house):
    give(house, first="=HYPERLINK(", last='"http://x")', email="+1@example.org")
    client = house.client(ALICE)
    (row,) = table(client.get("/console/gifts.csv").data)
    assert row["donor"].startswith("'=HYPERLINK")
    assert row["e-mail"] == "'+1@example.org"
    book = zipfile.ZipFile(io.BytesIO(client.get("/console/gifts.xlsx").data))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "HYPERLINK(" in sheet
    assert re.search(r"<v>25(\.00)?</v>", sheet), sheet[-900:]


def test_files_are_narrowed_to_the_reach_and_a_bad_search_is_no_file(four):
    give(four, "77.00", "b_1", organization="birch")
    assert [row["number"] for row in table(four.client(CHARLIE).get("/console/gifts.csv").data)] == ["6"]
    for kind in ("csv", "xlsx"):
        assert four.client(ALICE).get(f"/console/gifts.{kind}?q=colour:red").status_code == 400
        assert four.client(CHARLIE).get(f"/console/gifts.{kind}?in=alder").status_code == 404
    assert len(four.lines("export")) == 1


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ({"ids": (1, 2)}, {"ids": (2, 3)}, {"ids": (2,)}),
        ({"ids": (1,)}, {"ids": (2,)}, {"nothing": True}),
        ({"statuses": (Status.HELD,)}, {"words": ("a",)}, {"statuses": (Status.HELD,), "words": ("a",)}),
        ({"provider": "a"}, {"provider": "b"}, {"provider": "a", "nothing": True}),
        ({"words": ("a",)}, {"words": ("b",)}, {"words": ("a", "b")}),
        ({"nothing": True}, {}, {"nothing": True}),
    ],
)
def test_two_filters_find_what_both_find(one, other, found):
    assert both(Filter(**one), Filter(**other)) == Filter(**found)


def test_of_two_spans_of_time_the_narrower_counts():
    early, late = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    assert both(Filter(since=early, until=late), Filter(since=late, until=early)) == Filter(since=late, until=early)


def test_days_stand_beside_the_box_as_the_organization_counts_them(house):
    give(house)
    with time_machine.travel(datetime(2026, 1, 1, 3, tzinfo=UTC), tick=False):  # in Chicago it is December still
        text = house.client(ALICE).get("/console/gifts?q=status:needs+on:2025-11").get_data(as_text=True)
    links = dict(reversed(one) for one in re.findall(r'<a href="([^"]+)"(?: aria-current="true")?>([^<]+)</a>', text))
    assert links["Yesterday"] == "/console/gifts?q=status:needs+on:yesterday"
    assert links["This month"] == "/console/gifts?q=status:needs+on:2025-12"
    assert links["Last month"] == "/console/gifts?q=status:needs+on:2025-11"
    assert links["Any day"] == "/console/gifts?q=status:needs"
    assert 'on:2025-11" aria-current="true">Last month' in text
