"""Floods of calls, drained tokens, keys in other hands, connections held open."""

from collections.abc import Callable

from pontlevis.simulation.attacks.botnet import Botnet, Looks, Origin
from pontlevis.simulation.attacks.call_flood import CallFlood
from pontlevis.simulation.attacks.case import CALM_S, Case, Stage
from pontlevis.simulation.attacks.misuse import Drain, LeakedKey, SlowClients

LAST = CALM_S + 90.0


def flood(
    rate: float, *, size: int = 0, origin: Origin = Origin.PROXIES, looks: Looks = Looks.RANDOM,
    made_up: float = 0.7,
) -> Callable[[Stage], None]:  # fmt: skip
    def play(stage: Stage) -> None:
        botnet = Botnet(stage.town, size=size, origin=origin, looks=looks)
        CallFlood(stage.town, botnet, made_up=made_up).between(CALM_S, LAST - 10, rate=rate)

    return play


def drain(
    accounts: int, *, every_s: float, tokens: int, looks: Looks = Looks.PEOPLE
) -> Callable[[Stage], None]:
    def play(stage: Stage) -> None:
        botnet = Botnet(stage.town, origin=Origin.PROXIES, looks=looks)
        Drain(stage.town, botnet, accounts=accounts, every_s=every_s, tokens=tokens).between(
            CALM_S, LAST - 10
        )

    return play


def _leaked(stage: Stage) -> None:
    victim = stage.town.rng.choice(stage.residents.heavy)
    botnet = Botnet(stage.town, size=60, looks=Looks.RANDOM)
    stage.town.clock.poisson(stage.town.rng, 0.05, lambda: stage.residents.burst(victim))
    LeakedKey(stage.town, victim, botnet).between(CALM_S, LAST + 50, rate=12.0)


def _slow_clients(stage: Stage) -> None:
    botnet = Botnet(stage.town, size=300)
    SlowClients(stage.town, botnet, connections=600, cut_after_s=30.0).between(CALM_S, LAST + 50)


CALLS = [
    Case("flood-500", "calls", "80 calls a second from 500 homes, three tools, made-up keys or none",
         flood(80, size=500, origin=Origin.HOMES, looks=Looks.FEW), LAST, firm=True),
    Case("flood-proxies", "calls", "50 a second, another address and header set for each",
         flood(50), LAST, firm=True),
    Case("flood-keyless", "calls", "50 a second without keys, headers like people's",
         flood(50, looks=Looks.PEOPLE, made_up=0.0), LAST, firm=True),
    Case("flood-botnet", "calls", "1,500 a second from 10,000 homes",
         flood(1_500, size=10_000, origin=Origin.HOMES), LAST, firm=True, seeds=0.25),
    Case("flood-under", "calls", "just under: 4.5 a second, another address for each",
         flood(4.5, looks=Looks.PEOPLE), LAST),
    Case("drain-60", "tokens", "60 young accounts made earlier, a heavy call every two seconds each",
         drain(60, every_s=2.0, tokens=3_000), LAST),
    Case("drain-60-tool", "tokens", "60 young accounts made earlier with one tool, a heavy call every two seconds each",
         drain(60, every_s=2.0, tokens=3_000, looks=Looks.FEW), LAST),
    Case("drain-400", "tokens", "400 young accounts made earlier, each calls every ten seconds",
         drain(400, every_s=10.0, tokens=1_500), LAST),
    Case("drain-under", "tokens", "just under: 200 young accounts, five calls of 500 tokens in half a minute each",
         drain(200, every_s=6.5, tokens=450), LAST),
    Case("leaked-key", "tokens", "an existing user's key used from 60 places, 12 calls a second",
         _leaked, LAST + 60),
    Case("slow-clients", "calls", "600 connections from 300 homes that trickle and come back when cut",
         _slow_clients, LAST + 60),
]  # fmt: skip
