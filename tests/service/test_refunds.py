"""Refund algebra: what a refund, a failure or a dispute does, so that Luminate's net equals the provider's."""

import itertools
from dataclasses import replace

import pytest

from relay.access import operator
from relay.money import Money
from relay.status import Kind, Status, Verdict
from tests.builders import (
    make_back,
    make_chargeback,
    make_gift,
    make_link,
    make_luminate,
    make_organization,
    make_refund,
    make_relay,
    make_total,
    usd,
)


@pytest.fixture
def given(relay):
    """A relay whose gift of 25.00 is in Luminate."""
    relay.take(make_gift())
    relay.post()
    return relay


def test_a_refund_of_a_posted_gift_is_sent_with_its_own_amount(given):
    given.take(make_refund("5.00"))
    given.post()
    (call,) = given.luminate.sent("refund")
    assert (call["refund_amount"], call["refund_user_confirm_code"]) == ("5.00", "C1")
    assert given.luminate.net == 2000


def test_a_refund_waits_until_its_gift_is_posted(relay):
    relay.take(make_refund())
    assert [(one.status, one.reason) for one in relay.refunds()] == [(Status.WAITING, "gift_not_seen")]
    relay.take(make_gift())
    relay.post()
    assert relay.statuses() == ["posted", "posted"]
    assert [name for name, _ in relay.luminate.calls] == ["add", "refund"]


def test_a_refund_ends_with_its_gift_and_comes_back_with_it(relay):
    relay.take(make_gift())
    relay.take(make_refund())
    relay.deciding.close(1, actor=operator("ann"), reason="no gift")
    assert relay.statuses() == ["closed", "closed"]
    relay.deciding.reopen(1, actor=operator("ann"), reason="a gift after all")
    assert relay.statuses() == ["held", "waiting"]
    replay(relay, 1)
    relay.post()
    assert relay.luminate.net == 2000


def test_a_refund_of_a_closed_gift_that_failed_stays_ended(relay):
    relay.take(make_gift())
    relay.take(make_refund())
    relay.deciding.close(1, actor=operator("ann"), reason="no gift")
    relay.take(make_back())
    relay.deciding.reopen(1, actor=operator("ann"), reason="a gift after all")
    assert relay.statuses() == ["held", "closed"]


def test_a_refund_of_a_closed_gift_is_closed_too(relay):
    relay.take(make_gift())
    relay.deciding.close(1, actor=operator("ann"), reason="no gift")
    relay.take(make_refund())
    assert [(one.status, one.reason) for one in relay.refunds()] == [(Status.CLOSED, "gift_closed")]


def replay(relay, *ids, mail=False):
    return relay.replay(*ids, mail=mail)


@pytest.mark.parametrize(
    ("refund", "reason"),
    [
        (make_refund("25.01"), "more_than_left"),
        (make_refund(Money.parse("5.00", "CAD")), "other_currency"),
        (make_refund(parents=()), "names_no_payment"),
    ],
)
def test_a_refund_that_cannot_be_sent_is_held_with_its_reason(given, refund, reason):
    given.take(refund)
    assert [(one.status, one.reason) for one in given.refunds()] == [(Status.HELD, reason)]
    given.post()
    assert given.luminate.sent("refund") == []


def test_only_the_account_that_added_a_gift_refunds_it(sqlite_url):
    relay = make_relay(sqlite_url)
    relay.take(make_gift())
    relay.post()
    relay = make_relay(sqlite_url, make_organization(luminate=make_luminate(login_name="other")))
    relay.take(make_refund())
    (refund,) = relay.refunds()
    assert (refund.status, refund.reason) == (Status.HELD, "other_login")
    assert "'api'" in refund.reason_text


def test_refunds_together_never_exceed_the_gift(given):
    for number in range(4):
        given.take(make_refund("10.00", keys=(f"re_{number}",)))
    given.post()
    assert sorted(given.statuses(Kind.REFUND)) == ["held", "held", "posted", "posted"]
    assert given.luminate.net == 500


def test_an_unknown_refund_counts_against_what_is_left(given):
    given.luminate.script = ["lost"]
    given.take(make_refund("20.00"))
    given.post()
    given.take(make_refund("10.00", keys=("re_2",)))
    assert given.statuses(Kind.REFUND) == ["unknown", "held"]


