"""What is replayed: the journal where it still holds the time, the evidence where it does not."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

from pontlevis.brain.observation import Kind, Observation, Outcome, ServiceSample
from pontlevis.evidence.journal import FOLDER as JOURNAL
from pontlevis.evidence.reader import JournalReader
from pontlevis.evidence.store import FOLDER as STORE
from pontlevis.investigation.archive import Archive
from pontlevis.investigation.no_answer import NoEvidence

BATCH = 50_000


@dataclass(slots=True)
class Record:
    """Observations by time, and how the service did where that was kept."""

    source: str
    observations: list[Observation] = field(default_factory=list)
    samples: list[ServiceSample] = field(default_factory=list)
    cut: bool = False
    """Whether there were more than ``most``."""


def load(data: Path, since: float, until: float, most: int) -> Record:
    """From a data directory; nothing in it where neither journal nor evidence hold that time."""
    record = Record("the journal")
    for _, fact in JournalReader(data / JOURNAL).facts(since, until):
        if isinstance(fact, ServiceSample):
            record.samples.append(fact)
        elif len(record.observations) >= most:
            record.cut = True
            break
        else:
            record.observations.append(fact)
    if record.observations:
        return record
    record = Record("the evidence")
    try:
        with Archive(data / STORE, since, until) as archive:
            for each in _from_archive(archive, most):
                record.observations.append(each)
    except NoEvidence:
        pass
    record.cut = len(record.observations) >= most
    return record


def _from_archive(archive: Archive, most: int) -> Iterator[Observation]:
    """Rows as the brain was told of them; counts stand for what was left out."""
    found = archive.connection.execute(
        f"""SELECT ts, event, outcome, source, fingerprint, account, standing, domain, round("count" * weight)::BIGINT,
                   round(tokens * weight)::BIGINT, credential, bytes, in_flight, target, parameters
            FROM events WHERE event IN ('request', 'login', 'signup', 'page') ORDER BY ts LIMIT {int(most)}"""
    )
    while rows := found.fetchmany(BATCH):
        for ts, event, outcome, *rest in rows:
            yield Observation(ts.replace(tzinfo=UTC).timestamp(), Kind(event), Outcome(outcome), *rest)
