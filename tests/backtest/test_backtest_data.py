"""Real logs, where ``PONTLEVIS_DATA`` names their directory: attacks that are asserted, and an ordinary day."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pontlevis.backtest.logs import LogReading, ReadOptions
from pontlevis.backtest.replay import replay
from pontlevis.backtest.result import BacktestResult
from pontlevis.brain.vocabulary import Posture
from surroundings import recorded_data

DATA = recorded_data()
pytestmark = pytest.mark.skipif(
    DATA is None, reason="PONTLEVIS_DATA does not name the directory with the logs"
)
ROOM = DATA or Path("/nonexistent")
FLOODS = [
    "http-bf-wordpress-bf", "http-dos-bypass-cache", "http-dos-random-uri", "http-dos-switching-ua",
    "nginx-http-generic-bf",
]  # fmt: skip
OTHERS = ["apache2-logs", "nginx_http-logs", "traefik_clf", "litellm-logs"]


def play(log: Path) -> tuple[LogReading, BacktestResult]:
    reading = LogReading([log], ReadOptions())
    return reading, replay(reading.observations())


def only_log(folder: str) -> Path:
    (log,) = (ROOM / "crowdsec-hub" / folder).glob("*.log")
    return log


@pytest.mark.parametrize("folder", FLOODS)
def test_wherever_an_attack_is_asserted_there_is_a_finding_and_it_names_the_source(folder: str) -> None:
    """No fewer than CrowdSec's own test expects, and nobody else."""
    asserted = (ROOM / "crowdsec-hub" / folder / "scenario.assert").read_text("utf-8")
    expected = set(re.findall(r'"([0-9a-f.:]+)" in results\[\d+\]\.Overflow\.GetSources', asserted))
    reading, result = play(only_log(folder))
    assert reading.files[0].broken == 0
    accused = {source for each in result.hostile for source in each.sources}
    assert accused == expected
    assert result.highest is Posture.NORMAL


@pytest.mark.parametrize("folder", OTHERS)
def test_lines_that_are_no_attack_are_read_without_an_accusation(folder: str) -> None:
    """Each line that its server could have written."""
    reading, result = play(only_log(folder))
    assert reading.files[0].read > 0
    assert reading.files[0].broken == 0
    assert result.hostile == []


def test_on_the_ordinary_web_log_there_is_no_attack() -> None:
    """Ten thousand lines, crawlers among them: nothing found, nobody measured, the posture never moves."""
    (log,) = (ROOM / "access-logs").glob("*.log")
    reading, result = play(log)
    assert (reading.files[0].read, reading.disorder[0]) == (10_000, 0)
    assert (result.hostile, result.decisions, result.postures) == ([], [], [])
