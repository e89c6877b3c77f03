"""Journeys of whoever puts gifts right: correct and replay, resolve, many at once, two browsers at once."""

import re
import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from relay.ledger import entries
from relay.luminate.seen import Seen
from relay.status import Status
from tests.browser.conftest import PHONE
from tests.browser.test_screens import AXE, GRAVE, RUN
from tests.builders import DONOR, make_gift, make_organization, make_refund
from tests.support.console import House

SAID = "Luminate refused it. Billing zip or postal code is required."


@pytest.fixture
def house(sqlite_url):
    house = House(sqlite_url, make_organization("alder", second_person_above=1000), make_organization("birch"))
    house.seen = []
    house.relay.looking.read = lambda _organization, _entry: house.seen
    return house


def refuse(house, count=1, said=SAID):
    """Gifts that Luminate refused."""
    for number in range(count):
        donor = replace(DONOR, email=f"d{number}@example.org")
        house.take(make_gift(keys=(f"pi_{number}",), donor=donor))
    house.luminate.script = ["rejected"] * count
    with house.database.write() as tx:
        for number in range(1, count + 1):
            entry = entries.get(tx, number)
            entries.move(tx, entry, Status.HELD, house.database.now(tx), reason="reopened", reason_text=said)
    house.luminate.script = []


def unknown(house, word):
    house.luminate.script = [word]
    house.take(make_gift())
    house.post(times=1)


@pytest.fixture
def worker(house):
    """A worker beside the browser: carries out plans and posts, in small steps, until the test ends."""
    ended, hurry = threading.Event(), threading.Event()

    def work():
        while not ended.wait(0.02):
            house.relay.plans.advance("alder", seconds=5 if hurry.is_set() else 0.05)
            if hurry.is_set():
                house.post()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield hurry
    ended.set()
    thread.join()


def test_a_refund_of_a_gift_before_relay_goes_by_the_code_that_is_told(house, page):
    house.take(make_refund("5.00"))
    page.goto("/console/gifts/1")
    page.get_by_role("link", name="Tell the confirmation code of its gift").click()
    page.get_by_role("textbox", name="Confirmation code").fill("709-1201-1-5470-5579")
    page.get_by_label("Why").fill("in the books of last year")
    page.get_by_role("button", name="Check and refund").click()
    page.get_by_label("Amount of the gift").fill("25.00")
    page.get_by_label("I have seen this donor's gift").check()
    page.evaluate(AXE)
    assert [fault["id"] for fault in page.evaluate(RUN) if fault["impact"] in GRAVE] == []
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("button", name="Refund by it unchecked").click()
    expect(page).to_have_url(re.compile("/console/gifts/1$"))
    house.post()
    assert house.luminate.sent("refund")[0]["refund_user_confirm_code"] == "709-1201-1-5470-5579"


def test_a_missing_zip_is_mended_and_the_gift_is_sent(house, page):
    refuse(house)
    page.goto("/console/gifts/1")
    page.get_by_role("link", name="Correct it").click()
    page.get_by_label("Donor's e-mail address").fill("nonsense")
    expect(page.locator("#preview")).to_contain_text("cannot be saved like this")
    page.get_by_label("Why").fill("she wrote to us")
    page.get_by_role("button", name="Save and send").click()
    expect(page.get_by_text("The donor's e-mail address is not valid.", exact=True)).to_be_visible()
    page.get_by_label("Donor's e-mail address").fill("mary@example.org")
    page.get_by_label("Donor's zip or postal code").fill("97201")
    expect(page.locator("#preview")).to_contain_text("becomes 97201")
    page.get_by_role("button", name="Save and send").click()
    expect(page.get_by_text("she wrote to us")).to_be_visible()
    page.get_by_role("button", name="Send it again as it is").click()
    page.get_by_label("Why").fill("mended")
    page.get_by_role("button", name="Send 1 gift again").click()
    expect(page.get_by_text("Running")).to_be_visible()
    house.relay.plans.advance("alder")
    house.post()
    expect(page.get_by_text("1 of 1 had their turn")).to_be_visible()
    assert (house.entry(1).status, len(house.luminate.gifts)) == (Status.POSTED, 1)
    assert house.luminate.sent("add")[0]["donor.address.zip"] == "97201"


def test_an_unknown_gift_that_is_there(house, page):
    unknown(house, "recorded")
    house.seen.append(Seen(kind="DONATION", confirmation_code="C1", amount=Decimal("25.00"), at=None, tender="cash"))
    page.goto("/console/unknown")
    page.get_by_role("link", name="Mary Stone").click()
    page.get_by_role("button", name="Look in Luminate now").click()
    page.get_by_label("It is this one").check()
    page.locator("#found").get_by_label("Why").fill("I see it there")
    page.get_by_role("button", name="It is there", exact=True).click()
    expect(page.get_by_text("Kept as being in Luminate, under C1.")).to_be_visible()
    assert (house.entry(1).status, len(house.luminate.calls)) == (Status.POSTED, 1)


