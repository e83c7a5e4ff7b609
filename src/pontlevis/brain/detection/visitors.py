"""What single unfamiliar sources do, one by one, in bounded memory."""

from itertools import islice

WINDOW_S = 60.0
"""Requests are counted anew after this time."""
MOST_KINDS = 64
"""Different fingerprints and sets of parameters remembered of one source."""
HIT = 4.0
"""A log-in that succeeds makes up for so many that fail: honest people fail one in five at most."""


class Visitor:
    """One source's recent acts."""

    __slots__ = (
        "acts",
        "bad",
        "failures",
        "fingerprint",
        "fingerprints",
        "guesses",
        "guesses_at",
        "named_until",
        "on_target",
        "pace",
        "pace_at",
        "parameters",
        "seen_at",
        "since",
        "target",
    )

    def __init__(self, at: float) -> None:
        self.since = at
        self.seen_at = at
        self.acts = 0
        self.bad = 0
        """Requests that brought no valid credential or asked for what is not there."""
        self.fingerprint = 0
        self.fingerprints: set[int] | None = None
        """Where there is more than the one."""
        self.target = 0
        """The path asked for most, by majority vote (Boyer and Moore 1981)."""
        self.on_target = 0
        self.parameters: set[int] | None = None
        """Different sets of parameter names."""
        self.pace = 0.0
        """Requests ahead of the forgiven pace: a leaky bucket (Turner 1986)."""
        self.pace_at = at
        self.guesses = 0.0
        """Failed log-ins ahead of the forgiven pace."""
        self.guesses_at = at
        self.failures = 0
        self.named_until = 0.0

    def asked(self, at: float, count: int, leak_s: float, *, bad: bool) -> None:
        """Takes requests; after a minute they are counted anew."""
        if at - self.since > WINDOW_S:
            self.since = at
            self.acts = self.bad = self.on_target = 0
            self.fingerprint = 0
            self.fingerprints = self.parameters = None
        self.seen_at = at
        self.pace = max(0.0, self.pace - max(0.0, at - self.pace_at) / leak_s) + count
        self.pace_at = max(at, self.pace_at)
        self.acts += count
        if bad:
            self.bad += count

    def how(self, fingerprint: int, target: int, parameters: int) -> None:
        """Takes with what, and for what, it asked."""
        if self.fingerprints is None:
            if not self.fingerprint:
                self.fingerprint = fingerprint
            elif fingerprint != self.fingerprint:
                self.fingerprints = {self.fingerprint, fingerprint}
        elif len(self.fingerprints) < MOST_KINDS:
            self.fingerprints.add(fingerprint)
        if not target:
            return
        if target == self.target:
            self.on_target += 1
        elif self.on_target > 0:
            self.on_target -= 1
        else:
            self.target = target
            self.on_target = 1
        if not parameters:
            return
        if self.parameters is None:
            self.parameters = {parameters ^ target}
        elif len(self.parameters) < MOST_KINDS:
            self.parameters.add(parameters ^ target)

    @property
    def kinds(self) -> int:
        """Different fingerprints."""
        return 1 if self.fingerprints is None else len(self.fingerprints)

    @property
    def names(self) -> int:
        """Different sets of parameter names."""
        return 0 if self.parameters is None else len(self.parameters)

    def failed(self, at: float, count: int, leak_s: float) -> None:
        """Takes failed log-ins."""
        self.seen_at = at
        self.guesses = max(0.0, self.guesses - max(0.0, at - self.guesses_at) / leak_s)
        if not self.guesses:
            self.failures = 0
        self.guesses += count
        self.guesses_at = max(at, self.guesses_at)
        self.failures += count

    def succeeded(self, count: int) -> None:
        """Takes log-ins that succeeded."""
        self.guesses = max(0.0, self.guesses - HIT * count)


class Visitors:
    """At most ``capacity`` of them; whoever came first and is quiet is forgotten first."""

    __slots__ = ("_capacity", "records")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self.records: dict[str, Visitor] = {}

    def get(self, source: str, at: float) -> Visitor:
        """The source's record, made where it had none."""
        record = self.records.get(source)
        if record is None:
            if len(self.records) >= self._capacity:
                self._evict(at)
            record = self.records[source] = Visitor(at)
        return record

    def _evict(self, at: float) -> None:
        # An eighth at once: to look for the first of a dict again and again is quadratic.
        for source in list(islice(self.records, max(1, self._capacity // 8))):
            record = self.records.pop(source)
            if at - record.seen_at < WINDOW_S and record.acts + record.failures > 1:
                # Still busy: goes to the end, once; one that only came by does not.
                record.since = min(record.since, at)
                self.records[source] = record
        while len(self.records) >= self._capacity:
            del self.records[next(iter(self.records))]
