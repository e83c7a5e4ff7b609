"""Virtual time, and what is to happen in it."""

import random
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

START = 1_740_000_000.0
"""Unix seconds at which every town begins."""

Act = Callable[[], None]


class Clock:
    """A queue of acts by their time. ``now`` is in Unix seconds."""

    def __init__(self) -> None:
        self.now = START
        self._queue: list[tuple[float, int, Act]] = []
        self._order = count()

    @property
    def since(self) -> float:
        """Seconds since the start."""
        return self.now - START

    def at(self, delay: float, act: Act) -> None:
        """Lets ``act`` happen ``delay`` seconds from now."""
        heappush(self._queue, (self.now + delay, next(self._order), act))

    def run_to(self, stop: float) -> None:
        """Everything that is due before ``stop``, in order; then it is ``stop``."""
        queue = self._queue
        while queue and queue[0][0] < stop:
            self.now, _, act = heappop(queue)
            act()
        self.now = stop

    def poisson(
        self,
        rng: random.Random,
        rate: float,
        act: Act,
        *,
        start: float = 0.0,
        stop: float = float("inf"),
        rise_s: float = 0.0,
        level: Callable[[float], float] | None = None,
    ) -> None:
        """Acts at ``rate`` a second between two times since the start, rising linearly over ``rise_s``.

        ``level`` thins it: the share of the rate that is acted on at so many seconds since the start.
        """

        def again() -> None:
            since = self.since
            if since >= stop:
                return
            share = min(1.0, (since - start + 0.5) / (rise_s + 0.5)) if rise_s else 1.0
            if level is not None:
                share *= level(since)
            if share >= 1.0 or rng.random() < share:
                act()
            self.at(rng.expovariate(rate), again)

        self.at(max(0.0, start - self.since) + rng.expovariate(rate), again)
