"""What accounts do in their first seconds: used up as soon as they are made, or woken together to be used up.

Both are Bernoulli CUSUMs (Page, Biometrika 1954): each account is one trial, judged once, so that a verdict
needs a handful of accounts and not a full window, and a crowd around them costs it little.
"""

from pontlevis.brain.detection import columns as c
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.snapshot import Snapshot
from pontlevis.brain.detection.statistics import BernoulliCusum, Cusum

MOST_PROMPT = 0.30
"""However a service is used, no higher share of accounts that drain at once is taken for usual."""
SETTLED_S = 600.0
"""Before, accounts that were used before the start look as if they had never been."""


class PromptDrain:
    """Accounts made lately that ask for more than a person within seconds of their sign-up.

    Each joins two reasons, greed and haste. It is raised where they are surely more of the accounts made
    than people ever are.
    """

    def __init__(self, policy: DetectionPolicy) -> None:
        self._policy = policy
        self._cusum = BernoulliCusum(policy.first_use_limit)
        self._many = BernoulliCusum(policy.first_use_limit)
        """The same against a share three times as large, which needs fewer accounts where bots are not few."""
        self.accounts = 0
        """That drained at once in the last minute."""
        self.made = 0

    def look(self, snapshot: Snapshot) -> bool:
        """Whether there are too many; call once a tick."""
        policy = self._policy
        usual = min(
            MOST_PROMPT, max(policy.prompt_share, snapshot.baseline.prompt_share * policy.surge_ratio)
        )
        fresh = snapshot.fresh
        ones, trials = fresh[c.PROMPT_DRAINED], fresh[c.SIGNUP_OK]
        self._cusum.add(ones, trials, usual, min(0.9, usual * policy.prompt_ratio))
        self._many.add(ones, trials, usual, min(0.9, 3 * usual * policy.prompt_ratio))
        self.accounts = snapshot.sixty[c.PROMPT_DRAINED]
        self.made = max(snapshot.sixty[c.SIGNUP_OK], self.accounts)
        if not (self._cusum.raised or self._many.raised):
            return False
        goes_on = bool(snapshot.ten[c.PROMPT_DRAINED]) or snapshot.young()[2] >= policy.prompt_accounts
        if self.accounts >= policy.prompt_accounts and goes_on:
            return True
        if not goes_on:
            # Over: the next drain is to be proved anew.
            self._cusum.reset()
            self._many.reset()
        return False


class WokenDrain:
    """Young accounts that nobody ever used until they all ask at once, for more than people do.

    Their sign-ups were not seen, or long ago. That many come back together, as after a letter to all of
    them, is a crowd; each of their first calls being heavier than the usual one is what people's are not.
    """

    def __init__(self, policy: DetectionPolicy) -> None:
        self._policy = policy
        self._together = Cusum(policy.surge_ratio, policy.surge_limit)
        self._heavy = BernoulliCusum(policy.first_use_limit)
        self.woken = self.heavy = 0
        """In the last minute."""

    def look(self, snapshot: Snapshot) -> bool:
        """Whether such a cohort drains; call once a tick."""
        policy = self._policy
        baseline = snapshot.baseline
        if snapshot.age_s < SETTLED_S or not baseline.call_tokens:
            return False
        fresh, ten = snapshot.fresh, snapshot.ten
        # In the long run no more accounts can be used for the first time than are made.
        self._together.add(fresh[c.WOKEN], baseline.signups * max(snapshot.dt, 0.001))
        self._heavy.add(
            fresh[c.WOKEN_HEAVY], fresh[c.WOKEN], policy.woken_heavy_share, policy.woken_heavy_sure
        )
        self.woken, self.heavy = snapshot.sixty[c.WOKEN], snapshot.sixty[c.WOKEN_HEAVY]
        if not self.woken:
            self._heavy.reset()
        if not self._heavy.raised or self.heavy < policy.wakes:
            return False
        usual_tokens = baseline.requests * baseline.call_tokens * 10
        together = self._together.raised or self.woken > 60 * policy.surge_ratio * baseline.signups
        return together and ten[c.TOKENS_NEW] > policy.surge_ratio * usual_tokens
