"""The ledger: the durable record, and the only SQL of relay."""

from __future__ import annotations

# All modules of tables, so that the metadata is whole whoever asks for it first.
from relay.ledger import alert_tables, connection_tables, models, restores, work_tables

__all__ = ["alert_tables", "connection_tables", "models", "restores", "work_tables"]
