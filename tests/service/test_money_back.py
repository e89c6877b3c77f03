"""Money that comes back, and gifts refunded before they were posted: by the organization's rule."""

from dataclasses import replace

import pytest

from relay.config import RefundedUnposted, Reinstate
from relay.gifts import Designation
from relay.status import Kind, Status
from tests.builders import (
    make_back,
    make_chargeback,
    make_gift,
    make_organization,
    make_refund,
    make_relay,
    make_total,
    usd,
    water,
)


@pytest.fixture
def automatic(sqlite_url):
    return make_relay(sqlite_url, make_organization(reinstate=Reinstate.AUTOMATIC))


@pytest.fixture
def both(sqlite_url):
    return make_relay(sqlite_url, make_organization(refunded_unposted=RefundedUnposted.BOTH))


def lost_and_won(relay, amount="25.00", gift=None):
    relay.take(gift or make_gift())
    relay.post()
    relay.take(make_chargeback(amount))
    relay.post()
    relay.take(make_back("dp_1", amount, text="The dispute was won."))
    relay.post()


def test_by_default_a_person_decides_what_to_do_with_money_that_came_back(relay):
    lost_and_won(relay)
    (again,) = relay.entries(Kind.REINSTATEMENT)
    assert (again.status, again.reason) == (Status.HELD, "money_came_back")
    assert relay.luminate.net == 0


def test_a_person_may_let_the_held_reinstatement_go(relay):
    lost_and_won(relay)
    (again,) = relay.entries(Kind.REINSTATEMENT)
    relay.replay(again.id)
    relay.post()
    assert relay.entry(again.id).status is Status.POSTED
    assert relay.luminate.net == 2500
    assert relay.luminate.mails == 0


def test_by_rule_a_new_gift_is_made_linked_to_the_first_and_mails_nobody(automatic):
    lost_and_won(automatic)
    (again,) = automatic.entries(Kind.REINSTATEMENT)
    assert (again.status, again.payment_id) == (Status.POSTED, automatic.gifts()[0].payment_id)
    assert again.confirmation_code != automatic.gifts()[0].confirmation_code
    assert (automatic.luminate.net, automatic.luminate.mails) == (2500, 0)
    assert automatic.balance_holds()


def test_the_same_money_comes_back_once(automatic):
    lost_and_won(automatic)
    automatic.take(make_back("dp_1", "25.00"))
    automatic.post()
    assert automatic.luminate.net == 2500


def test_a_part_that_came_back_keeps_the_proportion_of_its_designations(automatic):
    shares = (Designation(fund="WATER", amount=usd("15.00")), Designation(write_in="Choir", amount=usd("10.00")))
    lost_and_won(automatic, "5.00", make_gift(designations=shares))
    (again,) = automatic.entries(Kind.REINSTATEMENT)
    sent = again.parameters
    assert (sent["other_amount"], sent["designated.1.amount"], sent["designated_write_in.2.amount"]) == (
        "5.00",
        "3",
        "2",
    )


def test_what_was_never_refunded_in_luminate_needs_no_new_gift(automatic):
    automatic.take(make_gift())
    automatic.take(make_refund("5.00"))
    automatic.take(make_back("re_1", "5.00"))
    automatic.post()
    assert automatic.entries(Kind.REINSTATEMENT) == []
    assert automatic.luminate.net == 2500


def test_a_gift_refunded_in_full_before_it_was_posted_is_not_posted(relay):
    relay.take(make_gift())
    relay.take(make_refund("25.00"))
    relay.post()
    assert relay.statuses() == ["closed", "closed"]
    assert relay.luminate.calls == []
    assert relay.balance_holds()


@pytest.mark.parametrize("refunds", [("10.00", "15.00"), ("24.99", "0.01")])
def test_several_parts_make_a_whole(relay, refunds):
    relay.take(make_gift())
    for number, amount in enumerate(refunds):
        relay.take(make_refund(amount, keys=(f"re_{number}",)))
    relay.post()
    assert relay.luminate.calls == []


def test_a_running_total_counts_too(relay):
    relay.take(make_gift())
    relay.take(make_total("10.00"))
    relay.take(make_total("25.00", before="10.00"))
    relay.post()
    assert relay.luminate.calls == []


def test_a_refund_that_came_before_its_gift_counts_too(relay):
    relay.take(make_refund("25.00"))
    relay.take(make_gift())
    relay.post()
    assert relay.luminate.calls == []


def test_a_part_is_posted_with_its_gift(relay):
    relay.take(make_gift())
    relay.take(make_refund("24.99"))
    relay.post()
    assert relay.luminate.net == 1


def test_an_organization_may_want_both_recorded(both):
    both.take(make_gift())
    both.take(make_refund("25.00"))
    both.post()
    assert both.statuses() == ["posted", "posted"]
    assert both.luminate.net == 0


def test_a_held_gift_that_was_refunded_needs_no_person_any_more(relay):
    relay.take(make_gift(designations=(Designation(fund="NOBODY"),)))
    assert relay.statuses() == ["held"]
    relay.take(make_refund("25.00"))
    assert relay.statuses() == ["closed", "closed"]


def test_when_that_refund_fails_the_gift_is_due_after_all(relay):
    relay.take(make_gift(designations=water()))
    relay.take(make_refund("25.00"))
    relay.take(make_back("re_1", "25.00"))
    gift = relay.gifts()[0]
    assert (gift.status, gift.reason) == (Status.HELD, "money_came_back")


def test_a_gift_whose_call_is_under_way_is_not_forgone(relay):
    relay.take(make_gift())
    relay.luminate.script = [lambda parameters: _refunded_meanwhile(relay, parameters)]
    relay.post()
    assert relay.statuses() == ["posted", "posted"]
    assert relay.luminate.net == 0


def _refunded_meanwhile(relay, parameters):
    relay.take(make_refund("25.00"))
    return relay.luminate._ok("add", parameters)


def test_money_of_which_nobody_said_how_much_came_back_is_never_reinstated_by_itself(automatic):
    automatic.take(make_gift())
    automatic.post()
    automatic.take(make_chargeback("25.00"))
    automatic.post()
    automatic.take(replace(make_back("dp_1", "25.00"), amount=None))
    automatic.post()
    (again,) = automatic.entries(Kind.REINSTATEMENT)
    assert (again.status, again.reason) == (Status.HELD, "money_came_back")
    assert automatic.luminate.net == 0
