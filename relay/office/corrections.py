"""What may be corrected, what is wrong with a correction, what the next call will be with it: rules, no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from relay import words
from relay.config import Organization
from relay.config.problems import did_you_mean
from relay.errors import CorrectionRefused, ReplayRefused
from relay.inbound.giving import problems_of
from relay.ledger import entries
from relay.ledger.codec import gift_from_json
from relay.ledger.entries import Entry
from relay.ledger.funds import WithFunds, with_funds
from relay.luminate.parameters import PARAMETERS
from relay.luminate.rules import is_locked
from relay.office.acting import Act
from relay.office.remapping import effect, mapped, remap
from relay.status import REPLAYABLE, Kind, Status

# No parameter: it names another fund of the organization's map.
FUND = "fund"
_OF_FUND = frozenset({"fund_not_mapped", "designation_missing", "forms_differ"})


@dataclass(frozen=True, slots=True)
class Preview:
    """What a correction would come to: sentences by field for what is wrong, what changes, and the next call.

    ``held``: why it would not be sent even so; "" if it would.
    """

    wrong: Mapping[str, str]
    changed: tuple[tuple[str, str, str], ...]
    effect: str
    held: str


def need_correctable(entry: Entry) -> None:
    """Raise ReplayRefused unless it is a gift that is surely not in Luminate."""
    if entry.kind is Kind.REFUND or entry.status not in REPLAYABLE | {Status.QUEUED}:
        raise ReplayRefused(f"entry {entry.id} is {entry.status}: only an unsent gift can be corrected")
    if entry.erased:
        raise ReplayRefused(f"entry {entry.id}: {entries.GONE}")
    if not entry.fact:
        raise ReplayRefused(f"nothing is known of the gift of entry {entry.id}: there is nothing to correct")


def needs_second_person(entry: Entry, organization: Organization) -> bool:
    """Whether a correction of this gift counts only when another person agrees."""
    limit = organization.second_person_above
    return limit is not None and entry.amount.decimal > limit


def preview(entry: Entry, organization: WithFunds, changes: Mapping[str, str]) -> Preview:
    """What this correction would come to."""
    overrides = overrides_with(entry, changes)
    columns = mapped(entry, organization, overrides, mail=entry.mail, proven=False)
    parameters: Mapping[str, str] = columns["parameters"]
    before, after = entry.parameters, parameters
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    changed = tuple((words.parameter(name), before.get(name, ""), after.get(name, "")) for name in names)
    held = str(columns["reason_text"]) if columns["status"] is not Status.QUEUED else ""
    return Preview(wrong(entry, organization, changes), changed, effect(entry, parameters), held)


def wrong(entry: Entry, organization: WithFunds, changes: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the new values, by the same rules as the mapping: field -> one sentence."""
    found = {name: why for name in changes if (why := _never(name))}
    fund = changes.get(FUND, "")
    if fund and fund not in organization.funds:
        found[FUND] = f'There is no fund "{fund}"{did_you_mean(fund, organization.funds)}.'
    if found:
        return found
    gift = replace(gift_from_json(entry.fact), hold="")
    for problem in problems_of(gift, organization, entry.provider, overrides_with(entry, changes)):
        name = FUND if fund and problem.reason in _OF_FUND else problem.field
        if changes.get(name):
            found.setdefault(name, problem.text)
    return found


def _never(name: str) -> str:
    if is_locked(name):
        return f"{words.parameter(name).capitalize()} ({name}) cannot be corrected."
    return "" if name == FUND or name in PARAMETERS else f"{name} is not something that can be corrected."


def overrides_with(entry: Entry, changes: Mapping[str, str]) -> dict[str, str]:
    """All corrections of the gift with these; an empty value takes an earlier one back."""
    return {name: value for name, value in {**entry.overrides, **changes}.items() if value}


def need_right(act: Act, changes: Mapping[str, str]) -> None:
    """Raise CorrectionRefused where something is wrong with the new values, ReplayRefused where nothing can be done."""
    need_correctable(act.entry)
    if not changes:
        raise ReplayRefused("nothing was changed: there is nothing to correct")
    if found := wrong(act.entry, with_funds(act.tx, act.desk.organization), changes):
        raise CorrectionRefused(found)


def apply(act: Act, changes: Mapping[str, str]) -> Status:
    """Correct the gift and try it again."""
    need_right(act, changes)
    act.told["changed"] = sorted(changes)
    return remap(act, {"overrides": overrides_with(act.entry, changes)})
