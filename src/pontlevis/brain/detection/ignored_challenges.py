"""Log-ins that were asked for a challenge and never came back with its solution.

Once strangers' log-ins are asked for one, guessers' tools fail no more: they are turned away before a
password is looked at, and what spoke against them grows old. Who they are shows all the same. People
solve it within seconds, or were asked with their page and never turned away; so where nearly nobody of
a client's many log-ins comes back, while others do or hardly any other is asked, nobody sits there.
"""

from typing import NamedTuple

from pontlevis.brain.detection.cluster import View
from pontlevis.brain.detection.columns import (
    LOGIN_AT_HOME,
    LOGIN_CHALLENGES,
    LOGIN_FAILURES,
    LOGIN_OK,
    LOGIN_REFUSED,
    total,
)
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.snapshot import Snapshot
from pontlevis.brain.detection.statement import Statement
from pontlevis.brain.detection.statistics import confidence, rate_at_least, share_at_least
from pontlevis.brain.detection.window import TEN
from pontlevis.brain.detection.wording import fingerprints, listed, number, share

SOLVING_S = 3
"""Who was asked later than this may be at work on it: a small machine takes 1.8 s on average (measured, docs/challenge.md)."""
IGNORED_SHARE = 0.60
"""More than this who do not come back are not people: twice as many as give up over a few seconds."""
MOST = 0.5
"""The clients behind more than this share of all who were asked are those behind the flood, not everybody."""

_LOOKED_AT = (LOGIN_OK, *LOGIN_FAILURES)
_AT_HOME = (LOGIN_AT_HOME,)


class Asked(NamedTuple):
    """What became of a cluster's log-ins that were asked for a challenge in the last ten seconds."""

    key: int
    """Fingerprint."""
    asked: int
    """Those with the time to solve it since."""
    seconds: int
    """In which they came."""
    back: int
    """Log-ins since then, of which no more can have come back with a solution."""


def unsolved(snapshot: Snapshot, seconds: int) -> int:
    """Log-ins of strangers that were asked for a challenge and did not come back with its solution, at least.

    Whose log-in was no answer to a challenge is only known of the last ten seconds.
    """
    counts = snapshot.counts(seconds)
    everybody = total(counts, LOGIN_CHALLENGES)
    if not everybody:
        return 0
    lately = (_asked(view, 0) for view in snapshot.fingerprints)
    return max(everybody - counts[LOGIN_OK], sum(max(0, each.asked - each.back) for each in lately))


def ignored_challenges(snapshot: Snapshot, policy: DetectionPolicy) -> Statement | None:
    """Hostile where clusters of one fingerprint each ignore what they are asked, in numbers far beyond the usual log-ins."""
    everybody = total(snapshot.ten, LOGIN_CHALLENGES)
    if everybody < policy.cluster_acts:
        return None
    views = {view.key: view for view in snapshot.fingerprints if view.key}
    clusters = [
        each for each in (_asked(view, SOLVING_S) for view in views.values()) if _ignores(each, policy)
    ]
    asked = sum(each.asked for each in clusters)
    usual = snapshot.baseline.logins
    seconds = max((each.seconds for each in clusters), default=1)
    if rate_at_least(asked) <= policy.surge_ratio * usual * seconds:
        return None
    signs = [f"they come {number(asked / seconds)}/s where {number(usual)}/s log in usually"]
    theirs = sum(total(views[each.key].ten, LOGIN_CHALLENGES) for each in clusters)
    others = everybody - theirs
    fine = snapshot.ten[LOGIN_OK] - sum(views[each.key].ten[LOGIN_OK] for each in clusters)
    of_few = snapshot.likeness(LOGIN_CHALLENGES, TEN).diversity < policy.poor_diversity
    if of_few and theirs > MOST * everybody:
        signs.append(f"they are {share(theirs / everybody)} of all who are asked")
    elif fine >= policy.cluster_acts and others <= policy.rest_share * (others + fine):
        signs.append(f"of the others {number(fine)} log in and {number(others)} are asked")
    else:
        return None
    back = sum(each.back for each in clusters)
    return Statement(
        hostile=True,
        confidence=confidence(1 + len(signs), asked),
        sentence=(
            f"Of {number(asked)} log-ins with {fingerprints(len(clusters))} that were asked for a challenge "
            f"more than {SOLVING_S} s ago, {number(back)} at most brought its solution: {listed(signs)}."
        ),
        figures={
            "asked": asked,
            "solved_at_most": back,
            "window_s": seconds,
            "usual_logins": usual,
            "asked_elsewhere": others,
            "logged_in_elsewhere": fine,
        },
        fingerprints=tuple(each.key for each in clusters),
        volume=round(asked * TEN / seconds),
        pushing=(*LOGIN_FAILURES, LOGIN_REFUSED, *LOGIN_CHALLENGES),
    )


def _asked(view: View[int], solving_s: int) -> Asked:
    """``solving_s``: who was asked later than so long ago is left out."""
    by_second = view.by_second(LOGIN_CHALLENGES)
    first = next((at for at, asked in enumerate(by_second) if asked), len(by_second))
    until = len(by_second) - solving_s
    # Nobody solves a challenge in the second that asks for it. With a solution the password is looked at, so whatever
    # it says, somebody came back; at home nobody is asked.
    back = sum(view.by_second(_LOOKED_AT)[first + 1 :]) - sum(view.by_second(_AT_HOME)[first + 1 :])
    return Asked(view.key, sum(by_second[:until]), max(1, until - first), back)


def _ignores(cluster: Asked, policy: DetectionPolicy) -> bool:
    """Whether surely nearly all of a cluster that had the time to solve its challenge did not."""
    asked = cluster.asked
    return (
        asked >= policy.cluster_acts
        and share_at_least(asked - min(asked, cluster.back), asked) > IGNORED_SHARE
    )
