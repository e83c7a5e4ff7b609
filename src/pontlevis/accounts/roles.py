"""What an operator may do: look, respond, or rule."""

from dataclasses import dataclass
from enum import IntEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.accounts.emails import email_key
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.rooms import Rooms
from pontlevis.storage.audit import record_audit
from pontlevis.storage.tables.accounts import AccountRow
from pontlevis.storage.tables.roles import OperatorRoleRow


class Role(IntEnum):
    """Each may do what those below may."""

    VIEWER = 1
    """Sees everything that the console shows, and changes nothing."""
    RESPONDER = 2
    """Fights an attack: posture, registration, decisions, incidents, approvals."""
    ADMIN = 3
    """Everything: roles, keys, what an account has earned, the policy."""

    @property
    def word(self) -> str:
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> "Role":
        """Raises ``ValueError`` for a word that is none."""
        for role in cls:
            if role.word == word:
                return role
        raise ValueError(f"{word!r} is no role; choose viewer, responder or admin")


@dataclass(frozen=True, slots=True)
class OperatorView:
    """An operator and what they may do. ``given_at`` is Unix seconds, None where nobody gave the role."""

    account: str
    email: str
    role: Role
    given_at: float | None
    given_by: str


class Roles(Rooms):
    """Roles, each change written together with its line in the audit log."""

    async def operator_role(self, account: str) -> Role:
        """Of an operator's account; an operator to whom nobody gave a role may only look."""
        async with self.database.session() as session:
            row = await session.get(OperatorRoleRow, account)
            return Role.of(row.role) if row is not None else Role.VIEWER

    async def operators(self) -> list[OperatorView]:
        """All of them, by address."""
        async with self.database.session() as session:
            rows = await session.execute(
                select(AccountRow, OperatorRoleRow)
                .outerjoin(OperatorRoleRow, OperatorRoleRow.account_id == AccountRow.id)
                .where(AccountRow.operator)
            )
            return sorted((_view(account, role) for account, role in rows), key=lambda each: each.email)

    async def set_role(self, email: str, role: Role | None, *, actor: str) -> OperatorView | None:
        """Makes the account with this address an operator with ``role``; None takes every right from it.

        In force with the operator's next request; what they have open on the console ends within seconds.
        Raises ``AccountError``: 404 where there is no such account, 409 for the last admin, and for an
        account that may not be used or whose owner never set a password.
        """
        now = self.clock()
        async with self.database.session() as session:
            # Locks where the database can, so that two admins cannot each demote the other.
            admins = list(
                await session.scalars(
                    select(OperatorRoleRow)
                    .where(OperatorRoleRow.role == Role.ADMIN.word)
                    .order_by(OperatorRoleRow.account_id)
                    .with_for_update()
                )
            )
            row = await session.scalar(select(AccountRow).where(AccountRow.email_key == email_key(email)))
            if row is None:
                raise AccountError(404, "not_found", "there is no account with this address")
            if role is not None and not row.operator and (row.disabled or row.pending or row.unverified):
                raise AccountError(409, "account_disabled", "this account may not be used at present")
            if role is not Role.ADMIN and [each.account_id for each in admins] == [row.id]:
                raise AccountError(
                    409, "last_admin", "this is the last admin; make another one first, then change this role"
                )
            given = await session.get(OperatorRoleRow, row.id)
            before = (given.role if given is not None else "viewer") if row.operator else "none"
            if role is None:
                if given is not None:
                    await session.delete(given)
                given = None
            elif given is None:
                given = OperatorRoleRow(account_id=row.id, role=role.word, given_at=now, given_by=actor[:200])
                session.add(given)
            else:
                given.role, given.given_at, given.given_by = role.word, now, actor[:200]
            row.operator = role is not None
            verdict = self.judge(row, now)
            row.standing, row.standing_reason = int(verdict.standing), verdict.reason
            await record_audit(
                session,
                at=now,
                actor=actor,
                event="operator:role:changed",
                subject=row.email,
                detail=f"{before} → {role.word if role is not None else 'none'}",
            )
        await self.publish_account(row)
        return _view(row, given) if role is not None else None


async def give_first_role(session: AsyncSession, account: str, now: float) -> None:
    """The first operator rules, within the caller's transaction."""
    await session.merge(
        OperatorRoleRow(account_id=account, role=Role.ADMIN.word, given_at=now, given_by="setup link")
    )


def _view(account: AccountRow, role: OperatorRoleRow | None) -> OperatorView:
    return OperatorView(
        account=account.id,
        email=account.email,
        role=Role.of(role.role) if role is not None else Role.VIEWER,
        given_at=role.given_at if role is not None else None,
        given_by=role.given_by if role is not None else "",
    )
