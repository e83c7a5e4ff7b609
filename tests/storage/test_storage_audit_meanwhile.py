"""The audit log is checked while it is written: on both databases what comes meanwhile is no break, and a break is one."""

from collections.abc import AsyncIterator

import pytest
from both_databases import empty, postgresql
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from pontlevis.storage import audit_check
from pontlevis.storage.audit import all_audit, record_audit
from pontlevis.storage.audit_check import AuditVerdict, verify_audit
from pontlevis.storage.database import Database
from pontlevis.storage.migrate import upgrade
from pontlevis.storage.retention import sweep
from pontlevis.storage.safety_policy import SafetyPolicy
from pontlevis.storage.tables.control import AuditRow

__all__ = ["empty", "postgresql"]
KEY = bytes(range(32))
AT = 1_738_000_000.0
DAY_S = 86_400.0


@pytest.fixture
async def database(empty: Database) -> Database:
    """With six lines, a day apart."""
    await upgrade(empty)
    empty.use_keys(audit=KEY)
    for number in range(6):
        await write(empty, AT + number * DAY_S)
    return empty


async def write(database: Database, at: float) -> None:
    async with database.session() as session:
        await record_audit(session, at=at, actor="ada", event="operator:thing:done", detail="x")


async def verdict(database: Database) -> AuditVerdict:
    async with database.snapshot() as session:
        return await verify_audit(session, key=KEY)


class Meanwhile:
    """Walks in parts of two lines, and lets something happen after the third."""

    def __init__(self, database: Database, *, written: int = 0, forgotten: bool = False) -> None:
        self._database, self._written, self._forgotten = database, written, forgotten
        self.happened = False

    async def __call__(self, session: AsyncSession) -> AsyncIterator[AuditRow]:
        count = 0
        async for each in all_audit(session, chunk=2):
            count += 1
            if count == 3:
                for number in range(self._written):
                    await write(self._database, AT + (6 + number) * DAY_S)
                if self._forgotten:
                    await sweep(self._database, SafetyPolicy(audit_days=3), AT + 9 * DAY_S)
                self.happened = True
            yield each


@pytest.mark.parametrize(
    ("written", "forgotten", "after"), [(3, False, 9), (3, True, 4)], ids=["lines", "retention"]
)
async def test_what_happens_during_the_walk_is_no_break(
    database: Database, monkeypatch: pytest.MonkeyPatch, written: int, forgotten: bool, after: int
) -> None:
    """The log is told as it stood when the walk began; nobody waits; the next walk has the rest (the sweep's own line too)."""
    during = Meanwhile(database, written=written, forgotten=forgotten)
    monkeypatch.setattr(audit_check, "all_audit", during)
    found = await verdict(database)
    assert during.happened
    assert (found.whole, found.lines, found.anchor.count) == (True, 6, 6), found
    monkeypatch.undo()
    later = await verdict(database)
    assert (later.whole, later.lines, later.anchor.count) == (True, after, 9 + forgotten), later


async def test_a_line_beside_the_chain_is_found_while_others_are_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is forgiven for being new."""
    async with database.session() as session:
        await session.execute(
            text(
                "INSERT INTO audit_log (at, actor, event, subject, detail, prior, hash) "
                "SELECT at, actor, event, subject, 'slipped in', hash, hash FROM audit_log WHERE id = 6"
            )
        )
    monkeypatch.setattr(audit_check, "all_audit", Meanwhile(database, written=1))
    found = await verdict(database)
    assert (found.whole, found.line) == (False, 7), found


async def test_a_snapshot_ends_with_its_block(database: Database) -> None:
    """The connection is as before for whoever has it next."""
    for _ in range(3):
        await verdict(database)
        await write(database, AT)
    async with database.session() as session:
        assert len([each async for each in all_audit(session)]) == 9
