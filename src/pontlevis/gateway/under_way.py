"""How many calls of each API key or session are under way at this worker."""


class UnderWay:
    """Counts by credential, which may be empty: such calls are not counted."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def begin(self, credential: str) -> None:
        """One more call."""
        if credential:
            self._counts[credential] = self._counts.get(credential, 0) + 1

    def end(self, credential: str) -> None:
        """One less; one that never began changes nothing."""
        left = self._counts.get(credential, 0) - 1
        if left > 0:
            self._counts[credential] = left
        else:
            self._counts.pop(credential, None)

    def count(self, credential: str) -> int:
        """Calls under way now; 0 without a credential."""
        return self._counts.get(credential, 0)
