"""Today, Needs attention, a gift, Sources and Settings: what they say, to whom, and with how many questions."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, text, update

from relay.access import operator
from relay.gifts import Address, Designation, Donor, Flag, Name
from relay.ledger.models import entries
from relay.money import Money
from relay.outbound import pausing
from relay.reports.causes import cause_of
from relay.reports.overview import place_of
from relay.status import Kind, Status, Verdict
from relay.web.console.speech import some
from tests.builders import make_back, make_gift, make_organization, make_refund
from tests.support.console import House, token

CHICAGO = ZoneInfo("America/Chicago")
PAGES = ("/console/", "/console/attention", "/console/gifts", "/console/sources", "/console/settings")


@pytest.fixture
def house(sqlite_url):
    return House(sqlite_url, make_organization("alder", time_zone=CHICAGO, title="Alder House"),
                 make_organization("birch", title="Birch Trust"))  # fmt: skip


def give(house, amount="25.00", key="ch_1", last="Stone", email="mary@example.org", organization="alder", **more):
    donor = Donor(name=Name(first="Mary", last=last), email=email, address=Address(city="Bay", zip="10001"))
    return house.take(make_gift(amount, keys=(key,), donor=donor, **more), organization=organization).id


def page(house, path="/console/", name="finance", status=200):
    answer = house.client(name).get(path)
    assert answer.status_code == status, answer.get_data(as_text=True)
    said = re.sub(r"<(script|style|title).*?</\1>", " ", answer.get_data(as_text=True), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", said).replace("&#39;", "'").split())


# --- Today ------------------------------------------------------------------------------------------------------------


def test_an_empty_house_says_so(house):
    assert "No gift has come in yet." in page(house)


def test_a_gift_is_searched_for_from_today_within_the_organization_in_view(house):
    text = house.client("root").get("/console/?in=birch").get_data(as_text=True)
    form = text.partition('role="search"')[2].partition("</form>")[0]
    assert 'action="/console/gifts"' in form
    assert '<input type="hidden" name="in" value="birch">' in form


def test_everything_all_right_is_one_sentence(house):
    give(house)
    assert "Everything is all right: nothing needs a person, 1 on the way to Luminate." in page(house)
    house.post()
    assert "Everything is all right: every gift that came in is in Luminate" in page(house)


def test_the_balance_is_told_to_the_cent_and_gifts_apart_from_refunds(house):
    give(house, "1000.00", "ch_1")
    house.post()
    give(house, "34.10", "ch_2", email="")
    give(house, "200.00", "ch_3")
    house.take(make_refund("100.00", keys=("re_1",), parents=("ch_1",)))
    said = page(house)
    assert "1 gift of $34.10 needs a person." in said
    balance = r"Received \$1,234\.10 3 gifts = In Luminate \$1,000\.00 1 gift \+ On its way \$200\.00 1 gift \+ Needs a"
    assert re.search(balance, said), said
    assert re.search(r"Refunds and chargebacks \$100\.00 \$0\.00 \$100\.00 \$0\.00 \$0\.00", said), said


def test_every_state_has_one_place_in_the_balance():
    places = {status: place_of(status) for status in Status}
    assert set(places.values()) == {"posted", "on_its_way", "needs_a_person", "closed"}
    assert [status for status, place in places.items() if place == "closed"] == [Status.CLOSED]


def test_refunds_and_currencies_are_told_apart(house):
    give(house, Money(500, "JPY"), "ch_1")
    give(house, "5.00", "ch_2")
    said = page(house)
    assert "Gifts in USD" in said
    assert "Gifts in JPY" in said
    assert said.index("Gifts in USD") < said.index("Gifts in JPY")
    assert "\N{YEN SIGN}500" in said


def test_money_that_came_back_has_a_row_of_its_own(house):
    give(house, "100.00")
    house.post()
    house.take(make_refund("40.00"))
    house.post()
    house.take(make_back("re_1", "40.00"))
    assert "Refunds that came back" in page(house)


def test_the_backlog_says_when_it_clears_or_that_nobody_knows(house):
    give(house, key="ch_1")
    give(house, key="ch_2")
    assert "2 wait in line. When the line clears is not known yet: nothing was posted in the last day." in page(house)
    house.post()
    with house.database.write() as tx:  # both in one minute
        tx.execute(update(entries).values(posted_at=datetime.now(UTC).replace(second=0) - timedelta(minutes=2)))
    for number in range(3, 9):
        give(house, key=f"ch_{number}")
    assert "6 wait in line, and clear in about 3 minutes at the pace of the last hour." in page(house)
    house.later(hours=3)
    assert "clear in about 3 minutes at the pace of the last day." in page(house)
    house.later(days=3)
    assert "is not known yet" in page(house)


def test_a_pause_is_the_first_thing_told_with_its_cause(house):
    give(house)
    pausing.pause(house.database, "alder", actor=operator("ops"), reason="The year ends.")
    said = page(house)
    assert "Posting for Alder House is paused." in said
    assert "by ops: The year ends." in said
    assert "A person must end this pause." in said
    assert "1 waits in line, and posting is paused" in said


def test_what_could_not_reach_luminate_is_told_with_its_next_time(house):
    give(house)
    house.luminate.script = ["not_sent"]
    house.post(times=1)
    assert "1 that could not reach Luminate is tried again, the last at" in page(house)


def test_the_oldest_that_waits_is_linked(house):
    give(house, email="", key="ch_1")
    give(house, email="", key="ch_2")
    with house.database.write() as tx:
        old = datetime.now(UTC) - timedelta(days=9, hours=1)
        tx.execute(update(entries).where(entries.c.id == 2).values(received_at=old))
    shown = house.client("finance").get("/console/").get_data(as_text=True)
    assert '<a href="/console/gifts/2">9 days</a>' in shown


def test_a_gift_stands_on_its_organization_s_day_in_the_chart(house):
    give(house, "70.00")
    house.post()
    evening = datetime.now(CHICAGO).replace(hour=23, minute=30) - timedelta(days=2)
    with house.database.write() as tx:
        tx.execute(update(entries).values(received_at=evening, posted_at=evening + timedelta(hours=2)))
    chart = house.relay.overview.today(operator("ops"), "alder").chart
    days = {one.day: (one.received, one.posted) for one in chart.days if one.received or one.posted}
    assert days == {evening.date(): (7000, 0), evening.date() + timedelta(days=1): (0, 7000)}
    assert len(chart.days) == 30
    assert chart.days[-1].day == datetime.now(CHICAGO).date()


def test_the_chart_is_a_table_too_and_carries_no_style(house):
    give(house)
    shown = house.client("finance").get("/console/").get_data(as_text=True)
    assert 'role="img" aria-labelledby="chart-title chart-says"' in shown
    assert "<summary>The numbers</summary>" in shown
    assert "style=" not in shown


# --- Needs attention --------------------------------------------------------------------------------------------------


def test_causes_name_the_concrete_thing(house):
    give(house, "10.00", "ch_1", designations=(Designation(fund="WATER-24"),))
    give(house, "15.00", "ch_2", designations=(Designation(fund="WATER-24"),))
    give(house, "9.00", "ch_3", email="")
    give(house, "7.00", "ch_4")
    house.luminate.script = ["lost"]
    house.post()
    said = page(house, "/console/attention")
    assert "Fund 'WATER-24' is not mapped to a designee 2 gifts of $25.00" in said
    assert "The donor has no e-mail address 1 gift of $9.00" in said
    assert "We don't know whether Luminate kept this gift 1 gift of $7.00" in said
    assert "flask" not in said


REFUSED = "Luminate refused it. Luminate says: "
PROBLEM = "Error: There was a problem encountered while processing your donation. "
BELOW = "There was a problem processing your request.  Please see below. "


@pytest.mark.parametrize(
    ("status", "reason", "told", "sentence", "luminate"),
    [
        ("rejected", "luminate_refused", f"{REFUSED}Form 1 has no level 2.", "Form 1 has no level 2", True),
        ("rejected", "luminate_refused", f"{REFUSED}{PROBLEM}City is required.", "City is required", True),
        ("rejected", "luminate_refused", f"{REFUSED}{PROBLEM}{BELOW}City is required.", "City is required", True),
        ("rejected", "luminate_refused", f"{REFUSED}{PROBLEM.strip()}", PROBLEM.strip(" ."), True),
        ("held", "field_missing", "The zip is missing (billing.address.zip).", "The zip is missing", False),
        ("unknown", "read_timeout", "No answer.", "We don't know whether Luminate kept this gift", False),
        ("held", "reopened", "Ada was wrong.", "Reopened by a person, and not sent yet", False),
        ("held", "", "", "No reason is written down", False),
    ],
)
def test_a_cause_is_a_sentence_a_person_would_say(status, reason, told, sentence, luminate):
    cause = cause_of(Status(status), reason, told)
    assert (cause.sentence, cause.luminate) == (sentence, luminate)


def test_a_line_of_the_list_begins_where_luminate_says_something(house):
    number = give(house)
    long = f"{REFUSED}{PROBLEM}{BELOW}" + "Billing city is required. " * 9
    with house.database.write() as tx:
        tx.execute(update(entries).values(status="rejected", reason="luminate_refused", reason_text=long))
    said = page(house, "/console/gifts")
    assert "Luminate says: Billing city is required." in said
    assert "There was a problem" not in said
    assert PROBLEM.strip() in page(house, f"/console/gifts/{number}")


def test_every_entry_that_waits_is_in_exactly_one_group(house):
    for number in range(12):
        give(house, f"{number + 1}.00", f"ch_{number}", email="" if number % 3 else "m@example.org",
             designations=(Designation(fund=f"F{number % 2}"),) if number % 4 == 0 else ())  # fmt: skip
    house.luminate.script = ["rejected", "lost"]
    house.post()
    actor = operator("ops")
    groups = house.relay.overview.attention(actor).groups
    assert sum(group.count for group in groups) == house.relay.overview.today(actor).waiting
    minor = sum(amount.minor for group in groups for amount in group.amounts)
    assert minor == sum(sheet.needs_a_person for sheet in house.relay.overview.today(actor).sheets)
    for group in groups:
        lines = house.relay.searching.find(actor, f"cause:{group.cause.key}").lines
        assert len(lines) == group.count


def test_what_is_posted_and_marked_and_what_was_not_understood_is_told_too(house):
    give(house)
    house.luminate.script = ["other_amount"]
    house.post()
    with house.database.write() as tx:
        tx.execute(update(entries).values(late="year"))
        tx.execute(text("UPDATE events SET verdict = :verdict"), {"verdict": Verdict.NOT_UNDERSTOOD})
    said = page(house, "/console/attention")
    assert "Luminate recorded another amount than the donor paid" in said
    assert "another fiscal year than the donor paid in" in said
    assert "1 event of acme is genuine, and relay does not understand" in said
    assert "1 event is not booked yet." in page(house)


def test_a_note_and_an_owner_are_kept_and_audited(house):
    give(house, email="")
    (group,) = house.relay.overview.attention(operator("ops")).groups
    path = f"/console/attention/alder/{group.cause.key}"
    client = house.client("finance")
    answer = client.post(path, data={"note": "Asked the provider.", "owner": "Ada"} | token(client, path))
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    said = page(house, "/console/attention", "viewer")
    assert "Ada sees to it. Asked the provider." in said
    assert "finance@example.org" in said
    (line,) = house.lines("note")
    assert line.details["after"] == {"note": "Asked the provider.", "owner": "Ada"}
    assert (line.organization, line.who) == ("alder", "finance@example.org")


def test_only_who_may_act_writes_notes(house):
    give(house, email="")
    (group,) = house.relay.overview.attention(operator("ops")).groups
    path = f"/console/attention/alder/{group.cause.key}"
    for name, status in (("viewer", 403), ("outsider", 404)):
        client = house.client(name)
        found = client.post(path, data={"note": "x", "owner": "y"} | token(client, "/console/account"))
        assert found.status_code == status, name
    assert house.lines("note") == []
    assert "Write down" not in page(house, path, "viewer")


# --- a gift -----------------------------------------------------------------------------------------------------------


def test_a_gift_tells_its_story_and_is_written_down_as_seen(house):
    number = give(house, "250.00", occurred_at=datetime(2025, 12, 30, 18, tzinfo=UTC))
    house.luminate.script = ["rejected"]
    house.post()
    said = page(house, f"/console/gifts/{number}")
    assert "Gift of $250.00 by Mary Stone" in said
    assert "Paid 30 December 2025 through acme. Refused by Luminate." in said
    assert "Luminate says: Last name is missing." in said
    assert "It asked for no e-mail to the donor." in said
    assert "A replay will send one addOfflineDonation of $250.00 to form 1; it will not e-mail the donor" in said
    assert "the donor paid on 30 December 2025" in said
    assert "flask" not in said
    assert [(line.who, line.subject) for line in house.lines("see")] == [("finance@example.org", f"entry {number}")]


def test_what_waits_in_line_says_what_the_call_will_be(house):
    number = give(house)
    assert "relay will send one addOfflineDonation of $25.00 to form 1; it will not e-mail the donor." in page(
        house, f"/console/gifts/{number}"
    )
    assert "Look again in a moment" in page(house, f"/console/gifts/{number}")
    house.post()
    assert "Look again" not in page(house, f"/console/gifts/{number}")


def test_what_would_be_held_again_says_so(house):
    number = give(house, email="")
    assert "A replay would not help yet: it would be held again: The donor has no e-mail address." in page(
        house, f"/console/gifts/{number}"
    )


def test_a_posted_gift_promises_nothing_more(house):
    number = give(house)
    house.post()
    said = page(house, f"/console/gifts/{number}")
    assert "will send" not in said
    assert "Confirmation code C1" in said


def test_a_gift_and_its_refund_lead_to_each_other(house):
    give(house)
    house.post()
    house.take(make_refund("5.00"))
    house.take(Flag(text="A dispute was opened.", parent_keys=("ch_1",)))
    shown = house.client("finance").get("/console/gifts/1").get_data(as_text=True)
    assert '<a href="/console/gifts/2">Number 2</a>' in shown
    assert "A dispute was opened." in shown
    assert '<a href="/console/gifts/1">Number 1</a>' in house.client("finance").get("/console/gifts/2").get_data(
        as_text=True
    )


def test_the_whole_event_is_for_those_who_may_act_and_no_browser_runs_it(house):
    give(house, last="<script>alert(1)</script>")
    body = house.client("finance").get("/console/gifts/1/events/1")
    assert body.status_code == 200
    assert body.mimetype == "text/plain"
    assert body.headers["X-Content-Type-Options"] == "nosniff"
    assert [line.subject for line in house.lines("see_event")] == ["event 1"]
    assert house.client("viewer").get("/console/gifts/1/events/1").status_code == 403
    assert house.client("outsider").get("/console/gifts/1/events/1").status_code == 404
    assert house.client("finance").get("/console/gifts/1/events/2").status_code == 404
    assert "<script>alert" not in house.client("finance").get("/console/gifts/1").get_data(as_text=True)


# --- Sources and Settings ---------------------------------------------------------------------------------------------


def test_sources_tell_what_came_and_where_to_send_it(house):
    give(house)
    house.relay.intake.refusals.count("alder", "stripe", "bad_signature", datetime.now(UTC))
    house.relay.intake.refusals.write()
    said = page(house, "/console/sources")
    assert "1 booked as gifts or refunds" in said
    assert "http://localhost/webhooks/alder/acme" in said
    assert "None has come yet" in said
    assert "its signature is wrong" in said
    assert "docs/providers/stripe.md" in said
    assert "birch" not in said


def test_settings_speak_words_and_no_secret(house):
    said = page(house, "/console/settings")
    assert "Real gifts only; test events are refused" in said
    assert "America/Chicago" in said
    assert "Fiscal year begins in January" in said
    settings = house.settings.organizations["alder"]
    site = settings.luminate
    secrets = {site.api_key, site.login_password, *settings.providers["stripe"].secrets}
    assert not secrets & set(re.findall(r"\w+", said))


# --- who sees what ----------------------------------------------------------------------------------------------------


def test_an_outsider_sees_nothing_of_another_organization(house):
    give(house, "123.45", "ch_1", last="Secretname", email="")
    give(house, "77.00", "b_1", organization="birch")
    for path in PAGES:
        said = page(house, path, "outsider")
        assert not re.search("alder|secretname|123.45|1 gift of", said.lower()), path
    for path in ("/console/gifts/1", "/console/gifts/999", "/console/attention/alder/unknown", "/console/?in=alder"):
        assert house.client("outsider").get(path).status_code == 404
    hidden, missing = (page(house, f"/console/gifts/{number}", "outsider", 404) for number in (1, 999))
    assert hidden == missing
    assert house.lines("see") == []


def test_who_sees_both_sees_them_apart_and_can_choose_one(house):
    give(house, "25.00", "ch_1")
    give(house, "77.00", "b_1", organization="birch")
    said = page(house, "/console/", "root")
    assert "Gifts of Alder House" in said
    assert "Gifts of Birch Trust" in said
    assert "77.00" not in page(house, "/console/?in=alder", "root")


# --- how many questions -----------------------------------------------------------------------------------------------


def questions(house, path):
    client, asked = house.client("finance"), []
    client.get(path)

    def count(_connection, _cursor, statement, *_):
        asked.append(statement)

    event.listen(house.database.engine, "before_cursor_execute", count)
    try:
        assert client.get(path).status_code == 200
    finally:
        event.remove(house.database.engine, "before_cursor_execute", count)
    return len([one for one in asked if one.lstrip().upper().startswith(("SELECT", "WITH", "INSERT"))])


@pytest.mark.parametrize("path", [*PAGES, "/console/gifts?q=mary", "/console/gifts/1", "/console/attention/alder/KEY"])
def test_a_page_asks_as_often_for_fifty_gifts_as_for_five(house, path):
    for number in range(5):
        give(house, f"{number + 1}.00", f"ch_{number}", email="")
    path = path.replace("KEY", house.relay.overview.attention(operator("ops")).groups[0].cause.key)
    few = questions(house, path)
    for number in range(5, 50):
        give(house, f"{number + 1}.00", f"ch_{number}", email="" if number % 2 else "m@example.org")
    assert questions(house, path) == few


def test_an_organization_that_is_configured_no_more_is_out_of_reach(house):
    give(house)
    gone = {"birch": house.settings.organizations["birch"]}
    house.relay.settings = replace(house.relay.settings, organizations=gone)
    house.relay.overview.organizations = house.relay.searching.organizations = gone
    assert "25.00" not in page(house, "/console/", "root")
    assert house.client("root").get("/console/gifts/1").status_code == 404


def test_kinds_are_counted_in_words():
    assert some({Kind.GIFT: 1}) == "1 gift"
    assert some({Kind.GIFT: 2, Kind.REFUND: 1}) == "2 gifts and 1 refund"
    assert some({}) == "nothing"
