"""One gift per payment, whichever events announce it, in whatever order."""

import itertools

import pytest

from relay.access import operator
from relay.gifts import Donor, Flag, Name, Tender
from relay.inbound import booking
from relay.ledger import claims, entries
from relay.status import Kind, Status, Verdict
from tests.builders import (
    DONOR,
    make_back,
    make_gift,
    make_link,
    make_luminate,
    make_organization,
    make_refund,
    make_relay,
    usd,
    water,
)

# A sibling that tells less: no address.
LESS = Donor(name=Name(first="Mary", last="Stone"), email="mary@example.org")
SIBLINGS = (
    make_gift(keys=("ch_1", "pi_1")),
    make_gift(keys=("pi_1",), donor=Donor(), tender=Tender()),
    make_gift(keys=("cs_1", "pi_1"), donor=DONOR, tender=Tender(), designations=water()),
    make_gift(keys=("in_1",), donor=DONOR, tender=Tender()),
    make_link("in_1", "pi_1"),
)
ORDERS = list(itertools.permutations(range(len(SIBLINGS))))


@pytest.mark.parametrize("part", range(8))
def test_siblings_in_any_order_make_one_entry(sqlite_url, part):
    relay = make_relay(sqlite_url)
    for number, order in enumerate(ORDERS[part::8]):
        for place in order:
            relay.take(*renamed(SIBLINGS[place], number))
    gifts = relay.gifts()
    assert len(gifts) == len(ORDERS[part::8])
    assert {(gift.status, gift.amount, gift.fund, gift.donor_email) for gift in gifts} == {
        (Status.QUEUED, usd("25.00"), "WATER", "mary@example.org")
    }
    relay.post(200)
    assert len(relay.luminate.gifts) == len(gifts)
    assert relay.balance_holds()


def renamed(fact, number):
    keys = tuple(f"{key}_{number}" for key in fact.keys)
    return (make_link(*keys) if not hasattr(fact, "amount") else make_gift_like(fact, keys),)


def make_gift_like(gift, keys):
    return make_gift(gift.amount, keys=keys, donor=gift.donor, tender=gift.tender, designations=gift.designations)


def test_siblings_posted_after_each_event_are_posted_once(sqlite_url):
    for number, order in enumerate(ORDERS[::7]):
        relay = make_relay(sqlite_url.replace("ledger", f"ledger{number}"))
        for place in order:
            relay.take(SIBLINGS[place])
            relay.post()
        # in_1 and pi_1 are two payments until the link comes: what was sent before it, was sent.
        linked_last = order.index(4) > max(order.index(3), min(order.index(place) for place in (0, 1, 2)))
        assert len(relay.luminate.gifts) == (2 if linked_last else 1)
        assert bool([entry for entry in relay.entries(Kind.GIFT) if "Sent twice" in entry.flag]) == linked_last
        relay.database.engine.dispose()


def test_a_later_event_fills_what_is_blank(relay):
    relay.take(make_gift(keys=("pi_1",), donor=Donor(), tender=Tender()))
    assert relay.statuses() == ["held"]
    taken = relay.take(make_gift(keys=("pi_1", "ch_1"), designations=water()))
    (gift,) = relay.gifts()
    assert taken.verdict is Verdict.ENTRY
    assert (gift.status, gift.donor_email, gift.fund) == (Status.QUEUED, "mary@example.org", "WATER")


def test_a_later_event_overwrites_nothing(relay):
    relay.take(make_gift())
    taken = relay.take(make_gift(donor=Donor(name=Name(first="Eve", last="Other"), email="eve@example.org")))
    (gift,) = relay.gifts()
    assert taken.verdict is Verdict.DUPLICATE
    assert (gift.donor_email, gift.donor_name) == ("mary@example.org", "Mary Stone")


def test_another_amount_is_flagged_and_changes_nothing(relay):
    relay.take(make_gift("25.00"))
    taken = relay.take(make_gift("30.00"))
    assert taken.verdict is Verdict.FLAGGED
    assert [gift.amount for gift in relay.gifts()] == [usd("25.00")]
    assert "says 30.00 USD, but entry 1 has 25.00 USD" in relay.events()[1]["note"]


