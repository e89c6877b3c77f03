"""Somebody who may sign in to the demo's console, with a password made for this directory and kept in it."""

from __future__ import annotations

from pathlib import Path

from relay.access import EVERYWHERE, Role, operator
from relay.demo.place import ORGANIZATION
from relay.ledger import people
from relay.ledger.db import Database
from relay.office.people import People, passwords

EMAIL = "admin@example.org"
# Who did it, in the audit.
DEMO = operator("make run")


def welcome(database: Database, var: Path) -> str:
    """The demo's admin, made once. Gives back the password, "" where somebody chose another since."""
    file = var / "console-password"
    with database.read() as tx:
        known = people.find(tx, EMAIL)
    if known is not None and file.exists():
        kept = file.read_text(encoding="utf-8").strip()
        return kept if passwords.is_right(known.password_hash, kept) else ""
    managing = People(database, (ORGANIZATION,), secret_key="")
    person = known or managing.add(DEMO, EMAIL, name="Demo", role=Role.ADMIN, organization=EVERYWHERE)
    file.touch(mode=0o600)
    made = managing.generate(DEMO, person.id)
    file.write_text(f"{made}\n", encoding="utf-8")
    return made
