"""What happened in the running interval, by standing."""

from math import isfinite

from pontlevis.brain.admission.engine import EngineState
from pontlevis.brain.admission.histogram import DurationHistogram
from pontlevis.brain.observation import WAIT_EDGES_S, BandSample, EngineSample, ServiceSample
from pontlevis.brain.vocabulary import Standing


class Counts:
    """One standing's interval."""

    __slots__ = ("admitted", "arrived", "failed", "refused", "tokens", "ttft", "wait")

    def __init__(self) -> None:
        self.arrived = self.admitted = self.refused = self.failed = self.tokens = 0
        self.wait = DurationHistogram()
        self.ttft = DurationHistogram()

    def clear(self) -> None:
        self.arrived = self.admitted = self.refused = self.failed = self.tokens = 0
        self.wait.clear()
        self.ttft.clear()


class Ledger:
    """All standings' intervals."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts = {standing: Counts() for standing in Standing}

    def of(self, standing: Standing) -> Counts:
        return self._counts[standing]

    def sample(
        self,
        now: float,
        interval_s: float,
        held: dict[Standing, tuple[int, int]],
        *,
        limit: int,
        engines: list[EngineState],
    ) -> ServiceSample:
        """The interval's sample; ``held`` is queued and running by standing. Clears the counters."""
        bands = []
        for standing, counts in self._counts.items():
            queued, running = held.get(standing, (0, 0))
            bands.append(
                BandSample(
                    int(standing),
                    counts.arrived,
                    counts.admitted,
                    counts.refused,
                    counts.failed,
                    queued,
                    running,
                    counts.wait.quantile(0.99),
                    counts.ttft.quantile(0.99),
                    counts.tokens,
                    counts.wait.quantile(0.5),
                    counts.wait.counts(WAIT_EDGES_S),
                    counts.wait.total_s,
                )
            )
            counts.clear()
        up = [engine for engine in engines if engine.up]
        return ServiceSample(
            now,
            interval_s,
            bands,
            tokens_in_flight=sum(engine.tokens_in_flight for engine in engines),
            engines_up=len(up),
            engines=len(engines),
            engine_waiting=sum(engine.waiting for engine in up),
            engine_busy=max(
                (
                    min(1.0, max(engine.in_flight / max(1, int(engine.limit)), engine.kv_usage))
                    for engine in up
                ),
                default=0.0,
            ),
            limit_requests=limit,
            each_engine=[_engine(engine) for engine in engines],
        )


def _engine(engine: EngineState) -> EngineSample:
    return EngineSample(
        engine.name,
        engine.up,
        engine.in_flight,
        engine.tokens_in_flight,
        engine.slots,
        int(engine.token_limit) if isfinite(engine.token_limit) else 0,
        engine.waiting,
        engine.kv_usage,
    )
