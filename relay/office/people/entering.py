"""Coming in and going out: a password, then a one-time code where the person has those; or an identity provider.

Every refusal is the same sentence and takes as long, whether or not there is such a person. What is kept of a
visit is the person's number and session number: raising that ends every visit at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from relay.access import Actor, Through, allowed_by
from relay.errors import SignInRefused
from relay.ledger import audit, people
from relay.ledger.db import Database
from relay.ledger.people import Person
from relay.office.people import codes, passwords

WRONG = "This e-mail address and password do not belong together."
WRONG_CODE = "This code is not right, or it was used before. Wait for the next one."
UNKNOWN_IDENTITY = "Nobody here goes by the address that your identity provider gave. Ask an admin of relay to add you."
UNVERIFIED = "Your identity provider gave no verified e-mail address, so relay cannot tell who you are."
OTHER_IDENTITY = "This address belongs to another account of your identity provider. Ask an admin of relay to reset it."


@dataclass(frozen=True, slots=True)
class Visit:
    """Who came in, as a session keeps it."""

    person: int
    number: int


class Entering:
    """The use cases behind the sign-in pages. ``address`` is where the request came from."""

    def __init__(self, database: Database) -> None:
        """Take the parts."""
        self.database = database

    def by_password(self, email: str, password: str, *, address: str) -> tuple[Visit, bool]:
        """Who this is, and whether a code is wanted before they are in. Raises SignInRefused."""
        with self.database.read() as tx:
            person = people.find(tx, email)
        # Outside any transaction, since it takes a while by design.
        if (
            not passwords.is_right(person.password_hash if person else "", password)
            or person is None
            or person.has_ended
        ):
            self._refused(person, address, "password")
            raise SignInRefused(WRONG)
        if passwords.is_outdated(person.password_hash):
            with self.database.write() as tx:
                people.change(tx, person.id, password_hash=passwords.hashed(password))
        if not person.totp_secret:
            self._entered(person, address, "password")
        return Visit(person.id, person.session_number), bool(person.totp_secret)

    def by_code(self, visit: Visit, code: str, *, address: str) -> None:
        """The second step of whoever showed the right password. Raises SignInRefused."""
        with self.database.write() as tx:
            person = people.get(tx, visit.person)
            is_same = person is not None and not person.has_ended and person.session_number == visit.number
            step = codes.step(person.totp_secret, code) if person is not None and is_same else None
            fresh = step is not None and people.take_step(tx, visit.person, step)
        if person is None or not fresh:
            self._refused(person, address, "code")
            raise SignInRefused(WRONG_CODE)
        self._entered(person, address, "password and code")

    def by_identity(self, claims: Mapping[str, Any], *, address: str) -> Visit:
        """Whoever the identity provider vouches for, if an admin added them here. Raises SignInRefused."""
        email, subject = str(claims.get("email") or ""), f"{claims['iss']} {claims['sub']}"
        with self.database.write() as tx:
            person = people.by_subject(tx, subject) or people.find(tx, email)
            wrong = _wrong_identity(person, claims, email, subject)
            if person is not None and not wrong:
                people.change(tx, person.id, oidc_subject=subject)
        if person is None or wrong:
            self._refused(person, address, "identity provider")
            raise SignInRefused(wrong)
        self._entered(person, address, "identity provider")
        return Visit(person.id, person.session_number)

    def whose(self, visit: Visit) -> Person | None:
        """The person of a visit, unless it was ended."""
        with self.database.read() as tx:
            person = people.get(tx, visit.person)
        if person is None or person.has_ended or person.session_number != visit.number:
            return None
        return person

    def leave(self, person: Person, *, everywhere: bool = False) -> None:
        """Write down that somebody went; ``everywhere`` ends all their sessions."""
        with self.database.write() as tx:
            if everywhere:
                people.end_sessions(tx, person.id)
            audit.record(tx, actor_of(person), "signed out", details={"everywhere": True} if everywhere else {})

    def _entered(self, person: Person, address: str, how: str) -> None:
        with self.database.write() as tx:
            people.change(tx, person.id, signed_in_at=self.database.now(tx))
            audit.record(tx, actor_of(person), "signed in", details={"address": address, "with": how})

    def _refused(self, person: Person | None, address: str, how: str) -> None:
        """What a stranger typed is not kept: it is often a password in the wrong field."""
        with self.database.write() as tx:
            _write_refusal(tx, person, address, how)


def _write_refusal(tx: Connection, person: Person | None, address: str, how: str) -> None:
    who = actor_of(person) if person else Actor("somebody unknown", Through.CONSOLE)
    audit.record(tx, who, "failed to sign in", details={"address": address, "with": how})


def _wrong_identity(person: Person | None, claims: Mapping[str, Any], email: str, subject: str) -> str:
    if not email or claims.get("email_verified") is not True:
        return UNVERIFIED
    if person is None or person.has_ended:
        return UNKNOWN_IDENTITY
    return OTHER_IDENTITY if person.oidc_subject not in (None, subject) else ""


def actor_of(person: Person) -> Actor:
    """The person as one who asks."""
    return Actor(person.email, Through.CONSOLE, allowed_by(person.roles))
