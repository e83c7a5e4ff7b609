"""What the status page is about, and how each part does, measured."""

from collections import deque
from enum import StrEnum

from pontlevis.brain.observation import ServiceSample
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import EXISTING, RegistrationMode
from pontlevis.incidents.policy import IncidentPolicy


class Component(StrEnum):
    """The parts of the service that the public knows."""

    API = "api"
    CHAT = "chat"
    LOGIN = "login"
    REGISTRATION = "registration"


class Status(StrEnum):
    """States of a component, as Statuspage names them."""

    OPERATIONAL = "operational"
    DEGRADED = "degraded_performance"
    PARTIAL = "partial_outage"
    MAJOR = "major_outage"


SEVERITY = {Status.OPERATIONAL: 0, Status.DEGRADED: 1, Status.PARTIAL: 2, Status.MAJOR: 3}


class Measure:
    """Measures all components from what happened to existing users."""

    def __init__(self, policy: IncidentPolicy) -> None:
        self._policy = policy
        self._requests: deque[tuple[float, int, int]] = deque()
        self._logins: deque[tuple[float, bool]] = deque(maxlen=1_000)
        self._last_sample = 0.0

    def login(self, ok: bool, now: float) -> None:
        """An existing user tried to log in with the right to, and could or could not."""
        self._logins.append((now, ok))

    def sample(self, sample: ServiceSample, posture: PostureState, now: float) -> dict[Component, Status]:
        """The states after one more second."""
        if sample.at != self._last_sample:
            self._last_sample = sample.at
            asked, unserved = existing_of(sample)
            self._requests.append((now, asked, unserved))
        since = now - self._policy.window_s
        while self._requests and self._requests[0][0] < since:
            self._requests.popleft()
        while self._logins and self._logins[0][0] < since:
            self._logins.popleft()
        asked = sum(each[1] for each in self._requests)
        unserved = sum(each[2] for each in self._requests)
        api = Status.MAJOR if sample.engines and not sample.engines_up else self._judge(unserved, asked)
        failed = sum(1 for _, ok in self._logins if not ok)
        return {
            Component.API: api,
            Component.CHAT: api,
            Component.LOGIN: self._judge(failed, len(self._logins)),
            Component.REGISTRATION: _registration(posture),
        }

    def _judge(self, bad: int, all_: int) -> Status:
        policy = self._policy
        if all_ < policy.least_requests:
            return Status.OPERATIONAL
        share = bad / all_
        if share >= policy.major_share:
            return Status.MAJOR
        if share >= policy.partial_share:
            return Status.PARTIAL
        return Status.DEGRADED if share >= policy.degraded_share else Status.OPERATIONAL


def existing_of(sample: ServiceSample) -> tuple[int, int]:
    """Requests of existing users in the sample, and how many of them were not served."""
    asked = unserved = 0
    for band in sample.bands:
        if band.standing in EXISTING:
            asked += band.arrived
            unserved += min(band.arrived, band.refused + band.failed)
    return asked, unserved


def _registration(posture: PostureState) -> Status:
    # Suspended is a partial outage: the waitlist takes addresses, and whoever has an account loses nothing.
    if posture.registration is RegistrationMode.SUSPENDED:
        return Status.PARTIAL
    if (
        posture.registration in (RegistrationMode.OPEN, RegistrationMode.CHALLENGE)
        and posture.registration_share >= 1.0
    ):
        return Status.OPERATIONAL
    return Status.DEGRADED
