"""The plots' figures over a restart: read back, bounded, private, and never a reason not to start."""

import logging
from pathlib import Path

import pytest

from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.controller.history import KEPT, KEPT_S, STEP_S, History
from pontlevis.controller.history_file import FILE_BYTES, SLOT_BYTES, HistoryFile

NOW = 1_738_000_000.0


class Room:
    """A history and its file, at a time set by hand."""

    def __init__(self, path: Path, now: float = NOW) -> None:
        self.now = now
        self.history = History()
        self.file = HistoryFile(path, self.history, lambda: self.now)

    def log_in(self) -> None:
        self.history.observe(Observation(self.now, Kind.LOGIN, Outcome.OK, "192.0.2.1"))

    def log_ins(self, last_s: float = 600.0) -> float:
        found = self.history.series(self.now + STEP_S, last_s, 1_000)
        return round(sum(found.columns["logins_ok"]) * found.step_s)


async def test_a_restart_goes_on_where_it_ended(tmp_path: Path) -> None:
    """Also in the middle of a step; what is on disk is private and holds each step once."""
    path = tmp_path / "ring"
    room = Room(path)
    assert await room.file.read() == 0
    for _ in range(20):
        room.log_in()
        await room.file.keep()
        room.now += 2.0
    assert path.stat().st_mode & 0o777 == 0o600
    again = Room(path, room.now)
    assert await again.file.read() == 8
    assert again.log_ins() == 20
    again.log_in()
    await again.file.keep()
    third = Room(path, again.now)
    await third.file.read()
    assert third.log_ins() == 21


async def test_the_file_is_a_ring_of_a_day(tmp_path: Path) -> None:
    """It never grows, and what is older than a day is not shown, nor what a clock that went back calls the future."""
    path = tmp_path / "ring"
    room = Room(path)
    for _ in range(KEPT + 50):
        room.log_in()
        room.now += STEP_S
    await room.file.keep()
    assert path.stat().st_size == FILE_BYTES
    assert FILE_BYTES < 4 << 20
    again = Room(path, room.now)
    assert await again.file.read() >= KEPT - 2
    assert again.log_ins(KEPT_S) >= KEPT - 3
    assert await Room(path, room.now + KEPT_S).file.read() == 0
    assert await Room(path, room.now - KEPT_S - STEP_S).file.read() <= 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is no history"),
        (b"nonsense" * 100, "it is no history"),
        (b"pontlevis history 0\nolder", "another version"),
    ],
    ids=["empty", "nonsense", "another version"],
)
async def test_a_file_that_is_none_is_told_and_written_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes, said: str
) -> None:
    path = tmp_path / "ring"
    path.write_bytes(content)
    room = Room(path)
    with caplog.at_level(logging.WARNING):
        assert await room.file.read() == 0
    assert said in caplog.text
    room.log_in()
    await room.file.keep()
    again = Room(path)
    assert await again.file.read() == 1


async def test_a_torn_slot_costs_that_step_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One with a byte changed, and one that a full disk cut short."""
    path = tmp_path / "ring"
    room = Room(path)
    for _ in range(3):
        room.log_in()
        room.now += STEP_S
    await room.file.keep()
    whole = path.read_bytes()
    last = len(whole)
    changed = bytearray(whole)
    changed[last - 2 * SLOT_BYTES + 20] ^= 0xFF
    path.write_bytes(changed[: last - 7])
    again = Room(path, room.now)
    with caplog.at_level(logging.WARNING):
        assert await again.file.read() == 1
    assert "2 steps were left out" in caplog.text


async def test_a_disk_that_fails_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The service goes on, and writes everything when it can again. A link is not followed."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"somebody's")
    path = tmp_path / "ring"
    path.symlink_to(elsewhere)
    room = Room(path)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            room.log_in()
            room.now += STEP_S
            await room.file.keep()
    assert caplog.text.count("controller:history:unwritten") == 1
    assert elsewhere.read_bytes() == b"somebody's"
    path.unlink()
    await room.file.keep()
    assert await Room(path, room.now).file.read() == 3
