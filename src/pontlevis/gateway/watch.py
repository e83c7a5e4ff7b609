"""Probes an engine for ever and tells admission how it is."""

import asyncio
import logging
from collections.abc import Callable

from pontlevis.brain.admission.admission import Admission
from pontlevis.gateway.engines import Engine, probe_metrics, probe_models

PROBE_TIMEOUT_S = 3.0

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
    while True:
        await probe_models(engine, PROBE_TIMEOUT_S)
        admission.set_engine(engine.name, engine.serves, engine.up, clock())
        if engine.up is not was_up:
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
