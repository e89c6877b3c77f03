"""The first tables of the ledger"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organization", sa.String(length=63), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("delivery_key", sa.Text(), nullable=True),
        sa.Column("duplicate_of", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=True),
        sa.Column("secret_place", sa.Integer(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fetch_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fetches", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "verdict IN ('entry', 'duplicate', 'ignored', 'flagged', 'not_understood', 'pending')",
            name=op.f("ck_events_verdict"),
        ),
        sa.ForeignKeyConstraint(["duplicate_of"], ["events.id"], name=op.f("fk_events_duplicate_of")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index("ix_events_organization_received", ["organization", "received_at"], unique=False)
        batch_op.create_index(
            "ix_events_pending",
            ["organization", "fetch_at"],
            unique=False,
            postgresql_where=sa.text("verdict = 'pending'"),
            sqlite_where=sa.text("verdict = 'pending'"),
        )
        batch_op.create_index("uq_events_delivery", ["organization", "provider", "delivery_key"], unique=True)

    op.create_table(
        "certificates",
        sa.Column("url", sa.String(length=300), nullable=False),
        sa.Column("pem", sa.LargeBinary(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_certificates")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "pauses",
        sa.Column("organization", sa.String(length=63), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.Column("reason_text", sa.Text(), nullable=False),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checks", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("organization", name=op.f("pk_pauses")),
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organization", sa.String(length=63), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("refunded_total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
    )
    op.create_table(
        "entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organization", sa.String(length=63), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("payment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=60), server_default="", nullable=False),
        sa.Column("reason_text", sa.Text(), server_default="", nullable=False),
        sa.Column("flag", sa.Text(), server_default="", nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("provider_transaction_id", sa.Text(), nullable=False),
        sa.Column("parent_transaction_id", sa.Text(), server_default="", nullable=False),
        sa.Column("refund_reason", sa.String(length=20), server_default="", nullable=False),
        sa.Column("claimed_by_keys", sa.BigInteger(), nullable=True),
        sa.Column("merged_into", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("fact", sa.JSON(), nullable=False),
        sa.Column("overrides", sa.JSON(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("mail", sa.Boolean(), server_default=sa.text("(true)"), nullable=False),
        sa.Column("donor_name", sa.Text(), server_default="", nullable=False),
        sa.Column("donor_email", sa.Text(), server_default="", nullable=False),
        sa.Column("fund", sa.Text(), server_default="", nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_sent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("probe_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("doubtful_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("candidates", sa.JSON(), nullable=False),
        sa.Column("confirmation_code", sa.Text(), server_default="", nullable=False),
        sa.Column("luminate_transaction_id", sa.Text(), server_default="", nullable=False),
        sa.Column("cons_id", sa.Text(), server_default="", nullable=False),
        sa.Column("login_name", sa.Text(), server_default="", nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("late", sa.String(length=5), server_default="", nullable=False),
        sa.CheckConstraint(
            "kind = 'refund' OR status <> 'posted' OR confirmation_code <> ''", name=op.f("ck_entries_posted_has_code")
        ),
        sa.CheckConstraint("kind IN ('gift', 'refund', 'reinstatement')", name=op.f("ck_entries_kind")),
        sa.CheckConstraint(
            "status IN ('held', 'waiting', 'queued', 'posting', 'retrying', 'unknown', 'rejected', 'posted', 'closed')",
            name=op.f("ck_entries_status"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_entries_amount")),
        sa.ForeignKeyConstraint(["merged_into"], ["entries.id"], name=op.f("fk_entries_merged_into")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_entries_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entries")),
    )
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.create_index(
            "ix_entries_due",
            ["organization", "next_attempt_at"],
            unique=False,
            postgresql_where=sa.text("status IN ('queued', 'retrying')"),
            sqlite_where=sa.text("status IN ('queued', 'retrying')"),
        )
        batch_op.create_index(
            "ix_entries_in_flight",
            ["organization", "donor_email"],
            unique=False,
            postgresql_where=sa.text("status = 'posting'"),
            sqlite_where=sa.text("status = 'posting'"),
        )
        batch_op.create_index("ix_entries_organization_status", ["organization", "status", "received_at"], unique=False)
        batch_op.create_index("ix_entries_payment", ["payment_id"], unique=False)
        batch_op.create_index(
            "ix_entries_probe",
            ["probe_at"],
            unique=False,
            postgresql_where=sa.text("status = 'unknown'"),
            sqlite_where=sa.text("status = 'unknown'"),
        )
        batch_op.create_index(
            "uq_entries_code_of_gift",
            ["organization", "confirmation_code"],
            unique=True,
            postgresql_where=sa.text("kind <> 'refund' AND confirmation_code <> ''"),
            sqlite_where=sa.text("kind <> 'refund' AND confirmation_code <> ''"),
        )
        batch_op.create_index(
            "uq_entries_gift_of_payment",
            ["payment_id"],
            unique=True,
            postgresql_where=sa.text("kind = 'gift' AND merged_into IS NULL"),
            sqlite_where=sa.text("kind = 'gift' AND merged_into IS NULL"),
        )

    op.create_table(
        "payment_keys",
        sa.Column("organization", sa.String(length=63), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_payment_keys_payment_id")),
        sa.PrimaryKeyConstraint("organization", "provider", "key", name=op.f("pk_payment_keys")),
    )
    with op.batch_alter_table("payment_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payment_keys_payment_id"), ["payment_id"], unique=False)

    op.create_table(
        "attempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("login_name", sa.Text(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("reason", sa.String(length=60), server_default="", nullable=False),
        sa.Column("reason_text", sa.Text(), server_default="", nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("reply", sa.LargeBinary(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('posted', 'rejected', 'not_sent', 'blocked', 'unknown')",
            name=op.f("ck_attempts_outcome"),
        ),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_attempts_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.create_index("uq_attempts_entry_fence", ["entry_id", "fence"], unique=True)

    op.create_table(
        "corrections",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_corrections_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
    )
    with op.batch_alter_table("corrections", schema=None) as batch_op:
        batch_op.create_index("ix_corrections_entry", ["entry_id"], unique=False)

    op.create_table(
        "event_entries",
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("effect", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_event_entries_entry_id")),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_event_entries_event_id")),
        sa.PrimaryKeyConstraint("event_id", "entry_id", "effect", name=op.f("pk_event_entries")),
    )
    with op.batch_alter_table("event_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_entries_entry_id"), ["entry_id"], unique=False)

    op.create_table(
        "refund_keys",
        sa.Column("organization", sa.String(length=63), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("void", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("fk_refund_keys_entry_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_refund_keys_payment_id")),
        sa.PrimaryKeyConstraint("organization", "provider", "key", name=op.f("pk_refund_keys")),
    )
    with op.batch_alter_table("refund_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refund_keys_payment_id"), ["payment_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("refund_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refund_keys_payment_id"))

    op.drop_table("refund_keys")
    with op.batch_alter_table("event_entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_entries_entry_id"))

    op.drop_table("event_entries")
    with op.batch_alter_table("corrections", schema=None) as batch_op:
        batch_op.drop_index("ix_corrections_entry")

    op.drop_table("corrections")
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.drop_index("uq_attempts_entry_fence")

    op.drop_table("attempts")
    with op.batch_alter_table("payment_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payment_keys_payment_id"))

    op.drop_table("payment_keys")
    with op.batch_alter_table("entries", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_entries_gift_of_payment",
            postgresql_where=sa.text("kind = 'gift' AND merged_into IS NULL"),
            sqlite_where=sa.text("kind = 'gift' AND merged_into IS NULL"),
        )
        batch_op.drop_index(
            "uq_entries_code_of_gift",
            postgresql_where=sa.text("kind <> 'refund' AND confirmation_code <> ''"),
            sqlite_where=sa.text("kind <> 'refund' AND confirmation_code <> ''"),
        )
        batch_op.drop_index(
            "ix_entries_probe",
            postgresql_where=sa.text("status = 'unknown'"),
            sqlite_where=sa.text("status = 'unknown'"),
        )
        batch_op.drop_index("ix_entries_payment")
        batch_op.drop_index("ix_entries_organization_status")
        batch_op.drop_index(
            "ix_entries_in_flight",
            postgresql_where=sa.text("status = 'posting'"),
            sqlite_where=sa.text("status = 'posting'"),
        )
        batch_op.drop_index(
            "ix_entries_due",
            postgresql_where=sa.text("status IN ('queued', 'retrying')"),
            sqlite_where=sa.text("status IN ('queued', 'retrying')"),
        )

    op.drop_table("entries")
    op.drop_table("payments")
    op.drop_table("pauses")
    op.drop_table("leases")
    op.drop_table("certificates")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index("uq_events_delivery")
        batch_op.drop_index(
            "ix_events_pending",
            postgresql_where=sa.text("verdict = 'pending'"),
            sqlite_where=sa.text("verdict = 'pending'"),
        )
        batch_op.drop_index("ix_events_organization_received")

    op.drop_table("events")