def test_an_unknown_gift_that_is_not_there(house, page):
    unknown(house, "lost")
    page.goto("/console/unknown/1")
    expect(page.locator("#absent").get_by_text("may still appear there until")).to_be_visible()
    house.database.ahead += timedelta(hours=1)
    page.reload()
    page.locator("#absent").get_by_label("Why").fill("not there")
    page.get_by_role("button", name="It is not there, send it").click()
    assert house.entry(1).status is Status.UNKNOWN  # the box was not ticked
    page.get_by_label("I have looked for this donor").check()
    page.get_by_role("button", name="It is not there, send it").click()
    expect(page.get_by_text("In line again; relay sends it once.")).to_be_visible()
    house.post()
    assert (house.entry(1).status, len(house.luminate.gifts)) == (Status.POSTED, 1)


def test_five_hundred_at_once_paused_and_cancelled_in_the_middle(house, page, worker):
    refuse(house, 500)
    page.goto("/console/gifts?q=status:held")
    draw(page)
    expect(page.get_by_text("500 gifts would be sent")).to_be_visible()
    expect(page.get_by_text("$12,500.00")).to_be_visible()
    page.get_by_label("Why").fill("the form is mended")
    page.get_by_role("button", name="Send 500 gifts again").click()
    expect(page.locator("#progress")).to_contain_text("of 500 had their turn")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    paused = turns(house)
    assert 0 < paused < 500
    page.wait_for_timeout(300)
    assert turns(house) == paused
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Cancel the rest").click()
    expect(page.locator("#progress")).to_contain_text("Cancelled")
    done = turns(house)
    assert paused <= done < 500
    worker.set()
    house.post(times=600)
    assert len(house.luminate.gifts) == done == house.luminate.recorded.count(True)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 501
    assert sum("in line again" in line for line in lines) == done


def draw(page):
    """From the list of gifts to a plan of all that was found."""
    page.get_by_role("button", name="Send all of these again").click()


def turns(house):
    with house.database.read() as tx:
        return tx.exec_driver_sql("SELECT count(*) FROM plan_items WHERE result <> ''").scalar_one()


def test_two_browsers_replay_the_same_at_once_and_each_gift_is_sent_once(house, browser_of, worker):
    refuse(house, 30)
    pages = [browser_of("finance"), browser_of("second")]
    for page in pages:
        page.goto("/console/gifts?q=status:held")
        draw(page)
        page.get_by_label("Why").fill("mended")
    for page in pages:
        page.get_by_role("button", name="Send 30 gifts again").click()
    worker.set()
    for page in pages:
        expect(page.locator("#progress")).to_contain_text("30 of 30 had their turn")
    house.post()
    assert (len(house.luminate.gifts), house.luminate.recorded.count(True)) == (30, 30)
    told = " ".join(page.locator("table").inner_text() for page in map(reloaded, pages))
    assert told.count("in line again") == 30
    assert told.count("left alone") == 30


def reloaded(page):
    page.reload()
    return page


def test_a_large_correction_takes_two_people(house, browser_of):
    house.take(make_gift("5000.00"))
    with house.database.write() as tx:
        entries.move(tx, house.entry(1), Status.HELD, house.database.now(tx), reason="reopened", reason_text=SAID)
    first, second = browser_of("finance"), browser_of("second")
    first.goto("/console/gifts/1/correct")
    second.goto("/console/gifts/1/correct")
    expect(second.get_by_text("finance@example.org has been correcting this gift since")).to_be_visible()
    first.get_by_label("Donor's zip or postal code").fill("97201")
    first.get_by_label("Why").fill("she wrote")
    first.get_by_role("button", name="Propose it").click()
    expect(first.get_by_text("waits for a second person").first).to_be_visible()
    second.goto("/console/proposals")
    second.get_by_role("button", name="Agree").click()
    expect(second.get_by_text("Agreed.")).to_be_visible()
    assert house.entry(1).parameters["donor.address.zip"] == "97201"


def test_everything_works_without_scripts(house, browser_of):
    refuse(house)
    page = browser_of("finance", java_script_enabled=False)
    page.goto("/console/gifts/1/correct")
    page.get_by_label("Donor's zip or postal code").fill("97201")
    page.get_by_role("button", name="Show what it does").click()
    expect(page.locator("#preview")).to_contain_text("becomes 97201")
    assert house.entry(1).parameters["donor.address.zip"] != "97201"
    page.get_by_label("Why").fill("x")
    page.get_by_role("button", name="Save and send").click()
    page.get_by_role("button", name="Send it again as it is").click()
    page.get_by_label("Why").fill("x")
    page.get_by_role("button", name="Send 1 gift again").click()
    house.relay.plans.advance("alder")
    page.reload()
    expect(page.get_by_text("1 of 1 had their turn")).to_be_visible()
