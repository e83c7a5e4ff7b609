"""Sign-up floods: how many addresses, how well disguised, and what becomes of the accounts."""

from collections.abc import Callable
from dataclasses import replace

from pontlevis.simulation.attacks.botnet import Botnet, Looks, Origin
from pontlevis.simulation.attacks.case import CALM_S, Case, Stage
from pontlevis.simulation.attacks.shape import ServiceShape
from pontlevis.simulation.attacks.signup_flood import Mail, SignUpFlood, Then

LAST = CALM_S + 90.0
HOUR_S = 3600.0


def fleet(size: int) -> Case:
    def play(stage: Stage) -> None:
        origin = Origin.SERVERS if size <= 10 else Origin.HOMES
        botnet = Botnet(stage.town, size=size, origin=origin, looks=Looks.FEW)
        SignUpFlood(stage.town, botnet).between(CALM_S, LAST - 10, rate=8.0)

    return Case(
        f"signups-{size}", "sign-ups", f"8 a second from {size:,} address{'es' if size > 1 else ''}, three tools, gmail, drained at once",
        play, LAST, firm=size >= 100,
    )  # fmt: skip


def disguised(
    looks: Looks, mail: Mail, then: Then, *, rate: float = 8.0, warm_up_s: float = 0.0
) -> Callable[[Stage], None]:
    def play(stage: Stage) -> None:
        botnet = Botnet(stage.town, origin=Origin.PROXIES, looks=looks)
        flood = SignUpFlood(stage.town, botnet, mail=mail, then=then)
        flood.between(CALM_S, LAST - 10 + warm_up_s, rate=rate, warm_up_s=warm_up_s)

    return play


def sleepers(number: int, hours: float) -> Case:
    """On a quiet service: 18 honest sign-ups an hour."""

    def play(stage: Stage) -> None:
        botnet = Botnet(stage.town, origin=Origin.PROXIES, looks=Looks.PEOPLE)
        flood = SignUpFlood(stage.town, botnet, mail=Mail.PEOPLE, then=Then.SLEEP)
        stop = CALM_S + hours * HOUR_S
        flood.between(CALM_S, stop, rate=number / (hours * HOUR_S))

    quiet = replace(ServiceShape(), signups=0.005, sessions=0.1, bursts=0.02, noise=0.02)
    return Case(
        f"sleepers-{number}", "sign-ups", f"{number} accounts in {hours:g} hours, like people's, never used; 18 honest ones an hour",
        play, CALM_S + hours * HOUR_S + 600, seeds=0.15, shape=quiet,
    )  # fmt: skip


SIGNUPS = [
    *(fleet(size) for size in (1, 10, 100, 1_000, 10_000, 100_000)),
    Case("signups-random-headers", "sign-ups", "one try an address, a new header set each, gmail, drained",
         disguised(Looks.RANDOM, Mail.GMAIL, Then.DRAIN), LAST),
    Case("signups-app-copied", "sign-ups", "one try an address, the app's headers, mail like people's, drained",
         disguised(Looks.APP, Mail.PEOPLE, Then.DRAIN), LAST),
    Case("signups-mimicry-drain", "sign-ups", "one try an address, headers and mail like people's, drained",
         disguised(Looks.PEOPLE, Mail.PEOPLE, Then.DRAIN), LAST),
    Case("signups-mimicry", "sign-ups", "one try an address, headers and mail like people's, and the accounts chat as people do",
         disguised(Looks.PEOPLE, Mail.PEOPLE, Then.PEOPLE), LAST),
    Case("signups-sleep", "sign-ups", "one try an address, headers and mail like people's, never used",
         disguised(Looks.PEOPLE, Mail.PEOPLE, Then.SLEEP), LAST + 600),
    Case("signups-domains", "sign-ups", "one try an address, three tools, two mail domains of their own, never used",
         disguised(Looks.FEW, Mail.FEW, Then.SLEEP), LAST, firm=True),
    Case("signups-warm-up", "sign-ups", "rising to 8 a second over ten minutes; the app's headers, gmail, drained",
         disguised(Looks.APP, Mail.GMAIL, Then.DRAIN, warm_up_s=600.0), LAST + 600, seeds=0.5),
    Case("signups-under", "sign-ups", "just under: 1 a second where 0.5 are usual, gmail, headers like people's, drained",
         disguised(Looks.PEOPLE, Mail.GMAIL, Then.DRAIN, rate=1.0, warm_up_s=120.0), LAST + 120),
    sleepers(46, 3.0),
    sleepers(207, 4.0),
]  # fmt: skip
