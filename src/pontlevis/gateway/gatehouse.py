"""What the gateway knows of the gatehouse: which requests strangers are rationed for, and who is invited."""

from collections.abc import Callable
from urllib.parse import parse_qs

import msgspec

from pontlevis.brain.observation import Kind
from pontlevis.brain.posture.registration import refusal_when_suspended
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import RefusalCode
from pontlevis.config import Settings
from pontlevis.gateway.answers import error_body
from pontlevis.gateway.directory import Directory
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.gateway.rations import Ration

STRANGER_POSTS = {
    "/api/sessions": Kind.LOGIN,
    "/login": Kind.LOGIN,
    "/api/sessions/second-factor": Kind.LOGIN,
    "/api/sessions/passkey": Kind.LOGIN,
    "/login/second": Kind.LOGIN,
    "/login/passkey": Kind.LOGIN,
    "/api/accounts": Kind.SIGNUP,
    "/register": Kind.SIGNUP,
    "/api/waitlist": Kind.SIGNUP,
    "/waitlist": Kind.SIGNUP,
    "/api/verification": Kind.PAGE,
    "/api/verification/letter": Kind.PAGE,
    "/verify": Kind.PAGE,
    "/verify/letter": Kind.PAGE,
    "/api/reset": Kind.PAGE,
    "/api/reset/letter": Kind.PAGE,
    "/reset": Kind.PAGE,
    "/reset/letter": Kind.PAGE,
    "/api/leaked-keys": Kind.PAGE,
    "/leaked-key": Kind.PAGE,
}
"""POSTs that anybody may send, and as what they are noted when they are turned away."""
_MARK = b"invitation=pi-"


def suspended(
    state: PostureState, base_url: str, unix: float, jitter: Callable[[int, int], int]
) -> tuple[int, bytes, bytes]:
    """Status, body and header fields for a sign-up while registration is suspended. ``unix`` is in seconds."""
    body, retry_s = refusal_when_suspended(state, base_url, unix)
    return 503, body, b"retry-after: %d\r\n" % (retry_s + jitter(0, max(1, retry_s // 4)))


def turned_away(kind: Kind, path: str, settings: Settings, retry_s: int) -> tuple[int, bytes, bytes]:
    """Status, body and header fields for a stranger beyond the ration.

    Where log-ins take a challenge they are shown the way to the lane of those who solved one: a program is told
    where to begin, a form is led back to its page, which then has the browser do the work.
    """
    if kind is not Kind.LOGIN or not settings.challenge.login:
        message = (
            "the service is being attacked and takes requests from unfamiliar places slowly; please try again"
        )
        return 503, error_body(503, RefusalCode.OVERLOADED, message), b"retry-after: %d\r\n" % retry_s
    if not path.startswith("/api/"):
        return 303, b"", b"location: /login?notice=busy\r\n"
    error = {
        "message": "the service is being attacked: solve a challenge first, and send its solution both as altcha and"
        " in the header x-pontlevis-solution",
        "type": "permission_error",
        "code": "challenge_required",
        "param": None,
        "challenge": f"{settings.base_url}/api/challenge?action=login",
    }
    return 403, msgspec.json.encode({"error": error}), b""


class Invited:
    """Lets sign-ups through to the controller, while registration is suspended, whose invitation is one of ours.

    Nobody can make one up; whether it was used already the controller knows. One that was used can be sent
    again, so these have a ration of their own.
    """

    __slots__ = ("_directory", "_ration")

    def __init__(self, directory: Directory, policy: GatewayPolicy) -> None:
        self._directory = directory
        self._ration = Ration(policy.stranger_posts_per_s, policy.stranger_posts_burst)

    def may_pass(self, target: bytes, now: float) -> bool:
        """``target`` is the request's, query included; ``now`` is monotonic seconds."""
        if _MARK not in target:
            return False
        try:
            query = parse_qs(target.partition(b"?")[2].decode("latin-1"), max_num_fields=20)
        except ValueError:
            return False
        token = query.get("invitation", [""])[0]
        return self._directory.is_invitation(token) and self._ration.take(now)
