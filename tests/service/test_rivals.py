"""Gifts that one row of Luminate's may be: by the same donor, by another organization's; rows that prove nothing."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event

from relay.access import operator
from relay.config import Fund
from relay.errors import MaybeSent, ReplayRefused
from relay.gifts import Designation, Donor, Tender, TenderKind
from relay.luminate.seen import Seen
from relay.outbound.probing import Probed, Probing
from relay.status import Status
from tests.builders import DONOR, make_gift, make_luminate, make_organization, make_refund, make_relay
from tests.fakes import donation
from tests.service.test_probing import FakeReader, Shows, probe, unknown

CARD = Tender(kind=TenderKind.CARD, last4="4242")
FUNDS = {"A": Fund(code="A", designee_id=7), "B": Fund(code="B", designee_id=8)}


class PunctualReader(FakeReader):
    """Shows each row at the moment of its own call."""

    def seen(self, *, email, cons_id="", begin, end, kind="DONATION"):
        calls = [one["started_at"] for one, recorded in
                 zip(self.relay.attempts(), self.relay.luminate.recorded, strict=True) if recorded]  # fmt: skip
        rows = [
            self.row(Decimal(one["other_amount"]), code, at + timedelta(seconds=1), kind)
            for at, (code, one) in zip(calls, self.relay.luminate.gifts.items(), strict=True)
            if one["donor.email"] == email
        ]
        return tuple(row for row in rows if begin <= row.at <= end)


@pytest.fixture
def relay(sqlite_url):
    return make_relay(sqlite_url, make_organization(funds=FUNDS))


@pytest.fixture
def reader(relay):
    return PunctualReader(relay)


def two_in_doubt(relay, *words, funds=("A", "B"), emails=(DONOR.email, DONOR.email)):
    """Two equal gifts, and what became of their calls; the second comes when the first has settled."""
    for number, (word, fund, email) in enumerate(zip(words, funds, emails, strict=True)):
        gift = make_gift(keys=(f"ch_{number}",), tender=CARD, donor=replace(DONOR, email=email))
        relay.luminate.script = [word]
        relay.take(replace(gift, designations=(Designation(fund=fund),)))
        relay.post()
        relay.later(seconds=601)
    relay.later(seconds=100)


def look_until_still(relay, reader, times=8):
    for _ in range(times):
        probe(relay, reader)
        relay.post()
        relay.later(seconds=700)


def sent_by_fund(relay):
    return Counter(one["designated.1.id"] for one in relay.luminate.gifts.values())


def test_of_two_gifts_to_two_funds_neither_takes_the_only_row(relay, reader):
    """The row does not say which fund: the first one looked up took the other's, which was then sent again."""
    two_in_doubt(relay, "lost", "recorded")
    probed = probe(relay, reader)
    assert (probed.recorded, probed.absent) == ([], [])
    look_until_still(relay, reader)
    assert {gift.reason for gift in relay.gifts()} == {"look_alikes"}
    assert "2 gifts of this amount are in doubt" in relay.gifts()[0].reason_text
    relay.deciding.found(2, "C1", actor=operator("ann"), reason="its fund is the one")
    relay.deciding.absent(1, attempt=1, actor=operator("ann"), reason="not there")
    relay.post()
    assert relay.statuses() == ["posted", "posted"]
    assert sent_by_fund(relay) == {"7": 1, "8": 1}


def test_a_row_from_before_the_other_s_call_is_not_the_other_s(relay, reader):
    two_in_doubt(relay, "recorded", "lost")
    probed = probe(relay, reader)
    assert (probed.recorded, probed.absent) == ([1], [2])
    relay.post()
    assert sent_by_fund(relay) == {"7": 1, "8": 1}


def test_two_rows_of_two_gifts_are_told_apart_by_a_person(relay, reader):
    two_in_doubt(relay, "recorded", "recorded")
    assert probe(relay, reader).person == [1, 2]
    assert "2 gifts" in relay.gifts()[0].reason_text


def test_neither_row_shows_and_both_are_sent_again(relay, reader):
    two_in_doubt(relay, "lost", "lost")
    look_until_still(relay, reader)
    assert sent_by_fund(relay) == {"7": 1, "8": 1}
    assert relay.statuses() == ["posted", "posted"]


