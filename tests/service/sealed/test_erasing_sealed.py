"""tests/service/test_erasing.py on a sealed ledger."""

from relay.ledger.models import entries
from tests.service import test_erasing as plain_ledger
from tests.service.test_erasing import *  # noqa: F403 - all of its tests

# They begin by finding the donor in the database's own bytes, where a sealed ledger never has one.
OF_PLAIN_BYTES = (
    plain_ledger.test_everything_that_tells_of_a_donor_goes_and_the_money_stays,
    plain_ledger.test_what_comes_in_later_goes_once_it_is_settled,
    plain_ledger.test_lines_of_the_audit_that_name_the_donor_are_told_and_stay,
)
for test in OF_PLAIN_BYTES:
    del globals()[test.__name__]
del test


def test_a_donor_goes_from_a_sealed_ledger_and_the_money_stays(relay):
    plain_ledger.given(relay)
    before = plain_ledger.balance(relay)
    plain_ledger.erase(relay)
    assert (relay.entry(1).donor_name, relay.entry(1).donor_email) == ("", "")
    assert relay.rows(entries)[0]["donor_key"] == ""
    assert plain_ledger.balance(relay) == before
    assert relay.events()[0]["body"] == b""
