"""What operators see of everybody's keys, and do to them; each written with its line in the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.accounts.emails import check_email, email_key
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.key_changes import REVOKED, ChangedKey, KeyChange, KeyChanges
from pontlevis.accounts.key_rows import LEAKED, key_view
from pontlevis.accounts.keys import LEAKS_SHOWN_S, revoke
from pontlevis.accounts.views import AccountView, KeyView, NewKey, account_view
from pontlevis.storage.audit import record_audit
from pontlevis.storage.tables.accounts import AccountRow, KeyRow

MOST_LISTED = 500  # keys of one answer
MOST_NAMED = 1_000  # keys named in one order
LONGEST_SHOWN = 6_000
"""Characters of a change in the audit log, whose lines have 10,000: whom else it hit and why stand behind it."""


@dataclass(frozen=True, slots=True)
class OwnedKey:
    """A key and whose it is."""

    key: KeyView
    account: str
    email: str


@dataclass(frozen=True, slots=True)
class Revocation:
    """Which keys ended or, without ``applied``, which would."""

    applied: bool
    keys: list[OwnedKey]
    """Those that were named, and after them what they had made."""
    unknown: list[str]
    """What was named and is no key that could be revoked, or no account."""


class KeyDesk(KeyChanges):
    """Keys by their ids, whosever they are. ``actor`` and ``reason`` go into the audit log."""

    async def find_keys(
        self, *, email: str = "", account: str = "", limit: int = 100, offset: int = 0
    ) -> list[OwnedKey]:
        """Keys that are not revoked, or leaked lately, the newest first: of one account, or everybody's."""
        now = self.clock()
        leaked = (KeyRow.revoked_for == LEAKED) & (KeyRow.revoked_at > now - LEAKS_SHOWN_S)
        wanted = select(KeyRow, AccountRow.email).join(AccountRow, AccountRow.id == KeyRow.account_id)
        wanted = wanted.where(or_(KeyRow.revoked_at.is_(None), leaked))
        if email:
            wanted = wanted.where(AccountRow.email_key == _email_key(email))
        if account:
            wanted = wanted.where(KeyRow.account_id == account)
        wanted = wanted.order_by(KeyRow.created_at.desc(), KeyRow.id)
        async with self.database.session() as session:
            rows = await session.execute(wanted.limit(min(limit, MOST_LISTED)).offset(offset))
            return [OwnedKey(key_view(row, now), row.account_id, owner) for row, owner in rows]

    async def one_account(self, account: str) -> AccountView:
        """Raises ``AccountError`` 404."""
        async with self.database.session() as session:
            row = await session.get(AccountRow, account)
        if row is None:
            raise AccountError(404, "not_found", "there is no such account")
        return account_view(row)

    async def rotate_any_key(
        self, key: str, *, actor: str, reason: str, overlap_s: float | None = None
    ) -> NewKey:
        """As ``rotate_key``, of anybody's key. The new secret opens the account: it is for an admin to hand over.

        Raises ``AccountError`` 404.
        """
        owner = await self._owner(key)
        made = await self.rotate_key(owner, key, overlap_s=overlap_s)
        async with self.database.session() as session:
            await record_audit(
                session, at=self.clock(), actor=actor, event="operator:key:rotated", subject=key,
                detail=f"{made.name}: {reason}",
            )  # fmt: skip
        return made

    async def change_any_key(
        self, key: str, change: KeyChange, *, actor: str, reason: str, narrow_only: bool
    ) -> ChangedKey:
        """As ``change_key``, of anybody's key. Raises ``AccountError``."""
        owner, now = await self._owner(key), self.clock()
        async with self.database.session() as session:
            changed, records, gone = await self._change(session, owner, key, change, "", narrow_only, now)
            if changed.differences:
                below = [
                    *([f"narrowed with it: {', '.join(changed.narrowed)}"] if changed.narrowed else []),
                    *([f"revoked with it: {', '.join(changed.revoked)}"] if changed.revoked else []),
                ]
                await record_audit(
                    session, at=now, actor=actor, event="operator:key:changed", subject=key,
                    detail="; ".join((_shown(changed), *below, f"reason: {reason}")),
                )  # fmt: skip
        await self._tell_changed(records, gone)
        return changed

    async def revoke_any_keys(
        self,
        keys: Sequence[str],
        *,
        email: str = "",
        account: str = "",
        actor: str,
        reason: str,
        apply: bool,
    ) -> Revocation:
        """Revokes keys by id, and all of one account, with what they made; streams under way end at every worker.

        Without ``apply`` it is only said which. Raises ``AccountError`` 400 for too many names.
        """
        if len(keys) > MOST_NAMED:
            raise AccountError(400, "bad_request", f"at most {MOST_NAMED} keys at once")
        now = self.clock()
        async with self.database.session() as session:
            wanted = list(dict.fromkeys(keys))
            unknown: list[str] = []
            if email or account:
                found = await _account_of(session, email, account)
                if found is None:
                    unknown.append(email or account)
                else:
                    held = await session.scalars(
                        select(KeyRow.id)
                        .where(KeyRow.account_id == found, KeyRow.revoked_at.is_(None))
                        .order_by(KeyRow.created_at.desc(), KeyRow.id)
                    )
                    wanted = list(dict.fromkeys((*wanted, *held)))
            family = await _family(session, wanted)
            unknown = [*(each for each in keys if each not in family), *unknown]
            ending = [OwnedKey(key_view(row, now), row.account_id, owner) for row, owner in family.values()]
            gone: list[tuple[str, str]] = []
            if apply:
                gone = await revoke(session, [each for each in wanted if each in family], now)
                for id_, _ in gone:
                    name = family[id_][0].name if id_ in family else "made meanwhile"
                    await record_audit(
                        session, at=now, actor=actor, event="operator:key:revoked", subject=id_,
                        detail=f"{name}: {reason}",
                    )  # fmt: skip
        if gone:
            await self.tell_revoked(gone, REVOKED)
        return Revocation(apply, ending, list(dict.fromkeys(unknown)))

    async def _owner(self, key: str) -> str:
        """The account of a key that is not revoked. Raises ``AccountError`` 404."""
        async with self.database.session() as session:
            row = await session.get(KeyRow, key)
        if row is None or row.revoked_at is not None:
            raise AccountError(404, "not_found", "there is no such key")
        return row.account_id


