"""The fund map, edited by named people: tried on the gifts that wait for it, then in force, and the gifts let go.

An edit is never saved blind: ``save`` takes the mark of what ``trial`` showed and refuses where that is no longer so.
In one transaction it writes the new version and a running replay plan of exactly the gifts shown, which workers carry
out entry by entry, so a crash at any moment loses and repeats nothing. What is in Luminate is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from relay.access import Actor, Permission
from relay.config import Fund, Organization
from relay.config.funds import as_told, read_fund
from relay.errors import NotAllowed, ReplayRefused
from relay.inbound.refunding import Desk
from relay.language import Term
from relay.ledger import audit, funds, plans
from relay.ledger.funds import Version, Waiting, with_funds
from relay.ledger.payments import Source
from relay.ledger.plans import PlanStatus
from relay.money import Money, sums
from relay.office.acting import Act, Acting, need_reason
from relay.office.remapping import effect, remap
from relay.office.trying import Edit, Trial, Tried, codes_of, looked_up_to, try_out
from relay.status import Status

# Gifts that are mapped again in the transaction of the edit itself, while webhooks of the organization wait for it.
MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One code of the map: where it goes, who says so, and what waits for it.

    ``fund`` is what counts, None where gifts name the code and nobody has mapped it; ``in_file`` what the file says;
    ``version`` the newest edit here, None where there never was one.
    """

    code: str
    fund: Fund | None
    in_file: Fund | None
    version: Version | None
    is_default: bool
    gifts: int = 0
    amounts: tuple[Money, ...] = ()

    @property
    def is_edited(self) -> bool:
        """Whether an edit here counts over the file."""
        return self.version is not None and self.version.fund is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A new version; the plan that lets its gifts go (None: none waited); how many in line were mapped again."""

    version: int
    plan: int | None
    released: int
    mapped_again: int


class Funding(Acting):
    """The use cases behind ``flask funds``, the page of funds and the funds of the API."""

    def charity(self, actor: Actor, permission: Permission, name: str) -> Organization:
        """The organization, for somebody who may. Out of reach it does not exist."""
        actor.need(Permission.READ, name)
        actor.need(permission, name)
        if name not in self.organizations:
            raise NotAllowed(f"there is no organization '{name}'", name)
        return self.organizations[name]

    def rows(self, name: str, *, actor: Actor) -> list[Row]:
        """The map as it is: first the codes that gifts name and nobody has mapped, then the others by code."""
        charity = self.charity(actor, Permission.READ, name)
        with self.database.read() as tx:
            mapping, versions = with_funds(tx, charity), funds.edits(tx, name)
            waits = _by_code(charity, funds.waiting(tx, name))
        codes = {*mapping.funds, *(code for code in waits if code not in mapping.funds)}
        rows = [_row(code, charity, mapping, versions.get(code)) for code in codes]
        counted = [_counted(row, waits.get(row.code, ())) for row in rows]
        return sorted(counted, key=lambda row: (row.fund is not None, row.code.lower(), row.code))

    def history(self, name: str, code: str = "", *, actor: Actor, limit: int | None = None) -> list[Version]:
        """Every version of one code, or of all, newest first."""
        self.charity(actor, Permission.READ, name)
        with self.database.read() as tx:
            return funds.versions(tx, name, code, limit=limit)

    def trial(self, name: str, code: str, told: Mapping[str, Any] | None, *, actor: Actor) -> Trial:
        """What the edit would do; nothing is changed. ``told`` None takes an edit back.

        Raises ConfigurationError for what is no fund, ReplayRefused where there is nothing to take back.
        """
        charity = self.charity(actor, Permission.MAP, name)
        edit = _edit(code, told)
        with self.database.read() as tx:
            trial = try_out(tx, charity, edit)
            _refuse_empty(tx, name, trial)
        return trial

    def save(
        self,
        name: str,
        code: str,
        told: Mapping[str, Any] | None,
        *,
        seen: str,
        actor: Actor,
        reason: str,
        mail: bool = False,
    ) -> Saved:
        """Let the edit count, and the gifts go that were shown. ``seen`` is the mark of the trial.

        ``mail``: Luminate may mail those donors, as configured. The caller rings for the organization.
        """
        need_reason(reason, actor)
        charity, edit = self.charity(actor, Permission.MAP, name), _edit(code, told)
        with self.database.write() as tx:
            self.database.lock(tx, name)
            trial = try_out(tx, charity, edit, up_to=looked_up_to(seen))
            _refuse_empty(tx, name, trial)
            if trial.seen != seen:
                raise ReplayRefused("the gifts or the fund map have changed since you looked; look again, then save")
            return self._saved(tx, charity, trial, actor, reason, mail=mail)

    def _saved(
        self, tx: Connection, charity: Organization, trial: Trial, actor: Actor, reason: str, *, mail: bool
    ) -> Saved:
        now, edit = self.database.now(tx), trial.edit
        version = funds.add(tx, charity.name, edit.code, edit.fund, who=actor.name, at=now, reason=reason)
        again = _map_again(Desk(tx, charity, Source(charity.name, ""), now), trial, actor, reason)
        plan = None
        if trial.goes:
            by = {"made_by": actor.name, "made_at": now, "changed_by": actor.name, "changed_at": now}
            made = {"organization": charity.name, "search": str(Term("fund", edit.code)), "reason": reason}
            items = [_item(tried) for tried in trial.goes]
            plan = plans.make(tx, made | by | {"mail": mail, "status": PlanStatus.RUNNING}, items)
        details = {"reason": reason, "before": _told(trial.before), "after": _told(trial.after), "version": version}
        details |= {"plan": plan, "gifts": len(trial.goes), "mapped_again": again, "mail": mail}
        audit.record(tx, actor, "map_fund", organization=charity.name, subject=f"fund {edit.code}", details=details)
        return Saved(version=version, plan=plan, released=len(trial.goes), mapped_again=again)


def _edit(code: str, told: Mapping[str, Any] | None) -> Edit:
    return Edit(code, None if told is None else read_fund(code, told))


def _refuse_empty(tx: Connection, name: str, trial: Trial) -> None:
    """An edit that would change nothing at all is a mistake of whoever asks."""
    edit = trial.edit
    version = funds.edits(tx, name).get(edit.code)
    if edit.fund is None and (version is None or version.fund is None):
        raise ReplayRefused(f"fund '{edit.code}' was not edited here: there is nothing to take back")
    if edit.fund is not None and edit.fund == trial.before and not (trial.goes or trial.in_line):
        raise ReplayRefused(f"fund '{edit.code}' is mapped so already, and no gift waits for it")


def _row(code: str, charity: Organization, mapping: Organization, version: Version | None) -> Row:
    in_file, is_default = charity.funds.get(code), code == charity.default_fund
    return Row(code=code, fund=mapping.funds.get(code), in_file=in_file, version=version, is_default=is_default)


def _by_code(charity: Organization, waiting: list[Waiting]) -> dict[str, list[Waiting]]:
    found: dict[str, list[Waiting]] = {}
    for one in waiting:
        for code in codes_of(one.sample, charity):
            found.setdefault(code, []).append(one)
    return found


def _counted(row: Row, waiting: Sequence[Waiting]) -> Row:
    return replace(row, gifts=sum(one.count for one in waiting), amounts=sums(one.amount for one in waiting))


def _map_again(desk: Desk, trial: Trial, actor: Actor, reason: str) -> int:
    """Gifts in line go by the new map, and what stays held says why by it. Gives back how many changed."""
    held = [tried for tried in trial.stays if tried.entry.status is Status.HELD]
    return sum(_is_mapped_again(desk, one, actor, reason) for one in (*trial.in_line, *held)[:MOST_AT_ONCE])


def _is_mapped_again(desk: Desk, tried: Tried, actor: Actor, reason: str) -> bool:
    try:
        remap(Act(desk, tried.entry, actor.name, "map", reason), {})
    except ReplayRefused:  # a worker claimed it meanwhile
        return False
    return True


def _item(tried: Tried) -> dict[str, Any]:
    entry = tried.entry
    frozen = {"entry_id": entry.id, "fence": entry.fence, "status": entry.status, "entry_changed_at": entry.changed_at}
    return frozen | {"skipped": "", "effect": effect(entry, tried.parameters)}


def _told(fund: Fund | None) -> dict[str, Any] | None:
    return None if fund is None else as_told(fund)


def where(fund: Fund | None) -> str:
    """Where a fund's money goes, in words."""
    if fund is None:
        return "not mapped"
    target = f"designee {fund.designee_id}" if fund.designee_id else "no designation"
    target = f'write-in "{fund.write_in}"' if fund.write_in else target
    return target + (f", form {fund.form.form_id} level {fund.form.level_id}" if fund.form else "")
