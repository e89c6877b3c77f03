"""The doctor on encryption at rest: whether every row opens, and what is not yet under the newest key."""

from __future__ import annotations

from collections.abc import Iterator

from relay import words
from relay.doctor.checks import Check, failed, ok, warning
from relay.ledger import resealing
from relay.ledger.db import Database

NAME = "encryption"
LACKS = "RELAY_ENCRYPTION_KEYS lacks a key with which donor data in the ledger was sealed."
PUT_BACK = "Put the key back into the list; without it nobody reads these rows."


def encryption(ledger: Database) -> Iterator[Check]:
    """How donor data lies in the ledger. Where there are no keys only the newest rows are looked at."""
    keyring = ledger.keyring
    with ledger.read() as tx:
        if not keyring.marks:
            is_shut = resealing.any_closed_lately(tx)
            plain = "Donor data lies readable in the ledger (RELAY_ENCRYPTION_KEYS is not set)."
            yield failed(NAME, LACKS, PUT_BACK) if is_shut else ok(NAME, plain)
            return
        tables = resealing.tables()
        closed = sum(resealing.closed(tx, table) for table in tables)
        left = sum(resealing.left(tx, table) for table in tables)
    if closed:
        yield failed(NAME, f"{LACKS} {words.count(closed, 'row')} cannot be read.", PUT_BACK)
    elif left:
        how = f"not sealed with the newest key ({keyring.marks[0]})" if keyring.seals else "sealed still"
        yield warning(NAME, f"{words.count(left, 'row')} {'is' if left == 1 else 'are'} {how}.", "Run `flask seal`.")
    elif keyring.seals:
        older = len(keyring.marks) - 1
        spare = f" {words.count(older, 'older key')} may leave the list." if older else ""
        yield ok(NAME, f"Donor data is sealed with key {keyring.marks[0]}.{spare}")
    else:
        yield ok(NAME, "Nothing is sealed any more; RELAY_ENCRYPTION_KEYS may go.")