def test_a_refused_refund_leaves_room_and_is_checked_again_on_replay(given):
    given.luminate.script = ["rejected"]
    given.take(make_refund("20.00"))
    given.post()
    given.take(make_refund("10.00", keys=("re_2",)))
    given.post()
    replay(given, 2)
    assert (given.entry(2).status, given.entry(2).reason) == (Status.HELD, "more_than_left")


def test_a_refund_that_was_not_sent_is_retried(given):
    given.luminate.script = ["not_sent", "not_sent"]
    given.take(make_refund())
    given.post()
    given.later(days=1)
    given.post()
    given.later(days=1)
    given.post()
    assert (given.statuses(Kind.REFUND), given.luminate.net) == (["posted"], 2000)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_totals_and_names_of_two_refunds_count_once_in_any_order(given, order):
    told = (
        make_total("5.00"),
        make_total("12.00", before="5.00"),
        make_refund("5.00"),
        make_refund("7.00", keys=("re_2",)),
    )
    for place in order:
        given.take(told[place])
        given.take(told[place])
    given.post()
    assert given.luminate.net == 1300


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_total_without_its_history_counts_once(given, order):
    told = (make_total("12.00"), make_refund("5.00"), make_refund("7.00", keys=("re_2",)))
    for place in order:
        given.take(told[place])
    given.post()
    assert given.luminate.net == 1300


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_totals_alone_count_once_in_any_order(given, order):
    told = (make_total("5.00"), make_total("12.00", before="5.00"), make_total("20.00", before="12.00"))
    for place in order:
        given.take(told[place])
    given.post()
    assert given.luminate.net == 500


def test_another_amount_of_a_known_refund_is_flagged(given):
    given.take(make_refund("5.00"))
    assert given.take(make_refund("6.00")).verdict is Verdict.FLAGGED
    assert [one.amount for one in given.refunds()] == [usd("5.00")]


# --- the money comes back ------------------------------------------------------------------------------------------


def test_a_refund_that_failed_before_it_was_sent_ends(given):
    given.take(make_refund())
    given.take(make_back())
    given.post()
    assert [(one.status, one.reason) for one in given.refunds()] == [(Status.CLOSED, "taken_back")]
    assert given.luminate.net == 2500


def test_a_refund_that_failed_after_it_was_sent_is_a_person_s(given):
    given.take(make_refund())
    given.post()
    given.take(make_back())
    given.take(make_back())
    (back,) = given.entries(Kind.REINSTATEMENT)
    assert (back.status, back.reason, back.amount) == (Status.HELD, "money_came_back", usd("5.00"))
    assert given.balance_holds()


@pytest.mark.parametrize("lost", [make_refund("5.00"), make_chargeback("5.00", key="re_1")])
def test_the_money_came_back_before_its_going_was_told(given, lost):
    given.take(make_back())
    given.take(lost)
    given.post()
    assert given.entries(Kind.REFUND, Kind.REINSTATEMENT) == []
    assert given.luminate.net == 2500


def test_a_late_total_does_not_revive_a_refund_that_failed(given):
    given.take(make_refund("5.00"))
    given.take(make_back())
    given.take(make_total("5.00"))
    given.post()
    assert given.luminate.net == 2500
    assert [(one.status, one.reason) for one in given.refunds()][1:] == [(Status.HELD, "total_unclear")]


def test_a_late_total_of_a_failure_told_first_is_a_person_s(given):
    given.take(make_back())
    given.take(make_total("5.00"))
    given.post()
    assert given.luminate.net == 2500
    assert [one.reason for one in given.refunds()] == ["total_unclear"]


def test_a_doubtful_total_is_proven_by_the_refund_s_name(given):
    given.take(make_back())
    given.take(make_total("7.00"))
    given.take(make_refund("7.00", keys=("re_2",)))
    given.post()
    assert sorted(given.statuses(Kind.REFUND)) == ["closed", "posted", "posted"]
    assert given.luminate.net == 1800


def test_of_a_total_after_a_failure_only_what_is_beyond_the_failure_is_sure(given):
    given.take(make_refund("5.00"))
    given.post()
    given.take(make_back())
    given.take(make_total("7.00"))
    told = [(one.amount, one.status, one.reason) for one in given.refunds()][1:]
    assert told == [(usd("2.00"), Status.QUEUED, ""), (usd("5.00"), Status.HELD, "total_unclear")]


def test_a_person_says_what_became_of_a_doubtful_total(given):
    given.take(make_back())
    given.take(make_total("5.00"))
    (doubtful,) = given.refunds()
    replay(given, doubtful.id)
    given.take(make_refund("5.00", keys=("re_2",)))
    given.post()
    assert (given.statuses(Kind.REFUND), given.luminate.net) == (["posted"], 2000)


