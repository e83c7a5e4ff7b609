"""Log-ins that were asked for a challenge and never came back with its solution.

Once strangers' log-ins are asked for one, guessers' tools no longer fail: they are turned away before a
password is looked at, and the failures that spoke against them grow old before they are enough. So a client whose
tries failed as long as they were looked at, and that now ignores what it is asked, goes on being judged.
To be asked accuses nobody, nor does taking one's time, or giving up: it takes the failures as well.
"""

from typing import NamedTuple

from pontlevis.brain.detection.columns import (
    LOGIN_CHALLENGES,
    LOGIN_FAILURES,
    LOGIN_MADE_THERE,
    LOGIN_OK,
    LOGIN_REFUSED,
    LOGIN_SOLVED,
    total,
)
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.snapshot import Snapshot
from pontlevis.brain.detection.statement import Statement
from pontlevis.brain.detection.statistics import confidence, rate_at_least, share_at_least
from pontlevis.brain.detection.window import TEN
from pontlevis.brain.detection.wording import fingerprints, listed, number, share

SOLVING_S = 2
"""Who was asked later than this may be at work on it: a small machine takes 1.8 s on average (measured, docs/challenge.md).
People take longer, with a form to fill in anew; but their tries do not fail before."""
IGNORED_SHARE = 0.60
"""More than this who do not come back are not people: twice as many as give up over a few seconds."""
MOST = 0.5
"""The clients behind more than this share of all who were asked are those behind the flood, not everybody."""
LEAST_S = 3
"""Seconds over which a rate is taken at least: a class that presses the button together is no flood."""
LEAST_SOURCES = 5
"""Fewer sources with the client's failures are somebody's script, which ``single_source`` looks at."""
_SOLVED = (LOGIN_SOLVED,)


class Asked(NamedTuple):
    """What became of a guilty cluster's log-ins that were asked for a challenge in the last ten seconds."""

    key: int
    """Fingerprint."""
    failed: int
    """Of those that were looked at in the last minute, as ``tried``."""
    tried: int
    asked: int
    """Those with the time to solve it since."""
    seconds: int
    """In which they came."""
    solved: int
    """Log-ins that brought a solution."""


def unsolved(snapshot: Snapshot, seconds: int, limit: float) -> int:
    """Log-ins of strangers that were asked for a challenge and have not come back with its solution.

    At least as many as all log-ins that succeeded, or that brought one, leave over; where a cluster fails more than ``limit``, its own.
    """
    counts = snapshot.counts(seconds)
    everybody = total(counts, LOGIN_CHALLENGES)
    if not everybody:
        return 0
    theirs = sum(max(0, each.asked - each.solved) for each in _guilty(snapshot, limit, 0))
    return max(0, everybody - max(counts[LOGIN_OK], counts[LOGIN_SOLVED]), theirs)


def ignored_challenges(snapshot: Snapshot, policy: DetectionPolicy, limit: float) -> Statement | None:
    """Hostile where clusters of one fingerprint each failed more than ``limit`` and now ignore what they are asked.

    They must come in numbers far beyond the usual log-ins, from several sources, and be few among those who are asked.
    """
    everybody = total(snapshot.ten, LOGIN_CHALLENGES)
    if everybody < policy.cluster_acts:
        return None
    clusters = [each for each in _guilty(snapshot, limit, SOLVING_S) if _ignores(each, policy)]
    asked = sum(each.asked for each in clusters)
    usual = snapshot.baseline.logins
    seconds = max((LEAST_S, *(each.seconds for each in clusters)))
    if rate_at_least(asked) <= policy.surge_ratio * usual * seconds:
        return None
    keys = tuple(each.key for each in clusters)
    if len(snapshot.guessers(frozenset(keys))) < LEAST_SOURCES:
        return None
    views = [view for view in snapshot.fingerprints if view.key in keys]
    theirs = sum(total(view.ten, LOGIN_CHALLENGES) for view in views)
    others = everybody - theirs
    fine = snapshot.ten[LOGIN_OK] - sum(view.ten[LOGIN_OK] for view in views)
    failed, tried = sum(each.failed for each in clusters), sum(each.tried for each in clusters)
    signs = [
        f"{number(failed)} of their {number(tried)} tries that were looked at failed",
        f"they come {number(asked / seconds)}/s where {number(usual)}/s log in usually",
    ]
    likeness = snapshot.likeness(LOGIN_CHALLENGES, TEN)
    alike = likeness.acts >= policy.diversity_acts and likeness.diversity < policy.poor_diversity
    if alike and theirs > MOST * everybody:
        signs.append(f"they are {share(theirs / everybody)} of all who are asked")
    elif fine >= policy.cluster_acts and others <= policy.rest_share * (others + fine):
        signs.append(f"of the others {number(fine)} log in and {number(others)} are asked")
    else:
        return None
    solved = sum(each.solved for each in clusters)
    return Statement(
        hostile=True,
        confidence=confidence(len(signs), asked),
        sentence=(
            f"Of {number(asked)} log-ins with {fingerprints(len(clusters))} that were asked for a challenge "
            f"more than {SOLVING_S} s ago, {number(solved)} brought its solution: {listed(signs)}."
        ),
        figures={
            "asked": asked,
            "solved": solved,
            "failures": failed,
            "judged": tried,
            "window_s": seconds,
            "usual_logins": usual,
            "asked_elsewhere": others,
            "logged_in_elsewhere": fine,
        },
        fingerprints=keys,
        volume=round(asked * TEN / seconds),
        pushing=(*LOGIN_FAILURES, LOGIN_REFUSED, *LOGIN_CHALLENGES),
    )


def _guilty(snapshot: Snapshot, limit: float, solving_s: int) -> list[Asked]:
    """The clusters of whose tries surely more than ``limit`` failed, if anybody of them was asked for a challenge lately.

    Whoever logs in to an account that was made right there is not asked, and bots do it: it is no excuse for guessers.
    ``solving_s``: who was asked later than so long ago is left out.
    """
    found = []
    for view in snapshot.fingerprints:
        if not view.key or not total(view.ten, LOGIN_CHALLENGES):
            continue
        sixty = view.sixty
        failed = total(sixty, LOGIN_FAILURES)
        fine = sixty[LOGIN_OK] - min(sixty[LOGIN_OK], sixty[LOGIN_MADE_THERE])
        # A right password that opens nothing yet, for want of a second factor or of a new password, is a refusal.
        tried = max(failed + fine, sixty[LOGIN_SOLVED])
        if share_at_least(failed, tried) <= limit:
            continue
        by_second = view.by_second(LOGIN_CHALLENGES)
        first = next((at for at, asked in enumerate(by_second) if asked), TEN - 1)
        # The second under way has just begun.
        until = len(by_second) - 1 - solving_s if solving_s else len(by_second)
        solved = sum(view.by_second(_SOLVED)[first:])
        found.append(Asked(view.key, failed, tried, sum(by_second[:until]), max(1, until - first), solved))
    return found


def _ignores(cluster: Asked, policy: DetectionPolicy) -> bool:
    """Whether surely nearly all of a cluster that had the time to solve its challenge did not."""
    asked = cluster.asked
    return (
        asked >= policy.cluster_acts
        and share_at_least(asked - min(asked, cluster.solved), asked) > IGNORED_SHARE
    )
