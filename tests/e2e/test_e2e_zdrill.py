"""The quick drill, with real processes: what must be true whatever the machine's speed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.alone


def drill(directory: Path, *options: str) -> dict[str, object]:
    """Plays the quick drill and returns its JSON."""
    out = directory / "drill.json"
    done = subprocess.run(
        [sys.executable, "-m", "pontlevis", "drill", "--quick", "--seed", "2", "--json", str(out), "--report", str(directory / "drill.html"), *options],
        capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, object] = json.loads(out.read_text())
    return result


def test_the_drill_holds(tmp_path: Path) -> None:
    """Found, registrations suspended, existing users served, opened again; figures in the report, nothing left running."""
    result = drill(tmp_path)
    for name in ("finding_s", "posture_s", "registration_suspended_s", "reopening_s"):
        assert result[name] is not None, name
    assert result["honest_signups_refused_before_attack"] == 0
    assert float(str(result["existing_goodput_ratio"])) > 0.9
    at_engine, asked = int(str(result["hostile_requests_at_engine"])), int(str(result["hostile_requests"]))
    assert asked > 1_000
    assert at_engine < asked * 0.05
    assert result["timeline"]
    assert (tmp_path / "drill.html").read_text().startswith("<!doctype html>")
