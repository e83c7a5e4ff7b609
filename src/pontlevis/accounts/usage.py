"""Use of the service: recorded in batches, turned into standing."""

from collections.abc import AsyncIterator

import msgspec
from sqlalchemy import BigInteger, Float, Integer, bindparam, case, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from pontlevis.accounts.key_rows import key_record
from pontlevis.accounts.rooms import DAY_S, Rooms, account_record
from pontlevis.accounts.views import AccountView, UsageDay, account_view
from pontlevis.link.messages import AccountRecord, CredentialRecord, Parcel, UsageRecord
from pontlevis.storage.sums import add_sums, put_rows, table_of
from pontlevis.storage.tables.accounts import AccountRow, KeyRow, SessionRow, UsageRow, UsageSenderRow

REFRESH_MARGIN_S = 120.0
CHUNK = 2_000
ANONYMOUS = "anon:"
"""What the names of callers without an account begin with; their use is summed up under one name."""
KEY_USE_GRAIN_S = 60.0  # choice: people ask on which day, and each write costs the database
PROVISIONAL = ("credential:", "fresh:")
"""Names that a gateway gives to whoever it served before it knew the credential's account."""
SENDERS_KEPT_S = 90 * DAY_S  # choice: a gateway's journal is sent at its next start, hardly ever months later

_accounts, _keys = table_of(AccountRow), table_of(KeyRow)
_today, _at = bindparam("today", type_=Integer), bindparam("at", type_=Float)
_USED = (
    update(_accounts)
    .where(_accounts.c.id == bindparam("account"))
    .values(
        tokens_used=_accounts.c.tokens_used + bindparam("tokens", type_=BigInteger),
        active_days=_accounts.c.active_days + case((_accounts.c.last_active_day < _today, 1), else_=0),
        last_active_day=case(
            (_accounts.c.last_active_day < _today, _today), else_=_accounts.c.last_active_day
        ),
        last_active_at=case((_accounts.c.last_active_at < _at, _at), else_=_accounts.c.last_active_at),
    )
)
_KEY_USED = (
    update(_keys)
    .where(
        _keys.c.id == bindparam("key"),
        or_(_keys.c.last_used_at.is_(None), _keys.c.last_used_at <= _at - KEY_USE_GRAIN_S),
    )
    .values(last_used_at=_at)
)


