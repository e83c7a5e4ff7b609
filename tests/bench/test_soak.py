"""The soak runs, for too short a time to judge memory, and its counters agree."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bench.soak import slope_mib_min

ROOT = Path(__file__).parents[2]


def test_twenty_seconds_of_mixed_load_lose_no_slot_and_no_count(tmp_path: Path) -> None:
    """Real processes, calls left and refused, an engine that dies: everything agrees but what only time can tell."""
    file = tmp_path / "soak.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench.soak", "--minutes", "0.33", "--json", str(file)],
        cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=480, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-2_000:]
    told = json.loads(file.read_text())
    assert told["restarts"] >= 1
    assert told["sent"]["abort_stream"] > 10
    assert sum(met is True for *_, met in told["checks"]) >= 11
    assert {name for name, *_, met in told["checks"] if met is None} >= {
        "Memory of gateway",
        "Memory of controller",
    }


def test_growth_is_told_from_noise_after_the_warm_up() -> None:
    """A megabyte a minute is found, a first jump is not."""
    grows = [(float(second), 50.0 + second / 60) for second in range(600)]
    assert slope_mib_min(grows) == pytest.approx(1.0)
    jumps = [(float(second), 50.0 if second < 100 else 90.0) for second in range(600)]
    assert slope_mib_min(jumps) == pytest.approx(0.0)
