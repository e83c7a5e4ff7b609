"""What a request will cost, in tokens, before it runs and while it does.

Input is what the body suggests, corrected by how the engine counted the account's earlier bodies. Output
follows the account's own history and, until there is enough of it, the model's. Never a multiple of the
input: output/input is 0.014 in the Azure code trace and 0.18 in the conversation trace, and DeepSeek-R1's
answers have two modes, short and reasoned (ServeGen), so a request that has outlived the first mode is
expected to reach the second.
"""

from math import ceil, log

QUANTILE = 0.9
QUANTILE_GAIN = 0.1  # step of the running quantile, as a share of the running mean (Robbins and Monro, 1951)
MEAN_GAIN = 0.1  # weight of the newest answer; about twenty answers of memory
SETTLED = int(1 / MEAN_GAIN)  # answers; before, each counts alike
TRUSTED_AFTER = 5  # answers; before, the model's history has a part in the account's estimate
MODELS_REMEMBERED = 16  # of one account; an attacker's invented names must not grow it
MODELS_MOST = 256  # of the service
RATIO_RANGE = (0.1, 4.0)  # engine's input tokens by estimated; beyond, the engine counts something else
BUCKETS = 34  # half doublings, up to 131,072 tokens
HALF_DOUBLINGS = 2 / log(2)
FADE = 1.002  # weight of an answer against the one before: about 500 answers of memory
BEYOND = 1.5  # an answer longer than any before is expected to be half as long again


class OutputHistory:
    """Running mean and 90th percentile of output tokens, and the engine's count of input by ours."""

    __slots__ = ("mean", "p90", "ratio", "seen")

    def __init__(self) -> None:
        self.mean = 0.0
        self.p90 = 0.0
        self.ratio = 1.0
        self.seen = 0

    def learn(self, tokens: int, ratio: float | None) -> None:
        """``ratio`` is input as counted by input as estimated; None where the engine did not count."""
        self.seen = seen = self.seen + 1
        gain = MEAN_GAIN if seen >= SETTLED else 1.0 / seen
        if seen == 1:
            self.mean = self.p90 = float(tokens)
        else:
            mean = self.mean = self.mean + gain * (tokens - self.mean)
            step = QUANTILE_GAIN * mean if mean > 1.0 else QUANTILE_GAIN
            p90 = self.p90 + (step * QUANTILE if tokens > self.p90 else step * (QUANTILE - 1))
            self.p90 = p90 if p90 > 1.0 else 1.0
        if ratio is not None:
            low, high = RATIO_RANGE
            self.ratio += gain * ((low if ratio < low else high if ratio > high else ratio) - self.ratio)


class LengthHistogram:
    """Output lengths of one model in half doublings; older answers fade."""

    __slots__ = ("_total", "_weights", "_worth")

    def __init__(self) -> None:
        self._weights = [0.0] * BUCKETS
        self._total = 0.0
        self._worth = 1.0

    def learn(self, tokens: int) -> None:
        self._weights[_bucket(tokens)] += self._worth
        self._total += self._worth
        self._worth *= FADE
        if self._worth > 1e12:
            self._weights = [each / self._worth for each in self._weights]
            self._total /= self._worth
            self._worth = 1.0

    def beyond(self, tokens: int) -> int:
        """The length to expect of an answer that has reached ``tokens`` and goes on."""
        first = _bucket(tokens) + 1
        weight = sum(self._weights[first:])
        if weight <= self._total * 1e-6:
            return ceil(tokens * BEYOND)
        mean = sum(each * 2 ** ((first + at) / 2) for at, each in enumerate(self._weights[first:])) / weight
        return max(ceil(mean), tokens + 1)


def _bucket(tokens: int) -> int:
    at = int(HALF_DOUBLINGS * log(tokens)) if tokens > 1 else 0
    return at if at < BUCKETS else BUCKETS - 1


class ModelCost:
    """What is known of one model, over all accounts."""

    __slots__ = ("history", "lengths")

    def __init__(self) -> None:
        self.history = OutputHistory()
        self.lengths = LengthHistogram()


class CostBook:
    """Estimates for all accounts and models; ``default_output`` tokens where nothing is known."""

    def __init__(self, default_output: int) -> None:
        self._default = default_output
        self._models: dict[str, ModelCost] = {}

    def estimate(
        self, own: OutputHistory | None, model: str, raw_input: int, *, cap: int, choices: int
    ) -> tuple[int, int, int]:
        """Input; output to reserve (90th percentile); output to expect (mean). ``cap`` 0 is no cap."""
        known = self._models.get(model)
        shared = known.history if known is not None else None
        mean = p90 = float(self._default)
        ratio = 1.0
        if shared is not None and shared.seen:
            mean, p90, ratio = shared.mean, shared.p90, shared.ratio
        if own is not None and own.seen:
            part = min(1.0, own.seen / TRUSTED_AFTER)
            mean += part * (own.mean - mean)
            p90 += part * (own.p90 - p90)
            ratio += part * (own.ratio - ratio)
        reserve, expect = ceil(p90) * choices, ceil(mean) * choices
        if cap:
            reserve, expect = min(reserve, cap), min(expect, cap)
        return max(1, ceil(raw_input * ratio)), reserve, min(expect, max(reserve, 1))

    def beyond(self, model: str, generated: int, *, cap: int) -> int:
        """Output to expect of a request that has generated so much and goes on."""
        known = self._models.get(model)
        longer = known.lengths.beyond(generated) if known is not None else ceil(generated * BEYOND)
        return max(generated, min(longer, cap)) if cap else longer

    def learn(
        self, own: dict[str, OutputHistory], model: str, raw_input: int, used_input: int | None, output: int
    ) -> None:
        """A request has ended by itself. ``used_input`` None where the engine did not count."""
        ratio = used_input / raw_input if used_input and raw_input else None
        known = self._models.get(model)
        if known is None and len(self._models) < MODELS_MOST:
            known = self._models[model] = ModelCost()
        if known is not None:
            known.history.learn(output, ratio)
            known.lengths.learn(output)
        history = own.get(model)
        if history is None:
            if len(own) >= MODELS_REMEMBERED:
                return
            history = own[model] = OutputHistory()
        history.learn(output, ratio)
