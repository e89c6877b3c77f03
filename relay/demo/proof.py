"""Does the sandbox hold exactly what it should? Every gift and refund of it, to the cent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from relay.demo.samples import Recorded
from relay.ledger.entries import Entry
from relay.status import Kind, Status

Donation = Mapping[str, Any]


def from_ledger(entries: Iterable[Entry]) -> tuple[Recorded, ...]:
    """What the ledger says that Luminate holds, by confirmation code."""
    posted = [entry for entry in entries if entry.status is Status.POSTED]
    refunds: dict[int, list[str]] = {}
    for entry in posted:
        if entry.kind is Kind.REFUND:
            refunds.setdefault(entry.payment_id, []).append(entry.amount.text)
    return tuple(
        Recorded(
            key=entry.confirmation_code,
            amount=entry.amount.text,
            designations=_designated(entry.parameters),
            # A gift made again for money that came back stands beside the first one, which has the refunds.
            refunds=tuple(sorted(refunds.get(entry.payment_id, ()))) if entry.kind is Kind.GIFT else (),
        )
        for entry in posted
        if entry.kind is not Kind.REFUND
    )


def from_sandbox(donations: Iterable[Donation], key: str) -> tuple[Recorded, ...]:
    """What the sandbox holds, told by one of its fields: ``confirmation_code`` or ``sub_source``."""
    return tuple(
        Recorded(
            key=gift[key],
            amount=gift["amount"],
            designations={part.get("name") or part["id"]: part["amount"] for part in gift["designations"]},
            refunds=tuple(sorted(refund["amount"] for refund in gift["refunds"])),
        )
        for gift in donations
    )


def differences(wanted: Sequence[Recorded], held: Sequence[Recorded]) -> list[str]:
    """One sentence for each gift that is missing, too many, or otherwise than it should be."""
    found = []
    for one in wanted:
        mine = [other for other in held if other.key == one.key]
        if len(mine) != 1:
            found.append(f"The gift {one.key} of {one.amount} is in the sandbox {_times(len(mine))}.")
        elif mine[0] != one:
            found.append(f"The gift {one.key} should be {_told(one)}; the sandbox has {_told(mine[0])}.")
    known = {one.key for one in wanted}
    extra = [other for other in held if other.key not in known]
    return found + [f"The sandbox has a gift {other.key} of {other.amount} that nobody expects." for other in extra]


def _designated(parameters: Mapping[str, str]) -> dict[str, str]:
    """The designations among the parameters that were sent, amounts written with two places as the sandbox does."""
    found = {}
    for name, amount in parameters.items():
        if name.startswith("designated") and name.endswith(".amount"):
            group = name.removesuffix(".amount")
            named = parameters.get(f"{group}.id") or parameters.get(f"{group}.name", "")
            found[named] = amount if "." in amount else f"{amount}.00"
    return found


def _times(count: int) -> str:
    return "not at all" if count == 0 else f"{count} times"


def _told(one: Recorded) -> str:
    parts = ", ".join(f"{amount} to {name}" for name, amount in one.designations.items()) or "no designation"
    back = f", {' and '.join(one.refunds)} refunded" if one.refunds else ""
    return f"{one.amount} ({parts}{back})"
