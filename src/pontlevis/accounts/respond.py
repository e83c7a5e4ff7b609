"""After a breach: ends sessions, revokes keys, demands new passwords and takes passkeys away for a set of accounts, tells their owners."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.accounts.emails import check_email, email_key
from pontlevis.accounts.ending import end_all
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.letters import RESET, Letters
from pontlevis.accounts.mail.letter import LetterKind
from pontlevis.accounts.mail.outbox import leave_notice, notices_due
from pontlevis.accounts.rooms import account_record
from pontlevis.link.messages import AccountRecord, CredentialRecord
from pontlevis.storage.audit import record_audit
from pontlevis.storage.tables.accounts import AccountRow, KeyRow, SessionRow
from pontlevis.storage.tables.factors import LoginTicketRow, PasskeyRow, RecoveryCodeRow, TotpRow
from pontlevis.storage.tables.gate import LinkRow

MOST_ACCOUNTS = 100_000
BATCH = 100  # accounts a transaction: a log-in waits for it some tens of milliseconds at most
CUT = "an operator ended what opens this account after an incident"


@dataclass(frozen=True, slots=True)
class Touched:
    """An account that an incident touched. ``at``: Unix seconds of the first time."""

    account_id: str
    why: str
    at: float


class TouchedAccounts(Protocol):
    """Who knows which accounts an incident touched."""

    async def touched(self, incident: str) -> list[Touched]:
        """Each account once. Raises ``KeyError`` for an incident that nobody knows."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What is done; each by itself."""

    sessions: bool = True
    keys: bool = True
    password: bool = True
    tell: bool = True
    """A letter to the owner; asks for another part."""
    passkeys: bool = False
    """Passkeys, authenticator apps and recovery codes: not what leaks with a password, so they stay unless somebody
    may have added one of his own. Asks for ``password``."""

    @property
    def weaker(self) -> bool:
        """Whether a password that may be known to others would be left as all that an account takes."""
        return self.passkeys and not self.password

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(name for name in ("sessions", "keys", "password", "passkeys") if getattr(self, name))


@dataclass(frozen=True, slots=True)
class Target:
    """One account and what it has that would end, or has ended."""

    account: str
    email: str
    why: str
    at: float
    sessions: int
    keys: int
    password: bool
    """Whether it has a password that must be changed."""
    told: bool
    passkeys: int
    """Passkeys and authenticator apps."""
    left_out: str
    """Why nothing is done to it; empty where it is."""


@dataclass(frozen=True, slots=True)
class Response:
    """What was done or, without ``applied``, what would be."""

    applied: bool
    targets: list[Target]
    unknown: list[str]
    """What was named and is no account."""

    @property
    def sentence(self) -> str:
        acted = [each for each in self.targets if not each.left_out]
        passkeys = sum(each.passkeys for each in acted)
        return (
            f"{len(acted)} accounts: {sum(each.sessions for each in acted)} sessions ended, "
            f"{sum(each.keys for each in acted)} keys revoked, {sum(each.password for each in acted)} new passwords "
            f"demanded, {f'{passkeys} passkeys and authenticator apps taken away, ' if passkeys else ''}"
            f"{sum(each.told for each in acted)} owners told"
        )


