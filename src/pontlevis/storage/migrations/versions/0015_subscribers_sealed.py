"""subscribers' addresses and webhooks' secrets are sealed, which takes more room."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("subscribers") as table:
        table.alter_column("target", existing_type=sa.String(500), type_=sa.Text(), existing_nullable=False)
        table.alter_column("secret", existing_type=sa.String(100), type_=sa.Text(), existing_nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("subscribers") as table:
        table.alter_column("target", existing_type=sa.Text(), type_=sa.String(500), existing_nullable=False)
        table.alter_column("secret", existing_type=sa.Text(), type_=sa.String(100), existing_nullable=False)
