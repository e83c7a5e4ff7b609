"""The benchmark runs, with counts too small to mean anything."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bench.loadgen import Kind
from bench.measure import KINDS, PeerResult, Plan, Result, Series
from bench.report import ratios

ROOT = Path(__file__).parents[2]


def run_bench(*options: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *options],
        cwd=ROOT,
        env=os.environ if path is None else os.environ | {"PATH": f"{path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=480,
        check=False,
    )


def test_every_peer_is_measured_and_written_down(tmp_path: Path) -> None:
    """One command, a table, a file with all figures; no verdict on how fast this machine is."""
    pytest.importorskip("envoy")
    out = tmp_path / "bench.json"
    counts = ["--plain", "60", "--streams", "4", "--chunks", "10", "--refused", "60", "--connections", "4",
              "--large", "4", "--held", "50", "--peers", "direct,envoy,pontlevis", "--workers", "2"]  # fmt: skip
    done = run_bench("--rounds", "1", *counts, "--json", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Ratios of the data path" in done.stdout
    report = json.loads(out.read_text())
    assert set(report["peers"]) == {"direct", "envoy", "pontlevis", "pontlevis-2"}
    for name in ("envoy", "pontlevis", "pontlevis-2"):
        peer = report["peers"][name]
        assert set(peer["kinds"]) == set(KINDS)
        assert all(each["data_path_us"][0] > 0 for each in peer["kinds"].values())
        assert all(size > 0 for size in peer["rss_mib"].values())
    assert len(report["ratios"]) == 3


def test_an_unknown_peer_is_refused() -> None:
    """The message names those that there are."""
    done = run_bench("--peers", "direct,caddy")
    assert done.returncode == 2
    assert "caddy" in done.stderr


def peer_taking(plain: float, streamed: float, refused: float) -> PeerResult:
    values: dict[Kind, float] = {"plain": plain, "streamed": streamed, "refused": refused}
    return PeerResult({kind: Series(path_us=[value]) for kind, value in values.items()})


def test_ratios_are_taken_round_by_round_and_know_their_bounds() -> None:
    """A round in which the machine was busy slows both, and an outlier does not decide. A refusal is held against a plain request."""
    ours, envoy = peer_taking(50.0, 20.0, 17.0), peer_taking(34.0, 17.0, 30.0)
    ours.series["plain"].path_us += [150.0, 900.0]
    ours.series["refused"].path_us += [51.0, 17.0]
    envoy.series["plain"].path_us += [102.0, 34.0]
    found = ratios(Result(Plan(), {"pontlevis": ours, "envoy": envoy}, {}, 1.0, 0.0))
    assert [(round(each.value, 2), each.kept) for each in found] == [(1.47, True), (1.18, False), (0.5, True)]


def test_without_envoy_there_are_no_ratios() -> None:
    """Nothing to hold against."""
    assert ratios(Result(Plan(), {"pontlevis": peer_taking(1.0, 1.0, 1.0)}, {}, 1.0, 0.0)) == []


def test_a_peer_that_cannot_start_is_left_out_and_said_with_its_own_words(tmp_path: Path) -> None:
    """Whatever brackets those words hold; the others are measured."""
    pytest.importorskip("envoy")
    broken = tmp_path / "haproxy"
    broken.write_text("#!/bin/sh\necho '[ALERT] [/usr/sbin/haproxy.main()] Cannot bind' >&2\nexit 1\n")
    broken.chmod(0o755)
    counts = ["--plain", "20", "--streams", "2", "--chunks", "4", "--refused", "20", "--connections", "2",
              "--large", "2", "--held", "0", "--peers", "direct,envoy,haproxy"]  # fmt: skip
    done = run_bench("--rounds", "1", *counts, path=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "haproxy is left out" in done.stdout
    assert "haproxy.main()" in done.stdout
