"""The directory of a service, and one that was named by mistake."""

from pathlib import Path

import pytest

from pontlevis.runtime import DataDirectory


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
