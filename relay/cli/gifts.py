"""``flask gifts``: which entries there are, how much money, and that the balance holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import click
from sqlalchemy import Connection

from relay import words
from relay.cli.commands import as_json, command, parts, say, say_json, zone_of
from relay.cli.filters import filter_options, searched
from relay.cli.tables import table
from relay.ledger import search
from relay.ledger.entries import Entry
from relay.ledger.search import Balance, Filter, Total
from relay.money import Money
from relay.reports.story import kind
from relay.status import Erased, Kind, Status

# How many rows a person gets unless asked for more; --json gives all.
PAGE = 50


@command("gifts")
@click.argument("search", nargs=-1)
@filter_options("--reason", "--reason-code")
@click.option("--limit", type=click.IntRange(0), help=f"The newest N; 0 is all. [default: {PAGE}, with --json all]")
@click.option("--totals", "totals_only", is_flag=True, help="Counts and sums only.")
@click.option("--donor", is_flag=True, help="With --json: names and e-mail addresses too.")
@as_json
def gifts(
    search: tuple[str, ...], wanted: Filter, *, limit: int | None, totals_only: bool, donor: bool, as_json: bool
) -> None:
    """List gifts and refunds. SEARCH: as in the console: words, and fields such as status:needs or amount:>=1000."""
    wanted = searched(wanted, " ".join(search))
    with parts().database.read() as tx:
        if as_json:
            _stream(tx, wanted, limit or None, totals_only=totals_only, donor=donor)
            return
        if not totals_only:
            _page(tx, wanted, PAGE if limit is None else limit)
        _sums(tx, wanted)
        if replace(wanted, organization="").is_everything:
            _balances(tx, wanted.organization)


def _stream(tx: Connection, wanted: Filter, limit: int | None, *, totals_only: bool, donor: bool) -> None:
    if totals_only:
        for total in search.totals(tx, wanted):
            say_json(total_fields(total))
        return
    for entry in _newest(tx, wanted, limit):
        say_json(fields(entry, donor=donor))


def _newest(tx: Connection, wanted: Filter, limit: int | None) -> Iterator[Entry]:
    """The newest ``limit`` in the order received, or all."""
    if limit is None:
        return search.listing(tx, wanted)
    return reversed(list(search.listing(tx, wanted, limit=limit, newest_first=True)))


def fields(entry: Entry, *, donor: bool = False) -> dict[str, Any]:
    """An entry as JSON. Nothing about the donor unless asked for."""
    told: dict[str, Any] = {
        "id": entry.id,
        "organization": entry.organization,
        "provider": entry.provider,
        "kind": entry.kind,
        "status": entry.status,
        "reason": entry.reason,
        "amount": entry.amount.text,
        "currency": entry.amount.currency,
        "provider_transaction_id": entry.provider_transaction_id,
        "parent_transaction_id": entry.parent_transaction_id,
        "confirmation_code": entry.confirmation_code,
        "luminate_transaction_id": entry.luminate_transaction_id,
        "reason_text": entry.reason_text,
        "flag": entry.flag,
        "late": entry.late,
        "fund": entry.fund,
        "refund_reason": entry.refund_reason,
        "merged_into": entry.merged_into,
        "occurred_at": entry.occurred_at,
        "received_at": entry.received_at,
        "posted_at": entry.posted_at,
        "erased": entry.erased,
        "erased_at": entry.erased_at,
    }
    return told | ({"donor_name": entry.donor_name, "donor_email": entry.donor_email} if donor else {})


def total_fields(total: Total) -> dict[str, Any]:
    """A total as JSON."""
    place = {"organization": total.organization, "kind": total.kind, "status": total.status, "reason": total.reason}
    return place | {"currency": total.currency, "count": total.count, "amount": total.amount.text}


def _page(tx: Connection, wanted: Filter, limit: int) -> None:
    found = list(_newest(tx, wanted, limit + 1 if limit else None))
    rows = found[-limit:] if limit else found
    if not rows:
        say("Nothing matches.")
        return
    for line in table(("id", "received", "donor", "amount", "kind", "status", "why"), [_row(row) for row in rows],
                      right=frozenset({0, 3})):  # fmt: skip
        say(line)
    if len(found) > len(rows):
        say(f"(the newest {limit}; --limit 0 shows all)")
    say()


def _row(entry: Entry) -> tuple[str, ...]:
    received = words.short_minute(entry.received_at, zone_of(entry.organization))
    because = entry.reason_text or entry.flag
    gone = "(erased)" if entry.erased is Erased.DONOR else ""
    name, amount = entry.donor_name or entry.donor_email or gone, words.money(entry.amount)
    return str(entry.id), received, name, amount, kind(entry).lower(), entry.status, _short(because)


def _short(text: str) -> str:
    return text if len(text) <= 100 else text[:97] + "..."


def _sums(tx: Connection, wanted: Filter) -> None:
    sums: dict[tuple[str, Kind, str, Status], tuple[int, int]] = {}
    for total in search.totals(tx, wanted):
        key = (total.organization, total.kind, total.currency, total.status)
        count, minor = sums.get(key, (0, 0))
        sums[key] = (count + total.count, minor + total.minor)
    rows = [
        (organization, which, status, f"{count:,}", words.money(Money(minor, currency)))
        for (organization, which, currency, status), (count, minor) in sorted(sums.items())
    ]
    if rows:
        for line in table(("organization", "kind", "status", "count", "money"), rows, right=frozenset({3, 4})):
            say(line)
        say()


def _balances(tx: Connection, organization: str) -> None:
    for (name, which, currency), sheet in sorted(search.balance(tx, organization).items()):
        say(f"{name}, {which}s in {currency}: {balance_line(sheet)}")


def balance_line(sheet: Balance) -> str:
    """``received 1,234.00 = posted 1,000.00 + on its way 200.00 + needs a person 34.00 + closed 0.00``."""
    columns = (
        ("posted", sheet.posted),
        ("on its way", sheet.on_its_way),
        ("needs a person", sheet.needs_a_person),
        ("closed", sheet.closed),
    )
    whole = " + ".join(f"{name} {words.number(amount)}" for name, amount in columns)
    verdict = "" if sheet.holds else "  THIS DOES NOT ADD UP: tell whoever runs relay"
    return f"received {words.number(sheet.received)} = {whole}{verdict}"
