"""What somebody may have of their own: all of it as a file, and an end to it."""

import time
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.accounts.emails import email_key
from pontlevis.accounts.ending import end_all
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.rehashing import erased_key
from pontlevis.accounts.rooms import Rooms, account_record
from pontlevis.brain.vocabulary import Standing
from pontlevis.link.messages import CredentialRecord
from pontlevis.storage.audit import record_audit
from pontlevis.storage.sums import table_of
from pontlevis.storage.tables.accounts import AccountRow, KeyRow, SessionRow, UsageRow, WaitlistRow
from pontlevis.storage.tables.base import Base
from pontlevis.storage.tables.control import AuditRow
from pontlevis.storage.tables.gate import InvitationRow, LetterRow

KEPT = frozenset({"api_keys", "usage_days"})
"""Tables with an ``account_id`` whose rows stay, without a name: figures, and keys that opened something."""
ERASED = "the account was deleted"
MOST_ROWS = 10_000

Facts = dict[str, object]


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure removed, or would."""

    account: str
    sessions_and_keys: int
    rows: int


class Erasure(Rooms):
    """Export and erasure (GDPR articles 15, 17 and 20)."""

    async def export_account(self, account: str) -> Facts:
        """Everything kept about an account, without secrets and their hashes. Times are ISO 8601.

        Raises ``AccountError`` 404.
        """
        async with self.database.session() as session:
            row = await session.get(AccountRow, account)
            if row is None:
                raise AccountError(404, "not_found", "there is no such account")
            key = email_key(row.email) if row.email else "nobody"
            keys = await session.scalars(select(KeyRow).where(KeyRow.account_id == account))
            sessions = await session.scalars(select(SessionRow).where(SessionRow.account_id == account))
            usage = await session.scalars(
                select(UsageRow)
                .where(UsageRow.account_id == account)
                .order_by(UsageRow.day.desc())
                .limit(MOST_ROWS)
            )
            letters = await session.scalars(
                select(LetterRow).where(LetterRow.email_key == key).limit(MOST_ROWS)
            )
            waiting = await session.scalars(select(WaitlistRow).where(WaitlistRow.email_key == key))
            audit = await session.scalars(
                select(AuditRow).where(AuditRow.subject == account).order_by(AuditRow.id).limit(MOST_ROWS)
            )
            found: Facts = {
                "written_at": _iso(self.clock()),
                "service": self.site.name,
                "account": {
                    "id": row.id, "email": row.email, "language": row.language,
                    "created_at": _iso(row.created_at), "created_from": row.created_from,
                    "created_fingerprint": row.created_fingerprint, "verified_at": _iso(row.verified_at),
                    "standing": Standing(row.standing).word, "standing_reason": row.standing_reason,
                    "paid": row.paid, "pending": row.pending, "disabled": row.disabled,
                    "active_days": row.active_days, "last_active_at": _iso(row.last_active_at or None),
                    "tokens_used": row.tokens_used, "known_places": row.familiar.split(),
                    "has_password": bool(row.password_hash),
                },
                "keys": [
                    {"id": each.id, "name": each.name, "created_at": _iso(each.created_at),
                     "last_used_at": _iso(each.last_used_at), "revoked_at": _iso(each.revoked_at)}
                    for each in keys
                ],
                "sessions": [
                    {"created_at": _iso(each.created_at), "expires_at": _iso(each.expires_at), "source": each.source}
                    for each in sessions
                ],
                "usage_by_day": [
                    {"day": _iso(each.day * 86_400.0), "key": each.key_id, "model": each.model,
                     "requests": each.requests, "input_tokens": each.input_tokens, "output_tokens": each.output_tokens}
                    for each in usage
                ],
                "letters": [
                    {"kind": each.kind, "state": each.state, "created_at": _iso(each.created_at), "asked_from": each.source}
                    for each in letters
                ],
                "waitlist": [{"created_at": _iso(each.created_at), "source": each.source} for each in waiting],
                "audit": [{"at": _iso(each.at), "event": each.event, "detail": each.detail} for each in audit],
            }  # fmt: skip
        found["others"] = await self._others(account)
        return found

    async def has_password(self, account: str) -> bool:
        async with self.database.session() as session:
            held = await session.scalar(select(AccountRow.password_hash).where(AccountRow.id == account))
        return bool(held)

    async def erase_own(self, account: str, password: str, *, source: str) -> Erased:
        """For the owner, who shows the password again: a session alone may be somebody else's.

        Raises ``AccountError``: 403 for a wrong password, 409 for an operator's account or one without a
        password, 429 for too many tries.
        """
        now = self.clock()
        self.ask(self.asks, source, now)
        async with self.database.session() as session:
            row = await session.get(AccountRow, account)
        if row is None or not row.password_hash:
            raise AccountError(409, "no_password", "set a password by letter first, then delete the account")
        slow = f"erase {account}"
        wait = self.delays.wait(slow, now)
        if wait > 0.0:
            raise AccountError(
                429, "rate_limit_exceeded", "too many wrong passwords; please wait", retry_after_s=wait
            )
        if not await self.pool.verify(row.password_hash, password, familiar=True):
            self.delays.failed(slow, now)
            raise AccountError(403, "wrong_password", "the password is wrong; nothing was deleted")
        return await self.erase_account(account, actor="owner", reason="asked for by its owner")

    async def erase_account(self, account: str, *, actor: str, reason: str) -> Erased:
        """Removes what names a person; the bare id stays where figures and the audit log need it.

        Raises ``AccountError``: 404 for an unknown account, 409 for an operator's.
        """
        now = self.clock()
        async with self.database.session() as session:
            row = await session.get(AccountRow, account)
            if row is None or row.disabled == ERASED:
                raise AccountError(404, "not_found", "there is no such account")
            if row.operator:
                raise AccountError(409, "operator_account", "an operator's account cannot be deleted")
            ended = await end_all(session, row, now)
            removed = await _remove_rows(session, row)
            row.email, row.email_key, row.password_hash = "", erased_key(row.id), ""
            row.created_from, row.created_fingerprint, row.verified_at = "", 0, None
            row.paid, row.unlimited, row.pending, row.unverified = False, False, False, False
            row.must_change_password, row.disabled = False, ERASED
            await session.execute(update(KeyRow).where(KeyRow.account_id == account).values(name=""))
            await record_audit(
                session, at=now, actor=actor, event="account:data:erased", subject=account, detail=reason
            )
        await self._forget(row, ended)
        return Erased(account, len(ended), removed)

    async def _forget(self, row: AccountRow, ended: list[CredentialRecord]) -> None:
        await self.publisher.publish(accounts=[account_record(row)], credentials=ended)
        await self.publisher.cut(
            accounts=[row.id], credentials=[each.id for each in ended], reason="the account has been deleted"
        )

    async def _others(self, account: str) -> Facts:
        """How many rows other rooms keep for the account, by table: what they hold are secrets."""
        counts: Facts = {}
        async with self.database.session() as session:
            for table in Base.metadata.sorted_tables:
                if "account_id" in table.c and table.name not in {*KEPT, "sessions"}:
                    rows = await session.execute(
                        select(table.c.account_id).where(table.c.account_id == account).limit(MOST_ROWS)
                    )
                    counts[table.name] = len(rows.all())
        return counts


async def _remove_rows(session: AsyncSession, row: AccountRow) -> int:
    removed = 0
    for table in reversed(Base.metadata.sorted_tables):
        if "account_id" in table.c and table.name not in KEPT:
            removed += len(
                (
                    await session.execute(
                        delete(table).where(table.c.account_id == row.id).returning(table.c.account_id)
                    )
                ).all()
            )
    if row.email:
        key = email_key(row.email)
        for kind in (LetterRow, WaitlistRow, InvitationRow):
            gone = await session.execute(
                delete(kind).where(kind.email_key == key).returning(table_of(kind).c.id)
            )
            removed += len(gone.all())
    return removed


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
