"""key scopes: what a key may, until when, its secret before the last rotation, who made it, why it was revoked."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("api_keys") as table:
        table.add_column(sa.Column("scope", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("expires_at", sa.Float(), nullable=True))
        table.add_column(sa.Column("rotated_at", sa.Float(), nullable=True))
        table.add_column(sa.Column("former_hash", sa.LargeBinary(length=32), nullable=True))
        table.add_column(sa.Column("former_until", sa.Float(), nullable=True))
        table.add_column(sa.Column("made_by", sa.String(length=16), nullable=False, server_default=""))
        table.add_column(sa.Column("revoked_for", sa.String(length=20), nullable=False, server_default=""))
        table.create_index(op.f("ix_api_keys_made_by"), ["made_by"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("api_keys") as table:
        table.drop_index(op.f("ix_api_keys_made_by"))
        for name in (
            "revoked_for",
            "made_by",
            "former_until",
            "former_hash",
            "rotated_at",
            "expires_at",
            "scope",
        ):
            table.drop_column(name)
