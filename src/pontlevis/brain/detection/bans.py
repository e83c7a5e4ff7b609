"""Places and prefixes under a proposed decision, so that what they still send is counted apart."""

from pontlevis.brain.detection.address import prefix_of
from pontlevis.brain.observation import Kind
from pontlevis.brain.reach import Reach


class Bans:
    """By what is closed to them: calls, and the rest. As many as measures are in force."""

    __slots__ = ("_calls", "_rest")

    def __init__(self) -> None:
        self._calls: dict[str, float] = {}
        self._rest: dict[str, float] = {}

    def enter(self, value: str, reach: Reach, until: float) -> None:
        """Takes a decision against an address or a prefix; until when, Unix seconds."""
        if reach.closes(Kind.REQUEST):
            self._calls[value] = max(until, self._calls.get(value, 0.0))
        if reach is not Reach.KEYLESS:
            self._rest[value] = max(until, self._rest.get(value, 0.0))

    def hit(self, source: str, kind: Kind) -> bool:
        """Whether what this source was just refused may be owed to one of them."""
        held = self._calls if kind is Kind.REQUEST else self._rest
        return bool(held) and (source in held or prefix_of(source) in held)

    def expire(self, now: float) -> None:
        """Forgets those that have ended."""
        for held in (self._calls, self._rest):
            for value in [value for value, until in held.items() if until <= now]:
                del held[value]
