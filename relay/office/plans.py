"""Replay of many entries, or of one: a plan is drawn and frozen, a person starts it, workers carry it out.

Each entry has its turn in the order received, in a transaction of its own that writes down what was done with it; so
a crash repeats nothing and loses nothing, and two workers do no harm. Whoever changed since the plan was drawn is
left alone: of two people who start the same replay, one causes the send. It mails nobody unless someone chose it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection

from relay.access import Actor, Permission
from relay.config import Organization
from relay.errors import LedgerUnavailable, ReplayRefused
from relay.inbound.refunding import Desk
from relay.ledger import audit, locks, proposals, search
from relay.ledger import plans as ledger
from relay.ledger.entries import Entry
from relay.ledger.funds import with_funds
from relay.ledger.payments import Source
from relay.ledger.plans import Item, Plan, PlanStatus, Progress, Sum
from relay.ledger.search import Filter
from relay.office.acting import Act, Acting, existing, need_reason
from relay.office.remapping import mails, remap
from relay.office.replay import Planned, planned
from relay.status import Status

log = structlog.get_logger(__name__)

# More entries than a person can answer for at once; the search is narrowed instead.
MOST = 10_000
# How long a worker carries out plans before it posts what is due (seconds).
STEP_SECONDS = 5.0
_SAID = {Status.QUEUED: "in line again", Status.WAITING: "waits for its gift"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A plan as a person sees it: its sums, why entries are skipped, how far it is, whom it may mail."""

    plan: Plan
    sums: tuple[Sum, ...]
    skipped: tuple[tuple[str, int], ...]
    progress: Progress
    # Donors whom Luminate may e-mail if whoever starts it asks for that.
    mailable: int


