"""An edit of the fund map, tried: what each unsent gift of the code would become, before anything is changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import orjson
from sqlalchemy import Connection

from relay.config import Fund, Organization
from relay.config.funds import as_told
from relay.gifts import Designation, Donor, Gift, Name
from relay.inbound.giving import fund_codes, gift_columns
from relay.ledger import funds
from relay.ledger.codec import gift_from_json
from relay.ledger.entries import Entry
from relay.ledger.funds import Version, WithFunds, edited_to
from relay.money import Money
from relay.office.remapping import mapped
from relay.status import CLAIMABLE, Status

# More gifts than a person can answer for at once; saving once more lets the rest go.
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Edit:
    """What somebody wants: the fund of a code; None takes the edit back, and the file counts again."""

    code: str
    fund: Fund | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One gift, and what it would become. ``why`` is empty or says why it stays."""

    entry: Entry
    status: Status
    why: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A gift as the edit would map it; ``why`` is empty or says why it would be held. ``entry`` None: made up."""

    entry: Entry | None
    parameters: Mapping[str, str]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What an edit would do. ``before`` and ``after`` are what counts for the code, whoever says so.

    ``more``: gifts that wait beyond those shown. ``seen`` is the mark of all this, which saving it wants back.
    """

    edit: Edit
    before: Fund | None
    after: Fund | None
    example: Example
    goes: tuple[Tried, ...]
    stays: tuple[Tried, ...]
    in_line: tuple[Tried, ...]
    more: int
    seen: str


@dataclass(slots=True)
class _Heap:
    goes: list[Tried] = field(default_factory=list)
    stays: list[Tried] = field(default_factory=list)
    in_line: list[Tried] = field(default_factory=list)
    more: int = 0


def try_out(tx: Connection, organization: Organization, edit: Edit, *, up_to: int | None = None) -> Trial:
    """What the edit would do to every unsent gift of its code; to none that came after the entry ``up_to``."""
    versions = funds.edits(tx, organization.name)
    newest = funds.newest_entry(tx, organization.name) if up_to is None else up_to
    now, then = _edited(organization, versions, None), _edited(organization, versions, edit)
    heap = _Heap()
    for entry in of_code(tx, then, edit.code, newest):
        _sort(heap, entry, then)
    return Trial(
        edit=edit,
        before=now.funds.get(edit.code),
        after=then.funds.get(edit.code),
        example=_example(heap, then, edit.code),
        goes=tuple(heap.goes),
        stays=tuple(heap.stays),
        in_line=tuple(heap.in_line),
        more=heap.more,
        seen=_mark(newest, edit, versions, heap),
    )


def _edited(organization: Organization, versions: Mapping[str, Version], edit: Edit | None) -> WithFunds:
    edited = {code: version.fund for code, version in versions.items()} | ({edit.code: edit.fund} if edit else {})
    return edited_to(organization, {code: fund for code, fund in edited.items() if fund})


def of_code(tx: Connection, organization: Organization, code: str, up_to: int | None = None) -> Iterator[Entry]:
    """The unsent gifts about which this code decides, in the order received."""
    texts = (code, "") if code == organization.default_fund else (code,)
    found = [entry for text in texts for entry in funds.of_fund(tx, organization.name, text, up_to=up_to)]
    for entry in sorted(found, key=lambda one: (one.received_at, one.id)):
        if code in codes_of(entry, organization):
            yield entry


def codes_of(entry: Entry, organization: Organization) -> frozenset[str]:
    """The codes that decide about an entry; none where nothing is known of its gift."""
    return fund_codes(gift_from_json(entry.fact), organization, entry.overrides) if entry.fact else frozenset()


def _sort(heap: _Heap, entry: Entry, then: WithFunds) -> None:
    is_in_line = entry.status in CLAIMABLE
    columns = mapped(entry, then, entry.overrides, mail=is_in_line and entry.mail, proven=not is_in_line)
    status, parameters = Status(columns["status"]), columns["parameters"]
    same = _without_mails(parameters) == _without_mails(entry.parameters)
    tried = Tried(entry=entry, status=status, why=str(columns["reason_text"]), parameters=parameters)
    if is_in_line:
        heap.in_line += [] if same and status is not Status.HELD else [tried]
    elif len(heap.goes) + len(heap.stays) >= MOST:
        heap.more += 1
    elif entry.status is Status.REJECTED and same:
        why = f"Luminate would be told the same again. {entry.reason_text}"
        heap.stays.append(Tried(entry=entry, status=entry.status, why=why, parameters=parameters))
    else:
        (heap.stays if status is Status.HELD else heap.goes).append(tried)


def _without_mails(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if not name.startswith("send_")}


def _example(heap: _Heap, then: WithFunds, code: str) -> Example:
    """The first gift that waits; where none does, a made-up one."""
    for tried in (*heap.goes, *heap.stays):
        return Example(entry=tried.entry, parameters=tried.parameters, why=tried.why)
    donor = Donor(name=Name(first="Mary", last="Example"), email="mary@example.org")
    amount = Money.parse("25", then.currency)
    gift = Gift(keys=("example",), amount=amount, donor=donor, designations=(Designation(fund=code),))
    columns = gift_columns(gift, then, "example", mail=False)
    parameters = columns["parameters"]
    return Example(
        entry=None, parameters=parameters if isinstance(parameters, dict) else {}, why=str(columns["reason_text"])
    )


def _mark(newest: int, edit: Edit, versions: Mapping[str, Version], heap: _Heap) -> str:
    """Everything that was shown, in a line: up to which entry was looked, and a digest of what was found."""
    seen = {
        "edit": [edit.code, edit.fund and as_told(edit.fund)],
        "version": max((version.id for version in versions.values()), default=0),
        "gifts": [
            (one.entry.id, one.entry.status, one.entry.fence, one.entry.changed_at) for one in (*heap.goes, *heap.stays)
        ],
    }
    return f"{newest}-{hashlib.sha256(orjson.dumps(seen)).hexdigest()[:32]}"


def looked_up_to(seen: str) -> int:
    """Up to which entry the one who brings this mark has looked; -1 for what is no mark."""
    number, _, _ = seen.partition("-")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 16 else -1
