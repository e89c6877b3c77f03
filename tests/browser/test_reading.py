"""Reading with a real browser: a gift is found by mouse, by keyboard, without scripts, on a phone."""

import pytest

from relay.gifts import Address, Designation, Donor, Name
from tests.browser.conftest import PHONE
from tests.builders import make_gift, make_refund

PEOPLE = (
    ("Mary", "Stone", "250.00"),
    ("Mary", "Baker", "250.00"),
    ("Tom", "Stone", "40.00"),
    ("Zoë", "Núñez", "75.50"),
)


@pytest.fixture
def gifts(house):
    """Seven gifts: some posted, some that wait for a person for several causes, one given back in part."""
    for number, (first, last, amount) in enumerate(PEOPLE, 1):
        donor = Donor(name=Name(first=first, last=last), email=f"{first}.{number}@example.org",
                      address=Address(street1="1 Road", city="Bay", state="NY", zip="10001"))  # fmt: skip
        house.take(make_gift(amount, keys=(f"ch_{number}",), donor=donor))
    house.luminate.script = ["ok", "rejected", "lost"]
    house.post()
    house.take(make_gift("12.00", keys=("ch_5",), donor=Donor(name=Name(full="No Address"))))
    house.take(make_gift("60.00", keys=("ch_6",), designations=(Designation(fund="WATER-24"),)))
    house.take(make_gift("30.00", keys=("ch_7",)))
    house.take(make_refund("10.00", keys=("re_1",), parents=("ch_1",)))
    return house


def rows(page):
    return page.locator("[data-list] tbody tr")


def test_mrs_stone_s_250_is_found_in_one_search(gifts, page):
    page.goto("/console/")
    page.get_by_role("link", name="Gifts", exact=True).click()
    page.get_by_label("Search gifts").fill("stone 250")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url(lambda url: "q=stone" in url and "250" in url)
    assert rows(page).count() == 1
    page.get_by_role("link", name="Mary Stone").click()
    page.get_by_role("heading", name="Gift of $250.00 by Mary Stone").wait_for()
    assert "In Luminate" in page.locator(".header").inner_text()


def test_what_is_typed_is_found_at_once_and_can_be_sent_as_a_link(gifts, page, browser_of):
    page.goto("/console/gifts")
    page.get_by_label("Search gifts").press_sequentially("nune", delay=20)
    page.wait_for_url("**q=nune**")
    assert rows(page).count() == 1
    other = browser_of("viewer")
    other.goto(page.url)
    assert rows(other).count() == 1


def test_a_search_that_cannot_be_read_says_what_can(gifts, page):
    page.goto("/console/gifts")
    page.get_by_label("Search gifts").press_sequentially("satus:held", delay=20)
    page.get_by_role("alert").get_by_text('did you mean "status"?').wait_for()


def test_without_scripts_everything_is_there(gifts, browser_of):
    page = browser_of("finance", java_script_enabled=False)
    page.goto("/console/gifts")
    page.get_by_label("Search gifts").fill("status:needs")
    page.get_by_role("button", name="Search").click()
    assert rows(page).count() == 4
    page.get_by_role("link", name="Closed").click()
    page.get_by_text("Nothing matches.").wait_for()


def test_the_keyboard_alone_finds_and_opens_a_gift(gifts, page):
    page.goto("/console/gifts")
    page.keyboard.press("/")
    page.keyboard.type("mary")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=mary**")
    page.locator("[data-search]").blur()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    focused = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/gifts/*")
    assert focused in page.get_by_role("heading", level=1).inner_text()


def test_typing_a_j_into_the_search_is_a_j(gifts, page):
    page.goto("/console/gifts")
    page.keyboard.press("/")
    page.keyboard.type("jk")
    assert page.get_by_label("Search gifts").input_value() == "jk"


def test_from_today_through_the_cause_to_the_gift(gifts, page):
    page.goto("/console/")
    page.get_by_role("link", name="See why", exact=True).click()
    page.get_by_role("link", name="Fund 'WATER-24' is not mapped to a designee").click()
    page.get_by_label("Who sees to it").fill("Ada")
    page.get_by_label("Note", exact=True).fill("The new appeal.")
    page.get_by_role("button", name="Write down").click()
    page.get_by_text("Written down.").wait_for()
    assert page.get_by_label("Who sees to it").input_value() == "Ada"


def test_on_a_phone_a_gift_is_a_card_with_its_labels(gifts, phone):
    phone.goto("/console/gifts?q=zoe")
    row = rows(phone).first
    assert row.bounding_box()["width"] <= PHONE["width"]
    label = row.locator("td[data-label=Amount]").evaluate("cell => getComputedStyle(cell, '::before').content")
    assert label == '"Amount"'
    row.get_by_role("link", name="Zoë Núñez").click()
    phone.get_by_role("heading", name="Gift of $75.50").wait_for()
