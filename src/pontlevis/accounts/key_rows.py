"""API keys between the database, the gateways and people: rows, records, views."""

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.accounts.views import KeyView
from pontlevis.brain.key_scope import KeyScope
from pontlevis.link.messages import CredentialRecord
from pontlevis.storage.tables.accounts import KeyRow

LEAKED = "leaked"
LETTER_MARGIN_S = 3_600.0  # a letter that waits for its mail server names what ended meanwhile as well
MOST_NAMED = 20  # keys of one letter


def scope_of(row: KeyRow) -> KeyScope:
    """What the key may."""
    return msgspec.json.decode(row.scope, type=KeyScope) if row.scope else KeyScope()


def scope_text(scope: KeyScope) -> str:
    """As it is kept; empty for one that takes nothing away."""
    return "" if scope.whole else msgspec.json.encode(scope).decode()


def key_record(row: KeyRow) -> CredentialRecord:
    """What gateways must know of a key."""
    return CredentialRecord(
        row.id,
        row.account_id,
        row.secret_hash,
        row.expires_at,
        row.revoked_at is not None,
        scope_of(row) if row.scope else None,
        row.former_hash or b"",
        row.former_until or 0.0,
    )


def key_view(row: KeyRow, now: float) -> KeyView:
    """What people see of a key. ``now`` is Unix seconds."""
    overlaps = row.former_hash is not None and row.former_until is not None and row.former_until > now
    return KeyView(
        row.id,
        row.name,
        row.created_at,
        row.last_used_at,
        scope_of(row),
        row.expires_at,
        row.rotated_at,
        row.former_until if overlaps else None,
        row.made_by,
        row.revoked_at if row.revoked_for == LEAKED else None,
    )


async def leaked_names(session: AsyncSession, account: str, since: float) -> list[str]:
    """The names of the account's keys whose secrets were reported since then (Unix seconds), the newest first."""
    rows = await session.scalars(
        select(KeyRow.name)
        .where(
            KeyRow.account_id == account,
            KeyRow.revoked_for == LEAKED,
            or_(KeyRow.revoked_at.is_(None), KeyRow.revoked_at > since - LETTER_MARGIN_S),
        )
        .order_by(KeyRow.created_at.desc())
        .limit(MOST_NAMED)
    )
    return list(rows)
