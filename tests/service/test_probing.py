"""An unknown entry is looked up until the truth is known; the machine never sends it again without proof."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from relay.access import operator
from relay.config import Probe
from relay.errors import MaybeSent, ReadRefused
from relay.gifts import Donor, Tender, TenderKind
from relay.ledger import claims
from relay.luminate.seen import Seen
from relay.outbound.probing import Probing
from relay.status import Status
from tests.builders import DONOR, make_back, make_gift, make_organization, make_refund, make_relay
from tests.fakes import donation

LADDER = (120, 600, 3600, 21600, 86400)


class FakeReader:
    """Shows what a FakeLuminate recorded, each at the moment its script says; or refuses."""

    def __init__(self, relay):
        self.relay = relay
        self.refuses = None
        self.hidden, self.unreadable = set(), set()
        self.extra = []
        self.asked = []

    def seen(self, *, email, cons_id="", begin, end, kind="DONATION"):
        self.asked.append((email, kind))
        if self.refuses:
            raise self.refuses
        if email in self.unreadable:
            raise ReadRefused("several_constituents", "The e-mail address belongs to several constituents.")
        at = self.relay.attempts()[-1]["started_at"] + timedelta(seconds=1)
        if kind == "REFUND":
            rows = [self.row(Decimal(one["refund_amount"]), one["refund_user_confirm_code"], at, kind)
                    for one in self.relay.luminate.refunds]  # fmt: skip
        else:
            rows = [
                self.row(Decimal(one["other_amount"]), code, at, kind, tender=one["offline_payment_method"])
                for code, one in self.relay.luminate.gifts.items()
                if one["donor.email"] == email and code not in self.hidden
            ]
        return tuple(row for row in (*rows, *self.extra) if row.at is None or begin <= row.at <= end)

    @staticmethod
    def row(amount, code, at, kind="DONATION", **told):
        return Seen(kind=kind, confirmation_code=code, amount=amount, at=at, **told)


class Shows:
    """A look-up that shows these rows, where their time lies in what is asked for."""

    def __init__(self, *rows):
        self.rows = rows

    def seen(self, *, email, cons_id="", begin, end, kind="DONATION"):
        return tuple(row for row in self.rows if row.kind == kind and begin <= row.at <= end)


@pytest.fixture
def reader(relay):
    return FakeReader(relay)


def probe(relay, reader, organization=None):
    return Probing(relay.database, organization or relay.organization, reader).run()


def unknown(relay, word, **gift):
    """One gift whose call ended without an answer."""
    relay.luminate.script = [word]
    relay.take(make_gift(tender=Tender(kind=TenderKind.CARD, last4="4242"), **gift))
    relay.post()
    (entry,) = relay.unknown()
    relay.later(seconds=121)
    return entry


def test_what_was_recorded_is_found_and_adopted(relay, reader):
    entry = unknown(relay, "recorded")
    assert probe(relay, reader).recorded == [entry.id]
    found = relay.entry(entry.id)
    assert (found.status, found.confirmation_code) == (Status.POSTED, "C1")
    relay.post()
    assert len(relay.luminate.gifts) == 1


def test_its_refund_goes_once_it_is_found(relay, reader):
    unknown(relay, "recorded")
    relay.take(make_refund("5.00"))
    assert relay.statuses() == ["unknown", "waiting"]
    probe(relay, reader)
    relay.post()
    assert relay.statuses() == ["posted", "posted"]
    assert relay.luminate.refunds[0]["refund_user_confirm_code"] == "C1"


def test_nothing_seen_is_no_proof_before_the_settling_time(relay, reader):
    entry = unknown(relay, "lost")
    assert probe(relay, reader).later == [entry.id]
    assert relay.entry(entry.id).status is Status.UNKNOWN
    assert probe(relay, reader).later == []  # the next rung is minutes away


def test_a_worker_that_stood_still_after_its_look_up_proves_nothing_by_it(relay, reader):
    class SlowReader(FakeReader):
        def seen(self, **asked):
            rows = super().seen(**asked)
            relay.later(seconds=3600)  # frozen with the rows in hand, while Luminate records the gift
            return rows

    entry = unknown(relay, "lost")
    assert probe(relay, SlowReader(relay)).later == [entry.id]
    assert relay.entry(entry.id).status is Status.UNKNOWN


def test_proven_absent_it_is_sent_again_and_mails_nobody(relay, reader):
    entry = unknown(relay, "lost")
    probe(relay, reader)
    relay.later(seconds=600)
    assert probe(relay, reader).absent == [entry.id]
    relay.post()
    found = relay.entry(entry.id)
    assert (found.status, found.fence, len(relay.luminate.gifts)) == (Status.POSTED, 2, 1)
    assert relay.luminate.mails == 0
    assert found.mail is False


def test_a_gift_that_luminate_shows_late_is_not_sent_twice(relay, reader):
    entry = unknown(relay, "recorded")
    reader.hidden = {"C1"}
    probe(relay, reader)
    reader.hidden = set()
    relay.later(seconds=600)
    assert probe(relay, reader).recorded == [entry.id]
    assert len(relay.luminate.sent("add")) == 1


def test_look_alikes_go_to_a_person_with_the_rows(relay, reader):
    entry = unknown(relay, "recorded")
    at = relay.attempts()[-1]["started_at"]
    reader.extra = [reader.row(Decimal("25.00"), "BY-HAND", at, tender="credit")]
    assert probe(relay, reader).person == [entry.id]
    found = relay.entry(entry.id)
    assert (found.status, found.reason, found.probe_at) == (Status.UNKNOWN, "look_alikes", None)
    assert sorted(row["confirmation_code"] for row in found.candidates) == ["BY-HAND", "C1"]


@pytest.mark.parametrize(
    "told",
    [{"tender": "check"}, {"last4": "1111"}, {"form_id": "9"}, {"email": "other@example.org"}, {"sub_source": "ch_9"}],
)
def test_a_row_that_differs_in_anything_both_sides_tell_is_another_gift(relay, reader, told):
    entry = unknown(relay, "lost")
    at = relay.attempts()[-1]["started_at"]
    reader.extra = [reader.row(Decimal("25.00"), "OTHER", at, **told)]
    assert probe(relay, reader).later == [entry.id]


def test_a_row_of_another_amount_or_another_hour_is_another_gift(relay, reader):
    entry = unknown(relay, "lost")
    at = relay.attempts()[-1]["started_at"]
    reader.extra = [reader.row(Decimal("25.01"), "A", at), reader.row(Decimal("25.00"), "B", at - timedelta(hours=1))]
    assert probe(relay, reader).later == [entry.id]


def test_our_own_transaction_id_beats_look_alikes(relay, reader):
    entry = unknown(relay, "recorded")
    at = relay.attempts()[-1]["started_at"]
    reader.extra = [reader.row(Decimal("25.00"), "C1", at, sub_source="ch_1"), reader.row(Decimal("25.00"), "X", at)]
    reader.hidden = {"C1"}
    assert probe(relay, reader).recorded == [entry.id]
    assert relay.entry(entry.id).confirmation_code == "C1"


def test_a_code_that_another_entry_owns_is_not_this_gift(relay, reader):
    relay.take(make_gift(keys=("ch_0",)))
    relay.post()
    entry = unknown(relay, "lost")
    assert [gift.status for gift in relay.gifts()] == [Status.POSTED, Status.UNKNOWN]
    assert probe(relay, reader).later == [entry.id]


def test_a_row_found_by_its_form_alone_may_be_anybodys(relay, reader):
    relay.take(make_gift(keys=("ch_0",), donor=Donor(name=DONOR.name, email="other@example.org")))
    relay.post()
    entry = unknown(relay, "lost")
    at = relay.attempts()[-1]["started_at"]
    form = relay.entry(entry.id).parameters["form_id"]
    reader.extra = [reader.row(Decimal("25.00"), "C1", at, form_id=form, by_form=True)]
    relay.later(hours=1)
    assert probe(relay, reader).absent == [entry.id]


@pytest.mark.parametrize("reason", ["several_constituents"])
def test_what_no_later_look_can_mend_goes_to_a_person_at_once(relay, reader, reason):
    entry = unknown(relay, "recorded")
    reader.refuses = ReadRefused(reason, "The e-mail address belongs to several constituents.")
    assert probe(relay, reader).person == [entry.id]
    assert relay.entry(entry.id).reason == f"probe_{reason}"


@pytest.mark.parametrize("error", [ReadRefused("not_permitted", "No."), MaybeSent("read_timeout: No answer.")])
def test_a_look_up_that_fails_is_repeated_on_the_ladder_then_a_person(relay, reader, error):
    entry = unknown(relay, "recorded")
    reader.refuses = error
    moments = []
    for _ in LADDER[1:]:
        probe(relay, reader)
        with relay.database.read() as tx:
            wait = relay.entry(entry.id).probe_at - relay.database.now(tx)
        moments.append(round(wait.total_seconds(), -1))
        relay.later(seconds=wait.total_seconds() + 1)
    assert moments == [480, 3000, 18000, 64800]
    assert probe(relay, reader).person == [entry.id]
    found = relay.entry(entry.id)
    assert (found.status, found.reason, found.probe_at) == (Status.UNKNOWN, "not_resolved", None)
    assert len(relay.luminate.sent("add")) == 1


def test_an_unknown_refund_that_was_recorded_is_found(relay, reader):
    relay.take(make_gift())
    relay.post()
    relay.luminate.script = ["recorded"]
    relay.take(make_refund("5.00"))
    relay.post()
    relay.later(seconds=121)
    assert len(probe(relay, reader).recorded) == 1
    assert relay.statuses() == ["posted", "posted"]


def test_an_unknown_refund_is_never_sent_again_by_the_machine(relay, reader):
    relay.take(make_gift())
    relay.post()
    relay.luminate.script = ["lost"]
    relay.take(make_refund("5.00"))
    relay.post()
    relay.later(hours=1)
    assert len(probe(relay, reader).person) == 1
    relay.later(days=30)
    relay.post()
    assert len(relay.luminate.sent("refund")) == 1
    assert relay.refunds()[0].reason == "refund_not_seen"


def test_an_equal_refund_that_is_known_is_not_taken_for_the_unknown_one(relay, reader):
    relay.take(make_gift())
    relay.post()
    relay.take(make_refund("5.00", keys=("re_1",)))
    relay.post()
    relay.luminate.script = ["lost"]
    relay.take(make_refund("5.00", keys=("re_2",)))
    relay.post()
    relay.later(hours=1)
    assert probe(relay, reader).recorded == []
    assert len(relay.luminate.refunds) == 1


def test_of_two_equal_refunds_neither_gets_the_other_s_transaction(relay, reader):
    relay.take(make_gift())
    relay.post()
    relay.luminate.script = ["ok", "recorded"]
    relay.take(make_refund("5.00", keys=("re_1",)), make_refund("5.00", keys=("re_2",)))
    relay.post()
    relay.later(hours=1)
    at = relay.attempts()[-1]["started_at"]
    rows = [reader.row(Decimal("5.00"), "C1", at, "REFUND", transaction_id=number) for number in ("1", "2")]
    reader.seen = lambda **_asked: rows
    assert probe(relay, reader).recorded == [3]
    assert [refund.luminate_transaction_id for refund in relay.refunds()] == ["", ""]


def two_equal_refunds_in_doubt(relay, *became):
    relay.take(make_gift())
    relay.post()
    relay.luminate.script = list(became)
    relay.take(make_refund("5.00", keys=("re_1",)), make_refund("5.00", keys=("re_2",)))
    relay.post()
    relay.later(hours=1)


@pytest.mark.parametrize("became", [("recorded", "lost"), ("lost", "recorded")])
def test_of_two_equal_refunds_in_doubt_the_only_row_is_nobody_s(relay, reader, became):
    """Found by the simulation (seed 4220): the first one looked up took the row of the other."""
    two_equal_refunds_in_doubt(relay, *became)
    probed = probe(relay, reader)
    assert (probed.recorded, probed.person) == ([], [2, 3])
    assert {refund.reason for refund in relay.refunds()} == {"look_alikes"}
    assert "2 refunds of this gift" in relay.refunds()[0].reason_text
    relay.deciding.found(2, "C1", actor=operator("ann"), reason="it is there")
    relay.deciding.absent(3, attempt=1, actor=operator("ann"), reason="only one is there")
    relay.post()
    assert [refund.status for refund in relay.refunds()] == [Status.POSTED] * 2
    assert len(relay.luminate.refunds) == 2


def test_two_equal_refunds_in_doubt_that_are_both_there_are_found(relay, reader):
    two_equal_refunds_in_doubt(relay, "recorded", "recorded")
    assert probe(relay, reader).recorded == [2, 3]


def test_a_refund_that_a_person_found_keeps_its_row_from_an_equal_one(relay, reader):
    """However late the person said so, and without a time."""
    two_equal_refunds_in_doubt(relay, "recorded", "lost")
    relay.deciding.found(2, "C1", actor=operator("ann"), reason="it is there")
    assert probe(relay, reader).recorded == []
    assert relay.entry(3).status is Status.UNKNOWN


def test_two_equal_refunds_in_doubt_wait_for_each_other_s_row(relay, reader):
    two_equal_refunds_in_doubt(relay, "recorded", "lost")
    relay.database.ahead -= timedelta(minutes=55)
    assert probe(relay, reader).later == [2, 3]


def test_a_lost_lease_is_looked_up_like_any_other_doubt(relay, reader):
    relay.take(make_gift())
    with relay.database.write() as tx:
        now = relay.database.now(tx)
        claims.claim(tx, claims.next_due(tx, "alder", now), now, seconds=180, worker="w", login_name="api")
    relay.later(seconds=181)
    relay.sweep().run()
    relay.later(seconds=121)
    probe(relay, reader)
    relay.later(seconds=600)
    assert len(probe(relay, reader).absent) == 1
    relay.post()
    assert len(relay.luminate.gifts) == 1


def test_a_pause_stops_no_look_up(relay, reader):
    entry = unknown(relay, "recorded")
    relay.luminate.script = ["blocked"]
    relay.take(make_gift(keys=("ch_2",), donor=replace(make_gift().donor, email="other@example.org")))
    relay.post()
    assert probe(relay, reader).recorded == [entry.id]


def test_the_sweep_rings_for_a_look_up(sqlite_url):
    relay = make_relay(sqlite_url, make_organization(probe=Probe(ladder=(10,), settle_seconds=0)))
    relay.luminate.script = ["recorded"]
    relay.take(make_gift())
    relay.post()
    relay.sweep().run()
    assert relay.bell.rings == ["alder"]  # the intake's ring only
    relay.later(seconds=11)
    relay.sweep("another").run()
    assert relay.bell.rings == ["alder", "alder"]


def test_two_probes_at_once_adopt_once(relay, reader):
    entry = unknown(relay, "recorded")
    probing = Probing(relay.database, relay.organization, reader)
    seen = relay.entry(entry.id)
    probed = probe(relay, reader)
    probing.probe(seen, probed)
    assert probed.recorded == [entry.id]


def test_a_refund_taken_back_while_its_gift_is_unknown_leaves_the_gift_alone(relay, reader):
    entry = unknown(relay, "recorded")
    relay.take(make_refund("25.00"))
    relay.take(make_back("re_1", "25.00"))
    probe(relay, reader)
    relay.post()
    assert relay.entry(entry.id).status is Status.POSTED
    assert relay.luminate.refunds == []


def test_a_row_of_another_amount_may_be_the_gift_on_a_level_of_its_own_so_absence_is_not_concluded(relay, reader):
    entry = unknown(relay, "lost")
    at = relay.attempts()[-1]["started_at"]
    reader.extra = [reader.row(Decimal("100.00"), "LEVEL", at, tender="credit")]
    relay.later(hours=1)
    assert probe(relay, reader).later == [entry.id]
    assert relay.entry(entry.id).status is Status.UNKNOWN


def test_a_row_of_another_amount_is_shown_to_a_person_and_flagged_once_it_is_said_to_be_the_gift(relay, reader):
    """Found by the simulation (seed 106): posted with another amount, and nothing said so."""
    entry = unknown(relay, "lost")
    at = relay.attempts()[-1]["started_at"]
    reader.extra = [reader.row(Decimal("100.00"), "LEVEL", at, tender="credit")]
    for _ in make_organization().probe.ladder:
        relay.later(days=1)
        probed = probe(relay, reader)
    assert probed.person == [entry.id]
    assert [row["amount"] for row in relay.entry(entry.id).candidates] == ["100.00"]
    relay.deciding.found(entry.id, "LEVEL", actor=operator("ann"), reason="it is there")
    assert (relay.entry(entry.id).status, relay.entry(entry.id).flag) == (Status.POSTED, "amount_differs")


def test_an_unknown_whose_only_call_is_told_late_to_have_sent_nothing_goes_again(relay, reader):
    """Found by the simulation: no call was in doubt any more, so its doubt ended anew with each look-up."""
    relay.take(make_gift())
    with relay.database.write() as tx:
        now = relay.database.now(tx)
        held = claims.claim(tx, claims.next_due(tx, "alder", now), now, seconds=180, worker="w", login_name="api")
    relay.later(seconds=181)
    relay.sweep().run()
    relay.luminate.script = ["not_sent"]
    relay.posting()._send(held)
    assert relay.entry(1).status is Status.UNKNOWN
    relay.later(seconds=121)
    assert probe(relay, reader).later == [1]
    relay.later(seconds=601)
    assert probe(relay, reader).absent == [1]


# --- answers mixed up: a gift is posted under the code of another donor's --------------------------------------------


def give(relay, number, word, **more):
    """A gift of a donor of its own, whose call ends with this word of Luminate's."""
    relay.luminate.script = [word]
    donor = Donor(name=DONOR.name, email=f"donor{number}@example.org")
    relay.take(make_gift(keys=(f"ch_{number}",), donor=donor, **more))
    relay.posting().run()


