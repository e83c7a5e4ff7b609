"""telling: maintenance, subscribers, notices, duties to notify, alerts, post-mortems."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("incidents") as table:
        table.add_column(sa.Column("postmortem_en", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("postmortem_fr", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("postmortem_at", sa.Float(), nullable=True))
        table.add_column(sa.Column("data_touched_at", sa.Float(), nullable=True))
        table.add_column(sa.Column("data_touched_why", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "maintenances",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("name_fr", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("components", sa.Text(), nullable=False),
        sa.Column("scheduled_for", sa.Float(), nullable=False),
        sa.Column("scheduled_until", sa.Float(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("began_at", sa.Float(), nullable=True),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenances")),
    )
    with op.batch_alter_table("maintenances") as table:
        table.create_index(op.f("ix_maintenances_scheduled_for"), ["scheduled_for"], unique=False)
        table.create_index(op.f("ix_maintenances_ended_at"), ["ended_at"], unique=False)
    op.create_table(
        "maintenance_updates",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("maintenance_id", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("body_en", sa.Text(), nullable=False),
        sa.Column("body_fr", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["maintenance_id"],
            ["maintenances.id"],
            name=op.f("fk_maintenance_updates_maintenance_id_maintenances"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance_updates")),
    )
    with op.batch_alter_table("maintenance_updates") as table:
        table.create_index(op.f("ix_maintenance_updates_maintenance_id"), ["maintenance_id"], unique=False)
    op.create_table(
        "subscribers",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("target", sa.String(length=500), nullable=False),
        sa.Column("target_key", sa.String(length=500), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("secret", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("confirmed_at", sa.Float(), nullable=True),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("ended_why", sa.String(length=200), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscribers")),
    )
    with op.batch_alter_table("subscribers") as table:
        table.create_index("ix_subscribers_kind_target_key", ["kind", "target_key"], unique=True)
        table.create_index(op.f("ix_subscribers_state"), ["state"], unique=False)
        table.create_index(op.f("ix_subscribers_source"), ["source"], unique=False)
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("subscriber_id", sa.String(length=16), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("error", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    with op.batch_alter_table("notices") as table:
        table.create_index("ix_notices_state_due_at", ["state", "due_at"], unique=False)
        table.create_index(op.f("ix_notices_subscriber_id"), ["subscriber_id"], unique=False)
    op.create_table(
        "duties",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("incident_id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("law", sa.String(length=200), nullable=False),
        sa.Column("hours", sa.Float(), nullable=False),
        sa.Column("began_at", sa.Float(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("done_at", sa.Float(), nullable=True),
        sa.Column("done_by", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_duties_incident_id_incidents")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duties")),
    )
    with op.batch_alter_table("duties") as table:
        table.create_index(op.f("ix_duties_incident_id"), ["incident_id"], unique=False)
    op.create_table(
        "alerts",
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_alerts")),
    )


def downgrade() -> None:
    for name in ("alerts", "duties", "notices", "subscribers", "maintenance_updates", "maintenances"):
        op.drop_table(name)
    with op.batch_alter_table("incidents") as table:
        for column in (
            "postmortem_en",
            "postmortem_fr",
            "postmortem_at",
            "data_touched_at",
            "data_touched_why",
        ):
            table.drop_column(column)
