"""The doctor says whether evidence of the last day was lost."""

from __future__ import annotations

from pathlib import Path

from pontlevis.config import Settings
from pontlevis.doctor.check import Level
from pontlevis.doctor.evidence_kept import check_evidence
from pontlevis.evidence.manifest import FileLine, Manifest
from pontlevis.evidence.store import FOLDER

NOW = 1_738_065_600.0


def test_acts_that_a_slow_disk_cost_are_told_for_a_day(tmp_path: Path) -> None:
    """And a chain that was tampered with is a failure."""
    settings = Settings(data=tmp_path)
    assert [each.level for each in check_evidence(settings, NOW)] == [Level.OK]
    manifest = Manifest(tmp_path / FOLDER)
    manifest.open()
    for number, dropped in ((1, 0), (2, 40)):
        manifest.append(
            FileLine(
                number, manifest.head.hash, NOW + number, f"{number}.parquet", "0", 1, 1, NOW, NOW, dropped
            ),
            "2025-01-28",
        )
    (lost,) = check_evidence(settings, NOW + 60)
    assert (lost.level, lost.name) == (Level.WARN, "evidence.dropped")
    assert "40 acts" in lost.says
    assert [each.level for each in check_evidence(settings, NOW + 200_000)] == [Level.OK]
    path = next((tmp_path / FOLDER / "manifest").iterdir())
    path.write_text(path.read_text().replace('"dropped":0', '"dropped":1'))
    assert [each.level for each in check_evidence(settings, NOW + 60)] == [Level.FAIL]