def answered_with(relay, code, *, recorded=True):
    def play(parameters):
        if recorded:
            relay.luminate.record("add", parameters)
        return donation(code, "25.00")

    return play


def look_until_known(relay, reader):
    for _ in range(12):
        relay.later(seconds=700)
        probe(relay, reader)
        relay.post()


def codes(relay):
    return {one.donor_email: one.confirmation_code for one in relay.gifts()}


def test_a_code_that_proves_to_be_another_donor_s_goes_to_its_owner(relay, reader):
    """Each gift ends once in Luminate and under its own code."""
    give(relay, 1, answered_with(relay, "C2"))
    give(relay, 2, "recorded")
    relay.later(seconds=121)
    assert probe(relay, reader).recorded == [2]
    first, second = relay.gifts()
    assert (first.status, first.reason, first.confirmation_code) == (Status.UNKNOWN, "code_of_another_gift", "")
    assert (second.status, second.confirmation_code) == (Status.POSTED, "C2")
    assert relay.balance_holds()
    look_until_known(relay, reader)
    assert [one.status for one in relay.gifts()] == [Status.POSTED, Status.POSTED]
    assert {email: relay.luminate.gifts[code]["donor.email"] for email, code in codes(relay).items()} == {
        email: email for email in codes(relay)
    }
    assert len(relay.luminate.gifts) == 2


