"""From facts about an account to its standing."""

from dataclasses import dataclass

from pontlevis.brain.standing.policy import DAY_S, StandingPolicy
from pontlevis.brain.vocabulary import Standing


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What is known of an account."""

    created_at: float
    """Unix seconds."""
    operator: bool = False
    paid: bool = False
    verified: bool = False
    active_days: int = 0
    """Days with at least one answered request."""
    tokens_used: int = 0
    evidence_against: tuple[str, ...] = ()
    """Sentences; each holds the account back to new."""


@dataclass(frozen=True, slots=True)
class StandingVerdict:
    """A standing and the sentence for it."""

    standing: Standing
    reason: str


def derive(facts: AccountFacts, policy: StandingPolicy, now: float) -> StandingVerdict:
    """The standing at ``now`` (Unix seconds).

    More tenure, use, verification or payment never lowers it; only evidence does.
    """
    age_s = max(0.0, now - facts.created_at)
    if facts.operator:
        return StandingVerdict(Standing.OPERATOR, "It is an operator's account.")
    if facts.evidence_against:
        return StandingVerdict(Standing.NEW, f"It is held back: {facts.evidence_against[0]}")
    if facts.paid:
        return StandingVerdict(Standing.PAID, "It has paid.")
    used = facts.active_days >= policy.established_days and facts.tokens_used >= policy.established_tokens
    if age_s >= policy.established_after_s and (used or (facts.verified and facts.active_days > 0)):
        return StandingVerdict(
            Standing.ESTABLISHED,
            f"It is {age_s / DAY_S:.0f} days old and was used on {facts.active_days} days.",
        )
    if age_s < policy.new_for_s:
        return StandingVerdict(Standing.NEW, f"It is {age_s / 3600:.0f} hours old.")
    so_far = f"It is {age_s / DAY_S:.0f} days old and was used on {facts.active_days} days so far."
    recent = facts.active_days >= policy.recent_days
    return StandingVerdict(Standing.RECENT if recent else Standing.NEW, so_far)
