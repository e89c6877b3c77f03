"""The ledger: the durable record, and the only SQL of relay."""

from __future__ import annotations

# Both modules of tables, so that the metadata is whole whoever asks for it first.
from relay.ledger import models, work_tables

__all__ = ["models", "work_tables"]
