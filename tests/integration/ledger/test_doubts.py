"""Gifts that may be in Luminate, and codes of a whole site, on both databases."""

from datetime import timedelta
from decimal import Decimal

import pytest

from relay.ledger import doubts
from relay.outbound.probing import Probing
from relay.status import Status
from tests.builders import make_gift, make_organization, make_relay
from tests.integration.ledger.racing import race
from tests.service.test_probing import FakeReader


@pytest.fixture
def house(database_url):
    """Alder and birch on one site; of each an equal gift of the same donor is in doubt, and one is in Luminate."""
    relay = make_relay(database_url, make_organization("alder"), make_organization("birch"))
    for number, (name, organization) in enumerate(relay.settings.organizations.items()):
        relay.luminate.script = ["recorded" if name == "alder" else "lost"]
        relay.take(make_gift(keys=(f"ch_{number}",)), organization=name)
        relay.posting(organization=organization).run()
        relay.later(seconds=601)
    relay.later(seconds=700)
    yield relay
    relay.database.engine.dispose()


def in_doubt(house, begin, end, amount=None):
    first = house.entry(1)
    with house.database.read() as tx:
        found = doubts.gifts_in_doubt(tx, ("alder", "birch"), amount or first.amount, begin, end)
    return [one.id for one in found]


def test_gifts_in_doubt_are_those_whose_untold_calls_were_then(house):
    first, second = (call["started_at"] for call in house.attempts())
    minute = timedelta(minutes=1)
    assert in_doubt(house, first - minute, second + minute) == [1, 2]
    assert in_doubt(house, first - minute, first + minute) == [1]
    assert in_doubt(house, second + minute, second + 2 * minute) == []
    assert in_doubt(house, first - minute, second, house.entry(1).amount + house.entry(2).amount) == []


def test_the_time_and_the_account_of_untold_calls(house):
    (call, _), entry = house.attempts(), house.entry(1)
    with house.database.read() as tx:
        assert doubts.untold(tx, 1, call["finished_at"]) == (call["started_at"], call["finished_at"])
        assert doubts.login_of(tx, entry) == "api"
        assert doubts.untold(tx, 99, call["finished_at"]) is None


def test_one_code_is_adopted_by_one_of_two_organizations_that_look_at_once(house):
    at = house.attempts()[1]["started_at"]
    reader = FakeReader(house)
    reader.hidden, reader.extra = {"C1"}, [reader.row(Decimal("25.00"), "C1", at)]
    organizations = list(house.settings.organizations.values())
    race(2, lambda number: Probing(house.database, organizations[number], reader).run())
    assert sorted(gift.confirmation_code for gift in house.gifts()) == ["", "C1"]
    assert sorted(gift.status for gift in house.gifts()) in (
        [Status.POSTED, Status.QUEUED],
        [Status.POSTED, Status.UNKNOWN],
    )
