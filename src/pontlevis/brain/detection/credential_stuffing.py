"""Credential stuffing and brute force, seen over all sources at once: also when each tries only once.

Too many failures are the first sign. A fault of ours makes log-ins fail too, so it takes a second:
accounts that do not exist, failures that keep to clusters while everybody else logs in as usual,
fingerprints too alike, many accounts for each source, or failures that outnumber everyone who
usually logs in. The low and slow are looked for apart, among log-ins of unfamiliar sources at accounts
that are not new: there the second sign is that nobody tries again, or gets in later. Single sources are judged in ``suspects``.
"""

from math import exp

from pontlevis.brain.detection import columns as c
from pontlevis.brain.detection.cluster import Parted, part
from pontlevis.brain.detection.columns import (
    LOGIN_CHALLENGES,
    LOGIN_FAILURES,
    LOGIN_OK,
    LOGIN_UNKNOWN,
    Counts,
    total,
)
from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.ignored_challenges import ignored_challenges, unsolved
from pontlevis.brain.detection.origins import hosted_sign
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.snapshot import WINDOWS, Snapshot, lately, still_on
from pontlevis.brain.detection.statement import Statement
from pontlevis.brain.detection.statistics import (
    Z_90,
    Z_999,
    Cusum,
    Usual,
    confidence,
    rate_at_least,
    share_at_least,
    share_at_most,
)
from pontlevis.brain.detection.window import LONG, SIXTY, TEN
from pontlevis.brain.detection.wording import few_fingerprints, fingerprints, listed, number, share, window

JUDGED = (LOGIN_OK, *LOGIN_FAILURES)
UNKNOWN_SHARE = 0.15
"""More log-ins than this to accounts that do not exist: people rarely mistake their own address."""
OURS = 0.5
"""Stuffing comes from elsewhere: when more failures than this come from familiar sources, it is a fault."""
ONCE = 0.9
"""Accounts to failures from which each was tried once: half of those who mistype try again at once."""
FLEETING = 10
"""Fewer failures of unfamiliar sources in ten seconds say nothing about who they are."""
MIXED = 8
"""The same where accounts that do not exist are tried as well, of which at least ``MIXED_EACH`` of either kind: who
mistypes the own address is seldom abroad, and seldom in company."""
MIXED_EACH = 3
USUAL_STRANGERS = 0.1
"""Log-ins a second from unfamiliar sources, at accounts that are not new, that are usual at least: a tenth of all."""
SCATTERED = 0.8
"""Sources to failures from which they come from everywhere: a house that has moved comes from one."""
SPREAD = 0.5
"""Accounts to failures of ten minutes below which it is somebody's program, and no list of accounts."""
ACCOUNTS_PER_SOURCE = 3.0
"""A source with more accounts than this is no household."""


UNSOLVED_WEIGHT = 0.5
"""A challenge that somebody was asked for and nobody solved weighs half a failure: three in ten people who are asked give up,
and guessers' tools nearly never answer."""
SOLVED_SHARE = 0.30
"""Fewer than this who solve a challenge are not people: seven in ten do not give up over a few seconds."""


