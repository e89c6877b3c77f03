"""What a named person may do with an entry: each status, each act, two people at once, nobody mailed by accident."""

import threading
from functools import partial

import pytest

from relay.access import operator
from relay.config import Mail
from relay.errors import ReplayRefused
from relay.gifts import Address, Designation, Donor, Name
from relay.ledger import claims, entries
from relay.ledger.search import Filter
from relay.status import Status
from tests.builders import DONOR, make_back, make_gift, make_organization, make_refund, make_relay

WHO = {"actor": operator("ann"), "reason": "because"}
WORDS = {Status.POSTED: "ok", Status.UNKNOWN: "lost", Status.REJECTED: "rejected", Status.RETRYING: "not_sent"}
REPLAYED = {Status.HELD, Status.REJECTED, Status.RETRYING}


def bring(relay, status):
    """A gift in this state, by what really leads there."""
    relay.take(make_gift())
    if status in WORDS:
        relay.luminate.script = [WORDS[status]]
        relay.post(1)
    elif status is Status.POSTING:
        with relay.database.write() as tx:
            now = relay.database.now(tx)
            claims.claim(tx, entries.get(tx, 1), now, seconds=60, worker="w", login_name="api")
    elif status in {Status.CLOSED, Status.HELD}:
        relay.deciding.close(1, **WHO)
    if status is Status.HELD:
        relay.deciding.reopen(1, **WHO)
    assert relay.entry(1).status is status
    return relay


ANN = operator("ann")


def plan(relay, *ids):
    return relay.plans.items(relay.draw(*(ids or (1,))), actor=ANN)


def again(relay, *ids, mail=False):
    return relay.replay(*(ids or (1,)), mail=mail)


GIFT_STATES = [status for status in Status if status is not Status.WAITING]


@pytest.mark.parametrize("status", GIFT_STATES)
def test_only_what_is_surely_not_in_luminate_is_replayed(relay, status):
    bring(relay, status)
    calls = len(relay.luminate.calls)
    (planned,) = plan(relay)
    assert bool(planned.skipped) == (status not in REPLAYED)
    assert again(relay) == ({1: "in line again"} if status in REPLAYED else {})
    relay.posting().run()
    sent = status in REPLAYED or status is Status.QUEUED
    assert len(relay.luminate.calls) == calls + sent
    assert len(relay.luminate.gifts) <= 1


@pytest.mark.parametrize(
    ("status", "allowed"),
    [(one, one not in {Status.POSTING, Status.POSTED, Status.CLOSED}) for one in GIFT_STATES],
)
def test_what_may_be_closed(relay, status, allowed):
    bring(relay, status)
    if allowed:
        assert relay.deciding.close(1, **WHO) == [1]
        assert (relay.entry(1).status, relay.entry(1).reason_text) == (Status.CLOSED, "because")
    else:
        with pytest.raises(ReplayRefused):
            relay.deciding.close(1, **WHO)
        assert relay.entry(1).status is status


@pytest.mark.parametrize("status", [one for one in GIFT_STATES if one is not Status.CLOSED])
def test_only_what_is_closed_is_reopened(relay, status):
    bring(relay, status)
    with pytest.raises(ReplayRefused):
        relay.deciding.reopen(1, **WHO)
    assert relay.entry(1).status is status


@pytest.mark.parametrize("status", [one for one in GIFT_STATES if one is not Status.UNKNOWN])
def test_only_the_unknown_is_resolved(relay, status):
    bring(relay, status)
    with pytest.raises(ReplayRefused):
        relay.deciding.found(1, "C9", **WHO)
    with pytest.raises(ReplayRefused):
        relay.deciding.absent(1, attempt=1, **WHO)
    assert relay.entry(1).status is status


@pytest.mark.parametrize("status", GIFT_STATES)
def test_what_may_be_corrected(relay, status):
    bring(relay, status)
    change = {"donor.name.first": "Maria"}
    if status in REPLAYED | {Status.QUEUED}:
        relay.correcting.correct(1, change, **WHO)
        assert relay.entry(1).parameters["donor.name.first"] == "Maria"
    else:
        with pytest.raises(ReplayRefused):
            relay.correcting.correct(1, change, **WHO)


def test_every_act_is_a_row_with_who_why_before_and_after(relay):
    bring(relay, Status.REJECTED)
    relay.correcting.correct(1, {"donor.name.first": "Maria"}, actor=operator("bob"), reason="a typing mistake")
    row = relay.corrections()[0]
    assert (row["who"], row["action"], row["reason"]) == ("bob", "correct", "a typing mistake")
    assert row["before"]["parameters"]["donor.name.first"] == "Mary"
    assert row["after"]["parameters"]["donor.name.first"] == "Maria"
    assert (row["before"]["status"], row["after"]["status"]) == ("rejected", "queued")


