"""A reading transaction sees one moment, on both databases: a balance is read in several statements."""

from datetime import UTC, datetime

import pytest

from relay.ledger import entries, payments, search
from relay.ledger.db import Database
from relay.ledger.models import metadata
from relay.ledger.payments import Source
from relay.money import Money
from relay.status import Kind, Status

NOW = datetime(2025, 12, 31, tzinfo=UTC)


@pytest.fixture
def ledger(database_url):
    database = Database(database_url)
    metadata.create_all(database.engine)
    yield database
    database.engine.dispose()


def add(ledger, key):
    with ledger.write() as tx:
        payment = payments.create(tx, Source("hope", "stripe"), NOW)
        entries.create(
            tx, organization="hope", provider="stripe", payment_id=payment, kind=Kind.GIFT, status=Status.QUEUED,
            amount=Money(2500, "USD"), provider_transaction_id=key, received_at=NOW, next_attempt_at=NOW,
        )  # fmt: skip


def test_what_is_written_meanwhile_is_not_half_seen(ledger):
    add(ledger, "ch_1")
    with ledger.read() as tx:
        before = search.totals(tx)
        add(ledger, "ch_2")
        assert search.totals(tx) == before
        assert all(sheet.holds for sheet in search.balance(tx).values())
    with ledger.read() as tx:
        (sheet,) = search.balance(tx).values()
    assert (sheet.received, sheet.holds) == (Money(5000, "USD"), True)


def test_a_writer_after_a_reader_sees_what_is_there_now(ledger):
    """The isolation of a reader does not stay with the connection it borrowed."""
    with ledger.read() as tx:
        search.totals(tx)
    add(ledger, "ch_1")
    with ledger.write() as tx:
        assert len(list(search.listing(tx, search.Filter()))) == 1
        add_in = search.totals(tx)
    assert add_in[0].count == 1
