"""Doctor looks at the service that runs, not at what a file says of it."""

from pathlib import Path

import pytest

from pontlevis.config import EngineSettings, Settings
from pontlevis.controller.children import write_settings
from pontlevis.doctor.check import Level
from pontlevis.doctor.service import as_started
from pontlevis.runtime import RunNote


def _note(sockets: Path) -> RunNote:
    return RunNote(7, "http://127.0.0.1:9000", "http://127.0.0.1:9001", "none", str(sockets), 1.0)


def test_listeners_and_engines_are_those_of_its_start(tmp_path: Path) -> None:
    """Its flags stand in no file of the operator's."""
    engine = EngineSettings(url="http://127.0.0.1:5")
    write_settings(Settings(host="0.0.0.0", port=9000, operator_port=9001, engines=(engine,)), tmp_path / "settings.json")  # fmt: skip
    found, check = as_started(Settings(), _note(tmp_path))
    assert (found.host, found.port, found.operator_port, found.engines) == ("0.0.0.0", 9000, 9001, (engine,))
    assert (check.level, "http://127.0.0.1:9000" in check.says) == (Level.OK, True)


def test_a_simulated_engine_is_told_and_not_asked(tmp_path: Path) -> None:
    """It is no engine of the operator's."""
    write_settings(Settings(engines=(EngineSettings(url="http://127.0.0.1:5", simulated=True),)), tmp_path / "settings.json")  # fmt: skip
    found, check = as_started(Settings(), _note(tmp_path))
    assert (found.engines, check.level) == ((), Level.WARN)
    assert "simulator" in check.says


@pytest.mark.parametrize("content", [None, b"{", b'{"port": "none"}'])
def test_what_cannot_be_read_leaves_the_files_word(tmp_path: Path, content: bytes | None) -> None:
    """A service of another user, or one that ends just now."""
    if content is not None:
        (tmp_path / "settings.json").write_bytes(content)
    found, check = as_started(Settings(port=4), _note(tmp_path))
    assert (found.port, check.level) == (4, Level.WARN)
