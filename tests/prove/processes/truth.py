"""What became of every gift: the ledger held against what the sandbox has recorded, gift by gift."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from relay.ledger.db import Database
from relay.ledger.models import attempts, entries
from relay.status import Kind, Outcome, Status
from tests.prove.processes.sending import REFUND, amount_of

NEEDS_A_PERSON = {Status.HELD, Status.REJECTED, Status.UNKNOWN}


@dataclass(slots=True)
class Count:
    """The figures of one scenario. ``wrong`` are sentences about what must never be."""

    accepted: int = 0
    posted: int = 0
    lost: int = 0
    doubled: int = 0
    unknown: int = 0  # at least one call ended without the truth
    found: int = 0  # of these: the look-up found it, and its code was adopted
    resent: int = 0  # of these: proven absent, and sent again
    person: int = 0
    flagged: int = 0  # posted under a code that is not its own, and shown to a person as such
    mistaken: int = 0  # the same, and shown to nobody
    blocked: int = 0  # calls that a refused login ended
    used_up: int = 0  # attempts that counted against a gift
    refunds: int = 0  # got a 2xx; lost and doubled ones are among the lost and doubled above
    refunds_posted: int = 0
    refunds_person: int = 0
    slowest: float = 0.0
    typical: float = 0.0
    wrong: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The rows of these gifts and of their refunds, by provider_transaction_id."""

    entries: dict[str, list[Any]]
    refunds: dict[str, list[Any]]
    attempts: dict[int, list[Any]]


def read_ledger(database: Database, names: Iterable[str]) -> Ledger:
    wanted = set(names)
    rows: dict[str, list[Any]] = defaultdict(list)
    refunds: dict[str, list[Any]] = defaultdict(list)
    calls: dict[int, list[Any]] = defaultdict(list)
    with database.read() as tx:
        for row in tx.execute(select(entries)):
            if row.kind == Kind.GIFT and row.provider_transaction_id in wanted:
                rows[row.provider_transaction_id].append(row)
            elif row.kind == Kind.REFUND and row.parent_transaction_id in wanted:
                refunds[row.provider_transaction_id].append(row)
        for call in tx.execute(select(attempts).order_by(attempts.c.id)):
            calls[call.entry_id].append(call)
    return Ledger(rows, refunds, calls)


def is_final(row: Any) -> bool:
    """Posted, or in the hands of a person: the machine does nothing more."""
    if row.status == Status.UNKNOWN:
        return row.probe_at is None
    return row.status in {Status.POSTED, Status.HELD, Status.REJECTED, Status.CLOSED}


def all_final(database: Database, names: Iterable[str]) -> bool:
    names = set(names)
    ledger = read_ledger(database, names)
    rows = [row for told in (ledger.entries, ledger.refunds) for rows in told.values() for row in rows]
    return set(ledger.entries) == names and all(map(is_final, rows))


def count(ledger: Ledger, recorded: list[dict[str, Any]], accepted: set[int], refunded: set[int]) -> Count:
    """Hold both sides against each other."""
    in_luminate: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for donation in recorded:
        in_luminate[donation["sub_source"]].append(donation)
    result = Count(accepted=len(accepted), refunds=len(refunded))
    times = []
    for number in sorted(accepted):
        rows, there = ledger.entries.get(f"ch_{number}", []), in_luminate[f"ch_{number}"]
        result.doubled += max(0, len(there) - 1)
        if len(rows) != 1:
            result.lost += not rows
            result.wrong += [f"ch_{number} has {len(rows)} entries"] if rows else []
            continue
        _judge(result, rows[0], there, number)
        _calls(result, rows[0], ledger.attempts[rows[0].id])
        times.append((rows[0].changed_at - rows[0].received_at).total_seconds())
    result.slowest, result.typical = max(times, default=0.0), sorted(times)[len(times) // 2] if times else 0.0
    result.wrong += _shared_codes(ledger)
    for number in sorted(refunded):
        taken_back = [one for gift in in_luminate[f"ch_{number}"] for one in gift["refunds"]]
        _refund(result, ledger.refunds.get(f"re_{number}", []), taken_back, number)
    return result


def _refund(result: Count, rows: list[Any], there: list[dict[str, Any]], number: int) -> None:
    name = f"re_{number}"
    result.doubled += max(0, len(there) - 1)
    if len(rows) != 1:
        result.lost += not rows
        result.wrong += [f"{name} has {len(rows)} entries"] if rows else []
    elif rows[0].status == Status.POSTED:
        result.refunds_posted += 1
        result.lost += not there
    elif rows[0].status in NEEDS_A_PERSON and is_final(rows[0]) and rows[0].reason_text:
        result.refunds_person += 1
    else:
        result.wrong.append(f"{name} is neither posted nor with a person, but {rows[0].status}")
    if any(round(float(one["amount"]) * 100) != REFUND for one in there):
        result.wrong.append(f"{name} is in Luminate with another amount")


def _judge(result: Count, row: Any, there: list[dict[str, Any]], number: int) -> None:
    name = f"ch_{number}"
    if row.status == Status.POSTED:
        result.posted += 1
        own = row.confirmation_code in {donation["confirmation_code"] for donation in there}
        told = bool(row.flag)  # also by its amount, where that differs
        result.flagged += told and not own
        result.lost += not there and not told
        result.mistaken += bool(there) and not own and not told
        if any(round(float(donation["amount"]) * 100) != amount_of(number) for donation in there):
            result.wrong.append(f"{name} is in Luminate with another amount")
    elif row.status in NEEDS_A_PERSON and is_final(row):
        result.person += 1
        if not row.reason or not row.reason_text:
            result.wrong.append(f"{name} waits for a person without a reason")
    else:
        result.wrong.append(f"{name} is not in its final state, but {row.status}")


def _calls(result: Count, row: Any, calls: list[Any]) -> None:
    result.blocked += sum(call.outcome == Outcome.BLOCKED for call in calls)
    result.used_up += row.not_sent
    if not any(call.outcome == Outcome.UNKNOWN for call in calls):
        return
    result.unknown += 1
    if row.status == Status.POSTED and calls[-1].outcome == Outcome.UNKNOWN:
        result.found += 1
    elif row.status == Status.POSTED:
        result.resent += 1


def _shared_codes(ledger: Ledger) -> list[str]:
    codes = Counter(row.confirmation_code for rows in ledger.entries.values() for row in rows if row.confirmation_code)
    return [f"{uses} gifts share a confirmation code" for uses in codes.values() if uses > 1]
