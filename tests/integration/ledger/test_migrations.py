"""Migrations: up, down, with data; and at their head exactly the tables the code speaks of. On both databases."""

from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, inspect, text

from relay.ledger import connections, migrate
from relay.ledger.db import Database
from relay.ledger.models import metadata
from tests.builders import make_back, make_chargeback, make_gift, make_refund, make_relay, make_total
from tests.integration.ledger.racing import race


@pytest.fixture
def database(database_url):
    database = Database(database_url)
    yield database
    database.engine.dispose()


# Columns that the code of this release leaves alone and that of the one before still reads: dropped by the next.
TO_BE_DROPPED = [("remove_column", "entries", "claimed_by_keys")]


def describe(difference):
    kind, _schema, table, column = difference
    return kind, table, column.name


def tables(database):
    return set(inspect(database.engine).get_table_names()) - {"alembic_version"}


def test_the_head_is_exactly_the_models(database):
    migrate.upgrade(database)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert [describe(one) for one in compare_metadata(context, metadata)] == TO_BE_DROPPED
    assert migrate.current(database) == migrate.head()


def test_the_newest_file_is_the_only_head():
    assert ScriptDirectory.from_config(migrate._config()).get_heads() == [migrate.head()]


def test_the_head_has_every_check_and_index_of_the_models(database):
    migrate.upgrade(database)
    for table in metadata.tables.values():
        known = inspect(database.engine)
        assert {one["name"] for one in known.get_indexes(table.name)} == {one.name for one in table.indexes}
        wanted = {str(one.name) for one in table.constraints if isinstance(one, CheckConstraint)}
        assert {one["name"] for one in known.get_check_constraints(table.name)} == wanted


def test_down_takes_everything_away_and_up_again_works(database):
    migrate.upgrade(database)
    assert tables(database) == set(metadata.tables)
    migrate.downgrade(database, "base")
    assert tables(database) == set()
    migrate.upgrade(database)
    assert tables(database) == set(metadata.tables)


def test_up_twice_changes_nothing_and_keeps_the_data(database_url):
    database = Database(database_url)
    migrate.upgrade(database)
    database.engine.dispose()
    relay = make_relay(database_url)
    relay.take(make_gift())
    relay.take(make_refund())
    relay.post()
    before = relay.entries()
    migrate.upgrade(relay.database)
    assert relay.entries() == before
    relay.database.engine.dispose()


def test_two_releases_at_once_migrate_once(database_url):
    databases = [Database(database_url), Database(database_url)]
    race(2, lambda number: migrate.upgrade(databases[number]))
    with databases[0].read() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1
    for database in databases:
        database.engine.dispose()


def test_an_empty_database_is_at_no_revision(database):
    assert migrate.current(database) is None


def test_refusals_come_and_go_and_nothing_else_changes(database):
    """0002: the ledger of before keeps all it has, and so does the one that goes back."""
    migrate.upgrade(database, "0001")
    before = tables(database)
    with database.write() as tx:
        tx.execute(text("INSERT INTO leases (name, holder, until) VALUES ('sweep', 'w', '2026-01-03 10:00:00+00:00')"))
    migrate.upgrade(database, "0002")
    assert tables(database) == before | {"refusals"}
    migrate.downgrade(database, "0001")
    assert tables(database) == before
    with database.read() as tx:
        assert tx.execute(text("SELECT holder FROM leases")).scalar_one() == "w"


def test_what_refunds_came_to_is_worked_out_for_the_ledger_of_before(database_url):
    """0005: from the entries; there is no telling for a failure whose refund was never booked."""
    database = Database(database_url)
    migrate.upgrade(database)
    database.engine.dispose()
    relay = make_relay(database_url)
    relay.take(make_gift())
    relay.take(make_refund("1.00"), make_total("5.00"), make_refund("4.00", keys=("re_2",)))
    relay.take(make_chargeback("9.00"), make_back("dp_0", "3.00"))
    migrate.downgrade(relay.database, "0004")
    with relay.database.write() as tx:
        tx.execute(text("UPDATE entries SET claimed_by_keys = 400 WHERE provider_transaction_id = 'ch_1:500'"))
    migrate.upgrade(relay.database)
    with relay.database.read() as tx:
        amounts = tx.execute(text("SELECT key, amount FROM refund_keys ORDER BY key")).all()
    assert amounts == [("dp_0", None), ("dp_1", 0), ("re_1", 100), ("re_2", 400)]
    relay.database.engine.dispose()


def test_connections_come_and_go_and_nothing_else_changes(database):
    """0007: the ledger of before keeps all it has, and so does the one that goes back."""
    migrate.upgrade(database, "0006")
    before = tables(database)
    with database.write() as tx:
        tx.execute(text("INSERT INTO leases (name, holder, until) VALUES ('sweep', 'w', '2026-01-03 10:00:00+00:00')"))
    migrate.upgrade(database, "0007")
    assert tables(database) == before | {"connections", "connection_checks"}
    with database.write() as tx:
        connections.meet(tx, "alder", "luminate", "f" * 64, database.now(tx))
        assert connections.ask(tx, "alder", "ann", database.now(tx), rest=timedelta())
    migrate.downgrade(database, "0006")
    assert tables(database) == before
    with database.read() as tx:
        assert tx.execute(text("SELECT holder FROM leases")).scalar_one() == "w"
