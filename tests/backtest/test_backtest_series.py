"""Rate series as monitoring systems, databases and spreadsheets export them: how much, and over which time."""

from __future__ import annotations

from pathlib import Path

import pytest

from pontlevis.backtest import spread
from pontlevis.backtest.logs import LogReading, ReadOptions
from pontlevis.brain.observation import Observation


def read(tmp_path: Path, text: str) -> tuple[LogReading, list[Observation]]:
    file = tmp_path / "rates.csv"
    file.write_text(text)
    reading = LogReading([file], ReadOptions())
    return reading, list(reading.observations())


DAY = "2024-02-01"
WRITTEN = [
    ("time,count", f"{DAY}T10:00:00Z,600", f"{DAY}T10:01:00Z,60"),
    ("count,time", f"600,{DAY}T10:00:00Z", f"60,{DAY}T10:01:00Z"),
    ("sep=;", '"Time";"requests"', f'"{DAY} 10:00:00";600', f'"{DAY} 10:01:00";60'),
    ("Zeit;Anzahl", "01.02.2024 10:00:00;600", "01.02.2024 10:01;60"),
    ("timestamp\thits", f"{DAY} 10:00\t600", f"{DAY} 10:01\t60"),
    ("date,hits", "2024/02/01 10:00,600.0", "2024/02/01 10:01,60.0"),
    ("1706781600000,600", "1706781660000,60"),
    ("time,host,count", f"{DAY}T10:00:00Z,a,600", f"{DAY}T10:01:00Z,a,60"),
    ("time,rps", f"{DAY}T10:00:00Z,10", f"{DAY}T10:01:00Z,1"),
    ("time,requests per second", f"{DAY}T10:00:00Z,10", f"{DAY}T10:01:00Z,1"),
]


@pytest.mark.parametrize("rows", WRITTEN, ids=[each[0] for each in WRITTEN])
def test_ten_a_second_for_a_minute_then_one(tmp_path: Path, rows: tuple[str, ...]) -> None:
    """However it is written; of a number a second the interval makes a count."""
    reading, observations = read(tmp_path, "\n".join(rows) + "\n")
    assert (reading.files[0].format, reading.files[0].broken) == ("series", 0)
    start = 1706781600
    minutes = [
        sum(each.count for each in observations if start + m <= each.at < start + m + 60) for m in (0, 60)
    ]
    assert minutes == [600, 60]
    assert sum(minutes) == sum(each.count for each in observations)


def test_thousands_may_be_set_apart(tmp_path: Path) -> None:
    """In quotation marks where a comma separates the columns."""
    _, observations = read(tmp_path, f'time,count\n{DAY}T10:00:00Z,"1,200"\n{DAY}T10:01:00Z,"2,300,000"\n')
    assert sum(each.count for each in observations) == 2_301_200


def test_the_newest_row_may_stand_first(tmp_path: Path) -> None:
    """As databases and dashboards export: nothing of it is lost."""
    rows = [f"{DAY}T10:{minute:02}:00Z,{minute * 10}" for minute in range(59, -1, -1)]
    reading, observations = read(tmp_path, "time,count\n" + "\n".join(rows))
    assert sum(each.count for each in observations) == sum(10 * n for n in range(60))
    assert [each.at for each in observations] == sorted(each.at for each in observations)
    assert reading.disorder == (0, 0, 0.0)


def test_rows_that_are_turned_round_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is said."""
    monkeypatch.setattr(spread, "MOST_BACKWARDS", 10)
    rows = [f"{DAY}T10:{minute:02}:00Z,1" for minute in range(30, 0, -1)]
    reading, observations = read(tmp_path, "time,count\n" + "\n".join(rows))
    assert sum(each.count for each in observations) == 10
    assert any("20 rows too many" in each for each in reading.files[0].first_broken)


def test_a_gap_is_no_part_of_the_row_before_it(tmp_path: Path) -> None:
    """A peak before an outage stays a peak, of the length that rows usually have."""
    text = f"time,count\n{DAY}T10:00:00Z,60\n{DAY}T10:01:00Z,60\n{DAY}T10:02:00Z,6000\n{DAY}T14:00:00Z,60\n"
    _, observations = read(tmp_path, text)
    peak = [each for each in observations if each.at >= 1706781600 + 120 and each.at < 1706781600 + 14_400]
    assert sum(each.count for each in peak) == 6000
    assert peak[-1].at - peak[0].at < 60


def test_less_than_one_is_carried_on(tmp_path: Path) -> None:
    """A tenth a second is six a minute, and nothing is rounded away."""
    rows = [f"{DAY}T10:{minute:02}:00Z,0.1" for minute in range(50)]
    _, observations = read(tmp_path, "time,rate\n" + "\n".join(rows))
    assert sum(each.count for each in observations) == 300
    assert {each.count for each in observations} == {1}


def test_a_month_before_the_day_between_slashes_is_not_guessed(tmp_path: Path) -> None:
    """02/01 is February in one country and January in most."""
    with pytest.raises(ValueError, match="none of the known formats"):
        read(tmp_path, "date,hits\n02/01/2024 10:00,600\n02/01/2024 10:01,60\n")