class Responses(Letters):
    """Undoing it is not possible, so the dry run is the rule; a new password and new keys are the way back."""

    async def respond(
        self,
        touched: Sequence[Touched],
        named: Sequence[str] = (),
        *,
        parts: Parts,
        actor: str,
        reason: str,
        operators: bool = False,
        apply: bool = False,
    ) -> Response:
        """Goes through the accounts that were touched and those named by id or address.

        Operators' accounts are left out unless ``operators``: whoever responds must still get in. Stopped
        half-way it may be asked for again: what has ended is not ended twice, and whoever has nothing left to
        end is not told again. Raises ``AccountError`` 400 for no part at all or too many accounts.
        """
        if not parts.words:
            raise AccountError(
                400, "bad_request", "choose at least one of sessions, keys, password, passkeys"
            )
        if parts.weaker:
            raise AccountError(
                400,
                "bad_request",
                "passkeys go only with the password: what is left would be the old password alone",
            )
        wanted, unknown = await self._wanted(touched, named)
        if len(wanted) > MOST_ACCOUNTS:
            raise AccountError(400, "bad_request", f"at most {MOST_ACCOUNTS} accounts at once")
        targets: list[Target] = []
        for start in range(0, len(wanted), BATCH):
            part = wanted[start : start + BATCH]
            targets.extend(
                await self._apply(part, parts, actor, reason, operators)
                if apply
                else await self._look(part, parts, operators)
            )
        found = {each.account for each in targets}
        unknown.extend(each.account_id for each in wanted if each.account_id not in found)
        return Response(apply, targets, unknown)

    async def _wanted(
        self, touched: Sequence[Touched], named: Sequence[str]
    ) -> tuple[list[Touched], list[str]]:
        """Each account once, the first reason for it counts."""
        wanted = {each.account_id: each for each in reversed(touched)}
        unknown: list[str] = []
        now = self.clock()
        for start in range(0, len(named), BATCH):
            keys: dict[str, str] = {}
            for name in named[start : start + BATCH]:
                if "@" not in name:
                    wanted.setdefault(name, Touched(name, "named", now))
                    continue
                try:
                    keys[email_key(check_email(name))] = name
                except AccountError:
                    unknown.append(name)
            for key, name in keys.items():
                async with self.database.session() as session:
                    id_ = await session.scalar(select(AccountRow.id).where(AccountRow.email_key == key))
                if id_ is None:
                    unknown.append(name)
                else:
                    wanted.setdefault(id_, Touched(id_, "named", now))
        return list(wanted.values()), unknown

    async def _rows(
        self, session: AsyncSession, part: list[Touched]
    ) -> tuple[dict[str, AccountRow], "_Held"]:
        ids = [each.account_id for each in part]
        rows = await session.scalars(select(AccountRow).where(AccountRow.id.in_(ids)))
        held = await session.execute(
            select(SessionRow.account_id, func.count())
            .where(SessionRow.account_id.in_(ids), SessionRow.expires_at > self.clock())
            .group_by(SessionRow.account_id)
        )
        keys = await session.execute(
            select(KeyRow.account_id, func.count())
            .where(KeyRow.account_id.in_(ids), KeyRow.revoked_at.is_(None))
            .group_by(KeyRow.account_id)
        )
        passkeys = await session.execute(
            select(PasskeyRow.account_id, func.count())
            .where(PasskeyRow.account_id.in_(ids))
            .group_by(PasskeyRow.account_id)
        )
        factors = {str(account): int(count) for account, count in passkeys}
        apps = await session.scalars(
            select(TotpRow.account_id).where(TotpRow.account_id.in_(ids), TotpRow.confirmed_at.is_not(None))
        )
        for account in apps:
            factors[account] = factors.get(account, 0) + 1
        return (
            {row.id: row for row in rows},
            _Held(
                {account: int(count) for account, count in held},
                {account: int(count) for account, count in keys},
                factors,
            ),
        )

    async def _look(self, part: list[Touched], parts: Parts, operators: bool) -> list[Target]:
        async with self.database.session() as session:
            rows, held = await self._rows(session, part)
            return [
                _target(each, rows[each.account_id], parts, held, operators)
                for each in part
                if each.account_id in rows
            ]

    async def _apply(
        self, part: list[Touched], parts: Parts, actor: str, reason: str, operators: bool
    ) -> list[Target]:
        now = self.clock()
        ended: list[CredentialRecord] = []
        records: list[AccountRecord] = []
        targets: list[Target] = []
        async with self.database.session() as session:
            rows, held = await self._rows(session, part)
            due = await notices_due(session, self.mail_policy, now)
            for each in part:
                row = rows.get(each.account_id)
                if row is None:
                    continue
                target = _target(each, row, parts, held, operators)
                if not target.left_out:
                    if parts.sessions or parts.keys:
                        ended += await end_all(session, row, now, keys=parts.keys, sessions=parts.sessions)
                    if target.password:
                        row.must_change_password = True
                        # A link that somebody else may have asked for and read opens nothing any more.
                        await session.execute(
                            delete(LinkRow).where(LinkRow.purpose == RESET, LinkRow.account_id == row.id)
                        )
                    if parts.passkeys:
                        # What was begun and not confirmed as well, and codes without a factor.
                        for table in (TotpRow, RecoveryCodeRow, PasskeyRow, LoginTicketRow):
                            await session.execute(delete(table).where(table.account_id == row.id))
                    if target.told:
                        await leave_notice(
                            session, LetterKind.BREACH, row.email, language=row.language,
                            facts=" ".join(_facts(parts, target)), now=now, due_at=due,
                        )  # fmt: skip
                        due += 3_600.0 / max(1, self.mail_policy.per_hour)
                    await record_audit(
                        session, at=now, actor=actor, event="operator:account:secured", subject=row.id,
                        detail=f"{', '.join(parts.words)}: {reason} ({each.why})",
                    )  # fmt: skip
                    records.append(account_record(row))
                targets.append(target)
        acted = [each.account for each in targets if not each.left_out]
        if acted:
            await self.publisher.publish(accounts=records, credentials=ended)
            await self.publisher.cut(
                accounts=acted if parts.sessions and parts.keys else [],
                credentials=[each.id for each in ended],
                reason=CUT,
            )
        return targets


@dataclass(frozen=True, slots=True)
class _Held:
    """How much each account has, by its id."""

    sessions: dict[str, int]
    keys: dict[str, int]
    passkeys: dict[str, int]


def _facts(parts: Parts, target: Target) -> list[str]:
    """What the letter says; nothing of passkeys to who had none."""
    return [each for each in parts.words if each != "passkeys" or target.passkeys]


def _target(
    touched: Touched,
    row: AccountRow,
    parts: Parts,
    held: "_Held",
    operators: bool,
) -> Target:
    left_out = "it is an operator's; name --operators to include it" if row.operator and not operators else ""
    sessions = held.sessions.get(row.id, 0) if parts.sessions else 0
    revoked = held.keys.get(row.id, 0) if parts.keys else 0
    passkeys = held.passkeys.get(row.id, 0) if parts.passkeys else 0
    password = parts.password and bool(row.password_hash) and not row.must_change_password
    anything = bool(sessions or revoked or password or passkeys)
    return Target(
        row.id, row.email, touched.why, touched.at, sessions, revoked, password,
        parts.tell and bool(row.email) and anything, passkeys, left_out,
    )  # fmt: skip
