"""Where a service keeps its files: the data directory, the pepper, the sockets, the note of what runs."""

import fcntl
import json
import os
import secrets
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pontlevis.brain.peppers import Peppers

PEPPER_BYTES = 32
SOCKETS = "pontlevis-"
MARKERS = ("pepper", "pontlevis.db", "run.json", "secrets", "usage", "journal", "evidence", "reports")
"""What a directory of ours holds, one of them at least: a start makes the pepper before anything else."""
CLAIM_TRIES, CLAIM_PAUSE_S = 20, 0.05  # who only looks holds the lock for an instant
HARMLESS = ("lost+found", "pontlevis.toml", "policy.toml")
"""What may stand in a new one: a volume's own folder, files with settings."""


@dataclass(slots=True)
class RunNote:
    """What ``run.json`` says of a service that runs, for commands that act on it."""

    pid: int
    public_url: str
    operator_url: str
    operator_socket: str
    sockets: str
    started_at: float
    pids: dict[str, int] = field(default_factory=dict)


class DataDirectory:
    """The directory of one service, private to its owner."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: int | None = None

    def claim(self) -> bool:
        """Holds the directory for this process until it ends, however it ends; False where another one does."""
        held = os.open(self.path / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for _ in range(CLAIM_TRIES):
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(CLAIM_PAUSE_S)
                continue
            except OSError:
                pass  # a file system without locks
            self._lock = held
            return True
        os.close(held)
        return False

    def _is_claimed(self) -> bool:
        """Whether a process holds it; true where nobody can tell, for want of a file to ask."""
        try:
            asked = os.open(self.path / "run.lock", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return True
        try:
            fcntl.flock(asked, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(asked)
        return False

    def prepare(self) -> None:
        """Makes it, mode 0700, and makes what this process and its children write its owner's alone.

        Raises ``OSError``, and ``ValueError`` for a directory of somebody else's.
        """
        self._check_ours()
        os.umask(0o077)
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o700)

    def _check_ours(self) -> None:
        """Nothing is written into a directory that holds things and no service's: it was named by mistake."""
        if not self.path.exists() or any((self.path / name).exists() for name in MARKERS):
            return
        found = sorted(each.name for each in self.path.iterdir() if not each.name.startswith("."))
        foreign = [name for name in found if name not in HARMLESS]
        if foreign:
            raise ValueError(
                f"it holds other things ({', '.join(foreign[:3])}{' …' if len(foreign) > 3 else ''}) and no pepper"
                " or database of a service; name an empty directory or one of ours"
            )

    def pepper(self) -> bytes:
        """The key under every credential, made on first use, kept outside the database, mode 0600.

        Raises ``ValueError`` when the file was cut short.
        """
        file = self.path / "pepper"
        try:
            pepper = file.read_bytes()
        except FileNotFoundError:
            pepper = secrets.token_bytes(PEPPER_BYTES)
            fresh = self.path / f"pepper.{os.getpid()}"
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                out.write(pepper)
                out.flush()
                os.fsync(out.fileno())
            try:
                os.link(fresh, file)  # whoever comes second takes the first one's
            except FileExistsError:
                pepper = file.read_bytes()
            fresh.unlink()
        if len(pepper) < PEPPER_BYTES:
            raise ValueError(
                f"{file} is damaged: {len(pepper)} bytes instead of {PEPPER_BYTES}; restore it from a backup"
            )
        return pepper

    def peppers(self) -> Peppers:
        """All that tokens are made and judged with. Raises ``ValueError`` for a damaged file."""
        root, file = self.pepper(), self.path / "peppers"
        try:
            found = Peppers.unpack(file.read_bytes())
        except FileNotFoundError:
            return Peppers.single(root)
        except ValueError as error:
            raise ValueError(f"{file} cannot be used: {error}; restore it from a backup") from None
        if found.root != root:
            raise ValueError(f"{file} is not of the same service as {self.path / 'pepper'}; restore both")
        return found

    def keep_peppers(self, peppers: Peppers) -> None:
        """Whole or not at all, mode 0600. Raises ``OSError``."""
        fresh = self.path / f"peppers.{os.getpid()}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(peppers.pack())
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(self.path / "peppers")

    @property
    def database(self) -> Path:
        return self.path / "pontlevis.db"

    def note(self, note: RunNote) -> None:
        fresh = self.path / "run.json.new"
        fresh.write_text(json.dumps(asdict(note), indent=1))
        fresh.chmod(0o600)
        fresh.replace(self.path / "run.json")

    def forget_note(self) -> None:
        (self.path / "run.json").unlink(missing_ok=True)

    def running(self) -> RunNote | None:
        """The service that runs on this directory now, None when none does."""
        note = self.noted()
        if note is None or not self._is_claimed():
            return None  # its number may be another's by now, in a container even one's own
        try:
            os.kill(note.pid, 0)
        except OSError:
            return None
        return note

    def noted(self) -> RunNote | None:
        """What the last service wrote of itself, whether it runs or was killed."""
        try:
            return RunNote(**json.loads((self.path / "run.json").read_text()))
        except (OSError, ValueError, TypeError):
            return None


def make_sockets() -> Path:
    """A short private directory for sockets: their paths are limited to about a hundred characters."""
    return Path(tempfile.mkdtemp(prefix=SOCKETS))


def remove_sockets(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)


def remove_left_sockets(note: RunNote) -> None:
    """Takes away what a service that was killed could not."""
    left = Path(note.sockets)
    if left.name.startswith(SOCKETS) and left.parent == Path(tempfile.gettempdir()):
        remove_sockets(left)
