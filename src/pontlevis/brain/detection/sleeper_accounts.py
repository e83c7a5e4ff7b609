"""Accounts that were made in bulk and never really used, and such accounts when they wake up together.

Judged by cohorts of registrations: of the accounts made 10 to 60 minutes ago (and of a domain, within
a day) hardly any was used, where usually most are. That people did not come back is one sign. It takes
a second: the others of that hour came back, or the accounts are too alike to be people's; and it takes
more of them than usual, from several places, because a class that signs up today for tomorrow's lesson
looks just so from one place.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pontlevis.brain.detection.candidate import Candidate, Deed
from pontlevis.brain.detection.cohorts import SCATTERED, Cohorts, Pair, Tally, Wake
from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.snapshot import Snapshot
from pontlevis.brain.detection.statement import Statement
from pontlevis.brain.detection.statistics import Usual, confidence, diversity, share_at_least, share_at_most
from pontlevis.brain.detection.wording import few_fingerprints, listed, number, share

EVERY_S = 10
"""Ages are minutes: cohorts are judged once in so many seconds; what is said stands meanwhile."""
YOUNGEST_S, OLDEST_S = 600.0, 3600.0
DAY_S = 86_400.0
HALF = 0.5
"""Used less than this times what is usual: choice, half is no matter of taste."""
LARGE = 100
"""So many sleeping accounts at one domain or place are more than one house's."""
REST_LEAST = 10
"""So many other accounts tell whether the service could be used at all."""
GROWTH = 3.0
"""Times the cluster's own usual number, so that a fault of ours for one browser accuses nobody."""
LEADING = 0.35
"""Share of a leading browser, where a cluster has no history yet (as in ``poor_diversity``)."""
HOUR, DAY = ("10 to 60 minutes ago", 15.0), ("within a day", 60.0)
"""When accounts were made, and which part of them must have come in the last minutes for it to go on:
a third of the pace of 50 minutes, or of four hours."""
SAME_HOUR = 0.8
"""More of those that wake than this, made within one hour, are a cohort."""
MOST_CANDIDATES = 256
USUAL_WAKES = 3.0
"""Old accounts first used in ten minutes that are usual at least: choice."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Some accounts of one cohort that share something."""

    name: str
    """Empty for all of them."""
    tally: Tally
    fingerprints: dict[int, int]
    domain: str = ""

    def is_asleep(self, usual: float) -> bool:
        """Whether surely less than half as many were used as usual."""
        return share_at_most(self.tally.used, self.tally.made) < HALF * usual


