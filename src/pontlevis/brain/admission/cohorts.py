"""Whose turn it is to be turned away while a band is overloaded.

A conversation is many requests; refusing some of everybody's spoils all of them. So a share of the
accounts is turned away at once and the others are served, and every hour it is others' turn (DAGOR's
user-oriented priorities; Zhou et al., Overload Control for Scaling WeChat Microservices, SoCC 2018).
"""

from zlib import crc32

from pontlevis.brain.admission.policy import AdmissionPolicy

COHORTS = 128  # DAGOR has as many user priorities


LONGEST_S = 1.0  # the share is changed by no more than a second at once: nobody asked while nobody waited


class Cohorts:
    """One band. ``level`` is the share of its accounts that is turned away."""

    __slots__ = ("_at", "_policy", "level")

    def __init__(self, policy: AdmissionPolicy, now: float) -> None:
        self._policy = policy
        self._at = now
        self.level = 0.0

    def update(self, overloaded: bool, now: float) -> None:
        policy = self._policy
        passed = min(max(0.0, now - self._at), LONGEST_S)
        self._at = now
        change = policy.shed_rise if overloaded else -policy.shed_fall
        self.level = min(policy.shed_most, max(0.0, self.level + change * passed))

    def of(self, account: str, now: float) -> int:
        """The account's cohort in this period, 0 to 127; those with the lowest are turned away first."""
        return crc32(b"%d %b" % (now // self._policy.cohort_period_s, account.encode())) % COHORTS

    def sheds(self, account: str, now: float) -> bool:
        return self.level > 0.0 and self.of(account, now) < int(self.level * COHORTS)
