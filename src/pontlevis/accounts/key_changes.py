"""What may be changed on a key after it was made: its name, scope and expiry."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.key_rows import key_view, scope_of, scope_text
from pontlevis.accounts.keys import Keys, hold, named, revoke, sound
from pontlevis.accounts.views import KeyView
from pontlevis.brain.key_scope import KeyLimits, KeyScope, exceeds, narrowed
from pontlevis.storage.tables.accounts import KeyRow

REVOKED = "the API key has been revoked"


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What is wanted; None, empty or unset leaves a part as it is."""

    name: str | None = None
    models: tuple[str, ...] | None = None
    """Empty: all."""
    endpoints: tuple[str, ...] | None = None
    """Empty: all of inference."""
    limits: Mapping[str, int] = field(default_factory=dict)
    """By the names of ``KeyLimits``, each as it shall be; 0: none of the key's own."""
    expires_at: float | UnsetType | None = UNSET
    """Unix seconds; None: never."""

    def scope(self, before: KeyScope) -> KeyScope:
        """What the key may afterwards."""
        limits = msgspec.structs.replace(before.limits or KeyLimits(), **self.limits)
        return KeyScope(
            before.models if self.models is None else self.models,
            before.endpoints if self.endpoints is None else self.endpoints,
            None if limits == KeyLimits() else limits,
        )


@dataclass(frozen=True, slots=True)
class ChangedKey:
    """A key after a change, and what became of those that it had made."""

    key: KeyView
    account: str
    differences: tuple[str, ...]
    """One sentence a part: before and after; empty where nothing changed."""
    narrowed: tuple[str, ...]
    """Keys, by id, that lost what their maker lost."""
    revoked: tuple[str, ...]
    """Keys, by id, that had nothing left."""


class KeyChanges(Keys):
    """Changes are in force at every gateway when a method returns."""

    async def change_key(
        self, account: str, key: str, change: KeyChange, *, maker: str = "", narrow_only: bool = False
    ) -> ChangedKey:
        """Changes a key; what it made is narrowed with it, and never widened again by itself.

        A key that a key made never gets more than that one has, whoever asks; its end is cut to its
        maker's. ``maker`` is the key that asks; ``narrow_only`` refuses what gives the key more than it has.
        Raises ``AccountError``: 400 for what cannot be, 403 for too much, 404 for a key that is not the
        account's or has ended.
        """
        now = self.clock()
        async with self.database.session() as session:
            changed, records, gone = await self._change(
                session, account, key, change, maker, narrow_only, now
            )
        await self._tell_changed(records, gone)
        return changed

    async def _tell_changed(self, records: list[KeyRow], gone: list[tuple[str, str]]) -> None:
        """Makes it known to the gateways."""
        if records:
            await self.tell_keys([each.id for each in records])
        if gone:
            await self.tell_revoked(gone, REVOKED)

    async def _change(
        self,
        session: AsyncSession,
        account: str,
        key: str,
        change: KeyChange,
        maker: str,
        narrow_only: bool,
        now: float,
    ) -> tuple[ChangedKey, list[KeyRow], list[tuple[str, str]]]:
        """Within the caller's transaction: the change, the rows to publish, the keys that ended."""
        row = await self._own(session, account, key, maker)
        # The maker first: whoever changes that one holds it before they look for what it made.
        if row.made_by:
            await hold(session, row.made_by)
        await hold(session, key)
        row = await self._own(session, account, key, maker)
        before, ended_before = scope_of(row), row.expires_at
        scope = change.scope(before)
        expires_at = ended_before if change.expires_at is UNSET else change.expires_at
        sound(scope, expires_at if expires_at != ended_before else None, now)
        name = named(change.name) if change.name is not None else row.name
        if row.made_by:
            expires_at = await self._within(session, account, row.made_by, scope, expires_at)
        if narrow_only:
            _only_narrower(before, ended_before, scope, expires_at)
        differences = _differences(row, name, scope, expires_at)
        if not differences:
            return ChangedKey(key_view(row, now), row.account_id, (), (), ()), [], []
        row.name, row.scope, row.expires_at = name, scope_text(scope), expires_at
        children, starved = await _narrow_below(session, row)
        gone = await revoke(session, starved, now) if starved else []
        ended = {id_ for id_, _ in gone}
        children = [each for each in children if each.id not in ended]
        changed = ChangedKey(
            key_view(row, now), row.account_id, differences,
            tuple(each.id for each in children), tuple(id_ for id_, _ in gone),
        )  # fmt: skip
        return changed, [row, *children], gone


async def _narrow_below(session: AsyncSession, top: KeyRow) -> tuple[list[KeyRow], list[str]]:
    """Narrows what a key made, generation by generation; those that changed, and by id those with nothing left."""
    changed: list[KeyRow] = []
    starved: list[str] = []
    makers = {top.id: top}
    while makers:
        await session.flush()
        found = await session.scalars(
            select(KeyRow)
            .where(KeyRow.made_by.in_(list(makers)), KeyRow.revoked_at.is_(None))
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        below: dict[str, KeyRow] = {}
        for row in found:
            maker = makers[row.made_by]
            scope, expires_at = (
                narrowed(scope_of(row), scope_of(maker)),
                _sooner(row.expires_at, maker.expires_at),
            )
            if scope is None:
                starved.append(row.id)
            elif (scope, expires_at) != (scope_of(row), row.expires_at):
                row.scope, row.expires_at = scope_text(scope), expires_at
                below[row.id] = row
        changed.extend(below.values())
        makers = below
    return changed, starved


def _sooner(one: float | None, other: float | None) -> float | None:
    """The earlier end; None is never."""
    return min((each for each in (one, other) if each is not None), default=None)


def _only_narrower(
    before: KeyScope, ended_before: float | None, scope: KeyScope, expires_at: float | None
) -> None:
    """Raises ``AccountError`` 403 for a change that gives more."""
    beyond = exceeds(scope, before)
    field_ = beyond[0] if beyond is not None else ""
    if not field_ and _sooner(ended_before, expires_at) != expires_at:
        field_ = "expires_at"
    if field_:
        raise AccountError(
            403, "widens_key", "this gives the key more than it has; that needs the role admin", param=field_
        )


def _differences(row: KeyRow, name: str, scope: KeyScope, expires_at: float | None) -> tuple[str, ...]:
    before = scope_of(row)
    pairs: list[tuple[str, object, object]] = [
        ("name", row.name, name),
        ("models", ", ".join(before.models) or "all", ", ".join(scope.models) or "all"),
        ("endpoints", ", ".join(before.endpoints) or "all", ", ".join(scope.endpoints) or "all"),
    ]
    old, new = before.limits or KeyLimits(), scope.limits or KeyLimits()
    pairs += [(each, getattr(old, each), getattr(new, each)) for each in KeyLimits.__struct_fields__]
    pairs.append(("expires_at", row.expires_at, expires_at))
    return tuple(f"{what}: {was} → {is_}" for what, was, is_ in pairs if was != is_)
