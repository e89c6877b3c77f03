"""Luminate's constituents of a donor, as relay was told them."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, and_, select

from relay.ledger.donors import has_email
from relay.ledger.models import entries
from relay.status import Status


def constituents_of(tx: Connection, organization: str, email: str) -> list[str]:
    """The ids that answered this donor's posted gifts, each once."""
    known = and_(entries.c.organization == organization, entries.c.status == Status.POSTED, entries.c.cons_id != "")
    mine = select(entries.c.cons_id).where(known, has_email(tx, email)).distinct().order_by(entries.c.cons_id)
    return list(tx.execute(mine).scalars()) if email else []


def addresses_of(tx: Connection, organizations: Collection[str], constituents: Collection[str]) -> set[tuple[str, str]]:
    """The donors' addresses of these constituents' posted gifts, each with its organization."""
    known = and_(entries.c.organization.in_(organizations), entries.c.status == Status.POSTED)
    theirs = select(entries.c.organization, entries.c.donor_email).where(known, entries.c.cons_id.in_(constituents))
    found = tx.execute(theirs).all() if constituents else []
    return {(organization, email) for organization, email in found if email}
