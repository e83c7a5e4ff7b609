"""A request between its arrival and its end."""

from collections.abc import Iterable

from pontlevis.brain.admission.account import AccountState
from pontlevis.brain.admission.bands import Band
from pontlevis.brain.admission.engine import EngineState
from pontlevis.brain.admission.fair_queue import FairQueue
from pontlevis.brain.admission.messages import Ask
from pontlevis.brain.vocabulary import Standing


class Pending:
    """A request that waits or runs."""

    __slots__ = (
        "arrived",
        "ask",
        "band",
        "charged",
        "deadline",
        "engine",
        "first_byte",
        "generated",
        "output",
        "queue",
        "started",
        "state",
    )

    def __init__(self, ask: Ask, band: Band, state: AccountState, output: int, now: float) -> None:
        self.ask = ask
        self.band = band
        self.state = state
        self.output = output
        self.arrived = now
        self.deadline = 0.0
        self.started = 0.0
        self.first_byte = False
        self.generated = 0
        self.charged = 0.0
        self.engine: EngineState | None = None
        self.queue: FairQueue | None = None

    @property
    def tokens(self) -> int:
        return self.ask.input_tokens + self.output


def held_by_standing(requests: Iterable[Pending]) -> dict[Standing, tuple[int, int]]:
    """How many of them wait and how many run, by standing."""
    held: dict[Standing, tuple[int, int]] = {}
    for request in requests:
        queued, running = held.get(request.ask.standing, (0, 0))
        waits = request.engine is None
        held[request.ask.standing] = (queued + waits, running + (not waits))
    return held
