"""Honest crowds: the ones that must never close the door."""

from dataclasses import replace

from pontlevis.simulation.attacks.case import CALM_S, COLD_S, Case, Stage
from pontlevis.simulation.attacks.shape import ServiceShape

LAST = CALM_S + 120.0


def crowd(times: float, start: float = CALM_S) -> Case:
    def play(stage: Stage) -> None:
        stage.newcomers.crowd(start, start + 100, times=times)

    early = start < 60
    return Case(
        f"crowd-{times:g}x{'-early' if early else ''}",
        "crowds",
        f"{times:g} times the usual sign-ups{', twelve seconds after a start' if early else ''}",
        play,
        start + 120,
        hostile=False,
        firm=True,
        seeds=2.0,
        cold=early,
    )


def _full(stage: Stage) -> None:
    stage.newcomers.crowd(CALM_S, LAST - 20, times=50)


def _developers(stage: Stage) -> None:
    town = stage.town

    def one() -> None:
        stage.newcomers.one(chats=town.rng.randint(30, 80), pause_s=0.7, script=True)

    stage.newcomers.crowd(CALM_S, LAST - 20, times=20)
    stage.newcomers.crowd(CALM_S, LAST - 20, times=5, one=one)


def _campaign(stage: Stage) -> None:
    """One app, one country, one carrier's addresses: as alike as honest people get."""
    town, rng = stage.town, stage.town.rng
    nets = [town.people.scattered().rpartition(".")[0] for _ in range(3)]
    pool = [f"{net}.{rng.randint(1, 254)}" for net in nets for _ in range(12)]

    def one() -> None:
        shared = rng.random() < 0.6
        app = rng.random() < 0.88
        stage.newcomers.one(
            source=rng.choice(pool) if shared else town.people.scattered(),
            fingerprint=town.people.app if app else town.people.browser(),
            domain="gmail.com" if rng.random() < 0.85 else town.people.domain(),
        )

    stage.newcomers.crowd(CALM_S, LAST - 20, times=25, rise_s=20, one=one)


def _university(stage: Stage) -> None:
    """Three addresses, rooms full of the same machines, one mail domain."""
    town, rng = stage.town, stage.town.rng
    net = town.people.scattered().rpartition(".")[0]
    sources = [f"{net}.{last}" for last in (10, 11, 12)]
    lab = 0xD0000001

    def one() -> None:
        stage.newcomers.one(
            source=rng.choice(sources),
            fingerprint=lab if rng.random() < 0.6 else town.people.browser(),
            domain="university.example" if rng.random() < 0.85 else "gmail.com",
        )

    stage.newcomers.crowd(CALM_S, LAST - 20, times=15, rise_s=30, one=one)


def _university_back(stage: Stage) -> None:
    """The same house, whose students have accounts already: log-ins, a fifth of them wrong, and calls."""
    town, rng = stage.town, stage.town.rng
    net = town.people.scattered().rpartition(".")[0]
    students = [each for each in stage.residents.all if rng.random() < 0.6]
    for each in students:
        each.source = f"{net}.{rng.choice((10, 11, 12))}"
        each.browser = 0xD0000001 if rng.random() < 0.6 else each.browser
    town.people.mistyped = 0.20
    town.clock.poisson(
        rng, 4.0, lambda: stage.residents.sit(rng.choice(students)), start=CALM_S, stop=LAST - 20
    )


def _letter(stage: Stage) -> None:
    town = stage.town
    town.clock.poisson(town.rng, 10.0, stage.newcomers.back, start=CALM_S, stop=CALM_S + 60, rise_s=6.0)


CROWDS = [
    crowd(10),
    crowd(20),
    crowd(50),
    crowd(20, start=COLD_S),
    Case(
        "crowd-50x-full", "crowds", "50 times the usual sign-ups, at engines with a sixth of the capacity: most calls are turned away and come again",
        _full, LAST, hostile=False, firm=True, seeds=2.0, shape=replace(ServiceShape(), capacity=4_000.0),
    ),
    Case("crowd-developers", "crowds", "a crowd in which one in five runs a script without pause", _developers, LAST, hostile=False, firm=True),
    Case("crowd-letter", "crowds", "ten a second come back after a letter to all who signed up before and never called", _letter, LAST, hostile=False, firm=True),
    Case("campaign", "crowds", "a campaign: 88 % share one app, 60 % one carrier's addresses, 85 % gmail", _campaign, LAST, hostile=False, firm=True),
    Case("university", "crowds", "a university signs up from three addresses, 60 % on the same machines", _university, LAST, hostile=False, firm=True),
    Case("university-exams", "crowds", "its students come back from there, one log-in in five is wrong", _university_back, LAST, hostile=False, firm=True),
]  # fmt: skip
