"""Honest load for drills and simulations: who asks when, and for how much."""

import heapq
import random
from dataclasses import dataclass
from pathlib import Path

from pontlevis.simulation.load_shape import CONVERSATION, LoadShape
from pontlevis.simulation.renewal import Pattern, Renewal
from pontlevis.simulation.traces import Recorded, TraceName, read_trace


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request of an honest user."""

    at: float
    """Seconds after the load began."""
    user: int
    """0 to ``users - 1``; the lower, the heavier."""
    input_tokens: int
    output_tokens: int


def honest_arrivals(
    seed: int, users: int, duration_s: float, rate_per_s: float, *, shape: LoadShape = CONVERSATION
) -> list[Arrival]:
    """Requests of ``users`` over ``duration_s``, in order of time; the same seed gives the same list.

    Each user is a renewal process of his own share and burstiness, so that a few send most and burst
    hard, as in production (ServeGen, 2025). The list holds ``rate_per_s * duration_s`` requests,
    rounded: where chance drew more or fewer, its clock is stretched, which leaves shares and burstiness as they are.
    Raises ``ValueError`` for no users, no duration or a negative rate.
    """
    wanted = _count(users, duration_s, rate_per_s)
    rng = random.Random(f"honest load {seed}")  # noqa: S311
    arrivals: list[tuple[float, int]] = []
    waiting: list[tuple[float, int, float, Renewal]] = []
    for user in range(users):
        weight = shape.weight(user, users)
        if weight <= 0.0:
            continue
        pattern: Pattern = "weibull" if rng.random() < shape.weibull_share else "gamma"
        renewal = Renewal(pattern, shape.burstiness.at(rng.random()), rng)
        waiting.append((renewal.first() / weight, user, weight, renewal))
    heapq.heapify(waiting)
    while len(arrivals) <= wanted:
        at, user, weight, renewal = waiting[0]
        arrivals.append((at, user))
        heapq.heapreplace(waiting, (at + renewal.gap() / weight, user, weight, renewal))
    # The first request that no longer belongs to the list marks its end.
    stretch = duration_s / (arrivals.pop()[0] or 1.0)
    return [
        Arrival(
            min(at * stretch, duration_s),  # the last one's product may round up
            user,
            _length(shape.input_tokens.at(rng.random()) * shape.length_scale),
            _length(shape.output_tokens.at(rng.random()) * shape.length_scale),
        )
        for at, user in arrivals
    ]


def trace_arrivals(
    directory: Path,
    *,
    users: int,
    duration_s: float,
    rate_per_s: float,
    seed: int = 0,
    trace: TraceName = "azure",
    shape: LoadShape = CONVERSATION,
) -> list[Arrival]:
    """The same from recorded production load: ``rate_per_s * duration_s`` requests in ``duration_s``.

    ``directory`` holds the folder ``llm-traces``. ``azure`` replays consecutive requests with their own
    gaps and lengths from a place that the seed chooses, its clock set to the rate; that trace names no
    users, so ``shape`` shares the requests among them. ``deepseek-r1`` draws each recorded client's
    requests with the rate, burstiness and lengths of its ten-minute windows, a whole day squeezed into
    ``duration_s``; a client stands for one user, or for several where there are more users than clients.
    ``shape.length_scale`` holds for both. Raises ``ValueError`` as ``honest_arrivals`` does, and for a
    trace that is missing or unreadable.
    """
    wanted = _count(users, duration_s, rate_per_s)
    rng = random.Random(f"trace load {seed}")  # noqa: S311
    recorded: list[Recorded] = read_trace(directory, trace, wanted, rng)
    people = _People(shape, users, rng)
    return [
        Arrival(
            each.at * duration_s,
            people.choose(each.client),
            _length(each.input_tokens * shape.length_scale),
            _length(each.output_tokens * shape.length_scale),
        )
        for each in recorded
    ]


class _People:
    """Says which user a recorded request is given to."""

    def __init__(self, shape: LoadShape, users: int, rng: random.Random) -> None:
        self._rng = rng
        self._users = users
        self._sums: list[float] = []
        total = 0.0
        for user in range(users):
            total += shape.weight(user, users)
            self._sums.append(total)

    def choose(self, client: tuple[int, int] | None) -> int:
        """By the shape's shares, or among the users whom a recorded client stands for: place and how many."""
        if client is None:
            return self._rng.choices(range(self._users), cum_weights=self._sums)[0]
        place, clients = client
        first = place * self._users // clients
        last = max(first + 1, (place + 1) * self._users // clients)
        return self._rng.randrange(first, last)


def _count(users: int, duration_s: float, rate_per_s: float) -> int:
    if users < 1 or duration_s <= 0 or rate_per_s < 0:
        raise ValueError("load needs at least one user, a duration above zero and a rate of zero or more")
    return round(duration_s * rate_per_s)


def _length(tokens: float) -> int:
    return max(1, round(tokens))
