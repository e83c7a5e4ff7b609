"""What a key may use of its account's limits: a share that holds for every key, and limits of its own."""

from pontlevis.brain.admission.account import AccountState, AccountTable, Quota
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.admission.quotas import quotas
from pontlevis.brain.key_scope import MOST_LIMIT, KeyLimits
from pontlevis.brain.vocabulary import Posture, Standing

QUOTAS_KEPT = 4_096  # of limits that keys have; made anew in a microsecond where one is not there
_BOUNDLESS = Quota(MOST_LIMIT, MOST_LIMIT, MOST_LIMIT)


class KeyQuotas:
    """What each key has used, and what holds for it. ``now`` is the caller's monotonic seconds."""

    def __init__(self, policy: AdmissionPolicy) -> None:
        self._policy = policy
        self._used = AccountTable(policy.accounts_remembered)
        self._quotas: dict[tuple[KeyLimits, Standing, bool], Quota] = {}
        self.set_posture(Posture.NORMAL)

    def set_posture(self, posture: Posture) -> None:
        """Also after the policy's own figures have changed."""
        self._shares = quotas(self._policy, posture, self._policy.key_share)
        self._quotas.clear()

    def of(
        self, key: str, limits: KeyLimits | None, standing: Standing, unlimited: bool, now: float
    ) -> tuple[AccountState, Quota] | None:
        """What the key has used and what holds for it; None where it may use all that its account may."""
        if not key or (limits is None and (unlimited or self._policy.key_share >= 1.0)):
            return None
        quota = self._shares[standing] if limits is None else self._own(limits, standing, unlimited)
        return self._used.touch(key, now, quota), quota

    def _own(self, limits: KeyLimits, standing: Standing, unlimited: bool) -> Quota:
        """The lesser of both, of a limit that both have. An account without limits leaves the key's alone."""
        wanted = (limits, standing, unlimited)
        quota = self._quotas.get(wanted)
        if quota is None:
            whole = _BOUNDLESS if unlimited else self._shares[standing]
            quota = Quota(
                _lesser(limits.requests_per_minute, whole.requests_per_minute),
                _lesser(limits.tokens_per_minute, whole.tokens_per_minute),
                _lesser(limits.concurrent, whole.concurrent),
                _lesser(limits.requests_per_day, whole.requests_per_day),
                _lesser(limits.tokens_per_day, whole.tokens_per_day),
            )
            if len(self._quotas) >= QUOTAS_KEPT:
                self._quotas.clear()
            self._quotas[wanted] = quota
        return quota


def _lesser(one: int, other: int) -> int:
    """0 is no limit."""
    return min(one, other) if one and other else one or other