def test_where_luminate_shows_no_gift_of_its_donor_a_code_is_not_taken_away(relay, reader):
    """Perhaps the first call was never recorded; perhaps its constituent has another address by now."""
    give(relay, 1, answered_with(relay, "C1", recorded=False))
    give(relay, 2, "recorded")
    for_a_person(relay, reader)


def test_what_was_believed_is_kept_in_the_history(relay, reader):
    give(relay, 1, answered_with(relay, "C2"))
    give(relay, 2, "recorded")
    relay.later(seconds=121)
    probe(relay, reader)
    (attempt, _), (correction,) = relay.attempts(), relay.corrections()
    assert (attempt["outcome"], attempt["reason"]) == ("unknown", "code_of_another_gift")
    assert b"C2" in attempt["reply"]
    assert (correction["who"], correction["before"]["confirmation_code"]) == ("relay", "C2")


def test_answers_that_went_round_in_a_circle_find_home(relay, reader):
    give(relay, 1, answered_with(relay, "C2"))
    give(relay, 2, answered_with(relay, "C3"))
    give(relay, 3, "recorded")
    look_until_known(relay, reader)
    assert list(codes(relay).values()) == ["C1", "C2", "C3"]


@pytest.mark.parametrize("word", ["not_sent", None])
def test_a_refund_released_by_a_wrong_code_waits_again_and_goes_with_the_right_one(relay, reader, word):
    give(relay, 1, answered_with(relay, "C2"))
    give(relay, 2, "recorded")
    relay.take(make_refund("5.00", parents=("ch_1",)))
    if word:
        relay.luminate.script = [word]
        relay.posting().run()
    relay.later(seconds=121)
    probe(relay, reader)
    (refund,) = relay.refunds()
    assert (refund.status, refund.reason) == (Status.WAITING, "gift_not_posted")
    look_until_known(relay, reader)
    assert [one["refund_user_confirm_code"] for one in relay.luminate.refunds] == ["C1"]


