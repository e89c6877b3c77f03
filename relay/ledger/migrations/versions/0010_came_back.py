"""Alerts that come and go"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("alerts", sa.Column("calm_since", _MOMENT, nullable=True))
    op.add_column("alerts", sa.Column("back_since", _MOMENT, nullable=True))
    op.add_column("alerts", sa.Column("returns", sa.Integer(), server_default="0", nullable=False))
    op.add_column("alerts", sa.Column("endings", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    for name in ("endings", "returns", "back_since", "calm_since"):
        op.drop_column("alerts", name)
