"""The journal: what the brain was told comes back, whatever happens to the process, the disk and the load."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pontlevis.brain.observation import BandSample, Kind, Observation, Outcome, ServiceSample
from pontlevis.brain.posture.state import PostureState
from pontlevis.evidence.frames import MAGIC, Sampled, Seen, Stood, Ticked, pack
from pontlevis.evidence.journal import HOUR_S, Journal, hour_name, journal_files
from pontlevis.evidence.policy import JournalPolicy
from pontlevis.evidence.reader import JournalReader
from pontlevis.evidence.thinning import Thinning

T0 = 1_738_000_800.0  # 2025-01-27 18:00:00 UTC, the beginning of an hour


def seen(at: float, number: int = 0, *, count: int = 1, tokens: int = 0) -> Observation:
    return Observation(
        at, Kind.REQUEST, Outcome.OK, f"192.0.2.{number % 250}", 7, "acct", 3, "", count=count, tokens=tokens
    )


def written(folder: Path, seconds: int, *, a_second: int = 3, policy: JournalPolicy | None = None) -> Journal:
    """A journal of so many seconds, closed."""
    journal = Journal(folder, policy or JournalPolicy(queue_s=100_000))
    journal.start()
    journal.stood(T0, PostureState(), reason="The service started.", actor="start")
    for second in range(seconds):
        now = T0 + second
        for number in range(a_second):
            journal.observe(seen(now, number))
        journal.sample(ServiceSample(now, 1.0, [BandSample(3, 5, 5)]))
        journal.tick(now, "normal")
    journal.close()
    return journal


def test_what_was_told_comes_back_in_its_order(tmp_path: Path) -> None:
    """Observations, samples, ticks and postures, each as it was."""
    written(tmp_path, 5)
    entries = list(JournalReader(tmp_path).entries())
    kinds = [type(each) for each in entries]
    assert kinds == [Stood, *[Seen, Sampled, Ticked] * 5]
    facts = list(JournalReader(tmp_path).facts())
    assert [at for at, _ in facts] == sorted(at for at, _ in facts)
    assert sum(isinstance(fact, Observation) for _, fact in facts) == 15
    assert sum(isinstance(fact, ServiceSample) for _, fact in facts) == 5
    assert facts[0][1] == seen(T0, 0)


def test_a_part_of_the_time_can_be_asked_for(tmp_path: Path) -> None:
    """By whole seconds, over the border of hours."""
    written(tmp_path, 2 * HOUR_S + 5, a_second=1)
    assert [each.stem for each in journal_files(tmp_path)] == [
        "20250127T18",
        "20250127T19",
        "20250127T20",
    ]
    reader = JournalReader(tmp_path)
    ticks = [each.at for each in reader.entries(T0 + HOUR_S - 2, T0 + HOUR_S + 2) if isinstance(each, Ticked)]
    assert ticks == [T0 + HOUR_S + each for each in (-2, -1, 0, 1, 2)]


def test_it_is_private_to_its_owner(tmp_path: Path) -> None:
    """Addresses and account identifiers are nobody else's business."""
    folder = tmp_path / "journal"
    written(folder, 2)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [each.stat().st_mode & 0o777 for each in journal_files(folder)] == [0o600]


@settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_wherever_a_file_is_cut_or_damaged_what_lies_before_counts(
    tmp_path: Path, data: st.DataObject
) -> None:
    """No other exception, no seconds out of nothing; and the next start goes on behind the last whole frame."""
    for each in journal_files(tmp_path):
        each.unlink()
    written(tmp_path, 20)
    (path,) = journal_files(tmp_path)
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = data.draw(st.booleans())
    torn = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] if damaged else whole[:at]
    path.write_bytes(torn)
    left = [each.at for each in JournalReader(tmp_path).entries() if isinstance(each, Ticked)]
    assert left == [T0 + each for each in range(len(left))]
    assert len(left) < 20
    again = Journal(tmp_path, JournalPolicy())
    again.start()
    again.tick(T0 + 100, "normal")
    again.close()
    after = [each.at for each in JournalReader(tmp_path).entries() if isinstance(each, Ticked)]
    assert after == [*left, T0 + 100]


def test_what_is_no_journal_is_left_alone(tmp_path: Path) -> None:
    """Other files, other formats, a frame that claims to be huge."""
    (tmp_path / "notes.journal").write_bytes(b"x")
    (tmp_path / "20250127T18.journal").write_bytes(b"something else")
    (tmp_path / "20250127T19.journal").write_bytes(MAGIC + b"\xff" * 64)
    assert list(JournalReader(tmp_path).entries()) == []
    assert (tmp_path / "notes.journal").exists()
    assert list(JournalReader(tmp_path / "nowhere").facts()) == []