@pytest.mark.parametrize("words", [("lost", "recorded"), ("recorded", "lost")])
def test_of_interchangeable_gifts_either_takes_the_row_and_the_other_is_sent_again(relay, reader, words):
    two_in_doubt(relay, *words, funds=("A", "A"))
    look_until_still(relay, reader)
    assert relay.statuses() == ["posted", "posted"]
    assert {gift.confirmation_code for gift in relay.gifts()} == {"C1", "C2"}
    assert sent_by_fund(relay) == {"7": 2}


def test_of_interchangeable_gifts_neither_takes_a_row_that_may_be_the_other_s_where_its_own_may_be_of_another_amount(
    relay, reader
):
    """Found by the simulation (seed 22): recorded with another amount it took the other's row, which was sent again."""

    def other_amount(parameters):
        relay.luminate.record("add", parameters | {"other_amount": "30.00"})
        raise MaybeSent("read_timeout: No answer.")

    two_in_doubt(relay, other_amount, "recorded", funds=("A", "A"))
    probed = probe(relay, reader)
    assert (probed.person, probed.recorded) == ([1], [2])
    assert relay.entry(2).confirmation_code == "C2"


def test_another_donor_s_gift_is_no_rival(relay, reader):
    two_in_doubt(relay, "lost", "recorded", emails=(DONOR.email, "other@example.org"))
    look_until_still(relay, reader)
    assert relay.statuses() == ["posted", "posted"]
    assert sent_by_fund(relay) == {"7": 1, "8": 1}


def test_two_addresses_of_the_constituent_that_was_sent_are_one_donor(relay):
    reader = FakeReader(relay)
    relay.luminate.script = ["lost", "recorded"]
    for number, fund in enumerate(("A", "B")):
        donor = replace(DONOR, email=f"donor{number}@example.org", cons_id="77")
        gift = make_gift(keys=(f"ch_{number}",), tender=CARD, donor=donor)
        relay.take(replace(gift, designations=(Designation(fund=fund),)))
        relay.post()
    at = relay.attempts()[1]["started_at"]
    reader.hidden, reader.extra = {"C1"}, [reader.row(Decimal("25.00"), "C1", at)]
    relay.later(seconds=700)
    assert probe(relay, reader).recorded == []


def test_a_gift_that_a_person_found_has_its_row_and_is_no_rival_any_more(relay, reader):
    two_in_doubt(relay, "recorded", "recorded")
    relay.deciding.found(1, "C1", actor=operator("ann"), reason="it is there")
    assert probe(relay, reader).recorded == [2]
    assert relay.entry(2).confirmation_code == "C2"


def test_a_rival_that_was_refused_when_it_was_sent_again_still_may_have_the_row(relay, reader):
    """Its first call was never told recorded, whatever became of the gift since."""
    two_in_doubt(relay, "lost", "recorded")
    relay.deciding.absent(1, attempt=1, actor=operator("ann"), reason="not there")
    relay.luminate.script = ["rejected"]
    relay.post()
    assert relay.entry(1).status is Status.REJECTED
    assert probe(relay, reader).recorded == []
    assert relay.entry(2).reason == "look_alikes"


def test_what_may_be_a_rival_s_is_waited_for_before_a_person_is_asked(relay, reader):
    two_in_doubt(relay, "lost", "recorded")
    relay.database.ahead -= timedelta(seconds=500)
    assert probe(relay, reader).later == [2]


def test_our_own_transaction_id_leaves_no_rival(relay):
    reader = FakeReader(relay)
    two_in_doubt(relay, "lost", "recorded")
    at = relay.attempts()[1]["started_at"]
    reader.hidden = {"C1"}
    reader.extra = [reader.row(Decimal("25.00"), "C1", at, sub_source=relay.entry(2).parameters["sub_source"])]
    assert probe(relay, reader).recorded == [2]


# --- two organizations on one site -----------------------------------------------------------------------------------


@pytest.fixture
def house(sqlite_url):
    """Alder and birch share a site; alder's gift is in Luminate."""
    relay = make_relay(sqlite_url, make_organization("alder"), make_organization("birch"))
    relay.take(make_gift(tender=CARD))
    relay.post()
    return relay


def birch_sends(house, word):
    house.luminate.script = [word]
    house.take(make_gift(tender=CARD, keys=("ch_2",)), organization="birch")
    birch = house.settings.organizations["birch"]
    house.posting(organization=birch).run()
    house.later(seconds=700)
    return birch


def test_a_neighbour_s_gift_on_the_same_site_is_not_taken_for_ours(house):
    birch = birch_sends(house, "lost")
    assert probe(house, FakeReader(house), birch).absent == [2]


