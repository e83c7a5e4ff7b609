"""Detection as the controller, the simulator and the backtest drive it."""

from math import log

import msgspec

from pontlevis.brain.detection.address import Protected
from pontlevis.brain.detection.alert import Alert
from pontlevis.brain.detection.baseline import Baseline, BaselineState
from pontlevis.brain.detection.book import Book
from pontlevis.brain.detection.credential_stuffing import CredentialStuffing
from pontlevis.brain.detection.familiar import FamiliarState
from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.detection.first_visits import FirstVisits, VisitsState
from pontlevis.brain.detection.good import GoodRow
from pontlevis.brain.detection.heavy import Heavies
from pontlevis.brain.detection.heavy_hitter import HeavyHitter
from pontlevis.brain.detection.impact import Impact
from pontlevis.brain.detection.judgement import Judgement
from pontlevis.brain.detection.knowledge import Knowledge
from pontlevis.brain.detection.leaked_keys import LeakedKeys, NetworkOf
from pontlevis.brain.detection.measures import Measures
from pontlevis.brain.detection.page_flood import PageFlood
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.rotating_flood import RotatingFlood
from pontlevis.brain.detection.signals import Signals
from pontlevis.brain.detection.signup_surge import SignupSurge
from pontlevis.brain.detection.single_source import SingleSource
from pontlevis.brain.detection.sleeper_accounts import SleeperAccounts
from pontlevis.brain.detection.slow_clients import SlowClients
from pontlevis.brain.detection.snapshot import Snapshot
from pontlevis.brain.detection.statement import Detector, Statement
from pontlevis.brain.detection.token_drain import TokenDrain
from pontlevis.brain.detection.verdict import judge
from pontlevis.brain.observation import Observation, ServiceSample
from pontlevis.brain.vocabulary import Posture, Verdict

MOST_SOURCES = 1000
HEAVY_CALL = 1.25
"""A first call is heavy above so many times the usual one: people's sizes are skewed, and few exceed the mean."""
SPRT_BETA = 0.01
"""Guessers that the sequential test may pass (Wald 1945); weighs little in its upper bound."""


class DetectionState(msgspec.Struct, frozen=True):
    """What a body keeps for detection over a restart."""

    at: float
    baseline: BaselineState
    good: list[GoodRow]
    version: int = 1
    places: tuple[FamiliarState, FamiliarState] | None = None
    """Familiar places, and those that existing accounts vouch for; at most 8 MiB."""
    visits: VisitsState | None = None
    """What is usual of strangers' first visits."""


