"""Delays after failures, and counts within a window: bounded memory, nobody locked out."""

from collections import OrderedDict, deque

from pontlevis.accounts.policy import AccountPolicy


class Delays:
    """Failures of sources or accounts. Times are Unix seconds."""

    def __init__(self, policy: AccountPolicy) -> None:
        self._policy = policy
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._under_way: dict[str, int] = {}

    def wait(self, name: str, now: float) -> float:
        """Seconds until ``name`` may try again; 0 when it may now."""
        held = self._failures.get(name)
        if held is None:
            return 0.0
        failures, last = held
        if now - last > self._policy.delay_memory_s:
            del self._failures[name]
            return 0.0
        over = failures - self._policy.free_failures
        if over < 0:
            return 0.0
        delay = min(self._policy.longest_delay_s, self._policy.first_delay_s * 2.0 ** min(over, 30))
        return max(0.0, last + delay - now)

    def begin(self, name: str, now: float) -> bool:
        """Whether one more try of ``name`` may be judged beside those under way; ``end`` must follow where it may.

        As many at once as are free of delay, and one at least: a volley that is sent before its first failure is
        counted has no more tries than one that waits for each answer.
        """
        failures, last = self._failures.get(name, (0, now))
        if now - last > self._policy.delay_memory_s:
            failures = 0
        now_under_way = self._under_way.get(name, 0)
        if now_under_way >= max(1, self._policy.free_failures - failures):
            return False
        self._under_way[name] = now_under_way + 1
        return True

    def end(self, name: str) -> None:
        """A try that ``begin`` allowed was judged."""
        left = self._under_way.pop(name) - 1
        if left:
            self._under_way[name] = left

    def failed(self, name: str, now: float) -> None:
        """Counts one failure."""
        failures, last = self._failures.pop(name, (0, now))
        if now - last > self._policy.delay_memory_s:
            failures = 0
        self._failures[name] = (failures + 1, now)
        if len(self._failures) > self._policy.sources_remembered:
            self._failures.popitem(last=False)

    def forgive(self, name: str) -> None:
        """Takes one failure back."""
        failures, last = self._failures.get(name, (0, 0.0))
        if failures > 1:
            self._failures[name] = (failures - 1, last)
        else:
            self._failures.pop(name, None)

    def forget(self, name: str) -> None:
        """Takes all failures back."""
        self._failures.pop(name, None)


class Window:
    """At most ``most`` events of one name within ``seconds``; exact, bounded. Times are Unix seconds."""

    def __init__(self, most: int, seconds: float, names: int) -> None:
        self._most = most
        self._seconds = seconds
        self._names = names
        self._events: OrderedDict[str, deque[float]] = OrderedDict()

    def take(self, name: str, now: float) -> float:
        """0 when counted; else seconds until one more is allowed."""
        wait = self.wait(name, now)
        if wait > 0.0:
            return wait
        events = self._events.get(name)
        if events is None:
            events = self._events[name] = deque(maxlen=self._most)
            if len(self._events) > self._names:
                self._events.popitem(last=False)
        else:
            self._events.move_to_end(name)
        events.append(now)
        return 0.0

    def wait(self, name: str, now: float) -> float:
        """Seconds until one more of ``name`` is allowed; counts nothing."""
        events = self._events.get(name)
        while events and now - events[0] >= self._seconds:
            events.popleft()
        if not events or len(events) < self._most:
            return 0.0
        return events[0] + self._seconds - now
