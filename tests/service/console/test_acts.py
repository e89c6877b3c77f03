"""Correct, replay, resolve, agree, enter by hand: each screen from the click to the ledger."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from relay.errors import MaybeSent
from relay.ledger import entries
from relay.ledger.models import attempts
from relay.luminate.parameters import PARAMETERS
from relay.luminate.rules import is_locked
from relay.luminate.seen import Seen
from relay.status import Outcome, Status
from relay.web.console import fields
from tests.builders import make_gift, make_organization, make_refund
from tests.support.console import House, token

ZIP_REFUSED = "Luminate refused it. Billing zip or postal code is required."


@pytest.fixture
def house(sqlite_url):
    """Where corrections above 1,000 need a second person."""
    organizations = (make_organization("alder", second_person_above=1000), make_organization("birch"))
    house = House(sqlite_url, *organizations)
    house.seen = []
    house.relay.looking.read = lambda _organization, _entry: house.seen
    return house


def refused(house, number=1, **more):
    """A gift that Luminate refused because of a ZIP code."""
    house.luminate.script = ["rejected"]
    entry = house.take(make_gift(keys=(f"pi_{number}",), **more))
    house.post(times=1)
    with house.database.write() as tx:
        entries.change(tx, house.entry(entry.id), house.database.now(tx), reason_text=ZIP_REFUSED)
    return house.entry(entry.id)


def unknown(house):
    house.luminate.script = ["recorded"]
    entry = house.take(make_gift())
    house.post(times=1)
    return entry


def post(client, path, **data):
    return client.post(path, data=token(client, "/console/account") | data)


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


# --- correct ------------------------------------------------------------------------------------------------------


def test_every_open_field_stands_in_one_group_and_no_locked_one():
    parameters = {name for name in PARAMETERS if not is_locked(name)} - {"validate"}
    assert sorted(fields.NAMES) == sorted(parameters | {"fund"})


@pytest.mark.parametrize(
    ("said", "marked"),
    [
        ("Billing zip or postal code is required.", {"donor.address.zip", "billing.address.zip"}),
        ("An email address is required.", {"donor.email"}),
        ("Billing first name is required.", {"billing.name.first"}),
        ("Last name is missing.", {"donor.name.last", "billing.name.last"}),
        ("The donor has no e-mail address.", {"donor.email"}),
        ("The form id is not a whole number (form_id).", {"form_id"}),
        ("Luminate is closed on Sundays.", set()),
    ],
)
def test_what_luminate_complains_about_is_marked(house, said, marked):
    refused(house)
    with house.database.write() as tx:
        entries.change(tx, house.entry(1), house.database.now(tx), reason_text=said)
    assert set(fields.complained(house.entry(1))) == marked


def test_what_is_marked_stands_first_and_money_is_no_field(house):
    refused(house)
    text = page(house.client("finance"), "/console/gifts/1/correct")
    assert text.index('name="donor.address.zip"') < text.index('name="donor.name.first"')
    assert 'name="other_amount"' not in text
    assert "$25.00" in text


def test_a_zip_is_mended_and_sent(house):
    refused(house)
    client = house.client("finance")
    answer = post(client, "/console/gifts/1/correct", **{"donor.address.zip": " 97201 ", "reason": "she wrote"})
    assert (answer.status_code, answer.location) == (303, "/console/gifts/1")
    house.post()
    assert house.luminate.sent("add")[-1]["donor.address.zip"] == "97201"
    assert [line.who for line in house.lines("correct")] == ["finance@example.org"]
    assert house.bell.rings[-1] == "alder"


def test_a_wrong_value_is_told_beside_its_field_and_what_was_typed_stays(house):
    refused(house)
    client = house.client("finance")
    answer = post(client, "/console/gifts/1/correct", **{"donor.email": "nonsense", "reason": "because I know"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert "e-mail address is not valid." in text
    assert 'value="nonsense"' in text
    assert 'value="because I know"' in text
    assert house.entry(1).status is Status.REJECTED


def test_what_came_with_the_gift_is_not_sent_empty(house):
    refused(house)
    answer = post(house.client("finance"), "/console/gifts/1/correct", **{"donor.name.last": "", "reason": "x"})
    assert "cannot be sent empty" in answer.get_data(as_text=True)


def test_the_preview_is_a_part_for_htmx_and_a_page_without_it(house):
    refused(house)
    client = house.client("finance")
    data = token(client, "/console/account") | {"donor.address.zip": "97201"}
    part = client.post("/console/gifts/1/correct/preview", data=data, headers={"HX-Request": "true"})
    assert part.get_data(as_text=True).startswith('<div id="preview"')
    whole = client.post("/console/gifts/1/correct", data=data | {"preview": "1"}).get_data(as_text=True)
    for text in (part.get_data(as_text=True), whole):
        assert "97201" in text
        assert "will send one addOfflineDonation of $25.00 to form 1" in text
    assert house.entry(1).status is Status.REJECTED


def test_who_else_has_it_open_is_named_and_taken_over_knowingly(house):
    refused(house)
    page(house.client("second"), "/console/gifts/1/correct")
    client = house.client("finance")
    assert "second@example.org has been correcting this gift since" in page(client, "/console/gifts/1/correct")
    mine = {"donor.address.zip": "97201", "reason": "x"}
    answer = post(client, "/console/gifts/1/correct", **mine)
    assert answer.status_code == 409
    assert "Entry 1 is being corrected by second@example.org" in answer.get_data(as_text=True)
    assert 'value="97201"' in answer.get_data(as_text=True)
    assert post(client, "/console/gifts/1/correct", **mine, take_over="yes").status_code == 303


def test_what_was_typed_before_another_s_change_is_shown_and_not_saved(house):
    refused(house)
    client, second = house.client("finance"), house.client("second")
    as_of = house.entry(1).changed_at.isoformat()
    post(second, "/console/gifts/1/correct", **{"donor.address.zip": "97201", "reason": "x"})
    old = {"donor.address.zip": "10001", "donor.phone": "555", "reason": "x", "as_of": as_of}
    answer = post(client, "/console/gifts/1/correct", **old)
    assert answer.status_code == 409
    assert "has changed since you opened it" in answer.get_data(as_text=True)
    assert house.entry(1).parameters["donor.address.zip"] == "97201"


def test_leaving_gives_it_back(house):
    refused(house)
    client = house.client("second")
    page(client, "/console/gifts/1/correct")
    post(client, "/console/gifts/1/correct/leave")
    assert "has been correcting" not in page(house.client("finance"), "/console/gifts/1/correct")


def test_a_large_gift_needs_a_second_person(house):
    refused(house, amount=make_gift("5000.00").amount)
    client, second = house.client("finance"), house.client("second")
    assert "Propose it" in page(client, "/console/gifts/1/correct")
    post(client, "/console/gifts/1/correct", **{"donor.address.zip": "97201", "reason": "she wrote"})
    assert "waits for a second person" in page(client, "/console/gifts/1")
    assert "somebody else must agree" in page(client, "/console/proposals")
    post(client, "/console/proposals/1/agree")
    assert house.entry(1).status is Status.REJECTED
    assert "97201" in page(second, "/console/proposals")
    post(second, "/console/proposals/1/agree")
    assert house.entry(1).status is Status.QUEUED
    assert "agreed by second@example.org" in page(client, "/console/proposals")


# --- replay -------------------------------------------------------------------------------------------------------


def test_a_search_becomes_a_plan_is_started_carried_out_and_told(house):
    for number in (1, 2, 3):
        refused(house, number)
    house.luminate.script = []
    house.take(make_gift(keys=("pi_4",)))
    house.post()
    client = house.client("finance")
    drawn = post(client, "/console/replays", q=["acme", "provider:acme"][1])
    assert drawn.location == "/console/replays/1"
    text = page(client, "/console/replays/1")
    assert "Send 3 gifts again" in text
    assert "<strong>$75.00</strong> in 3 gifts" in text
    assert "it is in Luminate already" in text
    assert house.entry(1).status is Status.REJECTED
    assert post(client, "/console/replays/1/start", reason="").location == "/console/replays/1"
    assert "Say who asks for it and why" in page(client, "/console/replays/1")
    post(client, "/console/replays/1/start", reason="the form is mended")
    assert 'hx-get="/console/replays/1/progress"' in page(client, "/console/replays/1")
    assert "HX-Refresh" not in client.get("/console/replays/1/progress").headers
    while house.relay.plans.advance("alder"):
        pass
    # Every gift had its turn and none is in Luminate yet: the page goes on asking.
    assert 'hx-get="/console/replays/1/progress"' in page(client, "/console/replays/1/progress")
    assert "HX-Refresh" not in client.get("/console/replays/1/progress").headers
    house.post()
    text = page(client, "/console/replays/1/progress")
    assert "3 of 3 had their turn" in text
    assert "hx-get" not in text
    # The list below was drawn before its gifts had their turn: the page is loaded anew.
    assert client.get("/console/replays/1/progress").headers["HX-Refresh"] == "true"
    rows = list(csv.DictReader(io.StringIO(page(client, "/console/replays/1/result.csv"))))
    assert [(row["number"], row["what was done"], row["status now"]) for row in rows][:2] == [
        ("1", "in line again", "posted"),
        ("2", "in line again", "posted"),
    ]
    assert len(house.luminate.gifts) == 4


def test_the_page_of_replays_says_where_a_replay_begins_to_those_who_may(house):
    text = page(house.client("finance"), "/console/replays")
    assert 'href="/console/gifts?q=status:held,rejected+on:yesterday"' in text
    assert "that failed" not in page(house.client("viewer"), "/console/replays")


def test_a_replay_whose_gift_is_refused_again_says_why_and_where_to_go(house):
    refused(house)
    client = house.client("finance")
    post(client, "/console/replays", ids="1")
    post(client, "/console/replays/1/start", reason="once more")
    while house.relay.plans.advance("alder"):
        pass
    assert "Some did not get there" not in page(client, "/console/replays/1")
    house.luminate.script = ["rejected"]
    house.post(times=1)
    text = page(client, "/console/replays/1")
    assert "Some did not get there" in text
    assert "<small>Luminate says: Last name is missing." in text


def test_ticked_gifts_become_a_plan_and_a_cell_is_no_formula(house):
    for number in (1, 2, 3):
        refused(house, number)
    with house.database.write() as tx:
        tx.exec_driver_sql("UPDATE entries SET donor_name = '=1+1' WHERE id = 1")
    client = house.client("finance")
    assert post(client, "/console/replays", ids=["1", "3"]).location == "/console/replays/1"
    rows = list(csv.DictReader(io.StringIO(page(client, "/console/replays/1/result.csv"))))
    assert [(row["number"], row["donor"]) for row in rows] == [("1", "'=1+1"), ("3", "Mary Stone")]


def test_pause_resume_cancel_from_the_page(house):
    refused(house)
    client = house.client("finance")
    post(client, "/console/replays", ids="1")
    post(client, "/console/replays/1/start", reason="x")
    post(client, "/console/replays/1/pause")
    assert not house.relay.plans.advance("alder")
    assert "Go on" in page(client, "/console/replays/1")
    post(client, "/console/replays/1/resume")
    post(client, "/console/replays/1/cancel")
    assert not house.relay.plans.advance("alder")
    assert house.entry(1).status is Status.REJECTED
    assert "not touched: cancelled" in page(client, "/console/replays/1")
    assert [line.action for line in house.lines() if "replay" in line.action] == [
        "draw_replay", "start_replay", "pause_replay", "resume_replay", "cancel_replay",
    ]  # fmt: skip


@pytest.mark.parametrize("data", [{}, {"q": ""}, {"q": "colour:blue"}, {"ids": "999"}])
def test_nothing_everything_and_nonsense_are_no_plan(house, data):
    refused(house)
    client = house.client("finance")
    answer = post(client, "/console/replays", back="/console/gifts?q=x", **data)
    assert answer.location == "/console/gifts?q=x"
    assert house.relay.plans.listing(None) == []


def test_a_plan_of_another_organization_does_not_exist(house):
    refused(house)
    post(house.client("finance"), "/console/replays", ids="1")
    outsider = house.client("outsider")
    for path in ("/console/replays/1", "/console/replays/1/progress", "/console/replays/1/result.csv"):
        assert outsider.get(path).status_code == 404
        assert outsider.get(path.replace("/1", "/2")).data == outsider.get(path).data
    assert "#1" not in page(outsider, "/console/replays")
    assert post(outsider, "/console/replays", ids="1").location == "/console/replays"


# --- unknown, by hand, endings ------------------------------------------------------------------------------------


def shown(house, code="C1", amount="25.00"):
    house.seen.append(Seen(kind="DONATION", confirmation_code=code, amount=Decimal(amount), at=None, tender="cash"))


def test_an_unknown_gift_is_looked_up_and_found(house):
    unknown(house)
    shown(house)
    shown(house, "C7", "20.00")
    client = house.client("finance")
    assert "Mary Stone" in page(client, "/console/unknown")
    text = post(client, "/console/unknown/1/look").get_data(as_text=True)
    assert text.index("C1") < text.index("C7")
    assert "<mark>20.00</mark>" in text
    post(client, "/console/gifts/1/found", code="C1", reason="seen there")
    assert (house.entry(1).status, house.entry(1).confirmation_code) == (Status.POSTED, "C1")
    house.post()
    assert len(house.luminate.calls) == 1


def test_an_unknown_gift_that_is_not_there_is_sent_once_after_a_second_word(house):
    house.luminate.script = ["lost"]
    house.take(make_gift())
    house.post(times=1)
    client = house.client("finance")
    assert "has it twice" in page(client, "/console/unknown/1")
    post(client, "/console/gifts/1/absent", reason="looked", sure="yes", attempt="1")
    assert house.entry(1).status is Status.UNKNOWN
    assert "may still appear there until" in page(client, "/console/unknown/1")
    house.database.ahead += timedelta(hours=1)
    assert "may still appear" not in page(client, "/console/unknown/1")
    post(client, "/console/gifts/1/absent", reason="looked", attempt="1")
    assert house.entry(1).status is Status.UNKNOWN
    post(client, "/console/gifts/1/absent", reason="looked", sure="yes", attempt="1")
    house.post()
    assert (house.entry(1).status, len(house.luminate.gifts)) == (Status.POSTED, 1)


def test_what_luminate_is_known_to_have_is_not_sent_again_and_the_page_says_why(house):
    house.luminate.script = ["lost"]
    house.take(make_gift())
    house.post(times=1)
    with house.database.write() as tx:
        tx.execute(update(attempts).values(outcome=Outcome.POSTED))
    client = house.client("finance")
    post(client, "/console/gifts/1/absent", reason="looked", sure="yes", attempt="1")
    assert "Not sent. Luminate answered an earlier call" in page(client, "/console/gifts/1")
    assert house.entry(1).status is Status.HELD


def test_a_page_opened_before_it_was_sent_again_proves_nothing(house):
    house.luminate.script = ["lost", "lost"]
    house.take(make_gift())
    house.post(times=1)
    client = house.client("finance")
    house.database.ahead += timedelta(hours=1)
    assert '<input type="hidden" name="attempt" value="1">' in page(client, "/console/unknown/1")
    said = {"reason": "looked", "sure": "yes", "attempt": "1"}
    post(client, "/console/gifts/1/absent", **said)
    house.post(times=1)
    post(client, "/console/gifts/1/absent", **said)
    assert "look once more" in page(client, "/console/unknown/1")
    assert (house.entry(1).status, house.entry(1).fence) == (Status.UNKNOWN, 2)


def test_a_look_that_fails_is_told_in_words(house):
    unknown(house)

    def fails(*_):
        raise MaybeSent("read_timeout: No answer.")

    house.relay.looking.read = fails
    text = post(house.client("finance"), "/console/unknown/1/look").get_data(as_text=True)
    assert "could not be asked: Luminate did not answer the look-up." in text


def test_a_code_of_another_gift_is_shown_as_such_and_refused(house):
    house.take(make_gift(keys=("pi_2",)))
    house.post()
    house.luminate.script = ["recorded"]
    house.take(make_gift(keys=("pi_3",)))
    house.post(times=1)
    shown(house, "C1")
    client = house.client("finance")
    assert "belongs to #1" in post(client, "/console/unknown/2/look").get_data(as_text=True)
    answer = post(client, "/console/gifts/2/found", typed="C1", reason="x")
    assert answer.location == "/console/unknown/2"
    assert "The code belongs to entry 1." in page(client, "/console/unknown/2")


def test_deciding_later_keeps_the_note(house):
    unknown(house)
    client = house.client("finance")
    post(client, "/console/gifts/1/note", reason="I asked the bank")
    assert "I asked the bank" in page(client, "/console/gifts/1")
    assert house.entry(1).status is Status.UNKNOWN


def test_what_is_not_unknown_any_more_leads_to_its_story(house):
    refused(house)
    assert house.client("finance").get("/console/unknown/1").location == "/console/gifts/1"


def test_a_gift_entered_by_hand_is_checked_or_insisted_on(house):
    refused(house)
    client = house.client("finance")
    data = {"code": "R-7", "reason": "typed in"}
    answer = post(client, "/console/gifts/1/by-hand", **data)
    assert answer.status_code == 409
    assert "I have seen this gift of $25.00 under this code" in answer.get_data(as_text=True)
    shown(house, "R-7", "20.00")
    assert "Luminate shows 20.00" in post(client, "/console/gifts/1/by-hand", **data, seen="yes").get_data(as_text=True)
    house.seen.clear()
    shown(house, "R-7")
    assert post(client, "/console/gifts/1/by-hand", **data).location == "/console/gifts/1"
    assert "Checked: Luminate shows $25.00" in page(client, "/console/gifts/1")


def test_a_refund_goes_by_the_code_that_somebody_tells(house):
    house.take(make_refund("5.00"))
    client = house.client("finance")
    assert 'href="/console/gifts/1/gift-code"' in page(client, "/console/gifts/1")
    assert "Check and refund" in page(client, "/console/gifts/1/gift-code")
    data = {"code": "OLD-1", "reason": "of the year before relay"}
    answer = post(client, "/console/gifts/1/gift-code", **data)
    assert answer.status_code == 409
    assert "I have seen this donor's gift" in answer.get_data(as_text=True)
    answer = post(client, "/console/gifts/1/gift-code", **data, seen="yes", worth="4.00")
    assert "is more than what is left of its gift" in answer.get_data(as_text=True)
    assert 'value="4.00"' in answer.get_data(as_text=True)
    assert post(client, "/console/gifts/1/gift-code", **data, seen="yes", worth="25.00").location == "/console/gifts/1"
    assert house.bell.rings[-1] == "alder"
    house.post()
    assert house.luminate.sent("refund")[0]["refund_user_confirm_code"] == "OLD-1"
    assert [line.who for line in house.lines("gift_code")] == ["finance@example.org"]
    assert "gift-code" not in page(client, "/console/gifts/1")


def test_nobody_gets_round_role_organization_or_token_with_a_code(house):
    house.take(make_refund("5.00"))
    data = {"code": "OLD-1", "reason": "x", "seen": "yes", "worth": "25.00"}
    for name, status in (("viewer", 403), ("outsider", 404)):
        client = house.client(name)
        assert client.get("/console/gifts/1/gift-code").status_code == status
        assert post(client, "/console/gifts/1/gift-code", **data).status_code == status
    assert "gift-code" not in page(house.client("viewer"), "/console/gifts/1")
    assert b"open for too long" in house.client("finance").post("/console/gifts/1/gift-code", data=data).data
    assert house.entry(1).status is Status.WAITING


def test_close_and_reopen(house):
    refused(house)
    client = house.client("finance")
    assert "Close it, so that it is never sent" in page(client, "/console/gifts/1")
    post(client, "/console/gifts/1/close", reason="a test gift")
    assert house.entry(1).status is Status.CLOSED
    assert "Open it again" in page(client, "/console/gifts/1")
    post(client, "/console/gifts/1/reopen", reason="it was real")
    assert house.entry(1).status is Status.HELD


def test_a_viewer_is_offered_nothing(house):
    refused(house)
    viewer = house.client("viewer")
    assert "What you can do" not in page(viewer, "/console/gifts/1")
    assert viewer.get("/console/gifts/1/correct").status_code == 403
    assert viewer.get("/console/gifts/1/by-hand").status_code == 403
