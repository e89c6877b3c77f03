"""The tables of connections: what was last found out about each, and who asked for a check.

``connections``       one connection as it was last checked, with the credentials that are in force
``connection_checks`` when the connections of one organization were asked for, looked at, and done
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, String, Table, Text, text

from relay.ledger.columns import Moment, metadata

connections = Table(
    "connections",
    metadata,
    # "*": a connection of the whole relay.
    Column("organization", String(63), primary_key=True),
    Column("endpoint", String(63), primary_key=True),
    # A keyed digest of its credentials, never these; since when they are in force, and whether others were before.
    Column("fingerprint", String(64), nullable=False),
    Column("since", Moment, nullable=False),
    Column("replaced", Boolean, nullable=False, server_default=text("false")),
    # The doctor's lines, and when it looked; when it last and first worked: with these credentials only.
    Column("checks", JSON, nullable=False),
    Column("checked_at", Moment),
    Column("worked_at", Moment),
    Column("proven_at", Moment),
)

connection_checks = Table(
    "connection_checks",
    metadata,
    Column("organization", String(63), primary_key=True),
    # Empty: nobody asks for one now.
    Column("asked_at", Moment),
    Column("asked_by", Text, nullable=False, server_default=""),
    Column("begun_at", Moment),
    Column("ended_at", Moment),
)
