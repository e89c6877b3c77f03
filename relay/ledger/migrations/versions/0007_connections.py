"""What was last found out about each connection, and the checks that are asked for"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "connections",
        sa.Column("organization", sa.String(length=63), nullable=False),
        sa.Column("endpoint", sa.String(length=63), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("replaced", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column("checked_at", _MOMENT, nullable=True),
        sa.Column("worked_at", _MOMENT, nullable=True),
        sa.Column("proven_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("organization", "endpoint", name=op.f("pk_connections")),
    )
    op.create_table(
        "connection_checks",
        sa.Column("organization", sa.String(length=63), nullable=False),
        sa.Column("asked_at", _MOMENT, nullable=True),
        sa.Column("asked_by", sa.Text(), server_default="", nullable=False),
        sa.Column("begun_at", _MOMENT, nullable=True),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("organization", name=op.f("pk_connection_checks")),
    )


def downgrade() -> None:
    op.drop_table("connection_checks")
    op.drop_table("connections")
