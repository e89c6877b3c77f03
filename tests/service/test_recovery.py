"""A ledger restored from a backup: what it calls unsent may be in Luminate, so it is looked up before anything goes."""

import itertools
import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from relay.access import operator
from relay.errors import ReplayRefused
from relay.ledger import pauses
from relay.outbound.pausing import resume
from relay.outbound.probing import Probing
from relay.outbound.recovery import Recovery
from relay.status import Kind, Status
from tests.builders import make_back, make_chargeback, make_gift, make_refund, make_relay
from tests.service.test_probing import FakeReader


def back_up(relay, tmp_path):
    relay.database.engine.dispose()
    shutil.copy(tmp_path / "ledger.db", tmp_path / "backup.db")
    return datetime.now(UTC)


def restored(relay, tmp_path):
    """The same world with the ledger of the backup: Luminate remembers what the ledger has forgotten."""
    relay.database.engine.dispose()
    again = make_relay(f"sqlite:///{tmp_path / 'backup.db'}")
    again.luminate, again.provider.numbers = relay.luminate, itertools.count(100)
    return again


@pytest.fixture
def after_restore(relay, tmp_path):
    """Two gifts queued at the backup; one was posted after it."""
    relay.take(make_gift(keys=("ch_1",)))
    relay.take(make_gift("40.00", keys=("ch_2",)))
    since = back_up(relay, tmp_path)
    relay.luminate.script = ["ok", "rejected"]
    relay.post()
    assert len(relay.luminate.gifts) == 1
    return restored(relay, tmp_path), since


def recover(relay, since):
    return Recovery(relay.database, relay.settings.organizations).start(
        since, actor=operator("Ada"), reason="disk died"
    )


def reader_of(relay, at):
    class Reader(FakeReader):
        def seen(self, *, email, cons_id="", begin, end, kind="DONATION"):
            rows = [self.row(Decimal(one["other_amount"]), code, at) for code, one in relay.luminate.gifts.items()]
            return tuple(row for row in rows if begin <= row.at <= end)

    return Reader(relay)


def test_nothing_is_posted_before_the_suspects_are_looked_up(after_restore):
    relay, since = after_restore
    recovered = recover(relay, since)
    assert recovered.suspects == {"alder": [1, 2]}
    relay.post()
    assert len(relay.luminate.gifts) == 1
    assert relay.statuses() == ["unknown", "unknown"]


def test_suspects_are_marked_on_both_databases(database_url):
    """The listing of suspects read through a cursor, and so did every change after it: PostgreSQL refuses that."""
    relay = make_relay(database_url)
    relay.take(make_gift())
    assert recover(relay, datetime.now(UTC)).suspects == {"alder": [1]}
    assert relay.statuses() == ["unknown"]


def test_the_truth_is_found_and_nothing_is_doubled(after_restore):
    relay, since = after_restore
    recover(relay, since)
    relay.later(minutes=11)
    probed = Probing(relay.database, relay.organization, reader_of(relay, since)).run()
    assert (probed.recorded, probed.absent) == ([1], [2])
    resume(relay.database, "alder", actor=operator("Ada"), reason="all looked up")
    relay.post()
    assert relay.statuses() == ["posted", "posted"]
    assert len(relay.luminate.gifts) == 2


def test_posting_is_refused_while_suspects_are_open_unless_overruled(after_restore):
    relay, since = after_restore
    recover(relay, since)
    with pytest.raises(ReplayRefused, match="2 entries of alder"):
        resume(relay.database, "alder", actor=operator("Ada"), reason="quick")
    with relay.database.read() as tx:
        assert pauses.of(tx, "alder").reason == "recovering"
    resume(relay.database, "alder", actor=operator("Ada"), reason="we know", anyway=True)
    with relay.database.read() as tx:
        assert pauses.of(tx, "alder") is None


def test_what_a_person_did_not_decide_stays_unknown(after_restore):
    relay, since = after_restore
    relay.take(make_refund("5.00"))
    recover(relay, since)
    assert relay.statuses() == ["unknown", "unknown", "unknown"]
    assert [row["action"] for row in relay.corrections()] == ["recover"] * 3
    assert all(entry.status is Status.UNKNOWN for entry in relay.entries())


def look_up_and_post(relay, since, at=None):
    relay.later(hours=2)
    recover(relay, since)
    relay.later(hours=1)
    Probing(relay.database, relay.organization, reader_of(relay, at or since)).run()
    resume(relay.database, "alder", actor=operator("Ada"), reason="all looked up")
    relay.post()


def test_what_was_unknown_and_sent_again_after_the_backup_is_found(relay, tmp_path):
    """Its second call was an hour after the first, which is all that the backup knows of."""
    relay.luminate.script = ["lost"]
    relay.take(make_gift())
    relay.post()
    since = back_up(relay, tmp_path)
    relay.later(hours=1)
    relay.deciding.absent(1, attempt=1, actor=operator("ann"), reason="looked")
    relay.post()
    again = restored(relay, tmp_path)
    look_up_and_post(again, since, at=since + timedelta(hours=1))
    assert (again.statuses(), len(again.luminate.gifts)) == (["posted"], 1)


def test_what_was_held_is_held_again_if_it_is_not_there(relay, tmp_path):
    relay.take(make_gift(hold="Not paid yet, perhaps."))
    since = back_up(relay, tmp_path)
    again = restored(relay, tmp_path)
    look_up_and_post(again, since)
    (gift,) = again.gifts()
    assert (gift.status, gift.reason, gift.reason_text) == (Status.HELD, "needs_proof", "Not paid yet, perhaps.")
    assert again.luminate.calls == []


def test_money_that_came_back_and_was_recorded_after_the_backup_is_found(relay, tmp_path):
    relay.take(make_gift())
    relay.post()
    relay.take(make_chargeback("25.00"))
    relay.post()
    relay.take(make_back("dp_1", "25.00"))
    since = back_up(relay, tmp_path)
    (back,) = relay.entries(Kind.REINSTATEMENT)
    relay.replay(back.id)
    relay.post()
    again = restored(relay, tmp_path)
    look_up_and_post(again, since)
    assert again.entry(back.id).status is Status.POSTED
    assert again.luminate.net == 2500