@pytest.mark.parametrize("word", ["ok", "lost"])
def test_where_a_refund_was_made_with_the_wrong_code_a_person_puts_it_right(relay, reader, word):
    give(relay, 1, answered_with(relay, "C2"))
    give(relay, 2, "recorded")
    relay.take(make_refund("5.00", parents=("ch_1",)))
    relay.luminate.script = [word]
    relay.posting().run()
    for_a_person(relay, reader)


def test_a_code_that_luminate_shows_of_both_donors_proves_nothing(relay, reader):
    """Two addresses of one constituent."""
    give(relay, 1, "ok")
    give(relay, 2, "lost")
    at = relay.attempts()[0]["started_at"]
    reader.extra = [reader.row(Decimal("25.00"), "C1", at)]
    for_a_person(relay, reader)


def test_a_code_whose_owner_cannot_be_looked_up_is_not_taken_away(relay, reader):
    give(relay, 1, answered_with(relay, "C2"))
    give(relay, 2, "recorded")
    reader.unreadable = {"donor1@example.org"}
    for_a_person(relay, reader)


def test_a_code_that_a_person_gave_is_not_taken_away(relay, reader):
    give(relay, 1, "lost")
    give(relay, 2, "recorded")
    relay.deciding.found(1, "C1", actor=operator("ann"), reason="looked")
    for_a_person(relay, reader)


def for_a_person(relay, reader):
    relay.later(seconds=121)
    assert probe(relay, reader).person == [2]
    owner, found = relay.gifts()
    assert (owner.status, owner.flag) == (Status.POSTED, "code_of_another_gift")
    assert (found.status, found.reason, found.probe_at) == (Status.UNKNOWN, "answers_mixed_up", None)
    assert [row["confirmation_code"] for row in found.candidates] == [owner.confirmation_code]
