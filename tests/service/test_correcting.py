"""Correction: what a person may change, what is refused beside its field, who is at it, and the second person."""

from datetime import timedelta

import pytest

from relay.access import Actor, Role, Through, allowed_by, operator
from relay.errors import CorrectionRefused, NotAllowed, ReplayRefused
from relay.gifts import Designation
from relay.ledger import audit, locks
from relay.ledger.work_tables import audit as audit_table
from relay.luminate.rules import LOCKED
from relay.status import Status
from tests.builders import make_gift, make_organization, make_refund, make_relay

ANN, BOB = operator("ann"), operator("bob")
ZIP = {"donor.address.zip": "97201"}


def person(name, role, organization="alder"):
    return Actor(name, Through.CONSOLE, allowed_by({organization: role}))


@pytest.fixture
def refused(relay):
    """A gift that Luminate refused."""
    relay.luminate.script = ["rejected"]
    relay.take(make_gift())
    relay.post(1)
    return relay


@pytest.fixture
def large(sqlite_url):
    """The same where a second person must agree: above 20 units, and it is 25."""
    relay = make_relay(sqlite_url, make_organization(second_person_above=20))
    relay.luminate.script = ["rejected"]
    relay.take(make_gift())
    relay.post(1)
    return relay


def correct(relay, changes, actor=ANN, **more):
    return relay.correcting.correct(1, changes, actor=actor, reason="she told us", **more)


def lines(relay):
    with relay.database.read() as tx:
        return list(audit.lines(tx, audit.Wanted()))


def test_a_correction_is_sent_and_kept_with_before_and_after(refused):
    assert correct(refused, ZIP).status is Status.QUEUED
    refused.post()
    assert refused.luminate.sent("add")[-1]["donor.address.zip"] == "97201"
    (row,) = refused.corrections()
    assert (row["who"], row["action"], row["reason"]) == ("ann", "correct", "she told us")
    assert row["after"]["parameters"]["donor.address.zip"] == "97201"
    assert row["before"]["parameters"].get("donor.address.zip") != "97201"
    (line,) = lines(refused)
    assert (line.who, line.action, line.subject, line.organization) == ("ann", "correct", "entry 1", "alder")
    assert line.details["changed"] == ["donor.address.zip"]
    assert "97201" not in str(line.details)


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"donor.email": "mary at example"}, "donor.email", "is not valid"),
        ({"form_id": "twelve"}, "form_id", "not a whole number"),
        ({"offline_payment_method": "gold"}, "offline_payment_method", "none of cash, check, credit"),
        ({"donor.phone_type": "mobile"}, "donor.phone_type", "none of home, work, other"),
        ({"fund": "WATR"}, "fund", "There is no fund"),
        ({"shoe_size": "42"}, "shoe_size", "not something that can be corrected"),
    ],
)
def test_a_wrong_value_is_told_beside_its_field_and_nothing_is_saved(refused, changes, field, sentence):
    before = refused.entry(1)
    with pytest.raises(CorrectionRefused) as caught:
        correct(refused, ZIP | changes)
    assert list(caught.value.wrong) == [field]
    assert sentence in caught.value.wrong[field]
    assert refused.entry(1) == before
    assert (refused.corrections(), lines(refused)) == ([], [])


@pytest.mark.parametrize("name", [*sorted(LOCKED), "designated.1.amount"])
def test_money_and_credentials_are_never_corrected(refused, name):
    with pytest.raises(CorrectionRefused, match="cannot be corrected"):
        correct(refused, {name: "1"})


def test_nothing_to_change_is_no_correction(refused):
    with pytest.raises(ReplayRefused, match="nothing was changed"):
        correct(refused, {})


def test_what_is_missing_beside_does_not_forbid_a_correction(sqlite_url):
    relay = make_relay(sqlite_url, make_organization(funds={}))
    relay.take(make_gift(designations=(Designation(fund="WATER"),)))
    assert correct(relay, ZIP).status is Status.HELD
    assert relay.entry(1).parameters["donor.address.zip"] == "97201"


def test_the_next_call_is_told_before_it_is_made(refused):
    told = refused.correcting.preview(1, ZIP, actor=ANN)
    assert told.effect == "will send one addOfflineDonation of $25.00 to form 1"
    assert ("donor's zip or postal code", "", "97201") in [(name, "", new) for name, _, new in told.changed]
    assert (told.wrong, told.held, refused.entry(1).status) == ({}, "", Status.REJECTED)
    assert refused.correcting.preview(1, {"donor.email": "x"}, actor=ANN).wrong.keys() == {"donor.email"}
    assert "mail" in refused.correcting.preview(1, {"donor.email": "x"}, actor=ANN).held


# --- who is at it -------------------------------------------------------------------------------------------------


def test_who_has_it_open_is_told_to_the_next(refused):
    assert refused.correcting.open(1, actor=ANN)[1] is None
    lock = refused.correcting.open(1, actor=BOB)[1]
    assert (lock.holder, lock.since <= refused.database.now(None)) == ("ann", True)
    assert refused.correcting.open(1, actor=ANN)[1] is None
    with pytest.raises(ReplayRefused, match="entry 1 is being corrected by ann"):
        correct(refused, ZIP, BOB)
    assert correct(refused, ZIP, BOB, take_over=True).status is Status.QUEUED
    assert lines(refused)[-1].details["taken_over_from"] == "ann"


