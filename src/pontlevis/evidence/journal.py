"""Writes down what the brain is told, from a thread of its own: the loop never waits for the disk."""

import contextlib
import logging
import os
import queue
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pontlevis.brain.observation import Observation, ServiceSample
from pontlevis.brain.posture.state import PostureState
from pontlevis.evidence.frames import MAGIC, Entry, Sampled, Seen, Stood, Ticked, pack, whole_length
from pontlevis.evidence.policy import JournalPolicy
from pontlevis.evidence.thinning import Thinning

FOLDER = "journal"
SUFFIX = ".journal"
HOUR_S = 3_600
MIB = 1_048_576
HOUR_PART = 4
"""One hour takes a quarter of all bytes at most: a flood cannot wipe out the day before it."""
SLACK = 0.1
"""Of an hour's bytes that may be written ahead of the clock before observations are thinned."""
STOP_WAIT_S = 5.0

log = logging.getLogger("pontlevis.evidence")


class Journal:
    """``observe``, ``sample`` and ``stood`` note; ``tick``, once a second, hands the second to the writer."""

    def __init__(self, folder: Path, policy: JournalPolicy) -> None:
        self._files = _Files(folder, policy)
        self._policy = policy
        self._thinning = Thinning(policy.exact_per_s)
        self._entries: list[Entry] = []
        self._waiting: queue.Queue[tuple[float, list[Entry]] | None] = queue.Queue(policy.queue_s)
        self._untold = 0
        self.dropped = 0
        """Observations that were not written because the disk was too slow, or refused, since the start."""
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to write. Nothing is kept where the policy says so."""
        if self._policy.enabled:
            self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Writes what waits, for a few seconds at most. What was noted since the last tick goes with it."""
        if self._thread is None:
            return
        thread, self._thread = self._thread, None
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=STOP_WAIT_S)
        thread.join(STOP_WAIT_S)

    def observe(self, observation: Observation) -> None:
        if self._thread is not None:
            self._thinning.take(observation)

    def sample(self, sample: ServiceSample) -> None:
        if self._thread is not None:
            self._entries.extend(self._thinning.cut())
            self._entries.append(Sampled(sample))

    def stood(self, at: float, state: PostureState, *, reason: str, actor: str) -> None:
        """The posture that holds from ``at`` (Unix seconds) on."""
        if self._thread is not None:
            self._entries.extend(self._thinning.cut())
            self._entries.append(Stood(at, state, reason, actor))

    def tick(self, at: float, posture: str) -> None:
        """The brain is about to judge. ``at``: Unix seconds; ``posture`` is in force."""
        if self._thread is None:
            return
        self._entries.extend(self._thinning.second(self._files.floor))
        lost = self._files.take_lost()
        self.dropped += lost
        self._untold += lost
        self._entries.append(Ticked(at, posture, self._untold))
        entries, self._entries = self._entries, []
        try:
            self._waiting.put_nowait((at, entries))
        except queue.Full:
            missed = observations_in(entries)
            self.dropped += missed
            self._untold += missed
        else:
            self._untold = 0

    def _write(self) -> None:
        while (second := self._waiting.get()) is not None:
            at, entries = second
            try:
                self._files.write(at, pack(entries))
            except OSError:
                self._files.lost(observations_in(entries))
                log.exception("evidence:journal:not_written")
        self._files.close()


def observations_in(entries: list[Entry]) -> int:
    """How many observations these entries stand for."""
    return sum(each.weight * len(each.observations) for each in entries if isinstance(each, Seen))


class _Files:
    """One file an hour, private to its owner; used by the writer's thread, but for ``floor`` and ``take_lost``."""

    def __init__(self, folder: Path, policy: JournalPolicy) -> None:
        self._folder = folder
        self._keep_h = policy.keep_h
        self._most = policy.most_mib * MIB
        self._file: BinaryIO | None = None
        self._hour = ""
        self._size = 0
        self.floor = 1
        """Least weight with which observations are to be thinned, so that the hour's bytes suffice."""
        self._lost = 0

    def lost(self, observations: int) -> None:
        self._lost += observations

    def take_lost(self) -> int:
        lost, self._lost = self._lost, 0
        return lost

    def write(self, at: float, frame: bytes) -> None:
        hour = hour_name(at)
        if hour != self._hour or self._file is None:
            self._open(hour)
        file = self._file
        if file is None:
            raise OSError(f"{self._folder} cannot be written")
        file.write(frame)
        file.flush()
        self._size += len(frame)
        self._weigh(at % HOUR_S)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, hour: str) -> None:
        self.close()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        self._sweep(hour)
        path = self._folder / f"{hour}{SUFFIX}"
        size = whole_length(path)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.fchmod(descriptor, 0o600)
        file = os.fdopen(descriptor, "r+b")
        file.truncate(size)  # a frame torn by a kill ends the file for every reader
        file.seek(size)
        if size == 0:
            file.write(MAGIC)
            size = len(MAGIC)
        self._file, self._hour, self._size = file, hour, size

    def _sweep(self, hour: str) -> None:
        """Deletes what is too old or too much; the hour that begins needs room for itself."""
        oldest = hour_name(_start_of(hour) - self._keep_h * HOUR_S)
        files = journal_files(self._folder)
        sizes = {each: each.stat().st_size for each in files}
        room = self._most - self._most // HOUR_PART
        for each in files:
            if each.stem < oldest or (sum(sizes.values()) > room and each.stem != hour):
                each.unlink(missing_ok=True)
                del sizes[each]

    def _weigh(self, second: float) -> None:
        """Thins while the hour is ahead of its bytes, and less once it is not."""
        whole = self._most // HOUR_PART
        allowed = whole * (SLACK + (1 - SLACK) * second / HOUR_S)
        if self._size > allowed:
            self.floor = min(self.floor * 2, 1_024)
        elif self._size < 0.9 * allowed:
            self.floor = max(1, self.floor // 2)


def hour_name(at: float) -> str:
    """``20250127T17`` for a time in Unix seconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H")


def _start_of(hour: str) -> float:
    return datetime.strptime(hour, "%Y%m%dT%H").replace(tzinfo=UTC).timestamp()


def journal_files(folder: Path) -> list[Path]:
    """The journal's files, oldest first; no other files."""
    found = []
    for each in folder.glob(f"*{SUFFIX}"):
        with contextlib.suppress(ValueError):
            _start_of(each.stem)
            found.append(each)
    return sorted(found)