def test_a_correction_survives_later_replays_and_can_be_taken_back(relay):
    bring(relay, Status.REJECTED)
    relay.correcting.correct(1, {"donor.name.first": "Maria"}, **WHO)
    relay.luminate.script = ["rejected"]
    relay.post()
    again(relay)
    assert relay.entry(1).parameters["donor.name.first"] == "Maria"
    relay.correcting.correct(1, {"donor.name.first": ""}, **WHO)
    assert relay.entry(1).parameters["donor.name.first"] == "Mary"


@pytest.mark.parametrize("name", ["other_amount", "api_key", "login_name", "login_password", "method", "v"])
def test_amount_and_credentials_are_locked(relay, name):
    bring(relay, Status.REJECTED)
    with pytest.raises(ReplayRefused, match="cannot be corrected"):
        relay.correcting.correct(1, {name: "1"}, **WHO)


@pytest.mark.parametrize(("who", "reason"), [("", "why"), ("ann", ""), (" ", " ")])
def test_who_and_why_are_needed(relay, who, reason):
    bring(relay, Status.REJECTED)
    acts = [
        lambda: relay.plans.start(relay.draw(1), actor=operator(who), reason=reason),
        lambda: relay.correcting.correct(1, {"donor.name.first": "x"}, actor=operator(who), reason=reason),
        lambda: relay.deciding.close(1, actor=operator(who), reason=reason),
        lambda: relay.deciding.reopen(1, actor=operator(who), reason=reason),
        lambda: relay.deciding.found(1, "C1", actor=operator(who), reason=reason),
        lambda: relay.deciding.absent(1, attempt=1, actor=operator(who), reason=reason),
    ]
    for act in acts:
        with pytest.raises(ReplayRefused, match="who"):
            act()
    assert relay.corrections() == []


def test_everything_at_once_is_never_replayed(relay):
    with pytest.raises(ReplayRefused):
        relay.plans.draw(Filter(), actor=ANN, search="")


def test_two_people_at_once_cause_one_send(relay):
    bring(relay, Status.REJECTED)
    plans = [relay.draw(1), relay.draw(1, who="bob")]

    def start(number):
        relay.plans.start(number, **WHO)
        relay.plans.advance("alder")

    people = [threading.Thread(target=start, args=(number,)) for number in plans]
    for person in people:
        person.start()
    for person in people:
        person.join()
    relay.post()
    results = [relay.plans.items(number, actor=ANN)[0].result for number in plans]
    assert results.count("in line again") == 1
    assert sum(result.startswith("left alone") for result in results) == 1
    assert len(relay.luminate.gifts) == 1
    assert len(relay.luminate.calls) == 2


def test_an_entry_that_changed_since_the_plan_stays_as_it_is(relay):
    bring(relay, Status.RETRYING)
    old = relay.draw(1)
    relay.later(days=1)
    relay.post()
    relay.plans.start(old, **WHO)
    relay.plans.advance("alder")
    assert relay.plans.items(old, actor=ANN)[0].result.startswith("left alone: it has changed")
    assert (relay.entry(1).status, len(relay.luminate.gifts)) == (Status.POSTED, 1)


MAILING = make_organization(mail=Mail(receipt=True, registration=True, refund=True))


@pytest.mark.parametrize("mail", [False, True])
def test_a_replay_mails_nobody_unless_someone_chose_it(sqlite_url, mail):
    relay = make_relay(sqlite_url, MAILING)
    bring(relay, Status.REJECTED)
    assert relay.plans.show(relay.draw(1), actor=ANN).mailable == 1
    again(relay, mail=mail)
    relay.post()
    assert relay.luminate.mails == mail
    sent = relay.luminate.sent("add")[-1]
    assert {sent["send_receipt"], sent["send_registration_email"]} == {"true" if mail else "false"}


def test_a_refund_of_a_replayed_gift_and_its_replay_mail_nobody(sqlite_url):
    relay = make_relay(sqlite_url, MAILING)
    relay.take(make_gift())
    relay.post()
    relay.luminate.script = ["rejected"]
    relay.take(make_refund())
    relay.post()
    mails = relay.luminate.mails
    again(relay, 2)
    relay.post()
    assert (relay.entry(2).status, relay.luminate.mails) == (Status.POSTED, mails)


def test_found_keeps_the_code_and_releases_the_refunds(relay):
    relay.luminate.script = ["recorded"]
    relay.take(make_gift())
    relay.post()
    relay.take(make_refund())
    assert relay.deciding.found(1, "C1", **WHO) == [2]
    relay.post()
    assert (relay.statuses(), relay.luminate.net) == (["posted", "posted"], 2000)
    assert relay.corrections()[0]["action"] == "found"


def test_a_code_of_another_gift_is_no_proof(relay):
    relay.luminate.script = ["ok", "lost"]
    relay.take(make_gift())
    relay.take(make_gift(keys=("ch_2",)))
    relay.post()
    with pytest.raises(ReplayRefused, match="belongs to entry 1"):
        relay.deciding.found(2, "C1", **WHO)
    with pytest.raises(ReplayRefused, match="needed"):
        relay.deciding.found(2, " ", **WHO)
    assert relay.entry(2).status is Status.UNKNOWN


