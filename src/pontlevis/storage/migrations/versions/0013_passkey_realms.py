"""the listener that a passkey was made for."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("passkeys") as table:
        table.add_column(sa.Column("realm", sa.String(length=10), nullable=False, server_default="public"))


def downgrade() -> None:
    # Those of the console would open the public pages, where both have one name.
    op.execute("DELETE FROM passkeys WHERE realm <> 'public'")
    with op.batch_alter_table("passkeys") as table:
        table.drop_column("realm")
