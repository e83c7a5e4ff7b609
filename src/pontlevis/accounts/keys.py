"""API keys: made, listed, revoked."""

from sqlalchemy import func, select

from pontlevis.accounts.emails import check_email, email_key
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.signup import SignUps
from pontlevis.accounts.views import KeyView, NewKey
from pontlevis.brain.credential import CredentialKind
from pontlevis.link.messages import CredentialRecord
from pontlevis.storage.tables.accounts import AccountRow, KeyRow

LONGEST_NAME = 100


class Keys(SignUps):
    """Keys of accounts."""

    async def create_key(self, account: str, name: str) -> NewKey:
        """Raises ``AccountError`` 400 for a bad name, 409 when the account has too many keys."""
        text = " ".join(name.split())
        if not text or len(text) > LONGEST_NAME or not text.isprintable():
            raise AccountError(
                400,
                "invalid_name",
                f"a key's name has 1 to {LONGEST_NAME} printable characters",
                param="name",
            )
        now = self.clock()
        id_, token, hash_ = self.mint(CredentialKind.API_KEY, now)
        async with self.database.session() as session:
            held = await session.scalar(
                select(func.count())
                .select_from(KeyRow)
                .where(KeyRow.account_id == account, KeyRow.revoked_at.is_(None))
            )
            if (held or 0) >= self.policy.keys_per_account:
                raise AccountError(
                    409, "too_many_keys", f"an account has at most {self.policy.keys_per_account} keys"
                )
            session.add(KeyRow(id=id_, account_id=account, name=text, secret_hash=hash_, created_at=now))
        await self.publisher.publish(credentials=[CredentialRecord(id_, account, hash_)])
        return NewKey(id_, text, token, now)

    async def list_keys(self, account: str) -> list[KeyView]:
        async with self.database.session() as session:
            rows = await session.scalars(
                select(KeyRow)
                .where(KeyRow.account_id == account, KeyRow.revoked_at.is_(None))
                .order_by(KeyRow.created_at.desc())
            )
            return [KeyView(row.id, row.name, row.created_at, row.last_used_at) for row in rows]

    async def revoke_key(self, account: str, key: str) -> None:
        """At once, streams under way included. Raises ``AccountError`` 404 for a key that is not the account's."""
        async with self.database.session() as session:
            row = await session.get(KeyRow, key)
            if row is None or row.account_id != account or row.revoked_at is not None:
                raise AccountError(404, "not_found", "there is no such key")
            row.revoked_at = self.clock()
        await self.publisher.publish(credentials=[CredentialRecord(key, account, b"", revoked=True)])
        await self.publisher.cut(credentials=[key], reason="the API key has been revoked")

    async def make_key(
        self, email: str, *, name: str = "command line", paid: bool = False, unlimited: bool = False
    ) -> str:
        """For operators: a key's text, and the account if need be, without a password.

        Raises ``AccountError``.
        """
        now = self.clock()
        address = check_email(email)
        async with self.database.session() as session:
            row = await session.scalar(select(AccountRow).where(AccountRow.email_key == email_key(address)))
            if row is None:
                row = AccountRow(
                    id=self.new_id(),
                    email=address,
                    email_key=email_key(address),
                    created_at=now,
                    created_from="operator",
                )
                session.add(row)
            row.paid = bool(row.paid) or paid
            row.unlimited = bool(row.unlimited) or unlimited
            self._settle_standing(row, now)
        await self.publish_account(row)
        return (await self.create_key(row.id, name)).key
