"""What the pages say of registration, from the posture in force."""

from dataclasses import dataclass

from pontlevis.brain.vocabulary import Posture, RegistrationMode
from pontlevis.web.context import WebContext


@dataclass(frozen=True, slots=True)
class RegistrationView:
    """Who may register now. Times are Unix seconds."""

    suspended: bool
    attack: bool
    """Whether it is suspended because of an attack; else an operator said so."""
    challenge: bool
    approval: bool
    partial: bool
    """Some are let through, the others go to the waitlist."""
    closed: bool
    """All go to the waitlist."""
    share: float
    since: float
    next_stage_at: float | None


def registration_view(context: WebContext) -> RegistrationView:
    state = context.service.posture
    mode, share = state.registration, state.registration_share
    waitlist = mode is RegistrationMode.WAITLIST
    return RegistrationView(
        suspended=mode is RegistrationMode.SUSPENDED,
        attack=state.posture is Posture.UNDER_ATTACK,
        challenge=mode is RegistrationMode.CHALLENGE,
        approval=mode is RegistrationMode.APPROVAL or context.settings.accounts.approval,
        partial=share < 1.0,
        closed=waitlist and (share <= 0.0 or state.posture is not Posture.RECOVERING),
        share=share,
        since=state.registration_since,
        next_stage_at=state.next_stage_at,
    )
