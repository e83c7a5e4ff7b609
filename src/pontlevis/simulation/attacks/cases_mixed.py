"""Crowd and attack at once, and attacks that come in waves."""

from pontlevis.simulation.attacks.botnet import Botnet, Looks, Origin
from pontlevis.simulation.attacks.call_flood import CallFlood
from pontlevis.simulation.attacks.case import CALM_S, Case, Stage
from pontlevis.simulation.attacks.signup_flood import Mail, SignUpFlood
from pontlevis.simulation.attacks.stuffing import Stuffing

LAST = CALM_S + 120.0
TIMES = 20.0
CROWD = TIMES * 0.2
"""Honest sign-ups a second in these cases."""


def ratio(people: float, bots: float) -> Case:
    rate = CROWD * bots / people

    def play(stage: Stage) -> None:
        stage.newcomers.crowd(CALM_S, LAST - 10, times=TIMES)
        botnet = Botnet(stage.town, origin=Origin.PROXIES, looks=Looks.APP)
        flood = SignUpFlood(stage.town, botnet, mail=Mail.PEOPLE)
        flood.between(CALM_S + 30, LAST - 10, rate=rate)

    return Case(
        f"mixed-{people:g}-{bots:g}", "crowd and attack", f"crowd of 20 times the usual, bots {people:g}:{bots:g} (app's headers, one try an address, drained)",
        play, LAST, seeds=0.5 if rate > 20 else 1.0,
    )  # fmt: skip


def _first_minute(stage: Stage) -> None:
    stage.newcomers.crowd(CALM_S, LAST - 10, times=TIMES)
    botnet = Botnet(stage.town, origin=Origin.PROXIES, looks=Looks.APP)
    SignUpFlood(stage.town, botnet, mail=Mail.PEOPLE).between(CALM_S + 5, LAST - 10, rate=CROWD)


def _stuffing(stage: Stage) -> None:
    stage.newcomers.crowd(CALM_S, LAST - 10, times=TIMES)
    botnet = Botnet(stage.town, origin=Origin.PROXIES, looks=Looks.PEOPLE)
    Stuffing(stage.town, botnet).between(CALM_S + 30, LAST - 10, rate=CROWD)


def _flood_and_stuffing(stage: Stage) -> None:
    """As the drill has it: the tools of the guessers ignore the challenge that the flood brings upon them."""
    town = stage.town
    CallFlood(town, Botnet(town, size=600, looks=Looks.FEW)).between(CALM_S, LAST - 10, rate=80)
    Stuffing(town, Botnet(town, size=400), solves=False).between(CALM_S, LAST - 10, rate=6)


def _january(stage: Stage) -> None:
    """A surge, then a flood, then guessing, then bots."""
    town = stage.town
    stage.newcomers.crowd(CALM_S, LAST + 50, times=TIMES)
    homes = Botnet(town, size=800, looks=Looks.RANDOM)
    CallFlood(town, homes).between(CALM_S + 20, LAST + 20, rate=40)
    Stuffing(town, Botnet(town, origin=Origin.PROXIES)).between(CALM_S + 35, LAST + 20, rate=15)
    SignUpFlood(town, Botnet(town, origin=Origin.PROXIES, looks=Looks.APP)).between(
        CALM_S + 50, LAST + 20, rate=6
    )


def waves(minutes: float, number: int, seeds: float, *, quiet_minutes: float | None = None) -> Case:
    on, off = minutes * 60, (quiet_minutes or minutes) * 60
    stop = CALM_S + number * on + (number - 1) * off

    def level(since: float) -> float:
        return 1.0 if (since - CALM_S) % (on + off) < on else 0.0

    def play(stage: Stage) -> None:
        town = stage.town
        homes = Botnet(town, size=600, looks=Looks.RANDOM)
        CallFlood(town, homes).between(CALM_S, stop, rate=12, level=level)
        Stuffing(town, Botnet(town, origin=Origin.PROXIES)).between(CALM_S, stop, rate=5, level=level)

    return Case(
        f"waves-{minutes:g}", "waves", f"{number} waves of {minutes:g} minutes, as long between them: made-up keys 12 a second, guessing 5 a second",
        play, stop + 900, seeds=seeds,
    )  # fmt: skip


MIXED = [
    ratio(10, 1),
    ratio(3, 1),
    ratio(1, 1),
    ratio(1, 3),
    ratio(1, 10),
    Case("mixed-first-minute", "crowd and attack", "crowd and bots one to one, the bots five seconds after the crowd", _first_minute, LAST),
    Case("mixed-stuffing", "crowd and attack", "a crowd of 20 times the usual, and 4 passwords tried a second, headers like people's", _stuffing, LAST),
    Case("flood-stuffing", "crowd and attack", "80 calls a second with made-up keys, and 6 passwords tried a second by tools that ignore challenges", _flood_and_stuffing, LAST, firm=True),
    Case("january", "crowd and attack", "a surge; after it a flood, guessing, and bots", _january, LAST + 60, firm=True),
    waves(2, 5, 0.25),
    waves(5, 3, 0.25),
    waves(10, 3, 0.15),
    waves(35, 2, 0.1),
    waves(60, 2, 0.1),
]  # fmt: skip