def test_a_doubtful_total_that_a_person_closed_was_none(given):
    given.take(make_back())
    given.take(make_total("5.00"))
    given.deciding.close(given.refunds()[0].id, actor=operator("ann"), reason="it came back")
    given.take(make_refund("5.00", keys=("re_2",)))
    given.post()
    assert (given.statuses(Kind.REFUND), given.luminate.net) == (["closed", "posted"], 2000)


def test_a_total_after_a_failure_that_counts_what_stands_is_in_no_doubt(given):
    given.take(make_refund("5.00"))
    given.take(make_total("5.00"))
    given.take(make_back())
    given.take(make_refund("3.00", keys=("re_2",)))
    given.take(make_total("3.00"))
    given.post()
    assert (given.statuses(Kind.REFUND), given.luminate.net) == (["closed", "posted"], 2200)


def test_a_chargeback_settles_no_doubt(given):
    given.take(make_back())
    given.take(make_total("5.00"))
    given.take(make_chargeback("20.00"))
    given.post()
    assert (given.statuses(Kind.REFUND), given.luminate.net) == (["held", "posted"], 500)


def test_the_failure_of_a_refund_that_nobody_named_leaves_its_total_to_a_person(relay):
    relay.take(make_total("5.00"))
    relay.take(make_total("5.00"))
    relay.take(make_back("re_1", "5.00"))
    relay.take(make_gift())
    relay.post()
    assert relay.statuses(Kind.REFUND) == ["closed", "held"]
    (doubtful,) = [one for one in relay.refunds() if one.status is Status.HELD]
    replay(relay, doubtful.id)
    relay.post()
    assert relay.luminate.net == 2000


def test_a_failure_without_name_or_amount_proves_no_total_any_more(given):
    given.take(replace(make_back(), amount=None))
    given.take(make_total("5.00"))
    given.post()
    assert [(one.amount, one.reason) for one in given.refunds()] == [(usd("5.00"), "total_unclear")]


def test_a_name_with_a_total_books_what_is_missing_besides(given):
    given.take(replace(make_refund("7.00", keys=("re_2",)), total=usd("12.00")))
    assert [(one.amount, one.provider_transaction_id) for one in given.refunds()] == [
        (usd("7.00"), "re_2"),
        (usd("5.00"), "ch_1:1200"),
    ]
    given.take(make_refund("5.00"))
    given.post()
    assert given.luminate.net == 1300


def test_half_of_an_unsent_total_that_failed_leaves_the_other_half(relay):
    relay.take(make_total("12.00"))
    relay.take(make_refund("5.00"))
    relay.take(make_refund("7.00", keys=("re_2",)))
    relay.take(make_back("re_1", "5.00"))
    relay.take(make_gift())
    relay.post()
    assert relay.luminate.net == 1800
    relay.take(make_back("re_2", "7.00"))
    assert [back.amount for back in relay.entries(Kind.REINSTATEMENT)] == [usd("7.00")]
    assert relay.balance_holds()


def test_half_of_an_unsent_total_that_fails_before_it_is_named(relay):
    relay.take(make_total("12.00"))
    relay.take(make_back("re_1", "5.00"))
    relay.take(make_refund("7.00", keys=("re_2",)))
    relay.take(make_refund("5.00"))
    relay.take(make_gift())
    relay.post()
    assert relay.luminate.net == 1800


def test_a_chargeback_beside_refunds_by_choice(given):
    given.take(make_refund("5.00"))
    given.take(make_chargeback("20.00"))
    given.take(make_total("5.00"))
    given.post()
    assert (given.statuses(Kind.REFUND), given.luminate.net) == (["posted", "posted"], 0)


def test_a_chargeback_of_what_was_refunded_already_is_a_person_s(given):
    given.take(make_refund("25.00"))
    given.take(make_chargeback("25.00"))
    given.post()
    assert given.statuses(Kind.REFUND) == ["posted", "held"]
    assert given.luminate.net == 0


def test_a_dispute_told_twice_takes_the_money_once(given):
    for _ in range(2):
        given.take(make_chargeback())
    given.take(make_back("dp_1", "25.00"))
    given.take(make_back("dp_1", "25.00"))
    given.take(make_chargeback())
    given.post()
    assert given.luminate.net == 2500