def _shown(changed: ChangedKey) -> str:
    """The differences in one line; patterns may be long, and many."""
    text = "; ".join(changed.differences)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


async def _account_of(session: AsyncSession, email: str, account: str) -> str | None:
    where = AccountRow.email_key == _email_key(email) if email else AccountRow.id == account
    return await session.scalar(select(AccountRow.id).where(where))


async def _family(session: AsyncSession, keys: list[str]) -> dict[str, tuple[KeyRow, str]]:
    """Keys that are not revoked, in the order in which they are named, and what they made after them; with addresses."""
    family: dict[str, tuple[KeyRow, str]] = {}
    wanted = KeyRow.id.in_(keys)
    while True:
        rows = await session.execute(
            select(KeyRow, AccountRow.email)
            .join(AccountRow, AccountRow.id == KeyRow.account_id)
            .where(wanted, KeyRow.revoked_at.is_(None))
        )
        fresh = {row.id: (row, owner) for row, owner in rows if row.id not in family}
        for each in [*(one for one in keys if one in fresh), *fresh]:
            family.setdefault(each, fresh[each])
        if not fresh:
            return family
        wanted = KeyRow.made_by.in_(list(fresh))


def _email_key(email: str) -> str:
    """Of what may be no address; then of one that nobody can have."""
    try:
        return email_key(check_email(email))
    except AccountError:
        return "-"