def test_a_gift_forgone_for_its_refund_is_filled_in_case_the_refund_fails(relay):
    relay.take(make_gift(keys=("pi_1",), donor=Donor()))
    relay.take(make_refund("25.00"))
    relay.take(make_gift(keys=("ch_1", "pi_1")))
    assert relay.statuses() == ["closed", "closed"]
    relay.take(make_back("re_1", "25.00"))
    assert [(gift.status, gift.reason) for gift in relay.gifts()] == [(Status.HELD, "money_came_back")]
    relay.replay(1)
    relay.post()
    assert relay.luminate.net == 2500


@pytest.mark.parametrize("status", [Status.POSTING, Status.UNKNOWN, Status.POSTED])
def test_what_may_be_in_luminate_is_never_filled(relay, status):
    relay.take(make_gift(donor=LESS))
    bring(relay, 1, status)
    before = relay.entry(1)
    assert relay.take(make_gift()).verdict is Verdict.DUPLICATE
    assert relay.entry(1) == before


def test_a_refused_gift_is_filled_for_its_replay_and_not_sent_by_itself(relay):
    relay.luminate.script = ["rejected"]
    relay.take(make_gift(donor=LESS))
    relay.post()
    relay.take(make_gift(designations=water()))
    gift = relay.entry(1)
    assert (gift.status, gift.parameters["donor.address.city"], gift.fund) == (Status.REJECTED, "Bay", "WATER")
    assert gift.reason_text.startswith("Luminate refused it.")
    assert relay.posting().run().sent == 0


def test_a_reopened_gift_waits_for_its_replay_whatever_else_is_told(relay):
    relay.take(make_gift(donor=LESS))
    relay.deciding.close(1, actor=operator("ann"), reason="not sure")
    relay.deciding.reopen(1, actor=operator("ann"), reason="look again")
    relay.take(make_gift(designations=water()))
    assert (relay.entry(1).status, relay.entry(1).reason) == (Status.HELD, "reopened")


def test_a_retrying_gift_keeps_its_place_on_the_ladder_when_filled(relay):
    relay.luminate.script = ["not_sent"]
    relay.take(make_gift(donor=LESS))
    relay.post()
    due = relay.entry(1).next_attempt_at
    relay.take(make_gift())
    gift = relay.entry(1)
    assert (gift.status, gift.next_attempt_at, gift.not_sent) == (Status.RETRYING, due, 1)
    assert gift.parameters["donor.address.city"] == "Bay"


def test_the_call_goes_with_what_was_filled_between_the_look_and_the_claim(relay):
    relay.take(make_gift(donor=LESS))
    with relay.database.read() as tx:
        seen = claims.next_due(tx, "alder", relay.database.now(tx))
    relay.take(make_gift())
    with relay.database.write() as tx:
        now = relay.database.now(tx)
        claim = claims.claim(tx, seen, now, seconds=60, worker="w", login_name="api")
    assert claim.entry.parameters["donor.address.city"] == "Bay"
    assert relay.attempts()[0]["parameters"] == claim.entry.parameters == relay.entry(1).parameters


def test_a_gift_that_needs_proof_is_released_by_the_event_that_brings_it(relay):
    relay.take(make_gift(hold="The payment is not proven."))
    assert relay.statuses() == ["held"]
    relay.take(make_gift())
    assert relay.statuses() == ["queued"]


def test_a_link_before_any_gift_is_remembered(relay):
    assert relay.take(make_link("in_1", "pi_1")).verdict is Verdict.IGNORED
    relay.take(make_gift(keys=("in_1",)))
    relay.take(make_gift(keys=("pi_1",)))
    assert len(relay.entries()) == 1


def test_ids_of_another_provider_or_organization_are_other_payments(sqlite_url):
    birch = make_organization("birch")
    relay = make_relay(sqlite_url, make_organization(), birch)
    relay.take(make_gift())
    relay.take(make_gift(), organization="birch")
    assert [gift.organization for gift in relay.gifts()] == ["alder", "birch"]


