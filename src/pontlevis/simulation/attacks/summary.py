"""What many runs of one case came to."""

from math import ceil, inf
from statistics import median

import msgspec

from pontlevis.simulation.attacks.case import Case
from pontlevis.simulation.attacks.evaluation import Run

FINDING_S = 5.0
"""The promise: half of the attacks are found within so many seconds of the first hostile act."""
ENFORCED_S = 10.0
"""And answered within so many."""
EXISTING_HIT = 0.001
"""Share of existing users that a wrong measure may hit."""


class Spread(msgspec.Struct, frozen=True):
    """Seconds over the seeds. A run in which it never happened counts as infinitely late; None stands for that."""

    median: float | None
    p90: float | None
    worst: float | None


class Row(msgspec.Struct, frozen=True):
    """One case. Shares are 0 to 1, over all its runs together unless they say otherwise."""

    case: str
    group: str
    says: str
    hostile: bool
    outcome: str
    """``held``, ``late``, ``partly lost``, ``lost``; for what is honest ``held`` or ``wrong``."""
    runs: int
    finding_s: Spread
    enforced_s: Spread
    shut_s: Spread
    """To the waitlist for everybody, or to no registration."""
    shut_runs: int
    suspended_s: Spread
    suspended_runs: int
    reopened_s: Spread
    missed_share: float
    """Runs in which it was neither found nor anybody hostile named."""
    false_suspensions: int
    false_elevations: int
    false_findings: int
    busy_runs: int
    existing_hit_share: float
    """By a wrong decision; see ``Run.existing_wronged``."""
    existing_refused_share: float
    """By any decision, a right one included."""
    existing_held_up_share: float
    newcomers_hit_share: float
    newcomers_refused_share: float
    signups_refused_share: float
    through_share: float
    hostile_accounts: float
    """Made, mean of the runs."""
    transitions: float
    most_transitions: int
    most_rises: int
    wrong_measures: int
    detectors: list[str]
    observations: int
    cpu_s: float


def summarise(case: Case, runs: list[Run]) -> Row:
    """The row of one case; ``runs`` are all of it and at least one."""
    missed = _share(sum(not each.answered for each in runs), len(runs)) if case.hostile else 0.0
    finding = _spread([each.finding_s for each in runs])
    enforced = _spread([each.enforced_s for each in runs])
    existing, newcomers = sum(each.existing for each in runs), sum(each.newcomers for each in runs)
    existing_hit = _share(sum(each.existing_wronged for each in runs), existing)
    newcomers_hit = _share(sum(each.newcomers_wronged for each in runs), newcomers)
    wrong = any(each.false_finding or each.false_elevation or each.false_suspension for each in runs)
    if case.hostile:
        outcome = _answered(missed, finding, enforced)
    else:
        outcome = "wrong" if wrong or existing_hit > EXISTING_HIT or newcomers_hit > EXISTING_HIT else "held"
    return Row(
        case=case.name,
        group=case.group,
        says=case.says,
        hostile=case.hostile,
        outcome=outcome,
        runs=len(runs),
        finding_s=finding,
        enforced_s=enforced,
        shut_s=_spread([each.shut_s for each in runs]),
        shut_runs=sum(each.shut_s is not None for each in runs),
        suspended_s=_spread([each.suspended_s for each in runs]),
        suspended_runs=sum(each.suspended_s is not None for each in runs),
        reopened_s=_spread([each.reopened_s for each in runs]),
        missed_share=missed,
        false_suspensions=sum(each.false_suspension for each in runs),
        false_elevations=sum(each.false_elevation for each in runs),
        false_findings=sum(each.false_finding for each in runs),
        busy_runs=sum(each.busy for each in runs),
        existing_hit_share=existing_hit,
        existing_refused_share=_share(sum(each.existing_banned for each in runs), existing),
        existing_held_up_share=_share(sum(each.existing_rationed for each in runs), existing),
        newcomers_hit_share=newcomers_hit,
        newcomers_refused_share=_share(sum(each.newcomers_banned for each in runs), newcomers),
        signups_refused_share=_share(
            sum(each.signups_refused for each in runs), sum(each.signups_asked for each in runs)
        ),
        through_share=_share(
            sum(each.hostile_through for each in runs), sum(each.hostile_acts for each in runs)
        ),
        hostile_accounts=round(sum(each.hostile_accounts for each in runs) / len(runs), 1),
        transitions=float(median(each.transitions for each in runs)),
        most_transitions=max(each.transitions for each in runs),
        most_rises=max(each.rises for each in runs),
        wrong_measures=sum(each.wrong_measures for each in runs),
        detectors=sorted({name for each in runs for name in each.detectors}),
        observations=sum(each.observations for each in runs),
        cpu_s=round(sum(each.cpu_s for each in runs), 2),
    )


def _answered(missed: float, finding: Spread, enforced: Spread) -> str:
    if missed > 0.5:
        return "lost"
    if missed > 0.0:
        return "partly lost"
    # One source that guesses is banned without a finding, which is an answer as well.
    found_in_time = finding.median is None or finding.median <= FINDING_S
    answered_in_time = enforced.median is not None and enforced.median <= ENFORCED_S
    return "held" if found_in_time and answered_in_time else "late"


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _spread(values: list[float | None]) -> Spread:
    ordered = sorted(inf if each is None else each for each in values)
    picks = (median(ordered), ordered[ceil(0.9 * len(ordered)) - 1], ordered[-1])
    return Spread(*(None if each == inf else round(each, 2) for each in picks))
