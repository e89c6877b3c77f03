"""Certificates that providers sign with: fetched once by a worker, known to every front door.

They are public, and whoever reads one here checks it against its authorities each time.
"""

from __future__ import annotations

from sqlalchemy import select

from relay.errors import LedgerUnavailable
from relay.ledger.db import Database
from relay.ledger.events import insert_or_ignore
from relay.ledger.models import certificates


class Certificates:
    """PEM texts by address; a process remembers those it has read."""

    def __init__(self, database: Database) -> None:
        """Nothing is read yet."""
        self._database = database
        self._read: dict[str, bytes] = {}

    def get(self, url: str) -> bytes | None:
        """The PEM; None if it was never fetched, or the ledger does not answer (storing the event will say so)."""
        if url not in self._read and (pem := self._stored(url)) is not None:
            self._read[url] = pem
        return self._read.get(url)

    def _stored(self, url: str) -> bytes | None:
        try:
            with self._database.read() as tx:
                pem: bytes | None = tx.execute(
                    select(certificates.c.pem).where(certificates.c.url == url)
                ).scalar_one_or_none()
        except LedgerUnavailable:
            return None
        return pem

    def __setitem__(self, url: str, pem: bytes) -> None:
        """Keep a certificate that was found good; the first one stays."""
        with self._database.write() as tx:
            row = {"url": url, "pem": pem, "fetched_at": self._database.now(tx)}
            insert_or_ignore(tx, certificates, row)
        self._read[url] = pem
