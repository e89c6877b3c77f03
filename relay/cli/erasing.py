"""``flask retention`` and ``flask erase-donor``: what was received and sent goes, the money stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import click

from relay import words
from relay.access import operator
from relay.cli.commands import Failure, WrongUsage, agreed, as_json, command, parts, say, say_json, who, yes
from relay.cli.filters import known_organization
from relay.office.emptying import Emptied
from relay.office.erasing import Donor, unread_ones

_organization = click.option("--organization", metavar="NAME", default="", help="Of this organization only.")
_reason = click.option(
    "--reason",
    metavar="TEXT",
    required=True,
    help="Why, such as the number of the request. It stays for ever, so it must not name the donor.",
)


@command("retention")
@_organization
@click.option("--dry-run", is_flag=True, help="Only count what would be erased.")
@as_json
@who
def retention(*, organization: str, dry_run: bool, as_json: bool, who: str) -> None:
    """Erase payloads that are older than each organization keeps them. The workers do the same once a day."""
    known = parts().settings.organizations
    for name in [known_organization(organization)] if organization else sorted(known):
        done = parts().retention.run(name, actor=operator(who), dry=dry_run)
        if as_json:
            say_json({"organization": name, "payload_days": known[name].retention.payload_days} | asdict(done))
        else:
            say(f"{name}: {_told(done, dry=dry_run)} {_kept(known[name].retention.payload_days)}")


def _told(done: Emptied, *, dry: bool) -> str:
    if not done:
        return "nothing to erase."
    return f"{'would erase' if dry else 'erased'} {_counted(done)}."


def _counted(done: Emptied) -> str:
    """``12 payments (14 entries, 31 events, 15 calls) and 3 events that led to none``."""
    inner = (words.count(done.entries, "entry", "entries"), words.count(done.events, "event"))
    said = f"{words.count(done.payments, 'payment')} ({', '.join(inner)}, {words.count(done.attempts, 'call')})"
    return f"{said} and {words.count(done.idle, 'event')} beside them" if done.idle else said


def _kept(days: int) -> str:
    return f"Payloads are kept for {words.count(days, 'day')}." if days else "Payloads are kept for ever."


@command("erase-donor")
@click.argument("email")
@_organization
@click.option("--unread", is_flag=True, help="Also events with the address that nobody understood: you looked at them.")
@_reason
@who
@yes
def erase_donor(email: str, *, organization: str, unread: bool, reason: str, who: str, yes: bool) -> None:
    """Erase a donor: all that tells of them in the gifts with this e-mail address. EMAIL may be - to be asked for it.

    Amounts, dates, ids, confirmation codes and statuses stay, so the balance holds and refunds go on. It shows what it
    would do, and asks. Luminate and the provider keep what they have.
    """
    erasing, actor = parts().erasing, operator(who)
    address = click.prompt("E-mail address") if email == "-" else email
    known = erasing.where(address, actor=actor)
    donor = erasing.look(_chosen(known, organization), address, actor=actor)
    waiting = [*donor.open, *(() if unread else unread_ones(donor))]
    for line in (*_shown(donor), *(f"Not settled: {sentence}." for sentence in waiting)):
        say(line)
    if waiting:
        raise Failure("nothing was erased: settle this first, then say it again")
    if not agreed("Erase this donor? It cannot be taken back.", yes=yes):
        raise Failure("nothing was changed")
    done = erasing.erase(donor, actor=actor, reason=reason, unread=unread)
    say(f"Erased in {donor.organization}: {_counted(done)}. Luminate and the provider keep what they have.")


def _chosen(known: list[str], organization: str) -> str:
    """The one organization that is meant: each is asked for itself."""
    wanted = known_organization(organization) if organization else ""
    if not known or (wanted and wanted not in known):
        raise Failure("there is no gift with this e-mail address" + (f" in {wanted}" if wanted else ""))
    if not wanted and len(known) > 1:
        raise WrongUsage(f"{' and '.join(known)} know this address: say which one was asked, with --organization")
    return wanted or known[0]


def _shown(donor: Donor) -> Iterator[str]:
    yield f"{donor.organization}: {_counted(donor.counts)}."
    if donor.lines:
        lines = ", ".join(map(str, donor.lines))
        yield f"The audit names the donor and cannot be changed: {words.count(len(donor.lines), 'line')} ({lines})."
