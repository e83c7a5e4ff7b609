"""incident facts: kind, counts, affected components, declared states."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("incidents") as table:
        table.add_column(sa.Column("kind", sa.String(length=20), nullable=False, server_default="attack"))
        table.add_column(sa.Column("followed_at", sa.Float(), nullable=False, server_default="0"))
        table.add_column(sa.Column("asked", sa.BigInteger(), nullable=False, server_default="0"))
        table.add_column(sa.Column("unserved", sa.BigInteger(), nullable=False, server_default="0"))
        table.create_index(op.f("ix_incidents_followed_at"), ["followed_at"], unique=False)
    with op.batch_alter_table("incident_updates") as table:
        table.add_column(sa.Column("affected", sa.Text(), nullable=False, server_default="[]"))
    with op.batch_alter_table("component_days") as table:
        table.add_column(sa.Column("maintenance_s", sa.Float(), nullable=False, server_default="0"))
    with op.batch_alter_table("components") as table:
        table.add_column(sa.Column("declared", sa.String(length=30), nullable=False, server_default=""))
        table.add_column(sa.Column("declared_by", sa.String(length=200), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("components") as table:
        table.drop_column("declared_by")
        table.drop_column("declared")
    with op.batch_alter_table("component_days") as table:
        table.drop_column("maintenance_s")
    with op.batch_alter_table("incident_updates") as table:
        table.drop_column("affected")
    with op.batch_alter_table("incidents") as table:
        table.drop_index(op.f("ix_incidents_followed_at"))
        table.drop_column("unserved")
        table.drop_column("asked")
        table.drop_column("followed_at")
        table.drop_column("kind")
