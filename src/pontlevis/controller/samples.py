"""The last ten minutes of service, one sample a second, summed over gateway workers."""

from collections import deque

import msgspec

from pontlevis.brain.observation import BandSample, ServiceSample

KEPT = 600


class SampleLog:
    """Merges samples of one second; quantiles of several workers merge to the worst of them."""

    def __init__(self) -> None:
        self._samples: deque[ServiceSample] = deque(maxlen=KEPT)

    def add(self, sample: ServiceSample) -> None:
        last = self._samples[-1] if self._samples else None
        if last is not None and int(last.at) == int(sample.at):
            self._samples[-1] = merge(last, sample)
        else:
            self._samples.append(sample)

    @property
    def all(self) -> list[ServiceSample]:
        return list(self._samples)


def merge(one: ServiceSample, other: ServiceSample) -> ServiceSample:
    """Two workers' samples of the same second."""
    bands = {each.standing: each for each in one.bands}
    for band in other.bands:
        known = bands.get(band.standing)
        bands[band.standing] = band if known is None else _merge_bands(known, band)
    return msgspec.structs.replace(
        other,
        at=max(one.at, other.at),
        interval_s=max(one.interval_s, other.interval_s),
        bands=[bands[key] for key in sorted(bands)],
        tokens_in_flight=one.tokens_in_flight + other.tokens_in_flight,
        limit_tokens=one.limit_tokens + other.limit_tokens,
        engine_waiting=max(one.engine_waiting, other.engine_waiting),
        engine_busy=max(one.engine_busy, other.engine_busy),
        engines_up=max(one.engines_up, other.engines_up),
        engines=max(one.engines, other.engines),
        each_engine=other.each_engine or one.each_engine,
    )


def _merge_bands(one: BandSample, other: BandSample) -> BandSample:
    return BandSample(
        standing=one.standing,
        arrived=one.arrived + other.arrived,
        admitted=one.admitted + other.admitted,
        refused=one.refused + other.refused,
        failed=one.failed + other.failed,
        queued=one.queued + other.queued,
        in_flight=one.in_flight + other.in_flight,
        wait_p99_s=max(one.wait_p99_s, other.wait_p99_s),
        ttft_p99_s=max(one.ttft_p99_s, other.ttft_p99_s),
        tokens=one.tokens + other.tokens,
        wait_p50_s=max(one.wait_p50_s, other.wait_p50_s),
        waits=_added(one.waits, other.waits),
        wait_sum_s=one.wait_sum_s + other.wait_sum_s,
    )


def _added(one: list[int], other: list[int]) -> list[int]:
    if not one or not other:
        return one or other
    return [a + b for a, b in zip(one, other, strict=True)]