def test_a_flag_marks_the_gift_and_moves_no_money(relay):
    relay.take(make_gift())
    assert relay.take(Flag(text="A dispute was opened.", parent_keys=("ch_1",))).verdict is Verdict.FLAGGED
    assert relay.statuses() == ["queued"]


# --- two entries turn out to be one payment ----------------------------------------------------------------------


def bring(relay, number, status):
    """Bring an entry into a state by what really leads there."""
    if status is Status.CLOSED:
        relay.deciding.close(number, actor=operator("ann"), reason="no gift")
        return
    words = {Status.POSTED: "ok", Status.UNKNOWN: "lost", Status.REJECTED: "rejected", Status.RETRYING: "not_sent"}
    if status is Status.POSTING:
        claim(relay, number)
    elif status in words:
        relay.luminate.script = [words[status]]
        relay.posting()._send(claim(relay, number))
    assert relay.entry(number).status is status


def claim(relay, number):
    with relay.database.write() as tx:
        now = relay.database.now(tx)
        return claims.claim(tx, entries.get(tx, number), now, seconds=60, worker="w", login_name="api")


SENT = (Status.POSTING, Status.UNKNOWN, Status.POSTED)
STATES = (Status.QUEUED, Status.RETRYING, Status.REJECTED, Status.CLOSED, *SENT)


@pytest.mark.parametrize("second", STATES)
@pytest.mark.parametrize("first", STATES)
def test_two_entries_become_one(relay, first, second):
    for number, (key, status) in enumerate([("in_1", first), ("pi_1", second)], 1):
        donor = Donor(name=DONOR.name, email=f"{key}@example.org")
        relay.take(make_gift(keys=(key,), donor=donor))
        bring(relay, number, status)
    relay.take(make_link("in_1", "pi_1"))
    (kept,) = relay.gifts()
    (gone,) = (entry for entry in relay.entries(Kind.GIFT) if entry.merged_into is not None)
    assert gone.merged_into == kept.id
    if Status.POSTED in {first, second}:
        assert kept.status is Status.POSTED
    sent_twice = first in SENT and second in SENT
    assert ("Sent twice" in gone.flag) == sent_twice
    assert gone.status is Status.CLOSED or sent_twice
    assert relay.balance_holds()


@pytest.mark.parametrize("word", ["not_sent", "blocked"])
def test_a_folded_call_that_did_not_happen_is_not_made_again(relay, word):
    relay.take(make_gift(keys=("in_1",)))
    relay.post()
    relay.take(make_gift(keys=("pi_1",)))
    posting, meanwhile = relay.posting(), []

    def link_during_the_call(parameters):
        meanwhile.append(relay.take(make_link("in_1", "pi_1")))
        return getattr(relay.luminate, f"_{word}")("add", parameters)

    relay.luminate.script = [link_during_the_call]
    posting.run()
    gone = relay.entry(2)
    assert (gone.status, gone.merged_into, gone.flag) == (Status.CLOSED, 1, "")
    relay.later(days=2)
    relay.sweep().run()
    relay.post()
    assert len(relay.luminate.gifts) == 1
    assert len(relay.luminate.calls) == 2


def test_a_folded_unknown_that_is_absent_ends(relay):
    relay.take(make_gift(keys=("in_1",)))
    relay.post()
    relay.luminate.script = ["lost"]
    relay.take(make_gift(keys=("pi_1",)))
    relay.post()
    relay.take(make_link("in_1", "pi_1"))
    relay.later(hours=1)
    relay.deciding.absent(2, attempt=1, actor=operator("ann"), reason="looked")
    assert relay.entry(2).status is Status.CLOSED
    relay.post()
    assert len(relay.luminate.gifts) == 1


def test_an_unknown_entry_never_outranks_a_posted_one(relay):
    relay.luminate.script = ["lost"]
    relay.take(make_gift(keys=("in_1",)))
    relay.post()
    relay.take(make_gift(keys=("pi_1",)))
    relay.later(seconds=601)  # while the first call is in doubt, the donor's next gift waits
    relay.post()
    relay.take(make_link("in_1", "pi_1"))
    assert [gift.id for gift in relay.gifts()] == [2]
    relay.later(hours=1)
    relay.deciding.absent(1, attempt=1, actor=operator("ann"), reason="looked")
    relay.post()
    assert len(relay.luminate.gifts) == 1


