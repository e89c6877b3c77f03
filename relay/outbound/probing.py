"""Probing: an unknown entry is looked up in Luminate until the truth is known, or a person must say.

The ladder (2 min, 10 min, 1 h, 6 h, 24 h) is the organization's. A look-up only reads, so it may be repeated; what
it decides goes through the ledger like everything else. An unknown refund is never sent again by the machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import Connection

from relay.config import Organization
from relay.errors import LedgerUnavailable, ReadRefused, TransportError
from relay.inbound import twice
from relay.inbound.giving import gift_columns
from relay.ledger import claims, doubts, entries, pauses, restores, supplied
from relay.ledger.claims import Answered
from relay.ledger.codec import gift_from_json
from relay.ledger.constituents import constituents_of
from relay.ledger.db import Database
from relay.ledger.entries import Entry
from relay.ledger.funds import with_funds
from relay.luminate.readback import RestReader, Seen
from relay.outbound import matching
from relay.outbound.matching import Doubt, Finding, Found
from relay.outbound.readers import Readers, Shown
from relay.outbound.rivals import is_contested, others_of
from relay.outbound.settling import desk_of, disown, posted
from relay.outbound.watching import ASKED_TO_WAIT
from relay.status import Erased, Kind, Status

if TYPE_CHECKING:
    from relay.luminate.soap import SoapReader  # heavy, and loaded only where an organization configures it

log = structlog.get_logger(__name__)

# Look-ups in one go; the sweep rings again for the rest.
AT_ONCE = 50
# A round ends after this many seconds: a site that hangs must not keep a worker from other organizations.
SLICE_SECONDS = 60.0
# Refusals that a later look-up cannot mend.
_FINAL = frozenset({"several_constituents", "no_email"})


@dataclass(slots=True)
class Probed:
    """What a round of look-ups came to."""

    recorded: list[int] = field(default_factory=list)
    absent: list[int] = field(default_factory=list)
    later: list[int] = field(default_factory=list)
    person: list[int] = field(default_factory=list)


class Probing:
    """Look-ups for one organization."""

    def __init__(
        self,
        database: Database,
        organization: Organization,
        reader: RestReader,
        soap: SoapReader | None = None,
        *,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take the parts; ``soap`` is the second reader where one is configured."""
        self.database = database
        self.organization = organization
        self.readers = Readers(organization.name, reader, soap)
        self.stopping = stopping

    def run(self) -> Probed:
        """Look up every unknown entry that is due.

        A pause stops no look-up, since it only reads and may end the doubt; but not while Luminate asks to wait.
        """
        probed = Probed()
        with self.database.read() as tx:
            pause = pauses.of(tx, self.organization.name)
            if pause and pause.reason == ASKED_TO_WAIT:
                return probed
            due = claims.to_probe(tx, self.organization.name, self.database.now(tx), limit=AT_ONCE)
        end = time.monotonic() + SLICE_SECONDS
        for entry in due:
            if self.stopping() or time.monotonic() > end:
                break
            try:
                self.probe(entry, probed)
            except LedgerUnavailable:
                raise
            except Exception:
                # An edge: what relay cannot bring in of one gift must not keep the others from being looked up.
                log.exception("look_up_failed", entry=entry.id)
                self._put_off(entry, probed, "relay itself failed at the look-up; it is looked up again.")
        return probed

    def probe(self, entry: Entry, probed: Probed) -> None:
        """Look one entry up, outside any transaction, then bring what was found into the ledger."""
        with self.database.read() as tx:
            # What is not shown is absent as of this moment, however much later that is concluded.
            asked = self.database.now(tx)
            doubt = _doubt(tx, entry)
            gift = entries.gift_of(tx, entry.payment_id) if entry.kind is Kind.REFUND else None
            constituents = constituents_of(tx, entry.organization, entry.donor_email)
        if gift and not entry.donor_email:
            entry = replace(entry, cons_id=entry.cons_id or gift.cons_id)  # all that is left of an erased donor
        if gift and gift.posted_at:
            # Whether a refund's row bears its own time or its gift's is not documented.
            doubt = Doubt(min(doubt.begin, gift.posted_at), doubt.end)
        try:
            shown = self.readers.of_doubt(entry, doubt, constituents)
            disproved = self._disproved(
                entry, [row for row in shown.rows if matching.matches(entry, row, doubt)], doubt
            )
        except (ReadRefused, TransportError) as error:
            self._not_read(entry, error, probed)
            return
        with self.database.write() as tx:
            self.database.lock(tx, *self.organization.on_site)
            desk = _Desk(tx, self.organization, self.database.now(tx), probed, disproved)
            self._conclude(desk, entry, shown, doubt, asked)

    def _disproved(self, entry: Entry, rows: Sequence[Seen], doubt: Doubt) -> set[str]:
        """Codes that another donor's gift bears by an answer, though Luminate shows only other gifts of that donor."""
        with self.database.read() as tx:
            owners = entries.owners(tx, self.organization.on_site, [row.confirmation_code for row in rows])
            contested = [owners[row.confirmation_code] for row in rows if is_contested(entry, row, owners)]
            ours = [owner for owner in contested if owner.organization == entry.organization]
            called = [(owner, claims.answered(tx, owner)) for owner in ours]
        return {one.confirmation_code for one, call in called if call and not self._may_be_theirs(one, call, doubt)}

    def _may_be_theirs(self, owner: Entry, call: Answered, doubt: Doubt) -> bool:
        """Whether a code may be that of the gift that bears it, by what Luminate shows of its own donor.

        Where it shows nothing at all nothing is proven: the constituent may have another address by now.
        """
        begin, end = Doubt(min(call.started_at, doubt.begin), max(call.finished_at, doubt.end)).window
        try:
            # Not by the constituent: that number came with the same answer.
            shown = self.readers.of_donor(replace(owner, cons_id=""), begin, end)
        except ReadRefused:
            return True  # nothing is proven
        nothing_proven = shown.refused or not shown.rows
        return bool(nothing_proven) or owner.confirmation_code in {row.confirmation_code for row in shown.rows}

    def look(self, entry: Entry) -> Sequence[Seen]:
        """What Luminate shows of this donor, for a person to compare; nothing is decided, no transaction is open.

        Raises ReadRefused and TransportError.
        """
        with self.database.read() as tx:
            now = self.database.now(tx)
            doubt = _doubt(tx, entry)
            constituents = constituents_of(tx, entry.organization, entry.donor_email)
        if entry.status is Status.UNKNOWN:
            return self.readers.of_doubt(entry, doubt, constituents).rows
        # Somebody may have typed it in since the donor paid.
        paid = min(entry.occurred_at or entry.received_at, entry.received_at)
        return self.readers.of_donor(entry, paid - timedelta(days=1), now + matching.AFTER, constituents).rows

    def _put_off(self, entry: Entry, probed: Probed, text: str) -> None:
        with self.database.write() as tx:
            if still := _as_looked_for(tx, entry):
                _Desk(tx, self.organization, self.database.now(tx), probed).later(still, text)

    def _not_read(self, entry: Entry, error: ReadRefused | TransportError, probed: Probed) -> None:
        with self.database.write() as tx:
            if still := _as_looked_for(tx, entry):
                _Desk(tx, self.organization, self.database.now(tx), probed).not_read(still, error)

    def _conclude(self, desk: _Desk, seen: Entry, shown: Shown, doubt: Doubt, asked: datetime) -> None:
        entry = _as_looked_for(desk.tx, seen)
        if entry is None:
            return
        settle = self.organization.probe.settle_seconds
        others = others_of(desk.tx, entry, shown.rows, doubt, self.organization.on_site)
        finding = matching.judge(entry, shown.rows, doubt, asked, settle_seconds=settle, others=others)
        log.info("probe_ended", entry=entry.id, found=finding.found)
        if shown.refused and finding.found is Found.ABSENT:
            desk.not_read(entry, shown.refused)  # it may be where nobody could look
        else:
            desk.bring_in(entry, finding)


