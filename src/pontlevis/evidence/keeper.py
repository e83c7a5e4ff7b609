"""The evidence store as the controller drives it: notes on the loop, writing in a thread of its own."""

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pontlevis.brain.detection.finding import Finding
from pontlevis.brain.detection.knowledge import NOWHERE, Place
from pontlevis.brain.observation import Observation, PagePart
from pontlevis.evidence.frames import Seen
from pontlevis.evidence.keeping import Keeping
from pontlevis.evidence.manifest import Broken, Head
from pontlevis.evidence.masking import Mask
from pontlevis.evidence.rows import Note, Rows
from pontlevis.evidence.store import Hold, Store
from pontlevis.evidence.store_policy import EvidencePolicy

STOP_WAIT_S = 10.0
MOST_NOTES = 2_000
"""Findings, decisions and postures of one second; a decision for each of 100,000 sources may come at once."""
FATES = ("kept", "sampled_out", "too_many_notes", "disk_slow", "disk_refused")
"""Handed to the writer; stands behind a kept row's weight; beyond ``MOST_NOTES``; and of those handed over or
about to be: lost because more than ``queue_s`` waited, or because the disk refused."""
MOST_TRIES = 3
"""How often a batch is tried that the disk refuses; then it is dropped, and counted."""

log = logging.getLogger("pontlevis.evidence")


@dataclass(slots=True)
class _Second:
    at: float
    seen: list[Seen]
    notes: list[Note]
    alarmed: bool
    last: bool = False
    stamps: list[tuple[Head, bytes, float]] = field(default_factory=list)


class Keeper:
    """``observe`` and ``note`` note; ``tick``, once a second, hands the second to the writer; nothing waits for it.

    ``place`` says what is known of an address, ``mask`` hides addresses where that is wanted.
    """

    def __init__(
        self,
        folder: Path,
        policy: EvidencePolicy,
        clock: Callable[[], float],
        *,
        place: Callable[[str], Place] = lambda _: NOWHERE,
        mask: Mask | None = None,
    ) -> None:
        self._policy = policy
        self._store = Store(folder, policy, clock)
        self._keeping = Keeping(policy)
        self._place = place
        self.mask = mask
        self._notes: list[Note] = []
        self._stamps: list[tuple[Head, bytes, float]] = []
        self._waiting: queue.Queue[_Second] = queue.Queue(policy.queue_s)
        self._thread: threading.Thread | None = None
        self._missed = 0
        self._untold = 0
        self.dropped = 0
        """Acts and notes that were not kept because the disk was too slow, or refused, since the start."""
        self.fates = dict.fromkeys(FATES, 0)
        """Acts and notes since the start by what became of them."""
        self.failed = ""
        """Why the store cannot be written; empty while it can."""

    @property
    def head(self) -> Head:
        """Where the chain ends."""
        return self._store.head

    def start(self) -> None:
        """Begins to write. Nothing is kept where the policy says so."""
        if self._policy.enabled:
            self._thread = threading.Thread(target=self._run, name="evidence", daemon=True)
            self._thread.start()

    def hold(self, holds: Iterable[Hold]) -> None:
        """What incidents need; replaces what was held before."""
        self._store.holds = tuple(holds)

    def observe(self, observation: Observation) -> None:
        # What a browser fetches for a page tells nothing that the page does not.
        if self._thread is not None and observation.part != PagePart.ASSET:
            self._keeping.take(observation)

    def note(self, note: Note) -> None:
        if self._thread is None:
            return
        if len(self._notes) < MOST_NOTES:
            self._notes.append(note)
            self.fates["kept"] += 1
        else:
            self._missed += 1
            self.fates["too_many_notes"] += 1

    def accuse(self, findings: Iterable[Finding], now: float) -> None:
        """From now on everything that these do is kept."""
        if self._thread is not None:
            self._keeping.accuse(findings, now)

    def stamped(self, head: Head, token: bytes, time: float) -> None:
        """What a time-stamping authority said of the chain; written with the next second."""
        if self._thread is not None:
            self._stamps.append((head, token, time))

    def tick(self, now: float, *, alarmed: bool) -> None:
        """A second is over. ``alarmed``: the posture is not normal, so files are written more often."""
        if self._thread is not None:
            self._hand_over(
                _Second(now, self._keeping.second(now), self._taken(), alarmed, stamps=self._stamps)
            )

    def close(self, now: float) -> None:
        """Writes what waits, for a few seconds at most."""
        if self._thread is None:
            return
        thread, self._thread = self._thread, None
        last = _Second(now, self._keeping.second(now), self._taken(), False, last=True, stamps=self._stamps)
        with contextlib.suppress(queue.Full):
            self._waiting.put(last, timeout=STOP_WAIT_S)
        thread.join(STOP_WAIT_S)

    def _taken(self) -> list[Note]:
        notes, self._notes = self._notes, []
        return notes

    def _hand_over(self, second: _Second) -> None:
        self._stamps = []
        for each in second.seen:
            acts = sum(o.count for o in each.observations)
            self.fates["kept"] += acts
            self.fates["sampled_out"] += acts * (each.weight - 1)
        try:
            self._waiting.put_nowait(second)
        except queue.Full:
            lost = _acts(second)
            self._missed += lost
            self.fates["disk_slow"] += lost

    def _run(self) -> None:
        rows = Rows(self._place, self.mask)
        began = 0.0
        tries = 0
        while True:
            second = self._waiting.get()
            began = began or second.at
            rows.see(second.seen)
            for note in second.notes:
                rows.say(note)
            self._count_missed()
            length = self._policy.alarm_batch_s if second.alarmed else self._policy.batch_s
            if second.last or second.at - began >= length or len(rows) >= self._policy.batch_rows:
                began = second.at
                if len(rows) and self._write(rows):
                    tries = 0
                elif len(rows):
                    tries += 1
                    if tries >= MOST_TRIES or len(rows) >= self._policy.batch_rows:
                        lost = sum(int(each) for each in rows.take()["count"])
                        self._untold += lost
                        self.dropped += lost
                        self.fates["disk_refused"] += lost
                        tries = 0
            for head, token, time in second.stamps:
                self._keep_stamp(head, token, time)
            if second.last:
                return

    def _count_missed(self) -> None:
        missed, self._missed = self._missed, 0
        self._untold += missed
        self.dropped += missed

    def _write(self, rows: Rows) -> bool:
        try:
            lost = self._store.write(rows.columns, dropped=self._untold)
        except Broken as error:
            log.error("evidence:store:set_aside %s does not verify: %s", self._store.set_aside(), error)
            return False
        except OSError as error:
            if str(error) != self.failed:
                log.error("evidence:store:not_written %s", error)
            self.failed = str(error)
            return False
        self._untold = lost
        self.dropped += lost
        self.fates["disk_refused"] += lost
        self.failed = ""
        rows.take()
        return True

    def _keep_stamp(self, head: Head, token: bytes, time: float) -> None:
        try:
            self._store.stamp(head, token, time)
        except OSError as error:
            log.error("evidence:stamp:not_written %s", error)


def _acts(second: _Second) -> int:
    """How many acts and notes a second holds."""
    return len(second.notes) + sum(o.count * each.weight for each in second.seen for o in each.observations)
