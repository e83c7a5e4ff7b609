"""An incident room on a database of its own, with a clock that is set by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from migrated import migrated
from pontlevis.brain.observation import BandSample, ServiceSample
from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.brain.vocabulary import Posture, RegistrationMode, Standing, Verdict
from pontlevis.incidents.policy import IncidentPolicy
from pontlevis.incidents.service import Incidents
from pontlevis.storage.database import Database
from pontlevis.storage.tables.control import TransitionRow

START = 1_738_000_000.0  # 2025-01-27 17:46:40 UTC

NORMAL = PostureState(since=START)
ELEVATED = PostureState(posture=Posture.ELEVATED, since=START)
OVERLOADED = PostureState(posture=Posture.ELEVATED, since=START, verdict=Verdict.OVERLOAD)
UNDER_ATTACK = PostureState(
    posture=Posture.UNDER_ATTACK,
    since=START,
    verdict=Verdict.ATTACK,
    registration=RegistrationMode.SUSPENDED,
    registration_share=0.0,
)


def recovering(stage: int, share: float) -> PostureState:
    """A stage of the ramp."""
    mode = RegistrationMode.OPEN if share >= 1.0 else RegistrationMode.WAITLIST
    return PostureState(
        posture=Posture.RECOVERING, since=START, registration=mode, registration_share=share, stage=stage
    )


class Room:
    """The room, its clock, and shortcuts to feed it."""

    def __init__(self, database: Database, policy: IncidentPolicy) -> None:
        self.database = database
        self.policy = policy
        self.now = START
        self.incidents = Incidents(database, policy, lambda: self.now, "Example")

    async def restart(self) -> None:
        """What kill -9 leaves: nothing but the database."""
        self.incidents = Incidents(self.database, self.policy, lambda: self.now, "Example")
        await self.incidents.start()

    async def change(
        self, before: PostureState, after: PostureState, *, reason: str = "Because.", actor: str = "posture"
    ) -> Transition:
        """A transition now, persisted as the controller does it, then told."""
        transition = Transition(self.now, before, after, reason, actor=actor)
        await self.persist(transition)
        await self.incidents.on_transition(transition)
        return transition

    async def persist(self, transition: Transition) -> None:
        async with self.database.session() as session:
            session.add(
                TransitionRow(
                    at=transition.at,
                    actor=transition.actor,
                    reason=transition.reason,
                    transition=msgspec.json.encode(transition),
                )
            )

    async def seconds(
        self,
        count: int,
        posture: PostureState = NORMAL,
        *,
        asked: int = 0,
        unserved: int = 0,
        engines_up: int = 1,
        ttft_s: float = 0.1,
    ) -> None:
        """So many seconds of service for established accounts."""
        for _ in range(count):
            self.now += 1.0
            await self.incidents.measure(
                sample(self.now, asked=asked, unserved=unserved, engines_up=engines_up, ttft_s=ttft_s),
                posture,
                self.now,
            )


def sample(
    at: float, *, asked: int = 0, unserved: int = 0, engines_up: int = 1, ttft_s: float = 0.1
) -> ServiceSample:
    """One second of established accounts."""
    band = BandSample(
        standing=Standing.ESTABLISHED,
        arrived=asked,
        admitted=max(0, asked - unserved),
        refused=unserved,
        ttft_p99_s=ttft_s if asked else 0.0,
    )
    return ServiceSample(at=at, interval_s=1.0, bands=[band], engines_up=engines_up, engines=1)


@asynccontextmanager
async def incident_room(directory: Path, policy: IncidentPolicy | None = None) -> AsyncIterator[Room]:
    """Opens a room and closes its database afterwards."""
    database = Database.in_directory(directory)
    try:
        await migrated(directory)
        room = Room(database, policy or IncidentPolicy(write_limit_s=20.0))
        await room.incidents.start()
        yield room
    finally:
        await database.close()
