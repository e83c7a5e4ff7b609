"""The last day of service in steps of five seconds, in a few megabytes, for the console's plots."""

from array import array
from collections import deque
from collections.abc import Iterable
from math import ceil, floor

from pontlevis.brain.observation import Kind, Observation, Outcome, ServiceSample
from pontlevis.brain.vocabulary import Standing
from pontlevis.web.ports import Series

STEP_S = 5.0
KEPT_S = 86_400.0
KEPT = int(KEPT_S / STEP_S)
"""Points: about 4 MiB."""
RATES = (
    *(f"{name}_{each.word}" for name in ("admitted", "refused", "failed") for each in Standing),
    "signups_made",
    "signups_refused",
    "logins_ok",
    "logins_failed",
    "logins_refused",
)
"""Summed over a step and shown a second."""
WORST = tuple(f"{name}_{each.word}" for name in ("wait_p50", "wait_p99", "ttft_p99") for each in Standing)
"""The greatest of a step."""
NEWEST = ("busy", "tokens", "limit", "up", "engines", "waiting")
"""As they were last."""
COLUMNS = (*RATES, *WORST, *NEWEST)
_PLACE = {name: place for place, name in enumerate(COLUMNS)}
_FAILED = frozenset({Outcome.BAD_CREDENTIAL, Outcome.UNKNOWN_USER})

Step = tuple[float, "array[float]"]
"""End of the step in Unix seconds, and its columns."""


class History:
    """A ring of steps. Memory does not grow with what happens."""

    def __init__(self) -> None:
        self._steps: deque[Step] = deque(maxlen=KEPT)

    def sample(self, sample: ServiceSample) -> None:
        """A gateway's second; several gateways' add up."""
        step = self._step(sample.at)
        for band in sample.bands:
            word = Standing(band.standing).word
            for name, value in (
                ("admitted", band.admitted), ("refused", band.refused), ("failed", band.failed),
            ):  # fmt: skip
                step[_PLACE[f"{name}_{word}"]] += value
            for name, worst in (
                ("wait_p50", band.wait_p50_s), ("wait_p99", band.wait_p99_s), ("ttft_p99", band.ttft_p99_s),
            ):  # fmt: skip
                place = _PLACE[f"{name}_{word}"]
                step[place] = max(step[place], worst)
        for name, newest in (
            ("busy", sample.engine_busy), ("tokens", sample.tokens_in_flight), ("limit", sample.limit_requests),
            ("up", sample.engines_up), ("engines", sample.engines), ("waiting", sample.engine_waiting),
        ):  # fmt: skip
            step[_PLACE[name]] = newest

    def observe(self, seen: Observation) -> None:
        """A log-in or a sign-up."""
        if seen.kind is Kind.SIGNUP:
            name = "signups_made" if seen.outcome is Outcome.OK else "signups_refused"
        elif seen.kind is Kind.LOGIN:
            ok, failed = seen.outcome is Outcome.OK, seen.outcome in _FAILED
            name = "logins_ok" if ok else "logins_failed" if failed else "logins_refused"
        else:
            return
        self._step(seen.at)[_PLACE[name]] += seen.count

    def since(self, at: float) -> list[Step]:
        """The steps that end at ``at`` or later, oldest first."""
        found: list[Step] = []
        for step in reversed(self._steps):
            if step[0] < at:
                break
            found.append(step)
        return found[::-1]

    def resume(self, steps: Iterable[Step]) -> None:
        """Goes on from steps that were kept, oldest first; what was seen meanwhile stays behind them."""
        seen = list(self._steps)
        first = seen[0][0] if seen else float("inf")
        self._steps.clear()
        self._steps.extend(each for each in steps if each[0] < first)
        self._steps.extend(seen)

    def series(self, now: float, last_s: float, most: int) -> Series:
        """The last ``last_s`` seconds in at most ``most`` equal steps; nothing happened where nothing is known.

        The five seconds that are not over yet are left out: half a step would look like a fall.
        """
        last_s = min(max(last_s, STEP_S), KEPT_S)
        width = STEP_S * ceil(last_s / STEP_S / most)
        # Steps begin at multiples of their width, so that a step does not change once it is over.
        known = STEP_S * floor(now / STEP_S)
        end = width * ceil(known / width)
        count = floor(last_s / width)
        begin = end - count * width
        columns = {name: [0.0] * count for name in COLUMNS}
        unfinished = known - (end - width)
        for at, step in reversed(self._steps):
            if at <= begin:
                break
            place = ceil((at - begin) / width) - 1
            if at > known or not 0 <= place < count:
                continue
            for name in RATES:
                columns[name][place] += step[_PLACE[name]] / (unfinished if place == count - 1 else width)
            for name in WORST:
                columns[name][place] = max(columns[name][place], step[_PLACE[name]])
            for name in NEWEST:
                # Newest first: what stands there is later.
                columns[name][place] = columns[name][place] or step[_PLACE[name]]
        return Series(width, [begin + (place + 1) * width for place in range(count)], columns)

    def _step(self, at: float) -> "array[float]":
        """The step that ``at`` lies in; what comes late counts to the newest one."""
        end = STEP_S * (floor(at / STEP_S) + 1)
        if not self._steps or self._steps[-1][0] < end:
            self._steps.append((end, array("f", [0.0]) * len(COLUMNS)))
        return self._steps[-1][1]
