"""Policy files, good and bad: a bad one is refused whole, with every problem and the nearest known name."""

import ast
import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pontlevis.config import Settings, load
from pontlevis.policy_file import LIVE, BadPolicyFile, changes, live_part, read_tables, ruled, section_names
from pontlevis.reference import SECTIONS
from surroundings import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
GOOD = [
    ("", []),
    ("[posture]\nstage_s = 300\n", ["posture.stage_s 600 → 300"]),
    ("[posture]\nramp = [0.5, 1.0]\n", ["posture.ramp [0.05, 0.25, 0.5, 1] → [0.5, 1]"]),
    (
        '[posture]\nelevated_registration = "approval"\n[accounts]\nhash_threads = 2\n',
        ["accounts.hash_threads 1 → 2 (at the next start)", "posture.elevated_registration open → approval"],
    ),
    ("[admission]\nrequests_per_minute = 60\n", ["admission.requests_per_minute 600 → 60"]),
    (
        "[detection]\ndetectors_off = ['token_drain']\n",
        ["detection.detectors_off [] → [token_drain] (at the next start)"],
    ),
    ("[posture]\nstage_s = 600\n", []),
]
BAD = [
    ("[postur]\nx = 1\n", ["[postur]: there is no such section; did you mean posture?"]),
    ("[posture]\nrampp = [1.0]\n", ["[posture] rampp: there is no such setting; did you mean ramp?"]),
    ("[posture]\nstage = 1\nzzzzzz = 2\n", ["did you mean stage_", "[posture] zzzzzz: there is no such setting"]),
    ("port = 80\n", ["port: a policy file has sections only"]),
    ("posture = 5\n", ["posture: this is a section: write [posture]"]),
    ("[engines]\nurl = 'x'\n", ["[engines]: there is no such section"]),
    ("[posture]\nramp = [0.5, 0.1]\n[admission]\nrequests_per_minute = -1\n", ["ramp must rise", "requests_per_minute"]),
    ("[posture]\nstage_s = 'long'\n", ["[posture] stage_s: "]),
    ("[posture]\nstage_s = nan\n", ["stage_s"]),
    ("[posture]\nelevated_registration = 'ajar'\n", ["elevated_registration"]),
    ("[admission]\nqueue_size = [1, 2]\n", ["queue_size"]),
    ("[posture]\nelevated_calm_max_s = 1\n", ["elevated_calm_max_s must not be less"]),
    ("[posture\n", ["not valid TOML"]),
    ("\x00", ["not valid TOML"]),
]  # fmt: skip


def written(directory: Path, text: str) -> Path:
    path = directory / "policy.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(("text", "said"), GOOD)
def test_good_files_change_what_they_name(tmp_path: Path, text: str, said: list[str]) -> None:
    """And nothing else."""
    under = load(policy_file=written(tmp_path, text))
    assert [str(each) for each in changes(under.unruled, under)] == said


@pytest.mark.parametrize(("text", "said"), BAD)
def test_bad_files_are_refused_with_every_problem(tmp_path: Path, text: str, said: list[str]) -> None:
    """One problem does not hide another."""
    with pytest.raises(BadPolicyFile) as caught:
        load(policy_file=written(tmp_path, text))
    for each in said:
        assert each in str(caught.value)


def test_the_policy_file_has_the_last_word_on_thresholds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above file and environment, which keep the word on all that it does not name."""
    config = tmp_path / "pontlevis.toml"
    policy = written(tmp_path, "[posture]\nstage_s = 100\n")
    config.write_text(f'policy_file = "{policy}"\n[posture]\nstage_s = 200\nstage_patience = 2\n')
    monkeypatch.setenv("PONTLEVIS_POSTURE__STAGE_S", "300")
    under = load(config)
    assert (under.posture.stage_s, under.posture.stage_patience) == (100, 2)
    assert under.unruled.posture.stage_s == 300


def test_a_file_that_is_missing_or_long_is_refused(tmp_path: Path) -> None:
    """In words."""
    with pytest.raises(BadPolicyFile, match="No such file"):
        read_tables(tmp_path / "none.toml")
    with pytest.raises(BadPolicyFile, match="longer than"):
        read_tables(written(tmp_path, "#" * 1_100_000))


def test_every_section_of_thresholds_can_stand_in_the_file() -> None:
    """The reference page lists the same."""
    assert set(section_names()) == set(SECTIONS)


@pytest.mark.parametrize("room", ["detection", "admission"])
def test_what_is_read_at_a_start_only_is_not_called_live(room: str) -> None:
    """Every threshold that a constructor of the room reads is named; the others are read when they are used."""
    read: set[str] = set()
    for path in (ROOT / "src/pontlevis/brain" / room).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                for each in ast.walk(node):
                    if isinstance(each, ast.Attribute) and (
                        getattr(each.value, "id", "") == "policy"
                        or getattr(each.value, "attr", "") == "_policy"
                    ):
                        read.add(each.attr)
    known = {each.name for each in fields(Settings.model_fields[room].default)}
    set_again_each_second = {"sprt_alpha", "bad_key_acts"}
    assert (read & known) - set_again_each_second <= LIVE[room]


def test_only_the_live_part_is_taken_up() -> None:
    """The rest stays as it is until the next start."""
    old = Settings()
    tables = {
        "admission": {"requests_per_minute": 5, "accounts_remembered": 7},
        "accounts": {"hash_threads": 3},
    }
    new = live_part(old, ruled(old, tables, "policy.toml"))
    assert new.admission.requests_per_minute == 5
    assert new.admission.accounts_remembered == old.admission.accounts_remembered
    assert new.accounts.hash_threads == old.accounts.hash_threads


def test_the_command_checks_a_file_and_touches_nothing(tmp_path: Path) -> None:
    """With a status for scripts."""

    def run(text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pontlevis", "policy", "check", str(written(tmp_path, text)), "--json"],
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip

    good, bad = run(GOOD[1][0]), run(BAD[0][0])
    assert (good.returncode, json.loads(good.stdout)["changes"][0]["name"]) == (0, "posture.stage_s")
    assert (bad.returncode, json.loads(bad.stdout)["ok"]) == (1, False)
    assert [each.name for each in tmp_path.iterdir()] == ["policy.toml"]


values = st.one_of(
    st.integers(-5, 10**6), st.booleans(), st.text("abc/:.", max_size=9), st.floats(), st.lists(st.floats(0, 1), max_size=3)
)  # fmt: skip
NAMES = [
    (section, each.name) for section in SECTIONS for each in fields(Settings.model_fields[section].default)
]


@given(
    st.lists(st.tuples(st.sampled_from([*NAMES, ("posture", "bogus"), ("bogus", "x")]), values), max_size=4)
)
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_stands_in_the_tables_it_is_a_policy_or_a_refusal(
    tmp_path: Path, entries: list[tuple[tuple[str, str], object]]
) -> None:
    """No other exception, and what is not named stays as it is."""
    tables: dict[str, dict[str, object]] = {}
    for (section, name), value in entries:
        tables.setdefault(section, {})[name] = value
    with suppress(BadPolicyFile):
        if any(section not in SECTIONS or "bogus" in table for section, table in tables.items()):
            return
        before = Settings()
        after = ruled(before, tables, "policy.toml")
        named = {f"{section}.{name}" for section, table in tables.items() for name in table}
        assert {each.name for each in changes(before, after)} <= named
