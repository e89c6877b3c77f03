"""Coming in with a real browser: with the mouse, with the keyboard, on a phone."""

from tests.browser.conftest import PHONE
from tests.support.console import PASSWORD, email


def test_signing_in_leads_back_to_where_one_was_going(browser_of):
    page = browser_of()
    page.goto("/console/account")
    assert page.title() == "Sign in · relay"
    page.get_by_label("E-mail address").fill(email("viewer"))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console/account")
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_text("You are signed out.").wait_for()


def test_signing_in_with_the_keyboard_alone(browser_of):
    page = browser_of()
    page.goto("/console/account")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type(email("viewer"))
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/account")


def test_a_wrong_password_is_told_and_the_address_is_kept(browser_of):
    page = browser_of(size=PHONE)
    page.goto("/console/sign-in")
    page.get_by_label("E-mail address").fill(email("viewer"))
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").get_by_text("do not belong together").wait_for()
    assert page.get_by_label("E-mail address").input_value() == email("viewer")


def test_a_signed_in_person_stays_signed_in(page):
    page.goto("/console/account")
    assert page.get_by_role("heading", level=1).inner_text() == "Your account"
