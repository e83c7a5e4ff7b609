"""The directory of a service, and one that was named by mistake."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pontlevis.runtime import DataDirectory, RunNote, make_sockets, remove_left_sockets


def test_a_directory_with_other_things_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """Recorded data, say, whose folder an environment variable named."""
    (tmp_path / "access-logs").mkdir()
    tmp_path.chmod(0o755)
    with pytest.raises(ValueError, match="access-logs"):
        DataDirectory(tmp_path).prepare()
    assert [each.name for each in tmp_path.iterdir()] == ["access-logs"]
    assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("harmless", ["lost+found", ".keep", "pontlevis.toml"])
def test_an_empty_directory_becomes_ours_and_stays_so(tmp_path: Path, harmless: str) -> None:
    """A volume's own folder or a settings file is nothing foreign; later it may hold whatever its owner puts there."""
    (tmp_path / harmless).touch()
    for _ in range(2):
        DataDirectory(tmp_path).prepare()
        DataDirectory(tmp_path).pepper()
        (tmp_path / "notes.txt").touch()
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_database_without_its_pepper_is_still_ours(tmp_path: Path) -> None:
    """As after half of a restore."""
    (tmp_path / "pontlevis.db").touch()
    DataDirectory(tmp_path).prepare()


def _note(sockets: Path) -> RunNote:
    return RunNote(os.getpid(), "http://127.0.0.1:1", "http://127.0.0.1:2", "none", str(sockets), 1.0)


def test_a_killed_service_is_not_taken_for_running_whoever_has_its_number_now(tmp_path: Path) -> None:
    """In a container every start may have the number of the last one: its own."""
    killed = DataDirectory(tmp_path)
    code = f"from pathlib import Path; from pontlevis.runtime import DataDirectory; assert DataDirectory(Path({str(tmp_path)!r})).claim()"
    subprocess.run([sys.executable, "-c", code], check=True)
    killed.note(_note(tmp_path))
    assert killed.running() is None
    assert killed.noted() is not None
    assert killed.claim()
    assert killed.running() is not None


def test_a_directory_is_held_by_one_service(tmp_path: Path) -> None:
    """Also where its note was taken away."""
    first = DataDirectory(tmp_path)
    assert first.claim()
    assert not DataDirectory(tmp_path).claim()


def test_what_a_killed_service_left_is_taken_away_and_nothing_else(tmp_path: Path) -> None:
    """The note is a file: what it names need not be ours."""
    left, other = make_sockets(), tmp_path / "pontlevis-other"
    other.mkdir()
    for each in (left, other, Path(tempfile.gettempdir())):
        remove_left_sockets(_note(each))
    assert not left.exists()
    assert other.exists()
