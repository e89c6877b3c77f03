"""A ledger restored from a backup: what it calls unsent may be in Luminate, so it is looked up before anything goes."""

import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sqlalchemy import update

from relay.access import operator
from relay.errors import RelayError, ReplayRefused
from relay.ledger import pauses, search
from relay.ledger.models import entries as table
from relay.luminate.seen import Seen
from relay.outbound.pausing import pause, resume
from relay.outbound.probing import Probing
from relay.outbound.recovery import Recovery
from relay.status import Kind, Status
from tests.builders import (
    make_back,
    make_chargeback,
    make_gift,
    make_organization,
    make_refund,
    make_relay,
    make_total,
    water,
)
from tests.support.vault import Remembering, Vault

ADA = operator("Ada")


@pytest.fixture
def relay(database_url):
    relay = make_relay(database_url)
    relay.luminate = Remembering(lambda: datetime.now(UTC) + relay.database.ahead)
    return relay


@pytest.fixture
def vault(relay):
    vault = Vault(relay)
    yield vault
    vault.close()


class Reader:
    """Shows what Luminate recorded, each at its moment."""

    def __init__(self, luminate):
        self.luminate = luminate

    def seen(self, *, email, cons_id="", begin, end, kind="DONATION"):
        return tuple(
            Seen(kind=kind, confirmation_code=row["code"], amount=Decimal(row["amount"]), at=row["at"])
            for row in self.luminate.rows
            if (row["kind"], row["email"]) == (kind, email) and begin <= row["at"] <= end
        )


def recover(relay, since, reason="disk died"):
    return Recovery(relay.database, relay.settings.organizations).start(since, actor=ADA, reason=reason)


def look_up(relay):
    return Probing(relay.database, relay.organization, Reader(relay.luminate)).run()


def go_on(relay):
    """Look up until nothing is left of it, then post."""
    for _ in range(6):
        relay.later(hours=2)
        look_up(relay)
    resume(relay.database, "alder", actor=ADA, reason="nothing is left to look up")
    relay.post()


def pause_of(relay):
    with relay.database.read() as tx:
        return pauses.of(tx, "alder")


@pytest.fixture
def after_restore(relay, vault):
    """Two gifts queued at the backup; one was posted after it."""
    relay.take(make_gift(keys=("ch_1",)))
    relay.take(make_gift("40.00", keys=("ch_2",)))
    since = vault.back_up()
    relay.luminate.script = ["ok", "rejected"]
    relay.post()
    assert len(relay.luminate.gifts) == 1
    return vault.restored(), since


def test_nothing_is_posted_before_the_suspects_are_looked_up(after_restore):
    relay, since = after_restore
    recovered = recover(relay, since)
    assert recovered.suspects == {"alder": [1, 2]}
    relay.post()
    assert len(relay.luminate.gifts) == 1
    assert relay.statuses() == ["unknown", "unknown"]


def test_the_truth_is_found_and_nothing_is_doubled(after_restore):
    relay, since = after_restore
    recover(relay, since)
    relay.later(minutes=11)
    probed = look_up(relay)
    assert probed.recorded == [1]
    go_on(relay)
    assert relay.statuses() == ["posted", "posted"]
    assert len(relay.luminate.gifts) == 2


def test_posting_is_refused_while_suspects_are_open_unless_overruled(after_restore):
    relay, since = after_restore
    recover(relay, since)
    with pytest.raises(ReplayRefused, match="2 entries of alder"):
        resume(relay.database, "alder", actor=ADA, reason="quick")
    assert pause_of(relay).reason == "recovering"
    resume(relay.database, "alder", actor=ADA, reason="we know", anyway=True)
    assert pause_of(relay) is None


def test_what_a_person_did_not_decide_stays_unknown_and_a_refund_waits_for_its_gift(after_restore):
    relay, since = after_restore
    relay.take(make_refund("5.00"))
    recover(relay, since)
    assert relay.statuses() == ["unknown", "unknown", "waiting"]
    assert [row["action"] for row in relay.corrections()] == ["recover"] * 2


