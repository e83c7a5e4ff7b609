"""What each posture does to registration, and how a state arrives on a rung."""

import msgspec

from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, RegistrationMode

SHUT = frozenset({RegistrationMode.WAITLIST, RegistrationMode.SUSPENDED})
"""Modes in which nobody new gets in, but for the ramp's share in recovery."""


def registration(
    policy: PosturePolicy, posture: Posture, stage: int = 0, *, accused: bool = False
) -> tuple[RegistrationMode, float]:
    """Mode and share of registrations let through on this rung.

    ``stage`` counts only in recovery, ``accused`` (a finding accuses the sign-ups) only in ``elevated``.
    """
    if posture is Posture.UNDER_ATTACK:
        return RegistrationMode.SUSPENDED, 0.0
    if posture is Posture.RECOVERING:
        share = policy.ramp[min(stage, len(policy.ramp) - 1)]
        return (RegistrationMode.OPEN if share >= 1.0 else RegistrationMode.WAITLIST), share
    if posture is Posture.ELEVATED:
        mode = policy.elevated_registration_accused if accused else policy.elevated_registration
        return mode, 0.0 if mode in SHUT else 1.0
    return RegistrationMode.OPEN, 1.0


def calm_length(policy: PosturePolicy, alarms: int) -> float:
    """Seconds of calm before ``elevated`` ends, after it has come back so often."""
    return policy.scaled(min(policy.elevated_calm_max_s, policy.elevated_calm_s * 2.0 ** min(alarms, 30)))


def stage_length(policy: PosturePolicy, relapses: int) -> float:
    """Seconds that one stage of recovery lasts after so many relapses."""
    return policy.scaled(min(policy.stage_max_s, policy.stage_s * (1 + policy.stage_growth * relapses)))


def evidence_gone_length(policy: PosturePolicy, relapses: int) -> float:
    """Seconds without a hostile finding before recovery begins, after so many relapses."""
    wait = policy.evidence_gone_s + policy.evidence_gone_growth_s * relapses
    return policy.scaled(max(policy.evidence_gone_s, min(policy.evidence_gone_max_s, wait)))


def fit(policy: PosturePolicy, state: PostureState) -> PostureState:
    """``state`` as it can stand under ``policy``: a shorter ramp than it was written under has fewer stages."""
    last = len(policy.ramp) - 1
    return state if state.stage <= last else msgspec.structs.replace(state, stage=last)


def arrive(
    policy: PosturePolicy,
    state: PostureState,
    now: float,
    posture: Posture,
    reason: str,
    *,
    stage: int = 0,
    signups_accused: bool = False,
    logins_accused: bool = False,
) -> PostureState:
    """``state`` moved to a posture or stage, with what that means for registration."""
    mode, share = registration(policy, posture, stage, accused=signups_accused)
    elevated = posture is Posture.ELEVATED
    recovering = posture is Posture.RECOVERING
    return msgspec.structs.replace(
        state,
        posture=posture,
        since=now if posture is not state.posture else state.since,
        reason=reason,
        registration=mode,
        registration_since=now if mode is not state.registration else state.registration_since,
        registration_share=share,
        stage=stage if recovering else 0,
        signups_accused=signups_accused and elevated,
        logins_accused=logins_accused and elevated,
        next_stage_at=now + stage_length(policy, state.relapses) if recovering else None,
        evidence_gone_since=None if posture is not state.posture else state.evidence_gone_since,
    )
