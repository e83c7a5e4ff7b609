"""Strangers who did the challenge's work have a ration of their own, which a flood that did not cannot use up.

The gateway sees a solution only where it stands in the request's head: in the header ``x-pontlevis-solution`` or in
the cookie that the log-in page leaves. Whoever stands in the middle of a log-in shows its ticket in the same way.
"""

from collections import OrderedDict

from pontlevis.brain.credential import CredentialKind
from pontlevis.brain.observation import Kind
from pontlevis.gateway.cookies import token_in
from pontlevis.gateway.directory import Directory
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.gateway.rations import Ration
from pontlevis.gateway.request import Request
from pontlevis.solutions import Action, SolutionJudge, Solved

HEADER = b"x-pontlevis-solution"
COOKIE = "pontlevis_solution"  # as challenge.js leaves it
TICKET_COOKIE = "pontlevis_ticket"  # as the log-in page leaves it
_ACTIONS = {Kind.LOGIN: Action.LOGIN, Kind.SIGNUP: Action.SIGNUP}
_REMEMBERED = 100_000  # as challenge.spent_remembered
TICKET_USES = 8  # a few tries of each ticket, and one too many


class Solvers:
    """Which strangers may pass beyond the strangers' ration. One worker's memory of what it let pass, bounded."""

    __slots__ = ("_directory", "_judge", "_passed", "_ration")

    def __init__(self, directory: Directory, policy: GatewayPolicy) -> None:
        self._directory = directory
        self._judge = SolutionJudge(directory.challenge_key())
        self._ration = Ration(policy.solved_posts_per_s, policy.solved_posts_burst)
        self._passed: OrderedDict[str, int] = OrderedDict()

    def may_pass(self, request: Request, kind: Kind, source: str, unix: float, monotonic: float) -> bool:
        """Whether this log-in or sign-up brings a solution that was not let pass here before, or a ticket."""
        text = ""
        if (header := request.header(HEADER)) is not None:
            text = header.decode("latin-1")
        elif (cookie := request.header(b"cookie")) is not None:
            ticket = token_in(cookie, TICKET_COOKIE, CredentialKind.TICKET.value)
            if ticket and self._directory.is_ticket(ticket):
                return self._let_pass(ticket, TICKET_USES, monotonic)
            text = token_in(cookie, COOKIE, "eyJ")
        action = _ACTIONS.get(kind)
        if not text or action is None:
            return False
        found = self._judge.judge(text, action, source, unix, spent=self._passed)
        # The account rooms decide who was first with it; this keeps one solution from opening the way for a flood.
        return isinstance(found, Solved) and self._let_pass(found.challenge, 1, monotonic)

    def _let_pass(self, name: str, most: int, monotonic: float) -> bool:
        uses = self._passed.get(name, 0)
        if uses >= most or not self._ration.take(monotonic):
            return False
        self._passed[name] = uses + 1
        if len(self._passed) > _REMEMBERED:
            self._passed.popitem(last=False)
        return True
