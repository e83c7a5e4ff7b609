"""The quick drill, with real processes: what must be true whatever the machine's speed."""

import json
import os
import subprocess
import sys
from pathlib import Path

from surroundings import PATIENCE_S

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("PONTLEVIS_")}


def drill(directory: Path, *options: str) -> dict[str, object]:
    """Plays the quick drill and returns its JSON."""
    out = directory / "drill.json"
    done = subprocess.run(
        [sys.executable, "-m", "pontlevis", "drill", "--quick", "--seed", "2", "--json", str(out), "--report", str(directory / "drill.html"), *options],
        capture_output=True, text=True, timeout=480, check=False, env=CLEAN,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, object] = json.loads(out.read_text())
    return result


def test_the_drill_holds(tmp_path: Path) -> None:
    """Found, registrations suspended, existing users served, opened again; figures in the report, nothing left running."""
    result = drill(tmp_path, "--keep", str(tmp_path / "kept"))
    for name in ("finding_s", "posture_s", "registration_suspended_s", "reopening_s"):
        assert result[name] is not None, name
    assert result["honest_signups_refused_before_attack"] == 0
    assert float(str(result["existing_goodput_ratio"])) > 0.9
    at_engine, asked = int(str(result["hostile_requests_at_engine"])), int(str(result["hostile_requests"]))
    assert asked > 1_000
    assert at_engine < asked * 0.05
    assert result["timeline"]
    assert (tmp_path / "drill.html").read_text().startswith("<!doctype html>")
    leaves_its_story(tmp_path / "kept")


def leaves_its_story(kept: Path) -> None:
    """An incident with a public history, evidence that verifies, an investigation, a report for those who were not there."""
    config = str(kept / "attacked" / "pontlevis.toml")

    def run(*words: str) -> str:
        done = subprocess.run([sys.executable, "-m", "pontlevis", *words, "--config", config], capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=CLEAN)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    verified = json.loads(run("evidence", "verify", "--json"))
    assert verified["broken"] == ""
    assert verified["notes"] == []  # the end of the chain was compared with the database's
    assert verified["rows"] > 500
    run("investigate", "latest", "--json", str(kept / "i.json"), "--quiet")
    found = json.loads((kept / "i.json").read_text())
    assert any(each["hostile"] for each in found["clusters"])
    assert found["honest_hit"] <= 2
    text = (kept / "incident.md").read_text()
    for part in ("## In short", "## Timeline", "Status page: identified", "registrations: suspended", "## What would have caught it sooner", "as they are", "The evidence verifies"):  # fmt: skip
        assert part in text, part
    page = (kept / "incident.html").read_text()
    assert "<svg" in page
    assert "<script" not in page
