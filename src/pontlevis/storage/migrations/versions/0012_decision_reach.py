"""what a decision against a place closes to it."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("decisions") as table:
        table.add_column(
            sa.Column("reach", sa.String(length=20), nullable=False, server_default="everything")
        )


def downgrade() -> None:
    with op.batch_alter_table("decisions") as table:
        table.drop_column("reach")
