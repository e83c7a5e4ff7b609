"""Pontlevis' own journal as a past to replay: observations as they were, and how the service did."""

from collections.abc import Callable, Iterator
from pathlib import Path

from pontlevis.backtest.logs import FileReport
from pontlevis.brain.observation import Observation, ServiceSample
from pontlevis.evidence.journal import FOLDER
from pontlevis.evidence.reader import JournalReader

PROGRESS_FACTS = 2000


class NoJournal(ValueError):
    """The directory holds no journal."""


class JournalReading:
    """One service's journal, in its data directory or its own; like ``LogReading``, and with samples.

    Raises ``NoJournal`` where there is none.
    """

    def __init__(self, directory: Path) -> None:
        inner = directory / FOLDER
        self._folder = inner if inner.is_dir() else directory
        self._reader = JournalReader(self._folder)
        if not self._reader.files():
            raise NoJournal(f"{directory}: no journal of a Pontlevis service lies there")
        self.files = [FileReport(str(self._folder), "pontlevis")]
        self.disorder = (0, 0, 0.0)
        self._progress: Callable[[int], None] | None = None

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return self._reader.size()

    def on_progress(self, progress: Callable[[int], None]) -> None:
        """``progress`` is told the bytes that have gone by, now and then."""
        self._progress = progress

    def observations(self) -> Iterator[Observation]:
        """All acts, in the order of time; where the journal was thinned, counts stand for what was left out."""
        (report,) = self.files
        for _, fact in self._reader.facts():
            report.lines += 1
            if self._progress is not None and report.lines % PROGRESS_FACTS == 0:
                self._progress(self._reader.bytes_read)
            if isinstance(fact, Observation):
                report.read += 1
                yield fact
            else:
                report.passed += 1

    def samples(self) -> Iterator[ServiceSample]:
        """How the service did, from a second reading of the same files."""
        return (fact for _, fact in JournalReader(self._folder).facts() if isinstance(fact, ServiceSample))