@pytest.mark.parametrize("amount", ["0.00", "-1.00"])
def test_an_amount_of_nothing_never_becomes_a_full_refund(given, amount):
    given.take(make_refund(amount))
    given.post()
    assert given.luminate.sent("refund") == []
    assert given.events()[-1]["verdict"] == "not_understood"


def test_what_did_not_fail_of_a_forgone_gift_s_refunds_waits_again(relay):
    relay.take(make_gift("25.00"))
    relay.take(make_refund("10.00"))
    relay.take(make_refund("15.00", keys=("re_2",)))
    assert relay.statuses() == ["closed", "closed", "closed"]
    relay.take(make_back("re_2", "15.00"))
    assert relay.statuses() == ["held", "waiting", "closed"]
    replay(relay, 1)
    relay.post()
    assert relay.luminate.net == 1500


# --- one refund under two ids of its payment -----------------------------------------------------------------------

NAMED = make_refund("5.00", parents=("pi_1",))
TOTAL = make_total("5.00")


@pytest.fixture
def ten(relay):
    """A relay whose gift of 10.00 is in Luminate, under one id of its payment."""
    relay.take(make_gift("10.00"))
    relay.post()
    return relay


@pytest.fixture
def both(ten):
    """The same, and its gift is there under the other id as well."""
    ten.take(make_gift("10.00", keys=("pi_1",)))
    ten.post()
    return ten


def end_of(relay):
    """The ids turn out to be one payment's, and what may go goes."""
    relay.take(make_link("ch_1", "pi_1"))
    relay.later(hours=1)
    relay.sweep().run()
    relay.post()
    return sorted((one.reason or one.status.value, one.flag) for one in relay.refunds())


ONCE = [("posted", ""), ("same_refund", "")]


@pytest.mark.parametrize("parent", ["ch_1", "pi_1"])
def test_of_a_refund_under_two_ids_only_the_one_that_was_sent_stands(ten, parent):
    sent, waits = (TOTAL, NAMED) if parent == "ch_1" else (make_refund("5.00"), make_total("5.00", parents=("pi_1",)))
    ten.take(sent)
    ten.post()
    ten.take(waits)
    assert end_of(ten) == ONCE
    assert ten.luminate.net == 500


def test_the_refund_that_was_sent_has_its_name_from_the_one_that_ended(ten):
    ten.take(TOTAL)
    ten.post()
    ten.take(NAMED)
    end_of(ten)
    ten.take(NAMED)
    ten.take(make_back())
    (back,) = ten.entries(Kind.REINSTATEMENT)
    assert (len(ten.refunds()), back.amount, back.reason) == (2, usd("5.00"), "money_came_back")
    assert "entry 2" in back.reason_text
    assert ten.refunds()[0].status is Status.POSTED


def test_of_a_named_refund_only_what_no_total_has_sent_is_sent(ten):
    ten.take(make_total("3.00"))
    ten.post()
    ten.take(NAMED)
    end_of(ten)
    assert ([call["refund_amount"] for call in ten.luminate.sent("refund")], ten.luminate.net) == (
        ["3.00", "2.00"],
        500,
    )


def test_a_refund_in_flight_is_sent_once_though_its_name_waits_under_another_id(ten):
    def nothing_left(parameters):
        ten.take(make_link("ch_1", "pi_1"))
        return ten.luminate._not_sent("refund", parameters)

    ten.take(TOTAL)
    ten.take(NAMED)
    ten.luminate.script = [nothing_left]
    ten.post()
    assert end_of(ten) == ONCE
    assert ten.luminate.net == 500


def test_an_unknown_refund_is_sent_once_though_its_name_waits_under_another_id(ten):
    ten.luminate.script = ["lost"]
    ten.take(TOTAL)
    ten.post()
    ten.take(NAMED)
    assert end_of(ten) == [("connection_lost", ""), ("same_refund", "")]
    ten.deciding.absent(2, attempt=1, actor=operator("ann"), reason="not there")
    ten.post()
    assert end_of(ten) == ONCE
    assert ten.luminate.net == 500


@pytest.mark.parametrize("first", ["ok", "lost"])
def test_one_refund_that_was_sent_under_two_ids_is_flagged_until_it_is_not_there(both, first):
    both.luminate.script = [first, "lost"]
    both.take(TOTAL)
    both.take(NAMED)
    both.post()
    flags = [flag for _, flag in end_of(both)]
    assert sorted(flag[:19] for flag in flags) == ["", "Sent twice, perhaps"]
    both.deciding.absent(4, attempt=1, actor=operator("ann"), reason="not there")
    assert [(one.reason, one.flag) for one in both.refunds()] == [
        ("connection_lost" if first == "lost" else "", ""),
        ("same_refund", ""),
    ]