class Detection:
    """Observations and samples go in; once a second a judgement comes out.

    ``protected`` are addresses and prefixes that no measure may name, besides loopback: trusted
    proxies and whatever the operator lists. Raises ValueError where one is neither. ``network_of`` names
    the autonomous system of an address; without it prefixes have to do.
    """

    def __init__(
        self,
        policy: DetectionPolicy,
        protected: frozenset[str] = frozenset(),
        *,
        network_of: NetworkOf | None = None,
    ) -> None:
        self._policy = policy
        self._baseline = Baseline(policy)
        self._alert = Alert(odds=_upper(policy.sprt_alpha), bad_keys=policy.bad_key_acts)
        self._signals = Signals(policy, self._alert)
        self._measures = Measures(policy, self._signals, Protected(protected))
        self._impact = Impact(policy)
        self._single = SingleSource(policy, self._signals)
        self._network_of = network_of
        self._leaked_keys = LeakedKeys(policy, network_of)
        every: tuple[Detector, ...] = (
            SignupSurge(policy),
            CredentialStuffing(policy),
            RotatingFlood(policy),
            TokenDrain(policy),
            self._impact,
            self._single,
            SleeperAccounts(policy),
            self._leaked_keys,
            HeavyHitter(policy),
            SlowClients(policy),
            PageFlood(policy),
        )
        self._detectors = [each for each in every if each.name.value not in policy.detectors_off]
        self._book = Book(policy)
        self._young = True
        self._offered: dict[DetectorName, Statement] = {}
        """Statements of which the candidates were taken over."""
        self._set_alert()

    def know(self, knowledge: Knowledge) -> None:
        """Takes what is known of addresses, new or renewed; without it everything else works."""
        origins = self._signals.origins
        origins.learn(knowledge)
        self._leaked_keys.network_of = origins.network_of if knowledge.knows_networks else self._network_of

    def state(self, now: float) -> DetectionState:
        """What is worth keeping over a restart: what is usual, and who is known good. ``now``: Unix seconds."""
        signals = self._signals
        return DetectionState(
            now,
            self._baseline.state(),
            signals.good.state(),
            places=signals.places(),
            visits=signals.visits.state(),
        )

    def restore(self, state: DetectionState, now: float) -> None:
        """Takes up ``state``: before the first observation. Places stay familiar, and vouched for, as long as
        if there had been no restart.
        """
        self._baseline.restore(state.baseline, now)
        since = now - self._policy.good_keep_s
        good = [row for row in state.good if since < row.at <= now]
        self._signals.known_before(good, state.places, now)
        if state.visits is not None:
            self._signals.visits.restore(state.visits)

    @property
    def baseline(self) -> Baseline:
        """What is usual."""
        return self._baseline

    @property
    def heavies(self) -> Heavies:
        """The heaviest accounts, keys and sources; to be shown, and to be merged with other nodes'."""
        return self._signals.heavies

    @property
    def visits(self) -> FirstVisits:
        """Strangers' first visits, and what is usual of them."""
        return self._signals.visits

    def networks(self, most: int) -> list[tuple[str, int, int]]:
        """The busiest autonomous systems of the last minute: what each is called, its acts, and how many
        of them came from data centres and VPN exits."""
        return self._signals.networks(most)

    def observe(self, observation: Observation) -> None:
        """Counts one observation: a few microseconds, bounded memory."""
        if self._policy.enabled:
            self._signals.take(observation)
            self._single.take(observation)

    def sample(self, sample: ServiceSample) -> None:
        """Takes how the service did, as each gateway reports it."""
        if self._policy.enabled:
            self._impact.sample(sample)

    def tick(self, now: float, *, posture: Posture) -> Judgement:
        """Judges the windows that end at ``now``, Unix seconds; call once a second.

        ``posture`` in force: nothing is learned while it is elevated or worse.
        """
        if not self._policy.enabled:
            return Judgement(now, Verdict.CALM, "Detection is switched off.")
        self._baseline.turn(now)
        snapshot = self._signals.snapshot(now, self._baseline, self._book.accused)
        for detector in self._detectors:
            said = detector.look(snapshot)
            self._book.enter(snapshot, detector.name, said)
            if said is not None and said is not self._offered.get(detector.name):
                self._offered[detector.name] = said
                self._signals.candidates.extend(said.candidates)
        self._young = snapshot.just_started
        self._set_alert()
        findings = self._findings(now)
        verdict, reason = judge(snapshot, self._policy, findings)
        self._learn(snapshot, verdict, posture)
        measures = self._measures.propose(now, self._book) if self._policy.measures else ()
        withheld = self._measures.withheld if self._policy.measures else ()
        return Judgement(now, verdict, reason, findings, measures, withheld)

    def _findings(self, now: float) -> tuple[Finding, ...]:
        found = []
        for detector, entry in self._book.open.items():
            if detector.value in self._policy.detectors_dry_run:
                found.append(_on_trial(entry.finding(detector, ())))
                continue
            accuses = entry.statement.hostile
            if detector is DetectorName.SINGLE_SOURCE:
                sources = self._single.sources
            else:
                sources = self._signals.accused_sources(detector, now, MOST_SOURCES) if accuses else ()
            found.append(entry.finding(detector, sources))
        return tuple(sorted(found, key=lambda each: (not each.hostile, -each.confidence)))

    def _set_alert(self) -> None:
        """Judges single sources more strictly while an attack of their kind is found."""
        policy = self._policy
        silent = policy.silent
        hostile = {
            name: entry
            for name, entry in self._book.open.items()
            if entry.statement.hostile and name.value not in silent
        }
        stuffing = hostile.get(DetectorName.CREDENTIAL_STUFFING)
        flood = hostile.get(DetectorName.ROTATING_FLOOD)
        drain = hostile.get(DetectorName.TOKEN_DRAIN)
        surge = hostile.get(DetectorName.SIGNUP_SURGE)
        alert = self._alert
        alert.odds = _upper(policy.sprt_alpha if stuffing is None else policy.sprt_alpha_attack)
        alert.stuffing = stuffing is not None
        alert.guessing = frozenset() if stuffing is None else frozenset(stuffing.fingerprints)
        alert.flood = flood is not None
        alert.pages = DetectorName.PAGE_FLOOD in hostile
        # Nobody is familiar yet: a library that breaks its users' keys looks like a flood of made-up ones.
        strict = flood is not None and not self._young
        alert.bad_keys = policy.bad_key_acts_attack if strict else policy.bad_key_acts
        alert.accused = frozenset() if flood is None else frozenset(flood.fingerprints)
        alert.drain = drain is not None
        alert.drainers = frozenset() if drain is None else frozenset(drain.fingerprints)
        alert.signup_accused = frozenset() if surge is None else frozenset(surge.fingerprints)
        usual_call = self._baseline.call_tokens
        alert.heavy_call = HEAVY_CALL * usual_call if usual_call else float("inf")
        alert.most_tokens = max(policy.greedy_tokens, policy.greedy_ratio * self._baseline.call_tokens)

    def _learn(self, snapshot: Snapshot, verdict: Verdict, posture: Posture) -> None:
        crowd = verdict is Verdict.CROWD
        trials = self._policy.detectors_dry_run
        # What concerns only those whom a measure names does not change what is usual of everybody.
        calm = verdict in (Verdict.CALM, Verdict.ATTACK) and all(
            entry.statement.local or name.value in trials for name, entry in self._book.open.items()
        )
        visits = self._signals.visits
        if posture is not Posture.NORMAL or not calm:
            visits.forget_pending()
        else:
            visits.learn(snapshot.now)
        if posture is not Posture.NORMAL or not (crowd or calm):
            self._baseline.forget_pending()
            return
        strangers, dt = snapshot.strangers, snapshot.dt
        known = self._signals.origins.known
        self._baseline.learn(
            snapshot.now, snapshot.fresh, strangers=strangers, dt=dt, crowd=crowd, known=known
        )
        ttft = self._impact.ttft_s()
        if ttft is not None and calm:
            self._baseline.learn_ttft(ttft, dt=dt)


def _on_trial(finding: Finding) -> Finding:
    """What a detector in its dry run says: shown, and nothing more."""
    would = "it would accuse: " if finding.hostile else ""
    return msgspec.structs.replace(
        finding,
        hostile=False,
        dry_run=True,
        sentence=f"Dry run, nothing follows from it; {would}{finding.sentence}",
    )


def _upper(alpha: float) -> float:
    """Log odds at which Wald's test accepts that a source guesses."""
    return log((1 - SPRT_BETA) / alpha)
