"""A request between its arrival and its end."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pontlevis.brain.admission.account import AccountState
from pontlevis.brain.admission.bands import Band
from pontlevis.brain.admission.engine import EngineState
from pontlevis.brain.admission.messages import Ask
from pontlevis.brain.vocabulary import Standing

if TYPE_CHECKING:
    from pontlevis.brain.admission.pool import Pool


class Pending:
    """A request that waits or runs."""

    reserved = 0
    """Tokens taken from the account's limits; 0 where it has none."""
    started = 0.0
    first_byte_at: float | None = None
    generated = 0
    charged = 0.0
    """What its account's virtual counter was charged."""
    engine: EngineState | None = None
    on_engine = 0
    """Tokens that the engine is counted to hold for it."""
    waits = False
    owed = False
    """Started out of turn, so that its band does not starve."""
    preempted = 0
    key: AccountState | None = None
    """What its key has used; None where keys have no limits of their own."""
    resumed = False
    """It ran before this admission knew of it."""
    cut = False
    """Its stream was ended for somebody else; the caller has yet to say what it cost."""

    def __init__(
        self,
        ask: Ask,
        band: Band,
        state: AccountState,
        pool: "Pool",
        cost: tuple[int, int, int],
        now: float,
    ) -> None:
        self.ask = ask
        self.band = band
        self.state = state
        self.pool = pool
        self.input, self.output, self.expected = cost
        self.arrived = now

    def hold(self, *, running: int = 0, waiting: int = 0) -> None:
        """Counts it, or counts it off, among the requests that its account and its key have under way."""
        self.state.in_flight += running
        self.state.queued += waiting
        if self.key is not None:
            self.key.in_flight += running
            self.key.queued += waiting

    def settle(self, reserved: int, used: int) -> None:
        """Gives back what was reserved too much, takes what was used beyond it."""
        self.state.settle(reserved, used)
        if self.key is not None:
            self.key.settle(reserved, used)

    def refund_request(self) -> None:
        self.state.refund_request()
        if self.key is not None:
            self.key.refund_request()


def held_by_standing(requests: Iterable[Pending]) -> dict[Standing, tuple[int, int]]:
    """How many of them wait and how many run, by standing."""
    held: dict[Standing, tuple[int, int]] = {}
    for request in requests:
        queued, running = held.get(request.ask.standing, (0, 0))
        held[request.ask.standing] = (queued + request.waits, running + (request.engine is not None))
    return held