def test_one_refund_that_luminate_has_under_two_ids_is_flagged(both):
    both.take(TOTAL)
    both.take(NAMED)
    both.post()
    assert [flag[:30] for _, flag in end_of(both)] == ["", "Sent twice: 5.00 USD of it was"]


def test_one_refund_told_by_name_and_by_total_under_two_ids_is_booked_once(relay):
    relay.take(make_gift(keys=("ch_1", "pi_0")))
    relay.take(make_gift(keys=("pi_1",)))
    relay.take(make_refund("5.00", parents=("ch_1",)))
    relay.take(make_total("5.00", parents=("pi_1",)))
    assert end_of(relay) == ONCE
    assert relay.luminate.net == 2000


def test_what_came_back_under_another_id_leaves_a_total_to_a_person(relay):
    relay.take(make_gift("10.00"))
    relay.take(TOTAL)
    relay.take(NAMED)
    relay.take(make_back(parents=("pi_1",)))
    assert end_of(relay) == [("taken_back", ""), ("taken_back", ""), ("total_unclear", "")]


def test_what_came_back_under_another_id_flags_a_total_that_was_sent(ten):
    ten.take(TOTAL)
    ten.post()
    ten.take(NAMED)
    ten.take(make_back(parents=("pi_1",)))
    assert [flag[:28] for _, flag in end_of(ten)] == ["Perhaps come back: 5.00 USD ", ""]


# --- what is left ----------------------------------------------------------------------------------------------------


def closed_while_unknown(relay):
    relay.luminate.script = ["recorded"]
    relay.take(make_refund("20.00"))
    relay.post()
    relay.deciding.close(2, actor=operator("ann"), reason="enough of it")


def test_a_refund_that_was_closed_while_it_was_unknown_counts_against_what_is_left(given):
    closed_while_unknown(given)
    given.take(make_refund("10.00", keys=("re_2",)))
    given.post()
    assert (given.statuses(Kind.REFUND), given.luminate.net) == (["closed", "held"], 500)


def test_a_refund_that_somebody_looked_for_before_closing_it_leaves_room(given):
    closed_while_unknown(given)
    given.luminate.refunds.clear()
    given.later(hours=1)
    given.deciding.reopen(2, actor=operator("ann"), reason="I look")
    given.deciding.absent(2, attempt=1, actor=operator("ann"), reason="not there")
    given.deciding.close(2, actor=operator("ann"), reason="nor should it be")
    given.take(make_refund("10.00", keys=("re_2",)))
    given.post()
    assert (given.statuses(Kind.REFUND), given.luminate.net) == (["closed", "posted"], 1500)


def test_a_refund_in_another_currency_forgoes_no_gift(relay):
    relay.take(make_gift("25.00"))
    relay.take(make_refund(Money.parse("25.00", "CAD")))
    assert relay.statuses() == ["queued", "waiting"]


def test_a_later_refund_s_name_before_an_earlier_one_s_total_books_no_unit_too_much(given):
    given.take(make_refund("1.00", keys=("re_0",)))
    given.take(make_refund("1.00", keys=("re_2",)))
    given.take(make_total("3.00", before="1.00"))
    given.take(make_refund("2.00", keys=("re_1",)))
    given.take(make_refund("2.00", keys=("re_1",)))
    given.take(make_total("4.00", before="3.00"))
    given.post()
    assert given.luminate.net == 2100
    given.take(make_back("re_1", "2.00"))
    assert [back.amount for back in given.entries(Kind.REINSTATEMENT)] == [usd("2.00")]


def test_a_refund_booked_in_two_parts_comes_back_whole(given):
    given.take(make_total("5.00"))
    given.post()
    given.take(make_refund("7.00", keys=("re_2",)))
    given.take(make_back("re_2", "7.00"))
    given.take(make_refund("5.00"))
    given.post()
    replay(given, *[one.id for one in given.entries(Kind.REINSTATEMENT)])
    given.post()
    assert given.luminate.net == 2000


