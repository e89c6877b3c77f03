"""Whose entries these are: by e-mail address, whether it lies plain or sealed, and under whichever key."""

from __future__ import annotations

import re

from sqlalchemy import ColumnElement, Connection, Text, and_, literal, or_, select

from relay.ledger.models import entries
from relay.ledger.sealing import keyring_of
from relay.status import Status
from relay.telemetry import blot


def has_email(tx: Connection, email: str) -> ColumnElement[bool]:
    """The entry has this address; addresses are compared in small letters, as the ledger keeps them."""
    keyring, address = keyring_of(tx.dialect), email.strip().lower()
    plain = entries.c.donor_email == literal(keyring.plain(address), Text())
    return or_(plain, entries.c.donor_key.in_(keyring.donor_keys(address)))


def entries_of(tx: Connection, email: str) -> list[int]:
    """The numbers of every entry of a donor, oldest first."""
    return list(tx.execute(select(entries.c.id).where(has_email(tx, email)).order_by(entries.c.id)).scalars())


def nameless(tx: Connection, text: str, name: str) -> str:
    """A text that stays plain: without e-mail addresses and, on a sealed ledger, without the words of this name."""
    text = blot(text)
    words = sorted((word for word in set(name.split()) if len(word) > 2), key=len, reverse=True)
    if not words or not keyring_of(tx.dialect).seals:
        return text
    return re.sub(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", "[donor]", text, flags=re.IGNORECASE)


def is_flying(tx: Connection, organization: str, email: str) -> bool:
    """Whether a gift of this donor is on its way to Luminate."""
    flies = and_(entries.c.organization == organization, entries.c.status == Status.POSTING)
    return bool(email) and tx.execute(select(entries.c.id).where(flies, has_email(tx, email))).first() is not None