class SleeperAccounts:
    """Looks at cohorts of registrations, and at old accounts that are used for the first time."""

    name = DetectorName.SLEEPER_ACCOUNTS

    def __init__(self, policy: DetectionPolicy) -> None:
        self._policy = policy
        self._common = frozenset(policy.common_domains)
        self._said: Statement | None = None
        self._wakes = Usual(DAY_S)

    def look(self, snapshot: Snapshot) -> Statement | None:
        """A statement while a cohort sleeps, or wakes up."""
        if snapshot.second % EVERY_S:
            return self._said
        cohorts = snapshot.ledgers.cohorts
        calm = not snapshot.accused and (self._said is None or not self._said.hostile)
        cohorts.age(snapshot.now, learn=calm)
        self._said = self._awake(snapshot, cohorts) or self._asleep(snapshot, cohorts)
        return self._said

    # Asleep

    def _asleep(self, snapshot: Snapshot, cohorts: Cohorts) -> Statement | None:
        hour, span = cohorts.between(snapshot.now, OLDEST_S, YOUNGEST_S)
        before, before_span = cohorts.between(snapshot.now, DAY_S, OLDEST_S)
        lately = cohorts.lately(snapshot.now)
        best: Statement | None = None
        for cluster in self._clusters(hour):
            usual = self._usual_made(snapshot, cluster, before, before_span, span)
            if cluster.tally.made <= GROWTH * usual:
                continue
            best = _better(best, self._judge(snapshot, cohorts, cluster, hour, lately, HOUR))
        if best is None or not best.hostile:
            day = _merged((hour, before))
            for cluster in self._clusters(day):
                if cluster.domain:
                    best = _better(best, self._judge(snapshot, cohorts, cluster, day, lately, DAY))
        return best

    def _clusters(self, pairs: dict[Pair, Tally]) -> list[Cluster]:
        """Everybody, then by fingerprint and by domain, as far as they are large enough and unused."""
        whole: dict[tuple[str, Pair], Cluster] = {}
        for (fingerprint, domain), tally in pairs.items():
            keys = [("", (0, ""))]
            if fingerprint:
                keys.append((f"fingerprint {fingerprint:08x}", (fingerprint, "")))
            if domain and domain not in self._common:
                keys.append((domain, (0, domain)))
            for name, key in keys:
                cluster = whole.get((name, key))
                if cluster is None:
                    cluster = whole[name, key] = Cluster(name, Tally(), {}, key[1])
                cluster.tally.add(tally)
                prints = cluster.fingerprints
                prints[fingerprint] = prints.get(fingerprint, 0) + tally.made
        least = self._policy.sleepers
        return [each for each in whole.values() if each.tally.made - each.tally.used >= least]

    def _usual_made(
        self, snapshot: Snapshot, cluster: Cluster, before: dict[Pair, Tally], before_span: float, span: float
    ) -> float:
        """Accounts of the cluster that are usual in as long a time."""
        if snapshot.age_s < 2 * OLDEST_S:
            return self._policy.usual_signups * span * (LEADING if cluster.name else 1.0)
        # As many as were used tell how many people made: an older flood is not what is usual.
        used = sum(
            tally.used
            for (fingerprint, domain), tally in before.items()
            if not cluster.name
            or (domain == cluster.domain if cluster.domain else fingerprint in cluster.fingerprints)
        )
        made = used / snapshot.ledgers.cohorts.used_share
        seen = min(before_span, max(OLDEST_S, snapshot.age_s - OLDEST_S))
        return made * span / seen

    def _judge(
        self,
        snapshot: Snapshot,
        cohorts: Cohorts,
        cluster: Cluster,
        pairs: dict[Pair, Tally],
        lately: list[tuple[Pair, Tally]],
        window: tuple[str, float],
    ) -> Statement | None:
        usual, tally = cohorts.used_share, cluster.tally
        when, fade = window
        if not cluster.is_asleep(usual):
            return None
        made, used = tally.made, tally.used / tally.made
        signs = self._signs(cohorts, cluster, pairs)
        goes_on = self._goes_on(cluster, lately) >= max(1.0, made / fade)
        explained = not tally.scattered and made < LARGE
        hostile = bool(signs) and goes_on and not explained
        of = f" of {cluster.name}" if cluster.name else ""
        sentence = (
            f"Of {number(made)} accounts{of} made {when} {share(used)} were ever used (usual {share(usual)})"
        )
        if signs:
            sentence += f": {listed(signs)}"
        if explained:
            sentence += "; one house would explain that"
        elif not signs:
            sentence += "; nothing else speaks against them"
        elif not goes_on:
            sentence += "; no more of them are made now"
        alike = [key for key, count in cluster.fingerprints.items() if key and count > 0.2 * made]
        return Statement(
            hostile=hostile,
            local=not hostile,
            confidence=confidence(1 + len(signs), made) if hostile else 0.5,
            sentence=sentence + ".",
            figures={
                "accounts": made,
                "used": tally.used,
                "logged_in": tally.logged_in,
                "used_share": used,
                "usual_used_share": usual,
            },
            fingerprints=tuple(sorted(alike)) if hostile and cluster.name and len(alike) <= 3 else (),
            volume=round(made / 60),
        )

    def _signs(self, cohorts: Cohorts, cluster: Cluster, pairs: dict[Pair, Tally]) -> list[str]:
        """What else speaks against a cluster that sleeps."""
        tally = cluster.tally
        signs = []
        if not cluster.name:
            logged_in, usual = tally.logged_in / tally.made, cohorts.logged_in_share
            if tally.made >= LARGE and share_at_most(tally.logged_in, tally.made) < HALF * usual:
                signs.append(f"{share(logged_in)} ever logged in (usual {share(usual)})")
            return signs
        rest, rest_used = 0, 0
        for (fingerprint, domain), other in pairs.items():
            if domain != cluster.domain if cluster.domain else fingerprint not in cluster.fingerprints:
                rest += other.made
                rest_used += other.used
        apart = rest >= REST_LEAST and rest_used >= HALF * cohorts.used_share * rest
        spread = diversity(cluster.fingerprints.values())
        if cluster.domain:
            if spread < self._policy.poor_diversity:
                signs.append(few_fingerprints(len(cluster.fingerprints), 1.0, "sign-ups"))
            elif tally.made >= LARGE:
                signs.append("no single house is so large")
        elif apart:
            signs.append(f"of the {number(rest)} others {share(rest_used / rest)} were")
        return signs

    def _goes_on(self, cluster: Cluster, lately: list[tuple[Pair, Tally]]) -> int:
        """Accounts like these made in the last ten to twenty minutes."""
        return sum(
            tally.made
            for (fingerprint, domain), tally in lately
            if not cluster.name
            or (domain == cluster.domain if cluster.domain else fingerprint in cluster.fingerprints)
        )

    # Awake

    def _awake(self, snapshot: Snapshot, cohorts: Cohorts) -> Statement | None:
        policy = self._policy
        wakes = list(cohorts.wakes)
        usual = max(USUAL_WAKES, self._wakes.mean)
        if len(wakes) < policy.wakes or len(wakes) <= policy.added_ratio * usual:
            self._wakes.add(len(wakes), EVERY_S)
            return None
        prefixes = len({wake.prefix for wake in wakes})
        calls, calls_sign = self._alike(Counter(wake.fingerprint for wake in wakes), "calls")
        origins, origins_sign = self._alike(Counter(wake.origin for wake in wakes), "sign-ups behind them")
        signs = [each for each in (calls_sign or origins_sign,) if each]
        domain, at_domain = (
            Counter(
                wake.domain for wake in wakes if wake.domain and wake.domain not in self._common
            ).most_common(1)[0]
            if any(wake.domain and wake.domain not in self._common for wake in wakes)
            else ("", 0)
        )
        own = share_at_least(at_domain, len(wakes)) > policy.domain_share
        if own:
            signs.append(f"{share(at_domain / len(wakes))} have addresses at {domain}")
        together = _most_within_an_hour(wakes)
        if share_at_least(together, len(wakes)) > SAME_HOUR - 0.2 and together >= SAME_HOUR * len(wakes):
            signs.append(f"{number(together)} of them were made within one hour")
        explained = prefixes < SCATTERED and len(wakes) < LARGE
        hostile = len(signs) >= 2 and not explained
        sentence = (
            f"{number(len(wakes))} accounts more than an hour old were used for the first time within 10 min, "
            f"from {number(prefixes)} prefixes (usual {number(usual)})"
        )
        if signs:
            sentence += f": {listed(signs)}"
        if explained:
            sentence += "; one house would explain that"
        elif not hostile:
            sentence += "; too little to accuse anybody"
        accused = tuple(dict.fromkeys((*calls, *origins)))
        named = [
            wake
            for wake in wakes
            if (wake.fingerprint in calls or wake.origin in origins or not accused)
            and (not own or accused or wake.domain == domain)
        ]
        return Statement(
            hostile=hostile,
            local=not hostile,
            confidence=confidence(len(signs), len(wakes)) if hostile else 0.5,
            sentence=sentence + ".",
            figures={
                "wakes": len(wakes),
                "usual_wakes": usual,
                "prefixes": prefixes,
                "made_together": together,
            },
            fingerprints=accused if hostile else (),
            volume=round(len(wakes) / 60),
            candidates=tuple(
                Candidate(Deed.WAKES, wake.source, wake.account, 1) for wake in named[:MOST_CANDIDATES]
            )
            if hostile
            else (),
        )

    def _alike(self, prints: "Counter[int]", acts: str) -> tuple[tuple[int, ...], str]:
        """The fingerprints behind four in five, where they are too few to be people's."""
        del prints[0]
        count = prints.total()
        if count < self._policy.cluster_acts or diversity(prints.values()) >= self._policy.poor_diversity:
            return (), ""
        top: list[int] = []
        covered = 0
        for key, number_of in prints.most_common():
            if covered >= 0.8 * count:
                break
            top.append(key)
            covered += number_of
        return tuple(top), few_fingerprints(len(top), covered / count, acts)


def _better(best: Statement | None, other: Statement | None) -> Statement | None:
    if other is None or best is None:
        return best or other
    return max(best, other, key=_rank)


def _rank(said: Statement) -> tuple[bool, bool, float, float]:
    """Whoever can be named goes before a statement about everybody."""
    return said.hostile, bool(said.fingerprints), said.confidence, said.figures["accounts"]


def _merged(parts: Iterable[dict[Pair, Tally]]) -> dict[Pair, Tally]:
    merged: dict[Pair, Tally] = {}
    for pairs in parts:
        for pair, tally in pairs.items():
            merged.setdefault(pair, Tally()).add(tally)
    return merged


def _most_within_an_hour(wakes: list[Wake]) -> int:
    """Of these accounts, most that were made within one hour."""
    made = sorted(wake.made_at for wake in wakes)
    first = best = 0
    for last, at in enumerate(made):
        while at - made[first] > OLDEST_S:
            first += 1
        best = max(best, last - first + 1)
    return best
