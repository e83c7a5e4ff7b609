"""The first operator: made by whoever holds the one-time link, never by whoever registers first."""

from base64 import urlsafe_b64encode
from hashlib import blake2b
from hmac import compare_digest

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.accounts.emails import check_email, email_key
from pontlevis.accounts.ending import end_all
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.roles import give_first_role
from pontlevis.accounts.sessions import Sessions
from pontlevis.accounts.signup import SignUps
from pontlevis.accounts.views import SessionGrant
from pontlevis.link.messages import CredentialRecord
from pontlevis.storage.audit import record_audit
from pontlevis.storage.held_address import hold_address
from pontlevis.storage.tables.accounts import AccountRow, SetupRow

TOKEN_BYTES = 20


class Setup(Sessions, SignUps):
    """The one-time link."""

    async def first_operator_link(self) -> str | None:
        """A fresh token, which ends any before it; None once there is an operator."""
        async with self.database.session() as session:
            if await _operator_exists(session):
                return None
            token = urlsafe_b64encode(self.entropy(TOKEN_BYTES)).decode().rstrip("=")
            await session.merge(SetupRow(id=1, token_hash=_hash(token), created_at=self.clock()))
            return token

    async def setup_token_fits(self, token: str) -> bool:
        """Whether this is the link that was given out and has not been used."""
        async with self.database.session() as session:
            row = await session.get(SetupRow, 1)
            return row is not None and compare_digest(row.token_hash, _hash(token))

    async def make_first_operator(
        self, token: str, email: str, password: str, *, source: str = "operator"
    ) -> SessionGrant:
        """Makes the operator's account and uses the token up, in one transaction.

        Raises ``AccountError``: 403 for a token that does not fit any more, 400 for a bad address or password.
        """
        now = self.clock()
        address = check_email(email)
        text = await self.pool.check(password, address)
        if not await self.setup_token_fits(token):
            raise AccountError(
                403,
                "setup_link_used",
                "this link has been used or replaced; start the service again for a new one",
            )
        hashed = await self.pool.hash(text, familiar=True)
        async with self.database.session() as session:
            # Deleting is what wins the race: of two who hold the link only one finds the row.
            used = await session.scalar(
                delete(SetupRow)
                .where(SetupRow.id == 1, SetupRow.token_hash == _hash(token))
                .returning(SetupRow.id)
            )
            if used is None or await _operator_exists(session):
                raise AccountError(403, "setup_link_used", "this link has been used already")
            await hold_address(session, email_key(address))
            row = await session.scalar(select(AccountRow).where(AccountRow.email_key == email_key(address)))
            ended: list[CredentialRecord] = []
            if row is None:
                row = AccountRow(
                    id=self.new_id(),
                    email=address,
                    email_key=email_key(address),
                    created_at=now,
                    created_from=source,
                )
                session.add(row)
            else:
                # Whoever registered this address before may not be who holds the link.
                ended = await end_all(session, row, now)
            row.password_hash, row.must_change_password = hashed, False
            row.operator = True
            self._settle_standing(row, now)
            await record_audit(
                session,
                at=now,
                actor=f"account {row.id}",
                event="operator:account:made",
                subject=row.id,
                detail="the first operator, by the one-time link",
            )
            row.pending, row.unverified, row.disabled = False, False, ""
            account = row.id
            await session.flush()
            await give_first_role(session, account, now)
        if ended:
            await self.publisher.publish(credentials=ended)
            await self.publisher.cut(
                credentials=[each.id for each in ended], reason="the account has a new owner"
            )
        return await self.begin_session(account, source=source)


async def _operator_exists(session: AsyncSession) -> bool:
    return await session.scalar(select(AccountRow.id).where(AccountRow.operator).limit(1)) is not None


def _hash(token: str) -> bytes:
    return blake2b(token.encode("utf-8", "replace"), digest_size=32, person=b"pontlevis setup").digest()
