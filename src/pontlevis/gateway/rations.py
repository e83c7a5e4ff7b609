"""What one worker may use of what is rationed: a token bucket, and its share of the whole machine's bounds."""

from dataclasses import replace
from math import ceil, sqrt

from pontlevis.gateway.policy import GatewayPolicy

SOURCE_SPREAD = 3.0
"""Standard deviations that one worker's part of a source's connections may exceed its share: the kernel spreads them
by chance (SO_REUSEPORT hashes addresses and ports), and an honest source must not be turned away for it."""


class Ration:
    """A token bucket (Turner, 1986): ``rate`` permits a second, at most ``burst`` saved up."""

    __slots__ = ("_at", "_burst", "_held", "_rate")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._held = burst
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Whether one more may pass at ``now`` (monotonic seconds)."""
        self._held = min(self._burst, self._held + (now - self._at) * self._rate)
        self._at = now
        if self._held < 1.0:
            return False
        self._held -= 1.0
        return True


def of_one_worker(policy: GatewayPolicy) -> GatewayPolicy:
    """The policy with one worker's share of what is meant for all of them together.

    Bounds of a process (open connections, connections to an engine) stay as they are.
    """
    workers = policy.workers
    if workers == 1:
        return policy
    share = policy.max_connections_per_source / workers
    reserved = min(policy.page_slots_reserved, max(1, round(policy.page_slots_reserved / workers)))
    return replace(
        policy,
        max_connections_per_source=min(
            policy.max_connections_per_source, ceil(share + SOURCE_SPREAD * sqrt(share))
        ),
        page_slots=max(reserved + 1, policy.page_slots // workers),
        page_slots_reserved=reserved,
        page_queue=max(1, policy.page_queue // workers),
        stranger_posts_per_s=policy.stranger_posts_per_s / workers,
        stranger_posts_burst=min(
            policy.stranger_posts_burst, max(1.0, policy.stranger_posts_burst / workers)
        ),
        solved_posts_per_s=policy.solved_posts_per_s / workers,
        solved_posts_burst=min(policy.solved_posts_burst, max(1.0, policy.solved_posts_burst / workers)),
        batch_observations=max(1, policy.batch_observations // workers),
    )