def test_what_was_unknown_and_sent_again_after_the_backup_is_found(relay, vault):
    """Its second call was an hour after the first, which is all that the backup knows of."""
    relay.luminate.script = ["lost"]
    relay.take(make_gift())
    relay.post()
    since = vault.back_up()
    relay.later(hours=1)
    relay.deciding.absent(1, attempt=1, actor=ADA, reason="looked")
    relay.post()
    relay.later(hours=1)
    again = vault.restored()
    recover(again, since)
    go_on(again)
    assert (again.statuses(), len(again.luminate.gifts)) == (["posted"], 1)


def test_money_that_came_back_and_was_recorded_after_the_backup_is_found(relay, vault):
    relay.take(make_gift())
    relay.post()
    relay.take(make_chargeback("25.00"))
    relay.post()
    relay.later(hours=1)  # so long ago that its first recording cannot be meant
    relay.take(make_back("dp_1", "25.00"))
    since = vault.back_up()
    (back,) = relay.entries(Kind.REINSTATEMENT)
    relay.replay(back.id)
    relay.post()
    again = vault.restored()
    recover(again, since)
    go_on(again)
    assert again.entry(back.id).status is Status.POSTED
    assert again.luminate.net == 2500


# What the provider tells again.


def test_a_gift_taken_and_posted_after_the_backup_is_not_posted_again(relay, vault):
    since = vault.back_up()
    gift = make_gift()
    relay.take(gift)
    relay.post()
    again = vault.restored()
    recover(again, since)
    again.take(gift)
    assert again.statuses() == ["unknown"]
    with pytest.raises(ReplayRefused, match="1 entries of alder"):
        resume(again.database, "alder", actor=ADA, reason="quick")
    go_on(again)
    assert (again.statuses(), len(again.luminate.gifts)) == (["posted"], 1)


@pytest.mark.parametrize("late", [{"days": 3}, {"days": 40}])
@pytest.mark.parametrize("paid", ["before the backup", "after it", "nobody knows"])
def test_it_is_looked_up_however_late_it_is_told_again(relay, vault, late, paid):
    since = vault.back_up()
    when = {"before the backup": since - timedelta(days=2), "after it": datetime.now(UTC), "nobody knows": None}[paid]
    gift = make_gift(occurred_at=when)
    relay.take(gift)
    relay.post()
    again = vault.restored()
    recover(again, since)
    go_on(again)
    again.later(**late)
    again.take(gift)
    again.post()
    assert len(again.luminate.gifts) == 1
    again.later(minutes=1)
    assert look_up(again).recorded == [1]


def test_what_the_lost_ledger_never_heard_of_is_posted_once_and_mails_nobody(relay, vault):
    since = vault.back_up()
    again = vault.restored()
    recover(again, since)
    again.take(make_gift())
    go_on(again)
    assert (again.statuses(), len(again.luminate.gifts), again.luminate.mails) == (["posted"], 1, 0)


def test_what_is_paid_after_the_restore_goes_at_once(relay, vault):
    since = vault.back_up()
    again = vault.restored()
    recover(again, since)
    resume(again.database, "alder", actor=ADA, reason="nothing is in doubt")
    again.later(days=2)
    again.take(make_gift(occurred_at=datetime.now(UTC) + timedelta(days=2)))
    again.post()
    assert again.statuses() == ["posted"]


def test_siblings_fill_what_is_looked_up_so_that_it_can_be_found(relay, vault):
    since = vault.back_up()
    whole = make_gift(keys=("ch_1", "pi_1"), designations=water())
    relay.take(whole)
    relay.post()
    again = vault.restored()
    recover(again, since)
    again.take(make_gift(keys=("pi_1",), designations=(), tender=whole.tender))
    again.take(whole)
    (entry,) = again.gifts()
    assert (entry.status, entry.fund, entry.reason) == (Status.UNKNOWN, "WATER", "restored")
    go_on(again)
    assert (again.statuses(), len(again.luminate.gifts)) == (["posted"], 1)


