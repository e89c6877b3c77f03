"""What the demo prints, in the words of a finance team: one line for each sample, the balance, where to look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import shorten

from relay.demo.announcements import Announced
from relay.demo.announcements.processors import STANDARD_SECRET, STRIPE_SECRET
from relay.demo.people import EMAIL
from relay.demo.place import ORGANIZATION, Place
from relay.demo.run import Ended
from relay.demo.samples import Recorded, Sample
from relay.ledger.search import Balance
from relay.money import Money
from relay.status import Kind, Status, Verdict
from relay.words import count, money

LAST_LINE = "relay is up. Ctrl-C stops it."

_STANDS = {
    Status.HELD: "held",
    Status.WAITING: "waits",
    Status.QUEUED: "in line",
    Status.POSTING: "being sent",
    Status.RETRYING: "tried again soon",
    Status.UNKNOWN: "unknown",
    Status.REJECTED: "refused",
    Status.POSTED: "in Luminate",
    Status.CLOSED: "closed",
}
_COLUMNS = ("received", "in Luminate", "on its way", "needs a person", "closed")
# The signs between the columns of the balance: received = posted + on its way + needs a person + closed.
_SIGNS = ("  =", "  +", "  +", "  +", "")


def met_before(ended: Sequence[Ended]) -> Iterator[str]:
    """A kind word where the ledger has met these events already."""
    known = sum(one.before for one in ended)
    if known:
        which = "all of these events" if known == len(ended) else f"{known} of these {len(ended)} events"
        yield f"This ledger goes on from an earlier run and has met {which} before: nothing is recorded twice."
        yield ""


def samples(ended: Sequence[Ended]) -> Iterator[str]:
    """The table: what arrived, what became of it, why."""
    told = [(one, one.arrival) for one in ended if isinstance(one.arrival, Sample)]
    rows = [("what arrived", "what became of it", "why"), *(_row(one, sample) for one, sample in told)]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for number, (arrived, became, why) in enumerate(rows):
        yield f"{number or '#':>3}  {arrived:<{widths[0]}}  {became:<{widths[1]}}  {why}"


def _row(one: Ended, sample: Sample) -> tuple[str, str, str]:
    why = shorten(_why(one, sample), 76, placeholder=" ...") if one.entry else one.event.note
    return sample.arrives, _became(one), why


def _became(one: Ended) -> str:
    if one.entry is None:
        return f"event {one.event.id} {'waits' if one.event.verdict is Verdict.PENDING else 'kept'}"
    return f"{one.entry.kind} {one.entry.id} {_STANDS[one.entry.status]}"


def _why(one: Ended, sample: Sample) -> str:
    as_planned = one.entry is not None and one.entry.status is sample.ends and sample.because
    if one.entry and one.entry.reason_text and not as_planned:
        return one.entry.reason_text
    if one.before:
        return f"{one.event.note}: counted, not recorded again"
    return sample.because or f"confirmation code {one.entry.confirmation_code if one.entry else ''}"


def one_from_each(ended: Sequence[Ended]) -> Iterator[str]:
    """A gift from each provider: who, how much, what became of it, and its confirmation code (or why it has none)."""
    told = [(one, one.arrival) for one in ended if isinstance(one.arrival, Announced)]
    yield f"A gift from each of the {len(told)} providers, signed as each one signs (* its API was asked for the rest)"
    for one, announced in told:
        code = (one.entry.confirmation_code or one.entry.reason_text) if one.entry else one.event.note
        provider = f"{announced.provider}{' *' if announced.answers else ''}"
        yield f"  {provider:<15} {announced.donor:<19} {'$' + announced.amount:>7}   {_became(one):<21}  {code}"


def balance(sheets: Mapping[tuple[str, Kind, str], Balance]) -> Iterator[str]:
    """Received = in Luminate + on its way + needs a person + closed, to the cent."""
    yield "The balance, to the cent" + "".join(f"{name:>17}" for name in _COLUMNS)
    for (_organization, kind, currency), sheet in sheets.items():
        amounts = (sheet.received, sheet.posted, sheet.on_its_way, sheet.needs_a_person, sheet.closed)
        cells = "".join(f"{money(one) + sign:>17}" for one, sign in zip(amounts, _SIGNS, strict=True))
        odd = "" if sheet.holds else "   DOES NOT HOLD"
        yield f"  {_name(kind, currency):<22}{cells}{odd}"


def _name(kind: Kind, currency: str) -> str:
    return f"{kind}s" if currency == "USD" else f"{kind}s in {currency}"


def proof(found: Sequence[str], surprises: Iterable[str], held: Sequence[Recorded]) -> Iterator[str]:
    """That the sandbox holds what it should, or every way in which it does not."""
    wrong = [*surprises, *found]
    if wrong:
        yield "Not as it should be:"
        yield from (f"  {sentence}" for sentence in wrong)
        return
    refunds = [amount for gift in held for amount in gift.refunds]
    given = f"{count(len(held), 'gift')} of {_sum(gift.amount for gift in held)}"
    back = f"{count(len(refunds), 'refund')} of {_sum(refunds)}"
    yield f"The sandbox holds exactly what it should: {given} and {back}."


def _sum(amounts: Iterable[str]) -> str:
    total = Money(0, "USD")
    for amount in amounts:
        total += Money.parse(amount, "USD")
    return money(total)


def where_to_look(place: Place, flask: Path, password: str) -> Iterator[str]:
    """Addresses, secrets, commands, logs. ``password``: of the demo's admin, "" where they chose their own."""
    hooks = f"{place.web}/webhooks/{ORGANIZATION}"
    yield "Where to look"
    yield f"  the console           {place.web}/console/"
    yield f"                        sign in as {EMAIL}    password {password or 'as you chose it'}"
    yield f"  what Luminate holds   {place.sandbox}/"
    yield f"  webhooks              {hooks}/stripe    secret {STRIPE_SECRET}"
    yield f"                        {hooks}/standard  secret {STANDARD_SECRET}"
    yield f"                        the other providers: {shown(place.var / 'demo.toml')}"
    yield f"  in another terminal   {flask} gifts     {flask} show 3     {flask} events"
    yield '  an event of your own  README.md, "An event of your own"'
    yield f"  logs                  {shown(place.logs)}/"


def shown(path: Path) -> str:
    """A path as a person in this directory would type it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
