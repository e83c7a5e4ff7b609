"""Probes an engine for ever and tells admission how it is."""

import asyncio
import logging
from collections.abc import Callable

from pontlevis.brain.admission.admission import Admission
from pontlevis.gateway.engines import Engine, probe_metrics, probe_models

PROBE_TIMEOUT_S = 3.0
AWAITED_S = 8.0  # choice: the engine simulator needs two; the console shows it as down meanwhile

log = logging.getLogger("pontlevis.gateway")


async def watch(
    engine: Engine,
    admission: Admission,
    *,
    interval_s: float,
    clock: Callable[[], float],
    probed: Callable[[], None],
) -> None:
    """``probed`` is called after each look."""
    was_up: bool | None = None
    awaited_until = clock() + AWAITED_S
    while True:
        await probe_models(engine, PROBE_TIMEOUT_S)
        admission.set_engine(engine.name, engine.serves, engine.up, clock())
        # It may have been started together with us: no alarm before it had the time.
        awaited = was_up is None and not engine.up and clock() < awaited_until
        if engine.up is not was_up and not awaited:
            was_up = engine.up
            if engine.up:
                log.info("gateway:engine:up %s models=%d", engine.name, len(engine.models))
            else:
                log.warning("gateway:engine:down %s (%s)", engine.name, engine.error)
        metrics = await probe_metrics(engine, PROBE_TIMEOUT_S)
        if metrics is not None:
            admission.engine_metrics(
                engine.name,
                running=metrics.running,
                waiting=metrics.waiting,
                kv_usage=metrics.kv_usage,
                now=clock(),
            )
        probed()
        await asyncio.sleep(interval_s)