def test_what_a_person_ended_is_not_sent_under_another_id(relay):
    relay.take(make_gift(keys=("in_1",)))
    relay.deciding.close(1, actor=operator("ann"), reason="typed into Luminate by hand")
    relay.take(make_gift(keys=("pi_1",)))
    relay.take(make_link("in_1", "pi_1"))
    (kept,) = relay.gifts()
    assert (kept.id, kept.status, kept.reason) == (2, Status.HELD, "closed_before")
    assert "typed into Luminate by hand" in kept.reason_text


def test_two_amounts_of_one_payment_are_said(relay):
    relay.take(make_gift("25.00", keys=("in_1",)))
    relay.take(make_gift("30.00", keys=("pi_1",)))
    assert relay.take(make_link("in_1", "pi_1")).verdict is Verdict.FLAGGED
    assert "says 30.00 USD, but entry 1 has 25.00 USD" in relay.events()[-1]["note"]


def test_refunds_follow_the_entry_that_stays(relay):
    relay.take(make_refund("5.00", parents=("pi_1",)))
    relay.take(make_gift(keys=("in_1",)))
    relay.post()
    relay.take(make_link("in_1", "pi_1"))
    relay.sweep().run()
    relay.post()
    assert relay.luminate.net == 2000


def test_a_folded_entry_is_not_replayed(relay):
    relay.luminate.script = ["rejected"]
    relay.take(make_gift(keys=("in_1",)))
    relay.post()
    relay.take(make_gift(keys=("pi_1",)))
    relay.post()
    relay.take(make_link("in_1", "pi_1"))
    with relay.database.write() as tx:
        entries.change(tx, relay.entry(1), relay.database.now(tx), status="rejected")
    (item,) = relay.plans.items(relay.draw(1), actor=operator("ann"))
    assert "same payment as entry 2" in item.skipped


def test_sources_of_a_payment_do_not_grow_for_ever(relay):
    for number in range(20):
        relay.take(
            make_gift(keys=(f"k_{number}", "ch_1"), sources=({"n": number},), designations=water() if number else ())
        )
    assert len(relay.entry(1).fact["sources"]) <= booking.MAX_SOURCES


def test_a_gift_in_another_currency_is_held(sqlite_url):
    relay = make_relay(sqlite_url, make_organization(currency="CAD", luminate=make_luminate()))
    relay.take(make_gift())
    assert [(gift.status, gift.reason) for gift in relay.gifts()] == [(Status.HELD, "other_currency")]


def test_what_was_refunded_in_full_under_one_id_is_not_sent_under_another(relay):
    relay.take(make_refund("25.00", parents=("ch_1",)))
    relay.take(make_gift(keys=("pi_1",), donor=Donor()))
    relay.take(make_gift(keys=("ch_1", "in_1")))
    relay.take(make_link("in_1", "pi_1"))
    relay.post()
    assert relay.luminate.calls == []
    assert set(relay.statuses()) == {"closed"}


def test_refunds_that_ended_with_one_entry_go_with_the_posted_other(relay):
    relay.take(make_gift(keys=("in_1",)))
    relay.take(make_refund("5.00", parents=("in_1",)))
    relay.deciding.close(1, actor=operator("ann"), reason="no gift")
    relay.take(make_gift(keys=("pi_1",)))
    relay.post()
    relay.take(make_link("in_1", "pi_1"))
    relay.post()
    assert relay.luminate.net == 2000


def test_a_twin_that_was_closed_while_unknown_keeps_its_payment_from_being_sent(relay):
    relay.luminate.script = ["recorded"]
    relay.take(make_gift(keys=("in_1",)))
    relay.post(1)
    relay.deciding.close(1, actor=operator("ann"), reason="seen to")
    relay.take(make_gift(keys=("pi_1",)))
    relay.take(make_link("in_1", "pi_1"))
    relay.replay(2)
    relay.post()
    assert (relay.statuses(), relay.entry(2).reason) == (["closed", "held"], "twin_was_sent")
    assert relay.luminate.recorded == [True]