class Usage(Rooms):
    """What accounts used, and what follows from it."""

    _refreshed_at = 0.0

    async def record_parcels(self, parcels: list[Parcel]) -> None:
        """Adds what gateways sent, each parcel once however often it comes, in one transaction."""
        async with self.database.session() as session:
            senders = {each.sender for each in parcels}
            rows = await session.execute(
                select(UsageSenderRow.sender, UsageSenderRow.number).where(UsageSenderRow.sender.in_(senders))
            )
            last: dict[str, int] = {row.sender: row.number for row in rows}
            fresh: list[UsageRecord] = []
            for each in parcels:
                if each.number > last.get(each.sender, 0):
                    last[each.sender] = each.number
                    fresh.extend(each.usage)
            await self._add(session, await self._owned(session, fresh))
            now = self.clock()
            await put_rows(
                session, UsageSenderRow, [(sender, last[sender], now) for sender in sorted(senders)]
            )

    async def record_usage(self, records: list[UsageRecord]) -> None:
        """Adds a batch to the day's sums, in one transaction and a handful of statements."""
        async with self.database.session() as session:
            await self._add(session, records)

    async def forget_senders(self, now: float) -> None:
        """Forgets gateway processes that have sent nothing for ``SENDERS_KEPT_S``."""
        async with self.database.session() as session:
            await session.execute(delete(UsageSenderRow).where(UsageSenderRow.at < now - SENDERS_KEPT_S))

    async def _owned(self, session: AsyncSession, records: list[UsageRecord]) -> list[UsageRecord]:
        """The same records, those of provisional callers under the accounts that they turned out to be."""
        unknown = {each.key for each in records if each.account.startswith(PROVISIONAL)}
        if not unknown:
            return records
        owners: dict[str, str] = {}
        for row in (KeyRow, SessionRow):
            found = await session.execute(select(row.id, row.account_id).where(row.id.in_(unknown)))
            owners.update((id_, account) for id_, account in found)
        return [
            msgspec.structs.replace(each, account=owners[each.key])
            if each.account.startswith(PROVISIONAL) and each.key in owners
            else each
            for each in records
        ]

    async def _add(self, session: AsyncSession, records: list[UsageRecord]) -> None:
        sums: dict[tuple[str, str, str, int], list[int]] = {}
        accounts: dict[tuple[int, str], list[float]] = {}
        keys: dict[str, float] = {}
        for each in records:
            day = int(each.at // DAY_S)
            anonymous = each.account.startswith(ANONYMOUS)
            account = "anonymous" if anonymous else each.account
            entry = sums.setdefault((account, each.key, each.model, day), [0, 0, 0, 0])
            entry[0] += 1
            entry[1] += each.outcome == "aborted"
            entry[2] += each.input_tokens
            entry[3] += each.output_tokens
            if anonymous:
                continue
            keys[each.key] = max(keys.get(each.key, 0.0), each.at)
            if each.outcome == "ok":
                used = accounts.setdefault((day, account), [0.0, 0.0])
                used[0] += each.input_tokens + each.output_tokens
                used[1] = max(used[1], each.at)
        await add_sums(session, UsageRow, [(*names, *values) for names, values in sums.items()])
        connection = await session.connection()
        if accounts:
            # Days in order, so that a batch across midnight counts both.
            await connection.execute(
                _USED,
                [
                    {"account": account, "tokens": int(tokens), "at": at, "today": day}
                    for (day, account), (tokens, at) in sorted(accounts.items())
                ],
            )
        if keys:
            await connection.execute(_KEY_USED, [{"key": key, "at": at} for key, at in sorted(keys.items())])

    async def usage_days(self, account: str, days: int = 30) -> list[UsageDay]:
        """The newest days first, at most ``days``; days without use are left out."""
        async with self.database.session() as session:
            rows = await session.execute(
                select(
                    UsageRow.day,
                    func.sum(UsageRow.requests),
                    func.sum(UsageRow.input_tokens),
                    func.sum(UsageRow.output_tokens),
                )
                .where(UsageRow.account_id == account)
                .group_by(UsageRow.day)
                .order_by(UsageRow.day.desc())
                .limit(days)
            )
            return [UsageDay(day, int(requests), int(into), int(out)) for day, requests, into, out in rows]

    async def refresh_standings(self, now: float) -> None:
        """Derives anew the standing of accounts that were used or crossed a threshold since the last call."""
        since = self._refreshed_at - REFRESH_MARGIN_S
        policy = self.standing_policy
        crossed = [
            AccountRow.created_at.between(since - after, now - after)
            for after in (policy.new_for_s, policy.established_after_s)
        ]
        changed: list[AccountRecord] = []
        async with self.database.session() as session:
            rows = await session.stream_scalars(
                select(AccountRow)
                .options(defer(AccountRow.email))  # not needed, and opening it costs
                .where(or_(AccountRow.last_active_at >= since, *crossed))
                .execution_options(yield_per=CHUNK)
            )
            async for row in rows:
                verdict = self.judge(row, now)
                if int(verdict.standing) != row.standing:
                    row.standing, row.standing_reason = int(verdict.standing), verdict.reason
                    changed.append(account_record(row))
        self._refreshed_at = now
        for start in range(0, len(changed), CHUNK):
            await self.publisher.publish(accounts=changed[start : start + CHUNK])

    async def records(
        self, chunk: int = CHUNK
    ) -> AsyncIterator[tuple[list[AccountRecord], list[CredentialRecord]]]:
        """Everything a gateway must know, in parts: accounts, then keys and sessions that may be used."""
        now = self.clock()
        async with self.database.session() as session:
            accounts = await session.stream_scalars(
                select(AccountRow)
                .options(defer(AccountRow.email), defer(AccountRow.password_hash))
                .execution_options(yield_per=chunk)
            )
            async for part in accounts.partitions(chunk):
                yield [account_record(row) for row in part], []
            keys = await session.stream_scalars(
                select(KeyRow).where(KeyRow.revoked_at.is_(None)).execution_options(yield_per=chunk)
            )
            async for keys_part in keys.partitions(chunk):
                yield [], [key_record(row) for row in keys_part]
            sessions = await session.stream_scalars(
                select(SessionRow).where(SessionRow.expires_at > now).execution_options(yield_per=chunk)
            )
            async for sessions_part in sessions.partitions(chunk):
                yield [], [CredentialRecord(row.id, row.account_id, row.secret_hash, row.expires_at) for row in sessions_part]  # fmt: skip

    async def list_accounts(self, limit: int = 50, offset: int = 0) -> list[AccountView]:
        """The newest first; at most 500 at once."""
        async with self.database.session() as session:
            rows = await session.scalars(
                select(AccountRow)
                .order_by(AccountRow.created_at.desc())
                .limit(min(limit, 500))
                .offset(offset)
            )
            return [account_view(row) for row in rows]