def test_an_answer_with_a_neighbour_s_code_proves_nothing(house):
    birch_sends(house, lambda _: donation("C1", "25.00"))
    assert (house.entry(2).status, house.entry(2).reason) == (Status.UNKNOWN, "code_of_another_gift")


def test_nobody_may_say_that_a_neighbour_s_code_is_ours(house):
    birch_sends(house, "lost")
    with pytest.raises(ReplayRefused, match="belongs to entry 1"):
        house.deciding.found(2, "C1", actor=operator("ann"), reason="looked")


def test_a_neighbour_s_code_is_never_taken_away(house):
    """Another organization's gift is another's to put right: a person sees to it."""
    house.luminate.script = ["recorded"]
    donor = Donor(name=DONOR.name, email="other@example.org")
    house.take(make_gift(tender=CARD, keys=("ch_2",), donor=donor), organization="birch")
    birch = house.settings.organizations["birch"]
    house.posting(organization=birch).run()
    house.later(seconds=121)
    reader = FakeReader(house)
    reader.hidden = {"C2"}
    reader.seen = lambda **asked: (
        (reader.row(Decimal("25.00"), "C1", house.attempts()[1]["started_at"]),)
        if asked["email"] == "other@example.org"
        else (reader.row(Decimal("25.00"), "C9", house.attempts()[0]["started_at"]),)
    )
    assert probe(house, reader, birch).person == [2]
    assert house.entry(1).confirmation_code == "C1"


def test_organizations_on_sites_of_their_own_do_not_know_of_each_other(sqlite_url):
    own = make_luminate(url="https://birch.example/site")
    relay = make_relay(sqlite_url, make_organization("alder"), make_organization("birch", luminate=own))
    assert [one.on_site for one in relay.settings.organizations.values()] == [("alder",), ("birch",)]


def test_organizations_on_one_site_know_of_each_other_however_its_address_is_written(sqlite_url):
    alder = make_organization("alder")
    same = make_luminate(url=alder.luminate.url.upper() + "/")
    relay = make_relay(sqlite_url, make_organization("birch", luminate=same), alder)
    assert {one.on_site for one in relay.settings.organizations.values()} == {("alder", "birch")}


# --- rows that prove nothing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [("C9", False), ("", True)], ids=["no time", "no code"])
def test_a_row_that_does_not_say_when_or_under_which_code_goes_to_a_person(relay, row):
    """One without a time may be of any day: taken for ours, ours was lost."""
    entry = unknown(relay, "lost")
    reader = FakeReader(relay)
    code, timed = row
    reader.extra = [reader.row(Decimal("25.00"), code, relay.attempts()[0]["started_at"] if timed else None)]
    relay.later(hours=1)
    assert probe(relay, reader).person == [entry.id]
    assert "not its time or its code" in relay.entry(entry.id).reason_text


def test_our_own_transaction_id_needs_no_time(relay):
    entry = unknown(relay, "lost")
    reader = FakeReader(relay)
    reader.extra = [reader.row(Decimal("25.00"), "C9", None, sub_source=entry.parameters["sub_source"])]
    assert probe(relay, reader).recorded == [entry.id]


def test_what_breaks_one_look_up_stops_no_other(relay):
    first = unknown(relay, "lost")
    relay.luminate.script = ["recorded"]
    other = Donor(name=DONOR.name, email="other@example.org")
    relay.take(make_gift(keys=("ch_2",), tender=CARD, donor=other))
    relay.post()
    relay.later(seconds=121)
    reader = FakeReader(relay)
    shown = reader.seen

    def seen(*, email, **asked):
        if email == DONOR.email:
            raise RuntimeError("nobody thought of that")
        return shown(email=email, **asked)

    reader.seen = seen
    probed = probe(relay, reader)
    assert (probed.later, probed.recorded) == ([first.id], [2])
    assert "relay itself failed" in relay.entry(first.id).reason_text


def test_an_owner_of_whom_luminate_shows_nothing_is_not_believed_wrong(relay):
    """Its constituent's address was changed: taken away, its code went to another and its gift was sent again."""
    reader = FakeReader(relay)
    relay.luminate.script = ["ok", "lost"]
    for number in (1, 2):
        donor = Donor(name=DONOR.name, email=f"donor{number}@example.org")
        relay.take(make_gift(keys=(f"ch_{number}",), tender=CARD, donor=donor))
    relay.post()
    relay.later(seconds=700)
    moved = reader.row(Decimal("25.00"), "C1", relay.attempts()[0]["started_at"])
    reader.seen = lambda *, email, **_: (moved,) if email == "donor2@example.org" else ()
    assert probe(relay, reader).person == [2]
    first, second = relay.gifts()
    assert (first.status, first.confirmation_code) == (Status.POSTED, "C1")
    assert "from a wrong answer, or both addresses" in second.reason_text


