"""Asking for a check with a real browser: it comes in by itself, or by loading again; a worker that is away is told."""

import pytest

from relay.config import FormLevel, LuminateSettings
from relay.doctor.rounds import Rounds
from tests.browser.conftest import PHONE
from tests.builders import make_organization
from tests.fakes import QuietRedis
from tests.support.console import House


@pytest.fixture
def house(sqlite_url, sandbox):
    luminate = LuminateSettings(
        url=f"{sandbox.url}/alder/site",
        api_key="demo-api-key",
        login_name="demo-api-user",
        login_password="demo-api-password",
    )
    alder = make_organization(luminate=luminate, form=FormLevel(form_id=1260, level_id=1523), funds={}, title="Alder")
    made = House(sqlite_url, alder, make_organization("birch"))
    made.stamp()
    made.relay.redis = QuietRedis()
    yield made
    for client in made.relay._clients.values():
        client.close()


def check(house):
    """What a worker does: one round."""
    Rounds(house.relay.patient, worker="w").carry_out("alder")


def card(page):
    return page.locator("article", has=page.get_by_role("heading", name="Luminate Online"))


@pytest.fixture
def met(house):
    """A worker has started once, and checked nothing yet."""
    Rounds(house.relay.patient, worker="w").notice()
    check(house)
    house.later(minutes=5)
    return house


def test_a_check_that_was_asked_for_comes_in_by_itself(met, sandbox, page):
    page.goto("/console/")
    page.get_by_role("link", name="Connections").click()
    card(page).get_by_text("Works", exact=True).wait_for()
    sandbox.sandbox.change("alder", {"ip_allow": ["203.0.113.0/24"]})
    page.get_by_role("button", name="Check now").click()
    page.get_by_text("A check is asked for").wait_for()
    check(met)
    card(page).get_by_text("Broken", exact=True).wait_for()
    card(page).get_by_text("Add 127.0.0.1/32 to the allow-list").wait_for()
    page.locator("#headline").get_by_text("Broken: Luminate Online of Alder.").wait_for()
    assert page.locator("#headline").count() == 1


def test_without_scripts_the_page_is_loaded_again(met, browser_of):
    page = browser_of("finance", java_script_enabled=False)
    page.goto("/console/connections")
    page.get_by_role("button", name="Check now").click()
    page.get_by_text("A check is asked for").wait_for()
    check(met)
    page.get_by_role("link", name="Show what is known").click()
    page.get_by_text("Checked less than a minute ago").wait_for()
    assert page.get_by_role("button", name="Check now").count() == 1


def test_a_relay_without_a_worker_says_so(met, browser_of):
    page = browser_of("finance", size=PHONE)
    page.goto("/console/connections")
    page.get_by_role("button", name="Check now").click()
    met.later(seconds=40)
    page.get_by_text("No worker has taken up the check").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_viewer_looks_and_asks_for_nothing(met, browser_of):
    page = browser_of("viewer")
    page.goto("/console/connections")
    card(page).get_by_text("Works", exact=True).wait_for()
    assert page.get_by_role("button", name="Check now").count() == 0
    card(page).get_by_text("What was looked at").click()
    card(page).get_by_text("Not proven yet:").wait_for()
