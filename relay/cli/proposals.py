"""``flask proposals``: corrections that wait for a second person."""

from __future__ import annotations

import click

from relay import words
from relay.access import operator
from relay.cli.commands import Group, as_json, command, parts, say, say_json, who, why
from relay.cli.tables import plain, table
from relay.ledger.proposals import Decision
from relay.office.proposing import Shown

_number = click.argument("number", metavar="NUMBER", type=click.IntRange(1))


@click.group("proposals", cls=Group)
def proposals() -> None:
    """Corrections of large gifts count only when a second person agrees."""


@command("list")
@as_json
def show_all(*, as_json: bool) -> None:
    """What waits, then the newest of what was decided."""
    found = parts().proposing.listing(None)
    if as_json:
        for one in found:
            say_json(_told(one))
        return
    rows = [
        (str(one.proposal.id), str(one.entry.id), words.money(one.entry.amount), plain(one.proposal.proposed_by),
         one.proposal.decision or "waits", plain(one.proposal.reason), _changes(one))
        for one in found
    ]  # fmt: skip
    for line in table(("no.", "entry", "amount", "proposed by", "decision", "why", "what changes"), rows):
        say(line)


@command("agree")
@_number
@who
def agree(number: int, *, who: str) -> None:
    """Let it count, as another person than the one who proposed it."""
    status = parts().proposing.agree(number, actor=operator(who))
    say(f"The gift of proposal {number} is now {status}.")


@command("refuse")
@_number
@why
@who
def refuse(number: int, *, reason: str, who: str) -> None:
    """End it without a change; whoever made it withdraws it."""
    decision = parts().proposing.refuse(number, actor=operator(who), reason=reason)
    say(f"Proposal {number} is {decision}. Nothing was changed.")


def _changes(one: Shown) -> str:
    if one.preview is None:
        return ", ".join(words.parameter(name) for name in one.proposal.changes)
    return plain(
        "; ".join(f"{name}: {old or 'nothing'} -> {new or 'nothing'}" for name, old, new in one.preview.changed)
    )


def _told(one: Shown) -> dict[str, object]:
    proposal = one.proposal
    told = {"id": proposal.id, "entry": one.entry.id, "organization": proposal.organization, "reason": proposal.reason}
    by = {"proposed_by": proposal.proposed_by, "proposed_at": proposal.proposed_at, "changes": dict(proposal.changes)}
    decided = {"decided_by": proposal.decided_by, "decided_at": proposal.decided_at}
    return told | by | decided | {"decision": proposal.decision or "waiting", "waits": not Decision(proposal.decision)}


for _command in (show_all, agree, refuse):
    proposals.add_command(_command)
