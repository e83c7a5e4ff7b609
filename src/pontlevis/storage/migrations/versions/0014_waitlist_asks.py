"""how often an address asked to be let in."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("waitlist") as table:
        table.add_column(sa.Column("asks", sa.Integer(), nullable=False, server_default="1"))


def downgrade() -> None:
    with op.batch_alter_table("waitlist") as table:
        table.drop_column("asks")
