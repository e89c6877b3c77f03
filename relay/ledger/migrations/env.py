"""Alembic's environment: it runs on the connection that relay.ledger.migrate hands it."""

from __future__ import annotations

from alembic import context

from relay.ledger.columns import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_server_default=False,
    render_as_batch=True,
)
context.run_migrations()