def test_what_is_held_when_it_is_told_again_is_looked_up_once_a_person_lets_it_go(relay, vault):
    since = vault.back_up()
    gift = make_gift(hold="Not paid yet, perhaps.")
    relay.take(gift)
    relay.replay(1)
    relay.post()
    again = vault.restored()
    recover(again, since)
    again.take(gift)
    assert again.statuses() == ["held"]
    again.replay(1)
    assert again.statuses() == ["unknown"]
    go_on(again)
    assert (again.statuses(), len(again.luminate.gifts)) == (["posted"], 1)


def test_what_was_held_and_let_go_is_looked_up_once(relay, vault):
    since = vault.back_up()
    again = vault.restored()
    recover(again, since)
    again.take(make_gift(hold="Not paid yet, perhaps."))
    again.replay(1)
    go_on(again)
    assert again.statuses() == ["posted"]


def test_a_refund_sent_after_the_backup_is_not_sent_again(relay, vault):
    relay.take(make_gift())
    relay.post()
    since = vault.back_up()
    refund = make_refund("5.00", occurred_at=datetime.now(UTC))
    relay.take(refund)
    relay.post()
    again = vault.restored()
    recover(again, since)
    again.take(refund)
    assert again.statuses() == ["posted", "unknown"]
    go_on(again)
    assert (again.statuses(), len(again.luminate.refunds)) == (["posted", "posted"], 1)


def test_a_refund_that_luminate_does_not_show_is_for_a_person(relay, vault):
    relay.take(make_gift())
    relay.post()
    since = vault.back_up()
    again = vault.restored()
    recover(again, since)
    again.take(make_refund("5.00"))
    go_on(again)
    (refund,) = again.refunds()
    assert (refund.status, refund.reason) == (Status.UNKNOWN, "refund_not_seen")
    again.deciding.absent(refund.id, attempt=0, actor=ADA, reason="looked")
    again.post()
    assert again.luminate.gone == 500


def test_gift_and_refund_both_lost_are_both_found(relay, vault):
    since = vault.back_up()
    facts = (make_gift(), make_refund("5.00", occurred_at=datetime.now(UTC)))
    for fact in facts:
        relay.take(fact)
        relay.post()
    again = vault.restored()
    recover(again, since)
    for fact in facts:
        again.take(fact)
    assert again.statuses() == ["unknown", "waiting"]
    go_on(again)
    assert (again.statuses(), again.luminate.net) == (["posted", "posted"], 2000)


def test_a_gift_that_was_not_there_is_refunded_by_the_machine(relay, vault):
    since = vault.back_up()
    again = vault.restored()
    recover(again, since)
    again.take(make_gift())
    again.take(make_refund("5.00", occurred_at=datetime.now(UTC)))
    go_on(again)
    assert (again.statuses(), again.luminate.net) == (["posted", "posted"], 2000)


def test_a_total_told_after_the_restore_may_tell_of_what_was_lost(relay, vault):
    relay.take(make_gift())
    relay.post()
    since = vault.back_up()
    relay.take(make_total("5.00"))
    relay.post()
    again = vault.restored()
    recover(again, since)
    go_on(again)
    again.later(days=2)
    again.take(make_total("5.00"))
    again.post()
    assert again.luminate.gone == 500
    look_up(again)
    assert (again.statuses(), again.luminate.gone) == (["posted", "posted"], 500)


def test_money_that_came_back_is_looked_up_when_it_is_told_again(relay, vault):
    relay.take(make_gift())
    relay.post()
    relay.take(make_chargeback("25.00"))
    relay.post()
    relay.later(hours=1)
    since = vault.back_up()
    back = make_back("dp_1", "25.00")
    relay.take(back)
    (made,) = relay.entries(Kind.REINSTATEMENT)
    relay.replay(made.id)
    relay.post()
    again = vault.restored()
    recover(again, since)
    again.take(back)
    (made,) = again.entries(Kind.REINSTATEMENT)
    again.replay(made.id)
    go_on(again)
    assert (again.entry(made.id).status, again.luminate.net) == (Status.POSTED, 2500)


