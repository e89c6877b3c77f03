"""``/console/unknown``: gifts that Luminate may or may not have. Ours beside what it shows; a person says which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from relay import words
from relay.access import Permission
from relay.errors import MoneyError
from relay.ledger import claims, entries
from relay.ledger.entries import Entry
from relay.ledger.search import Filter, listing, totals
from relay.luminate.seen import Seen, read_moment
from relay.money import Money
from relay.office.looking import Looked
from relay.status import Kind, Status
from relay.web.console import door
from relay.web.console.acts import acting_on, entry_of
from relay.web.console.blueprint import console

MOST = 200
_TENDERS = {"credit": "card", "check": "check", "cash": "cash"}


@dataclass(frozen=True, slots=True)
class Compared:
    """One thing that both sides may tell; ``differs`` only where both do."""

    label: str
    ours: str
    theirs: str

    @property
    def differs(self) -> bool:
        return bool(self.ours and self.theirs) and self.ours.casefold() != self.theirs.casefold()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One transaction in Luminate that may be the gift; ``owner``: the gift that its code belongs to."""

    code: str
    lines: tuple[Compared, ...]
    owner: int | None

    @property
    def fits(self) -> bool:
        return self.owner is None and not any(line.differs for line in self.lines)


@console.get("/unknown")
def unknown() -> ResponseReturnValue:
    """All of them, the oldest first."""
    wanted = Filter(statuses=(Status.UNKNOWN,), organizations=door.in_view())
    with door.relay_parts().database.read() as tx:
        found, sums = list(listing(tx, wanted, limit=MOST)), totals(tx, wanted)
    zones = {name: one.time_zone for name, one in door.relay_parts().settings.organizations.items()}
    return render_template("unknown.html", entries=found, totals=sums, zones=zones, most=MOST)


@console.get("/unknown/<int:number>")
def unknown_gift(number: int) -> ResponseReturnValue:
    """One of them, beside what the last look-up showed."""
    entry = entry_of(number)
    if entry.status is not Status.UNKNOWN:
        return redirect(f"/console/gifts/{number}", 303)
    with door.relay_parts().database.read() as tx:
        codes = [row.get("confirmation_code", "") for row in entry.candidates]
        site = door.relay_parts().settings.organizations[entry.organization].on_site
        owners = entries.owners(tx, site, codes)
    stored = [(row, owners.get(row.get("confirmation_code", ""))) for row in entry.candidates]
    return _page(entry, [_of_stored(entry, row, owner.id if owner else None) for row, owner in stored], None)


@console.post("/unknown/<int:number>/look")
def unknown_look(number: int) -> ResponseReturnValue:
    """Ask Luminate now; a look-up only reads. The answer is the page itself."""
    entry = acting_on(number)
    if entry.status is not Status.UNKNOWN:
        return redirect(f"/console/gifts/{number}", 303)
    looked = door.relay_parts().looking.look(number, actor=door.actor())
    shown = [_of_seen(entry, row, looked.owners.get(row.confirmation_code)) for row in looked.rows]
    return _page(entry, shown, looked)


def _page(entry: Entry, candidates: list[Candidate], looked: Looked | None) -> str:
    parts = door.relay_parts()
    settle = parts.settings.organizations[entry.organization].probe.settle_seconds
    with parts.database.read() as tx:
        called, now = claims.doubtful_since(tx, entry.id), parts.database.now(tx)
    settled = called[1] + timedelta(seconds=settle) if called else now
    return render_template(
        "unknown_gift.html",
        entry=entry,
        candidates=sorted(candidates, key=lambda one: not one.fits),
        looked=looked,
        called=called,
        settled=settled if settled > now else None,
        zone=_zone(entry),
        is_gift=entry.kind is not Kind.REFUND,
        may_act=door.actor().may(Permission.ACT, entry.organization),
        chosen_code=request.form.get("code", ""),
        look=url_for("console.unknown_look", number=entry.id),
    )


def _zone(entry: Entry) -> tzinfo:
    return door.relay_parts().settings.organizations[entry.organization].time_zone


def _of_seen(entry: Entry, row: Seen, owner: int | None) -> Candidate:
    told = {"tender": row.tender, "last4": row.last4, "check_number": row.check_number, "name": row.billing_name}
    return _candidate(entry, row.confirmation_code, row.amount, row.at, told, owner)


def _of_stored(entry: Entry, row: Mapping[str, str], owner: int | None) -> Candidate:
    """A row as the machine's own look-up left it."""
    told = {**row, "name": row.get("billing_name", "")}
    at = read_moment(row.get("at", ""))
    return _candidate(entry, row.get("confirmation_code", ""), Decimal(row.get("amount", "0")), at, told, owner)


def _candidate(
    entry: Entry, code: str, amount: Decimal, at: datetime | None, told: dict[str, str], owner: int | None
) -> Candidate:
    sent, zone = entry.parameters, _zone(entry)
    name = " ".join(filter(None, (sent.get("billing.name.first", ""), sent.get("billing.name.last", ""))))
    lines = (
        Compared("Amount", words.number(entry.amount), _amount(abs(amount), entry.amount.currency)),
        Compared("Paid by", _tender(sent.get("offline_payment_method", "")), _tender(told["tender"])),
        Compared("Card ends in", sent.get("card_number", "")[-4:], told["last4"]),
        Compared("Check number", sent.get("check_number", ""), told["check_number"]),
        Compared("Billing name", name, told["name"]),
        Compared("Recorded", "", words.minute(at, zone) if at else "no time shown"),
    )
    return Candidate(code, tuple(line for line in lines if line.ours or line.theirs), owner)


def _amount(amount: Decimal, currency: str) -> str:
    """As ours is written; one that is no amount of the currency as Luminate shows it."""
    try:
        return words.number(Money.parse(str(amount), currency))
    except MoneyError:
        return str(amount)


def _tender(word: str) -> str:
    return _TENDERS.get(word, word)