def test_it_is_free_again_after_saving_leaving_or_a_quarter_of_an_hour(refused):
    refused.correcting.open(1, actor=ANN)
    correct(refused, ZIP, ANN)
    assert refused.correcting.open(1, actor=BOB)[1] is None
    refused.correcting.leave(1, actor=BOB)
    assert refused.correcting.open(1, actor=ANN)[1] is None
    refused.later(seconds=locks.LOCK_SECONDS + 1)
    assert refused.correcting.open(1, actor=BOB)[1] is None


def test_what_was_typed_before_another_s_change_does_not_undo_it(refused):
    seen = refused.entry(1).changed_at
    correct(refused, ZIP, BOB)
    with pytest.raises(ReplayRefused, match="has changed since you opened it"):
        correct(refused, {"donor.address.zip": "10001"}, as_of=seen)
    assert refused.entry(1).parameters["donor.address.zip"] == "97201"
    correct(refused, {"donor.address.zip": "10001"}, as_of=refused.entry(1).changed_at)


def test_what_somebody_is_correcting_is_not_replayed(refused):
    number = refused.draw(1)
    refused.correcting.open(1, actor=ANN)
    assert refused.plans.items(refused.draw(1), actor=BOB)[0].skipped == "ann is correcting it"
    refused.plans.start(number, actor=BOB, reason="again")
    refused.plans.advance("alder")
    assert refused.plans.items(number, actor=BOB)[0].result == "left alone: ann is correcting it"


# --- the second person --------------------------------------------------------------------------------------------


def test_a_correction_above_the_amount_waits_for_another_person(large):
    done = correct(large, ZIP)
    assert (done.status, done.proposal) == (Status.REJECTED, 1)
    assert large.entry(1).status is Status.REJECTED
    with pytest.raises(ReplayRefused, match="another person must agree"):
        large.proposing.agree(1, actor=operator(" Ann "))
    (shown,) = large.proposing.listing(None)
    assert (shown.proposal.proposed_by, shown.preview.held) == ("ann", "")
    assert large.proposing.agree(1, actor=BOB) is Status.QUEUED
    large.post()
    assert large.luminate.sent("add")[-1]["donor.address.zip"] == "97201"
    assert large.corrections()[0]["who"] == "ann, agreed by bob"
    assert [(line.who, line.action) for line in lines(large)] == [("ann", "propose"), ("bob", "agree")]
    with pytest.raises(ReplayRefused, match="agreed already, by bob"):
        large.proposing.agree(1, actor=operator("cat"))


def test_up_to_the_amount_one_person_is_enough(sqlite_url):
    relay = make_relay(sqlite_url, make_organization(second_person_above=25))
    relay.luminate.script = ["rejected"]
    relay.take(make_gift())
    relay.post(1)
    assert correct(relay, ZIP).proposal is None


def test_a_second_proposal_waits_for_the_first(large):
    correct(large, ZIP)
    with pytest.raises(ReplayRefused, match="waits for a second person already"):
        correct(large, {"donor.phone": "1"}, BOB)
    assert "second person" in large.plans.items(large.draw(1), actor=BOB)[0].skipped


def test_a_proposal_is_refused_by_another_and_withdrawn_by_its_maker(large):
    correct(large, ZIP)
    assert large.proposing.refuse(1, actor=BOB, reason="wrong street") == "refused"
    correct(large, ZIP)
    assert large.proposing.refuse(2, actor=ANN, reason="a mistake of mine") == "withdrawn"
    assert [line.action for line in lines(large)] == ["propose", "refuse", "propose", "withdraw"]
    assert large.entry(1).status is Status.REJECTED


def test_a_proposal_for_what_was_sent_meanwhile_changes_nothing(large):
    correct(large, ZIP)
    large.deciding.close(1, actor=BOB, reason="twice")
    with pytest.raises(ReplayRefused, match="only an unsent gift"):
        large.proposing.agree(1, actor=BOB)
    assert large.proposing.listing(None)[0].proposal.decision == ""


# --- who may ------------------------------------------------------------------------------------------------------


def test_a_viewer_may_not_and_for_an_outsider_there_is_no_such_gift(large):
    viewer, outsider = person("eve", Role.VIEWER), person("eve", Role.ADMIN, "birch")
    with pytest.raises(NotAllowed):
        correct(large, ZIP, viewer)
    with pytest.raises(ReplayRefused, match="there is no entry 1"):
        correct(large, ZIP, outsider)
    correct(large, ZIP, person("fay", Role.FINANCE))
    with pytest.raises(NotAllowed):
        large.proposing.agree(1, actor=viewer)
    with pytest.raises(ReplayRefused, match="there is no proposal 1"):
        large.proposing.agree(1, actor=outsider)
    with pytest.raises(NotAllowed):
        large.correcting.open(1, actor=viewer)


def test_a_refund_and_what_is_posted_are_not_corrected(relay):
    relay.take(make_gift())
    relay.take(make_refund())
    relay.post()
    for entry in (1, 2):
        with pytest.raises(ReplayRefused, match="only an unsent gift"):
            relay.correcting.correct(entry, ZIP, actor=ANN, reason="no")


def test_no_line_is_left_out_of_the_audit(large):
    correct(large, ZIP)
    large.proposing.agree(1, actor=BOB)
    with large.database.read() as tx:
        assert list(audit.faults(tx)) == []
    assert len(large.rows(audit_table)) == 2
    assert large.entry(1).changed_at - large.entry(1).received_at < timedelta(minutes=1)
