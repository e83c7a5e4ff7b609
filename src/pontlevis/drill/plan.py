"""Every planned act of a drill, as a pure function of seed and scenario."""

import random
from pathlib import Path

import msgspec

from pontlevis.drill import people
from pontlevis.drill.scenario import Scenario
from pontlevis.simulation.load import Arrival, honest_arrivals, trace_arrivals

MADE_UP_SHARE = 0.75  # of the proxy flood: with made-up keys; the rest without any


class Act(msgspec.Struct, frozen=True):
    """One thing that somebody sets out to do at a time."""

    at: float
    who: str
    """Class of the load: ``existing``, ``newcomer``, ``login``, ``proxy``, ``brute``, ``bot_signup``, ``sleeper``, ``wave``."""
    what: str
    """``chat``, ``join`` (sign up, log in, make a key, chat), ``login``, ``drain`` (join, then drain)."""
    address: str
    fields: people.Fields
    account: int = -1
    """Number of the seeded account whose key or password is used; -1: none."""
    key: str = ""
    """``seeded``, ``made_up`` or empty for none."""
    email: str = ""
    password: str = ""
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def hostile(self) -> bool:
        return self.who in HOSTILE


HOSTILE = frozenset({"proxy", "brute", "bot_signup", "sleeper", "wave"})


def existing_email(number: int) -> str:
    return f"user{number}@users.example"


def sleeper_email(number: int) -> str:
    return f"sleeper{number}@mailbox-a.example"


def password_of(number: int) -> str:
    """The seeded accounts' passwords: a drill's own, on loopback, thrown away with it."""
    return f"drill passphrase {number:04d}"


def make_plan(seed: int, scenario: Scenario, *, trace: Path | None = None) -> tuple[list[Act], list[Act]]:
    """Honest acts and hostile ones, each sorted by time. The same seed plans the same."""
    return _honest(seed, scenario, trace), _hostile(seed, scenario)


def _honest(seed: int, scenario: Scenario, trace: Path | None) -> list[Act]:
    rng = random.Random(f"honest acts {seed}")  # noqa: S311
    users = people.existing(seed, scenario.existing_users)
    arrivals: list[Arrival]
    if trace is not None:
        arrivals = trace_arrivals(
            trace,
            seed=seed,
            users=scenario.existing_users,
            duration_s=scenario.end_s,
            rate_per_s=scenario.existing_rate,
            shape=scenario.shape,
        )
    else:
        arrivals = honest_arrivals(
            seed, scenario.existing_users, scenario.end_s, scenario.existing_rate, shape=scenario.shape
        )
    acts = [
        Act(
            each.at,
            "existing",
            "chat",
            users[each.user].address,
            users[each.user].fields,
            each.user,
            "seeded",
            input_tokens=each.input_tokens,
            output_tokens=each.output_tokens,
        )
        for each in arrivals
    ]
    for at in _poisson(rng, scenario.login_rate, 0.5, scenario.end_s):
        user = rng.randrange(scenario.existing_users)
        right = rng.random() >= 1 / 12
        password = password_of(user) if right else "wrong by a slip of the hand"
        person = users[user]
        acts.append(Act(at, "login", "login", person.address, person.fields, user, email=existing_email(user), password=password))  # fmt: skip
    number = 0
    for begin, end, rate in (
        (1.0, scenario.surge_at, scenario.calm_signups),
        (scenario.surge_at, scenario.surge_end, scenario.surge_signups),
        (scenario.surge_end, scenario.end_s, scenario.calm_signups),
    ):
        for at in _poisson(rng, rate, begin, end):
            person = people.newcomer(rng, number)
            email = f"new{number}.{rng.randrange(10**6)}@{people.pick_domain(rng, people.DOMAINS)}"
            acts.append(Act(at, "newcomer", "join", person.address, person.fields, email=email, password=f"newcomer phrase {number}", input_tokens=60, output_tokens=30))  # fmt: skip
            number += 1
    return sorted(acts, key=lambda each: each.at)


def _hostile(seed: int, scenario: Scenario) -> list[Act]:
    rng = random.Random(f"hostile acts {seed}")  # noqa: S311
    acts: list[Act] = []
    flood = scenario.capacity_rate * scenario.flood_multiple
    sleeper_rate = flood * 0.35
    proxies = [people.attacker(rng, 64, number) for number in range(scenario.proxies)]
    for at in _poisson(rng, flood * 0.65, scenario.attack_at, scenario.attack_end):
        acts.append(_flood(rng, at, "proxy", rng.choice(proxies), scenario))
    sources = [people.attacker(rng, 65, number) for number in range(scenario.brute_force_sources)]
    for at in _poisson(rng, scenario.brute_force_rate, scenario.brute_force_at, scenario.attack_end):
        person = rng.choice(sources)
        known = rng.random() < 0.5
        email = (
            existing_email(rng.randrange(scenario.existing_users))
            if known
            else f"guess{rng.randrange(10**6)}@gmail.com"
        )
        acts.append(Act(at, "brute", "login", person.address, person.fields, email=email, password=f"Summer{rng.randrange(2000, 2026)}!x"))  # fmt: skip
    signups = [people.attacker(rng, 66, number) for number in range(scenario.signup_sources)]
    for number, at in enumerate(
        _poisson(rng, scenario.signup_flood_rate, scenario.signup_flood_at, scenario.attack_end)
    ):
        person = rng.choice(signups)
        email = f"x{rng.randrange(10**8)}@{people.pick_domain(rng, people.ATTACK_DOMAINS)}"
        acts.append(Act(at, "bot_signup", "drain", person.address, person.fields, email=email, password=f"bot password {number}", input_tokens=120, output_tokens=scenario.drain_tokens))  # fmt: skip
    drains = [people.attacker(rng, 67, number) for number in range(scenario.sleepers)]
    for at in _poisson(rng, sleeper_rate, scenario.drain_at, scenario.attack_end):
        acts.append(_sleeper(rng, at, drains, scenario))
    bots = [people.attacker(rng, 68, number) for number in range(scenario.bots)]
    wave = scenario.capacity_rate * scenario.wave_multiple - flood
    for at in _poisson(rng, wave, scenario.wave_at, scenario.wave_end):
        if rng.random() < 0.15:
            acts.append(_sleeper(rng, at, drains, scenario))
        else:
            acts.append(_flood(rng, at, "wave", rng.choice(bots), scenario))
    return sorted(acts, key=lambda each: each.at)


def _flood(rng: random.Random, at: float, who: str, person: people.Person, scenario: Scenario) -> Act:
    key = "made_up" if rng.random() < MADE_UP_SHARE else ""
    return Act(at, who, "chat", person.address, person.fields, key=key, input_tokens=120, output_tokens=scenario.drain_tokens)  # fmt: skip


def _sleeper(rng: random.Random, at: float, drains: list[people.Person], scenario: Scenario) -> Act:
    number = rng.randrange(scenario.sleepers)
    person = drains[number]
    return Act(at, "sleeper", "chat", person.address, person.fields, number, "seeded", input_tokens=120, output_tokens=scenario.drain_tokens)  # fmt: skip


def _poisson(rng: random.Random, rate: float, begin: float, end: float) -> list[float]:
    made: list[float] = []
    at = begin
    while rate > 0:
        at += rng.expovariate(rate)
        if at >= end:
            break
        made.append(at)
    return made