def test_a_process_that_is_killed_leaves_all_but_the_last_seconds(tmp_path: Path) -> None:
    """``kill -9`` in the middle of writing."""
    script = (
        "import sys, time; from pathlib import Path\n"
        "sys.path[:0] = ['tests/evidence']\n"
        "from test_evidence_journal import *\n"
        "journal = Journal(Path(sys.argv[1]), JournalPolicy()); journal.start(); second = 0\n"
        "while True:\n"
        "    for number in range(500): journal.observe(seen(T0 + second, number))\n"
        "    journal.tick(T0 + second, 'normal'); second += 1; print(second, flush=True)\n"
        "    while journal._waiting.qsize() > 5: time.sleep(0.001)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    said = 0
    while said < 60:
        said = int(child.stdout.readline())
    os.kill(child.pid, signal.SIGKILL)
    child.stdout.read()
    child.wait()
    child.stdout.close()
    ticks = [each.at for each in JournalReader(tmp_path).entries() if isinstance(each, Ticked)]
    assert ticks == [T0 + each for each in range(len(ticks))]
    assert len(ticks) >= 60 - JournalPolicy().queue_s


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 3_000), min_size=1, max_size=8), st.integers(1, 200))
def test_a_flood_is_thinned_with_weights_that_are_known(seconds: list[int], budget: int) -> None:
    """Few are kept, and by their weights they are as many as there were, to a weight a second."""
    thinning = Thinning(budget)
    for number in seconds:
        weight = thinning.weight
        for _ in range(number):
            thinning.take(seen(T0))
        kept = thinning.second(1)
        total = sum(each.weight * len(each.observations) for each in kept)
        heaviest = max((each.weight for each in kept), default=weight)
        assert abs(total - number) <= 2 * heaviest
        assert sum(len(each.observations) for each in kept) <= budget * 13
        if number < budget and weight == 1:
            assert total == number


def test_weights_reach_counts_and_tokens(tmp_path: Path) -> None:
    """Whoever reads facts need not know of thinning."""
    tmp_path.joinpath("20250127T18.journal").write_bytes(
        MAGIC + pack([Seen(4, [seen(T0, count=3, tokens=10)]), Ticked(T0, "normal")])
    )
    ((_, fact),) = JournalReader(tmp_path).facts()
    assert isinstance(fact, Observation)
    assert (fact.count, fact.tokens) == (12, 40)


def test_old_hours_and_too_many_bytes_go(tmp_path: Path) -> None:
    """The oldest first, and no other file."""
    (tmp_path / "other.txt").write_text("mine")
    for hour in range(40):
        path = tmp_path / f"{hour_name(T0 - hour * HOUR_S)}.journal"
        path.write_bytes(MAGIC + bytes(100_000))
    journal = Journal(tmp_path, JournalPolicy(keep_h=26, most_mib=1))
    journal.start()
    journal.tick(T0 + HOUR_S, "normal")
    journal.close()
    left = journal_files(tmp_path)
    assert sum(each.stat().st_size for each in left) <= 800_000
    assert left[-1].stem == hour_name(T0 + HOUR_S)
    assert (tmp_path / "other.txt").exists()


def test_an_hour_that_is_ahead_of_its_bytes_is_thinned(tmp_path: Path) -> None:
    """A flood of an hour leaves room for the day before it: a quarter of all bytes, and no more."""
    journal = Journal(tmp_path, JournalPolicy(most_mib=1, exact_per_s=2_000, queue_s=100_000))
    journal.start()
    for second in range(600):
        for number in range(2_000):
            journal.observe(
                Observation(
                    T0 + second,
                    Kind.REQUEST,
                    Outcome.OK,
                    f"10.0.{number % 250}.{second % 250}",
                    number * 7919,
                )
            )
        journal.tick(T0 + second, "normal")
        while journal._waiting.qsize():
            time.sleep(0.001)
    journal.close()
    (path,) = journal_files(tmp_path)
    assert path.stat().st_size <= 1_048_576 / 4
    facts = [fact for _, fact in JournalReader(tmp_path).facts() if isinstance(fact, Observation)]
    assert max(fact.count for fact in facts) > 1
    assert sum(fact.count for fact in facts) == pytest.approx(1_200_000, rel=0.05)


def test_a_disk_that_hangs_drops_and_counts_and_nobody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue is bounded; the next second that is written tells how many observations are missing."""
    stuck = True
    journal = Journal(tmp_path, JournalPolicy(queue_s=3))
    write = journal._files.write

    def slow(at: float, frame: bytes) -> None:
        while stuck:
            time.sleep(0.001)
        write(at, frame)

    monkeypatch.setattr(journal._files, "write", slow)
    journal.start()
    for second in range(10):
        journal.observe(seen(T0 + second))
        journal.tick(T0 + second, "normal")
    assert journal.dropped >= 6
    stuck = False
    while journal._waiting.qsize():
        time.sleep(0.001)
    journal.tick(T0 + 10, "normal")
    journal.close()
    ticks = [each for each in JournalReader(tmp_path).entries() if isinstance(each, Ticked)]
    assert ticks[-1].dropped == journal.dropped
    kept = sum(isinstance(fact, Observation) for _, fact in JournalReader(tmp_path).facts())
    assert kept + journal.dropped == 10


def test_a_disk_that_refuses_is_counted_and_the_service_goes_on(tmp_path: Path) -> None:
    """Where the folder cannot be made, say."""
    (tmp_path / "journal").write_text("a file is in the way")
    journal = Journal(tmp_path / "journal", JournalPolicy())
    journal.start()
    journal.observe(seen(T0))
    journal.tick(T0, "normal")
    while not journal._files._lost:
        time.sleep(0.001)
    journal.tick(T0 + 1, "normal")
    assert journal.dropped == 1
    journal.close()


def test_switched_off_it_writes_nothing(tmp_path: Path) -> None:
    """Not even the folder."""
    folder = tmp_path / "journal"
    written(folder, 3, policy=JournalPolicy(enabled=False))
    assert not folder.exists()
