"""Sessions: begun, shown to their owner, ended."""

from sqlalchemy import delete, select

from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.factors import Factor
from pontlevis.accounts.policy import OperatorFactor
from pontlevis.accounts.second_factor import SecondFactors
from pontlevis.accounts.user_agent import device_label
from pontlevis.accounts.views import AccountView, SessionGrant, SessionView, account_view
from pontlevis.brain.credential import CredentialKind
from pontlevis.brain.detection.address import place_of, prefix_of
from pontlevis.link.messages import CredentialRecord
from pontlevis.storage.tables.accounts import AccountRow, SessionRow


class Sessions(SecondFactors):
    """A session is minted when everything was shown that is asked for, and never before."""

    async def begin_session(
        self, account: str, *, source: str, agent: str = "", factor: Factor = Factor.NONE
    ) -> SessionGrant:
        """A session for an account whose owner has proved who they are.

        ``agent`` is the User-Agent header, ``factor`` what was shown beside the password.
        """
        now = self.clock()
        id_, token, hash_ = self.mint(CredentialKind.SESSION, now)
        expires = now + self.policy.session_lifetime_s
        async with self.database.session() as session:
            row = await session.get_one(AccountRow, account)
            place = place_of(source)
            places = [each for each in row.familiar.split() if each != place]
            row.familiar = " ".join([place, *places][: self.policy.familiar_sources])
            held = list(
                await session.scalars(
                    select(SessionRow.id)
                    .where(SessionRow.account_id == account)
                    .order_by(SessionRow.created_at.desc())
                )
            )
            surplus = held[self.policy.sessions_per_account - 1 :]
            if surplus:
                await session.execute(delete(SessionRow).where(SessionRow.id.in_(surplus)))
            await session.execute(delete(SessionRow).where(SessionRow.expires_at < now))
            session.add(
                SessionRow(
                    id=id_,
                    account_id=account,
                    secret_hash=hash_,
                    created_at=now,
                    expires_at=expires,
                    source=source,
                    device=device_label(agent),
                    factor=factor.value,
                )
            )
        records = [CredentialRecord(id_, account, hash_, expires)]
        records.extend(CredentialRecord(each, account, b"", revoked=True) for each in surplus)
        await self.publish_account(row, records)
        return SessionGrant(token, expires, account_view(row), self.devices.mint(account, now))

    async def session_account(self, token: str) -> AccountView | None:
        """Whose session this is; None for one that was made up, has ended or expired."""
        found = await self.held(token)
        return account_view(found[1]) if found is not None else None

    async def operator_session(self, token: str) -> AccountView | None:
        """The same for the operator's listener, where a session may need a second factor behind it."""
        found = await self.held(token)
        if found is None:
            return None
        held, row = found
        if self.policy.operator_second_factor is OperatorFactor.REQUIRED and not held.factor:
            return None
        return account_view(row)

    async def session_is_fresh(self, token: str) -> bool:
        """Whether this session began lately enough to change what guards the account."""
        found = await self.held(token)
        return found is not None and self.clock() - found[0].created_at <= self.policy.fresh_session_s

    async def require_fresh(self, token: str) -> None:
        """Raises ``AccountError`` 403 for a session that has to log in again first."""
        if not await self.session_is_fresh(token):
            raise AccountError(
                403, "fresh_login_required", "log in again first: this changes what guards your account"
            )

    async def list_sessions(self, account: str, token: str = "") -> list[SessionView]:
        """An account's sessions, newest first; the one of ``token`` is marked."""
        credential = self.codec.judge(token) if token else None
        mine = credential.id if credential is not None else ""
        async with self.database.session() as session:
            rows = await session.scalars(
                select(SessionRow)
                .where(SessionRow.account_id == account, SessionRow.expires_at > self.clock())
                .order_by(SessionRow.created_at.desc())
            )
            return [
                SessionView(
                    each.id, each.created_at, each.expires_at, prefix_of(each.source), each.device,
                    Factor(each.factor), each.id == mine,
                )
                for each in rows
            ]  # fmt: skip

    async def end_session(self, token: str) -> None:
        """Ends it everywhere; one that is none is ignored."""
        credential = self.codec.judge(token)
        if credential is None or credential.kind is not CredentialKind.SESSION:
            return
        async with self.database.session() as session:
            held = await session.get(SessionRow, credential.id)
            if held is None:
                return
            account = held.account_id
            await session.delete(held)
        await self._ended(account, [credential.id])

    async def end_own_session(self, account: str, session_id: str) -> None:
        """Ends one of an account's sessions by its id. Raises ``AccountError`` 404 for one that is not its."""
        async with self.database.session() as session:
            held = await session.get(SessionRow, session_id)
            if held is None or held.account_id != account:
                raise AccountError(404, "not_found", "there is no such session")
            await session.delete(held)
        await self._ended(account, [session_id])

    async def end_other_sessions(self, account: str, token: str) -> int:
        """Ends all of an account's sessions but that of ``token``; how many those were.

        The places that its owner logged in from are forgotten with them, so that whoever had one of
        these sessions is a stranger again.
        """
        credential = self.codec.judge(token)
        mine = credential.id if credential is not None else ""
        async with self.database.session() as session:
            row = await session.get_one(AccountRow, account)
            kept = await session.get(SessionRow, mine) if mine else None
            row.familiar = place_of(kept.source) if kept is not None else ""
            gone = await session.scalars(
                delete(SessionRow)
                .where(SessionRow.account_id == account, SessionRow.id != mine)
                .returning(SessionRow.id)
            )
            ended = list(gone.all())
        await self.publish_account(row)
        await self._ended(account, ended)
        return len(ended)

    async def held(self, token: str) -> tuple[SessionRow, AccountRow] | None:
        """The session of this token and its account; None for one that does not hold."""
        credential = self.codec.judge(token)
        if credential is None or credential.kind is not CredentialKind.SESSION:
            return None
        async with self.database.session() as session:
            held = await session.get(SessionRow, credential.id)
            if held is None or held.expires_at <= self.clock():
                return None
            if held.secret_hash != self.codec.secret_hash(credential.secret):
                return None
            row = await session.get(AccountRow, held.account_id)
        if row is None or row.disabled or row.pending or row.unverified:
            return None
        return held, row

    async def _ended(self, account: str, sessions: list[str]) -> None:
        """Makes every gateway forget them, and cuts what is under way with them."""
        if not sessions:
            return
        await self.publisher.publish(
            credentials=[CredentialRecord(each, account, b"", revoked=True) for each in sessions]
        )
        await self.publisher.cut(credentials=sessions, reason="the session has ended")
