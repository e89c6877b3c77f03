"""The tables of alerts.

``alerts``         one thing that is or was wrong, raised once and ended once; and the daily summary's own row
``alert_messages`` what is to be sent of it, to whom, and how often that was tried
"""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table, Text, text

from relay.ledger.columns import Id, Moment, metadata

alerts = Table(
    "alerts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("organization", String(63), nullable=False),
    # A word of relay.alerting, and what it is about: a provider, a currency; "" where there is one a organization.
    Column("kind", String(20), nullable=False),
    Column("key", String(100), nullable=False, server_default=""),
    Column("since", Moment, nullable=False),
    Column("headline", Text, nullable=False, server_default=""),
    # When it was last put into words, and the newest change of an entry that those spoke of.
    Column("said_at", Moment, nullable=False),
    Column("said_of", Moment),
    # When somebody was reached: of its beginning, of its end.
    Column("told_at", Moment),
    Column("ended_at", Moment),
    Column("told_end_at", Moment),
    # Since when it is no more, while it is not over yet; since when it is there again, while that is not told yet.
    Column("calm_since", Moment),
    Column("back_since", Moment),
    # How often it came back since the last daily summary; how often it was over.
    Column("returns", Integer, nullable=False, server_default="0"),
    Column("endings", Integer, nullable=False, server_default="0"),
    # Raised once.
    Index(
        "uq_alerts_open",
        "organization",
        "kind",
        "key",
        unique=True,
        postgresql_where=text("ended_at IS NULL"),
        sqlite_where=text("ended_at IS NULL"),
    ),
    Index("ix_alerts_since", "organization", "since"),
)

alert_messages = Table(
    "alert_messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("alert_id", ForeignKey("alerts.id"), nullable=False, index=True),
    # "raised", "ended" or "daily".
    Column("role", String(10), nullable=False),
    # A digest of the address; the address itself stands in the configuration alone.
    Column("channel", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("made_at", Moment, nullable=False),
    # When it is sent, or tried again; empty: nothing more happens to it.
    Column("due_at", Moment),
    # How often a worker took it, and how often one wrote down that it failed.
    Column("claims", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("sent_at", Moment),
    Column("problem", Text, nullable=False, server_default=""),
    Index(
        "ix_alert_messages_due",
        "due_at",
        postgresql_where=text("due_at IS NOT NULL"),
        sqlite_where=text("due_at IS NOT NULL"),
    ),
)