def test_absent_is_sent_once_more(relay):
    bring(relay, Status.UNKNOWN)
    relay.later(hours=1)
    relay.deciding.absent(1, attempt=1, **WHO)
    relay.post()
    assert (relay.entry(1).status, len(relay.luminate.gifts)) == (Status.POSTED, 1)


def test_absent_mails_nobody_because_the_call_in_doubt_may_have(sqlite_url):
    relay = bring(make_relay(sqlite_url, MAILING), Status.UNKNOWN)
    relay.later(hours=1)
    relay.deciding.absent(1, attempt=1, **WHO)
    relay.post()
    assert relay.entry(1).mail is False
    assert [told["send_receipt"] for told in relay.luminate.sent("add")] == ["true", "false"]


def test_absent_speaks_only_of_the_call_that_somebody_looked_for(relay):
    bring(relay, Status.UNKNOWN)
    seen = relay.entry(1).fence
    relay.luminate.script = ["lost"]
    relay.later(hours=1)
    relay.deciding.absent(1, attempt=seen, **WHO)
    relay.post()
    assert relay.entry(1).status is Status.UNKNOWN
    relay.later(hours=1)
    with pytest.raises(ReplayRefused, match="look once more"):
        relay.deciding.absent(1, attempt=seen, **WHO)
    assert relay.entry(1).status is Status.UNKNOWN


def test_absent_waits_until_what_was_sent_can_no_longer_appear_late(relay):
    bring(relay, Status.UNKNOWN)
    relay.later(seconds=590)
    with pytest.raises(ReplayRefused, match="may still appear in Luminate until"):
        relay.deciding.absent(1, attempt=1, **WHO)
    assert (relay.entry(1).status, relay.corrections()) == (Status.UNKNOWN, [])
    relay.later(seconds=20)
    relay.deciding.absent(1, attempt=1, **WHO)
    assert relay.entry(1).status is Status.QUEUED


def test_closing_a_gift_ends_the_refunds_that_wait_for_it(relay):
    relay.take(make_gift())
    relay.take(make_refund())
    assert relay.deciding.close(1, **WHO) == [1, 2]
    assert relay.statuses() == ["closed", "closed"]


def test_money_that_came_back_is_replayed_as_a_new_gift_that_mails_nobody(sqlite_url):
    relay = make_relay(sqlite_url, MAILING)
    relay.take(make_gift())
    relay.take(make_refund())
    relay.post()
    relay.take(make_back())
    mails = relay.luminate.mails
    again(relay, 3)
    relay.post()
    assert (relay.luminate.net, relay.luminate.mails) == (2500, mails)


def test_a_fund_that_was_mapped_meanwhile_lets_the_gift_go(sqlite_url):
    relay = make_relay(sqlite_url, make_organization(funds={}))
    relay.take(make_gift(designations=(Designation(fund="WATER"),)))
    assert relay.statuses() == ["held"]
    assert "held again" in plan(relay)[0].skipped
    relay.database.engine.dispose()
    mapped = make_relay(sqlite_url, make_organization())
    again(mapped)
    mapped.post()
    assert mapped.statuses() == ["posted"]


def test_an_entry_that_is_not_there_is_said(relay):
    absent = partial(relay.deciding.absent, attempt=0)
    for act in (relay.deciding.close, relay.deciding.reopen, absent):
        with pytest.raises(ReplayRefused, match="no entry 7"):
            act(7, **WHO)


def test_an_organization_that_is_gone_is_said(sqlite_url):
    relay = make_relay(sqlite_url)
    bring(relay, Status.REJECTED)
    relay.database.engine.dispose()
    other = make_relay(sqlite_url, make_organization("birch"))
    with pytest.raises(ReplayRefused, match="nothing was found"):
        other.draw(1)
    with pytest.raises(ReplayRefused, match="not configured"):
        other.deciding.close(1, **WHO)


def test_what_a_donor_lacks_may_be_corrected_by_hand(relay):
    relay.take(make_gift(donor=Donor(name=Name(last="Stone"), email=DONOR.email, address=Address())))
    assert relay.statuses() == ["held"]
    relay.correcting.correct(1, {"donor.name.first": "Mary", "billing.name.first": "Mary"}, **WHO)
    relay.post()
    assert relay.statuses() == ["posted"]


@pytest.mark.parametrize("kind", ["gift", "refund"])
def test_what_luminate_may_have_is_still_unknown_after_it_was_closed_and_opened_again(relay, kind):
    relay.take(make_gift())
    if kind == "refund":
        relay.post()
        relay.take(make_refund())
    number = len(relay.entries())
    relay.luminate.script = ["recorded"]
    relay.post(1)
    relay.deciding.close(number, **WHO)
    relay.deciding.reopen(number, **WHO)
    assert (relay.entry(number).status, relay.entry(number).probe_at) == (Status.UNKNOWN, None)
    assert again(relay, number) == {}
    relay.post()
    assert [*relay.luminate.recorded] == [True] * number
