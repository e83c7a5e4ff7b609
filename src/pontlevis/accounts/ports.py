"""What the account rooms need of the rest of the service; the controller provides it."""

from typing import Protocol

from pontlevis.brain.observation import Observation
from pontlevis.brain.posture.state import PostureState
from pontlevis.link.messages import AccountRecord, CredentialRecord


class Watch(Protocol):
    """Where facts about sign-ups and log-ins go, and where the posture in force is read."""

    def observe(self, observation: Observation) -> None: ...

    @property
    def posture(self) -> PostureState: ...


class Publisher(Protocol):
    """Makes account and credential changes known to every gateway.

    Returns once the gateways that are there have them in force, or after a quarter of a second.
    """

    async def publish(
        self,
        *,
        accounts: list[AccountRecord] = ...,
        credentials: list[CredentialRecord] = ...,
    ) -> None: ...

    async def cut(self, *, accounts: list[str] = ..., credentials: list[str] = ..., reason: str) -> None: ...


class NobodyWatches:
    """For commands on a service that does not run: nothing is observed, no gateway has to know."""

    def __init__(self) -> None:
        self._posture = PostureState()

    def observe(self, observation: Observation) -> None:
        """Nobody is there to hear it."""

    @property
    def posture(self) -> PostureState:
        return self._posture

    async def publish(
        self,
        *,
        accounts: list[AccountRecord] | None = None,
        credentials: list[CredentialRecord] | None = None,
    ) -> None:
        """No gateway runs; the next one reads everything."""

    async def cut(
        self, *, accounts: list[str] | None = None, credentials: list[str] | None = None, reason: str
    ) -> None:
        """No gateway runs; nothing is under way."""
