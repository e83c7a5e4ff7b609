"""A service's own journal, replayed as any other past."""

from __future__ import annotations

from pathlib import Path

import pytest

from pontlevis.backtest.journal import JournalReading, NoJournal
from pontlevis.backtest.replay import replay
from pontlevis.brain.observation import BandSample, Kind, Observation, Outcome, ServiceSample
from pontlevis.brain.vocabulary import Standing
from pontlevis.evidence.journal import FOLDER, Journal
from pontlevis.evidence.policy import JournalPolicy

T0 = 1_740_000_000.0


def test_a_journal_says_of_users_what_no_access_log_can(tmp_path: Path) -> None:
    """That existing users waited; observations arrive with their accounts."""
    journal = Journal(tmp_path / FOLDER, JournalPolicy())
    journal.start()
    for second in range(25):
        at = T0 + second
        journal.observe(Observation(at, Kind.REQUEST, Outcome.OK, "198.51.100.1", 1, "anna", Standing.PAID))
        journal.sample(ServiceSample(at, 1.0, [BandSample(Standing.PAID, 10, 10, wait_p99_s=4.0)]))
        journal.tick(at, "normal")
    journal.close()
    reading = JournalReading(tmp_path)
    gone: list[int] = []
    reading.on_progress(gone.append)
    result = replay(reading.observations(), samples=reading.samples())
    assert result.kinds == {"request": 25}
    assert reading.files[0].read == 25
    assert reading.size > 0
    assert "impact" in {each.detector for each in result.findings}


def test_a_directory_without_a_journal_is_said_to_be_one(tmp_path: Path) -> None:
    """In a sentence."""
    with pytest.raises(NoJournal, match="no journal"):
        JournalReading(tmp_path)
