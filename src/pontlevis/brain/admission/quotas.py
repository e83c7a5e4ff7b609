"""What an account of each standing may ask for."""

from pontlevis.brain.admission.account import Quota
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.vocabulary import Posture, Standing


def quotas(policy: AdmissionPolicy, posture: Posture) -> dict[Standing, Quota]:
    """By standing; a new account's share is smaller while the posture is not normal."""
    new = policy.new_share if posture is Posture.NORMAL else policy.new_share_elevated
    shares = {
        Standing.RECENT: policy.recent_share,
        Standing.NEW: new,
        Standing.ANONYMOUS: policy.anonymous_share,
    }
    return {
        standing: Quota(
            max(1, int(policy.requests_per_minute * shares.get(standing, 1.0))),
            max(1, int(policy.tokens_per_minute * shares.get(standing, 1.0))),
            max(1, int(policy.concurrent_requests * shares.get(standing, 1.0))),
        )
        for standing in Standing
    }
