"""Mapping a fund in a real browser: forty gifts wait for it, are looked at, and go."""

import pytest

from relay.gifts import Designation
from relay.status import Status
from tests.builders import make_gift


@pytest.fixture
def forty(house):
    for number in range(40):
        house.take(make_gift(keys=(f"ch_{number}",), designations=(Designation(fund="GALA"),)))


def carry_out(house):
    while house.relay.plans.advance("alder"):
        pass
    house.post(times=60)


def test_a_fund_is_mapped_and_its_forty_gifts_are_let_go(page, house, forty):
    page.goto("/console/funds")
    page.get_by_role("link", name="Map it: GALA").click()
    page.get_by_label("Designee", exact=True).select_option("44")
    page.get_by_role("button", name="See what it does").click()
    page.get_by_text("What saving does").wait_for()
    assert page.url.endswith("/console/funds")  # edited in place
    assert page.get_by_text("$1,000.00").first.is_visible()
    page.get_by_label("Why").fill("the gala's designee is open now")
    page.get_by_role("button", name="Save and let 40 gifts go").click()
    page.wait_for_url("**/console/replays/*")
    assert {entry.status for entry in (house.entry(number) for number in range(1, 41))} == {Status.HELD}
    carry_out(house)
    page.goto("/console/gifts?q=fund:GALA")
    assert page.get_by_text("In Luminate").first.is_visible()
    assert len(house.luminate.gifts) == 40
    assert {one["designated.1.id"] for one in house.luminate.gifts.values()} == {"44"}
    page.goto("/console/funds")
    assert page.get_by_role("row", name="GALA").get_by_text("edited here").is_visible()


def test_the_same_without_javascript(browser_of, house, forty):
    page = browser_of("finance", java_script_enabled=False)
    page.goto("/console/funds")
    page.get_by_role("link", name="Map it: GALA").click()
    page.get_by_label("To a write-in designation").check()
    page.get_by_label("Its name").fill("Gala night")
    page.get_by_role("button", name="See what it does").click()
    page.get_by_label("Why").fill("a write-in")
    page.get_by_role("button", name="Save and let 40 gifts go").click()
    carry_out(house)
    assert len(house.luminate.gifts) == 40


def test_a_mistake_is_told_beside_the_form(page):
    page.goto("/console/funds")
    page.get_by_role("link", name="Change WATER").click()
    page.get_by_text("Another form than usual").click()
    page.get_by_label("Form", exact=True).fill("12")
    page.get_by_role("button", name="See what it does").click()
    page.get_by_role("alert").get_by_text("form_id and level_id together").wait_for()
