"""Who may sign in, and what each may do where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, true, update

from relay.access import EVERYWHERE, Role
from relay.ledger.work_tables import people, roles


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may sign in, or might once. ``roles``: organization (or EVERYWHERE) -> role."""

    id: int
    email: str
    name: str
    password_hash: str = field(repr=False)
    totp_secret: str = field(repr=False)
    totp_step: int
    oidc_subject: str | None
    session_number: int
    created_at: datetime
    signed_in_at: datetime | None
    ended_at: datetime | None
    roles: Mapping[str, Role] = field(default_factory=dict)

    @property
    def has_ended(self) -> bool:
        """Whether they may not sign in any more."""
        return self.ended_at is not None


def get(tx: Connection, number: int) -> Person | None:
    """The person of this number."""
    return next(iter(_read(tx, people.c.id == number)), None)


def find(tx: Connection, email: str) -> Person | None:
    """The person who signs in with this address, ended or not."""
    return next(iter(_read(tx, people.c.email == email.strip().lower())), None)


def by_subject(tx: Connection, subject: str) -> Person | None:
    """The person whom the identity provider knows by this name."""
    return next(iter(_read(tx, people.c.oidc_subject == subject)), None)


def listing(tx: Connection) -> list[Person]:
    """Everybody, by address."""
    return list(_read(tx, true()))


def add(tx: Connection, email: str, name: str, now: datetime) -> int:
    """A new person without a password or a role."""
    made = insert(people).values(email=email.strip().lower(), name=name, created_at=now)
    (number,) = tx.execute(made.returning(people.c.id)).one()
    return int(number)


def change(tx: Connection, number: int, **columns: Any) -> None:
    """Set columns of one person."""
    tx.execute(update(people).where(people.c.id == number).values(**columns))


def end_sessions(tx: Connection, number: int) -> int:
    """Sign the person out everywhere. Gives back the number that sessions made from now on carry."""
    change(tx, number, session_number=people.c.session_number + 1)
    found: int = tx.execute(select(people.c.session_number).where(people.c.id == number)).scalar_one()
    return found


def take_step(tx: Connection, number: int, step: int) -> bool:
    """Use up a one-time code: False where it, or a later one, was used before."""
    later = update(people).where(people.c.id == number, people.c.totp_step < step).values(totp_step=step)
    return tx.execute(later).rowcount == 1


def set_role(tx: Connection, number: int, organization: str, role: Role | None) -> None:
    """Give a role in one organization, or take it away."""
    tx.execute(delete(roles).where(roles.c.person_id == number, roles.c.organization == organization))
    if role is not None:
        tx.execute(insert(roles).values(person_id=number, organization=organization, role=role))


def admins_of_everything(tx: Connection) -> int:
    """How many people there are who may do everything everywhere."""
    is_admin = (roles.c.organization == EVERYWHERE) & (roles.c.role == Role.ADMIN) & people.c.ended_at.is_(None)
    counted = select(func.count()).select_from(people.join(roles, roles.c.person_id == people.c.id)).where(is_admin)
    found: int = tx.execute(counted).scalar_one()
    return found


def _read(tx: Connection, condition: ColumnElement[bool]) -> Iterable[Person]:
    both = select(people, roles.c.organization, roles.c.role).outerjoin(roles, roles.c.person_id == people.c.id)
    found: dict[int, list[Row[Any]]] = {}
    for row in tx.execute(both.where(condition).order_by(people.c.email, roles.c.organization)):
        found.setdefault(row.id, []).append(row)
    return [_person(rows) for rows in found.values()]


def _person(rows: list[Row[Any]]) -> Person:
    columns = {column.name: getattr(rows[0], column.name) for column in people.c}
    return Person(**columns, roles={row.organization: Role(row.role) for row in rows if row.organization is not None})
