"""Two gifts of one e-mail are never in flight at once: Luminate could make two constituents of one new donor."""

from dataclasses import replace

import pytest

from relay.access import operator
from relay.gifts import Donor
from relay.ledger import claims, donors
from relay.status import Kind, Status
from tests.builders import DONOR, make_gift, make_organization, make_refund, make_relay
from tests.support.sealed import NEW, OLD


def two_of_one_donor(relay, word):
    """The first is sent, and ends like this; then the second comes."""
    relay.luminate.script = [word]
    relay.take(make_gift(keys=("ch_1",)))
    relay.posting().run()
    relay.take(make_gift(keys=("ch_2",)))


def found(posting):
    with posting.database.read() as tx:
        return posting._candidate(tx)


def taken(posting, candidate):
    with posting.database.write() as tx:
        return posting._take(tx, candidate)


# --- a worker that stood still -----------------------------------------------------------------------------------


def test_a_worker_that_stood_still_does_not_claim_beside_another_gift_of_the_donor(relay):
    two_of_one_donor(relay, "not_sent")
    first, second = relay.posting(worker="a"), relay.posting(worker="b")
    late = found(first)
    relay.later(hours=1)  # stands still; the lease of its run is over
    other = taken(second, found(second))
    assert (other.entry.id, late.id) == (1, 2)
    assert taken(first, late) is None
    assert [entry.status for entry in relay.gifts()] == [Status.POSTING, Status.QUEUED]


def test_a_worker_that_stood_still_sends_nothing_under_an_address_that_was_corrected_meanwhile(relay):
    relay.take(make_gift())
    posting = relay.posting()
    late = found(posting)
    relay.correcting.correct(1, {"donor.email": "new@example.org"}, actor=operator("Ada"), reason="she told us")
    assert taken(posting, late) is None
    assert taken(posting, found(posting)).entry.donor_email == "new@example.org"


# --- a call that ended without the truth -------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["lost", "recorded", "html", "failure"])
def test_the_next_gift_waits_while_luminate_may_still_be_at_work_on_the_first(relay, word):
    two_of_one_donor(relay, word)
    assert relay.posting().run().sent == 0
    relay.later(seconds=590)
    assert relay.posting().run().sent == 0
    assert relay.statuses() == ["unknown", "queued"]


def test_it_waits_no_longer_than_the_settling_time_even_if_the_first_waits_for_a_person(relay):
    two_of_one_donor(relay, "recorded")
    relay.later(seconds=601)
    assert relay.sweep().run().rung == ["alder"]
    assert relay.posting().run().sent == 1
    assert relay.statuses() == ["unknown", "posted"]


@pytest.mark.parametrize("settle_seconds", [0, 30])
def test_the_settling_time_is_the_organization_s_own(sqlite_url, settle_seconds):
    organization = make_organization()
    probe = replace(organization.probe, settle_seconds=settle_seconds)
    relay = make_relay(sqlite_url, replace(organization, probe=probe))
    two_of_one_donor(relay, "lost")
    relay.later(seconds=settle_seconds + 1)
    relay.post()
    assert relay.statuses() == ["unknown", "posted"]


def test_it_goes_at_once_when_the_doubt_is_over(relay):
    two_of_one_donor(relay, "recorded")
    relay.deciding.found(1, "C9", actor=operator("ann"), reason="seen there")
    assert relay.posting().run().sent == 1
    assert relay.statuses() == ["posted", "posted"]


def test_a_look_up_that_found_nothing_yet_makes_it_wait_no_longer(relay):
    """What moves the first entry does not move the end of its call."""
    two_of_one_donor(relay, "lost")
    relay.later(seconds=500)
    with relay.database.write() as tx:
        tx.exec_driver_sql("UPDATE entries SET probes = 1 WHERE id = 1")
        tx.exec_driver_sql("UPDATE entries SET changed_at = next_attempt_at WHERE id = 1")
    relay.later(seconds=101)
    assert relay.posting().run().sent == 1


def test_a_lease_that_was_lost_is_such_a_call(relay):
    relay.take(make_gift(keys=("ch_1",)))
    relay.take(make_gift(keys=("ch_2",)))
    posting = relay.posting(worker="killed")
    taken(posting, found(posting))
    relay.later(seconds=200)
    relay.sweep().run()
    assert relay.posting().run().sent == 0
    relay.later(seconds=601)
    assert relay.posting().run().sent == 1


def test_a_gift_of_anybody_else_does_not_wait(relay):
    two_of_one_donor(relay, "lost")
    relay.take(make_gift(keys=("ch_3",), donor=Donor(name=DONOR.name, email="other@example.org")))
    relay.take(make_gift(keys=("ch_4",), donor=Donor(name=DONOR.name)))
    relay.post()
    assert relay.statuses() == ["unknown", "queued", "posted", "held"]


def test_refunds_neither_wait_for_a_gift_in_doubt_nor_keep_one_waiting(relay):
    relay.take(make_gift(keys=("ch_1",)))
    relay.post()
    relay.luminate.script = ["lost", "lost"]
    relay.take(make_gift(keys=("ch_2",)))
    relay.post()
    relay.later(seconds=300)
    relay.take(make_refund(parents=("ch_1",)))
    relay.post()
    assert [name for name, _ in relay.luminate.calls] == ["add", "add", "refund"]
    relay.later(seconds=301)  # the gift is settled, the refund is not
    relay.take(make_gift(keys=("ch_3",)))
    relay.post()
    assert relay.statuses(Kind.GIFT) == ["posted", "unknown", "posted"]
    assert relay.statuses(Kind.REFUND) == ["unknown"]


@pytest.mark.parametrize(("first", "second"), [((), (NEW,)), ((OLD,), (NEW, OLD)), ((NEW,), (NEW,))])
def test_it_waits_however_the_addresses_of_the_two_are_sealed(sqlite_url, first, second):
    relay = make_relay(sqlite_url, keys=first)
    relay.luminate.script = ["lost"]
    relay.take(make_gift(keys=("ch_1",)))
    relay.post()
    later = make_relay(sqlite_url, keys=second)
    later.take(make_gift(keys=("ch_2",)))
    assert later.posting().run().sent == 0
    later.later(seconds=601)
    assert later.posting().run().sent == 1


# --- one site ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["https://lo.invalid/site", "https://elsewhere.invalid/site"])
def test_two_organizations_on_one_site_are_one_place_for_a_donor(sqlite_url, url):
    birch = make_organization("birch")
    birch = replace(birch, luminate=replace(birch.luminate, url=url))
    relay = make_relay(sqlite_url, make_organization("alder"), birch)
    known = relay.settings.organizations
    relay.luminate.script = ["lost"]
    relay.take(make_gift(keys=("ch_1",)))
    relay.posting(organization=known["alder"]).run()
    relay.take(make_gift(keys=("ch_2",)), organization="birch")
    is_elsewhere = "elsewhere" in url
    assert relay.posting(organization=known["birch"]).run().sent == is_elsewhere
    relay.later(seconds=601)
    assert relay.posting(organization=known["birch"]).run().sent == (not is_elsewhere)


def test_whoever_has_no_address_waits_for_nobody(relay):
    with relay.database.read() as tx:
        now = relay.database.now(tx)
        assert not donors.has_another_flying(tx, "", Kind.GIFT, ("alder",), now)
        assert claims.next_due(tx, "alder", now) is None