def test_a_failure_told_before_its_name_undoes_what_totals_booked_of_it_in_parts(given):
    given.take(make_refund("1.00", keys=("re_0",)))
    given.take(make_total("3.00", before="1.00"))
    given.take(make_refund("1.00", keys=("re_2",)))
    given.take(make_total("4.00", before="3.00"))
    given.take(make_back("re_1", "2.00"))
    given.take(make_refund("2.00", keys=("re_1",)))
    given.post()
    assert given.luminate.net == 2300


def test_a_dispute_won_before_it_was_told_lost_touches_no_refund(given):
    given.take(make_total("5.00"))
    given.take(make_back("dp_1", "5.00"))
    given.take(make_chargeback("5.00"))
    given.post()
    assert (given.statuses(Kind.REFUND), given.luminate.net) == (["posted"], 2000)


def test_two_refunds_that_share_two_totals_both_fail(relay):
    relay.take(make_total("3.00"))
    relay.take(make_refund("1.00", keys=("re_1",)))
    relay.take(make_total("4.00", before="3.00"))
    relay.take(make_refund("3.00", keys=("re_0",)))
    relay.take(make_gift())
    relay.take(make_back("re_0", "3.00"))
    relay.take(make_back("re_1", "1.00"))
    relay.post()
    assert relay.luminate.net == 2500


def test_a_doubtful_total_holds_no_other_refund(given):
    given.take(make_back("re_1", "7.00"))
    given.take(make_total("8.00", before="1.00"))
    given.take(make_refund("1.00", keys=("re_0",)))
    given.post()
    assert (sorted(given.statuses(Kind.REFUND)), given.luminate.net) == (["held", "posted"], 2400)


def test_totals_of_two_ids_of_one_payment_count_once(relay):
    relay.take(make_gift(keys=("ch_1",)))
    relay.take(make_total("5.00"))
    relay.take(make_total("12.00", parents=("pi_1",)))
    relay.take(make_link("pi_1", "ch_1"))
    relay.post()
    assert relay.luminate.net == 1300


def test_a_dispute_won_first_puts_no_total_in_doubt(given):
    given.take(make_back("dp_1", "0.01"))
    given.take(make_total("0.99", before="0.98"))
    given.take(make_total("0.98", before="0.00"))
    given.post()
    assert (given.statuses(Kind.REFUND), given.luminate.net) == (["posted"], 2401)


# --- its gift was closed, and may be there ----------------------------------------------------------------------------


def closed_in_doubt(relay):
    relay.luminate.script = ["recorded"]  # Luminate has it, relay heard nothing
    relay.take(make_gift())
    relay.post(1)
    relay.deciding.close(1, actor=operator("ann"), reason="it is in Luminate: C1")


def test_a_refund_of_a_gift_that_was_closed_in_doubt_is_a_person_s(relay):
    closed_in_doubt(relay)
    relay.take(make_refund("5.00"))
    (refund,) = relay.refunds()
    assert (refund.status, refund.reason) == (Status.HELD, "gift_closed_unproven")
    assert "it is in Luminate: C1" in refund.reason_text


def test_so_is_one_that_had_waited(relay):
    relay.luminate.script = ["recorded"]
    relay.take(make_gift())
    relay.post(1)
    relay.take(make_refund("5.00"))
    relay.deciding.close(1, actor=operator("ann"), reason="it is in Luminate: C1")
    assert [one.reason for one in relay.refunds()] == ["gift_closed_unproven"]


def test_and_it_is_made_once_the_gift_is_found(relay):
    closed_in_doubt(relay)
    relay.take(make_refund("5.00"))
    relay.deciding.reopen(1, actor=operator("ann"), reason="there it is")
    assert [one.status for one in relay.refunds()] == [Status.WAITING]
    relay.deciding.found(1, "C1", actor=operator("ann"), reason="there it is")
    relay.post()
    assert relay.luminate.net == 2000


def test_a_total_that_a_person_said_stands_does_not_swallow_the_next_refund_unsaid(given):
    given.take(make_refund("5.00"))
    given.post()
    given.take(make_back("re_1", "5.00"))
    replay(given, *[one.id for one in given.entries(Kind.REINSTATEMENT)])
    given.post()
    given.take(make_total("5.00"))  # of another refund, whose name got lost
    (doubt,) = (one for one in given.refunds() if one.reason == "total_unclear")
    replay(given, doubt.id)
    given.post()
    given.take(make_refund("3.00", keys=("re_3",)))
    last = given.events()[-1]
    assert (last["verdict"], f"nothing proves that entry {doubt.id} is this refund" in last["note"]) == (
        "flagged",
        True,
    )
