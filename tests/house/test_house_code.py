"""What holds for all code: sizes, a brain that does no I/O, nothing of anybody's machine in the repository."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "pontlevis"
LONGEST = 400
LONGER: dict[str, str] = {}
"""Modules that may be a little longer, and why."""

PURE = frozenset({"urllib.parse"})
"""Parts of such packages that only reckon."""
NOT_IN_THE_BRAIN = {
    "asyncio", "datetime", "http", "httpx", "io", "logging", "os", "pathlib", "requests", "select", "shutil", "signal",
    "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid", "secrets",
    "sqlalchemy", "fastapi", "uvloop",
}  # fmt: skip
IMPURE_CALLS = {"open", "print", "input", "exec", "eval"}


def tracked(*patterns: str) -> list[Path]:
    """Files of the checkout that git knows; skips outside a checkout."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    out = subprocess.run(
        ["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, check=True
    ).stdout
    return [ROOT / name for name in out.decode().split("\0") if name and (ROOT / name).is_file()]


def texts() -> list[tuple[str, str]]:
    found = []
    for path in tracked():
        raw = path.read_bytes()
        if b"\0" not in raw:
            found.append((str(path.relative_to(ROOT)), raw.decode("utf-8")))
    return found


def test_no_module_is_too_long_to_read() -> None:
    """And the exceptions are still exceptions."""
    lengths = {
        str(path.relative_to(SOURCE)): len(path.read_text("utf-8").splitlines())
        for path in SOURCE.rglob("*.py")
    }
    assert {name for name, lines in lengths.items() if lines > LONGEST} <= set(LONGER)
    assert all(lengths[name] <= 1.1 * LONGEST for name in LONGER)


@pytest.mark.parametrize("path", sorted((SOURCE / "brain").rglob("*.py")), ids=lambda path: path.stem)
def test_the_brain_does_no_io_and_reads_no_clock(path: Path) -> None:
    """Time, chance and facts come in as arguments."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            roots = {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots = {(node.module or "").split(".")[0]} if node.module not in PURE else set()
        elif isinstance(node, ast.Call):
            roots = set()
            called = node.func
            assert not (isinstance(called, ast.Name) and called.id in IMPURE_CALLS), f"line {node.lineno}"
            if (
                isinstance(called, ast.Attribute)
                and isinstance(called.value, ast.Name)
                and called.value.id == "random"
            ):
                assert called.attr == "Random", f"line {node.lineno}: chance comes in as an argument"
        else:
            continue
        assert not roots & NOT_IN_THE_BRAIN, f"line {node.lineno}: {roots & NOT_IN_THE_BRAIN}"


def test_no_directory_of_tests_is_left_out() -> None:
    """They are named one by one, for their order."""
    named = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]["ini_options"][
        "testpaths"
    ]
    there = {f"tests/{path.name}" for path in (ROOT / "tests").iterdir() if any(path.rglob("test_*.py"))}
    assert set(named) == there


def test_the_locked_requirements_carry_hashes_and_no_address() -> None:
    """Each package with at least one hash."""
    for name in ("run", "dev"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
        assert "://" not in text
        assert "--index" not in text
        assert "--find-links" not in text
        packages = re.split(r"\n(?=\S)", text.strip())
        assert len(packages) > 20
        for package in packages:
            if not package.startswith("#"):
                assert "--hash=sha256:" in package, package.splitlines()[0]


def test_no_file_names_a_registry_or_somebodys_machine() -> None:
    """Neither where packages come from nor where this was written."""
    registry = re.compile(
        r"pypi\.org|pythonhosted|/simple/|registry\.npmjs|artifactory|docker\.io", re.IGNORECASE
    )
    place = re.compile(r"(?<![\w.])/(work|root|home)/\w")
    here = str(Path(__file__).relative_to(ROOT))
    for name, text in texts():
        if name == here:
            continue
        assert registry.search(text) is None, name
        assert place.search(text) is None, name


def test_no_file_holds_a_secret() -> None:
    """Private keys and tokens in the usual shapes; ours begin with pl- and ps-."""
    secret = re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bsk-[A-Za-z0-9]{32,}\b"
        r"|\bp[ls]-[A-Za-z0-9_-]{40,}\b"
    )
    for name, text in texts():
        assert secret.search(text) is None, name
