"""The guard keeps what detection learned, knows what files say, and enforces nothing in a dry run."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from pontlevis.brain.detection.finding import Measure
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.reach import Reach
from pontlevis.config import Settings
from pontlevis.controller.guard import Guard
from pontlevis.enforcement.book import DecisionBook, Protected
from pontlevis.knowledge.policy import KnowledgePolicy
from pontlevis.storage.audit import recent_audit
from pontlevis.storage.database import Database
from pontlevis.storage.migrate import upgrade
from pontlevis.storage.tables.control import DetectionMemoryRow

START = 1_738_000_000.0


@dataclass
class Clock:
    now: float = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the default settings write is written there."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database.in_directory(tmp_path)
    await upgrade(opened)
    yield opened
    await opened.close()


def guard_on(database: Database, clock: Clock, settings: Settings) -> Guard:
    protected = Protected(settings.trusted_proxies)
    return Guard(settings, database, protected, DecisionBook(database, protected, clock), clock)


async def guesses(guard: Guard, clock: Clock, source: str, seconds: int = 12) -> None:
    """A list of passwords tried from one source, one a second."""
    for second in range(seconds):
        guard.observe(
            Observation(
                clock.now, Kind.LOGIN, Outcome.BAD_CREDENTIAL, source, 7, f"u{second}", 0, "a.example"
            )
        )
        clock.now += 1
        await guard.tick()


def served(guard: Guard, clock: Clock, source: str, account: str = "ada") -> None:
    guard.observe(Observation(clock.now, Kind.REQUEST, Outcome.OK, source, 7, account, 3, "", 1, 50))


async def test_what_was_learned_survives_a_restart(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """What is usual, and who vouches for which place."""
    clock = Clock()
    guard = guard_on(database, clock, Settings())
    await guard.start()
    for _ in range(90):
        for number in range(20):
            served(guard, clock, "192.0.2.9", f"a{number}")
        clock.now += 1
        await guard.tick()
    await guard.memory.keep()
    await guard.memory.keep()
    again = guard_on(database, clock, Settings())
    with caplog.at_level(logging.INFO):
        await again.start()
    assert any("detection:memory:restored 0 s old" in each for each in caplog.messages)
    assert again.detection.baseline.requests == pytest.approx(20)
    await guesses(again, clock, "192.0.2.9")
    await guesses(again, clock, "192.0.2.77")
    assert [each.value for each in again.decisions] == ["192.0.2.77"]
    (note,) = again.measure_notes
    assert (note.value, note.outcome) == ("192.0.2.9", "withheld")


async def test_a_broken_memory_is_told_of_and_learned_anew(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """The service starts."""
    async with database.session() as session:
        session.add(DetectionMemoryRow(id=1, state=b"\xc1", updated_at=START))
    guard = guard_on(database, Clock(), Settings())
    await guard.start()
    assert any("detection:memory:unreadable" in each for each in caplog.messages)
    await guard.memory.keep()
    async with database.session() as session:
        rows = (await session.scalars(select(DetectionMemoryRow))).all()
    assert len(rows) == 1
    assert rows[0].state != b"\xc1"


async def test_in_a_dry_run_measures_are_shown_and_logged_and_not_enforced(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """And stand in the audit log."""
    clock = Clock()
    guard = guard_on(database, clock, Settings(detection=DetectionPolicy(measures_dry_run=True)))
    await guard.start()
    await guesses(guard, clock, "192.0.2.77")
    assert guard.decisions == []
    (note,) = guard.measure_notes
    assert (note.scope, note.value, note.outcome) == ("address", "192.0.2.77", "dry_run")
    assert guard.sources.measures == {"dry_run": 1, "withheld": 0}
    assert any(each.startswith("decision:source:dry_run count=1") for each in caplog.messages)
    async with database.session() as session:
        events = [row.event for row in await recent_audit(session, most=10)]
    assert "decision:source:dry_run" in events
    assert "decision:source:made" not in events


async def test_files_are_read_renewed_and_shown(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Networks by name, with their acts; bad lines with a warning."""
    table, exits = tmp_path / "asn.csv", tmp_path / "vpn.txt"
    table.write_text("192.0.2.0/24,64500,Example Net\n")
    exits.write_text("192.0.2.64/26\nnonsense\n")
    knowledge = KnowledgePolicy(asn_files=(str(table),), vpn_files=(str(exits),))
    clock = Clock()
    guard = guard_on(database, clock, Settings(knowledge=knowledge))
    await guard.start()
    with caplog.at_level(logging.INFO):
        await guard.library.look()
    assert any(each.startswith(f"sources:file:read {table}: 1 ranges") for each in caplog.messages)
    warned = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert warned == [
        f"sources:file:read {exits}: 1 ranges, 1 bad lines (line 2: 'nonsense' is no address and no prefix)"
    ]
    await guesses(guard, clock, "192.0.2.77", seconds=3)
    view = guard.sources
    assert [(each.network, each.acts, each.hosted) for each in view.networks] == [
        ("AS64500 (Example Net)", 3, 3)
    ]
    assert [(each.sort, each.ranges, each.bad) for each in view.files] == [("asn", 1, 0), ("vpn", 1, 1)]
    assert [each.key for each in view.heavy["failures_by_account"]] == ["u2", "u1", "u0"]
    table.write_text("192.0.2.0/24,64511,Renamed Net\n")
    await guard.library.look()
    assert guard.detection.networks(1) == [("AS64500", 3, 3)]
    await guesses(guard, clock, "192.0.2.5", seconds=1)
    assert ("AS64511 (Renamed Net)", 1, 0) in guard.detection.networks(5)


async def test_a_posture_begins_when_the_service_first_starts(database: Database) -> None:
    """Not in 1970, as pages would otherwise say."""
    clock = Clock()
    guard = guard_on(database, clock, Settings())
    await guard.start()
    assert (guard.posture.since, guard.posture.registration_since) == (START, START)
    guard.journal.close()


async def test_a_decision_of_narrow_reach_survives_a_restart_beside_a_wider_one(database: Database) -> None:
    """Kept with its reach, and ended alone; an account is refused altogether or not at all."""
    clock = Clock()
    book = DecisionBook(database, Protected(()), clock)
    await book.start()
    proposed = [
        Measure("address", "203.0.113.5", "made-up keys", "", 900.0, reach=Reach.KEYLESS),
        Measure("address", "203.0.113.5", "guesses", "", 900.0, reach=Reach.LOG_INS),
        Measure("address", "203.0.113.5", "made-up keys", "", 900.0, reach=Reach.KEYLESS),
    ]
    made = [*await book.propose(proposed[:2]), *await book.propose(proposed[2:])]
    assert [each.reach for each in made] == [Reach.KEYLESS, Reach.LOG_INS]
    by_hand = await book.decide(
        scope="prefix", value="192.0.2.0/24", reason="spam", duration_s=60, actor="ada", reach=Reach.SIGN_UPS
    )
    assert by_hand.reach is Reach.SIGN_UPS
    with pytest.raises(ValueError, match="altogether"):
        await book.decide(
            scope="account", value="a", reason="spam", duration_s=60, actor="ada", reach=Reach.KEYLESS
        )
    await book.lift(made[0].id, actor="ada", reason="mistake")
    again = DecisionBook(database, Protected(()), clock)
    await again.start()
    assert sorted(each.reach for each in again.in_force) == [Reach.LOG_INS, Reach.SIGN_UPS]
