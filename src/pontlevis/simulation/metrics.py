"""What the simulated engine says of itself, in vLLM's names."""

import msgspec

from pontlevis.simulation.engine import EngineModel

TTFT_BOUNDS_S = (0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0)


class FirstTokens:
    """Histogram of the time to first token, in seconds."""

    def __init__(self) -> None:
        self._counts = [0] * (len(TTFT_BOUNDS_S) + 1)
        self._sum = 0.0

    def note(self, seconds: float) -> None:
        self._sum += seconds
        for place, bound in enumerate(TTFT_BOUNDS_S):
            if seconds <= bound:
                self._counts[place] += 1
                return
        self._counts[-1] += 1

    def lines(self, label: str) -> list[str]:
        name = "vllm:time_to_first_token_seconds"
        lines = [f"# HELP {name} Histogram of time to first token in seconds.", f"# TYPE {name} histogram"]
        below = 0
        for bound, count in zip((*map(str, TTFT_BOUNDS_S), "+Inf"), self._counts, strict=True):
            below += count
            lines.append(f'{name}_bucket{{{label},le="{bound}"}} {below}')
        return [*lines, f"{name}_sum{{{label}}} {self._sum:.6f}", f"{name}_count{{{label}}} {below}"]


def prometheus(model: EngineModel, name: str, first_tokens: FirstTokens) -> bytes:
    """The text of ``/metrics``."""
    label = f'engine="0",model_name="{name}"'
    values = (
        ("num_requests_running", "gauge", "Number of requests in model execution batches.", model.running),
        ("num_requests_waiting", "gauge", "Number of requests waiting to be processed.", model.waiting),
        ("kv_cache_usage_perc", "gauge", "KV-cache usage. 1 means 100 percent usage.", model.kv_usage),
        ("num_preemptions_total", "counter", "Cumulative number of preemptions.", model.preempted),
        ("prompt_tokens_total", "counter", "Number of prefill tokens processed.", model.tokens_in),
        ("generation_tokens_total", "counter", "Number of generation tokens processed.", model.tokens_out),
    )
    lines = []
    for metric, kind, about, value in values:
        lines += [
            f"# HELP vllm:{metric} {about}",
            f"# TYPE vllm:{metric} {kind}",
            f"vllm:{metric}{{{label}}} {float(value)}",
        ]
    return ("\n".join([*lines, *first_tokens.lines(label)]) + "\n").encode()


def stats(model: EngineModel) -> bytes:
    """The JSON of ``/stats``: totals since the start, and what is under way."""
    return msgspec.json.encode(
        {
            "started": model.started,
            "finished": model.finished,
            "cancelled": model.cancelled,
            "preempted": model.preempted,
            "running": model.running,
            "waiting": model.waiting,
            "kv_usage": model.kv_usage,
            "tokens_in": model.tokens_in,
            "tokens_out": model.tokens_out,
        }
    )