class CredentialStuffing:
    """Global failures, by window: ten seconds for a flood, ten minutes for the low and slow."""

    name = DetectorName.CREDENTIAL_STUFFING

    def __init__(self, policy: DetectionPolicy) -> None:
        self._policy = policy
        self._surge = Cusum(policy.added_ratio, policy.first_use_limit)
        self._mixed = Cusum(policy.added_ratio, policy.first_use_limit)
        """With the tries at accounts that do not exist."""
        self._strangers_usual = Usual(policy.learning_s)
        self._learned_s = 0.0
        self._on = False
        """Whether it accused somebody at the last tick."""

    def look(self, snapshot: Snapshot) -> Statement | None:
        """A statement while failures are too many; hostile with a second sign."""
        best: Statement | None = None
        for seconds in WINDOWS:
            if seconds == LONG and best is not None and best.hostile:
                break  # for what a shorter window tells, nobody has to look at all clusters
            if not self._goes_on(snapshot, seconds):
                continue
            said = self._in(snapshot, seconds)
            if said is None:
                continue
            if best is None or (said.hostile, said.confidence) > (best.hostile, best.confidence):
                best = said
        at_once = self._at_once(snapshot)
        if best is None or not best.hostile:
            limit = self._limit(snapshot)
            best = (
                at_once
                or self._strangers(snapshot)
                or ignored_challenges(snapshot, self._policy, limit)
                or best
            )
        self._on = best is not None and best.hostile
        return best

    def _at_once(self, snapshot: Snapshot) -> Statement | None:
        """Log-ins of unfamiliar sources at accounts that are not new: that far more fail than ever log in like that.

        A handful tells, where the log-ins of everybody would hide it: seconds instead of a minute.
        """
        policy, fresh, ten = self._policy, snapshot.fresh, snapshot.ten
        tries = fresh[c.STRANGER_FAILURES] + fresh[c.STRANGER_OK]
        # From nothing on, corrected for that: as a mean of what was seen.
        seen = 1 - exp(-self._learned_s / policy.learning_s)
        usual = max(USUAL_STRANGERS, self._strangers_usual.mean / seen if seen else 0.0)
        raised = self._surge.add(fresh[c.STRANGER_FAILURES], usual * snapshot.dt)
        both = fresh[c.STRANGER_FAILURES] + fresh[c.STRANGER_UNKNOWN]
        mixed = self._mixed.add(both, usual * snapshot.dt)
        if not raised and not snapshot.accused and snapshot.dt > 0:
            self._strangers_usual.add(tries / snapshot.dt, snapshot.dt)
            self._learned_s += snapshot.dt
        failed, fine, unknown = ten[c.STRANGER_FAILURES], ten[c.STRANGER_OK], ten[c.STRANGER_UNKNOWN]
        raised = raised and failed >= FLEETING
        mixed = mixed and failed + unknown >= MIXED and min(failed, unknown) >= MIXED_EACH
        # Before that, nobody is familiar yet.
        if not (raised or mixed) or snapshot.age_s < policy.learning_s:
            return None
        limit = self._limit(snapshot)
        accounts = snapshot.ledgers.stranger_failures.count(snapshot.second, TEN)
        if not raised:
            failed += unknown
            accounts = min(failed, snapshot.failing_accounts(TEN))
        scattered = snapshot.failing_sources(TEN) >= SCATTERED * total(ten, LOGIN_FAILURES)
        if share_at_least(failed, failed + fine) <= limit or accounts < ONCE * failed or not scattered:
            return None
        if _at_home_too(ten, fine, limit) or _at_home_too(
            snapshot.sixty, snapshot.sixty[c.STRANGER_OK], limit
        ):
            return None
        sign = f"the failures alone are {number(failed / TEN)}/s where {number(usual)}/s log in like that usually"
        return self._slow_statement(snapshot, TEN, failed, fine, accounts, [sign])

    def _strangers(self, snapshot: Snapshot) -> Statement | None:
        """Low and slow: log-ins of unfamiliar sources at accounts that are not new, apart from all others.

        Newcomers who mistype and owners at home are not among them, so that a tenth of the usual log-ins
        is enough; people who travel are, and try again.
        """
        policy = self._policy
        follow_ups = snapshot.ledgers.follow_ups
        got_in, settled = follow_ups.settled(snapshot.now)
        limit = self._limit(snapshot)
        quiet = True
        for seconds in (SIXTY, LONG):
            counts = snapshot.counts(seconds)
            failed, fine = counts[c.STRANGER_FAILURES], counts[c.STRANGER_OK]
            if failed < policy.least_acts or share_at_least(failed, failed + fine) <= limit:
                continue
            quiet = False
            if not still_on(snapshot, (c.STRANGER_FAILURES,), seconds) or _at_home_too(counts, fine, limit):
                continue
            signs = []
            accounts = snapshot.ledgers.stranger_failures.count(snapshot.second, seconds)
            older = failed - snapshot.ten[c.STRANGER_FAILURES]
            if accounts >= ONCE * failed and 2 * older >= failed:
                signs.append(
                    f"nobody tries again at {number(accounts)} accounts that failed {number(failed)} times"
                )
            # Where hardly anybody gets in, it may be us.
            told = min(settled, counts[LOGIN_OK]) >= policy.cluster_acts
            if told and share_at_most(got_in, settled) < follow_ups.usual / 2:
                signs.append(
                    f"of {number(settled)} accounts {number(got_in)} got in within five minutes "
                    f"(usual {share(follow_ups.usual)})"
                )
            if signs:
                return self._slow_statement(snapshot, seconds, failed, fine, accounts, signs)
        if quiet and not snapshot.accused and snapshot.second % SIXTY == 0:
            follow_ups.learn()
        return None

    def _slow_statement(
        self, snapshot: Snapshot, seconds: int, failed: int, fine: int, accounts: int, signs: list[str]
    ) -> Statement:
        judged = failed + fine
        usual = snapshot.baseline.fail_share
        likeness = snapshot.likeness(LOGIN_FAILURES, seconds)
        alike = (
            likeness.acts >= self._policy.diversity_acts and likeness.diversity < self._policy.poor_diversity
        )
        return Statement(
            hostile=True,
            confidence=confidence(1 + len(signs), failed),
            sentence=(
                f"Failures {share(failed / judged)} of {number(judged)} log-ins of unfamiliar sources at accounts "
                f"that are not new in {window(seconds)} (usual {share(usual)}): {listed(signs)}."
            ),
            figures={
                "failures": failed,
                "judged": judged,
                "window_s": seconds,
                "fail_share": failed / judged,
                "usual_fail_share": usual,
                "accounts": accounts,
                "sources": snapshot.failing_sources(seconds),
            },
            fingerprints=likeness.fingerprints if alike else (),
            volume=round(failed * TEN / seconds),
            pushing=(*LOGIN_FAILURES, c.LOGIN_REFUSED),
        )

    def _limit(self, snapshot: Snapshot) -> float:
        """The share of failures above which they are too many."""
        return max(self._policy.fail_share_floor, snapshot.baseline.fail_share + self._policy.fail_margin)

    def _goes_on(self, snapshot: Snapshot, seconds: int) -> bool:
        """Whether what a long window shows is still so lately, in number and in share."""
        if seconds <= TEN:
            return True
        counts = snapshot.counts(lately(snapshot, LOGIN_FAILURES, seconds))
        # With a bound: seven of twenty people mistype now and then, and must not revive an attack that is over.
        sure = Z_90 if self._on else Z_999
        share_lately = share_at_least(total(counts, LOGIN_FAILURES), total(counts, JUDGED), sure)
        return share_lately > self._policy.fail_share_floor and still_on(snapshot, LOGIN_FAILURES, seconds)

    def _in(self, snapshot: Snapshot, seconds: int) -> Statement | None:
        policy = self._policy
        counts = snapshot.counts(seconds)
        failed, judged = total(counts, LOGIN_FAILURES), total(counts, JUDGED)
        usual = snapshot.baseline.fail_share
        limit = self._limit(snapshot)
        ignored = unsolved(snapshot, seconds, limit)
        weighed = _weighed(ignored, failed)
        parted = part(
            snapshot.fingerprints_in(LOGIN_FAILURES, seconds),
            counts,
            seconds,
            bad=LOGIN_FAILURES,
            whole=JUDGED,
            least=policy.cluster_acts,
            share=policy.cluster_share,
        )
        everywhere = (
            judged + weighed >= policy.least_acts
            and share_at_least(failed + weighed, max(judged, counts[c.LOGIN_SOLVED]) + weighed) > limit
        )
        if not everywhere and not (parted.condemned and parted.bad >= policy.least_acts):
            return None
        familiar = counts[c.FAMILIAR_FAILURES]
        ours = familiar > OURS * failed
        # Over ten minutes one program with an old password fails as often as slow guessers do, at the same account.
        few = seconds > SIXTY and snapshot.failing_accounts(seconds) < SPREAD * failed
        signs = [] if ours or few else self._signs(snapshot, parted, seconds)
        sources = snapshot.failing_sources(seconds)
        sentence = (
            f"Failures {share(failed / judged)} of {number(judged)} log-ins in {window(seconds)} "
            f"from {number(sources)} source{'' if sources == 1 else 's'} (usual {share(usual)})"
        )
        if ours:
            sentence += (
                f"; {share(familiar / failed)} come from where people were served before: a fault of ours."
            )
        elif signs:
            sentence += f": {listed(signs)}"
            sentence += f"; {number(ignored)} more brought no solution of the challenge." if weighed else "."
        else:
            sentence += "; nothing else speaks of an attack, so it may be a fault of ours."
        accused = tuple(view.key for view in parted.condemned if view.key)
        if not accused and signs:
            likeness = snapshot.likeness(LOGIN_FAILURES, seconds)
            accused = likeness.fingerprints if likeness.diversity < policy.poor_diversity else ()
        return Statement(
            hostile=bool(signs),
            confidence=confidence(1 + len(signs), failed) if signs else 0.5,
            sentence=sentence,
            figures={
                "failures": failed,
                "judged": judged,
                "window_s": seconds,
                "fail_share": failed / judged,
                "usual_fail_share": usual,
                "sources": sources,
                "accounts": snapshot.failing_accounts(seconds),
                "unknown_users": counts[LOGIN_UNKNOWN],
                "challenges_unsolved": ignored,
            },
            fingerprints=accused,
            volume=round((failed + weighed) * TEN / seconds),
            pushing=(*LOGIN_FAILURES, c.LOGIN_REFUSED, *LOGIN_CHALLENGES),
            fault=ours,
        )

    def _signs(self, snapshot: Snapshot, parted: Parted[int], seconds: int) -> list[str]:
        """What else speaks of an attack; each an independent reason."""
        policy = self._policy
        counts = snapshot.counts(seconds)
        failed = total(counts, LOGIN_FAILURES)
        judged = total(counts, JUDGED)
        unknown = counts[LOGIN_UNKNOWN]
        signs = []
        if share_at_least(unknown, judged) > UNKNOWN_SHARE:
            signs.append(f"{number(unknown)} tried accounts that do not exist")
        likeness = snapshot.likeness(LOGIN_FAILURES, seconds)
        alike = likeness.acts >= policy.diversity_acts and likeness.diversity < policy.poor_diversity
        if parted.condemned and parted.apart(policy.rest_share, policy.cluster_acts):
            rest = parted.rest_bad / (parted.rest_bad + parted.rest_good)
            bad = parted.bad / (parted.bad + parted.good)
            signs.append(
                f"{share(bad)} fail in {fingerprints(len(parted.condemned))} and {share(rest)} elsewhere"
            )
        elif alike:
            signs.append(few_fingerprints(len(likeness.fingerprints), likeness.share, "failures"))
        sources, accounts = snapshot.failing_sources(seconds), snapshot.failing_accounts(seconds)
        if failed >= policy.least_acts and accounts > ACCOUNTS_PER_SOURCE * sources:
            signs.append(f"{number(accounts)} accounts were tried from {number(sources)} sources")
        usual = snapshot.baseline.logins
        if seconds <= SIXTY and rate_at_least(failed) > policy.added_ratio * usual * seconds:
            signs.append(
                f"the failures alone are {number(failed / seconds)}/s where {number(usual)}/s log in usually"
            )
        hosted = hosted_sign(snapshot, policy, LOGIN_FAILURES, counts, "the failures")
        if hosted:
            signs.append(hosted)
        # Of those who had ten seconds and more to solve it.
        asked = total(snapshot.sixty, LOGIN_CHALLENGES) - total(snapshot.ten, LOGIN_CHALLENGES)
        if asked >= policy.least_acts and share_at_most(snapshot.sixty[LOGIN_OK], asked) < SOLVED_SHARE:
            signs.append(
                f"{number(asked)} were asked for a challenge and {number(snapshot.sixty[LOGIN_OK])} logged in"
            )
        return signs


def _weighed(unsolved: int, failed: int) -> float:
    """As how many failures they count: never as more than the passwords that were wrong, so that a challenge by
    itself, which everybody meets, accuses nobody."""
    return min(UNSOLVED_WEIGHT * unsolved, float(failed))


def _at_home_too(counts: Counts, fine: int, limit: float) -> bool:
    """Whether log-ins fail where people were served before, too: then it is a fault of ours."""
    failed = counts[c.FAMILIAR_FAILURES]
    at_home = failed + max(0, counts[LOGIN_OK] - fine)
    return failed > 2 and share_at_least(failed, at_home) > limit
