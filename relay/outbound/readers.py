"""What Luminate shows of an entry, by every way there is: the lists of the donor (REST), and of the form (SOAP).

A list proves what it shows. That a gift is absent is proven only by all of them together: a gift may lie under another
constituent than the one that is asked for (of the address, of the id that was sent, of earlier gifts), a form's list
tells whose a gift is by an address that somebody may have changed since, and whether it tells our own id depends on
the site. So every list is asked, and one that was refused proves no absence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from relay.errors import ReadRefused, TransportError
from relay.ledger.entries import Entry
from relay.luminate.readback import RestReader, Seen
from relay.outbound import matching
from relay.outbound.matching import Doubt
from relay.status import Kind

if TYPE_CHECKING:
    from relay.luminate.soap import SoapReader  # heavy, and loaded only where an organization configures it

log = structlog.get_logger(__name__)

# What a form's list tells of a gift beside the donor's list. Not the address: whose it is, the donor's list has said.
_MORE = ("tender", "last4", "check_number", "transaction_id", "form_id", "sub_source", "creation_method",
         "billing_name")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """The rows of every list that answered; ``refused`` is why another did not: then nothing is proven absent."""

    rows: tuple[Seen, ...] = ()
    refused: ReadRefused | TransportError | None = None


class Readers:
    """The ways to read one organization's Luminate. Everything raises ReadRefused and TransportError."""

    def __init__(self, organization: str, rest: RestReader, soap: SoapReader | None) -> None:
        """Take the parts; ``soap`` is the second reader where one is configured."""
        self.organization = organization
        self.rest = rest
        self.soap = soap

    def of_doubt(self, entry: Entry, doubt: Doubt, constituents: Iterable[str] = ()) -> Shown:
        """What may be this entry by all the lists; the donor's are left unread where a form's shows our own id.

        Raises what the donor's lists were refused with where no list answered.
        """
        begin, end = doubt.window
        if self.soap is None or entry.kind is Kind.REFUND:
            return self.of_donor(entry, begin, end, constituents)
        by_form = self._by_form(self.soap, entry, begin, end)
        if any(matching.is_exact(entry, row) and matching.matches(entry, row, doubt) for row in by_form.rows):
            return _concerning(entry, by_form)
        try:
            by_donor = self.of_donor(entry, begin, end, constituents)
        except (ReadRefused, TransportError) as refused:
            if by_form.refused:
                raise
            by_donor = Shown(refused=refused)
        both = Shown(_merged(by_donor.rows, by_form.rows), by_donor.refused or by_form.refused)
        return _concerning(entry, both)

    def of_donor(self, entry: Entry, begin: datetime, end: datetime, constituents: Iterable[str] = ()) -> Shown:
        """The donor's lists: by the address, by the id that was sent or answered, and by these constituents."""
        kind = "REFUND" if entry.kind is Kind.REFUND else "DONATION"
        ids = (entry.cons_id, entry.parameters.get("donor.cons_id", ""), *constituents)
        keys = [{"email": entry.donor_email}, *({"email": "", "cons_id": cons_id} for cons_id in dict.fromkeys(ids))]
        told = [key for key in keys if any(key.values())]
        if not told:
            raise ReadRefused("no_email", "The donor has no e-mail address to look up in Luminate.")
        return _union([partial(self.rest.seen, **key, begin=begin, end=end, kind=kind) for key in told])

    def _by_form(self, soap: SoapReader, entry: Entry, begin: datetime, end: datetime) -> Shown:
        """Every gift of the form, of any amount: Luminate may have recorded another than was sent.

        Of any form after a restore: since the backup it may have been corrected.
        """
        form = "" if entry.doubtful_from else entry.parameters.get("form_id", "")
        try:
            try:
                return Shown(soap.seen(begin=begin, end=end, amount=None, form_id=form))
            except ReadRefused as refused:
                if refused.reason != "too_many_rows":
                    raise
                return Shown(soap.seen(begin=begin, end=end, amount=entry.amount.decimal, form_id=form))
        except (ReadRefused, TransportError) as refused:
            log.warning("soap_look_up_failed", organization=self.organization, why=str(refused))
            return Shown(refused=refused)


def _union(reads: Sequence[Callable[[], Iterable[Seen]]]) -> Shown:
    """Each row as often as the list has it that has it most. Raises the first refusal where none answered."""
    rows: Counter[Seen] = Counter()
    refusals: list[ReadRefused | TransportError] = []
    for read in reads:
        try:
            rows |= Counter(read())
        except (ReadRefused, TransportError) as refused:
            refusals.append(refused)
    if len(refusals) == len(reads):
        raise refusals[0]
    return Shown(tuple(rows.elements()), next(iter(refusals), None))


def _merged(by_donor: Sequence[Seen], by_form: Sequence[Seen]) -> tuple[Seen, ...]:
    """Each gift once, by its confirmation code, with what each list tells of it."""
    told = {row.confirmation_code: row for row in by_form if row.confirmation_code}
    listed = {row.confirmation_code for row in by_donor}
    others = (row for row in by_form if not row.confirmation_code or row.confirmation_code not in listed)
    return (*(_with_more(row, told.get(row.confirmation_code, row)) for row in by_donor), *others)


def _with_more(row: Seen, other: Seen) -> Seen:
    more: dict[str, Any] = {name: getattr(row, name) or getattr(other, name) for name in _MORE}
    return replace(row, at=row.at or other.at, **more)


def _concerning(entry: Entry, shown: Shown) -> Shown:
    return replace(shown, rows=tuple(row for row in shown.rows if matching.concerns(entry, row)))
