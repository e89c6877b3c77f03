"""``/console/people``: who may sign in, and what each may do where. For admins, each within their reach."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from relay.access import EVERYWHERE, Permission, Role
from relay.errors import PersonRefused
from relay.office.people.managing import LINK_HOURS, Seen
from relay.web.console import door
from relay.web.console.blueprint import console

# What the select of roles offers besides the roles themselves.
NO_ROLE = "none"


@console.get("/people")
def people() -> ResponseReturnValue:
    """Everybody within reach, and a form to add somebody."""
    return _list()


@console.post("/people")
def people_post() -> ResponseReturnValue:
    """Add somebody, or give a role to somebody known; who has no password yet gets a link to choose one."""
    form, actor = request.form, door.actor()
    organization = form.get("organization", "")
    actor.need(Permission.MANAGE, organization)
    try:
        person = door.relay_parts().people.add(
            actor, form.get("email", ""), name=form.get("name", ""), role=_role(), organization=organization
        )
    except PersonRefused as error:
        return _list(wrong=f"{error}."), 400
    flash(f"{person.email} was added.", "ok")
    if person.password_hash or not _seen(person.id).is_mine:
        return redirect(url_for("console.person", number=person.id), 303)
    return _person(person.id, link=_link(person.id))


@console.get("/people/<int:number>")
def person(number: int) -> ResponseReturnValue:
    """One person: roles, and what an admin may do for them."""
    return _person(number)


@console.post("/people/<int:number>/role")
def person_role(number: int) -> ResponseReturnValue:
    """Give, change or take away a role in one organization."""
    seen, organization = _seen(number), request.form.get("organization", "")
    role = None if request.form.get("role") == NO_ROLE else _role()
    door.relay_parts().people.give(door.actor(), number, organization, role)
    flash(f"{seen.person.email} is {role or 'nothing more'} {_where(organization)} now.", "ok")
    still_seen = any(one.person.id == number for one in door.relay_parts().people.listing(door.actor()))
    return redirect(url_for("console.person", number=number) if still_seen else url_for("console.people"), 303)


@console.post("/people/<int:number>/password")
def person_password(number: int) -> ResponseReturnValue:
    """A link to choose a password, or a password made up; shown this once, on the page that answers."""
    _seen(number)
    if request.form.get("how") == "password":
        return _person(number, password=door.relay_parts().people.generate(door.actor(), number))
    return _person(number, link=_link(number))


@console.post("/people/<int:number>/codes")
def person_codes(number: int) -> ResponseReturnValue:
    """One-time codes off, because a telephone is lost."""
    seen = _seen(number)
    door.relay_parts().people.reset_codes(door.actor(), number)
    flash(f"{seen.person.email} signs in without one-time codes until they set them up again.", "ok")
    return redirect(url_for("console.person", number=number), 303)


@console.post("/people/<int:number>/end")
def person_end(number: int) -> ResponseReturnValue:
    """The person may not sign in any more."""
    seen = _seen(number)
    door.relay_parts().people.end(door.actor(), number)
    flash(f"{seen.person.email} cannot sign in any more.", "ok")
    return redirect(url_for("console.people"), 303)


def _list(wrong: str = "") -> str:
    actor, parts = door.actor(), door.relay_parts()
    found = parts.people.listing(actor)
    # What is chosen at first must not be everything.
    places = sorted(parts.people.organizations_of(actor), key=lambda name: name == EVERYWHERE)
    return render_template(
        "people.html",
        people=found,
        places=places,
        wrong=wrong,
        where=_where,
        roles=list(Role),
    )


def _person(number: int, *, link: str = "", password: str = "") -> str:
    actor, parts = door.actor(), door.relay_parts()
    return render_template(
        "person.html",
        seen=_seen(number),
        places=parts.people.organizations_of(actor),
        link=link,
        password=password,
        hours=LINK_HOURS,
        where=_where,
        roles=list(Role),
    )


def _seen(number: int) -> Seen:
    """The person as this admin sees them; whoever is out of reach does not exist."""
    found = door.relay_parts().people.listing(door.actor())
    return next((seen for seen in found if seen.person.id == number), None) or abort(404)


def _role() -> Role:
    try:
        return Role(request.form.get("role", ""))
    except ValueError as error:
        raise PersonRefused("Choose a role") from error


def _link(number: int) -> str:
    ending = door.relay_parts().people.invite(door.actor(), number)
    return url_for("console.invitation", link=ending, _external=True)


def _where(organization: str) -> str:
    if organization == EVERYWHERE:
        return "in every organization"
    known = door.relay_parts().settings.organizations.get(organization)
    return f"in {known.title or organization}" if known else f"in {organization}"
