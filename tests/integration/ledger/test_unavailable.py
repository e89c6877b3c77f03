"""A database that does not answer: LedgerUnavailable, and for the sender a 503. On real servers."""

import threading

import pytest
from sqlalchemy import text

from relay.errors import CouldNotStore, LedgerUnavailable
from relay.ledger import db
from relay.ledger.db import Database
from tests.builders import make_gift, make_relay
from tests.support.databases import run

KILL_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def kill_connections(relay):
    """What a restart or a failover does to every connection."""
    run(relay.settings.database_url, KILL_OTHERS)


@pytest.fixture
def relay(postgres_database):
    relay = make_relay(postgres_database)
    yield relay
    relay.database.engine.dispose()


def test_nobody_listens():
    database = Database("postgresql+psycopg://u:p@127.0.0.1:1/none")
    with pytest.raises(LedgerUnavailable), database.read():
        pass
    with pytest.raises(LedgerUnavailable), database.write():
        pass


def test_no_directory_for_the_file(tmp_path):
    (tmp_path / "file").write_text("")
    database = Database(f"sqlite:///{tmp_path / 'file' / 'ledger.db'}")
    with pytest.raises(LedgerUnavailable), database.write():
        pass


def test_an_idle_connection_that_was_killed_is_replaced(relay):
    relay.take(make_gift())
    kill_connections(relay)
    relay.take(make_gift(keys=("ch_2",)))
    assert len(relay.entries()) == 2


def test_a_connection_killed_in_a_transaction_stores_nothing(relay):
    once = [kill_connections]
    relay.database.on_now = lambda: once and once.pop()(relay)
    with pytest.raises(CouldNotStore):
        relay.take(make_gift())
    assert relay.events() == []
    relay.take(make_gift())
    assert len(relay.entries()) == 1


def test_a_lock_that_somebody_keeps_is_an_unavailable_ledger(relay, monkeypatch):
    monkeypatch.setattr(db, "LOCK_SECONDS", 1)
    impatient = make_relay(relay.settings.database_url)
    with relay.database.write() as tx:
        relay.database.lock(tx, "alder")
        with pytest.raises(CouldNotStore):
            impatient.take(make_gift())
    impatient.take(make_gift())
    impatient.database.engine.dispose()


def test_a_deadlock_is_an_unavailable_ledger(relay):
    relay.take(make_gift())
    relay.take(make_gift(keys=("ch_2",)))
    gate, ends = threading.Barrier(2), []
    change = text("UPDATE entries SET flag = '' WHERE id = :id")

    def cross(first, second):
        try:
            with relay.database.write() as tx:
                tx.execute(change, {"id": first})
                gate.wait(timeout=20)
                tx.execute(change, {"id": second})
            ends.append("done")
        except LedgerUnavailable:
            ends.append("unavailable")

    threads = [threading.Thread(target=cross, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["done", "unavailable"]


def test_a_database_that_only_reads_makes_the_sender_try_again(relay):
    url = relay.settings.database_url
    name = url.rpartition("/")[2].partition("?")[0]
    run(url, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    try:
        relay.database.engine.dispose()
        with pytest.raises(CouldNotStore):
            relay.take(make_gift())
    finally:
        run(
            url,
            "SET default_transaction_read_only = off",
            f'ALTER DATABASE "{name}" RESET default_transaction_read_only',
        )


def test_a_sqlite_file_that_is_locked_is_an_unavailable_ledger(tmp_path, monkeypatch):
    monkeypatch.setattr(db, "LOCK_SECONDS", 0.1)
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    first, second = make_relay(url), make_relay(url)
    with first.database.write(), pytest.raises(CouldNotStore):
        second.take(make_gift())
    second.take(make_gift())
    assert len(second.entries()) == 1


def test_readers_go_on_while_somebody_writes(tmp_path):
    relay = make_relay(f"sqlite:///{tmp_path / 'ledger.db'}")
    with relay.database.write():
        assert relay.entries() == []
