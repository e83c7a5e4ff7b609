"""Second factors of an account: setting them up, judging them, taking them away."""

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.factors import (
    SECRET_BYTES,
    Factor,
    FactorsView,
    PasskeyView,
    Realm,
    TotpOffer,
    as_recovery,
    as_totp,
    fresh_secret,
    matching_step,
    offer,
    recovery_code,
)
from pontlevis.accounts.letters import Letters
from pontlevis.accounts.lookup_keys import LookupKey
from pontlevis.accounts.mail.letter import LetterKind
from pontlevis.accounts.sealing import Sealer, SealKey
from pontlevis.storage.audit import record_audit
from pontlevis.storage.tables.accounts import AccountRow
from pontlevis.storage.tables.factors import LoginTicketRow, PasskeyRow, RecoveryCodeRow, TotpRow


class SecondFactors(Letters):
    """Authenticator apps (TOTP, RFC 6238) and recovery codes. Every change is audited and told by mail."""

    async def factors(self, account: str) -> FactorsView:
        """What this account has."""
        async with self.database.session() as session:
            return await self.factors_within(session, account)

    async def factors_within(self, session: AsyncSession, account: str) -> FactorsView:
        totp = await session.scalar(select(TotpRow.confirmed_at).where(TotpRow.account_id == account))
        left = await session.scalar(
            select(func.count())
            .select_from(RecoveryCodeRow)
            .where(RecoveryCodeRow.account_id == account, RecoveryCodeRow.used_at.is_(None))
        )
        keys = await session.scalars(
            select(PasskeyRow).where(PasskeyRow.account_id == account).order_by(PasskeyRow.created_at)
        )
        return FactorsView(
            totp is not None,
            left or 0,
            tuple(
                PasskeyView(
                    each.id, each.name, each.created_at, each.last_used_at, each.synced, Realm(each.realm)
                )
                for each in keys
            ),
        )

    async def begin_totp(self, account: str) -> TotpOffer:
        """A secret for an authenticator app; it counts only once a code of it was given.

        Raises ``AccountError`` 409 where the account has an app already.
        """
        now = self.clock()
        async with self.database.session() as session:
            owner = await session.get_one(AccountRow, account)
            row = await session.get(TotpRow, account)
            if row is not None and row.confirmed_at is not None:
                raise AccountError(409, "second_factor_set", "there is an authenticator app already")
            made = offer(fresh_secret(self.entropy(SECRET_BYTES)), owner.email, self.site.name)
            sealed = f"{account} {made.secret}"
            if row is None:
                session.add(TotpRow(account_id=account, sealed=sealed, created_at=now))
            else:
                row.sealed, row.created_at = sealed, now
        return made

    async def pending_totp(self, account: str) -> TotpOffer | None:
        """The secret that waits for its first code, so that a mistyped code does not need a new one."""
        async with self.database.session() as session:
            owner = await session.get_one(AccountRow, account)
            row = await session.get(TotpRow, account)
        if row is None or row.confirmed_at is not None:
            return None
        return offer(_secret_of(row), owner.email, self.site.name)

    async def confirm_totp(self, account: str, code: str, *, source: str) -> list[str]:
        """Makes the app count. Returns fresh recovery codes where there were none left, shown this once.

        Raises ``AccountError`` 400 for a code that does not fit, 409 where nothing waits for one.
        """
        now = self.clock()
        async with self.database.session() as session:
            row = await session.get(TotpRow, account)
            if row is None or row.confirmed_at is not None:
                raise AccountError(409, "second_factor_set", "no authenticator app waits for its first code")
            secret = _secret_of(row)
            step = matching_step(
                secret, as_totp(code), now, drift=self.policy.totp_drift_steps, last_step=row.last_step
            )
            if step is None:
                raise AccountError(400, "invalid_code", "this code does not fit", param="code")
            row.confirmed_at, row.last_step = now, step
            codes = await self.codes_where_none(session, account)
            await self.changed(session, account, "account:totp:set", source)
        return codes

    async def remove_totp(self, account: str, *, source: str) -> None:
        """Takes the app away, and the recovery codes with the last factor. Raises ``AccountError`` 404."""
        async with self.database.session() as session:
            gone = await session.scalar(
                delete(TotpRow).where(TotpRow.account_id == account).returning(TotpRow.account_id)
            )
            if gone is None:
                raise AccountError(404, "not_found", "there is no authenticator app")
            await self.drop_codes_with_last(session, account)
            await self.changed(session, account, "account:totp:removed", source)

    async def renew_recovery_codes(self, account: str, *, source: str) -> list[str]:
        """Fresh ones; those before are void. Raises ``AccountError`` 409 for an account without a factor."""
        async with self.database.session() as session:
            if not (await self.factors_within(session, account)).any:
                raise AccountError(409, "second_factor_missing", "set up a second factor first")
            codes = await self._fresh_codes(session, account)
            await self.changed(session, account, "account:recovery_codes:renewed", source)
        return codes

    async def drop_factors(self, account: str, *, actor: str) -> bool:
        """An operator takes all factors of somebody away who has lost them; whether there were any.

        Raises ``AccountError`` 404 for an unknown account.
        """
        async with self.database.session() as session:
            if await session.get(AccountRow, account) is None:
                raise AccountError(404, "not_found", "there is no such account")
            had = (await self.factors_within(session, account)).any
            for table in (TotpRow, RecoveryCodeRow, PasskeyRow, LoginTicketRow):
                await session.execute(delete(table).where(table.account_id == account))
            if had:
                await self.changed(session, account, "operator:second_factor:dropped", "", actor=actor)
        return had

    async def judge_code(self, account: str, code: str) -> Factor:
        """What this code proves, used up with it; ``Factor.NONE`` for one that does not hold."""
        now = self.clock()
        async with self.database.session() as session:
            digits = as_totp(code)
            if digits:
                row = await session.get(TotpRow, account)
                if row is None or row.confirmed_at is None:
                    return Factor.NONE
                secret = _secret_of(row)
                step = matching_step(
                    secret, digits, now, drift=self.policy.totp_drift_steps, last_step=row.last_step
                )
                if step is None:
                    return Factor.NONE
                # As one statement: of two who bring the same code only one moves the step on.
                used = await session.scalar(
                    update(TotpRow)
                    .where(TotpRow.account_id == account, TotpRow.last_step < step)
                    .values(last_step=step)
                    .returning(TotpRow.account_id)
                    .execution_options(synchronize_session=False)
                )
                return Factor.TOTP if used is not None else Factor.NONE
            letters = as_recovery(code)
            if not letters:
                return Factor.NONE
            used_code = await session.scalar(
                update(RecoveryCodeRow)
                .where(
                    RecoveryCodeRow.account_id == account,
                    RecoveryCodeRow.code_hash == self._recovery_hash(account, letters),
                    RecoveryCodeRow.used_at.is_(None),
                )
                .values(used_at=now)
                .returning(RecoveryCodeRow.id)
                .execution_options(synchronize_session=False)
            )
            if used_code is None:
                return Factor.NONE
            await self.changed(session, account, "account:recovery_code:used", "")
            return Factor.RECOVERY

    async def codes_where_none(self, session: AsyncSession, account: str) -> list[str]:
        """Recovery codes for who sets up a first factor; empty where some are left."""
        left = (await self.factors_within(session, account)).recovery_left
        return [] if left else await self._fresh_codes(session, account)

    async def _fresh_codes(self, session: AsyncSession, account: str) -> list[str]:
        await session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.account_id == account))
        codes = [recovery_code(self.entropy(16)) for _ in range(self.policy.recovery_codes)]
        session.add_all(
            RecoveryCodeRow(account_id=account, code_hash=self._recovery_hash(account, as_recovery(each)))
            for each in codes
        )
        return codes

    async def drop_codes_with_last(self, session: AsyncSession, account: str) -> None:
        if not (await self.factors_within(session, account)).any:
            await session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.account_id == account))

    async def changed(
        self, session: AsyncSession, account: str, event: str, source: str, *, actor: str = "owner"
    ) -> None:
        """The audit line and the letter that every change makes."""
        row = await session.get_one(AccountRow, account)
        detail = f"from {source}" if source else ""
        await record_audit(session, at=self.clock(), actor=actor, event=event, subject=account, detail=detail)
        await self.leave_letter(session, LetterKind.FACTORS, row.email, language=row.language)

    @property
    def box(self) -> Sealer:
        """What seals cookies; without key files, in commands and tests, under a key of the pepper's."""
        own = self.codec.secret_hash(b"seal")
        return self.sealer or Sealer((SealKey.of(own),), (LookupKey.of(own),))

    def _recovery_hash(self, account: str, letters: str) -> bytes:
        return self.codec.secret_hash(f"recovery {account} {letters}".encode())


def _secret_of(row: TotpRow) -> str:
    account, _, secret = row.sealed.partition(" ")
    if account != row.account_id or not secret:
        raise AccountError(503, "unavailable", "the keys that seal second factors are not there")
    return secret
