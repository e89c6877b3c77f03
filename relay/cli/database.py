"""``flask db``: the ledger's migrations."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from relay.bootstrap import Relay
from relay.cli.commands import Group
from relay.ledger import migrate


@click.group(cls=Group)
def db() -> None:
    """Bring the ledger's tables up to date."""


@db.command()
@click.argument("revision", default="head")
@with_appcontext
def upgrade(revision: str) -> None:
    """Run the migrations that are missing, up to REVISION (default: all). Safe to run twice and at once."""
    relay: Relay = current_app.extensions["relay"]
    before = migrate.current(relay.database)
    migrate.upgrade(relay.database, revision)
    click.echo(f"ledger: {before or 'empty'} -> {migrate.current(relay.database)}")


@db.command()
@click.argument("revision")
@with_appcontext
def downgrade(revision: str) -> None:
    """Go back to REVISION."""
    relay: Relay = current_app.extensions["relay"]
    migrate.downgrade(relay.database, revision)
    click.echo(f"ledger: {migrate.current(relay.database) or 'empty'}")


@db.command()
@with_appcontext
def current() -> None:
    """Say which migration the ledger is at, and which is the newest."""
    relay: Relay = current_app.extensions["relay"]
    click.echo(f"ledger: {migrate.current(relay.database) or 'empty'}, newest: {migrate.head()}")
