"""Floods of calls from many addresses: made-up keys and calls without a key, few from each.

Volume of calls turned away, from many sources that nobody familiar ever used, is only the gate.
Hostile takes two of: made-up keys, fingerprints too alike or a cluster in which nobody succeeds,
insistence, and more of it than all calls that are usual.
"""

from pontlevis.brain.detection import columns as c
from pontlevis.brain.detection.cluster import part
from pontlevis.brain.detection.columns import REQUEST_BAD, REQUESTS, TURNED_AWAY, total
from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.origins import hosted_sign
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.snapshot import Snapshot
from pontlevis.brain.detection.statement import Statement
from pontlevis.brain.detection.statistics import Cusum, confidence, rate_at_least, share_at_least
from pontlevis.brain.detection.window import TEN
from pontlevis.brain.detection.wording import few_fingerprints, listed, number, share

SERVED = (c.REQUEST_OK, c.REQUEST_REFUSED, c.ANONYMOUS_OK)
OURS = 0.5
"""A flood comes from elsewhere: when more calls than this come from familiar sources, a client or we are at
fault. From as many of them as make a flood, so that one customer's machine hides nobody."""
ONCE = 0.95
"""Sources to calls from which each came once: a broken client tries again within ten seconds, and so do people."""
MIXED = 0.05
"""A library that damages keys does not forget them as well: calls without one, or with one, beyond this share are others'."""
YOUNG_RATIO = 8.0
"""As many times all usual calls are more than the users of a service that has just been started would try again."""
BAD_KEY_SHARE = 0.30
"""Of the calls that no existing account made; newcomers who paste a wrong key stay below."""


class RotatingFlood:
    """Looks at ten seconds."""

    name = DetectorName.ROTATING_FLOOD

    def __init__(self, policy: DetectionPolicy) -> None:
        self._policy = policy
        self._cusum = Cusum(policy.flood_ratio, policy.surge_limit)

    def look(self, snapshot: Snapshot) -> Statement | None:
        """A statement while calls turned away and unfamiliar sources are too many."""
        policy = self._policy
        baseline = snapshot.baseline
        ten = snapshot.ten
        away = total(ten, TURNED_AWAY)
        usual = baseline.turned_away * TEN
        fresh, expected = total(snapshot.fresh, TURNED_AWAY), baseline.turned_away * max(snapshot.dt, 0.001)
        self._cusum.add(fresh, expected, baseline.dispersion("turned_away"))
        # Fewer tell where they have come for a minute.
        lasting = (
            2 * away >= policy.flood_acts and total(snapshot.sixty, TURNED_AWAY) >= 3 * policy.flood_acts
        )
        if not self._cusum.raised or not (away >= policy.flood_acts or lasting):
            return None
        sources = snapshot.turned_away_sources()
        strangers = rate_at_least(snapshot.strangers)
        if sources < policy.flood_sources or strangers <= policy.flood_ratio * baseline.strangers:
            return None
        familiar = ten[c.FAMILIAR_AWAY]
        ours = familiar > OURS * away and snapshot.familiar_away_sources() >= policy.flood_sources
        signs, accused = ([], ()) if ours else self._signs(snapshot, away, sources)
        hostile = len(signs) >= 2 and not (
            snapshot.just_started and self._may_be_a_client(snapshot, away, sources)
        )
        sentence = (
            f"{number(away)} calls turned away in 10 s from {number(sources)} unfamiliar sources "
            f"(usual {number(usual)} and {number(baseline.strangers)})"
        )
        if signs:
            sentence += f": {listed(signs)}"
        if ours:
            sentence += f"; {share(familiar / away)} come from where people were served before: a fault of ours or of their client"
        elif not hostile:
            sentence += "; too little to accuse anybody"
        return Statement(
            hostile=hostile,
            confidence=confidence(len(signs), away) if hostile else 0.5,
            sentence=sentence + ".",
            figures={
                "turned_away": away,
                "made_up_keys": ten[REQUEST_BAD],
                "sources": sources,
                "strangers": snapshot.strangers,
                "usual_turned_away": usual,
                "usual_strangers": baseline.strangers,
            },
            fingerprints=accused,
            volume=away,
            pushing=(*TURNED_AWAY, c.REQUEST_REFUSED),
        )

    def _may_be_a_client(self, snapshot: Snapshot, away: int, sources: int) -> bool:
        """Whether a library that breaks its users' keys would look the same, where nobody can be familiar yet.

        It sends keys, all of them broken, from as many places as there are users, and libraries back off.
        """
        policy, ten = self._policy, snapshot.ten
        bad = ten[REQUEST_BAD]
        without = ten[c.REQUEST_INVALID] + ten[c.ANONYMOUS_REFUSED]
        return (
            away <= policy.insistence * sources
            and rate_at_least(min(bad, without)) <= MIXED * away
            and rate_at_least(away) <= YOUNG_RATIO * snapshot.baseline.requests * TEN
        )

    def _signs(self, snapshot: Snapshot, away: int, sources: int) -> tuple[list[str], tuple[int, ...]]:
        policy = self._policy
        ten = snapshot.ten
        signs = []
        bad = ten[REQUEST_BAD]
        others = max(1, total(ten, REQUESTS) - ten[c.ELDER_REQUESTS])
        parted = part(
            snapshot.fingerprints,
            ten,
            TEN,
            bad=TURNED_AWAY,
            whole=(*TURNED_AWAY, *SERVED),
            least=policy.cluster_acts,
            share=policy.cluster_share,
        )
        # Where nobody was served without a key, a call without one is a failed credential too; where
        # they are, a posture or a limit may have refused it, and that says nothing.
        keyless = 0 if snapshot.long[c.ANONYMOUS_OK] else ten[c.ANONYMOUS_REFUSED]
        failed = bad + ten[c.REQUEST_INVALID] + keyless
        brings = "made-up keys" if bad >= 0.9 * failed else "made-up keys, none, or are malformed"
        if failed >= policy.least_acts and share_at_least(failed, others) > BAD_KEY_SHARE:
            signs.append(f"{share(failed / others)} of strangers' calls bring {brings}")
        likeness = snapshot.likeness(TURNED_AWAY, TEN)
        accused: tuple[int, ...] = ()
        if likeness.acts >= policy.diversity_acts and likeness.diversity < policy.poor_diversity:
            accused = likeness.fingerprints
            signs.append(few_fingerprints(len(accused), likeness.share, "calls"))
        elif parted.condemned and parted.apart(policy.rest_share, policy.cluster_acts):
            accused = tuple(view.key for view in parted.condemned if view.key)
            served = parted.good / (parted.bad + parted.good)
            signs.append(f"of {len(accused)} fingerprints' calls {share(served)} could be served")
        if away > policy.insistence * sources:
            signs.append(f"each source insists {number(away / sources)} times")
        if bad >= policy.least_acts and sources >= ONCE * away:
            signs.append(f"nobody tries again: {number(sources)} sources for {number(away)} calls")
        usual = snapshot.baseline.requests
        if rate_at_least(failed) > 2 * usual * TEN:
            what = "made-up keys" if bad >= 0.9 * failed else "such calls"
            signs.append(f"{what} come {number(failed / TEN)}/s where {number(usual)} calls/s are usual")
        hosted = hosted_sign(snapshot, policy, TURNED_AWAY, ten, "them")
        if hosted:
            signs.append(hosted)
        return signs, accused
