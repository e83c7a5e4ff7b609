"""Which settings would have caught it sooner: each is replayed, and only what the replay bears out is proposed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pontlevis.backtest.replay import Replay, ReplayOptions
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Observation, Outcome
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.vocabulary import EXISTING, Posture
from pontlevis.investigation.phrase import Phrase, phrase
from pontlevis.investigation.policy import InvestigationPolicy
from pontlevis.investigation.record import Record

SOONER_S = 1.0
"""A second is what a tick can tell apart."""
LEAST_BEFORE = 200
"""Acts of known good traffic without which nothing is proposed: a threshold that nobody tested is a guess."""
SEARCHED: tuple[tuple[str, str, float], ...] = (
    ("detection", "flood_acts", 0.5),
    ("detection", "flood_sources", 0.5),
    ("detection", "flood_ratio", 0.67),
    ("detection", "least_acts", 0.5),
    ("detection", "cluster_acts", 0.5),
    ("detection", "fail_margin", 0.5),
    ("detection", "surge_signups", 0.5),
    ("detection", "surge_ratio", 0.75),
    ("detection", "greedy_tokens", 0.5),
    ("detection", "hammer_failures", 0.5),
    ("posture", "hostile_sustained_s", 0.5),
    ("posture", "agreement_s", 0.5),
)
"""The whole search: section, setting, and by what it is multiplied; each alone, then the best two together."""


@dataclass(frozen=True, slots=True)
class Change:
    """One setting at another value."""

    section: str
    name: str
    old: float
    new: float

    def __str__(self) -> str:
        return f"{self.section}.{self.name} {self.old:g} → {self.new:g}"


@dataclass(frozen=True, slots=True)
class Trial:
    """What one replay came to. Times are Unix seconds, None: never."""

    changes: tuple[Change, ...]
    raised_at: float | None
    """When the posture left ``normal`` within the incident."""
    attack_at: float | None
    """When it became ``under_attack``."""
    decided_at: float | None
    """When the first decision against somebody was made."""
    known_hit: int
    """Acts of existing users that ended well and that its decisions would have turned away."""
    held: int
    """Acts that its decisions would have turned away, all in all."""
    alarms_before: int
    """Hostile findings, decisions and changes of posture in the time before, which was good."""


@dataclass(slots=True)
class Search:
    """The settings in force, every trial, and those that are proposed."""

    current: Trial | None = None
    trials: list[Trial] = field(default_factory=list)
    proposals: list[Trial] = field(default_factory=list)
    before_acts: int = 0
    before_s: float = 0.0
    acts: int = 0
    source: str = ""
    notes: list[Phrase] = field(default_factory=list)


class _Watched(Replay):
    """A replay that counts whom its decisions hit."""

    def __init__(self, options: ReplayOptions) -> None:
        super().__init__(options)
        self.known_hit = 0

    def _take(self, o: Observation) -> None:
        if o.outcome is Outcome.OK and o.standing in EXISTING and self._in_force and self._held(o):
            self.known_hit += o.count
        super()._take(o)


def search(
    record: Record,
    since: float,
    detection: DetectionPolicy,
    posture: PosturePolicy,
    policy: InvestigationPolicy,
    *,
    good: Record | None = None,
    progress: Callable[[str], None] | None = None,
) -> Search:
    """Tries the settings of ``SEARCHED`` on what was recorded; what lies before ``since`` (Unix seconds) was good.

    ``good``: traffic known to be good that every proposal must leave in peace as well.
    """
    say = progress or (lambda _: None)
    before = [each for each in record.observations if each.at < since]
    found = Search(acts=sum(each.count for each in record.observations), source=record.source)
    found.before_acts = sum(each.count for each in before)
    found.before_s = since - before[0].at if before else 0.0
    if good is not None and good.observations:
        found.before_acts += sum(each.count for each in good.observations)
        found.before_s += good.observations[-1].at - good.observations[0].at
    if len(before) == len(record.observations):
        found.notes.append(phrase("report.note_gone"))
        return found
    if record.cut:
        found.notes.append(phrase("report.note_cut", count=len(record.observations)))

    def play(changes: tuple[Change, ...]) -> Trial | None:
        tables: dict[str, DetectionPolicy | PosturePolicy] = {"detection": detection, "posture": posture}
        try:
            for each in changes:
                tables[each.section] = replace(tables[each.section], **{each.name: _like(each)})  # type: ignore[arg-type]
        except ValueError:
            return None
        options = ReplayOptions(tables["detection"], tables["posture"])  # type: ignore[arg-type]
        return _played(changes, options, record, since, good)

    begun = time.monotonic()
    say("the settings in force")
    found.current = play(())
    if found.current is None:
        return found
    for section, name, factor in SEARCHED[: policy.replay_trials]:
        if time.monotonic() - begun > policy.replay_s:
            found.notes.append(phrase("report.note_ended", length=policy.replay_s))
            break
        old = float(getattr(detection if section == "detection" else posture, name))
        new = old * factor
        if isinstance(getattr(detection if section == "detection" else posture, name), int):
            new = max(1.0, float(round(new)))
        if new == old:
            continue
        change = Change(section, name, old, new)
        say(str(change))
        tried = play((change,))
        if tried is not None:
            found.trials.append(tried)
    if found.before_acts < LEAST_BEFORE:
        found.notes.append(phrase("report.note_few", acts=found.before_acts))
        return found
    better = sorted((each for each in found.trials if bears_out(each, found.current)), key=_order)
    if len(better) > 1 and time.monotonic() - begun <= policy.replay_s:
        both = (*better[0].changes, *better[1].changes)
        say(" and ".join(map(str, both)))
        tried = play(both)
        if tried is not None:
            found.trials.append(tried)
            if bears_out(tried, found.current) and bears_out(tried, better[0]):
                better.insert(0, tried)
    found.proposals = better[:3]
    return found


def bears_out(trial: Trial, current: Trial) -> bool:
    """Sooner by a second at least, nobody who is known good hit more, and no alarm in the good time before."""
    if trial.alarms_before > 0 or trial.known_hit > current.known_hit:
        return False
    if _later(trial.raised_at, current.raised_at) or _later(trial.attack_at, current.attack_at):
        return False
    return (
        _sooner(trial.raised_at, current.raised_at)
        or _sooner(trial.attack_at, current.attack_at)
        or (_sooner(trial.decided_at, current.decided_at) and trial.held >= current.held)
    )


def _order(trial: Trial) -> tuple[float, float, float]:
    return tuple(  # type: ignore[return-value]
        at if at is not None else float("inf") for at in (trial.attack_at, trial.raised_at, trial.decided_at)
    )


def _sooner(at: float | None, than: float | None) -> bool:
    return at is not None and (than is None or at <= than - SOONER_S)


def _later(at: float | None, than: float | None) -> bool:
    return than is not None and (at is None or at > than)


def _like(change: Change) -> float | int:
    """As the setting's kind wants it."""
    return int(change.new) if change.new.is_integer() and change.old.is_integer() else change.new


def _played(
    changes: tuple[Change, ...], options: ReplayOptions, record: Record, since: float, good: Record | None
) -> Trial:
    alarms = 0
    if good is not None and good.observations:
        calm = Replay(options).run(good.observations, good.samples)
        alarms += sum(each.hostile for each in calm.findings) + len(calm.decisions)
        alarms += sum(each.posture != Posture.NORMAL for each in calm.postures)
    replay = _Watched(options)
    result = replay.run(record.observations, record.samples)
    decided = [_seconds(each.at) for each in result.decisions]
    raised = [each.at_s for each in result.postures if each.posture != Posture.NORMAL]
    attack = [each.at_s for each in result.postures if each.posture == Posture.UNDER_ATTACK]
    alarms += sum(at < since for at in decided) + sum(at < since for at in raised)
    return Trial(
        changes,
        min((at for at in raised if at >= since), default=None),
        min((at for at in attack if at >= since), default=None),
        min((at for at in decided if at >= since), default=None),
        replay.known_hit,
        result.turned_away,
        alarms,
    )


def _seconds(moment: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(moment).timestamp()
