"""The blind value of a sealed e-mail address

Nothing is sealed here: `flask seal` does that, beside running processes, once RELAY_ENCRYPTION_KEYS is set.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_SEALED = "SELECT count(*) FROM entries WHERE donor_email LIKE 'relay-sealed:%' OR donor_name LIKE 'relay-sealed:%'"


def upgrade() -> None:
    op.add_column("entries", sa.Column("donor_key", sa.String(length=64), server_default="", nullable=False))


def downgrade() -> None:
    if op.get_bind().execute(sa.text(_SEALED)).scalar_one():
        raise RuntimeError(
            "The release before cannot read what is sealed: put `open` before the first key of RELAY_ENCRYPTION_KEYS, "
            "run `flask seal`, then go back."
        )
    op.drop_column("entries", "donor_key")
