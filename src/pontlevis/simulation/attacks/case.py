"""A case: who comes to the town besides those who always come, and for how long it is watched."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pontlevis.simulation.attacks.before import learn_visits
from pontlevis.simulation.attacks.browsing import Readers
from pontlevis.simulation.attacks.newcomers import Newcomers
from pontlevis.simulation.attacks.residents import Residents
from pontlevis.simulation.attacks.shape import ServiceShape
from pontlevis.simulation.attacks.town import Town

CALM_S = 300.0
"""The calm before a case begins; the brain has also seen who was served in the hours before."""
COLD_S = 12.0
"""All the calm after a restart, where a case is about that: floors must carry."""


@dataclass(slots=True)
class Stage:
    """A town with its residents and its trickle of newcomers, for a case to act on."""

    town: Town
    residents: Residents
    newcomers: Newcomers
    readers: Readers


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table."""

    name: str
    group: str
    says: str
    """What happens, for the table."""
    play: Callable[[Stage], None]
    seconds: float
    """Virtual time that is watched."""
    hostile: bool = True
    """False for crowds and faults of ours: whatever is accused there is a mistake."""
    firm: bool = False
    """Whether the test suite holds the brain to it: an attack is found within ``LOUD_S``; nobody is accused
    and nothing suspended where nothing is hostile."""
    seeds: float = 1.0
    """How many seeds it gets, as a multiple of those asked for: long cases get fewer."""
    cold: bool = False
    """Whether the service has just been started, and the brain has seen nobody."""
    restart: bool = False
    """Whether it has just been started again, and the brain has what is kept over a restart."""
    assets: bool = True
    """Whether what pages need comes from the service itself."""
    shape: ServiceShape = field(default_factory=ServiceShape)

    def seeds_of(self, asked: int) -> int:
        """At least two, unless only one was asked for."""
        return max(min(2, asked), round(self.seeds * asked))


LOUD_S = 10.0
"""Seconds from the first hostile act to a finding that a loud attack is allowed."""


def set_stage(case: Case, seed: int) -> Stage:
    """Opens the town of this seed, with the case's visitors on their way."""
    town = Town(seed, shape=case.shape)
    town.assets = case.assets
    stage = Stage(town, Residents(town), Newcomers(town), Readers(town))
    stage.residents.begin()
    if not case.cold:
        stage.residents.yesterday()
        learn_visits(town)
    if case.restart:
        town.restart()
    stage.newcomers.begin()
    stage.readers.begin()
    case.play(stage)
    return stage
