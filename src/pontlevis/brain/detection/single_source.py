"""One source that floods or guesses, judged by its own deeds alone.

A source that fails log-in after log-in faster than people type hammers. A source floods when two
independent signs of four agree: faster than people ask, surely more than half in vain, ever new
fingerprints, ever new names of parameters (which no cache knows). One house explains pace and
many fingerprints together, so these two count as one. Only what browsers ask for is judged so: a
program calls an API as fast as it can, and with a key that was mistyped it fails as fast; limits
answer that. A measure against the source answers this one: the posture never rises for it, and it
does not stop the learning of what is usual.
"""

from dataclasses import dataclass

from pontlevis.brain.detection.candidate import Candidate, Deed
from pontlevis.brain.detection.columns import LOGIN_FAILURES, LOGIN_OK, total
from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.signals import AGAIN_S, Signals
from pontlevis.brain.detection.snapshot import Snapshot
from pontlevis.brain.detection.statement import Statement
from pontlevis.brain.detection.statistics import confidence, share_at_least
from pontlevis.brain.detection.visitors import Visitor, Visitors
from pontlevis.brain.detection.wording import listed, number, share
from pontlevis.brain.observation import Kind, Observation, Outcome, PagePart
from pontlevis.brain.vocabulary import Standing

HALF = 0.5
"""A source asks in vain when surely more than this share of its requests does."""
NEW_NAMES = 20
"""So many different sets of parameter names on one path are no application's: it knows its own."""
ONE_PATH = 0.8
"""Share of a source's requests that one path has when that is what it is about."""
MOST_ACCUSED = 1000
_BAD = frozenset({Outcome.BAD_CREDENTIAL, Outcome.UNKNOWN_USER, Outcome.INVALID})
_LOGIN, _PAGE = Kind.LOGIN, Kind.PAGE
_ASSET = PagePart.ASSET.value
_OK, _REFUSED, _ERROR = Outcome.OK, Outcome.REFUSED, Outcome.ERROR
_NEW = Standing.NEW.value


@dataclass(slots=True)
class Accused:
    """A source as it was last found hostile."""

    deed: Deed
    at: float
    acts: int
    signs: tuple[str, ...]


