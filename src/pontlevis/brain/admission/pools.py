"""All engines, and which of them serve the same requests."""

from collections.abc import Iterator
from math import inf

from pontlevis.brain.admission.bands import Band
from pontlevis.brain.admission.engine import EngineState
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.admission.pool import Pool


class Pools:
    """Models that the same engines serve share a pool. An engine that names no model serves any."""

    def __init__(self, policy: AdmissionPolicy) -> None:
        self._policy = policy
        self.engines: dict[str, EngineState] = {}
        self._pools: dict[frozenset[str], Pool] = {}
        self._of_model: dict[str, Pool] = {}
        self._any: Pool | None = None
        self._with: dict[str, list[Pool]] = {}
        self._ejected: dict[str, EngineState] = {}

    def __iter__(self) -> Iterator[Pool]:
        return iter(self._pools.values())

    def of(self, model: str) -> Pool | None:
        return self._of_model.get(model, self._any)

    def with_engine(self, engine: str) -> Pool:
        """Some pool of a known engine. Raises ``KeyError`` for another."""
        return self._with[engine][0]

    @property
    def any_up(self) -> bool:
        return any(engine.up for engine in self.engines.values())

    def models(self) -> list[str]:
        return sorted({model for engine in self.engines.values() if engine.up for model in engine.models})

    def set_engine(self, name: str, models: frozenset[str], up: bool, now: float) -> bool:
        """Whether requests may belong to another pool than before."""
        engine = self.engines.get(name)
        new = engine is None
        if engine is None:
            engine = self.engines[name] = EngineState(name, self._policy, now)
        changed = new or engine.models != models
        before = engine.slots
        engine.set_up(up, models, now)
        if changed:
            self._arrange()
        else:
            self.resized(engine, before)
        return changed

    def resized(self, engine: EngineState, before: int) -> None:
        """What it may be given was ``before`` and may be another number now."""
        after = engine.slots
        if after == before:
            return
        for pool in self._with[engine.name]:
            pool.limit += after - before
        if engine.ejected_until > -inf:
            self._ejected[engine.name] = engine

    def start(self, engine: EngineState, tokens: int, band: Band) -> None:
        engine.start(tokens, band)
        for pool in self._with[engine.name]:
            pool.in_flight += 1
            pool.held[band] += 1

    def end(self, engine: EngineState, tokens: int, band: Band) -> None:
        engine.end(tokens, band)
        for pool in self._with[engine.name]:
            pool.in_flight -= 1
            pool.held[band] -= 1

    def moved(self, old: EngineState, new: EngineState, tokens: int, band: Band) -> None:
        self.end(old, tokens, band)
        self.start(new, tokens, band)

    def readmit(self, now: float) -> None:
        """Engines whose time without requests is over."""
        for engine in [each for each in self._ejected.values() if each.ejected_until <= now]:
            before = engine.slots
            engine.readmit()
            del self._ejected[engine.name]
            self.resized(engine, before)

    def next_readmission(self) -> float:
        return min((each.ejected_until for each in self._ejected.values()), default=inf)

    def _arrange(self) -> None:
        anything = frozenset(name for name, engine in self.engines.items() if not engine.models)
        serving: dict[str, set[str]] = {}
        for name, engine in self.engines.items():
            for model in engine.models:
                serving.setdefault(model, set(anything)).add(name)
        pools: dict[frozenset[str], Pool] = {}
        self._of_model = {}
        for model, names in serving.items():
            self._of_model[model] = self._pool(frozenset(names), pools)
        self._any = self._pool(anything, pools) if anything else None
        # Who waits for a model that no engine names any more waits on, until the deadline.
        for key, pool in self._pools.items():
            if key not in pools and any(line.size for line in pool.lines):
                pools[key] = pool
        self._pools = pools
        self._with = {name: [] for name in self.engines}
        for key, pool in pools.items():
            pool.engines = [self.engines[name] for name in sorted(key)]
            pool.recount()
            for name in key:
                self._with[name].append(pool)

    def _pool(self, names: frozenset[str], pools: dict[frozenset[str], Pool]) -> Pool:
        pool = pools.get(names)
        if pool is None:
            pool = pools[names] = self._pools.get(names) or Pool(self._policy)
        return pool
