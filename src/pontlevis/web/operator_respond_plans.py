"""What was shown before a response, held until somebody says "do it": what is done is what was shown."""

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_urlsafe

from pontlevis.accounts.respond import Parts, Response, Target, Touched

KEPT_S = 1_800.0
"""Choice: long enough to call somebody and read a list, short enough that the list is still true."""
MOST_PLANS = 8
"""At once; the oldest goes."""
MOST_HELD = 200_000
"""Accounts in all of them together, twice what one may have; the oldest goes. 70 MiB for 100,000, half of it once done (measured)."""


@dataclass(frozen=True, slots=True)
class Question:
    """What an operator asked about. ``incident`` is empty where only accounts are named."""

    accounts: tuple[str, ...]
    incident: str
    parts: Parts
    operators: bool


@dataclass(frozen=True, slots=True)
class Sums:
    """What a response ends, over all accounts that it acts on."""

    accounts: int
    sessions: int
    keys: int
    passwords: int
    passkeys: int
    letters: int
    quiet: int
    """Accounts that have nothing left to end."""
    left_out: int

    @classmethod
    def of(cls, targets: list[Target]) -> "Sums":
        acted = [each for each in targets if not each.left_out]
        ending = [each for each in acted if _ends(each)]
        return cls(
            len(ending),
            sum(each.sessions for each in acted),
            sum(each.keys for each in acted),
            sum(each.password for each in acted),
            sum(each.passkeys for each in acted),
            sum(each.told for each in acted),
            len(acted) - len(ending),
            len(targets) - len(acted),
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """A dry run as it was shown to ``actor`` at ``at`` (Unix seconds)."""

    id: str
    actor: str
    at: float
    question: Question
    shown: Response

    @property
    def sums(self) -> Sums:
        return Sums.of(self.shown.targets)

    @property
    def accounts(self) -> list[Touched]:
        """Exactly those of which was shown that something ends, with the reasons that were shown."""
        return [Touched(each.account, each.why, each.at) for each in self.shown.targets if not each.left_out]

    @property
    def ordered(self) -> list[Target]:
        """For reading: what ends first, then who has nothing left, then who is left out."""
        return sorted(self.shown.targets, key=lambda each: (bool(each.left_out), not _ends(each)))


def _ends(target: Target) -> bool:
    return bool(target.sessions or target.keys or target.password or target.passkeys)


@dataclass(slots=True)
class Held:
    """A plan and what became of it."""

    plan: Plan
    taken: bool = False
    """Somebody said "do it"."""
    done: Response | None = None
    noted: bool = False


class Plans:
    """In memory: a restart forgets them, and whoever confirms then is shown everything anew."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: dict[str, Held] = {}

    def keep(self, question: Question, shown: Response, actor: str) -> Plan:
        plan = Plan(token_urlsafe(16), actor, self._clock(), question, shown)
        self._tidy()
        while self._held and (
            len(self._held) >= MOST_PLANS or self._accounts + len(shown.targets) > MOST_HELD
        ):
            del self._held[next(iter(self._held))]
        self._held[plan.id] = Held(plan)
        return plan

    def look(self, id_: str, actor: str) -> Held | None:
        """None for one that is gone, too old, or was shown to somebody else."""
        self._tidy()
        held = self._held.get(id_)
        return held if held is not None and held.plan.actor == actor else None

    @property
    def _accounts(self) -> int:
        return sum(len(each.plan.shown.targets) for each in self._held.values())

    def _tidy(self) -> None:
        oldest = self._clock() - KEPT_S
        self._held = {id_: each for id_, each in self._held.items() if each.plan.at > oldest}
