"""What became of everybody: who was refused and by what, what attackers got, what the brain said when."""

from collections.abc import Callable
from enum import Enum

from pontlevis.brain.detection.judgement import Judgement
from pontlevis.brain.observation import Kind, Outcome
from pontlevis.brain.posture.ladder import SHUT
from pontlevis.brain.posture.state import Transition
from pontlevis.brain.vocabulary import Posture, RegistrationMode, Verdict
from pontlevis.simulation.attacks.clock import START

RAISED = (Posture.ELEVATED, Posture.UNDER_ATTACK)


class Party(Enum):
    """Who acts."""

    RESIDENT = "resident"
    """An existing user."""
    NEWCOMER = "newcomer"
    """Somebody honest who has no account yet, or a new one."""
    HOSTILE = "hostile"
    NOISE = "noise"
    """Scanners and broken clients, as on any day: neither counted as hit nor as hostile."""


class Why(Enum):
    """Why somebody was turned away."""

    BANNED = "banned"
    RATIONED = "rationed"
    CLOSED = "closed"
    """By the registration mode."""
    BUSY = "busy"
    """By a limit or a queue that is there on any day."""


def raises(transition: Transition) -> bool:
    """Whether the posture went up to elevated or under attack."""
    before, after = transition.before.posture, transition.after.posture
    return after in RAISED and after is not before and not transition.dry_run


class Ledger:
    """Counts acts and people. Times are seconds since the start."""

    def __init__(self) -> None:
        self.acted: dict[Party, set[str]] = {party: set() for party in Party}
        self.banned: dict[Party, set[str]] = {party: set() for party in Party}
        self.wronged: dict[Party, set[str]] = {party: set() for party in Party}
        """Those among them whom a decision hit that named neither their own key nor their own household's address,
        with something hostile having come from it: one against a shared address, or by mistake."""
        self.rationed: dict[Party, set[str]] = {party: set() for party in Party}
        self.asked: set[str] = set()
        """Honest people who tried to sign up."""
        self.got_in: set[str] = set()
        self.closed_to: set[str] = set()
        """Those among them whom a measure or the registration mode turned away at least once."""
        self.hostile_acts = 0
        self.hostile_through = 0
        self.hostile_accounts = 0
        self.first_hostile: float | None = None
        self.last_hostile: float | None = None
        self.observations = 0
        self.transitions: list[Transition] = []
        self.accused_raises: list[float] = []
        """When the posture was raised on an accusation, rather than because existing users waited."""
        self.hostile_names: set[str] = set()
        """Addresses, what a measure would call them, and accounts from which anything hostile came."""
        self.measures = 0
        self.wrong_measures = 0
        """Those that named nobody from whom anything hostile had come."""
        self.first_measure: float | None = None
        """The first that named somebody hostile."""
        self.first_finding: float | None = None
        self.first_accusation: float | None = None
        """Like ``first_finding``, and also before anything hostile happened."""
        self.accusers: set[str] = set()
        self.verdicts: set[Verdict] = set()

    def act(
        self,
        party: Party,
        person: str,
        kind: Kind,
        outcome: Outcome,
        why: Why | None,
        since: float,
        *,
        by_right: bool = False,
    ) -> None:
        """Takes one act and how it ended."""
        self.observations += 1
        if party is Party.HOSTILE:
            self.hostile_acts += 1
            self.last_hostile = since
            if self.first_hostile is None:
                self.first_hostile = since
            if why is None:
                self.hostile_through += 1
                self.hostile_accounts += kind is Kind.SIGNUP and outcome is Outcome.OK
            return
        self.acted[party].add(person)
        if why is Why.BANNED:
            self.banned[party].add(person)
            if not by_right:
                self.wronged[party].add(person)
        elif why is Why.RATIONED:
            self.rationed[party].add(person)
        if kind is Kind.SIGNUP and party is Party.NEWCOMER:
            self.asked.add(person)
            if outcome is Outcome.OK:
                self.got_in.add(person)
            elif why is not None and why is not Why.BUSY:
                self.closed_to.add(person)

    def judged(self, judgement: Judgement, since: float) -> None:
        """Takes what detection said at a tick."""
        self.verdicts.add(judgement.verdict)
        if judgement.hostile:
            self.accusers |= {each.detector.value for each in judgement.findings if each.hostile}
            if self.first_accusation is None:
                self.first_accusation = since
            if self.first_finding is None and self.first_hostile is not None:
                self.first_finding = since
        for measure in judgement.measures:
            self.measures += 1
            if measure.value not in self.hostile_names:
                self.wrong_measures += 1
            elif self.first_measure is None:
                self.first_measure = since

    def moved(self, transitions: list[Transition], judgement: Judgement, since: float) -> None:
        """Takes what the posture machine did on that judgement."""
        self.transitions += transitions
        if judgement.hostile and any(raises(each) for each in transitions):
            self.accused_raises.append(since)

    def first_raised(self, *, after: float = float("-inf")) -> float | None:
        """When the posture was first raised on an accusation, at or after ``after``."""
        return next((at for at in self.accused_raises if at >= after), None)

    def first_suspended(self, *, after: float = float("-inf")) -> float | None:
        """When registration was first suspended."""
        return self._first(after, lambda each: each.after.registration is RegistrationMode.SUSPENDED)

    def first_shut(self, *, after: float) -> float | None:
        """When nobody new was let in for the first time."""
        return self._first(after, lambda each: each.after.registration in SHUT)

    def first_recovering(self, *, after: float) -> float | None:
        """When the first stage of reopening began."""
        return self._first(after, lambda each: each.after.posture is Posture.RECOVERING)

    def _first(self, after: float, holds: Callable[[Transition], bool]) -> float | None:
        for each in self.transitions:
            since = each.at - START
            if since >= after and not each.dry_run and holds(each):
                return since
        return None
