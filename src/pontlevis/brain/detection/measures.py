"""Decisions that detection proposes: narrow, with a reason and an end, never against whom we serve."""

from pontlevis.brain.detection.address import Protected, measurable, place_of
from pontlevis.brain.detection.book import Book
from pontlevis.brain.detection.candidate import Candidate, Deed
from pontlevis.brain.detection.finding import DetectorName, Measure
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.signals import Signals
from pontlevis.brain.detection.wording import number

RULE = {
    Deed.GUESSES: DetectorName.CREDENTIAL_STUFFING,
    Deed.BAD_KEYS: DetectorName.ROTATING_FLOOD,
    Deed.KEYLESS: DetectorName.ROTATING_FLOOD,
    Deed.DRAINS: DetectorName.TOKEN_DRAIN,
    Deed.HAMMERS: DetectorName.SINGLE_SOURCE,
    Deed.FLOODS: DetectorName.SINGLE_SOURCE,
    Deed.SLOW: DetectorName.SLOW_CLIENTS,
    Deed.LEAKED: DetectorName.LEAKED_KEY,
    Deed.WAKES: DetectorName.SLEEPER_ACCOUNTS,
}


class Measures:
    """Turns candidates into proposals, each source at most once while its decision is in force."""

    __slots__ = ("_in_force", "_policy", "_protected", "_signals")

    def __init__(self, policy: DetectionPolicy, signals: Signals, protected: Protected) -> None:
        self._policy = policy
        self._signals = signals
        self._protected = protected
        self._in_force: dict[str, float] = {}

    def propose(self, now: float, book: Book) -> tuple[Measure, ...]:
        """The new proposals of this tick; what is beyond the tick's number waits for the next."""
        candidates = self._signals.candidates
        self._expire(now)
        proposals: list[Measure] = []
        while candidates and len(proposals) < self._policy.measures_per_tick:
            measure = self._measure(now, candidates.popleft(), book)
            if measure is not None:
                proposals.append(measure)
        return tuple(proposals)

    def _measure(self, now: float, candidate: Candidate, book: Book) -> Measure | None:
        if RULE[candidate.deed].value in self._policy.silent:
            return None
        named = self._named(candidate)
        if named is None or len(self._in_force) >= self._policy.measures_in_force:
            return None
        scope, value = named
        if self._in_force.get(value, now) > now:
            return None
        guesser = candidate.deed in (Deed.GUESSES, Deed.HAMMERS)
        duration = self._policy.guesser_ban_s if guesser else self._policy.ban_s
        self._in_force[value] = now + duration
        if scope in ("address", "prefix"):
            self._signals.banned[place_of(candidate.source)] = now + duration
        detector = RULE[candidate.deed]
        entry = book.open.get(detector)
        hostile = entry is not None and entry.statement.hostile
        finding = f"{detector.value}:{entry.since:.0f}" if entry is not None and hostile else ""
        return Measure(scope, value, _reason(candidate, hostile), finding, duration)

    def _named(self, candidate: Candidate) -> tuple[str, str] | None:
        """Scope and value, or None where the source must not be named."""
        if candidate.deed is Deed.LEAKED:
            return "credential", candidate.credential
        if candidate.deed in (Deed.DRAINS, Deed.WAKES):
            return "account", candidate.account
        named = measurable(candidate.source)
        if (
            named is None
            or candidate.source in self._protected
            or place_of(candidate.source) in self._signals.vouched
        ):
            return None
        return named

    def _expire(self, now: float) -> None:
        # In the order they were made: durations differ little, so a late one only waits a while.
        while self._in_force:
            value, until = next(iter(self._in_force.items()))
            if until > now:
                return
            del self._in_force[value]


def _reason(candidate: Candidate, attack: bool) -> str:
    acts = number(candidate.acts)
    during = " during an attack of that kind" if attack else ""
    if candidate.deed is Deed.GUESSES:
        return f"{acts} log-ins failed from here in a way that people's do not{during}."
    if candidate.deed is Deed.BAD_KEYS:
        return f"{acts} made-up keys or malformed calls came from here within a minute{during}."
    if candidate.deed is Deed.KEYLESS:
        return f"{acts} calls without a valid key came from here with an accused fingerprint{during}."
    if candidate.deed is Deed.HAMMERS:
        return f"{acts} log-ins failed from here in a way that people's do not: faster than they type."
    if candidate.deed is Deed.FLOODS:
        return f"{acts} requests came from here within a minute in a way that no browser asks."
    if candidate.deed is Deed.SLOW:
        return f"{acts} connections from here sent or took bytes too slowly within two minutes{during}."
    if candidate.deed is Deed.LEAKED:
        return (
            f"This key is used from {acts} new networks and far beyond what it ever did; its account goes on."
        )
    if candidate.deed is Deed.WAKES:
        return "This account slept since it was made, and woke up together with others of its kind."
    return f"This young account drains tokens, as do others of its sign-up cluster{during}."
