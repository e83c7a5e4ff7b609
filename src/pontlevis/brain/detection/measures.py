"""Decisions that detection proposes: narrow, with a reason and an end, never against whom we serve."""

from pontlevis.brain.detection.address import Protected, measurable, place_of, prefix_of
from pontlevis.brain.detection.book import Book
from pontlevis.brain.detection.candidate import REACH, Candidate, Deed
from pontlevis.brain.detection.finding import DetectorName, Measure, Withheld
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.ranks import Ranks
from pontlevis.brain.detection.signals import Signals
from pontlevis.brain.detection.wording import number, share
from pontlevis.brain.reach import Reach

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
    Deed.PAGES: DetectorName.PAGE_FLOOD,
}
FAULT = "everybody: most of what fails just now comes from where people were served before, a fault of ours"
MOST_WITHHELD = 4096
"""Withheld measures that are remembered, so that each is told once; the oldest are forgotten first."""


class Measures:
    """Turns candidates into proposals, each source at most once while its decision is in force.

    A proposal is first replayed against the known good accounts; it is refused where it would hit more
    than the policy's share of them, together with those in force.
    """

    __slots__ = ("_good_hit", "_in_force", "_policy", "_protected", "_ranks", "_signals", "_told", "withheld")

    def __init__(self, policy: DetectionPolicy, signals: Signals, protected: Protected) -> None:
        self._policy = policy
        self._signals = signals
        self._protected = protected
        self._in_force: dict[tuple[str, Reach], tuple[float, int]] = {}
        """Until when, and how many known good accounts it hit when it was made."""
        self._good_hit = 0
        self._ranks = Ranks()
        self._told: dict[str, float] = {}
        self.withheld: tuple[Withheld, ...] = ()
        """What was refused or narrowed at the last tick."""

    def propose(self, now: float, book: Book) -> tuple[Measure, ...]:
        """The new proposals of this tick; what is beyond the tick's number waits for the next."""
        candidates = self._signals.candidates
        self._expire(now)
        proposals: list[Measure] = []
        withheld: list[Withheld] = []
        while candidates and len(proposals) < self._policy.measures_per_tick:
            candidate = candidates.popleft()
            if RULE[candidate.deed].value in self._policy.silent:
                continue
            entry = book.open.get(RULE[candidate.deed])
            hostile = entry is not None and entry.statement.hostile
            finding = _finding_of(candidate, book)
            reason = _reason(candidate, hostile)
            for scope, value, why in self._steps(now, candidate, reason):
                fault = entry is not None and entry.statement.fault
                refusal = FAULT if fault else self._against(candidate.deed, scope, value)
                if refusal:
                    self._withhold(now, Withheld(scope, value, why, refusal), withheld)
                elif len(self._in_force) < self._policy.measures_in_force:
                    proposals.append(self._put(now, candidate, scope, value, why, finding))
        self.withheld = tuple(withheld)
        return tuple(proposals)

    def _steps(self, now: float, candidate: Candidate, reason: str) -> list[tuple[str, str, str]]:
        """What the candidate's deeds ask for, the narrow measure first: scope, value and reason of each."""
        if candidate.deed is Deed.LEAKED:
            narrow: tuple[str, str] | None = ("credential", candidate.credential)
        elif candidate.deed in (Deed.DRAINS, Deed.WAKES):
            narrow = ("account", candidate.account)
        else:
            narrow = measurable(candidate.source)
        reach = REACH.get(candidate.deed, Reach.EVERYTHING)
        if narrow is None or self._stands(narrow[1], reach, now):
            return []
        if narrow[0] in ("account", "credential"):
            return [(*narrow, reason)]
        prefix = prefix_of(candidate.source)
        if self._stands(prefix, reach, now):
            return []
        steps = [(*narrow, reason)]
        place = self._signals.origins.place(candidate.source)
        needed = self._policy.prefix_sources_hosted if place.hosted else self._policy.prefix_sources
        alike = self._ranks.add(prefix, reach, place_of(candidate.source), now)
        if alike >= needed:
            where = ", a data centre's or a VPN's" if place.hosted else ""
            said = (
                f"{number(alike)} sources in this prefix{where} each earned a decision within ten minutes; "
                f"the last for this: {reason}"
            )
            steps.append(("prefix", prefix, said))
        return steps

    def _stands(self, value: str, reach: Reach, now: float) -> bool:
        held = (self._in_force.get((value, each)) for each in Reach if each.covers(reach))
        return any(each is not None and each[0] > now for each in held)

    def _against(self, deed: Deed, scope: str, value: str) -> str:
        """Whom a measure would hit that it must not; empty where there is nobody."""
        good, policy = self._signals.good, self._policy
        hit = good.hit(scope, value)
        if scope in ("account", "credential"):
            # Sleepers and stolen keys are not young: that they were served is what they are found for.
            drains = deed is Deed.DRAINS and hit
            return "an account above new, served well in the last hour" if drains else ""
        # An address, or a prefix: an IPv6 host's own /64, or the wider ones.
        if self._protected.within(value):
            return "this service itself or a proxy that it trusts"
        if value in self._signals.vouched:
            return "an existing account was served there lately"
        if hit * good.scale >= policy.shared_accounts:
            return f"{number(hit * good.scale)} accounts were served there in the last hour: a shared address"
        known = len(good.accounts)
        if known and hit and self._good_hit + hit > policy.good_hit_share * known:
            of = (self._good_hit + hit) / known
            return (
                f"with those in force it would hit {share(of)} of the accounts served well in the last hour"
            )
        return ""

    def _put(
        self, now: float, candidate: Candidate, scope: str, value: str, reason: str, finding: str
    ) -> Measure:
        policy = self._policy
        duration = policy.guesser_ban_s if candidate.deed in (Deed.GUESSES, Deed.HAMMERS) else policy.ban_s
        hit = self._signals.good.hit(scope, value)
        reach = REACH.get(candidate.deed, Reach.EVERYTHING)
        self._in_force[value, reach] = (now + duration, hit)
        self._good_hit += hit
        if scope in ("address", "prefix") and not policy.measures_dry_run:
            self._signals.bans.enter(value, reach, now + duration)
        return Measure(scope, value, reason, finding, duration, policy.measures_dry_run, reach)

    def _withhold(self, now: float, withheld: Withheld, into: list[Withheld]) -> None:
        """Tells of it once while a decision would have been in force."""
        if self._told.get(withheld.value, now) > now:
            return
        self._told.pop(withheld.value, None)
        if len(self._told) >= MOST_WITHHELD:
            del self._told[next(iter(self._told))]
        self._told[withheld.value] = now + self._policy.ban_s
        into.append(withheld)

    def _expire(self, now: float) -> None:
        # In the order they were made: durations differ little, so a late one only waits a while.
        while self._in_force:
            named, (until, hit) = next(iter(self._in_force.items()))
            if until > now:
                return
            del self._in_force[named]
            self._good_hit -= hit


def _finding_of(candidate: Candidate, book: Book) -> str:
    """Identifier of the hostile finding that the candidate's deed belongs to; empty where there is none."""
    rules = [RULE[candidate.deed]]
    if candidate.deed is Deed.GUESSES:
        # Who guesses alone, and too patiently to hammer, is told of as a single source.
        rules.append(DetectorName.SINGLE_SOURCE)
    for rule in rules:
        entry = book.open.get(rule)
        if entry is not None and entry.statement.hostile:
            return f"{rule.value}:{entry.since:.0f}"
    return ""


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
    if candidate.deed is Deed.PAGES:
        return f"{acts} pages were opened from here in half a minute, and nothing of what they need was loaded{during}."
    if candidate.deed is Deed.SLOW:
        return f"{acts} connections from here sent or took bytes too slowly within two minutes{during}."
    if candidate.deed is Deed.LEAKED:
        return (
            f"This key is used from {acts} new networks and far beyond what it ever did; its account goes on."
        )
    if candidate.deed is Deed.WAKES:
        return "This account slept since it was made, and woke up together with others of its kind."
    return f"This young account drains tokens, as do others of its sign-up cluster{during}."
