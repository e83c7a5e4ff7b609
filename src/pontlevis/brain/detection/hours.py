"""What each hour of the week is used to: medians over weeks, in bounded memory.

Median and median absolute deviation, because one hour with a launch, an outage or an attack that
nobody noticed moves neither (Hampel, JASA 1974).
"""

from statistics import median
from typing import NamedTuple

import msgspec

HOUR_S = 3600
WEEK_H = 168
DAY_H = 24
LEAST_DAYS = 7
"""Nothing is said of an hour before there are so many."""
LEAST_VALUES = 4
"""Fewer weeks of an hour are filled up with the same hour of the other days."""
MAD_TO_SIGMA = 1.4826
"""Makes the median absolute deviation a standard deviation where values are normal (Rousseeuw and Croux, JASA 1993)."""
LEAST_SPREAD = 0.25
"""Of the median: a few weeks that happen to agree do not make an hour exact."""


class Usual(NamedTuple):
    """What an hour is used to."""

    median: float
    spread: float
    """Robust standard deviation, at least a quarter of the median."""

    def clip(self, value: float) -> float:
        """``value``, drawn to within three spreads of the median."""
        return min(max(value, self.median - 3 * self.spread), self.median + 3 * self.spread)


class HoursState(msgspec.Struct, array_like=True):
    """All of it, to be kept over a restart."""

    first: float = 0.0
    """When learning began, Unix seconds; 0 before."""
    hour: int = 0
    """Hours since 1970 of the hour under way."""
    seconds: float = 0.0
    """Seconds of it that were learned."""
    sums: list[float] = msgspec.field(default_factory=list)
    """By signal, value times seconds of the hour under way."""
    values: list[list[list[float]]] = msgspec.field(default_factory=list)
    """By signal and hour of the week, the means of the last weeks, oldest first."""


class Hours:
    """Hourly means of ``signals`` signals over at most ``weeks`` weeks.

    An hour counts when at least ``least_s`` seconds of it were learned. 8 weeks of 6 signals are
    8,064 numbers.
    """

    __slots__ = ("_least_s", "_signals", "_state", "_weeks")

    def __init__(self, signals: int, *, weeks: int, least_s: float) -> None:
        self._signals = signals
        self._weeks = weeks
        self._least_s = least_s
        self._state = self._empty()

    def _empty(self) -> HoursState:
        values: list[list[list[float]]] = [[[] for _ in range(WEEK_H)] for _ in range(self._signals)]
        return HoursState(sums=[0.0] * self._signals, values=values)

    def learn(self, now: float, values: list[float], dt: float) -> None:
        """Takes the signals' values of ``dt`` seconds that end at ``now``. Time that runs backwards is
        counted into the hour under way."""
        state = self._state
        if not state.first:
            state.first = now
            state.hour = int(now) // HOUR_S
        hour = int(now) // HOUR_S
        if hour > state.hour:
            self._close(hour)
        state.seconds += dt
        for number, value in enumerate(values):
            state.sums[number] += value * dt

    def _close(self, hour: int) -> None:
        state = self._state
        if state.seconds >= self._least_s:
            for number, total in enumerate(state.sums):
                weeks = state.values[number][state.hour % WEEK_H]
                weeks.append(total / state.seconds)
                del weeks[: -self._weeks]
        state.hour = hour
        state.seconds = 0.0
        state.sums = [0.0] * self._signals

    def usual(self, signal: int, now: float) -> Usual | None:
        """Of the moment ``now``, between the middles of two hours; None before there are seven days."""
        state = self._state
        if not state.first or now - state.first < LEAST_DAYS * DAY_H * HOUR_S:
            return None
        position = now / HOUR_S - 0.5
        before = int(position)
        part = position - before
        earlier, later = self._hour(signal, before), self._hour(signal, before + 1)
        if earlier is None or later is None:
            return earlier or later
        return Usual(
            earlier.median + part * (later.median - earlier.median),
            earlier.spread + part * (later.spread - earlier.spread),
        )

    def _hour(self, signal: int, hour: int) -> Usual | None:
        values = self._state.values[signal]
        pool = values[hour % WEEK_H]
        if len(pool) < LEAST_VALUES:
            pool = [each for day in range(0, WEEK_H, DAY_H) for each in values[(hour + day) % WEEK_H]]
        if len(pool) < LEAST_VALUES:
            return None
        middle = median(pool)
        deviation = MAD_TO_SIGMA * median(abs(each - middle) for each in pool)
        return Usual(middle, max(deviation, LEAST_SPREAD * middle))

    @property
    def days(self) -> float:
        """Days' worth of hours that were learned, over all weeks."""
        return sum(len(weeks) for weeks in self._state.values[0]) / DAY_H if self._signals else 0.0

    def state(self) -> HoursState:
        """To be written at once: it goes on changing."""
        return self._state

    def restore(self, state: HoursState) -> None:
        """Takes up where ``state`` left off; one of another shape is passed over, one of fewer signals filled up."""
        for _ in range(len(state.sums), self._signals):
            state.sums.append(0.0)
            state.values.append([[] for _ in range(WEEK_H)])
        shaped = len(state.sums) == self._signals == len(state.values)
        if shaped and all(len(hours) == WEEK_H for hours in state.values):
            for hours in state.values:
                for weeks in hours:
                    del weeks[: -self._weeks]
            self._state = state
