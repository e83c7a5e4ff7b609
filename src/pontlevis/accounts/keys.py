"""API keys: made, listed, rotated, revoked."""

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.accounts.emails import check_email, email_key
from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.key_rows import LEAKED, key_record, key_view, scope_of, scope_text
from pontlevis.accounts.signup import SignUps
from pontlevis.accounts.views import AccountView, KeyView, NewKey, account_view
from pontlevis.brain.credential import SECRET_BYTES, CredentialKind
from pontlevis.brain.key_scope import KEYS, KeyScope, check, exceeds
from pontlevis.link.messages import CredentialRecord
from pontlevis.storage.held_address import hold_address
from pontlevis.storage.tables.accounts import AccountRow, KeyRow
from pontlevis.storage.tables.control import DecisionRow

LONGEST_NAME = 100
LONGEST_LIFE_S = 10 * 366 * 86_400.0  # choice: what should hold longer needs no end
LEAKS_SHOWN_S = 30 * 86_400.0  # choice: a month in which its owner may look
WHOLE = KeyScope()


class Keys(SignUps):
    """Keys of accounts. ``maker`` is the key that asks; empty where a person does."""

    async def create_key(
        self,
        account: str,
        name: str,
        *,
        scope: KeyScope = WHOLE,
        expires_at: float | None = None,
        maker: str = "",
    ) -> NewKey:
        """A key that may what ``scope`` says until ``expires_at`` (Unix seconds), and never more than its maker.

        Raises ``AccountError``: 400 for a bad name, scope or expiry, 403 for more than the maker may, 409
        when the account has too many keys, 429 when it made too many lately.
        """
        now = self.clock()
        text = named(name)
        sound(scope, expires_at, now)
        self._count_making(account, now)
        id_, token, hash_ = self.mint(CredentialKind.API_KEY, now)
        async with self.database.session() as session:
            await _hold_account(session, account)
            held = await session.scalar(
                select(func.count())
                .select_from(KeyRow)
                .where(
                    KeyRow.account_id == account,
                    KeyRow.revoked_at.is_(None),
                    or_(KeyRow.expires_at.is_(None), KeyRow.expires_at > now),
                )
            )
            if (held or 0) >= self.policy.keys_per_account:
                raise AccountError(
                    409, "too_many_keys", f"an account has at most {self.policy.keys_per_account} keys"
                )
            if maker:
                expires_at = await self._within(session, account, maker, scope, expires_at)
            row = KeyRow(
                id=id_,
                account_id=account,
                name=text,
                secret_hash=hash_,
                created_at=now,
                scope=scope_text(scope),
                expires_at=expires_at,
                made_by=maker,
            )
            session.add(row)
        await self.tell_keys([id_])
        return NewKey(id_, text, token, now, scope, expires_at)

    async def list_keys(self, account: str, *, maker: str = "") -> list[KeyView]:
        """The newest first, those that expired or leaked lately too; with ``maker`` those that it made."""
        now = self.clock()
        leaked = (KeyRow.revoked_for == LEAKED) & (KeyRow.revoked_at > now - LEAKS_SHOWN_S)
        wanted = [KeyRow.account_id == account, or_(KeyRow.revoked_at.is_(None), leaked)]
        if maker:
            wanted.append(KeyRow.made_by == maker)
        async with self.database.session() as session:
            rows = await session.scalars(select(KeyRow).where(*wanted).order_by(KeyRow.created_at.desc()))
            return [key_view(row, now) for row in rows]

    async def rotate_key(
        self, account: str, key: str, *, overlap_s: float | None = None, maker: str = ""
    ) -> NewKey:
        """A new secret under the same id; the one before it works until the overlap ends, one before that no more.

        ``overlap_s`` is cut to the longest that settings allow; None: as they say. Raises ``AccountError``
        404 for a key that is not the account's, or has ended, 429 when the account made too many lately.
        """
        now = self.clock()
        self._count_making(account, now)
        longest = self.policy.longest_key_overlap_s
        lasts = min(longest, max(0.0, self.policy.key_overlap_s if overlap_s is None else overlap_s))
        secret = self.entropy(SECRET_BYTES)
        async with self.database.session() as session:
            await hold(session, key)
            row = await self._own(session, account, key, maker)
            row.former_hash, row.former_until = (row.secret_hash, now + lasts) if lasts > 0 else (None, None)
            row.secret_hash, row.rotated_at = self.codec.secret_hash(secret), now
        await self.tell_keys([key])
        token = self.codec.mint(CredentialKind.API_KEY, key, int(now), secret)
        return NewKey(key, row.name, token, row.created_at, scope_of(row), row.expires_at, row.former_until)

    async def revoke_key(self, account: str, key: str, *, maker: str = "") -> None:
        """At once, with the keys that it made, streams under way included.

        Raises ``AccountError`` 404 for a key that is not the account's.
        """
        async with self.database.session() as session:
            await self._own(session, account, key, maker, ended=True)
            gone = await revoke(session, [key], self.clock())
        await self.tell_revoked(gone, "the API key has been revoked")

    async def tell_keys(self, keys: list[str]) -> None:
        """Makes keys known to the gateways as they are now.

        Not as a transaction left them: one that ended later may be told earlier, and a key that was narrowed
        would be wide again.
        """
        async with self.telling:
            async with self.database.session() as session:
                rows = list(await session.scalars(select(KeyRow).where(KeyRow.id.in_(keys))))
            await self.publisher.publish(credentials=[key_record(row) for row in rows])

    async def tell_revoked(self, gone: list[tuple[str, str]], reason: str) -> None:
        """Makes gateways forget keys, named with their accounts, and end what they have under way."""
        records = [CredentialRecord(key, account, b"", revoked=True) for key, account in gone]
        await self.publisher.publish(credentials=records)
        await self.publisher.cut(credentials=[key for key, _ in gone], reason=reason)

    async def keys_maker(self, token: str) -> tuple[str, AccountView] | None:
        """The key in ``token`` and its account, if it may make keys; None for any other.

        Raises ``AccountError`` 403 for a key that holds but may not.
        """
        found = self.codec.judge(token)
        if found is None or found.kind is not CredentialKind.API_KEY:
            return None
        now, hash_ = self.clock(), self.codec.secret_hash(found.secret)
        async with self.database.session() as session:
            row = await session.get(KeyRow, found.id)
            if row is None or row.revoked_at is not None or (row.expires_at or now + 1) <= now:
                return None
            if hash_ != row.secret_hash and (hash_ != row.former_hash or (row.former_until or 0.0) <= now):
                return None
            owner = await session.get(AccountRow, row.account_id)
            banned = await session.scalar(
                select(func.count()).where(
                    DecisionRow.expires_at > now,
                    DecisionRow.lifted.is_(False),
                    ((DecisionRow.scope == "credential") & (DecisionRow.value == row.id))
                    | ((DecisionRow.scope == "account") & (DecisionRow.value == row.account_id)),
                )
            )
        if owner is None or banned or owner.disabled or owner.pending or owner.unverified:
            return None
        if KEYS not in scope_of(row).endpoints:
            raise AccountError(
                403, "endpoint_not_permitted", f"this API key may not manage keys: its scope has no {KEYS!r}"
            )
        return row.id, account_view(owner)

    async def make_key(
        self,
        email: str,
        *,
        name: str = "command line",
        paid: bool = False,
        unlimited: bool = False,
        scope: KeyScope = WHOLE,
        expires_at: float | None = None,
    ) -> str:
        """For operators: a key's text, and the account if need be, without a password.

        Raises ``AccountError``.
        """
        now = self.clock()
        address = check_email(email)
        async with self.database.session() as session:
            await hold_address(session, email_key(address))
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
        return (await self.create_key(row.id, name, scope=scope, expires_at=expires_at)).key

    def _count_making(self, account: str, now: float) -> None:
        wait = self.key_makings.take(account, now)
        if wait > 0.0:
            raise AccountError(
                429,
                "rate_limit_exceeded",
                "too many keys were made or replaced lately; please try again later",
                retry_after_s=wait,
            )

    async def _own(
        self, session: AsyncSession, account: str, key: str, maker: str, *, ended: bool = False
    ) -> KeyRow:
        """The account's key that is not revoked; ``ended`` where it may have expired."""
        row = await session.get(KeyRow, key)
        if row is None or row.account_id != account or row.revoked_at is not None:
            raise AccountError(404, "not_found", "there is no such key")
        if maker and row.made_by != maker:
            raise AccountError(404, "not_found", "there is no such key among those that this key made")
        if not ended and row.expires_at is not None and row.expires_at <= self.clock():
            raise AccountError(404, "not_found", "the key has expired; make another")
        return row

    async def _within(
        self, session: AsyncSession, account: str, maker: str, scope: KeyScope, expires_at: float | None
    ) -> float | None:
        """The key's expiry, not after its maker's. Raises 403 for a scope beyond the maker's.

        The maker is held until the transaction ends, so that it is not narrowed meanwhile.
        """
        await hold(session, maker)
        made_by = await self._own(session, account, maker, "")
        beyond = exceeds(scope, scope_of(made_by))
        if beyond is not None:
            raise AccountError(403, "exceeds_maker", beyond[1], param=beyond[0])
        if made_by.expires_at is None or (expires_at is not None and expires_at <= made_by.expires_at):
            return expires_at
        return made_by.expires_at