def test_what_was_closed_and_reopened_after_the_backup_is_looked_up_when_it_is_reopened_again(relay, vault):
    relay.take(make_gift(hold="Not paid yet, perhaps."))
    relay.deciding.close(1, actor=ADA, reason="no")
    since = vault.back_up()
    relay.deciding.reopen(1, actor=ADA, reason="yes")
    relay.replay(1)
    relay.post()
    again = vault.restored()
    recover(again, since)
    go_on(again)
    again.deciding.reopen(1, actor=ADA, reason="yes")
    again.replay(1)
    again.post()
    assert len(again.luminate.gifts) == 1
    look_up(again)
    assert again.statuses() == ["posted"]


# What was decided before, and recovering again.


def test_what_was_held_is_held_again_if_it_is_not_there(relay, vault):
    relay.take(make_gift(hold="Not paid yet, perhaps."))
    since = vault.back_up()
    again = vault.restored()
    recover(again, since)
    go_on(again)
    (gift,) = again.gifts()
    assert (gift.status, gift.reason, gift.reason_text) == (Status.HELD, "needs_proof", "Not paid yet, perhaps.")
    assert again.luminate.calls == []


def test_recovering_twice_still_holds_what_was_held(relay, vault):
    relay.take(make_gift(hold="Not paid yet, perhaps."))
    since = vault.back_up()
    again = vault.restored()
    recover(again, since)
    recover(again, since)
    go_on(again)
    assert (again.luminate.calls, again.statuses()) == ([], ["held"])


def test_what_was_refused_is_not_sent_again_by_the_machine(relay, vault):
    relay.luminate.script = ["rejected"]
    relay.take(make_gift())
    relay.post()
    since = vault.back_up()
    again = vault.restored()
    recover(again, since)
    go_on(again)
    assert (len(again.luminate.calls), again.statuses()) == (1, ["held"])


def test_said_to_be_absent_what_was_held_is_held_again(relay, vault):
    relay.take(make_gift(hold="Not paid yet, perhaps."))
    since = vault.back_up()
    again = vault.restored()
    recover(again, since)
    again.deciding.absent(1, attempt=0, actor=ADA, reason="not in Luminate")
    resume(again.database, "alder", actor=ADA, reason="all looked up")
    again.post()
    assert (again.luminate.calls, again.statuses()) == ([], ["held"])


def test_a_refund_said_to_be_absent_goes_with_an_amount_and_a_code(relay, vault):
    relay.take(make_gift())
    relay.post()
    relay.take(make_refund("5.00"))
    since = vault.back_up()
    again = vault.restored()
    recover(again, since)
    again.deciding.absent(2, attempt=0, actor=ADA, reason="not in Luminate")
    resume(again.database, "alder", actor=ADA, reason="all looked up")
    again.post()
    (sent,) = again.luminate.sent("refund")
    assert (sent["refund_amount"], sent["refund_user_confirm_code"]) == ("5.00", "C1")


def test_a_refund_without_amount_or_code_is_never_sent(relay):
    """Luminate would take it for the whole gift."""
    relay.take(make_gift())
    relay.post()
    relay.take(make_refund("5.00"))
    with relay.database.write() as tx:
        tx.execute(update(table).where(table.c.kind == Kind.REFUND).values(parameters={"refund_amount": "5.00"}))
    relay.post()
    (refund,) = relay.refunds()
    assert (refund.status, refund.reason, relay.luminate.sent("refund")) == (Status.REJECTED, "relay_refused", [])


def test_recovering_again_with_a_later_time_still_looks_from_the_first(relay, vault):
    relay.take(make_gift())
    since = vault.back_up()
    lost = make_gift("40.00", keys=("ch_2",))
    relay.take(lost)
    relay.post()
    again = vault.restored()
    again.later(hours=3)
    recover(again, since)
    recover(again, since + timedelta(hours=2))
    again.take(lost)
    go_on(again)
    assert (again.statuses(), len(again.luminate.gifts)) == (["posted", "posted"], 2)


def test_a_time_to_come_is_refused_before_anything_changes(relay):
    relay.take(make_gift())
    with pytest.raises(RelayError, match="yet to come"):
        recover(relay, datetime.now(UTC) + timedelta(days=365))
    assert (relay.statuses(), pause_of(relay)) == (["queued"], None)


