"""What of a change of posture is news for the public. Pure: a transition goes in, a piece of news comes out."""

from dataclasses import dataclass

from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.brain.vocabulary import Posture, RegistrationMode
from pontlevis.incidents import words
from pontlevis.incidents.words import Words


@dataclass(frozen=True, slots=True)
class News:
    """One entry to be written."""

    status: str
    """Statuspage's word for the incident from now on."""
    impact: str
    name: Words
    body: Words
    opens: bool
    """Whether it begins an incident where none is open."""
    reassures: bool = False
    """Whether it should say how those fare who have an account."""


def news_of(transition: Transition) -> News | None:
    """None for what the public need not know: holds, releases, a raised eyebrow."""
    before, after = transition.before, transition.after
    if transition.dry_run or _same_for_public(before, after):
        return None
    if after.posture is Posture.UNDER_ATTACK:
        return _under_attack(before, after)
    if after.posture is Posture.RECOVERING:
        return _recovering(before, after)
    limits = _limits(after)
    if limits is not None:
        return News("identified", "minor", words.NAME_LIMITED, limits, opens=True, reassures=True)
    attacked = before.posture in (Posture.UNDER_ATTACK, Posture.RECOVERING)
    if after.posture is Posture.NORMAL:
        by_itself = transition.actor == "posture" and attacked
        text = words.RESOLVED if by_itself else words.RESOLVED_LIMITED
        return News("resolved", "none", words.NAME_ATTACK, text, opens=False)
    if attacked or _limits(before) is not None:
        return News("monitoring", "none", words.NAME_ATTACK, words.REOPENED, opens=False)
    return None


def _same_for_public(before: PostureState, after: PostureState) -> bool:
    same_door = (before.registration, before.registration_share) == (
        after.registration,
        after.registration_share,
    )
    return same_door and (before.posture, before.stage) == (after.posture, after.stage)


def _under_attack(before: PostureState, after: PostureState) -> News | None:
    suspended = after.registration is RegistrationMode.SUSPENDED
    if before.posture is Posture.RECOVERING:
        return News("identified", "major", words.NAME_ATTACK, words.RELAPSE, opens=True, reassures=True)
    if not suspended:
        text, status = words.ATTACKED, "investigating"
    elif before.posture is Posture.UNDER_ATTACK:
        text, status = words.SUSPENDED, "identified"
    else:
        text, status = words.ATTACKED_AND_SUSPENDED, "identified"
    return News(status, "major", words.NAME_ATTACK, text, opens=True, reassures=True)


def _recovering(before: PostureState, after: PostureState) -> News:
    share = after.registration_share
    if before.posture is Posture.RECOVERING:
        back = share < before.registration_share
        text = words.step_back(share) if back else words.stage(share)
        return News("identified" if back else "monitoring", "minor", words.NAME_ATTACK, text, opens=True)
    attacked = before.posture is Posture.UNDER_ATTACK
    text = words.recovery(share) if attacked else words.stage(share)
    name = words.NAME_ATTACK if attacked else words.NAME_LIMITED
    return News("monitoring", "minor", name, text, opens=True)


def _limits(state: PostureState) -> Words | None:
    """What stands at the door outside an attack; None where everybody may come in."""
    return {
        RegistrationMode.SUSPENDED: words.SUSPENDED,
        RegistrationMode.WAITLIST: words.WAITLIST,
        RegistrationMode.APPROVAL: words.APPROVAL,
    }.get(state.registration)
