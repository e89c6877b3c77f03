"""A restored ledger, and what people and providers tell it afterwards."""

from datetime import UTC, datetime, timedelta

from relay.gifts import Designation
from relay.outbound.pausing import resume
from relay.status import Status
from tests.builders import make_chargeback, make_gift, make_refund
from tests.service.test_gift_code import SEEN
from tests.service.test_recovery import ADA, go_on, look_up, recover, relay, vault

__all__ = ["relay", "vault"]  # fixtures


def test_a_gift_told_again_is_held_where_a_person_told_of_its_code(relay, vault):
    relay.luminate.gifts["OLD-1"] = {"other_amount": "25.00", "donor.email": "old@example.org"}
    relay.take(make_refund("5.00"))
    relay.supplying.supply(1, "OLD-1", **SEEN)
    relay.post()
    paid, since = datetime.now(UTC), vault.back_up()
    again = vault.restored()
    recover(again, since)
    go_on(again)
    again.take(make_gift(occurred_at=paid))
    for _ in range(4):
        again.later(hours=2)
        look_up(again)
        again.post()
    assert again.luminate.sent("add") == []
    assert (again.entry(2).status, again.entry(2).reason) == (Status.HELD, "code_supplied")
    assert "OLD-1" in again.entry(2).reason_text


def test_a_code_that_is_told_after_a_restore_says_that_the_refund_is_looked_up_first(relay, vault):
    relay.luminate.gifts["OLD-1"] = {"other_amount": "25.00", "donor.email": "old@example.org"}
    paid, since = datetime.now(UTC), vault.back_up()
    again = vault.restored()
    recover(again, since)
    again.take(make_refund("5.00", occurred_at=paid))
    said = again.supplying.supply(1, "OLD-1", **SEEN)
    assert again.entry(1).status is Status.UNKNOWN
    assert "It is unknown, and not sent yet: " in said


def test_a_gift_whose_proof_comes_while_it_is_in_doubt_goes(relay, vault):
    relay.take(make_gift(hold="Not paid yet, perhaps."))
    since = vault.back_up()
    again = vault.restored()
    recover(again, since)
    again.take(make_gift())
    go_on(again)
    assert again.entry(1).status is Status.POSTED


def test_what_is_told_of_a_gift_in_doubt_keeps_it_from_going_where_a_person_says_it_is_absent(relay, vault):
    since = vault.back_up()
    again = vault.restored()
    recover(again, since)
    again.take(make_gift())
    again.take(make_gift(designations=(Designation(fund="NOWHERE"),)))
    again.later(hours=1)
    again.deciding.absent(1, attempt=0, actor=ADA, reason="looked")
    assert (again.entry(1).status, again.entry(1).reason) == (Status.HELD, "fund_not_mapped")


def test_a_refund_that_was_held_is_not_found_in_another_gift_s_refund(relay, vault):
    relay.take(make_gift("25.00"))
    relay.take(make_gift("30.00", keys=("ch_2",)))
    relay.post()
    relay.take(make_refund("25.00", keys=("re_1",)))
    relay.post()
    relay.take(make_chargeback("25.00"))
    assert relay.entry(4).reason == "more_than_left"
    since = vault.back_up()
    relay.take(make_refund("25.00", keys=("re_2",), parents=("ch_2",)))
    relay.post()
    again = vault.restored()
    recover(again, since)
    again.later(minutes=20)
    look_up(again)
    assert again.entry(4).status is not Status.POSTED


def test_what_web_stored_since_the_restore_does_not_make_a_late_time_true(relay, vault):
    relay.take(make_gift())
    vault.back_up()
    relay.post()  # two hours before the time that is told
    again = vault.restored()
    again.later(hours=3)
    with again.database.read() as tx:
        told = again.database.now(tx) - timedelta(hours=1)
    again.take(make_gift(keys=("ch_9",)))
    recover(again, told)
    go_on(again)
    assert [one["sub_source"] for one in again.luminate.sent("add")].count("ch_1") == 1


def test_posting_goes_on_although_fresh_gifts_keep_coming(relay, vault):
    """Only a payment of before the recovery is in doubt, give or take a provider's clock."""
    since = vault.back_up()
    again = vault.restored()
    recover(again, since)
    again.later(hours=1)
    again.take(make_gift(occurred_at=datetime.now(UTC) + again.database.ahead))
    resume(again.database, "alder", actor=ADA, reason="looked up")
    again.post()
    assert again.statuses() == ["posted"]
