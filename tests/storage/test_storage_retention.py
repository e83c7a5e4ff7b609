"""Retention: what is over goes in small transactions, what is not stays, and the audit log stays whole."""

from dataclasses import fields

import pytest
from both_databases import empty, postgresql
from sqlalchemy import func, select

from pontlevis.storage.audit import record_audit
from pontlevis.storage.audit_check import Anchor, verify_audit
from pontlevis.storage.database import Database
from pontlevis.storage.migrate import upgrade
from pontlevis.storage.retention import DAY_S, due, rules, sweep
from pontlevis.storage.safety_policy import SafetyPolicy
from pontlevis.storage.tables.accounts import AccountRow, KeyRow, UsageRow, WaitlistRow
from pontlevis.storage.tables.base import Base
from pontlevis.storage.tables.control import DecisionRow, FindingRow, TransitionRow
from pontlevis.storage.tables.incidents import ComponentDayRow, IncidentRow, IncidentUpdateRow, ServedDayRow

__all__ = ["empty", "postgresql"]
NOW = 1_738_000_000.0


def days(number: int, *, batches: int = 50) -> SafetyPolicy:
    """Every table keeps so many days."""
    policy = SafetyPolicy(sweep_rows=2, sweep_batches=batches)
    for each in fields(SafetyPolicy):
        if each.name.endswith("_days"):
            object.__setattr__(policy, each.name, number)
    return policy


SHORT = days(10)
KEY = b"k" * 32


@pytest.fixture
async def database(empty: Database) -> Database:
    """One with its tables."""
    await upgrade(empty)
    return empty


def rows(days_ago: float, name: str) -> list[Base]:
    """One of everything, of so many days ago."""
    at, day = NOW - days_ago * DAY_S, int(NOW // DAY_S - days_ago)
    incident = f"incident {name}"[:16]
    return [
        AccountRow(id=name, email="", email_key=name, created_at=at, created_from="192.0.2.1", created_fingerprint=5),
        UsageRow(account_id=name, key_id=name, model="m", day=day, requests=1, aborted=0, input_tokens=1, output_tokens=1),
        WaitlistRow(email="", email_key=f"w{name}", created_at=at),
        WaitlistRow(email="", email_key=f"x{name}", created_at=NOW, invited_at=at),
        FindingRow(id=name, detector="d", since=at, at=at, sentence="s", finding=b""),
        DecisionRow(scope="address", value="192.0.2.1", reason="r", origin="d", created_at=at, expires_at=at),
        TransitionRow(at=at, actor="a", reason="r", transition=b""),
        IncidentRow(id=incident, name_en="n", name_fr="n", status="resolved", impact="none", created_at=at, updated_at=at, resolved_at=at),
        ComponentDayRow(component=name, day=day),
        ServedDayRow(day=day, asked=1, unserved=0),
    ]  # fmt: skip


async def fill(database: Database, days_ago: float, name: str) -> None:
    at = NOW - days_ago * DAY_S
    async with database.session() as session:
        session.add_all(rows(days_ago, name))
        await session.flush()
        session.add(KeyRow(id=name, account_id=name, name="n", secret_hash=b"", created_at=at, revoked_at=at))
        session.add(
            IncidentUpdateRow(
                id=name, incident_id=f"incident {name}"[:16], status="resolved", body_en="b", body_fr="b",
                created_at=at, updated_at=at, cause=name,
            )
        )  # fmt: skip


async def counts(database: Database) -> dict[str, int]:
    async with database.session() as session:
        return {
            rule.row.__tablename__: int(await session.scalar(select(func.count()).select_from(rule.row)) or 0)
            for rule in rules(SHORT, NOW)
        }


async def test_what_is_over_goes_and_what_is_not_stays(database: Database) -> None:
    """In every table that has a rule; the dry run says the same numbers as the sweep, and changes nothing."""
    for number in range(5):
        await fill(database, 11 + number, f"old{number}")
    await fill(database, 9, "young")
    before = await counts(database)
    said = {each.table: each.rows for each in await due(database, SHORT, NOW)}
    assert before == await counts(database)
    done = await sweep(database, SHORT, NOW)
    after = await counts(database)
    kept = {"accounts": 6, "waitlist": 2}
    assert after == {table: kept.get(table, 1) for table in after}
    assert {each.table for each in done} == set(after)
    assert said["usage_days"] == 5
    async with database.session() as session:
        sources = (await session.scalars(select(AccountRow.created_from).order_by(AccountRow.id))).all()
    assert list(sources) == [""] * 5 + ["192.0.2.1"]
    assert [each.rows for each in await sweep(database, SHORT, NOW)] == []


async def test_one_sweep_is_bounded(database: Database) -> None:
    """A backlog goes in several."""
    for number in range(5):
        await fill(database, 11 + number, f"old{number}")
    few = days(10, batches=1)
    assert all(each.rows <= few.sweep_rows for each in await sweep(database, few, NOW))
    assert (await counts(database))["usage_days"] == 3


async def test_nothing_is_removed_where_it_is_kept_for_ever(database: Database) -> None:
    """0 days."""
    await fill(database, 9_999, "ancient")
    for_ever = days(0)
    before = await counts(database)
    assert await sweep(database, for_ever, NOW) == []
    assert before == await counts(database)


async def test_the_audit_log_is_cut_at_its_beginning_and_stays_whole(database: Database) -> None:
    """The chain goes on from the last line removed; anchors of later lines are still met."""
    database.use_keys(audit=KEY)
    anchors: list[Anchor] = []
    for days_ago in (30, 20, 15, 11, 5, 1):
        async with database.session() as session:
            await record_audit(session, at=NOW - days_ago * DAY_S, actor="a", event="a:b:c")
        async with database.snapshot() as session:
            anchors.append((await verify_audit(session, key=KEY)).anchor)
    removed = {each.table: each.rows for each in await sweep(database, SHORT, NOW)}
    assert removed == {"audit_log": 4}
    async with database.snapshot() as session:
        found = await verify_audit(session, key=KEY, anchors=tuple(anchors[-2:]))
    assert (found.whole, found.lines, found.anchors) == (True, 3, 2), found
