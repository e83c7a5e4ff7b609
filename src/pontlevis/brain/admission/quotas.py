"""What an account of each standing may ask for."""

from pontlevis.brain.admission.account import Quota
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.vocabulary import Posture, Standing


def quotas(policy: AdmissionPolicy, posture: Posture, share: float = 1.0) -> dict[Standing, Quota]:
    """By standing; a new account's share is smaller while the posture is not normal. ``share`` of all of it."""
    new = policy.new_share if posture is Posture.NORMAL else policy.new_share_elevated
    shares = {
        Standing.RECENT: policy.recent_share,
        Standing.NEW: new,
        Standing.ANONYMOUS: policy.anonymous_share,
    }
    return {standing: _quota(policy, share * shares.get(standing, 1.0)) for standing in Standing}


def _quota(policy: AdmissionPolicy, share: float) -> Quota:
    return Quota(
        max(1, int(policy.requests_per_minute * share)),
        max(1, int(policy.tokens_per_minute * share)),
        max(1, int(policy.concurrent_requests * share)),
        max(1, int(policy.requests_per_day * share)) if policy.requests_per_day else 0,
        max(1, int(policy.tokens_per_day * share)) if policy.tokens_per_day else 0,
    )
