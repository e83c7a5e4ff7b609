"""Days on which something of ours, or of our customers', breaks: nobody is to be accused."""

from collections.abc import Callable

from pontlevis.brain.observation import Kind, Outcome
from pontlevis.simulation.attacks.case import CALM_S, COLD_S, Case, Stage
from pontlevis.simulation.attacks.residents import Resident

LAST = CALM_S + 120.0


def _engines(stage: Stage) -> None:
    capacity = stage.town.doors.capacity

    def broken(now: bool) -> None:
        capacity.broken = now

    stage.town.clock.at(CALM_S, lambda: broken(True))
    stage.town.clock.at(CALM_S + 60, lambda: broken(False))


def _wrong(kind: Kind) -> Callable[[Kind, Outcome], Outcome]:
    def wrong(seen: Kind, outcome: Outcome) -> Outcome:
        return Outcome.BAD_CREDENTIAL if seen is kind and outcome is Outcome.OK else outcome

    return wrong


def _set_wrong(stage: Stage, wrong: Callable[[Kind, Outcome], Outcome] | None) -> None:
    stage.town.wrong = wrong


def _log_ins(stage: Stage) -> None:
    stage.town.clock.at(CALM_S, lambda: _set_wrong(stage, _wrong(Kind.LOGIN)))
    stage.town.clock.at(CALM_S + 90, lambda: _set_wrong(stage, None))


def _log_ins_in_a_crowd(stage: Stage) -> None:
    stage.newcomers.crowd(CALM_S, LAST - 20, times=20)
    stage.town.clock.at(CALM_S + 30, lambda: _set_wrong(stage, _wrong(Kind.LOGIN)))
    stage.town.clock.at(CALM_S + 90, lambda: _set_wrong(stage, None))


def _update(stage: Stage) -> None:
    _damaged_keys(stage, CALM_S)


def _update_after_a_start(stage: Stage) -> None:
    _damaged_keys(stage, COLD_S)


def _damaged_keys(stage: Stage, start: float) -> None:
    """A library sends damaged keys from now on; its scripts try again and again, half from elsewhere too."""
    town, rng = stage.town, stage.town.rng
    hit = [each for each in stage.residents.all if rng.random() < 0.35]

    def loop(who: Resident, backoff: float) -> None:
        elsewhere = rng.random() < 0.1
        stage.residents.broken_call(who, town.people.scattered() if elsewhere else who.server)
        if town.clock.since < start + 100:
            town.clock.at(backoff * rng.uniform(0.5, 1.5), lambda: loop(who, min(8.0, 2 * backoff)))

    def begin(who: Resident) -> None:
        town.clock.at(start + rng.expovariate(1 / 20), lambda: loop(who, 0.5))

    for each in hit:
        each.sdk = 0xC0000000
        begin(each)


FAULTS = [
    Case("engine-fault", "faults", "the engines fail every call for a minute", _engines, LAST, hostile=False, firm=True),
    Case("login-fault", "faults", "every password fails for a minute and a half", _log_ins, LAST, hostile=False, firm=True),
    Case("login-fault-crowd", "faults", "every password fails for a minute within a crowd of 20 times the usual", _log_ins_in_a_crowd, LAST, hostile=False, firm=True),
    Case("client-update", "faults", "a client library breaks the keys of 140 customers, who try again", _update, LAST, hostile=False, firm=True),
    Case("client-update-cold", "faults", "a client library breaks the keys of 140 customers, twelve seconds after a restart", _update_after_a_start, COLD_S + 120, hostile=False, firm=True, restart=True),
    Case("client-update-first", "faults", "the same twelve seconds after a start at which nothing is known of anybody", _update_after_a_start, COLD_S + 120, hostile=False, firm=True, cold=True),
]  # fmt: skip
