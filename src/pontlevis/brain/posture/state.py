"""Posture as it stands, and how it changes: what the machine returns and everyone else reads."""

from collections.abc import Iterable

import msgspec

from pontlevis.brain.vocabulary import Posture, RegistrationMode, Verdict


class PostureState(msgspec.Struct, frozen=True):
    """All that must survive a restart. Times are Unix seconds."""

    posture: Posture = Posture.NORMAL
    since: float = 0.0
    reason: str = "No finding."
    """One sentence for the operator."""
    verdict: Verdict = Verdict.CALM
    registration: RegistrationMode = RegistrationMode.OPEN
    registration_since: float = 0.0
    registration_share: float = 1.0
    """Share of registrations let through now, 0 to 1: 0 while suspended, the stage's while recovering."""
    stage: int = 0
    """Index into the recovery ramp; 0 outside recovery."""
    next_stage_at: float | None = None
    held_by: str | None = None
    """Name of the operator who forced this posture, None while the machine steers."""
    held_until: float | None = None
    """When the hold ends by itself; None: not held."""
    evidence_gone_since: float | None = None
    """Since when no hostile finding stands (in ``elevated``: nor impact); None while one does."""
    relapses: int = 0
    """How often the attack came back; stages grow longer with it."""
    attacked_at: float | None = None
    """When the last attack was last in evidence; tells a relapse from a new attack."""

    signups_accused: bool = False
    """In ``elevated``: a hostile finding accuses the sign-ups, so registration is stricter."""
    logins_accused: bool = False
    """In ``elevated``: a hostile finding accuses the log-ins, so strangers' are rationed."""
    alarms: int = 0
    """How often ``elevated`` came back; its calm grows longer with it."""
    alarmed_at: float | None = None
    """When ``elevated`` last ended; tells a return from a new alarm."""
    dry_run: bool | None = None
    """An operator's word on whether the machine only says what it would do; None: as the policy says."""
    dry_run_by: str | None = None
    """Who said so."""


class Transition(msgspec.Struct, frozen=True):
    """One change of posture, registration or stage."""

    at: float
    before: PostureState
    after: PostureState
    reason: str
    """One sentence an operator can check."""
    findings: tuple[str, ...] = ()
    """Identifiers of the findings it rests on."""
    actor: str = "posture"
    """``posture`` for the machine, else an operator's name."""
    dry_run: bool = False


def differences(transitions: Iterable[Transition]) -> list[str]:
    """What transitions change, one line a thing; of the times only when a hold ends."""
    said = []
    for each in transitions:
        before, after = each.before, each.after
        for name, was, now in (
            ("posture", before.posture.value, after.posture.value),
            ("registration", before.registration.value, after.registration.value),
            ("let through", f"{before.registration_share:.0%}", f"{after.registration_share:.0%}"),
            ("held by", before.held_by or "nobody", after.held_by or "nobody"),
            ("dry run", _word(before.dry_run), _word(after.dry_run)),
        ):
            if was != now:
                said.append(f"{name}: {was} → {now}")
        if after.held_until is not None and after.held_until != before.held_until:
            said.append(f"hold ends: in {(after.held_until - each.at) / 60:.0f} min")
    return said


def _word(said: bool | None) -> str:
    return "as the policy says" if said is None else "on" if said else "off"
