"""Whether the store is what was written: every file, every line, and the end of the chain."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pontlevis.evidence.manifest import FOLDER as MANIFESTS
from pontlevis.evidence.manifest import NO_LINE, Broken, FileLine, GoneLine, Head, Placed, StampLine, lines
from pontlevis.evidence.store import FRESH, digest

CheckStamp = Callable[[bytes, str], float]
"""Checks a time stamp's token over a hash; the time it states (Unix seconds), or ValueError saying why not."""


@dataclass(slots=True)
class Verified:
    """What was found; ``broken`` is the first place that does not hold, empty where all does."""

    broken: str = ""
    files: int = 0
    rows: int = 0
    bytes: int = 0
    gone: int = 0
    """Files that retention took, each named in the chain."""
    dropped: int = 0
    since: float | None = None
    until: float | None = None
    head: Head = field(default_factory=Head)
    stamps: int = 0
    stamped_at: float | None = None
    """Time of the newest stamp that was checked."""
    notes: list[str] = field(default_factory=list)
    """What could not be checked."""


def verify(
    store: Path,
    *,
    known_head: Head | None = None,
    check_stamp: CheckStamp | None = None,
    progress: Callable[[int], None] | None = None,
) -> Verified:
    """Reads the whole store. ``known_head`` is where the chain is known to have reached; ``progress`` hears bytes.

    Stops at the first place that does not hold. Raises ``OSError`` where a file cannot be read.
    """
    found = Verified()
    try:
        _verify(store, found, known_head, check_stamp, progress or (lambda _: None))
    except Broken as error:
        found.broken = str(error)
    return found


def _verify(
    store: Path,
    found: Verified,
    known_head: Head | None,
    check_stamp: CheckStamp | None,
    progress: Callable[[int], None],
) -> None:
    placed = list(lines(store))
    _begins(placed)
    gone = {name for each in placed if isinstance(each.line, GoneLine) for name in each.line.files}
    hashes = {each.line.n: each.hash for each in placed}
    entered: set[str] = set()
    for number, each in enumerate(placed):
        line = each.line
        if isinstance(line, FileLine):
            entered.add(line.file)
            found.dropped += line.dropped
            if line.file in gone:
                found.gone += 1
                continue
            _check_file(store, each, last=number == len(placed) - 1)
            found.files += 1
            found.rows += line.rows
            found.bytes += line.bytes
            found.since = line.since if found.since is None else min(found.since, line.since)
            found.until = line.until if found.until is None else max(found.until, line.until)
            progress(line.bytes)
        elif isinstance(line, StampLine):
            _check_stamp(store, each, line, hashes, found, check_stamp)
    if placed:
        found.head = Head(placed[-1].line.n, placed[-1].hash)
    there = {str(path.relative_to(store)) for path in store.glob("date=*/hour=*/*.parquet")}
    strange = sorted(there - entered)
    if strange:
        raise Broken(strange[0], "the chain does not know this file")
    if known_head is None:
        found.notes.append(
            "The end of the chain was compared with nothing: its last lines may have been cut off."
        )
    elif known_head.n > found.head.n:
        raise Broken(
            MANIFESTS,
            f"it ends with line {found.head.n}, but reached line {known_head.n}: its end was cut off",
        )
    elif known_head.n and hashes.get(known_head.n, known_head.hash) != known_head.hash:
        raise Broken(
            f"{MANIFESTS} line {known_head.n}", "the chain was written anew: this line had another hash"
        )


def _begins(placed: list[Placed]) -> None:
    """A chain whose beginning went with its age says so itself."""
    if not placed:
        return
    first = placed[0].line
    if first.n == 1 and first.prev == NO_LINE:
        return
    for each in placed:
        line = each.line
        if (
            isinstance(line, GoneLine)
            and line.manifest
            and (line.last_n, line.last_hash) == (first.n - 1, first.prev)
        ):
            return
    raise Broken(
        placed[0].where, f"the chain begins with line {first.n}, and nothing says where those before it went"
    )


def _check_file(store: Path, placed: Placed, *, last: bool) -> None:
    line = placed.line
    assert isinstance(line, FileLine)
    path = store / line.file
    if not path.exists() and last:
        path = store / (line.file + FRESH)  # a kill between the line and the name; the next start names it
    if not path.exists():
        raise Broken(line.file, "it is missing, and the chain does not say that retention took it")
    if path.stat().st_size != line.bytes or digest(path) != line.sha256:
        raise Broken(line.file, "it is not the file that was written (SHA-256 differs)")


def _check_stamp(
    store: Path,
    placed: Placed,
    line: StampLine,
    hashes: dict[int, str],
    found: Verified,
    check_stamp: CheckStamp | None,
) -> None:
    path = store / line.file
    if not path.exists():
        raise Broken(line.file, "the time stamp is missing")
    if digest(path) != line.sha256:
        raise Broken(line.file, "it is not the time stamp that was kept")
    if line.of not in hashes:
        found.notes.append(f"The line that {line.file} stamps has gone with its age.")
        return
    if check_stamp is None:
        found.notes.append(f"{line.file} was not checked: evidence.tsa_certificate names nobody to trust.")
        return
    try:
        at = check_stamp(path.read_bytes(), hashes[line.of])
    except ValueError as error:
        raise Broken(line.file, f"the time stamp does not hold: {error}") from None
    found.stamps += 1
    found.stamped_at = at if found.stamped_at is None else max(found.stamped_at, at)
