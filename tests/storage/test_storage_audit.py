"""The audit log's chain on both databases: written by many at once, tampered with for real, verified."""

import asyncio

import pytest
from alembic import command
from both_databases import empty, postgresql
from sqlalchemy import Connection, text

from pontlevis.storage.audit import all_audit, recent_audit, record_audit
from pontlevis.storage.audit_check import Anchor, AuditVerdict, verify_audit
from pontlevis.storage.database import Database
from pontlevis.storage.migrate import config, upgrade

__all__ = ["empty", "postgresql"]
KEY = bytes(range(32))
AT = 1_738_000_000.0


@pytest.fixture
async def database(empty: Database) -> Database:
    await upgrade(empty)
    empty.use_keys(audit=KEY)
    return empty


async def write(database: Database, *details: str, actor: str = "ada") -> None:
    for detail in details:
        async with database.session() as session:
            await record_audit(session, at=AT, actor=actor, event="operator:thing:done", detail=detail)


async def verdict(database: Database, *anchors: Anchor, key: bytes | None = KEY) -> AuditVerdict:
    async with database.snapshot() as session:
        return await verify_audit(session, key=key, anchors=anchors)


async def tamper(database: Database, statement: str) -> None:
    async with database.session() as session:
        await session.execute(text(statement))


async def test_an_untouched_log_is_whole(database: Database) -> None:
    """From the first line to the signed end; an empty one too, if it was never written."""
    await write(database, *"abcdef")
    found = await verdict(database)
    assert (found.whole, found.lines, found.signed, found.anchor.count) == (True, 6, True, 6)


async def test_many_writers_make_one_chain(database: Database) -> None:
    """Identifiers follow the chain whoever comes first, and nobody waits for ever."""
    await asyncio.gather(*(write(database, *"12345", actor=f"writer {each}") for each in range(8)))
    found = await verdict(database)
    assert (found.whole, found.lines) == (True, 40), found


async def test_a_change_and_its_line_stand_or_fall_together(database: Database) -> None:
    """What is rolled back leaves no line, and no gap in the chain."""
    await write(database, "before")

    async def fails() -> None:
        async with database.session() as session:
            await record_audit(session, at=AT, actor="ada", event="a:b:c", detail="never")
            raise RuntimeError("not after all")

    with pytest.raises(RuntimeError, match="not after all"):
        await fails()
    await write(database, "after")
    async with database.session() as session:
        assert [each.detail for each in await recent_audit(session)] == ["after", "before"]
    assert (await verdict(database)).whole


@pytest.mark.parametrize(
    ("statement", "line", "says"),
    [
        ("UPDATE audit_log SET detail = 'nothing' WHERE id = 3", 3, "not what was written"),
        ("UPDATE audit_log SET actor = 'bob' WHERE id = 3", 3, "not what was written"),
        ("UPDATE audit_log SET at = at + 0.5 WHERE id = 3", 3, "not what was written"),
        ("DELETE FROM audit_log WHERE id = 3", 4, "changed, removed"),
        ("DELETE FROM audit_log WHERE id = 1", 2, "changed, removed"),
        ("DELETE FROM audit_log WHERE id > 4", 4, "2 lines were written after it"),
        ("DELETE FROM audit_log", 0, "6 lines were written after it"),
        ("UPDATE audit_log SET id = 100 WHERE id = 3", 4, "changed, removed"),
        (
            "INSERT INTO audit_log (id, at, actor, event, subject, detail) VALUES (7, 1, 'eve', 'a:b:c', '', '')",
            7,
            "without the chain",
        ),
        ("DELETE FROM audit_head", 0, "missing"),
        ("UPDATE audit_head SET mac = ''", 6, "seal does not fit"),
    ],
)
async def test_tampering_is_named_by_its_first_line(
    database: Database, statement: str, line: int, says: str
) -> None:
    """Changed, removed, added, moved, cut off at either end."""
    await write(database, *"abcdef")
    await tamper(database, statement)
    found = await verdict(database)
    assert not found.whole
    assert found.line == line
    assert says in found.problem


async def test_a_log_cut_short_together_with_its_end_does_not_pass(database: Database) -> None:
    """Whoever can write the database but not read the key file cannot sign the end that they made up."""
    await write(database, *"abcdef")
    kept = (await verdict(database)).anchor
    await tamper(database, "DELETE FROM audit_log WHERE id > 4")
    await tamper(
        database,
        "UPDATE audit_head SET count = 4, last_id = 4, hash = (SELECT hash FROM audit_log WHERE id = 4)",
    )
    found = await verdict(database)
    assert (found.whole, found.line) == (False, 4)
    assert "seal does not fit" in found.problem
    # And whoever has the key as well cannot reach an anchor that is kept elsewhere.
    unsigned = await verdict(database, kept, key=None)
    assert "shortened" in unsigned.problem


async def test_a_chain_written_anew_does_not_meet_its_anchor(database: Database) -> None:
    """Even one in which every hash fits."""
    await write(database, *"abc")
    kept = (await verdict(database)).anchor
    assert (await verdict(database, kept)).anchors == 1
    await tamper(database, "DELETE FROM audit_log")
    await tamper(database, f"UPDATE audit_head SET count = 0, last_id = 0, hash = '{'0' * 64}'")
    await write(database, "a", "b", "C")
    assert (await verdict(database)).whole
    found = await verdict(database, kept)
    assert (found.whole, found.problem.startswith("it is not the line")) == (False, True)


async def test_lines_from_before_get_a_chain_and_lose_their_addresses(empty: Database) -> None:
    """The migration chains what is there, and names accounts by id instead of by address."""

    def older(connection: Connection) -> None:
        alembic = config()
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, "0005")
        connection.execute(
            text(
                "INSERT INTO accounts (id, email, email_key, password_hash, operator, paid, unlimited, pending, disabled,"
                " created_at, standing, standing_reason, active_days, last_active_day, last_active_at, tokens_used,"
                " familiar, created_from, created_fingerprint) VALUES ('00000000000000aa', 'Op@example.com',"
                " 'op@example.com', '', TRUE, FALSE, FALSE, FALSE, '', 1, 1, '', 0, 0, 0, 0, '', '', 0)"
            )
        )
        for actor, subject in (("Op@example.com", ""), ("ada (command line)", "who@example.com")):
            connection.execute(
                text(
                    "INSERT INTO audit_log (at, actor, event, subject, detail) VALUES (1, :a, 'x:y:z', :s, '')"
                ),
                {"a": actor, "s": subject},
            )

    async with empty.engine.begin() as connection:
        await connection.run_sync(older)
    await upgrade(empty)
    async with empty.session() as session:
        lines = [(each.actor, each.subject) async for each in all_audit(session)]
        email = await session.scalar(text("SELECT email FROM accounts"))
    assert lines == [("account 00000000000000aa", ""), ("ada (command line)", "an address")]
    assert email == "Op@example.com"
    assert (await verdict(empty, key=None)).lines == 2
    await write(empty, "and on")
    assert (await verdict(empty, key=None)).whole
