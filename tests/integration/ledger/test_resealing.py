"""``flask seal``: what lies there is sealed anew, beside everything else, and nothing is lost or overwritten."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from relay.access import Actor, Through, operator
from relay.errors import NotAllowed, ReplayRefused
from relay.ledger import audit, entries, resealing, search
from relay.ledger.resealing import BATCH, tables
from relay.ledger.search import Filter
from relay.ledger.work_tables import audit as audit_table
from relay.office.auditing import Auditing
from relay.office.sealing import Sealing
from relay.status import Status
from tests.builders import make_gift, make_refund, make_relay
from tests.support.sealed import NEW, OLD, STRANGE, everything

BOSS = operator("boss")
WAYS = {
    "plain to sealed": ((), (NEW,)),
    "one key to the next": ((OLD,), (NEW, OLD)),
    "sealed to plain": ((NEW,), ("open", NEW)),
}


def fill(relay, gifts=8):
    """Gifts that went several ways, with corrections, attempts and a plan."""
    relay.luminate.script = ["rejected", "ok", "lost"]
    for number in range(gifts):
        relay.take(make_gift(keys=(f"ch_{number}",)))
    relay.take(make_refund("5.00", parents=("ch_1",)))
    relay.post(4)
    relay.correcting.correct(1, {"donor.address.zip": "97201"}, actor=operator("ann"), reason="Mary told us")
    relay.draw(1)


def again(relay, *keys):
    """Another process on the same ledger, with these keys."""
    return make_relay(relay.settings.database_url, keys=keys)


def sealing(relay):
    return Sealing(relay.database, wait=lambda _seconds: None)


def told(relay):
    """All that the ledger says, in the words of whoever reads it."""
    rows = {}
    with relay.database.read() as tx:
        for table in tables():
            if table is not audit_table:
                columns = [column for column in table.columns if column.name not in {"donor_key", "findable"}]
                rows[table.name] = tx.execute(select(*columns).order_by(*table.primary_key.columns)).all()
    return rows


@pytest.mark.parametrize(("before", "after"), WAYS.values(), ids=WAYS)
def test_everything_is_written_anew_and_says_the_same(database_url, before, after):
    first = make_relay(database_url, keys=before)
    fill(first)
    was = told(first)
    relay = again(first, *after)
    assert sealing(relay).left().total > 0
    done = sealing(relay).run(BOSS)
    assert (sealing(relay).left().total, done.shut) == (0, 0)
    assert told(relay) == was
    # The key that is gone is not needed any more.
    alone = again(first, *(key for key in after[:1] if key != "open"))
    assert told(alone) == was
    with alone.database.read() as tx:
        assert [one.id for one in search.listing(tx, Filter(names=("sto",)))] == [one.id for one in alone.entries()]
    assert ("Stone" in everything(relay.database)) is (after[0] == "open")
    assert alone.balance_holds()


def test_it_is_done_once(database_url):
    fill(make_relay(database_url, keys=()))
    relay = make_relay(database_url, keys=(NEW,))
    assert sealing(relay).run(BOSS).done > 0
    before = everything(relay.database)
    assert sealing(relay).run(BOSS).done == 0
    assert everything(relay.database) == before


def test_a_line_of_the_audit_says_when_it_began_and_how_many_there_were(database_url):
    fill(make_relay(database_url, keys=()))
    relay = make_relay(database_url, keys=(NEW,))
    rows = sealing(relay).left().total
    sealing(relay).run(BOSS)
    with relay.database.read() as tx:
        first, last = list(audit.lines(tx, audit.Wanted(subject="ledger")))
    mark = relay.database.keyring.marks[0]
    assert (first.who, first.action, first.details) == ("boss", "seal", {"rows": rows, "key": mark})
    # The line of the beginning was sealed when it was written.
    assert (last.action, last.details) == ("sealed", {"rows": rows, "key": mark})
    assert Auditing(relay.database, {}).check().faults == ()


def test_the_chain_of_the_audit_still_holds_when_its_lines_are_sealed(database_url):
    plain = make_relay(database_url, keys=())
    fill(plain)
    with plain.database.read() as tx:
        digests = [line.digest for line in audit.lines(tx, audit.Wanted())]
    relay = make_relay(database_url, keys=(NEW,))
    sealing(relay).run(BOSS)
    assert Auditing(relay.database, {}).check().faults == ()
    with relay.database.read() as tx:
        assert [line.digest for line in audit.lines(tx, audit.Wanted())][: len(digests)] == digests
    assert "told us" not in everything(relay.database)


class Killed(BaseException):
    """What ends a process in the middle."""


def test_whoever_is_killed_in_the_middle_goes_on_where_it_was(database_url):
    first = make_relay(database_url, keys=())
    fill(first, gifts=BATCH + 10)
    was = told(first)
    relay = make_relay(database_url, keys=(NEW,))
    left = sealing(relay).left().total
    batches = iter(range(2))

    def kill(_table, _rows):
        if next(batches, None) is None:
            raise Killed

    with pytest.raises(Killed):
        sealing(relay).run(BOSS, tell=kill)
    between = sealing(relay).left().total
    assert 0 < between < left
    assert told(relay) == was
    done = sealing(relay).run(BOSS).done
    # The line that the first run began with was sealed when it was written.
    assert (done, sealing(relay).left().total) == (between, 0)
    assert told(relay) == was


def test_a_batch_that_dies_before_its_commit_leaves_whole_rows(database_url, monkeypatch):
    first = make_relay(database_url, keys=())
    fill(first)
    was = told(first)
    relay = make_relay(database_url, keys=(NEW,))
    written, rows = resealing._written_anew, iter(range(5))

    def dies(tx, table, key):
        if next(rows, None) is None:
            raise Killed
        return written(tx, table, key)

    monkeypatch.setattr(resealing, "_written_anew", dies)
    with pytest.raises(Killed):
        sealing(relay).run(BOSS)
    assert told(relay) == was


def test_a_change_in_the_middle_of_it_is_never_overwritten(database_url):
    """People correct and workers post while everything is sealed, again and again."""
    first = make_relay(database_url, keys=())
    fill(first, gifts=30)
    relay, beside = make_relay(database_url, keys=(NEW,)), make_relay(database_url, keys=(NEW,))
    ann, beside.luminate.script = operator("ann"), ["rejected"] * 1000
    with ThreadPoolExecutor(1) as pool:
        sealed = pool.submit(sealing(relay).run, BOSS)
        for number in range(12):
            beside.correcting.correct(1, {"donor.address.zip": f"972{number:02}"}, actor=ann, reason="she moved")
            beside.post(1)
            beside.take(make_gift(keys=(f"ch_more{number}",)))
        sealed.result(timeout=100)
    assert sealing(relay).run(BOSS).shut == 0
    assert sealing(relay).left().total == 0
    assert [row["after"]["parameters"]["donor.address.zip"] for row in relay.corrections()][-1] == "97211"
    assert relay.entry(1).overrides["donor.address.zip"] == "97211"
    assert relay.balance_holds()
    assert "Stone" not in everything(relay.database)


def test_a_row_that_somebody_holds_is_left_for_the_next_pass(postgres_database):
    first = make_relay(postgres_database, keys=())
    fill(first)
    relay = make_relay(postgres_database, keys=(NEW,))
    waits = []
    with first.database.write() as tx:
        entry = entries.get(tx, 3, keep=True)
        holding = Sealing(relay.database, wait=waits.append)
        done = holding.run(BOSS)
        assert holding.left().rows == {"entries": 1}
        assert entries.change(tx, entry, first.database.now(tx), flag="looked at")
    assert done.shut == 0
    assert len(waits) == 4
    assert sealing(relay).run(BOSS).done == 1
    assert relay.entry(3).flag == "looked at"


def test_a_replay_that_was_drawn_before_goes_on(database_url):
    """Sealing is no change of an entry: whoever drew a plan over it replays it."""
    first = make_relay(database_url, keys=())
    first.luminate.script = ["rejected"]
    first.take(make_gift())
    first.post(1)
    number = first.draw(1)
    relay = make_relay(database_url, keys=(NEW,))
    sealing(relay).run(BOSS)
    relay.plans.start(number, actor=operator("ann"), reason="again")
    relay.plans.advance("alder")
    relay.post()
    assert relay.entry(1).status is Status.POSTED


def test_without_a_key_there_is_nothing_to_seal_with(database_url):
    relay = make_relay(database_url, keys=())
    fill(relay)
    with pytest.raises(ReplayRefused, match="RELAY_ENCRYPTION_KEYS is not set"):
        sealing(relay).run(BOSS)


@pytest.mark.parametrize("keys", [(), (NEW,), ("open", NEW)])
def test_nothing_is_sealed_over_rows_whose_key_is_missing(database_url, keys):
    fill(make_relay(database_url, keys=(STRANGE,)))
    relay = make_relay(database_url, keys=keys)
    before = everything(relay.database)
    assert sealing(relay).left().closed["entries"] == 9
    with pytest.raises(ReplayRefused, match="lacks a key"):
        sealing(relay).run(BOSS)
    assert everything(relay.database) == before


def test_a_value_that_was_cut_off_is_named_and_the_rest_is_sealed(database_url):
    first = make_relay(database_url, keys=(OLD,))
    fill(first)
    with first.database.write() as tx:
        stored = tx.execute(text("SELECT donor_name FROM entries WHERE id = 2")).scalar_one()
        tx.execute(text("UPDATE entries SET donor_name = :name WHERE id = 2"), {"name": f"{stored[:-6]}AAAAA="})
    relay = make_relay(database_url, keys=(NEW, OLD))
    done = sealing(relay).run(BOSS)
    assert {name: keys for name, keys in done.closed.items() if keys} == {"entries": {(2,)}}
    assert sealing(relay).left().rows == {"entries": 1}


def test_only_who_manages_everything_seals(database_url):
    relay = make_relay(database_url, keys=(NEW,))
    with pytest.raises(NotAllowed):
        sealing(relay).run(Actor("viewer", Through.CONSOLE))
