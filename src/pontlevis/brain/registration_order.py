"""An operator's word on who may register: laid over the posture for a time, then the posture decides again."""

import msgspec

from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, RegistrationMode


class RegistrationOrder(msgspec.Struct, frozen=True):
    """What an operator ordered. Times are Unix seconds."""

    mode: RegistrationMode
    reason: str
    actor: str
    since: float
    until: float
    """When it ends by itself."""


def with_order(state: PostureState, order: RegistrationOrder | None, now: float) -> PostureState:
    """The posture as everybody sees it while ``order`` holds.

    The order counts in both directions: it opens under attack as well as it closes in calm. The waitlist
    lets in what the recovery ramp lets in, and outside recovery nobody.
    """
    if order is None or now >= order.until:
        return state
    share = 1.0
    if order.mode is RegistrationMode.SUSPENDED:
        share = 0.0
    elif order.mode is RegistrationMode.WAITLIST:
        share = state.registration_share if state.posture is Posture.RECOVERING else 0.0
    return msgspec.structs.replace(
        state,
        registration=order.mode,
        registration_since=order.since,
        registration_share=share,
        # The end of the order is when something changes, unless the ramp moves before.
        next_stage_at=order.until
        if state.next_stage_at is None or order.mode is RegistrationMode.SUSPENDED
        else min(order.until, state.next_stage_at),
    )
