"""Sets up and runs Pontlevis from a checkout with nothing but Python 3.11+ and pip.

python3 tasks.py up [options]      set up, then run the service
python3 tasks.py test [options]    set up, then check and test everything
python3 tasks.py bench [options]   set up, then compare with peers
python3 tasks.py soak [options]    set up, then load it for half an hour and check memory, slots and counters
python3 tasks.py docs              write the reference pages from the code
python3 tasks.py lock              renew the hashed requirements (needs uv)
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
BIN = ROOT / ".venv" / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / "python"
ALONE = "tests/alone"  # what must have the machine to itself
AT_ONCE = 4


def run(*command: str | Path, env: dict[str, str] | None = None) -> None:
    """Runs a command in the checkout; ends this one with its status when it fails."""
    status = subprocess.run([str(part) for part in command], cwd=ROOT, env=env, check=False).returncode
    if status:
        raise SystemExit(status)


def set_up(requirements: str) -> None:
    """A virtual environment in ``.venv`` with exactly the pinned, hashed packages, and ourselves."""
    locked = ROOT / "requirements" / f"{requirements}.txt"
    digest = hashlib.sha256(locked.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    stamp = ROOT / ".venv" / f"stamp-{requirements}"
    if stamp.exists() and stamp.read_text() == digest:
        return
    if not PYTHON.exists():
        print("setting up .venv …", flush=True)
        venv.create(ROOT / ".venv", with_pip=True)
    pip = (PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    # Compiled afterwards, on all cores: pip does it on one. Templates that packages bring need not compile.
    run(*pip, "--no-compile", "--require-hashes", "-r", locked)
    run(*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    subprocess.run([PYTHON, "-m", "compileall", "-qq", "-j", "0", ROOT / ".venv"], check=False)
    stamp.write_text(digest)


def test(arguments: list[str]) -> None:
    """Format, lint, types, import arrows, tests; quick ones first, side by side but for what measures load."""
    if arguments:
        run(PYTHON, "-m", "pytest", *arguments)
        return
    run(BIN / "ruff", "format", "--check", "--quiet", ".")
    run(BIN / "ruff", "check", "--quiet", ".")
    run(BIN / "mypy")
    run(BIN / "lint-imports", "--no-logo")
    # More at once than cores: many wait for a service to start or for time to pass. In the order of collection:
    # files with few tests may be the longest, and would be begun last.
    side_by_side = ("--numprocesses", str(AT_ONCE), "--dist", "loadfile", "--no-loadscope-reorder")
    run(PYTHON, "-m", "pytest", f"--deselect={ALONE}", *side_by_side)
    run(PYTHON, "-m", "pytest", ALONE)


def lock() -> None:
    """Hashes without any registry's address in them."""
    common = ("uv", "pip", "compile", "--quiet", "pyproject.toml", "--universal", "--python-version", "3.11", "--generate-hashes",
              "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate", "--all-extras")  # fmt: skip
    run(*common, "--group", "dev", "-o", "requirements/dev.txt")
    run(*common, "--group", "build", "-c", "requirements/dev.txt", "-o", "requirements/run.txt")


def main() -> None:
    task, *rest = sys.argv[1:] or ["help"]
    if task == "up":
        set_up("run")
        os.chdir(ROOT)
        os.execv(BIN / "pontlevis", ["pontlevis", "up", *rest])  # noqa: S606 - becomes the service
    elif task == "test":
        set_up("dev")
        test(rest)
    elif task == "bench":
        set_up("dev")
        run(PYTHON, "-m", "bench", *rest)
    elif task == "soak":
        set_up("dev")
        run(PYTHON, "-m", "bench.soak", *rest)
    elif task == "docs":
        set_up("dev")
        code = "from pathlib import Path; from pontlevis.reference import settings_page; Path('docs/settings.md').write_text(settings_page(), 'utf-8'); from pontlevis.ladder_table import with_table; page = Path('docs/posture.md'); page.write_text(with_table(page.read_text('utf-8')), 'utf-8')"
        run(PYTHON, "-c", code)
    elif task == "lock":
        lock()
    else:
        print(__doc__)


if __name__ == "__main__":
    main()