def named(name: str) -> str:
    """The name as it is kept. Raises ``AccountError`` 400."""
    text = " ".join(name.split())
    if not text or len(text) > LONGEST_NAME or not text.isprintable():
        raise AccountError(
            400, "invalid_name", f"a key's name has 1 to {LONGEST_NAME} printable characters", param="name"
        )
    return text


def sound(scope: KeyScope, expires_at: float | None, now: float) -> None:
    """Times are Unix seconds. Raises ``AccountError`` 400 for a scope or an expiry that cannot be."""
    wrong = check(scope)
    if wrong is not None:
        raise AccountError(400, "invalid_scope", wrong[1], param=wrong[0])
    if expires_at is not None and not now < expires_at <= now + LONGEST_LIFE_S:
        raise AccountError(
            400, "invalid_expiry", "a key expires in the future, and within ten years", param="expires_at"
        )


async def hold(session: AsyncSession, key: str) -> None:
    """Nobody else changes this key until the transaction ends; what the session knew of it is read anew.

    A write, since SQLite locks at the first write and not at a read.
    """
    await session.execute(
        update(KeyRow)
        .where(KeyRow.id == key)
        .values(name=KeyRow.name)
        .execution_options(synchronize_session=False)
    )
    await session.get(KeyRow, key, populate_existing=True)


async def _hold_account(session: AsyncSession, account: str) -> None:
    """Nobody else counts this account's keys in order to add one until the transaction ends: a volley would make more of them
    than there may be. A write, as in ``hold``."""
    await session.execute(
        update(AccountRow)
        .where(AccountRow.id == account)
        .values(id=AccountRow.id)
        .execution_options(synchronize_session=False)
    )


async def revoke(
    session: AsyncSession, keys: list[str], now: float, *, why: str = ""
) -> list[tuple[str, str]]:
    """Revokes keys and, generation by generation, those that they made. Returns each with its account.

    ``now`` is Unix seconds; an account's keys bound the work.
    """
    gone: list[tuple[str, str]] = []
    wanted = KeyRow.id.in_(keys)
    while True:
        found = await session.execute(
            update(KeyRow)
            .where(wanted, KeyRow.revoked_at.is_(None))
            .values(revoked_at=now, revoked_for=why)
            .returning(KeyRow.id, KeyRow.account_id)
            .execution_options(synchronize_session=False)
        )
        fresh = [(id_, account) for id_, account in found]
        gone.extend(fresh)
        if not fresh:
            return gone
        wanted = KeyRow.made_by.in_([id_ for id_, _ in fresh])
