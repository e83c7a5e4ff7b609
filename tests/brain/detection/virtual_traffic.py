"""A scripted town for the scenarios: one call for each kind of visitor, and what the brain said to it.

People, attackers, doors and clock are those of ``simulation/attacks``, which the evaluation plays too.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from pontlevis.brain.detection.detection import Detection
from pontlevis.brain.detection.judgement import Judgement
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import BandSample, Kind, Outcome, ServiceSample
from pontlevis.brain.posture.machine import PostureMachine
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.posture.state import Transition
from pontlevis.brain.vocabulary import Posture, RegistrationMode, Standing
from pontlevis.simulation.attacks import town as attacks
from pontlevis.simulation.attacks.botnet import Botnet, Looks
from pontlevis.simulation.attacks.call_flood import CallFlood
from pontlevis.simulation.attacks.clock import START
from pontlevis.simulation.attacks.ledger import Party
from pontlevis.simulation.attacks.newcomers import Newcomers
from pontlevis.simulation.attacks.residents import Residents
from pontlevis.simulation.attacks.shape import ServiceShape
from pontlevis.simulation.attacks.signup_flood import Mail, SignUpFlood
from pontlevis.simulation.attacks.stuffing import Stuffing

__all__ = ["START", "Played", "Town"]

MAIL = {"gmail": Mail.GMAIL, "few": Mail.FEW, "random": Mail.RANDOM}


@dataclass
class Played:
    """What a scenario came to."""

    judgements: list[Judgement] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)

    def first_finding(self, since: float) -> float | None:
        """Seconds from ``since`` to the first hostile finding."""
        at = next((each.at for each in self.judgements if each.hostile), None)
        return None if at is None else at - since

    def first(self, posture: Posture, since: float) -> float | None:
        """Seconds from ``since`` to that posture."""
        at = next((each.at for each in self.transitions if each.after.posture is posture), None)
        return None if at is None else at - since

    @property
    def suspended(self) -> bool:
        return any(each.after.registration is RegistrationMode.SUSPENDED for each in self.transitions)

    @property
    def measured(self) -> set[str]:
        return {measure.value for each in self.judgements for measure in each.measures}


class Town:
    """Starts cold: the brain has seen nobody before."""

    def __init__(
        self, seed: int, *, posture: PosturePolicy | None = None, shape: ServiceShape | None = None
    ) -> None:
        # Cold, and yet as strict as a service that has been up for a while.
        grown = DetectionPolicy(young_s=0.0)
        self._town = attacks.Town(seed, detection=grown, posture=posture, shape=shape)
        self._residents = Residents(self._town)
        self._newcomers = Newcomers(self._town)
        self.played = Played(transitions=self._town.ledger.transitions)
        self._town.listener = self.played.judgements.append
        self.rng: random.Random = self._town.rng
        self.detection: Detection = self._town.detection
        self.machine: PostureMachine = self._town.machine
        self.at, self.poisson = self._town.clock.at, self._poisson

    @property
    def now(self) -> float:
        return self._town.clock.now

    @property
    def wrong_measures(self) -> int:
        """Decisions against an address or account from which nothing hostile ever came."""
        return self._town.ledger.wrong_measures

    def run(self, seconds: float) -> Played:
        self._town.run(seconds)
        return self.played

    def _poisson(
        self, rate: float, act: Callable[[], None], *, start: float = 0.0, stop: float = float("inf")
    ) -> None:
        self._town.clock.poisson(self.rng, rate, act, start=start, stop=stop)

    def calm(self) -> None:
        """A small honest service."""
        self._residents.begin()
        self._newcomers.begin()

    def crowd(self, start: float, stop: float, *, times: float) -> None:
        self._newcomers.crowd(start, stop, times=times)

    def script(self, *, calls: int, pause_s: float) -> None:
        """Somebody signs up in a browser and runs an API client."""
        self._newcomers.one(chats=calls, pause_s=pause_s, script=True)

    def bot_signups(
        self,
        start: float,
        stop: float,
        *,
        rate: float,
        fingerprints: int = 3,
        sources: int = 300,
        domains: str = "gmail",
    ) -> None:
        """A sign-up flood whose accounts drain tokens at once."""
        botnet = Botnet(self._town, size=sources, tools=fingerprints)
        SignUpFlood(self._town, botnet, mail=MAIL[domains]).between(start, stop, rate=rate)

    def stuffing(
        self,
        start: float,
        stop: float,
        *,
        rate: float,
        sources: int = 400,
        fingerprints: int = 4,
        unknown: float = 0.5,
        hits: float = 0.02,
    ) -> None:
        """Lists of passwords tried from many addresses."""
        botnet = Botnet(self._town, size=sources, tools=fingerprints)
        Stuffing(self._town, botnet, unknown=unknown, hits=hits).between(start, stop, rate=rate)

    def flood(
        self,
        start: float,
        stop: float,
        *,
        rate: float,
        sources: int = 500,
        fingerprints: int = 3,
        made_up: float = 0.7,
    ) -> None:
        """Calls with made-up keys, or none, from rotating addresses."""
        botnet = Botnet(self._town, size=sources, looks=Looks.FEW, tools=fingerprints)
        CallFlood(self._town, botnet, made_up=made_up).between(start, stop, rate=rate)

    def see(
        self,
        kind: Kind,
        outcome: Outcome,
        source: str,
        *,
        fingerprint: int,
        account: str,
        standing: Standing,
    ) -> Outcome:
        """One act of an existing user."""
        return self._town.see(
            Party.RESIDENT, kind, outcome, source, fingerprint=fingerprint, account=account, standing=standing
        )

    def remember(self) -> None:
        """Lets the brain have seen, in the hours before, most of those who have an account."""
        self._residents.yesterday()

    def resident(self) -> tuple[str, int, str, Standing]:
        """Address, header set, account and standing of an existing user."""
        who = self.rng.choice(self._residents.all)
        return who.source, who.browser, who.account, who.standing

    def served_badly(self, at: float, *, wait_s: float = 3.0) -> None:
        """One sample in which existing users wait."""
        band = BandSample(Standing.ESTABLISHED.value, 5, 5, 0, 0, 3, 2, wait_s, wait_s + 1, 500)
        self.detection.sample(ServiceSample(at, 1.0, [band]))