class Plans(Acting):
    """The use cases behind ``flask replay`` and the pages of replays."""

    # --- drawing ----------------------------------------------------------------------------------------------

    def draw(self, wanted: Filter, *, actor: Actor, search: str) -> list[int]:
        """Freeze what a replay of these entries would do: one plan for each organization. Nothing is changed.

        ``search`` is the filter in the words of whoever chose it. Gives back the numbers of the plans.
        """
        if wanted.is_everything:
            raise ReplayRefused("name an entry or a filter: everything at once is never replayed")
        chosen = [wanted.organization] if wanted.organization else list(self.organizations)
        drawn = [self._draw(name, wanted, actor, search) for name in actor.within(Permission.ACT, chosen)]
        made = [number for number in drawn if number]
        if not made:
            raise ReplayRefused("nothing was found that you may send again")
        return made

    def _draw(self, name: str, wanted: Filter, actor: Actor, search: str) -> int | None:
        items = self._frozen(self.configured(name), wanted)
        if not items:
            return None
        with self.database.write() as tx:
            now = self.database.now(tx)
            made = {"organization": name, "search": search, "status": PlanStatus.DRAWN}
            by = {"made_by": actor.name, "made_at": now, "changed_by": actor.name, "changed_at": now}
            number = ledger.make(tx, made | by, items)
            _record(tx, actor, "draw_replay", name, number, {"entries": len(items)})
            return number

    def _frozen(self, organization: Organization, wanted: Filter) -> list[dict[str, Any]]:
        with self.database.read() as tx:
            found = list(search.listing(tx, replace(wanted, organization=organization.name), limit=MOST + 1))
            if len(found) > MOST:
                raise ReplayRefused(f"more than {MOST:,} gifts match: narrow the search")
            others = _Others(tx, [entry.id for entry in found], self.database.now(tx))
            mapping = with_funds(tx, organization)
        return [_item(others.judged(planned(entry, mapping))) for entry in found]

    # --- looking ----------------------------------------------------------------------------------------------

    def show(self, number: int, *, actor: Actor) -> Shown:
        """A plan as a person sees it. Raises ReplayRefused where there is none within reach."""
        with self.database.read() as tx:
            plan = self._within_reach(tx, number, actor)
            sums = tuple(ledger.sums(tx, plan))
            skipped, progress = tuple(ledger.skipped(tx, plan)), ledger.progress(tx, plan)
        organization = self.organizations.get(plan.organization)
        mailable = sum(one.reachable for one in sums if organization and mails(organization, one.kind))
        return Shown(plan=plan, sums=sums, skipped=skipped, progress=progress, mailable=mailable)

    def items(self, number: int, *, actor: Actor, limit: int | None = None, offset: int = 0) -> list[Item]:
        """The entries of a plan in the order received, each as it is now."""
        with self.database.read() as tx:
            plan = self._within_reach(tx, number, actor)
            return list(ledger.items(tx, plan, limit=limit, offset=offset))

    def listing(self, organizations: tuple[str, ...] | None, *, limit: int = 50) -> list[Plan]:
        """The newest plans of these organizations (None: of all)."""
        with self.database.read() as tx:
            return ledger.listing(tx, organizations, limit=limit)

    def _within_reach(self, tx: Connection, number: int, actor: Actor) -> Plan:
        plan = ledger.get(tx, number)
        if plan is None or not actor.may(Permission.READ, plan.organization):
            raise ReplayRefused(f"there is no plan {number}")
        return plan

    # --- deciding ---------------------------------------------------------------------------------------------

    def start(self, number: int, *, actor: Actor, reason: str, mail: bool = False) -> Plan:
        """Let a drawn plan be carried out. ``mail``: Luminate may e-mail its donors, as configured."""
        need_reason(reason, actor)
        with self._changing(number, actor, "start_replay", {PlanStatus.DRAWN}, PlanStatus.RUNNING) as (tx, plan):
            if not ledger.progress(tx, plan).going:
                raise ReplayRefused("nothing of this plan can be sent again")
            self._move(tx, plan, PlanStatus.RUNNING, actor, reason=reason, mail=mail)
        return plan

    def pause(self, number: int, *, actor: Actor) -> Plan:
        """Stop carrying it out. What is in line already is sent."""
        with self._changing(number, actor, "pause_replay", {PlanStatus.RUNNING}, PlanStatus.PAUSED) as (tx, plan):
            self._move(tx, plan, PlanStatus.PAUSED, actor)
        return plan

    def resume(self, number: int, *, actor: Actor) -> Plan:
        """Go on where it was paused."""
        with self._changing(number, actor, "resume_replay", {PlanStatus.PAUSED}, PlanStatus.RUNNING) as (tx, plan):
            self._move(tx, plan, PlanStatus.RUNNING, actor)
        return plan

    def cancel(self, number: int, *, actor: Actor) -> Plan:
        """End it: what had no turn yet stays as it is, what is in line already is sent."""
        open_ = {PlanStatus.DRAWN, PlanStatus.RUNNING, PlanStatus.PAUSED}
        with self._changing(number, actor, "cancel_replay", open_, PlanStatus.CANCELLED) as (tx, plan):
            self._move(tx, plan, PlanStatus.CANCELLED, actor)
        return plan

    @contextmanager
    def _changing(
        self, number: int, actor: Actor, action: str, from_: set[PlanStatus], target: PlanStatus
    ) -> Iterator[tuple[Connection, Plan]]:
        """The frame of every decision on a plan. The organization's lock keeps its turns apart from it."""
        with self.database.read() as tx:
            name = self._within_reach(tx, number, actor).organization
        actor.need(Permission.ACT, name)
        with self.database.write() as tx:
            self.database.lock(tx, name)
            plan = self._within_reach(tx, number, actor)
            if plan.status not in from_:
                raise ReplayRefused(f"plan {number} is {plan.status}; it cannot be {_DONE[target]}")
            yield tx, plan
            after = self._within_reach(tx, number, actor)
            _record(tx, actor, action, name, number, _told(ledger.progress(tx, plan), after))

    def _move(self, tx: Connection, plan: Plan, target: PlanStatus, actor: Actor, **values: Any) -> None:
        if not ledger.move(tx, plan, target, self.database.now(tx), who=actor.name, **values):
            raise ReplayRefused(f"plan {plan.id} was changed by somebody else meanwhile")

    # --- carrying out -----------------------------------------------------------------------------------------

    def advance(
        self, name: str, *, stopping: Callable[[], bool] = lambda: False, seconds: float = STEP_SECONDS
    ) -> bool:
        """Carry out the plans of an organization for a while. Gives back whether something is left to do."""
        organization, end = self.configured(name), time.monotonic() + seconds
        while not stopping() and time.monotonic() < end:
            if not self._turn(organization):
                return False
        return True

    def _turn(self, organization: Organization) -> bool:
        """The turn of one entry; False when no plan waits for one."""
        with self.database.read() as tx:
            plan = next(iter(ledger.running(tx, organization.name)), None)
            if plan is None:
                return False
            item = ledger.next_item(tx, plan)
        try:
            with self.database.write() as tx:
                self.database.lock(tx, organization.name)
                self._take_turn(tx, organization, plan, item)
        except LedgerUnavailable:
            raise
        except Exception as error:
            # One entry that relay fails on must not keep the rest from its turn; it stays as it is.
            log.exception("replay_failed", plan=plan.id, entry=item.entry.id if item else None)
            self._failed(plan, item, error)
        return True

    def _take_turn(self, tx: Connection, organization: Organization, plan: Plan, item: Item | None) -> None:
        current = ledger.get(tx, plan.id)
        if current is None or current.status is not PlanStatus.RUNNING:
            return  # somebody paused or ended it meanwhile
        if item is None:
            ledger.move(tx, current, PlanStatus.DONE, self.database.now(tx), who=current.changed_by)
        elif ledger.is_waiting(tx, plan, item):
            result = self._carry_out(tx, organization, current, item)
            ledger.finish(tx, plan, item, result, self.database.now(tx))

    def _carry_out(self, tx: Connection, organization: Organization, plan: Plan, item: Item) -> str:
        """Put one entry in line again if it is still as it was when the plan was drawn. Gives back what was done."""
        now, entry = self.database.now(tx), existing(tx, item.entry.id)
        if (entry.status, entry.fence, entry.changed_at) != (item.status, item.fence, item.entry_changed_at):
            return f"left alone: it has changed since the plan was drawn, it is {entry.status} now"
        if why := _Others(tx, [entry.id], now).why(entry.id):
            return f"left alone: {why}"
        desk = Desk(tx, organization, Source(organization.name, entry.provider), now)
        status = remap(Act(desk, entry, plan.changed_by, "replay", plan.reason), {"mail": plan.mail})
        return _SAID.get(status) or f"{status}: {existing(tx, entry.id).reason_text}"

    def _failed(self, plan: Plan, item: Item | None, error: Exception) -> None:
        with self.database.write() as tx:
            if item is not None:
                text = f"left alone: relay failed on it ({type(error).__name__})"
                ledger.finish(tx, plan, item, text, self.database.now(tx))


