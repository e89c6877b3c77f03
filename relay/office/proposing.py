"""The second person: corrections of large gifts count only when another person than the first agrees."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from relay.access import Actor, Permission
from relay.errors import ReplayRefused
from relay.ledger import proposals
from relay.ledger.entries import Entry
from relay.ledger.funds import with_funds
from relay.ledger.proposals import Decision, Proposal
from relay.office.acting import Acting, existing
from relay.office.corrections import Preview, apply, preview
from relay.status import Status


@dataclass(frozen=True, slots=True)
class Shown:
    """A proposal with its gift as it is now, and what it would come to; no preview once it is decided."""

    proposal: Proposal
    entry: Entry
    preview: Preview | None


class Proposing(Acting):
    """The use cases behind ``flask proposals`` and the page of the same name."""

    def listing(self, organizations: tuple[str, ...] | None, *, limit: int = 100) -> list[Shown]:
        """What waits, then what was decided, in these organizations (None: in all)."""
        with self.database.read() as tx:
            found = proposals.listing(tx, organizations, limit=limit)
            return [self._shown(tx, one) for one in found]

    def _shown(self, tx: Connection, proposal: Proposal) -> Shown:
        entry, organization = existing(tx, proposal.entry_id), self.organizations.get(proposal.organization)
        waits = proposal.decision is Decision.WAITING and organization is not None and entry.fact
        ahead = preview(entry, with_funds(tx, organization), proposal.changes) if waits and organization else None
        return Shown(proposal, entry, ahead)

    def is_within_reach(self, number: int, *, actor: Actor) -> bool:
        """Whether there is such a proposal for whoever asks."""
        with self.database.read() as tx:
            proposal = proposals.get(tx, number)
        return proposal is not None and actor.may(Permission.READ, proposal.organization)

    def agree(self, number: int, *, actor: Actor, reason: str = "") -> Status:
        """Let a correction that somebody else proposed count. Gives back the status of its gift."""
        proposal = self._waiting(number, actor)
        if _same(actor.name, proposal.proposed_by):
            raise ReplayRefused("another person must agree than the one who proposed it")
        with self.act(actor, "agree", proposal.entry_id, reason or proposal.reason, Permission.AGREE) as act:
            self._decide(act.tx, proposal, Decision.AGREED, actor)
            both = f"{proposal.proposed_by}, agreed by {actor.name}"
            act.told["proposal"] = number
            return apply(replace(act, who=both, action="correct", reason=proposal.reason), proposal.changes)

    def refuse(self, number: int, *, actor: Actor, reason: str) -> Decision:
        """End a proposal without a change. For whoever made it: withdraw it."""
        proposal = self._waiting(number, actor)
        mine = _same(actor.name, proposal.proposed_by)
        decision, needed = (Decision.WITHDRAWN, Permission.ACT) if mine else (Decision.REFUSED, Permission.AGREE)
        with self.act(actor, "withdraw" if mine else "refuse", proposal.entry_id, reason, needed) as act:
            self._decide(act.tx, proposal, decision, actor)
            act.told["proposal"] = number
        return decision

    def _waiting(self, number: int, actor: Actor) -> Proposal:
        with self.database.read() as tx:
            proposal = proposals.get(tx, number)
        if proposal is None or not actor.may(Permission.READ, proposal.organization):
            raise ReplayRefused(f"there is no proposal {number}")
        if proposal.decision is not Decision.WAITING:
            raise ReplayRefused(f"proposal {number} is {proposal.decision} already, by {proposal.decided_by}")
        return proposal

    def _decide(self, tx: Connection, proposal: Proposal, decision: Decision, actor: Actor) -> None:
        if not proposals.decide(tx, proposal, decision, self.database.now(tx), who=actor.name):
            raise ReplayRefused(f"proposal {proposal.id} was decided by somebody else meanwhile")


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
