"""The requests of one worker that an admission at a distance decides about."""

from collections.abc import Iterable
from enum import Enum

from pontlevis.brain.admission.messages import Allowance, Ask


class Stage(Enum):
    """Where a request is."""

    WAITS = 0
    """For admission's word, or for its turn."""
    RUNS = 1
    """At an engine."""
    MOVES = 2
    """Its engine failed; admission was asked for another."""


class Errand:
    """One request between its question and its end."""

    __slots__ = ("ask", "begun", "engine", "output_tokens", "since", "stage", "turns")

    def __init__(self, ask: Ask, now: float) -> None:
        self.ask = ask
        self.since = now
        self.stage = Stage.WAITS
        self.engine = ""
        """Empty while it waits."""
        self.begun = False
        """Whether bytes of its answer have come."""
        self.output_tokens = 0
        self.turns = 0
        """How often it was sent back to its queue, as far as was heard here."""


class _Account:
    __slots__ = ("allowances", "open", "running")

    def __init__(self) -> None:
        self.open = self.running = 0
        self.allowances: dict[str, tuple[Allowance, float]] = {}
        """By key: what was last said, and when; all gone with the account's last request."""


class Errands:
    """All of them, counted by account and by engine."""

    def __init__(self) -> None:
        self._errands: dict[int, Errand] = {}
        self._accounts: dict[str, _Account] = {}
        self._at: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._errands)

    def get(self, ticket: int) -> Errand | None:
        return self._errands.get(ticket)

    def values(self) -> Iterable[Errand]:
        """Oldest first."""
        return self._errands.values()

    def begin(self, ask: Ask, now: float) -> Errand:
        errand = self._errands[ask.ticket] = Errand(ask, now)
        account = self._accounts.get(ask.account)
        if account is None:
            account = self._accounts[ask.account] = _Account()
        account.open += 1
        return errand

    def end(self, ticket: int) -> bool:
        """Whether it was there."""
        errand = self._errands.pop(ticket, None)
        if errand is None:
            return False
        self._leave(errand)
        name = errand.ask.account
        account = self._accounts[name]
        account.open -= 1
        if not account.open:
            del self._accounts[name]
        return True

    def place(self, errand: Errand, stage: Stage, engine: str) -> None:
        """It is at this stage now, at this engine."""
        self._leave(errand)
        errand.stage, errand.engine = stage, engine
        if engine:
            self._at[engine] = self._at.get(engine, 0) + 1
            self._accounts[errand.ask.account].running += 1

    def at_engine(self, engine: str) -> int:
        return self._at.get(engine, 0)

    def running(self, account: str) -> int:
        """An account's requests at engines."""
        found = self._accounts.get(account)
        return found.running if found is not None else 0

    def allow(self, ask: Ask, allowance: Allowance | None, now: float) -> None:
        """What its account and key may still do, as of now; None says nothing, and what was said before stands."""
        found = self._accounts.get(ask.account)
        if found is not None and allowance is not None:
            found.allowances[ask.key] = (allowance, now)

    def allowance(self, account: str, key: str, now: float) -> Allowance | None:
        """What was last said of it, with the seconds that have passed taken off; None where nothing was."""
        found = self._accounts.get(account)
        if found is None or key not in found.allowances:
            return None
        said, at = found.allowances[key]
        passed = now - at
        return Allowance(
            said.limit_requests,
            said.remaining_requests,
            max(0.0, said.reset_requests_s - passed),
            said.limit_tokens,
            said.remaining_tokens,
            max(0.0, said.reset_tokens_s - passed),
        )

    def _leave(self, errand: Errand) -> None:
        if errand.engine:
            self._at[errand.engine] -= 1
            self._accounts[errand.ask.account].running -= 1
            errand.engine = ""
