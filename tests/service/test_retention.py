"""Payloads are erased so many days after everything of their payment was settled; nothing that is open is touched."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.access import operator
from relay.config import Probe, Reinstate
from relay.config import Retention as Kept
from relay.errors import ErasingRefused, ReplayRefused
from relay.gifts import Address, Billing, Designation, Donor, Flag, Name, Tender, TenderKind
from relay.inbound.reparse import Reparse
from relay.ledger import audit, claims, entries
from relay.ledger.models import events
from relay.office import emptying, retention
from relay.office.retention import Retention
from relay.outbound.probing import Probing
from relay.outbound.recovery import Recovery
from relay.outbound.settling import disown
from relay.providers import Delivery
from relay.status import Erased, Kind, Status
from tests.builders import (
    SIGNED,
    make_back,
    make_chargeback,
    make_gift,
    make_organization,
    make_refund,
    make_relay,
    usd,
)
from tests.service.test_probing import FakeReader
from tests.support.sealed import everything

ANN, DAYS = operator("ann"), 30
RICH = {
    "donor": Donor(
        name=Name(title="Dr.", first="Mary", last="Stone"),
        email="mary@example.org",
        phone="555-0199",
        address=Address(street1="1 Marzipan Parade", city="Bay", state="NY", zip="10001", country="US"),
        employer="Quarkington Mills",
    ),
    "billing": Billing(name=Name(first="Zebulon", last="Payer")),
    "tender": Tender(kind=TenderKind.CARD, card_type="visa", last4="4242", exp_month=12, exp_year=2031),
    "designations": (Designation(fund="WATER", contact="Aunt Petunia"),),
    "sources": ({"billing_details": {"name": "Zebulon Payer"}, "metadata": {"note": "for grandma Hildegard"}},),
}
SECRET = ("555-0199", "Marzipan", "Quarkington", "Zebulon", '"4242"', "*4242", "Petunia", "Hildegard", '"10001"')


def keeping(sqlite_url, days=DAYS, **changes):
    return make_relay(sqlite_url, make_organization(retention=Kept(payload_days=days), **changes))


@pytest.fixture
def relay(sqlite_url):
    return keeping(sqlite_url)


def made(relay):
    return Retention(relay.database, relay.settings.organizations, sleep=lambda _seconds: None)


def erase(relay, **more):
    return made(relay).run("alder", actor=ANN, **more)


def aged(relay, days=DAYS + 1):
    relay.later(days=days)
    return erase(relay)


def given_and_erased(relay, **gift):
    relay.take(make_gift(**RICH | gift))
    relay.post()
    assert aged(relay).payments == 1
    (entry,) = relay.gifts()
    return entry


def held(relay, number=1):
    return next(row for row in relay.events() if row["id"] == number)


def test_what_came_in_and_was_sent_goes_and_the_gift_stays(relay):
    relay.take(make_gift(**RICH))
    relay.post()
    (before,) = relay.gifts()
    done = aged(relay)
    (after,) = relay.gifts()
    assert (done.payments, done.entries, done.events, done.attempts, done.idle) == (1, 1, 1, 1, 0)
    kept = ("amount", "status", "confirmation_code", "provider_transaction_id", "donor_name", "donor_email", "fund",
            "cons_id", "login_name", "posted_at", "occurred_at", "received_at", "fence")  # fmt: skip
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    assert (after.erased, after.erased_at is None) == (Erased.AGE, False)
    assert (held(relay)["body"], held(relay)["headers"]) == (b"", {})
    (attempt,) = relay.attempts()
    assert (attempt["reply"], attempt["parameters"]["other_amount"]) == (None, "25.00")
    lying = everything(relay.database)
    assert [word for word in SECRET if word in lying] == []
    assert "mary@example.org" in lying
    assert relay.balance_holds()


def test_nothing_is_erased_a_day_too_early_or_without_being_asked_for(relay, tmp_path):
    relay.take(make_gift(**RICH))
    relay.post()
    assert not aged(relay, DAYS - 1)
    for_ever = keeping(f"sqlite:///{tmp_path / 'other.db'}", days=0)
    for_ever.take(make_gift(**RICH))
    for_ever.post()
    assert not aged(for_ever, 10_000)


def test_the_days_count_from_what_happened_last(relay):
    relay.take(make_gift(**RICH))
    relay.post()
    relay.later(days=DAYS - 1)
    relay.take(make_refund())
    relay.post()
    assert not aged(relay, 2)
    assert aged(relay, DAYS).entries == 2


def test_a_dry_run_counts_and_changes_nothing(relay):
    relay.take(make_gift(**RICH))
    relay.post()
    relay.later(days=DAYS + 1)
    before = everything(relay.database)
    counted = erase(relay, dry=True)
    assert everything(relay.database) == before
    assert erase(relay) == counted
    assert not erase(relay)


def test_a_line_of_the_audit_has_counts_and_nobody(relay):
    given_and_erased(relay)
    with relay.database.read() as tx:
        (line,) = audit.lines(tx, audit.Wanted(action="retention"))
        assert list(audit.faults(tx)) == []
    assert line.details == {"payments": 1, "events": 1, "attempts": 1, "idle_events": 0}


# --- what comes later -----------------------------------------------------------------------------------------------


def test_a_refund_that_comes_later_goes_by_its_gift_s_code(relay):
    gift = given_and_erased(relay)
    relay.take(make_refund("5.00"))
    relay.post()
    (refund,) = relay.refunds()
    assert (refund.status, refund.donor_email) == (Status.POSTED, "mary@example.org")
    (sent,) = relay.luminate.sent("refund")
    assert (sent["refund_user_confirm_code"], sent["refund_amount"]) == (gift.confirmation_code, "5.00")
    assert relay.luminate.net == 2000
    assert relay.luminate.impossible == []


@pytest.mark.parametrize("rule", list(Reinstate))
def test_a_dispute_won_later_is_held_and_a_person_gives_it_again(sqlite_url, rule):
    relay = keeping(sqlite_url, reinstate=rule)
    given_and_erased(relay)
    relay.take(make_chargeback("25.00"))
    relay.post()
    relay.take(make_back("dp_1", "25.00"))
    (back,) = relay.entries(Kind.REINSTATEMENT)
    assert (back.status, back.reason) == (Status.HELD, "money_came_back")
    assert "only the donor's name, e-mail address and fund are kept" in back.reason_text
    relay.replay(back.id)
    relay.post()
    assert relay.entry(back.id).status is Status.POSTED
    sent = relay.luminate.sent("add")[-1]
    assert (sent["donor.email"], sent["donor.name.last"], sent["designated.1.id"]) == ("mary@example.org", "Stone", "7")
    assert "donor.address.street1" not in sent
    assert relay.luminate.net == 2500


def test_money_that_comes_back_before_is_given_again_by_itself(sqlite_url):
    """The other side of the one before: it is the erasing that holds it."""
    relay = keeping(sqlite_url, reinstate=Reinstate.AUTOMATIC)
    for fact in (make_gift(**RICH), make_chargeback("25.00"), make_back("dp_1", "25.00")):
        relay.take(fact)
        relay.post()
    (back,) = relay.entries(Kind.REINSTATEMENT)
    assert back.status is Status.POSTED


def test_a_late_repeat_is_a_duplicate_still_and_brings_nothing_back(relay):
    body = relay.provider.event((make_gift(**RICH),))
    relay.take(body=body)
    relay.post()
    assert aged(relay).payments == 1
    taken = relay.take(body=body)
    assert (str(taken.verdict), len(relay.gifts()), len(relay.luminate.gifts)) == ("duplicate", 1, 1)
    assert (held(relay, 2)["body"], held(relay, 2)["erased_at"] is None) == (b"", False)


def test_a_late_sibling_fills_nothing_in_and_goes_in_its_turn(relay):
    gift = given_and_erased(relay)
    relay.take(make_gift(**RICH))
    (after,) = relay.gifts()
    assert (after.fact, after.parameters, after.status) == (gift.fact, gift.parameters, Status.POSTED)
    with relay.database.write() as tx:  # the front door has a clock of its own
        tx.execute(events.update().where(events.c.id == 2).values(received_at=relay.database.now(tx)))
    assert not erase(relay)
    assert held(relay, 2)["body"]
    assert aged(relay).idle == 1
    assert held(relay, 2)["body"] == b""


def test_a_late_sibling_fills_nothing_into_a_closed_gift_either(relay):
    relay.take(make_gift(**RICH | {"designations": (Designation(fund="NOBODY"),)}))
    relay.deciding.close(1, actor=ANN, reason="entered elsewhere")
    assert aged(relay).payments == 1
    (gift,) = relay.gifts()
    relay.take(make_gift(**RICH | {"designations": (Designation(fund="NOBODY"),)}))
    assert relay.gifts() == [gift]


def test_an_erased_gift_s_code_is_taken_away_by_no_look_up(relay):
    """It would be unknown again, looked up, found absent, and there is nothing left to send."""
    gift = given_and_erased(relay)
    with relay.database.write() as tx:
        assert not disown(tx, relay.organization, gift, relay.database.now(tx), owner=2)
    assert relay.gifts() == [gift]


def test_totals_told_later_count_as_before(relay):
    """A refund known by its name is told once more, as a total, after its payload is gone."""
    relay.take(make_gift(**RICH))
    relay.take(make_refund("5.00"))
    relay.post()
    assert aged(relay).entries == 2
    relay.take(make_refund("5.00"), make_refund("2.00", keys=("re_2",), total=usd("7.00")))
    relay.post()
    assert [refund.amount.text for refund in relay.refunds()] == ["5.00", "2.00"]
    assert relay.luminate.net == 1800


# --- events beside payments -----------------------------------------------------------------------------------------


def test_events_that_came_to_nothing_go_and_what_nobody_understood_stays(relay):
    relay.take()  # ignored
    relay.take(body=b'{"id":"evt_strange","name":"Mary Stone"}')
    relay.take(Flag(text="A dispute was opened.", parent_keys=("ch_9",)))
    assert [str(row["verdict"]) for row in relay.events()] == ["ignored", "not_understood", "flagged"]
    assert aged(relay).idle == 2
    assert [bool(row["body"]) for row in relay.events()] == [False, True, False]


def test_what_a_person_has_read_again_goes_as_well(relay):
    body = b'{"id":"evt_strange"}'
    relay.take(body=body)
    assert not aged(relay)
    relay.provider.known[body] = ((), True)
    again = Reparse(relay.settings, relay.database, {"acme": relay.provider.provider})
    again.run(1, actor=ANN, reason="the new version reads it")
    assert erase(relay).idle == 1
    with pytest.raises(ReplayRefused, match="event 1 was erased on"):
        again.find(1)


def test_a_repeat_with_another_body_stays_as_long_as_what_it_repeats(relay):
    """Two bodies under one delivery key, of which the first was not understood."""
    body, other = b'{"id":"evt_9"}', b'{"id":"evt_9", "more":1}'
    relay.take(body=body)
    with relay.database.write() as tx:
        tx.execute(events.update().values(delivery_key="evt_9"))
    relay.provider.known[other] = ((), True)
    relay.intake.take("alder", "acme", Delivery(other, SIGNED))
    assert [str(row["verdict"]) for row in relay.events()] == ["not_understood", "duplicate"]
    assert not aged(relay)
    assert all(row["body"] for row in relay.events())


def test_an_event_of_two_payments_stays_until_the_last_is_old(relay):
    relay.take(make_gift(**RICH), make_gift("9.00", keys=("ch_2",), donor=Donor(name=Name(first="A", last="B"))))
    relay.post()
    assert [str(one.status) for one in relay.gifts()] == ["posted", "held"]
    assert aged(relay).payments == 1
    assert held(relay)["body"]
    relay.deciding.close(2, actor=ANN, reason="entered elsewhere")
    assert aged(relay).payments == 1
    assert held(relay)["body"] == b""


# --- what is open is never touched ----------------------------------------------------------------------------------


def test_a_gift_with_a_mark_to_look_at_is_kept(relay):
    relay.luminate.script = ["other_amount"]
    relay.take(make_gift(**RICH))
    relay.post()
    (gift,) = relay.gifts()
    assert (gift.status, gift.flag) == (Status.POSTED, "amount_differs")
    relay.take(make_refund("5.00"))  # without a mark of its own
    relay.post()
    assert relay.statuses() == ["posted", "posted"]
    assert not aged(relay)


def test_a_gift_whose_refund_waits_for_a_person_is_kept(relay):
    relay.take(make_gift(**RICH))
    relay.post()
    relay.take(make_refund("99.00"))
    assert relay.statuses(Kind.REFUND) == ["held"]
    assert not aged(relay)
    assert relay.gifts()[0].parameters["donor.address.street1"] == "1 Marzipan Parade"


def test_a_correction_that_waits_for_a_second_person_keeps_it(sqlite_url):
    relay = keeping(sqlite_url, second_person_above=0)
    relay.take(make_gift(designations=(Designation(fund="NOBODY"),)))
    relay.correcting.correct(1, {"fund": "WATER"}, actor=ANN, reason="the right one")
    relay.deciding.close(1, actor=ANN, reason="entered elsewhere")
    assert not aged(relay)
    relay.proposing.refuse(1, actor=ANN, reason="it is closed")
    assert erase(relay).payments == 1


def test_a_replay_that_is_not_over_keeps_it(relay):
    relay.take(make_gift(designations=(Designation(fund="NOBODY"),)))
    relay.settings.organizations["alder"] = replace(relay.organization, default_fund="")
    number = relay.draw(1)
    relay.deciding.close(1, actor=ANN, reason="entered elsewhere")
    with relay.database.write() as tx:
        tx.exec_driver_sql("UPDATE plans SET status = 'paused'")
        tx.exec_driver_sql("UPDATE plan_items SET skipped = ''")
    assert not aged(relay)
    relay.plans.cancel(number, actor=ANN)
    assert erase(relay).payments == 1


ACTS = ("gift", "odd gift", "refund", "too much", "chargeback", "back", "post", "lost", "rejected", "close", "reopen",
        "replay", "flag", "nonsense", "days", "erase")  # fmt: skip


class Life:
    """A few payments to which anything happens, and what must never be empty."""

    def __init__(self, url):
        self.relay = keeping(url, probe=Probe(ladder=(120,)))
        self.count = 0

    def do(self, act, which):
        relay, key = self.relay, f"ch_{which % max(1, self.count) + 1}"
        match act:
            case "gift" | "odd gift":
                self.count += 1
                fund = "WATER" if act == "gift" else "NOBODY"
                fields = RICH | {"designations": (Designation(fund=fund),)}
                relay.take(make_gift(keys=(f"ch_{self.count}",), **fields))
            case "refund" | "too much":
                amount = "3.00" if act == "refund" else "70.00"
                relay.take(make_refund(amount, keys=(f"re_{key}_{which}",), parents=(key,)))
            case "chargeback":
                relay.take(make_chargeback("4.00", key=f"dp_{key}", parents=(key,)))
            case "back":
                relay.take(make_back(f"dp_{key}", "4.00", parents=(key,)))
            case "post" | "lost" | "rejected":
                relay.luminate.script = [] if act == "post" else [act]
                relay.post(times=2)
            case "flag":
                relay.take(Flag(text="look", parent_keys=(key,)))
            case "nonsense":
                relay.take(body=f'{{"odd": {which}}}'.encode())
            case "days":
                relay.later(days=which % 40)
            case "erase":
                self.erase()
            case _:
                self.decide(act, which)

    def decide(self, act, which):
        known = self.relay.entries()
        if not known:
            return
        entry = known[which % len(known)]
        try:
            if act == "replay":
                self.relay.replay(entry.id)
            else:
                getattr(self.relay.deciding, act)(entry.id, actor=ANN, reason="as it must be")
        except ReplayRefused:
            pass

    def erase(self):
        before = {entry.id: entry for entry in self.relay.entries()}
        held = {row["id"]: row["body"] for row in self.relay.events()}
        erase(self.relay)
        self.check(before, held)

    def check(self, before, held):
        now = self.relay.database.ahead
        by_payment = {}
        for entry in before.values():
            by_payment.setdefault(entry.payment_id, []).append(entry)
        still = {entry.id: entry for entry in self.relay.entries()}
        for family in by_payment.values():
            is_open = any(entry.status not in {Status.POSTED, Status.CLOSED} or entry.flag for entry in family)
            young = any(self.relay.database.ahead and self.age(entry) < timedelta(days=DAYS) for entry in family)
            for entry in family:
                if is_open or young or not now:
                    assert still[entry.id] == entry
                kept = ("amount", "status", "confirmation_code", "donor_email", "donor_name", "provider_transaction_id")
                assert all(getattr(still[entry.id], name) == getattr(entry, name) for name in kept)
        for row in self.relay.events():
            if str(row["verdict"]) == "not_understood":
                assert row["body"] == held[row["id"]]
        assert self.relay.balance_holds()

    def age(self, entry):
        with self.relay.database.read() as tx:
            return self.relay.database.now(tx) - entry.changed_at


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 60)), min_size=5, max_size=40))
def test_retention_never_touches_a_payment_with_anything_open(tmp_path_factory, acts):
    life = Life(f"sqlite:///{tmp_path_factory.mktemp('life') / 'ledger.db'}")
    for act, which in acts:
        life.do(act, which)
    life.relay.later(days=DAYS + 1)
    life.erase()
    net = life.relay.luminate.net
    for _ in range(3):
        life.relay.later(days=1)
        life.relay.post()
    assert life.relay.luminate.impossible == []
    assert life.relay.luminate.net >= net - 7000
    posted = [one for one in life.relay.entries() if one.status is Status.POSTED and one.kind is not Kind.REFUND]
    assert len({one.confirmation_code for one in posted}) == len(posted)


# --- an erased gift is never sent -----------------------------------------------------------------------------------


@pytest.fixture
def closed(relay):
    """A gift that was closed while nobody knew whether Luminate has it, erased, and opened again."""
    relay.luminate.script = ["lost"]
    relay.take(make_gift(**RICH))
    relay.post()
    relay.deciding.close(1, actor=ANN, reason="nobody knows")
    assert aged(relay).payments == 1
    relay.deciding.reopen(1, actor=ANN, reason="found the papers")
    assert relay.statuses() == ["unknown"]
    return relay


def test_what_somebody_says_is_absent_is_not_sent(closed):
    with pytest.raises(ReplayRefused, match="erased: record it there by hand"):
        closed.deciding.absent(1, attempt=1, actor=ANN, reason="I looked")
    assert closed.statuses() == ["unknown"]


def test_what_a_look_up_proves_absent_is_held(closed):
    with closed.database.read() as tx:
        since = closed.database.now(tx)
    Recovery(closed.database, closed.settings.organizations).start(since, actor=ANN, reason="disk died")
    closed.later(hours=2)
    Probing(closed.database, closed.organization, FakeReader(closed)).run()
    entry = closed.entry(1)
    assert (entry.status, entry.reason) == (Status.HELD, "erased")


def test_it_may_be_said_to_be_there(closed):
    closed.deciding.found(1, "C77", actor=ANN, reason="I looked")
    assert closed.entry(1).confirmation_code == "C77"


def test_a_closed_gift_is_not_replayed_nor_corrected_but_entered_by_hand(relay):
    relay.take(make_gift(**RICH | {"designations": (Designation(fund="NOBODY"),)}))
    relay.deciding.close(1, actor=ANN, reason="not now")
    assert aged(relay).payments == 1
    relay.deciding.reopen(1, actor=ANN, reason="after all")
    assert relay.replay(1) == {}
    (item,) = relay.plans.items(1, actor=ANN)
    assert item.skipped.startswith("what Luminate would be told of it is erased")
    with pytest.raises(ReplayRefused, match="erased: record it there by hand"):
        relay.correcting.correct(1, {"fund": "WATER"}, actor=ANN, reason="the right one")
    relay.deciding.by_hand(1, "C88", actor=ANN, reason="typed in", seen=True)
    relay.take(make_refund("5.00"))
    assert relay.refunds()[0].parameters["refund_user_confirm_code"] == "C88"


@pytest.mark.parametrize("target", [Status.QUEUED])
def test_the_ledger_itself_puts_no_erased_gift_in_line(relay, target):
    relay.take(make_gift(**RICH | {"designations": (Designation(fund="NOBODY"),)}))
    relay.deciding.close(1, actor=ANN, reason="not now")
    aged(relay)
    relay.deciding.reopen(1, actor=ANN, reason="after all")
    with relay.database.write() as tx:
        now = relay.database.now(tx)
        assert entries.move(tx, entries.get(tx, 1), target, now)
    assert (relay.entry(1).status, relay.entry(1).reason) == (Status.HELD, "erased")
    relay.post()
    assert relay.luminate.calls == []


# --- by itself ------------------------------------------------------------------------------------------------------


def test_each_organization_has_one_turn_a_day(relay):
    keeper = made(relay)
    relay.take(make_gift(**RICH))
    relay.post()
    relay.later(days=DAYS + 1)
    keeper.run_due("w1")
    assert relay.gifts()[0].erased is Erased.AGE
    relay.take(make_gift(**RICH | {"keys": ("ch_2",)}))
    relay.post()
    assert "erased" not in turns(relay, keeper)
    relay.later(days=DAYS + 1)
    keeper.run_due("w2")
    assert {gift.erased for gift in relay.gifts()} == {Erased.AGE}


def turns(relay, keeper):
    with relay.database.read() as tx:
        return claims.holder_of(tx, "retention:alder", relay.database.now(tx))


def test_a_turn_that_was_cut_short_goes_on_a_minute_later(relay, monkeypatch):
    for number in range(3):
        relay.take(make_gift(keys=(f"ch_{number}",), **RICH))
    relay.post()
    relay.later(days=DAYS + 1)
    monkeypatch.setattr(retention, "BATCH", 1)
    monkeypatch.setattr(retention, "SLICE_SECONDS", 0.0)
    keeper = made(relay)
    keeper.run_due("w1")
    assert turns(relay, keeper) is None
    monkeypatch.setattr(retention, "SLICE_SECONDS", 20.0)
    keeper.run_due("w1")
    assert {gift.erased for gift in relay.gifts()} == {Erased.AGE}
    assert turns(relay, keeper)


def test_one_organization_s_mistake_keeps_no_other_s_payloads(sqlite_url, monkeypatch):
    both = [make_organization(name, retention=Kept(payload_days=DAYS)) for name in ("alder", "birch")]
    relay = make_relay(sqlite_url, *both)
    relay.take(make_gift(**RICH), organization="birch")
    relay.posting(organization=both[1]).run()
    relay.later(days=DAYS + 1)
    keeper, real = made(relay), Retention.run

    def run(self, name, **more):
        if name == "alder":
            raise KeyError("our own mistake")
        return real(self, name, **more)

    monkeypatch.setattr(Retention, "run", run)
    keeper.run_due("w1")
    assert relay.gifts()[0].erased is Erased.AGE


def die_in_the_second(monkeypatch):
    """kill -9 while the second payment is being emptied."""
    real, calls = emptying._empty_history, []

    def dies(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(*args)

    monkeypatch.setattr(emptying, "_empty_history", dies)


def test_a_crash_in_the_middle_leaves_whole_payments_and_the_next_run_does_the_rest(relay, monkeypatch):
    for number in range(3):
        relay.take(make_gift(keys=(f"ch_{number}",), **RICH))
    relay.take(make_refund("1.00", parents=("ch_1",)))
    relay.post()
    relay.later(days=DAYS + 1)
    monkeypatch.setattr(retention, "BATCH", 1)
    die_in_the_second(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        erase(relay)
    of_each = {}
    for entry in relay.entries():
        of_each.setdefault(entry.payment_id, set()).add(entry.erased)
    assert sorted(map(sorted, of_each.values())) == [[""], [""], ["age"]]
    monkeypatch.undo()
    assert erase(relay).payments == 2
    assert {entry.erased for entry in relay.entries()} == {Erased.AGE}
    lying = everything(relay.database)
    assert [word for word in SECRET if word in lying] == []


def test_whatever_changes_between_look_and_turn_is_left_alone(relay, monkeypatch):
    relay.take(make_gift(**RICH))
    relay.post()
    relay.later(days=DAYS + 1)
    real = Retention._empty

    def late(self, organization, payments, level, done):
        relay.take(make_refund("99.00"))
        real(self, organization, payments, level, done)

    monkeypatch.setattr(Retention, "_empty", late)
    assert not erase(relay)
    assert relay.gifts()[0].erased is Erased.NOTHING


def test_a_change_in_the_same_moment_takes_the_whole_turn_back(relay, monkeypatch):
    relay.take(make_gift(**RICH))
    relay.post()
    relay.later(days=DAYS + 1)
    before = everything(relay.database)
    monkeypatch.setattr(entries, "change", lambda *_args, **_values: False)
    assert not erase(relay)
    assert everything(relay.database) == before
    with pytest.raises(ErasingRefused), relay.database.write() as tx:
        emptying.empty(tx, *_first(tx), Erased.AGE, (), relay.database.now(tx))


def _first(tx):
    from relay.ledger import erasing  # noqa: PLC0415

    return erasing.families(tx, [1])
