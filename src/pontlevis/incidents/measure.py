"""From what happened to existing users to the states of the components."""

from collections import deque
from dataclasses import dataclass

from pontlevis.brain.observation import ServiceSample
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import EXISTING
from pontlevis.incidents.components import Component, Status, Statuses, registration_status, worse
from pontlevis.incidents.policy import IncidentPolicy

MOST_LOGINS = 2_000  # of one window; more say nothing new


@dataclass(frozen=True, slots=True)
class Served:
    """Existing users' requests: how many were asked, and how many of them refused or failed."""

    asked: int = 0
    unserved: int = 0

    def minus(self, other: "Served") -> "Served":
        return Served(self.asked - other.asked, self.unserved - other.unserved)


@dataclass(frozen=True, slots=True)
class _Second:
    at: float
    served: Served
    slow: bool
    admitted: bool


class Measure:
    """The states of all components over one window. Times are Unix seconds."""

    def __init__(self, policy: IncidentPolicy) -> None:
        self._policy = policy
        self._seconds: deque[_Second] = deque()
        self._logins: deque[tuple[float, bool]] = deque(maxlen=MOST_LOGINS)
        self._sample: ServiceSample | None = None
        self._engines_down_since: float | None = None

    def login(self, ok: bool, now: float) -> None:
        """An existing user tried to log in with the right to, and could or could not."""
        self._logins.append((now, ok))

    def take(self, sample: ServiceSample, now: float) -> Served:
        """One more sample; returns what it adds. The same sample again adds nothing."""
        last = self._sample
        served = served_of(sample)
        if last is not None and int(last.at) == int(sample.at):
            # Another worker's figures of the same second have been added to it meanwhile.
            served = served.minus(served_of(last))
        self._sample = sample
        if last is not sample:
            admitted = any(band.admitted for band in sample.bands if band.standing in EXISTING)
            slow = self._policy.slow_ttft_s
            late = any(band.ttft_p99_s > slow for band in sample.bands if band.standing in EXISTING)
            self._seconds.append(_Second(now, served, late, admitted or late))
        down = sample.engines > 0 and sample.engines_up == 0
        self._engines_down_since = (self._engines_down_since or now) if down else None
        return served

    def statuses(self, posture: PostureState, now: float, *, database_ok: bool) -> Statuses:
        """The states now."""
        policy = self._policy
        since = now - policy.window_s
        while self._seconds and self._seconds[0].at < since:
            self._seconds.popleft()
        while self._logins and self._logins[0][0] < since:
            self._logins.popleft()
        if self._sample is not None and now - self._sample.at > policy.silent_s:
            return dict.fromkeys(Component, Status.MAJOR)
        asked = sum(each.served.asked for each in self._seconds)
        unserved = min(asked, sum(each.served.unserved for each in self._seconds))
        api = worse(self._share(unserved, asked), self._speed())
        if self._engines_down_since is not None and now - self._engines_down_since >= policy.engines_down_s:
            api = Status.MAJOR
        failed = sum(1 for _, ok in self._logins if not ok)
        # Passwords and new accounts live in the database; keys and sessions that exist do not need it.
        kept = Status.OPERATIONAL if database_ok else Status.MAJOR
        return {
            Component.API: api,
            Component.CHAT: api,
            Component.LOGIN: worse(self._share(failed, len(self._logins)), kept),
            Component.REGISTRATION: worse(registration_status(posture), kept),
        }

    def _share(self, bad: int, asked: int) -> Status:
        policy = self._policy
        if asked < policy.least_requests:
            return Status.OPERATIONAL
        share = bad / asked
        if share >= policy.major_share:
            return Status.MAJOR
        if share >= policy.partial_share:
            return Status.PARTIAL
        return Status.DEGRADED if share >= policy.degraded_share else Status.OPERATIONAL

    def _speed(self) -> Status:
        busy = [each.slow for each in self._seconds if each.admitted]
        slow = len(busy) >= self._policy.least_requests and sum(busy) * 2 > len(busy)
        return Status.DEGRADED if slow else Status.OPERATIONAL


def served_of(sample: ServiceSample) -> Served:
    """Existing users' share of a sample. A request can end in a later sample than it came in."""
    bands = [band for band in sample.bands if band.standing in EXISTING]
    return Served(sum(band.arrived for band in bands), sum(band.refused + band.failed for band in bands))
