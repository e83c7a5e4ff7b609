"""data safety: a chained audit log without addresses, room for sealed addresses, passwords that must be changed.

The addresses themselves are sealed when the service starts, since that takes the key; see ``accounts.sealing``.
"""

import sqlalchemy as sa
from alembic import op

from pontlevis.storage.chain import NOTHING, Line, line_hash

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CHUNK = 1_000
ADDRESSES = ("accounts", "waitlist", "letters", "invitations")
ACTORS = (
    ("audit_log", "actor"),
    ("audit_log", "subject"),
    ("posture_transitions", "actor"),
    ("decisions", "origin"),
    ("decisions", "lifted_by"),
    ("incidents", "taken_over_by"),
    ("incident_updates", "actor"),
    ("components", "declared_by"),
    ("invitations", "created_by"),
)
"""Where operators and those whom they acted on were named by address."""


def upgrade() -> None:
    _name_accounts_by_id()
    for name in ADDRESSES:
        # A sealed address is longer than 320 characters. SQLite cannot widen a column in its place, and
        # copying the table would break what points to it.
        op.execute(sa.text(f"ALTER TABLE {name} ADD COLUMN email_sealed TEXT NOT NULL DEFAULT ''"))
        op.execute(sa.text(f"UPDATE {name} SET email_sealed = email"))  # noqa: S608 - a name from above
        op.execute(sa.text(f"ALTER TABLE {name} DROP COLUMN email"))
        op.execute(sa.text(f"ALTER TABLE {name} RENAME COLUMN email_sealed TO email"))
    op.add_column(
        "accounts",
        sa.Column("must_change_password", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("letters", sa.Column("facts", sa.String(length=200), nullable=False, server_default=""))
    op.add_column("audit_log", sa.Column("prior", sa.String(length=64), nullable=False, server_default=""))
    op.add_column("audit_log", sa.Column("hash", sa.String(length=64), nullable=False, server_default=""))
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("base_count", sa.BigInteger(), nullable=False),
        sa.Column("base_hash", sa.String(length=64), nullable=False),
        sa.Column("mac", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    _chain()


def _name_accounts_by_id() -> None:
    """Puts identifiers in place of addresses, before the first hash is made over them."""
    connection = op.get_bind()
    for table, column in ACTORS:
        connection.execute(
            sa.text(
                f"UPDATE {table} SET {column} = 'account ' || "  # noqa: S608 - names from above
                f"(SELECT accounts.id FROM accounts WHERE accounts.email = {table}.{column}) "
                f"WHERE {column} LIKE '%@%' "
                f"AND EXISTS (SELECT 1 FROM accounts WHERE accounts.email = {table}.{column})"
            )
        )
    connection.execute(sa.text("UPDATE audit_log SET subject = 'an address' WHERE subject LIKE '%@%'"))


def _chain() -> None:
    connection = op.get_bind()
    log = sa.table(
        "audit_log",
        *(sa.column(each) for each in ("id", "actor", "event", "subject", "detail", "prior", "hash")),
        sa.column("at", sa.Float()),
    )
    prior, last, count = NOTHING, 0, 0
    while True:
        rows = connection.execute(sa.select(log).where(log.c.id > last).order_by(log.c.id).limit(CHUNK)).all()
        changes = []
        for row in rows:
            hash_ = line_hash(prior, Line(row.at, row.actor, row.event, row.subject, row.detail))
            changes.append({"row": row.id, "before": prior, "own": hash_})
            prior, last, count = hash_, row.id, count + 1
        if changes:
            connection.execute(
                sa.update(log)
                .where(log.c.id == sa.bindparam("row"))
                .values(prior=sa.bindparam("before"), hash=sa.bindparam("own")),
                changes,
            )
        if len(rows) < CHUNK:
            break
    head = sa.table(
        "audit_head",
        *(sa.column(each) for each in ("id", "count", "last_id", "hash", "base_count", "base_hash", "mac")),
    )
    connection.execute(
        sa.insert(head).values(
            id=1, count=count, last_id=last, hash=prior, base_count=0, base_hash=NOTHING, mac=""
        )
    )


def downgrade() -> None:
    op.drop_table("audit_head")
    op.execute(sa.text("ALTER TABLE audit_log DROP COLUMN hash"))
    op.execute(sa.text("ALTER TABLE audit_log DROP COLUMN prior"))
    op.execute(sa.text("ALTER TABLE letters DROP COLUMN facts"))
    op.execute(sa.text("ALTER TABLE accounts DROP COLUMN must_change_password"))
