"""What is said to who may not register now, whoever says it: the gateway in microseconds, or the pages."""

import msgspec

from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture

RETRY_UNKNOWN_S = 600  # the recovery ramp's default stage: nothing can change sooner
RETRY_MOST_S = 3600


class _Suspended(msgspec.Struct):
    message: str
    type: str
    code: str
    param: str | None
    status_page: str
    waitlist: str


class _Body(msgspec.Struct):
    error: _Suspended


def retry_after(state: PostureState, now: float) -> int:
    """Seconds after which a refused sign-up may be worth another try. ``now`` is Unix seconds."""
    if state.next_stage_at is None:
        return RETRY_UNKNOWN_S
    return int(min(RETRY_MOST_S, max(1.0, state.next_stage_at - now)))


def suspended_because(state: PostureState) -> str:
    """Why registration is suspended, in a sentence for everybody: an attack, or an operator's order."""
    if state.posture is Posture.UNDER_ATTACK:
        why = "New registrations are suspended while the service is under attack."
    else:
        why = "New registrations are suspended for the time being by the people who run this service."
    return f"{why} If you already have an account you can log in and use the service as usual."


def refusal_when_suspended(state: PostureState, base_url: str, now: float) -> tuple[bytes, int]:
    """The body of the 503 and its Retry-After in seconds, before jitter."""
    body = _Body(
        _Suspended(
            suspended_because(state),
            "service_unavailable_error",
            "registration_suspended",
            None,
            f"{base_url}/status",
            f"{base_url}/api/waitlist",
        )
    )
    return msgspec.json.encode(body), retry_after(state, now)