# --- the account of the call ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["relay", "a person"])
def test_a_gift_that_is_found_is_that_of_the_account_that_sent_it(sqlite_url, who):
    """The login was changed since: its refund waits for a person, as only the account that added a gift may refund."""
    relay = make_relay(sqlite_url, make_organization())
    unknown(relay, "recorded")
    changed = make_organization(luminate=make_luminate(login_name="api2"))
    if who == "relay":
        assert probe(relay, FakeReader(relay), changed).recorded == [1]
    else:
        relay.deciding.organizations = {"alder": changed}
        relay.deciding.found(1, "C1", actor=operator("ann"), reason="looked")
    assert relay.entry(1).login_name == "api"


def test_two_addresses_of_one_constituent_known_by_earlier_gifts_are_rivals(relay):
    donors = [replace(DONOR, email=email) for email in ("mary@example.org", "john@example.org")]
    for number, donor in enumerate(donors):  # both were answered with constituent 9
        relay.take(make_gift("10.00", keys=(f"old_{number}",), donor=donor, designations=(Designation(fund="A"),)))
    relay.post()
    relay.later(days=2)
    two_in_doubt(relay, "lost", "recorded", emails=[donor.email for donor in donors])
    at = relay.attempts()[-1]["started_at"]

    class OfTheirConstituent(FakeReader):
        def seen(self, *, email, cons_id="", begin, end, kind="DONATION"):
            row = self.row(Decimal("25.00"), "C3", at, kind)
            return (row,) if cons_id == "9" and begin <= at <= end else ()

    look_until_still(relay, OfTheirConstituent(relay))
    assert [one.status for one in relay.entries()[2:]] == [Status.UNKNOWN, Status.UNKNOWN]


# --- refunds ----------------------------------------------------------------------------------------------------------


def of_refund(at):
    """What Luminate shows of one refund of 5.00."""
    return Seen(kind="REFUND", confirmation_code="C1", amount=Decimal("5.00"), at=at)


def in_doubt(relay, *refunds):
    """A posted gift and two refunds of 5.00, each with the word that its call met; and when each was called."""
    relay.take(make_gift(designations=(Designation(fund="A"),)))
    relay.post()
    for number, word in enumerate(refunds):
        relay.luminate.script = [word]
        relay.take(make_refund("5.00", keys=(f"re_{number}",)))
        relay.post()
        relay.later(minutes=40)


def test_a_refund_made_by_hand_is_not_taken_for_an_equal_one(relay):
    in_doubt(relay, "rejected")
    relay.deciding.close(2, actor=operator("Ada"), reason="refunded in Luminate by hand")
    by_hand = relay.entry(2).changed_at
    relay.luminate.script = ["lost"]
    relay.take(make_refund("5.00", keys=("re_2",)))
    relay.post()
    relay.later(hours=1)
    Probing(relay.database, relay.organization, Shows(of_refund(by_hand))).run()
    assert (relay.entry(3).status, relay.entry(3).reason) == (Status.UNKNOWN, "look_alikes")


def test_a_row_that_bears_its_gift_s_time_may_be_the_equal_refund_s_that_was_posted_later(relay):
    in_doubt(relay, "lost", "ok")
    given = relay.entry(1).posted_at
    Probing(relay.database, relay.organization, Shows(of_refund(given))).run()
    assert [one.status for one in relay.refunds()] == [Status.UNKNOWN, Status.POSTED]


@pytest.mark.parametrize("others", [2, 20])
def test_a_look_up_costs_the_same_however_many_other_donors_gifts_are_in_doubt(relay, reader, others):
    for number in range(others + 1):
        relay.take(make_gift(keys=(f"ch_{number}",), donor=replace(DONOR, email=f"{number}@example.org")))
    relay.luminate.script = ["recorded"] * (others + 1)
    relay.post(others + 1)
    relay.later(seconds=121)
    (first, *_), asked = relay.unknown(), []
    event.listen(relay.database.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    Probing(relay.database, relay.organization, reader).probe(first, Probed())
    assert relay.entry(first.id).status is Status.POSTED
    assert len(asked) < 30