class SingleSource:
    """Follows unfamiliar sources as they act; says once a second whom it accuses."""

    name = DetectorName.SINGLE_SOURCE

    def __init__(self, policy: DetectionPolicy, signals: Signals) -> None:
        self._policy = policy
        self._signals = signals
        self._off = DetectorName.SINGLE_SOURCE.value in policy.detectors_off
        self._visitors = Visitors(policy.max_visitors)
        self._suspects: dict[str, Visitor] = {}
        """Whoever crossed a bound since the last tick."""
        self._accused: dict[str, Accused] = {}

    @property
    def sources(self) -> tuple[str, ...]:
        """Whom it accuses now, loudest first."""
        loudest = sorted(self._accused.items(), key=lambda pair: pair[1].acts, reverse=True)
        return tuple(source for source, _ in loudest)

    def take(self, o: Observation) -> None:
        """Counts one act of an unfamiliar source; what an account's valid key did is its own affair."""
        source, kind, outcome = o.source, o.kind, o.outcome
        if self._off or not source or outcome is _REFUSED or outcome is _ERROR:
            return
        policy = self._policy
        if kind is _LOGIN:
            self._log_in(o)
        elif kind is _PAGE and o.part != _ASSET and o.standing <= _NEW and not (o.account and outcome is _OK):
            visitor = self._visitors.get(source, o.at)
            visitor.asked(o.at, o.count, policy.pace_leak_s, bad=outcome in _BAD)
            visitor.how(o.fingerprint, o.target, o.parameters)
            if visitor.acts >= policy.single_acts and (
                visitor.pace > policy.pace_requests or 2 * visitor.bad > visitor.acts
            ):
                self._suspects[source] = visitor

    def _log_in(self, o: Observation) -> None:
        source = o.source
        if o.outcome is _OK:
            known = self._visitors.records.get(source)
            if known is not None:
                known.succeeded(o.count)
            return
        if o.outcome not in _BAD or o.outcome is Outcome.INVALID:
            return
        visitor = self._visitors.get(source, o.at)
        visitor.failed(o.at, o.count, self._policy.hammer_leak_s)
        if visitor.guesses > self._policy.hammer_failures:
            self._suspects[source] = visitor

    def look(self, snapshot: Snapshot) -> Statement | None:
        """A statement while at least one source is accused for its own deeds."""
        now = snapshot.now
        suspects, self._suspects = self._suspects, {}
        for source, visitor in suspects.items():
            if not self._signals.familiar(source):
                self._judge(snapshot, source, visitor)
        if (
            not self._signals.alert.stuffing
            and DetectorName.CREDENTIAL_STUFFING.value not in self._policy.silent
        ):
            self._hear_of_guessers(snapshot)
        for source in [key for key, each in self._accused.items() if now - each.at > self._policy.linger_s]:
            del self._accused[source]
        if not self._accused:
            return None
        source, worst = max(self._accused.items(), key=lambda pair: (len(pair[1].signs), pair[1].acts))
        others = len(self._accused) - 1
        also = (
            f" So {'does' if others == 1 else 'do'} {number(others)} more, each by itself." if others else ""
        )
        what = "floods" if worst.deed is Deed.FLOODS else "guesses passwords"
        return Statement(
            hostile=True,
            confidence=min(0.96, confidence(len(worst.signs), worst.acts)),
            sentence=f"{source} alone {what}: {listed(list(worst.signs))}.{also}",
            figures={
                "sources": len(self._accused),
                "acts": worst.acts,
                "guessing": sum(each.deed is not Deed.FLOODS for each in self._accused.values()),
            },
            volume=sum(each.acts for each in self._accused.values()),
            local=True,
        )

    def _judge(self, snapshot: Snapshot, source: str, visitor: Visitor) -> None:
        policy = self._policy
        hammers = visitor.guesses > policy.hammer_failures and not self._fails_everywhere(
            snapshot, visitor.failures
        )
        if hammers:
            signs = [
                f"{number(visitor.failures)} log-ins failed in a burst and none made up for them",
                f"more than {policy.hammer_failures} ahead of one in {policy.hammer_leak_s:.0f} s",
            ]
            deed, acts = Deed.HAMMERS, visitor.failures
        else:
            signs, deed, acts = self._signs(visitor), Deed.FLOODS, visitor.acts
            if len(signs) < 2:
                return
        self._accuse(source, Accused(deed, snapshot.now, acts, tuple(signs)))
        if snapshot.now >= visitor.named_until:
            visitor.named_until = snapshot.now + AGAIN_S
            self._signals.candidates.append(Candidate(deed, source, "", acts))

    def _hear_of_guessers(self, snapshot: Snapshot) -> None:
        """Those whom the sequential test has just named: too patient to hammer, and each by itself."""
        chance = self._policy.sprt_alpha
        for each in self._signals.candidates:
            source = each.source
            if each.deed is not Deed.GUESSES or self._signals.familiar(source):
                continue
            known = self._accused.get(source)
            if (known is None or known.deed is Deed.GUESSES) and not self._fails_everywhere(
                snapshot, each.acts
            ):
                signs = (
                    f"{number(each.acts)} log-ins failed there and hardly any got in",
                    f"one in {number(1 / chance)} of those who mistype fails like that",
                )
                self._accuse(source, Accused(Deed.GUESSES, snapshot.now, each.acts, signs))

    def _accuse(self, source: str, accused: Accused) -> None:
        if source in self._accused or len(self._accused) < MOST_ACCUSED:
            self._accused[source] = accused

    def _fails_everywhere(self, snapshot: Snapshot, failures: int) -> bool:
        """Whether others' log-ins fail too: then it is a fault of ours, or more than one source."""
        failed = total(snapshot.sixty, LOGIN_FAILURES) - failures
        judged = failed + snapshot.sixty[LOGIN_OK]
        return failed >= self._policy.cluster_acts and failed > self._policy.rest_share * judged

    def _signs(self, visitor: Visitor) -> list[str]:
        policy = self._policy
        acts, bad = visitor.acts, visitor.bad
        if acts < policy.single_acts:
            return []
        signs = []
        fast = visitor.pace > policy.pace_requests
        if fast:
            signs.append(f"{number(acts)} requests within a minute, faster than people ask")
        if share_at_least(bad, acts) > HALF:
            signs.append(f"{share(bad / acts)} of {number(acts)} requests ask in vain")
        kinds = visitor.kinds
        vain = bool(signs) and not fast
        if vain and kinds >= policy.single_variety and 2 * kinds >= acts:
            signs.append(f"{kinds} fingerprints, hardly one used twice")
        names = visitor.names
        if names >= NEW_NAMES and visitor.on_target > ONE_PATH * acts:
            signs.append(f"one path with ever new parameters, {names} and more sets of names")
        return signs