_DONE = {
    PlanStatus.RUNNING: "started or resumed",
    PlanStatus.PAUSED: "paused",
    PlanStatus.CANCELLED: "cancelled",
}


class _Others:
    """What other people do with these entries at this moment."""

    def __init__(self, tx: Connection, entry_ids: list[int], now: datetime) -> None:
        self.locks = locks.held(tx, entry_ids, now)
        self.proposals = proposals.waiting_for(tx, entry_ids)

    def why(self, entry_id: int) -> str:
        """Why an entry is left to them; "" if nobody is at it."""
        if lock := self.locks.get(entry_id):
            return f"{lock.holder} is correcting it"
        return "a correction of it waits for a second person" if entry_id in self.proposals else ""

    def judged(self, one: Planned) -> Planned:
        return replace(one, refused=one.refused or self.why(one.entry.id))


def _item(one: Planned) -> dict[str, Any]:
    entry: Entry = one.entry
    frozen = {"entry_id": entry.id, "fence": entry.fence, "status": entry.status, "entry_changed_at": entry.changed_at}
    return frozen | {"skipped": one.refused, "effect": "" if one.refused else one.effect}


def _record(tx: Connection, actor: Actor, action: str, name: str, number: int, details: dict[str, Any]) -> None:
    audit.record(tx, actor, action, organization=name, subject=f"plan {number}", details=details)


def _told(progress: Progress, plan: Plan) -> dict[str, Any]:
    told = {"going": progress.going, "done": progress.done, "skipped": progress.skipped}
    return told | {"reason": plan.reason, "mail": plan.mail}
