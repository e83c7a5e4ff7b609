"""What a policy would have done in the last hours: the journal through detection and posture once more.

The traffic is as it was answered then: whom the service turned away stays turned away, and an attacker who
met another policy might have acted otherwise. Detection begins without what it had learned before.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from pontlevis.backtest.replay import Replay, ReplayOptions
from pontlevis.backtest.result import FoundDecision, FoundFinding, FoundPosture, FoundRegistration
from pontlevis.brain.observation import Observation, ServiceSample
from pontlevis.config import Settings
from pontlevis.evidence.frames import Seen, Stood, Ticked
from pontlevis.evidence.reader import JournalReader
from pontlevis.knowledge.shelf import Shelf

GAP_S = 5.0
"""Between two ticks further apart the service did not run."""
MOST_LISTED = 1_000
EVERY = 20_000
"""Facts between two looks at the progress bar."""

Progress = Callable[[float], None]


class Happened(msgspec.Struct, frozen=True):
    """One change as it really was."""

    at: float
    posture: str
    registration: str
    share: float
    actor: str
    reason: str


class Really(msgspec.Struct):
    """What the journal says of the service itself."""

    seconds: float = 0.0
    suspended_s: float = 0.0
    observations: int = 0
    sampled: int = 0
    """Of these, those that stand for others like them: a flood was thinned."""
    dropped: int = 0
    changes: list[Happened] = []
    posture_s: dict[str, float] = {}


class Yesterday(msgspec.Struct):
    """Both, side by side. Times are Unix seconds."""

    since: float
    until: float
    really: Really
    suspended_s: float
    """Seconds for which registrations would have been suspended."""
    posture_s: dict[str, float]
    postures: list[FoundPosture]
    registration: list[FoundRegistration]
    findings: list[FoundFinding]
    decisions: list[FoundDecision]
    decisions_made: int
    """Whether listed or not."""


def replay_journal(
    folder: Path, settings: Settings, *, since: float, until: float, progress: Progress | None = None
) -> Yesterday | None:
    """Replays the journal in ``folder`` under ``settings``; None where it holds nothing of that time.

    Memory is bounded by detection's own bounds and the lists' lengths. ``progress`` gets the share done.
    """
    really = _really(JournalReader(folder), since, until)
    if really.seconds == 0.0:
        return None
    reader, samples = JournalReader(folder), JournalReader(folder)
    options = ReplayOptions(
        detection=settings.detection,
        # What it would do, not that it would say so.
        posture=replace(settings.posture, dry_run=False),
        protected=frozenset(settings.trusted_proxies),
        knowledge=known.knowledge
        if (known := Shelf(settings.knowledge, time.time).look()) is not None
        else None,
    )
    result = Replay(options).run(
        _observations(reader, since, until, progress), _samples(samples, since, until)
    )
    return Yesterday(
        since=since,
        until=until,
        really=really,
        suspended_s=result.posture_s.get("under_attack", 0.0),
        posture_s=result.posture_s,
        postures=result.postures[:MOST_LISTED],
        registration=result.registration[:MOST_LISTED],
        findings=result.findings[:MOST_LISTED],
        decisions=result.decisions[:MOST_LISTED],
        decisions_made=len(result.decisions) + result.not_listed.get("decisions", 0),
    )


def _really(reader: JournalReader, since: float, until: float) -> Really:
    found = Really(changes=[], posture_s={})
    standing: Stood | None = None
    last: float | None = None
    for entry in reader.entries(since, until):
        if isinstance(entry, Seen):
            count = entry.weight * sum(each.count for each in entry.observations)
            found.observations += count
            found.sampled += count if entry.weight > 1 else 0
        elif isinstance(entry, Stood):
            if standing is None or _differs(standing, entry):
                _keep(found, entry)
            standing = entry
        elif isinstance(entry, Ticked):
            gap = 1.0 if last is None else entry.at - last
            length = gap if 0.0 < gap <= GAP_S else 1.0
            last = entry.at
            found.seconds += length
            found.dropped += entry.dropped
            found.posture_s[entry.posture] = found.posture_s.get(entry.posture, 0.0) + length
            mode = standing.state.registration.value if standing is not None else ""
            if mode == "suspended" or (standing is None and entry.posture == "under_attack"):
                found.suspended_s += length
    return found


def _differs(before: Stood, after: Stood) -> bool:
    one, other = before.state, after.state
    return (one.posture, one.registration, one.registration_share, one.held_by) != (
        other.posture,
        other.registration,
        other.registration_share,
        other.held_by,
    )


def _keep(found: Really, entry: Stood) -> None:
    if len(found.changes) >= MOST_LISTED:
        return
    state = entry.state
    found.changes.append(
        Happened(
            entry.at,
            state.posture.value,
            state.registration.value,
            state.registration_share,
            entry.actor,
            entry.reason,
        )
    )


def _observations(
    reader: JournalReader, since: float, until: float, progress: Progress | None
) -> Iterator[Observation]:
    whole = max(1, reader.size(since))
    for number, (_, fact) in enumerate(reader.facts(since, until)):
        if progress is not None and number % EVERY == 0:
            progress(min(1.0, reader.bytes_read / whole))
        if isinstance(fact, Observation):
            yield fact
    if progress is not None:
        progress(1.0)


def _samples(reader: JournalReader, since: float, until: float) -> Iterator[ServiceSample]:
    for _, fact in reader.facts(since, until):
        if isinstance(fact, ServiceSample):
            yield fact
