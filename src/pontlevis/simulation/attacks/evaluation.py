"""Plays cases, seed by seed, and says what each run came to."""

from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from time import process_time

import msgspec

from pontlevis.brain.posture.ladder import SHUT
from pontlevis.simulation.attacks.case import Case, set_stage
from pontlevis.simulation.attacks.cases import CASES
from pontlevis.simulation.attacks.clock import START
from pontlevis.simulation.attacks.ledger import Ledger, Party, raises


@dataclass(frozen=True, slots=True)
class Task:
    """One run."""

    case: str
    seed: int

    @property
    def weight(self) -> float:
        """How long it takes, as a share of the others: its virtual time."""
        return CASES[self.case].seconds


class Run(msgspec.Struct, frozen=True):
    """What one run came to. Times are seconds from the first hostile act; None: never."""

    case: str
    seed: int
    finding_s: float | None
    posture_s: float | None
    """To elevated or worse on an accusation, in force."""
    enforced_s: float | None
    """To whichever was in force first: that, or a decision against somebody hostile."""
    shut_s: float | None
    """To the waitlist for everybody, or to no registration at all."""
    suspended_s: float | None
    reopened_s: float | None
    """From the last hostile act to the first stage of recovery."""
    false_suspension: bool
    """Registration suspended, or everybody on the waitlist, where nothing hostile had happened."""
    false_elevation: bool
    """Elevated or worse on an accusation where nothing hostile had happened."""
    busy: bool
    """Elevated because existing users waited, and nobody was accused."""
    false_finding: bool
    transitions: int
    rises: int
    """Times that the posture went up to elevated or under attack."""
    existing: int
    existing_banned: int
    """Existing users whom a decision turned away at least once."""
    existing_wronged: int
    """Those among them whom a wrong one did: it named a shared address, or a place or key from which nothing hostile
    had come. The owner of a stolen key, and the household of a bot, are hit by a right one."""
    existing_rationed: int
    """Those whose log-in from an unfamiliar place waited for the ration."""
    newcomers: int
    newcomers_banned: int
    newcomers_wronged: int
    signups_asked: int
    signups_refused: int
    """Honest people whom a measure or the registration mode turned away, and who had no account at the end."""
    hostile_acts: int
    hostile_through: int
    """Those that no door turned away: guesses that were checked, accounts made, calls that were answered."""
    hostile_accounts: int
    measures: int
    wrong_measures: int
    """Decisions that named nobody from whom anything hostile had come."""
    detectors: tuple[str, ...]
    verdicts: tuple[str, ...]
    observations: int
    cpu_s: float

    @property
    def answered(self) -> bool:
        """Whether the attack was found, or anybody hostile named, while it was watched."""
        return self.finding_s is not None or self.enforced_s is not None


def play(task: Task) -> Run:
    """One run; the same task gives the same, but for ``cpu_s``."""
    begun = process_time()
    case = CASES[task.case]
    stage = set_stage(case, task.seed)
    ledger = stage.town.run(case.seconds)
    return _run(case, task.seed, ledger, stage.town.shape.enforce_s, process_time() - begun)


def _run(case: Case, seed: int, ledger: Ledger, enforce_s: float, cpu_s: float) -> Run:
    first, last = ledger.first_hostile, ledger.last_hostile
    honest_until = first if first is not None else float("inf")

    def since(at: float | None, more: float = 0.0) -> float | None:
        return None if at is None or first is None else round(at - first + more, 2)

    raised = since(ledger.first_raised(after=honest_until), enforce_s)
    measured = since(ledger.first_measure, enforce_s)
    enforced = [each for each in (raised, measured) if each is not None]
    early = [each for each in ledger.transitions if each.at - START < honest_until]
    wrongly = [at for at in ledger.accused_raises if at < honest_until]
    up = [each.at - START for each in ledger.transitions if raises(each)]
    reopened = ledger.first_recovering(after=last) if last is not None else None
    return Run(
        case=case.name,
        seed=seed,
        finding_s=since(ledger.first_finding),
        posture_s=raised,
        enforced_s=min(enforced) if enforced else None,
        shut_s=since(ledger.first_shut(after=honest_until), enforce_s),
        suspended_s=since(ledger.first_suspended(after=honest_until), enforce_s),
        reopened_s=None if reopened is None or last is None else round(reopened - last, 1),
        false_suspension=any(each.after.registration in SHUT for each in early),
        false_elevation=bool(wrongly),
        busy=any(at not in ledger.accused_raises for at in up),
        false_finding=ledger.first_accusation is not None and ledger.first_accusation < honest_until,
        transitions=len(ledger.transitions),
        rises=len(up),
        existing=len(ledger.acted[Party.RESIDENT]),
        existing_banned=len(ledger.banned[Party.RESIDENT]),
        existing_wronged=len(ledger.wronged[Party.RESIDENT]),
        existing_rationed=len(ledger.rationed[Party.RESIDENT]),
        newcomers=len(ledger.acted[Party.NEWCOMER]),
        newcomers_banned=len(ledger.banned[Party.NEWCOMER]),
        newcomers_wronged=len(ledger.wronged[Party.NEWCOMER]),
        signups_asked=len(ledger.asked),
        signups_refused=len(ledger.closed_to - ledger.got_in),
        hostile_acts=ledger.hostile_acts,
        hostile_through=ledger.hostile_through,
        hostile_accounts=ledger.hostile_accounts,
        measures=ledger.measures,
        wrong_measures=ledger.wrong_measures,
        detectors=tuple(sorted(ledger.accusers)),
        verdicts=tuple(sorted(ledger.verdicts)),
        observations=ledger.observations,
        cpu_s=round(cpu_s, 3),
    )


def tasks_of(cases: list[Case], seeds: int) -> list[Task]:
    """Every run of these cases."""
    return [Task(case.name, seed) for case in cases for seed in range(1, case.seeds_of(seeds) + 1)]


def play_all(tasks: list[Task], processes: int) -> Iterator[tuple[Task, Run]]:
    """As they are done; the longest first, so that no process waits for the last one."""
    ordered = sorted(tasks, key=lambda each: -each.weight)
    if processes == 1:
        for task in ordered:
            yield task, play(task)
        return
    with get_context("spawn").Pool(processes) as pool:
        for at, run in pool.imap_unordered(_numbered, list(enumerate(ordered))):
            yield ordered[at], run


def _numbered(task: tuple[int, Task]) -> tuple[int, Run]:
    return task[0], play(task[1])
