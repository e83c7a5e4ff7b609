"""What the gateway knows of the gatehouse: which requests strangers are rationed for, and who is invited."""

from urllib.parse import parse_qs

from pontlevis.brain.observation import Kind
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
