"""What of the rows that Luminate shows belongs, or may belong, to other entries than the one looked up."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from relay.inbound.refunding import BY_PERSON
from relay.ledger import claims, doubts, entries, supplied
from relay.ledger.constituents import addresses_of, constituents_of
from relay.ledger.entries import Entry
from relay.luminate.schemas import without_mails
from relay.luminate.seen import Seen
from relay.outbound import matching
from relay.outbound.matching import AFTER, BEFORE, Doubt, Others
from relay.status import Kind, Status


def others_of(tx: Connection, entry: Entry, rows: Sequence[Seen], doubt: Doubt, site: Collection[str]) -> Others:
    """Codes that others own, and how many others the rows may be; ``site``: the organizations on the Luminate site.

    Of gifts that are interchangeable either may take the row of the other, unless this one may be there under another
    amount: then it would be there twice.
    """
    if entry.kind is Kind.REFUND:
        return _of_refund(tx, entry, doubt, site)
    owners = entries.owners(tx, site, [row.confirmation_code for row in rows])
    contested = {row.confirmation_code for row in rows if is_contested(entry, row, owners)}
    owned = owners.keys() - contested
    possible = [row for row in rows if row.confirmation_code not in owned and matching.may_be(entry, row, doubt)]
    free = [row for row in possible if matching.matches(entry, row, doubt)]
    rivals = list(_rivals(tx, entry, free, doubt, site)) if free else []
    if len(free) == len(possible):
        rivals = [one for one in rivals if _told(one) != _told(entry)]
    told = supplied.told_elsewhere(tx, site, [row.confirmation_code for row in free], entry.payment_id)
    return Others(owned=owned, contested=contested, rivals=len(rivals) + len(told))


def is_contested(entry: Entry, row: Seen, owners: Mapping[str, Entry]) -> bool:
    """Luminate shows it as this donor's; the ledger took its code, from an answer, for another donor's gift."""
    owner = owners.get(row.confirmation_code)
    if owner is None or owner.id == entry.id:
        return False
    if matching.is_exact(entry, row):
        return owner.payment_id != entry.payment_id  # the same donor's as well
    anybodys = row.by_form and not row.email and not row.sub_source
    return owner.donor_email != entry.donor_email and not anybodys


def _of_refund(tx: Connection, entry: Entry, doubt: Doubt, site: Collection[str]) -> Others:
    begin, end = doubt.window
    same = supplied.under(tx, site, entry.parameters.get(supplied.CODE, ""))
    known = {one.id: one for one in (*entries.refunds_of(tx, entry.payment_id), *same)}.values()
    equal = [one for one in known if one.amount == entry.amount and one.id != entry.id]
    posted_then = [one for one in equal if one.posted_at and begin <= one.posted_at <= end]
    rivals = sum(_may_have_a_row(tx, one, end) for one in equal if one not in posted_then)
    return Others(accounted=len(posted_then), rivals=rivals)


def _may_have_a_row(tx: Connection, one: Entry, end: datetime) -> bool:
    """Whether an equal refund may be in Luminate beside those that were posted then.

    Its row may bear its gift's time, or what a person found is dated by when they said so; or somebody made it by hand.
    Of a call that was never told recorded, a row may be there whatever became of the refund since.
    """
    if one.status is Status.POSTED or (one.status is Status.CLOSED and one.reason == BY_PERSON):
        return True
    called = claims.called_since(tx, one.id)
    return called is not None and called <= end


def _rivals(tx: Connection, entry: Entry, free: Sequence[Seen], doubt: Doubt, site: Collection[str]) -> Iterator[Entry]:
    """Other gifts that one of these rows may be."""
    begin, end = doubt.window
    lists = _Lists.of(tx, entry, site)
    for one in doubts.gifts_in_doubt(tx, site, entry.amount, begin - AFTER, end + BEFORE):
        # A form's list shows anybody's. Asked first: after an outage a hundred others may be in doubt.
        rows = [row for row in free if row.by_form or lists.show(one)]
        if one.id == entry.id or not rows or _has_its_row(tx, one):
            continue
        theirs = _doubt_of(tx, one, doubt)
        if any(matching.matches(one, row, theirs) for row in rows):
            yield one


def _told(entry: Entry) -> dict[str, str]:
    """What Luminate is told of a gift, without what only names the payment, and the mails."""
    return {name: text for name, text in without_mails(entry.parameters).items() if name != "sub_source"}


def _has_its_row(tx: Connection, one: Entry) -> bool:
    """A look-up or a person found the row of its untold call. Answered, it was another call of its that has a row."""
    return bool(one.confirmation_code) and claims.answered(tx, one) is None


def _doubt_of(tx: Connection, one: Entry, doubt: Doubt) -> Doubt:
    begin, end = doubts.untold(tx, one.id, doubt.end) or (doubt.begin, doubt.end)
    if one.status is Status.UNKNOWN and one.doubtful_from is not None:
        return Doubt(min(begin, one.doubtful_from), max(end, one.changed_at))
    return Doubt(begin, end)


@dataclass(frozen=True, slots=True)
class _Lists:
    """The lists that the look-up of a gift reads: by its address, and by the constituents that relay knows for it."""

    address: str
    constituents: frozenset[str]
    # Other addresses of these constituents, each with its organization.
    addresses: Collection[tuple[str, str]]

    @classmethod
    def of(cls, tx: Connection, entry: Entry, site: Collection[str]) -> _Lists:
        earlier = constituents_of(tx, entry.organization, entry.donor_email)
        known = _named(entry) | frozenset(earlier)
        return cls(entry.donor_email, known, addresses_of(tx, site, known))

    def show(self, one: Entry) -> bool:
        """Whether the look-up of this other gift reads one of them, too."""
        if one.donor_email and one.donor_email == self.address:
            return True
        return bool(_named(one) & self.constituents) or (one.organization, one.donor_email) in self.addresses


def _named(entry: Entry) -> frozenset[str]:
    return frozenset({entry.cons_id, entry.parameters.get("donor.cons_id", "")} - {""})
