"""``/console/proposals``: corrections of large gifts that wait for a second person."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from relay.access import Permission
from relay.errors import ReplayRefused
from relay.ledger.proposals import Decision
from relay.web.console import door
from relay.web.console.acts import sentence
from relay.web.console.blueprint import console


@console.get("/proposals")
def proposals() -> ResponseReturnValue:
    """What waits, then what was decided."""
    found = door.relay_parts().proposing.listing(door.in_view())
    organizations = door.relay_parts().settings.organizations
    return render_template(
        "proposals.html",
        waiting=[one for one in found if one.proposal.decision is Decision.WAITING],
        decided=[one for one in found if one.proposal.decision is not Decision.WAITING],
        may_agree=frozenset(door.reach(Permission.AGREE)),
        zones={name: one.time_zone for name, one in organizations.items()},
    )


@console.post("/proposals/<int:number>/agree")
def proposal_agree(number: int) -> ResponseReturnValue:
    """Let it count."""
    _need(number)
    try:
        status = door.relay_parts().proposing.agree(number, actor=door.actor())
        flash(f"Agreed. The gift is {status} now.", "ok")
    except ReplayRefused as error:
        flash(sentence(error), "bad")
    return redirect(url_for("console.proposals"), 303)


@console.post("/proposals/<int:number>/refuse")
def proposal_refuse(number: int) -> ResponseReturnValue:
    """End it without a change."""
    _need(number)
    reason = request.form.get("reason", "")
    try:
        decision = door.relay_parts().proposing.refuse(number, actor=door.actor(), reason=reason)
        flash(f"The correction is {decision}; the gift is as it was.", "ok")
    except ReplayRefused as error:
        flash(sentence(error), "bad")
    return redirect(url_for("console.proposals"), 303)


def _need(number: int) -> None:
    if not door.relay_parts().proposing.is_within_reach(number, actor=door.actor()):
        abort(404)
