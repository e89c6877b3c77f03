"""``/console/invitation/<link>``: whoever was given the link chooses a password and is in."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from relay.errors import PersonRefused
from relay.web.console import door
from relay.web.console.blueprint import console
from relay.web.console.passwords import chosen_password


@console.get("/invitation/<link>")
def invitation(link: str) -> ResponseReturnValue:
    """The form. Looking does not use the link up."""
    person = door.relay_parts().people.invited(link)
    return render_template("invitation.html", email=person.email, wrong="")


@console.post("/invitation/<link>")
def invitation_post(link: str) -> ResponseReturnValue:
    """Keep the password; the link is used up. A person with one-time codes still needs one to sign in."""
    people = door.relay_parts().people
    person = people.invited(link)
    try:
        people.accept(link, chosen_password())
    except PersonRefused as error:
        return render_template("invitation.html", email=person.email, wrong=f"{error}."), 400
    door.leave()
    flash("Your password is kept. Sign in with it now.", "ok")
    return redirect(url_for("console.sign_in"), 303)
