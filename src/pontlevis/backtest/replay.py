"""Observations of the past through detection and posture, a tick for each second of theirs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from pontlevis.backtest.result import (
    MOST_SOURCES,
    BacktestResult,
    FoundDecision,
    FoundFinding,
    FoundPosture,
    FoundRegistration,
    FoundVerdict,
    moment,
)
from pontlevis.brain.detection.address import place_of, prefix_of
from pontlevis.brain.detection.detection import Detection
from pontlevis.brain.detection.finding import Finding, Measure
from pontlevis.brain.detection.judgement import Judgement
from pontlevis.brain.detection.knowledge import Knowledge
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Observation, Outcome, ServiceSample
from pontlevis.brain.posture.machine import PostureMachine
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.reach import Reach
from pontlevis.brain.vocabulary import Posture, Standing, Verdict

QUIET_STEP_S = 10
"""While all is calm a second without any act is not ticked, but each tenth is."""
SILENT_S = 60
SILENT_STEP_S = 60
"""After a minute of silence each sixtieth."""
LONG_S = 86_400
"""What is longer than a day is skipped but for its last minutes: every window is empty, all is learned."""
FADE_S = 660
"""The longest window and a minute: how much of a long silence is ticked at its end."""
_BAD = frozenset({Outcome.BAD_CREDENTIAL, Outcome.UNKNOWN_USER, Outcome.INVALID})


@dataclass(frozen=True)
class ReplayOptions:
    """How observations are replayed."""

    detection: DetectionPolicy = field(default_factory=DetectionPolicy)
    posture: PosturePolicy = field(default_factory=PosturePolicy)
    protected: frozenset[str] = frozenset()
    """Addresses and prefixes that no decision may name."""
    knowledge: Knowledge | None = None
    """What is known of addresses."""
    enforce: bool = True
    """Whether acts of sources under a decision count as turned away from then on, as they would have been."""


class Replay:
    """One pass. ``progress`` is called now and then with the time replayed up to."""

    def __init__(self, options: ReplayOptions, progress: Callable[[float], None] | None = None) -> None:
        self._detection = Detection(options.detection, options.protected)
        if options.knowledge is not None:
            self._detection.know(options.knowledge)
        self._machine = PostureMachine(options.posture)
        self._enforce = options.enforce
        self._progress = progress
        self.result = BacktestResult()
        self._findings: dict[tuple[str, bool], FoundFinding] = {}
        self._in_force: dict[tuple[str, str, Reach], float] = {}
        """By ``account``, ``credential`` or nothing for a place, by name, and by what is closed; until when."""
        self._verdict = Verdict.CALM
        self._calm = True
        self._ticked: int | None = None
        self._last_tick: float | None = None
        self._seen: int | None = None

    def run(
        self, observations: Iterable[Observation], samples: Iterable[ServiceSample] = ()
    ) -> BacktestResult:
        """Replays observations in the order of time, and how the service did where that was recorded."""
        waiting = iter(samples)
        sample = next(waiting, None)
        for observation in observations:
            second = int(observation.at)
            if self._seen is None:
                self.result.first_at = observation.at
                self._tick(second)
                self._ticked = self._seen = second
            while sample is not None and sample.at <= observation.at:
                if int(sample.at) > self._seen:
                    self._pass(int(sample.at))
                self._detection.sample(sample)
                sample = next(waiting, None)
            if second > self._seen:
                self._pass(second)
            self._take(observation)
        if self._seen is not None:
            self._finish(self._seen)
        return self.result

    def _take(self, o: Observation) -> None:
        result = self.result
        counts = result.rates.at(int(o.at))
        kind = o.kind.value
        counts.kinds[kind] = counts.kinds.get(kind, 0) + o.count
        if o.outcome is Outcome.OK:
            counts.good += o.count
        elif o.outcome in _BAD:
            counts.bad += o.count
        result.observations += 1
        result.kinds[kind] = result.kinds.get(kind, 0) + o.count
        if self._in_force and self._held(o):
            result.turned_away += o.count
            counts.turned_away += o.count
            if o.outcome is Outcome.OK:
                result.turned_away_good += o.count
            o = msgspec.structs.replace(o, outcome=Outcome.REFUSED)
        self._detection.observe(o)

    def _held(self, o: Observation) -> bool:
        """Whether it would have been turned away, by the rules of the gateway."""
        held, at = self._in_force, o.at
        if o.account and held.get(("account", o.account, Reach.EVERYTHING), 0.0) > at:
            return True
        if o.credential and held.get(("credential", o.credential, Reach.EVERYTHING), 0.0) > at:
            return True
        keyed = o.kind is Kind.REQUEST and o.standing > Standing.ANONYMOUS
        # A valid key of an existing account counts for more than where it comes from.
        if not o.source or (keyed and o.standing > Standing.NEW):
            return False
        place = place_of(o.source)
        prefix = prefix_of(place)
        return any(
            held.get(("", named, reach), 0.0) > at
            for reach in Reach
            if reach.closes(o.kind, keyed=keyed)
            for named in (place, prefix)
        )

    def _pass(self, second: int) -> None:
        """Ticks up to the beginning of ``second``, in which something happens again."""
        assert self._ticked is not None
        assert self._seen is not None
        at = self._ticked
        busy_until = self._seen + 1
        while at < second:
            if at < busy_until or not self._calm:
                at += 1
            else:
                at = self._next_quiet(at, busy_until, second)
            self._tick(at)
        self._ticked = at
        self._seen = second
        if self._progress is not None:
            self._progress(float(second))

    def _next_quiet(self, at: int, since: int, until: int) -> int:
        """The next second to tick while nothing happens and all is calm; never after ``until``."""
        if until - at > LONG_S and at - since > FADE_S:
            return until - FADE_S
        step = QUIET_STEP_S if at - since < SILENT_S else SILENT_STEP_S
        return min(until, at + step)

    def _finish(self, second: int) -> None:
        """The last second, and what is decided by those after it: findings close, but nothing is learned."""
        self._pass(second + 1)
        self.result.last_at = float(second + 1)

    def _tick(self, second: int) -> None:
        now = float(second)
        result = self.result
        result.ticks += 1
        before = self._machine.state.posture
        judgement = self._detection.tick(now, posture=before)
        length = now - (self._last_tick if self._last_tick is not None else now - 1)
        self._last_tick = now
        result.posture_s[before.value] = result.posture_s.get(before.value, 0.0) + length
        verdict = judgement.verdict.value
        result.verdict_s[verdict] = result.verdict_s.get(verdict, 0.0) + length
        self._note(now, judgement)
        for change in self._machine.tick(now, judgement):
            after, was = change.after, change.before
            if after.posture is not was.posture or after.stage != was.stage:
                result.keep(
                    "postures",
                    FoundPosture(
                        moment(now), change.reason, after.posture.value, was.posture.value, after.stage, now
                    ),
                )
            if (after.registration, after.registration_share) != (was.registration, was.registration_share):
                mode = after.registration.value
                result.keep(
                    "registration",
                    FoundRegistration(moment(now), change.reason, mode, after.registration_share),
                )
        self._calm = (
            judgement.verdict is Verdict.CALM
            and not judgement.findings
            and self._machine.planned.posture is Posture.NORMAL
        )

    def _note(self, now: float, judgement: Judgement) -> None:
        result = self.result
        if judgement.verdict is not self._verdict:
            self._verdict = judgement.verdict
            result.keep("verdicts", FoundVerdict(moment(now), judgement.reason, judgement.verdict))
        for finding in judgement.findings:
            self._found(now, finding)
        if self._findings and not judgement.findings:
            self._findings.clear()
        for measure in judgement.measures:
            self._decide(now, measure)

    def _found(self, now: float, finding: Finding) -> None:
        key = (finding.id, finding.hostile)
        known = self._findings.get(key)
        if known is None:
            known = FoundFinding(
                at=moment(finding.since),
                reason=finding.sentence,
                detector=finding.detector.value,
                id=finding.id,
                hostile=finding.hostile,
                local=finding.local,
                confidence=finding.confidence,
                until=moment(finding.at),
                lines=self.result.observations,
                sources=list(finding.sources[:MOST_SOURCES]),
                figures=finding.figures,
                since_s=finding.since,
                until_s=finding.at,
            )
            self._findings[key] = known
            self.result.keep("findings", known)
            return
        if finding.at > known.until_s:
            known.until_s = finding.at
            known.until = moment(finding.at)
        if finding.confidence > known.confidence or (
            finding.confidence == known.confidence and len(finding.sources) > len(known.sources)
        ):
            known.confidence = finding.confidence
            known.reason = finding.sentence
            known.figures = finding.figures
            known.sources = list(finding.sources[:MOST_SOURCES])

    def _decide(self, now: float, measure: Measure) -> None:
        until = now + measure.duration_s
        self.result.keep(
            "decisions",
            FoundDecision(
                moment(now), measure.reason, measure.scope, measure.value, moment(until), measure.finding,
                self.result.observations, measure.reach.value,
            ),
        )  # fmt: skip
        if not self._enforce:
            return
        if len(self._in_force) > 50_000:
            self._in_force = {named: end for named, end in self._in_force.items() if end > now}
        scope = measure.scope if measure.scope in ("account", "credential") else ""
        self._in_force[scope, measure.value, measure.reach] = until


def replay(
    observations: Iterable[Observation],
    options: ReplayOptions | None = None,
    *,
    samples: Iterable[ServiceSample] = (),
    progress: Callable[[float], None] | None = None,
) -> BacktestResult:
    """Plays recorded observations, in the order of time, through detection and posture.

    ``samples``: how the service did, where that was recorded; without them impact on existing users
    cannot be seen. Raises ValueError for a protected entry that is no address.
    """
    return Replay(options or ReplayOptions(), progress).run(observations, samples)
