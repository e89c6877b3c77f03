"""Who may do what: adding people, giving roles, ending, passwords and codes. Every change is a line of the audit.

An admin of one organization gives and takes roles there and sees nobody who has none there. What would let one in as
somebody else (a new password, codes switched off) needs to be admin wherever that person has a role. Only an admin of
everything makes another, and the last one cannot be taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import Connection

from relay.access import EVERYWHERE, Actor, Permission, Role, Through
from relay.errors import NotAllowed, PersonRefused, SignInRefused
from relay.ledger import audit, people
from relay.ledger.db import Database
from relay.ledger.people import Person
from relay.office.people import codes, passwords

LINK_HOURS = 48
OUT_OF_DATE = "This link is no longer good. Ask for a new one."
LAST_ADMIN = "is the only admin of everything; make somebody else one first"


@dataclass(frozen=True, slots=True)
class Seen:
    """A person as one admin sees them: the roles within reach, and whether they may sign them in anew."""

    person: Person
    roles: Mapping[str, Role]
    is_mine: bool


class People:
    """The use cases behind ``flask users`` and the page People."""

    def __init__(self, database: Database, organizations: Collection[str], secret_key: str) -> None:
        """Take the parts; the key signs the links by which people choose a password."""
        self.database = database
        self.organizations = organizations
        self._links = URLSafeTimedSerializer(secret_key, salt="relay.office.people.link")

    def listing(self, actor: Actor) -> list[Seen]:
        """Those who have a role where the actor is admin; everybody for an admin of everything."""
        with self.database.read() as tx:
            found = people.listing(tx)
        if not self.organizations_of(actor):
            raise NotAllowed(f"{actor.name} may not {Permission.MANAGE} anywhere", EVERYWHERE)
        return [seen for person in found if _is_seen(seen := _seen(actor, person), actor)]

    def organizations_of(self, actor: Actor) -> tuple[str, ...]:
        """Where the actor gives roles; EVERYWHERE first, for an admin of everything."""
        return actor.within(Permission.MANAGE, (EVERYWHERE, *self.organizations))

    def add(self, actor: Actor, email: str, *, name: str, role: Role, organization: str) -> Person:
        """Somebody new; or somebody known gets a role here. Raises PersonRefused, NotAllowed."""
        email = _address(email)
        self._may_give(actor, organization)
        with self._changing() as tx:
            now = self.database.now(tx)
            known = people.find(tx, email)
            if known is not None and organization in known.roles and not known.has_ended:
                raise PersonRefused(f"{email} is {known.roles[organization]} there already")
            number = known.id if known else people.add(tx, email, name.strip(), now)
            if known is not None and known.has_ended:
                _begin_anew(tx, known)
            people.set_role(tx, number, organization, role)
            details = {"role": str(role)} | ({"again": True} if known and known.has_ended else {})
            _record(tx, actor, "added person", email, organization, details)
            return _existing(tx, number)

    def give(self, actor: Actor, number: int, organization: str, role: Role | None) -> None:
        """Change or take away a role; the person's sessions end. Raises PersonRefused, NotAllowed."""
        self._may_give(actor, organization)
        with self._changing() as tx:
            person = self._visible(tx, actor, number)
            before = person.roles.get(organization)
            if before == role:
                return
            people.set_role(tx, number, organization, role)
            people.end_sessions(tx, number)
            _keep_an_admin(tx, person)
            details = {"before": before and str(before), "after": role and str(role)}
            _record(tx, actor, "changed role", person.email, organization, details)

    def end(self, actor: Actor, number: int) -> None:
        """The person may not sign in any more, here or anywhere."""

        def ended(tx: Connection, person: Person) -> None:
            nothing = {"password_hash": "", "totp_secret": "", "oidc_subject": None}  # nosec B105  # no more
            people.change(tx, number, ended_at=self.database.now(tx), **nothing)
            _keep_an_admin(tx, person)

        self._change_all_of(actor, number, "ended person", ended)

    def invite(self, actor: Actor, number: int) -> str:
        """What the link to choose a password ends with; good once, for LINK_HOURS. The old password is void.

        An invitation also frees the person from the identity provider's account they were tied to.
        """
        self._change_all_of(
            actor,
            number,
            "reset password",
            lambda tx, _: people.change(tx, number, password_hash="", oidc_subject=None),  # nosec B106  # none any more
        )
        with self.database.read() as tx:
            person = _existing(tx, number)
        return self._links.dumps([person.id, person.session_number])

    def generate(self, actor: Actor, number: int, password: str = "") -> str:  # nosec B107  # one is made
        """Give the person a password, made up unless given, and hand it out once."""
        with self.database.read() as tx:
            about = self._visible(tx, actor, number).email
        chosen = password or passwords.made_up()
        kept = passwords.hashed(chosen, about, about.partition("@")[0])
        self._change_all_of(
            actor, number, "reset password", lambda tx, _: people.change(tx, number, password_hash=kept)
        )
        return chosen

    def reset_codes(self, actor: Actor, number: int) -> None:
        """The person signs in without one-time codes until they turn them on again: a telephone was lost."""
        self._change_all_of(actor, number, "reset codes", lambda tx, _: people.change(tx, number, totp_secret=""))  # nosec B106  # none

    def invited(self, link: str) -> Person:
        """Whose link this is. Raises PersonRefused."""
        try:
            number, session_number = self._links.loads(link, max_age=LINK_HOURS * 3600)
        except (BadData, ValueError, TypeError) as error:
            raise PersonRefused(OUT_OF_DATE) from error
        with self.database.read() as tx:
            person = people.get(tx, number)
        if person is None or person.has_ended or person.session_number != session_number:
            raise PersonRefused(OUT_OF_DATE)
        return person

    def accept(self, link: str, password: str) -> Person:
        """Whoever has the link chooses a password; the link is used up. Raises PersonRefused."""
        person = self.invited(link)
        self._choose(person, password)
        return person

    def choose(self, person: Person, old: str, new: str) -> int:
        """A person changes their own password; every session ends. Gives back the new session number.

        Raises PersonRefused, and SignInRefused where the old one is wrong.
        """
        if person.password_hash and not passwords.is_right(person.password_hash, old):
            raise SignInRefused("The password you have now is not right")
        return self._choose(person, new)

    def _choose(self, person: Person, password: str) -> int:
        kept = passwords.hashed(password, person.email, person.email.partition("@")[0])
        with self._changing() as tx:
            now = _existing(tx, person.id)
            if (now.session_number, now.has_ended) != (person.session_number, False):
                raise PersonRefused(OUT_OF_DATE)
            people.change(tx, person.id, password_hash=kept)
            number = people.end_sessions(tx, person.id)
            _record(tx, _oneself(person), "chose password", person.email)
            return number

    def use_codes(self, person: Person, secret: str, code: str) -> None:
        """Turn one-time codes on, once the first one is right. An empty secret turns them off, with a last one.

        Raises SignInRefused.
        """
        step = codes.step(secret or person.totp_secret, code)
        if step is None:
            raise SignInRefused("This code is not right; the clock of your telephone may be wrong")
        with self._changing() as tx:
            if not people.take_step(tx, person.id, step):
                raise SignInRefused("This code was used before; wait for the next one")
            people.change(tx, person.id, totp_secret=secret)
            _record(tx, _oneself(person), "turned codes on" if secret else "turned codes off", person.email)

    def _may_give(self, actor: Actor, organization: str) -> None:
        actor.need(Permission.MANAGE, organization)
        if organization not in (EVERYWHERE, *self.organizations):
            raise PersonRefused(f"There is no organization '{organization}'")

    def _change_all_of(
        self, actor: Actor, number: int, action: str, change: Callable[[Connection, Person], None]
    ) -> None:
        """Change what belongs to the person and to no organization; their sessions end."""
        with self._changing() as tx:
            person = self._visible(tx, actor, number)
            if not _seen(actor, person).is_mine:
                raise PersonRefused(f"{person.email} also works where you are no admin; you can only take roles away")
            change(tx, person)
            people.end_sessions(tx, number)
            _record(tx, actor, action, person.email)

    def _visible(self, tx: Connection, actor: Actor, number: int) -> Person:
        person = people.get(tx, number)
        if person is None or not _is_seen(_seen(actor, person), actor):
            raise NotAllowed(f"there is no person {number}")
        return person

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """One change of people at a time, so that two admins cannot end each other."""
        with self.database.write() as tx:
            self.database.lock(tx, EVERYWHERE)
            yield tx


