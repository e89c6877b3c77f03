"""``flask users``: who may sign in to the console, and what each may do. The same use cases as the page People."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from relay.access import EVERYWHERE, Actor, Role, operator
from relay.cli.commands import (
    Failure,
    Group,
    agreed,
    as_json,
    is_interactive,
    one_of,
    parts,
    say,
    say_json,
    who,
    yes,
)
from relay.cli.tables import plain, table
from relay.ledger import people
from relay.ledger.people import Person
from relay.office.people.managing import LINK_HOURS

_email = click.argument("email", metavar="EMAIL")
_role = click.option("--role", type=one_of(Role), required=True, help="viewer reads, finance also acts, admin all.")
_organization = click.option(
    "--organization", metavar="NAME", default=EVERYWHERE, help="Only in this organization. [default: in all of them]"
)
_link = click.option(
    "--link", metavar="URL", help="Instead of a password, print a link to choose one; relay's address."
)
_ask = click.option("--ask", is_flag=True, help="Type the password instead of having one made up.")


@click.group("users", cls=Group)
def users() -> None:
    """People who may sign in to the console, and their roles."""


@users.command("add")
@_email
@_role
@_organization
@click.option("--name", default="", help="What people call them.")
@_link
@_ask
@who
@with_appcontext
def add(email: str, *, role: str, organization: str, name: str, link: str | None, ask: bool, who: str) -> None:
    """Let EMAIL sign in, or give somebody who may a role in one more organization."""
    actor = operator(who)
    person = parts().people.add(actor, email, name=name, role=Role(role), organization=organization)
    say(f"{person.email} is {role} {_where(organization)}.")
    if not person.password_hash:
        _let_in(actor, person, link, ask=ask)


@users.command("list")
@as_json
@with_appcontext
def listing(*, as_json: bool) -> None:
    """Everybody, with their roles."""
    found = [seen.person for seen in parts().people.listing(operator("flask users list"))]
    if as_json:
        for person in found:
            say_json(fields(person))
        return
    rows = [(one.email, one.name, _state(one), _told(one)) for one in found]
    for line in table(("e-mail", "name", "state", "roles"), rows):
        say(line)
    if not found:
        say("Nobody can sign in yet: flask users add EMAIL --role admin")


@users.command("role")
@_email
@click.option(
    "--role", type=click.Choice([*(role.value for role in Role), "none"]), required=True, help="none takes it away."
)
@_organization
@who
@with_appcontext
def role(email: str, *, role: str, organization: str, who: str) -> None:
    """Change what EMAIL may do; `--role none` takes it away."""
    given = None if role == "none" else Role(role)
    parts().people.give(operator(who), _person(email).id, organization, given)
    say(f"{email} is {'nothing more' if given is None else role} {_where(organization)}; their sessions have ended.")


@users.command("end")
@_email
@who
@yes
@with_appcontext
def end(email: str, *, who: str, yes: bool) -> None:
    """EMAIL may not sign in any more; what they did stays under their name."""
    person = _person(email)
    if not agreed(f"End {person.email}?", yes=yes):
        raise Failure("nothing was changed")
    parts().people.end(operator(who), person.id)
    say(f"{person.email} cannot sign in any more.")


@users.command("password")
@_email
@_link
@_ask
@click.option(
    "--codes-off", is_flag=True, help="Their telephone is lost: no one-time codes until they set up new ones."
)
@who
@with_appcontext
def password(email: str, *, link: str | None, ask: bool, codes_off: bool, who: str) -> None:
    """A new password for EMAIL; the old one and all their sessions end."""
    actor, person = operator(who), _person(email)
    if codes_off:
        parts().people.reset_codes(actor, person.id)
        say("They sign in without one-time codes until they set them up again.")
    _let_in(actor, person, link, ask=ask)


def fields(person: Person) -> dict[str, object]:
    """A person as JSON."""
    return {
        "email": person.email,
        "name": person.name,
        "roles": dict(person.roles),
        "codes": bool(person.totp_secret),
        "created_at": person.created_at,
        "signed_in_at": person.signed_in_at,
        "ended_at": person.ended_at,
    }


def _let_in(actor: Actor, person: Person, link: str | None, *, ask: bool) -> None:
    """A link, or a password, shown this once."""
    if link:
        if not parts().settings.secret_is_kept:
            raise Failure(
                "a link needs SECRET_KEY: without it every process has a key of its own, and no link would open"
            )
        ending = parts().people.invite(actor, person.id)
        say(f"Good once, for {LINK_HOURS} hours: {link.rstrip('/')}/console/invitation/{ending}")
        return
    typed = click.prompt("Password", hide_input=True, confirmation_prompt=True) if ask and is_interactive() else ""
    chosen = parts().people.generate(actor, person.id, typed)
    say("The password is kept." if typed else f"Password, shown this once: {chosen}")


def _person(email: str) -> Person:
    with parts().database.read() as tx:
        found = people.find(tx, email)
    if found is None:
        raise Failure(f"nobody signs in as {plain(email)}; `flask users list` shows who does")
    return found


def _where(organization: str) -> str:
    return "in every organization" if organization == EVERYWHERE else f"in {organization}"


def _told(person: Person) -> str:
    return ", ".join(f"{role} {_where(name)}" for name, role in person.roles.items()) or "none"


def _state(person: Person) -> str:
    if person.has_ended:
        return "ended"
    return "active" if person.password_hash or person.oidc_subject else "no password yet"