def test_a_time_after_the_newest_row_is_not_believed(relay, vault):
    """Without a zone the time is UTC: whoever writes Sydney's is ten hours late."""
    relay.take(make_gift())
    since = vault.back_up()
    relay.post()
    again = vault.restored()
    again.later(hours=24)
    recover(again, since + timedelta(hours=10))
    go_on(again)
    assert len(again.luminate.gifts) == 1


def test_a_time_of_another_zone_is_told_in_utc(relay):
    relay.take(make_gift())
    there = timezone(timedelta(hours=-6))
    recover(relay, datetime(2026, 1, 31, 4, tzinfo=there))
    assert "2026-01-31 10:00 UTC" in relay.entries()[0].reason_text
    assert "2026-01-31 10:00 UTC" in pause_of(relay).reason_text


# Beside others.


def test_a_pause_by_hand_is_not_forgotten_over_a_recovery(relay):
    pause(relay.database, "alder", actor=operator("Bob"), reason="the auditors ask us to stop")
    recover(relay, datetime.now(UTC))
    recover(relay, datetime.now(UTC))
    text = pause_of(relay).reason_text
    assert "by Bob: the auditors ask us to stop" in text
    assert text.count("Bob") == 1


def test_a_look_up_under_way_does_not_conclude_over_a_recovery(relay):
    relay.luminate.script = ["lost"]
    relay.take(make_gift())
    relay.post()
    relay.later(hours=2)

    class Recovering(Reader):
        def seen(self, **_asked):
            recover(relay, datetime.now(UTC) - timedelta(hours=1))
            return ()

    Probing(relay.database, relay.organization, Recovering(relay.luminate)).run()
    (entry,) = relay.entries()
    assert (entry.status, entry.reason) == (Status.UNKNOWN, "restored")


def test_a_worker_that_was_not_stopped_sends_nothing_while_suspects_are_marked(relay, monkeypatch):
    relay.take(make_gift())
    listing = search.listing

    def worker_comes_between(tx, wanted, **more):
        found = list(listing(tx, wanted, **more))
        thread = threading.Thread(target=relay.posting(worker="still up").run)
        thread.start()
        time.sleep(0.3)  # on SQLite it waits for the one writer, and finds the pause then
        return iter(found)

    monkeypatch.setattr(search, "listing", worker_comes_between)
    assert recover(relay, datetime.now(UTC)).suspects == {"alder": [1]}
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(5)
    assert (relay.luminate.calls, [str(entry.status) for entry in listing_of(relay, listing)]) == ([], ["unknown"])


def listing_of(relay, listing):
    with relay.database.read() as tx:
        return list(listing(tx, search.Filter()))


def test_an_organization_that_is_not_configured_today_is_in_doubt_as_well(relay, database_url):
    relay.take(make_gift())
    other = make_relay(database_url, make_organization("birch"))
    assert recover(other, datetime.now(UTC)).suspects == {"alder": [1], "birch": []}
    assert (pause_of(relay).reason, relay.statuses()) == ("recovering", ["unknown"])


def test_what_a_person_found_after_a_restore_keeps_its_row(relay, vault):
    """It is dated by when they said so, and this ledger knows no call of it."""
    relay.take(make_gift())
    relay.post()
    since, paid = vault.back_up(), datetime.now(UTC)
    relay.take(make_refund("5.00", keys=("re_1",), occurred_at=paid))
    relay.post()  # in Luminate, and forgotten
    again = vault.restored()
    recover(again, since)
    again.take(make_refund("5.00", keys=("re_1",), occurred_at=paid))  # told again
    again.later(hours=5)
    again.deciding.found(2, again.entry(1).confirmation_code, actor=ADA, reason="it is there")
    again.take(make_refund("5.00", keys=("re_2",), occurred_at=paid))  # told for the first time, and never made
    again.later(hours=1)
    look_up(again)
    assert len(again.luminate.refunds) == 1
    assert again.entry(3).status is Status.UNKNOWN
