"""gatehouse: letters, links, invitations, spent challenges, registration by hand, verification."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("accounts") as table:
        table.add_column(sa.Column("unverified", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("language", sa.String(length=2), nullable=False, server_default="en"))
    with op.batch_alter_table("waitlist") as table:
        table.add_column(sa.Column("language", sa.String(length=2), nullable=False, server_default="en"))
        table.add_column(sa.Column("invited_at", sa.Float(), nullable=True))
        table.create_index(op.f("ix_waitlist_invited_at"), ["invited_at"], unique=False)
    op.create_table(
        "letters",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("error", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letters")),
    )
    with op.batch_alter_table("letters") as table:
        table.create_index(op.f("ix_letters_created_at"), ["created_at"], unique=False)
        table.create_index(op.f("ix_letters_source"), ["source"], unique=False)
        table.create_index("ix_letters_email_key_created_at", ["email_key", "created_at"], unique=False)
        table.create_index("ix_letters_state_due_at", ["state", "due_at"], unique=False)
    op.create_table(
        "links",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("account_id", sa.String(length=16), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
    )
    with op.batch_alter_table("links") as table:
        table.create_index(op.f("ix_links_expires_at"), ["expires_at"], unique=False)
        table.create_index("ix_links_purpose_account_id", ["purpose", "account_id"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("by_mail", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("used_at", sa.Float(), nullable=True),
        sa.Column("used_by", sa.String(length=16), nullable=False),
        sa.Column("revoked_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
    )
    with op.batch_alter_table("invitations") as table:
        table.create_index(op.f("ix_invitations_created_at"), ["created_at"], unique=False)
        table.create_index(op.f("ix_invitations_expires_at"), ["expires_at"], unique=False)
    op.create_table(
        "spent_challenges",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spent_challenges")),
    )
    with op.batch_alter_table("spent_challenges") as table:
        table.create_index(op.f("ix_spent_challenges_expires_at"), ["expires_at"], unique=False)
    op.create_table(
        "registration_order",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration_order")),
    )


def downgrade() -> None:
    for name in ("registration_order", "spent_challenges", "invitations", "links", "letters"):
        op.drop_table(name)
    with op.batch_alter_table("waitlist") as table:
        table.drop_index(op.f("ix_waitlist_invited_at"))
        table.drop_column("invited_at")
        table.drop_column("language")
    with op.batch_alter_table("accounts") as table:
        table.drop_column("language")
        table.drop_column("unverified")
