"""An environment of its own for each peer that is a package, made once and kept."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from bench.process import CannotStart

INSTALL_S = 600.0


def cache() -> Path:
    """Where environments are kept; ``PONTLEVIS_BENCH_CACHE`` names another place."""
    return Path(os.environ.get("PONTLEVIS_BENCH_CACHE", Path(__file__).parents[1] / "var" / "bench"))


def python_environment(name: str, requirement: str) -> Path:
    """The directory of its commands. Raises ``CannotStart`` where the package cannot be had."""
    home = cache() / name
    stamp = home / "stamp"
    if not stamp.exists() or stamp.read_text() != requirement:
        shutil.rmtree(home, ignore_errors=True)
        venv.create(home, with_pip=True)
        _run([str(home / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", requirement])
        stamp.write_text(requirement)
    return home / "bin"


def npm_environment(name: str, requirement: str) -> Path:
    """The directory of its modules. Raises ``CannotStart`` without npm, or where the package cannot be had."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise CannotStart("node and npm are not installed")
    home = cache() / name
    stamp = home / "stamp"
    if not stamp.exists() or stamp.read_text() != requirement:
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        _run(["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(home), requirement])
        stamp.write_text(requirement)
    return home / "node_modules"


def _run(command: list[str]) -> None:
    print(f"installing {command[-1]} …", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except subprocess.TimeoutExpired:
        raise CannotStart(f"{command[-1]} was not installed within {INSTALL_S:.0f} s") from None
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR") or "ERR!" in line]
        raise CannotStart(f"{command[-1]} cannot be installed: {' '.join(said)[-300:] or done.returncode}")
