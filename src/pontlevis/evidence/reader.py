"""Reads the journal: entry by entry, one frame in memory at a time."""

import heapq
from collections.abc import Iterator
from pathlib import Path

import msgspec

from pontlevis.brain.observation import Observation, ServiceSample
from pontlevis.evidence.frames import MAGIC, Entry, Sampled, Seen, Ticked, frames
from pontlevis.evidence.journal import hour_name, journal_files

HORIZON_S = 2.0
"""Batches of several gateways arrive at most this much out of order; a batch is a quarter of a second."""
MOST_HELD = 200_000
"""Facts held back to be put in order, whatever their times say."""


class JournalReader:
    """The files of one folder. Those that end in a torn frame count up to it; what is no journal is skipped."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.bytes_read = 0
        """Of the files' bytes, those that have been read; grows while an iteration goes on."""

    def files(self, since: float | None = None) -> list[Path]:
        """Oldest first; with ``since`` (Unix seconds), from the hour in which it lies."""
        found = journal_files(self._folder) if self._folder.is_dir() else []
        return found if since is None else [each for each in found if each.stem >= hour_name(since)]

    def size(self, since: float | None = None) -> int:
        """Bytes that an iteration will read."""
        return sum(each.stat().st_size for each in self.files(since))

    def entries(self, since: float | None = None, until: float | None = None) -> Iterator[Entry]:
        """Everything in the order in which the brain was told; times of neighbours may differ by a batch.

        Whole seconds: those whose tick lies from ``since`` up to ``until`` (Unix seconds).
        """
        self.bytes_read = 0
        before = 0
        for path in self.files(since):
            try:
                file = path.open("rb")
            except FileNotFoundError:
                continue  # its hour ended while we read
            with file:
                if file.read(len(MAGIC)) == MAGIC:
                    for frame in frames(file):
                        self.bytes_read = before + file.tell()
                        at = next((each.at for each in reversed(frame) if isinstance(each, Ticked)), None)
                        if at is not None and since is not None and at < since:
                            continue
                        if at is not None and until is not None and at > until:
                            return
                        yield from frame
                before += file.seek(0, 2)
            self.bytes_read = before

    def facts(
        self, since: float | None = None, until: float | None = None
    ) -> Iterator[tuple[float, Observation | ServiceSample]]:
        """Observations and samples by time, with weights put into their counts and tokens."""
        held: list[tuple[float, int, Observation | ServiceSample]] = []
        newest = float("-inf")
        number = 0
        for entry in self.entries(since, until):
            for fact in facts_in(entry):
                number += 1
                newest = max(newest, fact.at)
                heapq.heappush(held, (fact.at, number, fact))
            while held and (held[0][0] <= newest - HORIZON_S or len(held) > MOST_HELD):
                at, _, fact = heapq.heappop(held)
                yield at, fact
        while held:
            at, _, fact = heapq.heappop(held)
            yield at, fact


def facts_in(entry: Entry) -> Iterator[Observation | ServiceSample]:
    """What the brain is to be told of one entry."""
    if isinstance(entry, Sampled):
        yield entry.sample
    elif isinstance(entry, Seen):
        for each in entry.observations:
            yield each if entry.weight == 1 else weighted(each, entry.weight)


def weighted(observation: Observation, weight: int) -> Observation:
    """One that stands for ``weight`` like it."""
    return msgspec.structs.replace(
        observation, count=observation.count * weight, tokens=observation.tokens * weight
    )
