"""Configuration files, good and bad: a bad one is an error that names the setting, and nothing starts."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pontlevis.config import Settings, UnreadableConfig, load
from surroundings import PATIENCE_S

GOOD = [
    "",
    'name = "Heron"\npublic_url = "https://llm.example.org"\n',
    '[[engines]]\nurl = "http://127.0.0.1:8000/v1"\napi_key = "x"\n[[engines]]\nurl = "http://127.0.0.1:8001"\n',
    "[admission]\nrequests_per_minute = 5\n[posture]\ndry_run = true\nramp = [0.1, 1.0]\n",
    'trusted_proxies = ["10.0.0.0/8", "::1"]\nanonymous = true\n',
]
BAD = [
    ("nmae = 'Heron'", "nmae"),
    ("port = 'eighty'", "port"),
    ("port = -1", "port"),
    ("port = 70000", "port"),
    ("name = 5", "name"),
    ("[admission]\nrequests_per_minutes = 5", "requests_per_minutes"),
    ("[admission]\nrequests_per_minute = 'many'", "requests_per_minute"),
    ("[posture]\nramp = [0.5, 0.1]", "ramp"),
    ("[posture]\ntime_scale = 0", "time_scale"),
    ("[accounts]\nargon2_memory_kib = 1", "argon2_memory_kib"),
    ("[[engines]]\naddress = 'http://127.0.0.1'", "engines"),
    ("engines = 'http://127.0.0.1'", "engines"),
    ("trusted_proxies = ['nowhere']", "trusted_proxies"),
    ("[gateway]\nmax_body_bytes = -5", "max_body_bytes"),
    ("[gateway]\nidle_timeout_s = 0", "idle_timeout_s"),
    ("[gateway]\nworkers = 0", "workers"),
    ("[gateway]\nworkers = 65", "workers"),
    ("[admission]\nrequests_per_minute = -1", "requests_per_minute"),
    ("[detection]\nlinger_s = nan", "linger_s"),
]


def written(directory: Path, text: str) -> Path:
    path = directory / "pontlevis.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("text", GOOD)
def test_good_files_are_read(tmp_path: Path, text: str) -> None:
    """Each of these could stand in the docs."""
    assert load(written(tmp_path, text)).port == 8080


@pytest.mark.parametrize(("text", "named"), BAD)
def test_bad_files_name_the_setting(tmp_path: Path, text: str, named: str) -> None:
    """As an error of validation, whose message an operator can act on."""
    with pytest.raises(ValidationError) as caught:
        load(written(tmp_path, text))
    assert named in str(caught.value)


@pytest.mark.parametrize("text", [BAD[0][0], "port = [", "\x00", "port = 'eighty'"])
def test_the_command_line_says_what_is_wrong_without_a_trace(tmp_path: Path, text: str) -> None:
    """And ends with a status of its own; nothing was started, no directory made."""
    done = subprocess.run(
        [sys.executable, "-m", "pontlevis", "up", "--config", str(written(tmp_path, text)), "--data", str(tmp_path / "d")],
        capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert "pontlevis.toml" in done.stderr or "port" in done.stderr or "nmae" in done.stderr
    assert not (tmp_path / "d").exists()


def test_a_file_that_was_read_leaves_nothing_behind(tmp_path: Path) -> None:
    """Settings made afterwards, without a file, have the defaults again; after a bad file too."""
    assert load(written(tmp_path, "port = 9000")).port == 9000
    assert Settings().port == 8080
    with pytest.raises(ValidationError):
        load(written(tmp_path, "bogus = 1"))
    assert Settings().port == 8080


values = st.recursive(
    st.one_of(st.integers(-10, 10**6), st.booleans(), st.text("abc/:.", max_size=9), st.floats(-1e3, 1e3)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
names = st.sampled_from(
    [
        "port",
        "host",
        "name",
        "engines",
        "anonymous",
        "trusted_proxies",
        "defence",
        "data",
        "operator_port",
        "bogus",
    ]
)


@given(
    st.dictionaries(names, values, max_size=4),
    st.dictionaries(st.text("abc_", min_size=1, max_size=9), values, max_size=2),
)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_stands_in_the_file_it_is_settings_or_a_named_error(
    tmp_path: Path, top: dict[str, object], table: dict[str, object]
) -> None:
    """No other exception."""

    def toml(value: object) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, list):
            return "[" + ", ".join(toml(each) for each in value) + "]"
        return f'"{value}"' if isinstance(value, str) else repr(value)

    lines = [f"{name} = {toml(value)}" for name, value in top.items()]
    lines += ["[posture]", *(f"{name} = {toml(value)}" for name, value in table.items())]
    with suppress(ValidationError, UnreadableConfig):
        load(written(tmp_path, "\n".join(lines)))
