"""Slow senders and readers: connections held open by a trickle of bytes, so that others find no room.

The gateway cuts a connection that sends its headers or body, or takes its answer, too slowly, and
says from where. A bad line does that now and then. One source that does it again and again is named
alone; a distributed attack is many sources with one connection each.
"""

from pontlevis.brain.detection import columns as c
from pontlevis.brain.detection.candidate import Candidate, Deed
from pontlevis.brain.detection.columns import SLOW, total
from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.snapshot import Snapshot
from pontlevis.brain.detection.statement import Statement
from pontlevis.brain.detection.statistics import Usual, confidence, share_at_least
from pontlevis.brain.detection.window import SIXTY, TEN
from pontlevis.brain.detection.wording import few_fingerprints, listed, number, share

HELD_SHARE = 0.5
"""More than this of the slow connections by sources that hold several: not a weak network."""
STRANGER_SHARE = 0.8
"""More slow sources than this where nobody was ever served: bad lines are existing users' too."""
HEADLESS_SHARE = 0.5
"""Headers fit a packet or two: a bad line seldom cuts just them in pieces."""
MOST_NAMED = 3
MOST_CANDIDATES = 256


class SlowClients:
    """Looks at a minute of cut connections."""

    name = DetectorName.SLOW_CLIENTS

    def __init__(self, policy: DetectionPolicy) -> None:
        self._policy = policy
        self._usual = Usual(policy.learning_s)

    def look(self, snapshot: Snapshot) -> Statement | None:
        """A statement while a source holds several slow connections, or too many sources hold one."""
        policy = self._policy
        cut = total(snapshot.sixty, SLOW)
        usual = max(policy.usual_slow, self._usual.mean)
        many = cut >= policy.slow_acts and cut > policy.flood_ratio * usual
        if not many and not snapshot.accused:
            self._usual.add(cut, snapshot.dt)
        if not cut:
            return None
        holding = [
            pair
            for pair in snapshot.ledgers.slow.holding(policy.slow_streams, snapshot.now)
            if not snapshot.vouched(pair[1])
        ]
        if not many:
            return self._single(holding, cut) if holding else None
        return self._many(snapshot, holding, cut, usual)

    def _single(self, holding: list[tuple[int, str]], cut: int) -> Statement:
        """One source, or a few, each by its own deeds: a matter between it and us."""
        held = sum(count for count, _ in holding)
        named = listed([f"{source} with {number(count)}" for count, source in holding[:MOST_NAMED]])
        more = f" and {number(len(holding) - MOST_NAMED)} more" if len(holding) > MOST_NAMED else ""
        return Statement(
            hostile=True,
            local=True,
            confidence=confidence(1, held),
            sentence=(
                f"Connections are held open with a trickle of bytes, again and again, by {named}{more}."
            ),
            figures={"cut": cut, "sources_holding": len(holding)},
            volume=round(held * TEN / SIXTY),
            candidates=_candidates(holding),
        )

    def _many(self, snapshot: Snapshot, holding: list[tuple[int, str]], cut: int, usual: float) -> Statement:
        policy = self._policy
        sources = snapshot.ledgers.slow_sources.count(snapshot.second)
        strangers = min(sources, snapshot.ledgers.slow_strangers.count(snapshot.second))
        held = sum(count for count, _ in holding)
        signs = []
        if share_at_least(held, cut) > HELD_SHARE:
            signs.append(
                f"{number(len(holding))} of them hold {share(held / cut)}, {number(policy.slow_streams)} or more each"
            )
        if sources >= policy.flood_sources and share_at_least(strangers, sources) > STRANGER_SHARE:
            signs.append(f"nobody was ever served at {share(strangers / sources)} of them")
        likeness = snapshot.likeness(SLOW, SIXTY)
        alike = likeness.acts >= policy.diversity_acts and likeness.diversity < policy.poor_diversity
        if alike:
            signs.append(few_fingerprints(len(likeness.fingerprints), likeness.share, "connections"))
        headless = snapshot.sixty[c.SLOW_HEADERS]
        if share_at_least(headless, cut) > HEADLESS_SHARE:
            signs.append(f"{share(headless / cut)} never got their headers through")
        hostile = len(signs) >= 2
        sentence = (
            f"{number(cut)} connections in 60 s sent or took bytes too slowly, "
            f"from {number(sources)} sources (usual {number(usual)})"
        )
        if signs:
            sentence += f": {listed(signs)}"
        if not hostile:
            sentence += "; too little to accuse anybody, a network may be weak"
        return Statement(
            hostile=hostile,
            confidence=confidence(len(signs), cut) if hostile else 0.5,
            sentence=sentence + ".",
            figures={
                "cut": cut,
                "sources": sources,
                "unfamiliar_sources": strangers,
                "sources_holding": len(holding),
                "usual_cut": usual,
            },
            fingerprints=likeness.fingerprints if alike and hostile else (),
            volume=round(cut * TEN / SIXTY),
            pushing=SLOW,
            candidates=_candidates(holding),
        )


def _candidates(holding: list[tuple[int, str]]) -> tuple[Candidate, ...]:
    return tuple(Candidate(Deed.SLOW, source, "", count) for count, source in holding[:MOST_CANDIDATES])
