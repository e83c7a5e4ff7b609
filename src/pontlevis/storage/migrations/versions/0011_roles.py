"""roles of operators; whoever is one already keeps every right."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "operator_roles",
        sa.Column("account_id", sa.String(length=16), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("given_at", sa.Float(), nullable=False),
        sa.Column("given_by", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_operator_roles_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_operator_roles")),
    )
    op.execute(
        "INSERT INTO operator_roles (account_id, role, given_at, given_by)"
        " SELECT id, 'admin', created_at, 'migration' FROM accounts WHERE operator"
    )


def downgrade() -> None:
    op.drop_table("operator_roles")
