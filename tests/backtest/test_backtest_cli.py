"""``pontlevis backtest`` as an operator runs it: a process, files, standard input."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

LOGS = Path(__file__).parent / "logs"


def backtest(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "pontlevis", "backtest", *(str(each) for each in arguments)],
        input=stdin, capture_output=True, timeout=120, check=False,
    )  # fmt: skip


def guessing() -> bytes:
    lines = [
        f'203.0.113.9 - - [10/Oct/2023:08:{n // 60:02}:{n % 60:02} +0000] "POST /enter HTTP/1.1" 401 1 "-" "bot"\n'
        for n in range(120)
    ]
    return "".join(lines).encode()


def test_a_log_gives_a_summary_json_and_a_page(tmp_path: Path) -> None:
    """Each list's entries bear a time and a reason; the page needs nothing from elsewhere."""
    log = tmp_path / "access.log.gz"
    log.write_bytes(gzip.compress(guessing() + b"not a line\n"))
    done = backtest(
        log, "--login-path", "/enter", "--json", tmp_path / "o.json", "--html", tmp_path / "o.html"
    )
    assert done.returncode == 0, done.stderr.decode()
    words = " ".join(done.stdout.decode().split())
    assert "sources that act alone" in words
    assert "1 broken" in words
    assert "203.0.113.9" in words
    held = json.loads((tmp_path / "o.json").read_text())
    for name in ("findings", "verdicts", "postures", "registration", "decisions"):
        assert all(entry["reason"] and entry["at"].endswith("Z") for entry in held[name]), name
    assert held["findings"]
    assert held["decisions"][0]["value"] == "203.0.113.9"
    assert held["files"][0]["broken"] == 1
    page = (tmp_path / "o.html").read_text()
    assert page.count("<svg") == 3
    assert "<script" not in page
    assert "src=" not in page


def test_standard_input_is_read_and_quiet_is_quiet(tmp_path: Path) -> None:
    """As in: zcat … | pontlevis backtest -."""
    done = backtest("-", "--quiet", "--json", tmp_path / "o.json", stdin=guessing())
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert json.loads((tmp_path / "o.json").read_text())["acts"] == {"login": 120}


def test_other_thresholds_come_from_a_file(tmp_path: Path) -> None:
    """A whole configuration file will do."""
    (tmp_path / "p.toml").write_text(
        'port = 9000\n[detection]\ndetectors_off = ["single_source", "credential_stuffing"]\nmeasures = false\n'
    )
    (tmp_path / "a.log").write_bytes(guessing())
    done = backtest(tmp_path / "a.log", "--policy", tmp_path / "p.toml", "--json", tmp_path / "o.json")
    assert done.returncode == 0, done.stderr.decode()
    held = json.loads((tmp_path / "o.json").read_text())
    assert (held["findings"], held["decisions"]) == ([], [])


WRONG = [
    (("no-such-file.log",), "no-such-file.log"),
    ((LOGS / "bad" / "nothing.log",), "--format"),
    ((LOGS / "good" / "common.log", "--format", "w3c"), "w3c"),
    ((LOGS / "good" / "common.log", "--map", "sauce=ip"), "sauce"),
    ((LOGS / "good" / "common.log", "--timezone", "Mars/Olympus"), "Mars"),
    ((LOGS / "good" / "common.log", "--series", "visits"), "--series"),
    ((LOGS / "good" / "common.log", "--login-path", "login"), "login"),
    ((LOGS / "good" / "common.log", "--protect", "nobody"), "nobody"),
    ((LOGS / "good" / "common.log", "--json", "/nonexistent/o.json"), "/nonexistent/o.json"),
    ((LOGS / "good",), "good"),
    (("-", "-"), "once"),
]


@pytest.mark.parametrize(("arguments", "named"), WRONG, ids=[named for _, named in WRONG])
def test_what_is_wrong_is_said_in_a_sentence(arguments: tuple[object, ...], named: str) -> None:
    """On standard error, with status 1, without a trace."""
    done = backtest(*arguments)
    assert done.returncode == 1
    assert named in done.stderr.decode()
    assert b"Traceback" not in done.stderr


POLICIES = [
    ("[detection]\nban_z = 1", "detection.ban_z"),
    ("[posture]\nramp = [1.0, 0.5]", "ramp"),
    ("[mapping]\nlogin_paths = ['x']", "login_paths"),
    ("[known]\nfamiliar_days = 'many'", "known"),
    ("[detection", "not valid TOML"),
    ("detection = 5", "[detection]"),
]


@pytest.mark.parametrize(("text", "named"), POLICIES)
def test_a_bad_policy_names_its_setting(tmp_path: Path, text: str, named: str) -> None:
    """Before anything is read."""
    (tmp_path / "p.toml").write_text(text)
    done = backtest(LOGS / "good" / "common.log", "--policy", tmp_path / "p.toml")
    assert done.returncode == 1
    assert named in done.stderr.decode()


def test_files_about_addresses_are_read_and_told(tmp_path: Path) -> None:
    """On the command line or in the policy file; one that cannot be read ends it in a sentence."""
    (tmp_path / "a.log").write_bytes(guessing())
    (tmp_path / "asn.csv").write_text("start,end,asn,name\n203.0.113.0,203.0.113.255,64500,Example\nbroken\n")
    (tmp_path / "dc.txt").write_text("203.0.113.0/24\n")
    (tmp_path / "p.toml").write_text(f'[knowledge]\ndata_centre_files = ["{tmp_path}/dc.txt"]\n')
    done = backtest(tmp_path / "a.log", "--asn", tmp_path / "asn.csv", "--policy", tmp_path / "p.toml")
    assert done.returncode == 0, done.stderr.decode()
    words = " ".join(done.stdout.decode().split())
    assert "asn.csv: 1 ranges, 1 bad lines" in words
    assert "dc.txt: 1 ranges" in words
    failed = backtest(tmp_path / "a.log", "--vpn", tmp_path / "none.txt")
    assert failed.returncode == 1
    assert b"none.txt" in failed.stderr
