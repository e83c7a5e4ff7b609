"""Reports of drills, backtests and simulations lie where the console looks for them."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from pontlevis.cli import shelf
from pontlevis.web import operator_reports
from surroundings import PATIENCE_S


def test_the_console_lists_what_was_shelved(tmp_path: Path) -> None:
    """Page and figures, for nobody but their owner, under names that the console takes."""
    folder = shelf.shelf_of(tmp_path)
    assert folder == tmp_path / operator_reports.FOLDER
    made = shelf.shelve_both(folder, "drill-1", "<p>x</p>", b"{}")
    assert {(each.name, each.kind) for each in operator_reports.listed(folder)} == {
        (path.name, "drill") for path in made
    }
    assert {path.suffix for path in made} == {".html", ".json"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in made)
    assert sorted(folder.iterdir()) == sorted(made)


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Rather than make a new one by a slip of the hand."""
    with pytest.raises(typer.Exit):
        shelf.shelf_of(tmp_path / "nowhere")
    assert shelf.shelf_of(None) is None


def test_a_backtest_is_put_there(tmp_path: Path) -> None:
    """By the command itself."""
    log = tmp_path / "access.log"
    log.write_text('198.51.100.1 - - [28/Jan/2025:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "x"\n' * 5)
    done = subprocess.run([sys.executable, "-m", "pontlevis", "backtest", str(log), "--data", str(tmp_path)], capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "For the console:" in done.stdout
    assert {each.kind for each in operator_reports.listed(tmp_path / "reports")} == {"backtest"}
