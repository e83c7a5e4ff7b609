"""Stuffing and guessing, loud and slow."""

from collections.abc import Callable

from pontlevis.simulation.attacks.botnet import Botnet, Looks, Origin
from pontlevis.simulation.attacks.case import CALM_S, Case, Stage
from pontlevis.simulation.attacks.stuffing import Stuffing

LAST = CALM_S + 90.0


def stuffing(
    rate: float, *, size: int = 0, origin: Origin = Origin.PROXIES, looks: Looks = Looks.RANDOM,
    unknown: float = 0.5, own: float = 0.0, stop: float = LAST - 10,
) -> Callable[[Stage], None]:  # fmt: skip
    def play(stage: Stage) -> None:
        botnet = Botnet(stage.town, size=size, origin=origin, looks=looks)
        Stuffing(stage.town, botnet, unknown=unknown, own=own).between(CALM_S, stop, rate=rate)

    return play


def slow(rate: float, minutes: float) -> Case:
    return Case(
        f"stuffing-{rate:g}", "passwords", f"{rate:g} tries a second for {minutes:g} minutes, one an address, half of the accounts unknown",
        stuffing(rate, stop=CALM_S + minutes * 60), CALM_S + minutes * 60 + 60, seeds=0.4,
    )  # fmt: skip


PASSWORDS = [
    Case("guessing-1", "passwords", "20 a second from one rented server",
         stuffing(20, size=1, origin=Origin.SERVERS, looks=Looks.FEW), LAST, firm=True),
    Case("guessing-10", "passwords", "20 a second from ten of them",
         stuffing(20, size=10, origin=Origin.SERVERS, looks=Looks.FEW), LAST, firm=True),
    Case("stuffing-400", "passwords", "20 a second from 400 homes, three tools",
         stuffing(20, size=400, origin=Origin.HOMES, looks=Looks.FEW), LAST, firm=True),
    Case("stuffing-once", "passwords", "20 a second, one try an address, a new header set each",
         stuffing(20), LAST, firm=True),
    Case("stuffing-once-known", "passwords", "20 a second, one try an address, headers like people's, known accounts only",
         stuffing(20, looks=Looks.PEOPLE, unknown=0.0), LAST, firm=True),
    Case("stuffing-3-known", "passwords", "3 a second, one try an address, headers like people's, known accounts only",
         stuffing(3, looks=Looks.PEOPLE, unknown=0.0), LAST),
    Case("stuffing-200", "passwords", "200 a second from 10,000 homes: five times what can be hashed",
         stuffing(200, size=10_000, origin=Origin.HOMES), LAST, firm=True, seeds=0.5),
    slow(2, 10),
    slow(0.5, 20),
    slow(0.1, 40),
    Case("stuffing-under", "passwords", "just under: 4 a second, seven in ten are log-ins to accounts of the attacker's own",
         stuffing(4, looks=Looks.PEOPLE, unknown=0.0, own=0.7, stop=CALM_S + 540), CALM_S + 600, seeds=0.5),
]  # fmt: skip
