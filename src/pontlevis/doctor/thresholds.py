"""Thresholds that are each allowed and contradict one another."""

import itertools
from collections.abc import Iterator

from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.posture.ladder import SHUT
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.vocabulary import Posture, RegistrationMode
from pontlevis.config import Settings
from pontlevis.doctor.check import Check, failed, ok, warn

TICK_S = 1.0
REOPENING_S = 600.0
"""Within which the first stage of reopening is promised."""
ALARM_S = 10.0
"""Within which the posture is promised to change."""


def check_thresholds(settings: Settings) -> Iterator[Check]:
    """Every contradiction, or one line that there is none."""
    found = [*_posture(settings.posture), *_admission(settings.admission), *_detection(settings)]
    yield from found
    if not found:
        yield ok("thresholds", "No threshold contradicts another.")


def _posture(policy: PosturePolicy) -> Iterator[Check]:
    for name in ("under_attack_dwell_s", "elevated_calm_s", "evidence_gone_s", "stage_s", "step_back_s"):
        seconds = policy.scaled(getattr(policy, name))
        if seconds < TICK_S:
            yield failed(
                f"posture.{name}",
                f"posture.{name} is {seconds:g} s at posture.time_scale {policy.time_scale:g}: "
                "shorter than the second between two judgements.",
                "Raise it, or posture.time_scale; the posture would flap.",
            )
    first = max(policy.evidence_gone_max_s, policy.impact_patience_s)
    if policy.time_scale <= 1.0 and policy.scaled(first) > REOPENING_S:
        yield warn(
            "posture.reopening",
            f"After an attack the first stage of reopening may come only after {policy.scaled(first) / 60:.0f} min.",
            "Lower posture.evidence_gone_max_s or posture.impact_patience_s below 600 if ten minutes matter.",
        )
    alarm = max(policy.hostile_sustained_s, policy.agreement_s)
    if alarm > ALARM_S - 5.0:
        yield warn(
            "posture.alarm",
            f"A finding must stand for {alarm:g} s before the posture moves: with five seconds to find an attack, "
            "ten are not kept.",
            "Lower posture.hostile_sustained_s or posture.agreement_s.",
        )
    if policy.elevated_registration in SHUT:
        yield warn(
            "posture.elevated_registration",
            f"posture.elevated_registration is {policy.elevated_registration.value}: a mere crowd that makes "
            "existing users wait closes the door.",
            "Set it to open; posture.elevated_registration_accused is for attacks on the sign-up.",
        )
    for name in ("elevated_registration", "elevated_registration_accused"):
        if getattr(policy, name) is RegistrationMode.SUSPENDED:
            yield warn(
                f"posture.{name}",
                f"posture.{name} is suspended: one finding alone closes registration.",
                "Use waitlist, challenge or approval.",
            )
    if not policy.enabled:
        yield warn("posture.enabled", "The posture moves by an operator's word only.", "Set posture.enabled.")
    elif policy.dry_run:
        yield warn(
            "posture.dry_run",
            "The posture is on a dry run: it says what it would do.",
            "Set it to false in the end.",
        )


def _admission(policy: AdmissionPolicy) -> Iterator[Check]:
    for posture in Posture:
        ceilings = policy.ceilings(posture)
        if any(low > high for high, low in itertools.pairwise(ceilings)):
            yield failed(
                f"admission.ceilings_{posture.value}",
                f"admission.ceilings_{posture.value} {list(ceilings)} do not fall from band to band: a lower band "
                "would be given more than a higher one.",
                "Order them: existing, recent, new, anonymous.",
            )
        if not all(0.0 <= each <= 1.0 for each in ceilings) or ceilings[0] != 1.0:
            yield failed(
                f"admission.ceilings_{posture.value}",
                f"admission.ceilings_{posture.value} {list(ceilings)} are shares, and existing users' is 1.",
                "Use shares from 0 to 1, the first of them 1.",
            )
    normal = policy.ceilings(Posture.NORMAL)
    worst = policy.ceilings(Posture.UNDER_ATTACK)
    if any(each > usual for each, usual in zip(worst, normal, strict=True)):
        yield failed(
            "admission.ceilings_under_attack",
            "Under attack a band is given more than on an ordinary day.",
            "Lower admission.ceilings_under_attack below admission.ceilings_normal.",
        )
    shares = (policy.anonymous_share, policy.new_share, policy.recent_share, 1.0)
    if any(low > high for low, high in itertools.pairwise(shares)):
        yield failed(
            "admission.shares",
            f"admission.anonymous_share, new_share, recent_share {shares[:3]} do not rise to 1.",
            "Whoever has earned less must not be given more.",
        )
    if policy.new_share_elevated > policy.new_share:
        yield failed(
            "admission.new_share_elevated",
            "New accounts may ask for more when the posture is not normal.",
            "Lower admission.new_share_elevated below admission.new_share.",
        )
    waits = zip(policy.queue_wait_s, policy.overload_wait_s, strict=True)
    if any(overload > wait for wait, overload in waits):
        yield warn(
            "admission.overload_wait_s",
            "In overload somebody waits longer than otherwise.",
            "Lower admission.overload_wait_s below admission.queue_wait_s.",
        )


def _detection(settings: Settings) -> Iterator[Check]:
    policy = settings.detection
    if not settings.defence or not policy.enabled:
        yield warn(
            "detection.enabled", "Nobody watches: detection is off.", "Set defence and detection.enabled."
        )
    elif policy.detectors_off:
        yield warn(
            "detection.detectors_off",
            f"Switched off: {', '.join(sorted(policy.detectors_off))}.",
            "Take them out of detection.detectors_off unless you meant it.",
        )
    calm = settings.posture.scaled(settings.posture.evidence_gone_s)
    if settings.posture.time_scale >= 1.0 and policy.linger_s > calm:
        yield warn(
            "detection.linger_s",
            f"A finding lingers {policy.linger_s:g} s, longer than the {calm:g} s without one that end an attack.",
            "Lower detection.linger_s or raise posture.evidence_gone_s.",
        )
