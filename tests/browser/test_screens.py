"""Every screen: no fault that keeps anybody out, not wider than a phone, nothing that the content policy forbids."""

from pathlib import Path

import pytest
import time_machine

from tests.browser.conftest import PHONE
from tests.browser.screens import SCREENS, places
from tests.support.console_days import NOW, thirty_days

AXE = (Path(__file__).parent / "vendor/axe-core/axe.min.js").read_text()
# Run by the tool itself, so the page's own content policy stays as it is.
RUN = "async () => (await axe.run({resultTypes: ['violations']})).violations"
GRAVE = {"serious", "critical"}


@pytest.fixture(scope="module")
def month(tmp_path_factory):
    """Thirty days, once for all screens."""
    made, plan = thirty_days(f"sqlite:///{tmp_path_factory.mktemp('month') / 'ledger.db'}")
    yield made, places(made, plan)
    made.database.engine.dispose()


@pytest.fixture
def house(month):
    with time_machine.travel(NOW):
        yield month[0]


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_a_screen_keeps_nobody_out_and_fits_a_phone(browser_of, house, month, screen):
    page = browser_of(screen.who)
    page.goto(screen.path.format(**month[1]))
    page.evaluate(AXE)
    faults = [
        (fault["id"], fault["nodes"][0]["html"][:200]) for fault in page.evaluate(RUN) if fault["impact"] in GRAVE
    ]
    assert faults == []
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_axe_would_see_a_fault(browser_of):
    page = browser_of()
    page.goto("/console/sign-in")
    page.evaluate("document.querySelector('label').remove()")
    page.evaluate(AXE)
    assert [fault["id"] for fault in page.evaluate(RUN) if fault["impact"] in GRAVE] == ["label"]


# Pages that are no screen of their own.
PARTS = {"static", "sign_in_code", "oidc_begin", "oidc_end", "invitation", "gift_event", "replay_progress",
         "connections_group", "gift_code"}  # fmt: skip


def test_the_list_holds_every_page_there_is(house):
    known = dict.fromkeys(("gift", "unknown", "held", "plan", "person"), 1) | {"cause": "c"}
    adapter = house.app.url_map.bind("localhost")
    listed = {adapter.match(screen.path.partition("?")[0].format(**known))[0] for screen in SCREENS}
    rules = [rule for rule in house.app.url_map.iter_rules() if rule.endpoint.startswith("console.")]
    pages = {rule.endpoint for rule in rules if "GET" in rule.methods and not rule.rule.endswith((".csv", ".xlsx"))}
    assert pages - listed == {f"console.{name}" for name in PARTS}