def _seen(actor: Actor, person: Person) -> Seen:
    """Whoever has a role that the actor does not manage is not the actor's to sign in anew."""
    mine = {name: role for name, role in person.roles.items() if actor.may(Permission.MANAGE, name)}
    return Seen(replace(person, roles=mine), mine, is_mine=len(mine) == len(person.roles))


def _is_seen(seen: Seen, actor: Actor) -> bool:
    return bool(seen.roles) or actor.may(Permission.MANAGE, EVERYWHERE)


def _address(email: str) -> str:
    email = email.strip().lower()
    name, _at, host = email.partition("@")
    is_plain = email.isascii() and email.isprintable() and " " not in email
    if not (name and host) or "@" in host or not is_plain or len(email) > 254:
        raise PersonRefused(f"'{email}' is not an e-mail address")
    return email


def _begin_anew(tx: Connection, person: Person) -> None:
    """Somebody who had ended comes back with nothing of what they had."""
    for organization in person.roles:
        people.set_role(tx, person.id, organization, None)
    people.change(tx, person.id, ended_at=None)


def _keep_an_admin(tx: Connection, person: Person) -> None:
    """Undo the change, by an error, if it took the last admin of everything away."""
    if person.roles.get(EVERYWHERE) is Role.ADMIN and not people.admins_of_everything(tx):
        raise PersonRefused(f"{person.email} {LAST_ADMIN}")


def _existing(tx: Connection, number: int) -> Person:
    person = people.get(tx, number)
    if person is None:
        raise PersonRefused(f"there is no person {number}")
    return person


def _oneself(person: Person) -> Actor:
    return Actor(person.email, Through.CONSOLE)


def _record(
    tx: Connection,
    actor: Actor,
    action: str,
    email: str,
    organization: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    audit.record(tx, actor, action, organization=organization, subject=f"person {email}", details=details)
