"""An engine as two events a request, so that a thousand of them can be played at once.

What ``simulation.engine`` plays in steps of 20 ms is here computed when a request starts: prompts are read one after
another, and then each slot decodes at its own rate. Left out beside what the other leaves out: that many slots share
one decoding rate, and preemption for a full KV-cache; a request starts when the cache has room for all that it will
hold. A test compares the two.
"""

from collections import deque

from pontlevis.simulation.engine_shape import EngineShape
from pontlevis.simulation.world.job import Job

Start = tuple[float, float, Job]
"""When its first token comes, when its last, and whose."""


class VirtualEngine:
    """First come, first served, without an end to its queue; those who gave up are skipped when their turn comes."""

    __slots__ = (
        "_decode",
        "_prefill",
        "_reading_until",
        "gone",
        "kv_tokens",
        "kv_used",
        "patience_s",
        "queue",
        "running",
        "slots",
    )

    def __init__(self, shape: EngineShape, patience_s: float) -> None:
        self._prefill = shape.prefill_rate
        self._decode = min(shape.decode_rate, shape.total_decode_rate / shape.slots)
        self.slots = shape.slots
        self.kv_tokens = shape.kv_tokens
        self.patience_s = patience_s
        self.running = 0
        self.kv_used = 0
        self.queue: deque[Job] = deque()
        self.gone: list[Job] = []
        """Whose clients went away while they waited; the caller clears it."""
        self._reading_until = 0.0

    @property
    def load(self) -> int:
        """Requests that run or wait."""
        return self.running + len(self.queue)

    def submit(self, job: Job, now: float) -> list[Start]:
        """A request arrives; who starts now."""
        self.queue.append(job)
        return self._begin(now)

    def leave(self, job: Job, now: float) -> list[Start]:
        """A request has ended or was taken away; who starts in its place."""
        if job.first_at == float("inf"):
            if job in self.queue:
                self.queue.remove(job)
            return []
        self.running -= 1
        self.kv_used -= job.input + job.output
        return self._begin(now)

    def _begin(self, now: float) -> list[Start]:
        started: list[Start] = []
        queue = self.queue
        while queue and self.running < self.slots:
            job = queue[0]
            needs = job.input + job.output
            if job.over or now - job.at > self.patience_s:
                self.gone.append(queue.popleft())
                continue
            if self.running and self.kv_used + needs > self.kv_tokens:
                break
            queue.popleft()
            self.running += 1
            self.kv_used += needs
            begin = max(now, self._reading_until)
            job.first_at = self._reading_until = begin + job.input / self._prefill
            job.done_at = job.first_at + job.output / self._decode
            started.append((job.first_at, job.done_at, job))
        return started
