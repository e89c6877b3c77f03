"""``/console/tokens``: keys of programs that use the API. For admins."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from relay.access import Permission
from relay.errors import ReplayRefused
from relay.office.tokens import SCOPES, Made
from relay.web.console import door
from relay.web.console.blueprint import console

MAY = {
    Permission.READ: "look at gifts, donors and figures",
    Permission.ACT: "correct, replay, resolve, close and reopen",
    Permission.MAP: "edit the fund map, which lets gifts go",
}
DAYS = (30, 90, 365)


@console.get("/tokens")
def tokens() -> ResponseReturnValue:
    """The tokens within reach, and a form for a new one."""
    return _list()


@console.post("/tokens")
def tokens_post() -> ResponseReturnValue:
    """Make one; it is shown this once, on the page that answers."""
    form = request.form
    days = int(form["days"]) if form.get("days", "") in {str(one) for one in DAYS} else None
    wanted = (form.get("name", ""), form.get("organization", ""), form.getlist("scope"))
    try:
        made = door.relay_parts().tokens.add(*wanted, actor=door.actor(), days=days)
    except ReplayRefused as error:
        return _list(wrong=f"Not made: {error}."), 422
    return _list(made=made)


@console.post("/tokens/<int:number>/end")
def token_end(number: int) -> ResponseReturnValue:
    """End one: from now on it opens nothing."""
    token = door.relay_parts().tokens.end(number, actor=door.actor())
    flash(f"Token {number}, {token.name}, has ended.", "ok")
    return redirect(url_for("console.tokens"), 303)


def _list(*, made: Made | None = None, wrong: str = "") -> str:
    relay, actor = door.relay_parts(), door.actor()
    places = door.reach(Permission.MANAGE)
    actor.need(Permission.MANAGE, places[0] if places else "*")
    found = relay.tokens.listing(places, actor=actor)
    known = relay.settings.organizations
    with relay.database.read() as tx:
        now = relay.database.now(tx)
    return render_template(
        "tokens.html", tokens=found, places=places, scopes=SCOPES, may=MAY, days=DAYS, made=made, wrong=wrong, now=now,
        zones={name: known[name].time_zone for name in places}, titles_of=known,
    )  # fmt: skip