def _as_looked_for(tx: Connection, seen: Entry) -> Entry | None:
    """The entry, if nothing was concluded since: neither by its call, nor by a person, nor by another look-up."""
    entry = entries.get(tx, seen.id)
    if entry is None or entry.status is not Status.UNKNOWN:
        return None
    was = (seen.fence, seen.doubtful_from, seen.probes)
    return entry if (entry.fence, entry.doubtful_from, entry.probes) == was else None


def _doubt(tx: Connection, entry: Entry) -> Doubt:
    """When it may have been recorded: during its doubtful calls; after a restore, in the time that was lost, too."""
    called = claims.doubtful_since(tx, entry.id)
    if entry.doubtful_from is None:
        # No call is in doubt any more, once a late report says that nothing was sent: nothing is waited for.
        return Doubt(*called) if called else Doubt(entry.changed_at, entry.changed_at)
    lost = restores.lost_of(tx, entry.organization)
    over = lost.until if lost else entry.changed_at
    return Doubt(entry.doubtful_from, max(over, called[1]) if called else over)


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where one look-up is brought into the ledger."""

    tx: Connection
    organization: Organization
    now: datetime
    probed: Probed
    # Confirmation codes that cannot be those of the gifts that bear them.
    disproved: Collection[str] = ()

    def bring_in(self, entry: Entry, finding: Finding) -> None:
        match finding.found:
            case Found.RECORDED:
                self._recorded(entry, finding.rows)
            case Found.ABSENT if entry.kind is not Kind.REFUND:
                self._absent(entry)
            case Found.ABSENT:
                text = "Luminate does not show this refund. It is never sent again by the machine: please look."
                self.hand_over(entry, "refund_not_seen", text)
            case Found.SEVERAL:
                self.hand_over(entry, "look_alikes", _several(entry, finding), finding.rows)
            case Found.CONTESTED:
                self._contested(entry, finding.rows)
            case _:
                self.later(entry, "Luminate does not show it yet; it is looked up again.", finding.rows)

    def _recorded(self, entry: Entry, rows: Sequence[Seen]) -> None:
        row, transaction = rows[0], rows[0].transaction_id if len(rows) == 1 else ""  # which of equal refunds is untold
        code = entry.confirmation_code if entry.kind is Kind.REFUND else row.confirmation_code
        proof = {"confirmation_code": code, "luminate_transaction_id": transaction, "candidates": []}
        # Only the account that added a gift may refund it: the one of the call, whatever is configured by now.
        login = doubts.login_of(self.tx, entry) or self.organization.luminate.login_name
        words = {"reason": "", "reason_text": "", "login_name": login}
        at = row.at
        if at and entry.kind is Kind.REFUND:  # perhaps its gift's date: no refund is older than its first call
            at = max(at, claims.called_since(self.tx, entry.id) or entry.doubtful_from or self.now)
        posted(self.tx, self.organization, entry, self.now, recorded_at=at, **proof, **words)
        self.probed.recorded.append(entry.id)

    def _contested(self, entry: Entry, rows: Sequence[Seen]) -> None:
        """Luminate mixed up two answers. Where that is proven each gets its own code; else a person puts both right."""
        code = rows[0].confirmation_code
        owner = entries.owners(self.tx, self.organization.on_site, [code])[code]
        if code in self.disproved and disown(self.tx, self.organization, owner, self.now, owner=entry.id):
            log.warning("answers_mixed_up", entry=entry.id, other=owner.id)
            self._recorded(entry, rows)
            return
        if owner.erased is Erased.DONOR:
            text = f"Luminate shows it with the confirmation code {code} of entry {owner.id}, whose donor was erased."
            self.hand_over(entry, "look_alikes", f"{text} A person must say whether that is the same gift.", rows)
            return
        text = (
            f"Luminate shows it with the confirmation code {code}, which entry {owner.id} has: from a wrong answer, or "
            "both addresses are one constituent's and it is not this gift at all. A person must say whose it is."
        )
        entries.change(self.tx, owner, self.now, flag="code_of_another_gift")
        self.hand_over(entry, "answers_mixed_up", text, rows)

    def _absent(self, entry: Entry) -> None:
        """Proven absent: mapped again and in line again, under a new fence once claimed. A probe mails nobody.

        What was held or refused when the ledger was restored is held again, for the same reason. What a person told to
        be there under another code is held, too.
        """
        if words := entries.held_before(self.tx, entry) or supplied.held_for(self.tx, entry):
            self._unsent(entry, Status.HELD, words)
            return
        gift = replace(gift_from_json(entry.fact), hold="")
        mapping = with_funds(self.tx, self.organization)
        columns = gift_columns(gift, mapping, entry.provider, mail=False, overrides=entry.overrides)
        again: dict[str, Any] = {"lease_until": None, "probe_at": None, "doubtful_from": None, "candidates": []}
        again |= {"next_attempt_at": self.now, "mail": False}
        self._unsent(entry, Status(str(columns.pop("status"))), columns | again)

    def _unsent(self, entry: Entry, target: Status, columns: Mapping[str, Any]) -> None:
        if entries.move(self.tx, entry, target, self.now, **columns):
            twice.settled(desk_of(self.tx, self.organization, entry, self.now), entry)
            self.probed.absent.append(entry.id)

    def later(self, entry: Entry, text: str, rows: Sequence[Seen] = ()) -> None:
        """The next rung of the ladder, counted from when the entry became unknown; after the last, a person."""
        ladder = self.organization.probe.ladder
        probes = entry.probes + 1
        if probes >= len(ladder):
            self.hand_over(entry, "not_resolved", f"{text} The last look-up has passed: a person must say.", rows)
            return
        wait = timedelta(seconds=ladder[probes] - ladder[probes - 1])
        if entries.change(self.tx, entry, self.now, probes=probes, probe_at=self.now + wait, reason_text=text):
            self.probed.later.append(entry.id)

    def not_read(self, entry: Entry, error: ReadRefused | TransportError) -> None:
        """No answer yet: the next rung, or a person where another look-up would end the same."""
        if isinstance(error, ReadRefused) and error.reason in _FINAL:
            self.hand_over(entry, f"probe_{error.reason}", str(error))
        else:
            self.later(entry, f"The look-up in Luminate did not succeed: {error}")

    def hand_over(self, entry: Entry, reason: str, text: str, rows: Sequence[Seen] = ()) -> None:
        """It stays unknown, and the machine looks no more: a person must say."""
        shown: list[dict[str, Any]] = [_shown(row) for row in rows]
        words = {"reason": reason, "reason_text": text, "probe_at": None, "probes": entry.probes + 1}
        if entries.change(self.tx, entry, self.now, **words, candidates=shown):
            self.probed.person.append(entry.id)


def _several(entry: Entry, finding: Finding) -> str:
    equal, shown = finding.rivals + 1, len(finding.rows)
    if finding.rivals and entry.kind is Kind.REFUND:
        text = f"{equal} refunds of this gift are of the same amount, and Luminate does not show all of them"
        return f"{text}: a person must say which are there."
    if finding.rivals:
        text = f"{equal} gifts of this amount are in doubt, this one among them, and Luminate shows {shown}"
        return f"{text} that may be any of them: a person must say whose it is."
    if shown == 1:
        text = "Luminate shows one that may be this one, but not its time or its code, or as made online"
        return f"{text}: a person must say."
    return f"Luminate shows {shown} gifts that may be this one; a person must say which."


def _shown(row: Seen) -> dict[str, str]:
    return {
        "confirmation_code": row.confirmation_code,
        "amount": str(row.amount),
        "at": row.at.isoformat() if row.at else "",
        "tender": row.tender,
        "last4": row.last4,
        "check_number": row.check_number,
        "billing_name": row.billing_name,
    }
