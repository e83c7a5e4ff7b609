"""A town: a virtual clock, who acts on it, the doors, and the brain that watches and decides."""

import random
from collections.abc import Callable
from itertools import count

from pontlevis.brain.detection.address import place_of, prefix_of
from pontlevis.brain.detection.detection import Detection
from pontlevis.brain.detection.finding import Measure
from pontlevis.brain.detection.judgement import Judgement
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import Kind, Observation, Outcome, PagePart
from pontlevis.brain.posture.machine import PostureMachine
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, RegistrationMode, Standing
from pontlevis.simulation.attacks.clock import Clock
from pontlevis.simulation.attacks.doors import Doors
from pontlevis.simulation.attacks.ledger import Ledger, Party, Why
from pontlevis.simulation.attacks.people import People
from pontlevis.simulation.attacks.shape import ServiceShape

LOOKED_AT = (Outcome.OK, Outcome.BAD_CREDENTIAL, Outcome.UNKNOWN_USER)
BATCH_S = 0.25
"""As the gateway sends what it saw."""
FIRST_S, TOKENS_PER_S = 0.4, 150.0
"""How long a call is under way: to the first token, and then by its tokens."""
BYTES_PER_TOKEN = 4
TICKS = 4
"""Batches between two ticks of detection."""


class Town:
    """Everything of one run; the same seed plays the same."""

    def __init__(
        self,
        seed: int,
        *,
        shape: ServiceShape | None = None,
        detection: DetectionPolicy | None = None,
        posture: PosturePolicy | None = None,
    ) -> None:
        self.rng = random.Random(f"town {seed}")  # noqa: S311 - a simulation's chance
        self.browsing = random.Random(f"browsers {seed}")  # noqa: S311 - the same
        """Chance of what browsers do by themselves, apart so that it changes nothing of what people do."""
        self.shape = shape or ServiceShape()
        self.clock = Clock()
        self.people = People(self.rng)
        self.doors = Doors(self.shape)
        self.ledger = Ledger()
        self._policy = detection or DetectionPolicy()
        self.detection = Detection(self._policy)
        self.machine = PostureMachine(posture or PosturePolicy())
        self.assets = True
        """Whether what pages need comes from here, rather than from somebody else's servers."""
        self.wrong: Callable[[Kind, Outcome], Outcome] | None = None
        """A fault of ours: what becomes of an outcome while it lasts."""
        self.listener: Callable[[Judgement], None] | None = None
        """Told of every judgement."""
        self._accounts = count()
        self._batch: list[Observation] = []
        self._batches = 0

    def restart(self) -> None:
        """The brain begins anew, with what the controller keeps for it."""
        kept = self.detection.state(self.clock.now)
        self.detection = Detection(self._policy)
        self.detection.restore(kept, self.clock.now)

    def account(self) -> str:
        """An identifier that nobody has."""
        return f"acct{next(self._accounts):08d}"

    def run(self, seconds: float) -> Ledger:
        """Plays on for so long: a batch every quarter of a second, a tick every second."""
        clock, detection = self.clock, self.detection
        for _ in range(round(seconds / BATCH_S)):
            clock.run_to(clock.now + BATCH_S)
            for observation in self._batch:
                detection.observe(observation)
            self._batch.clear()
            self._batches += 1
            if self._batches % TICKS == 0:
                self._tick()
        return self.ledger

    def _tick(self) -> None:
        now, ledger = self.clock.now, self.ledger
        self.detection.sample(self.doors.capacity.second(now, self.doors.state.posture))
        judgement = self.detection.tick(now, posture=self.machine.state.posture)
        if self.listener is not None:
            self.listener(judgement)
        ledger.judged(judgement, self.clock.since)
        made = self.machine.tick(now, judgement)
        ledger.moved(made, judgement, self.clock.since)
        state = self.machine.state
        if judgement.measures or made:
            self.clock.at(self.shape.enforce_s, lambda: self._enforce(judgement.measures, state))

    def _enforce(self, measures: tuple[Measure, ...], state: PostureState) -> None:
        self.doors.state = state
        for measure in measures:
            self.doors.enforce(measure, self.clock.now)

    def see(
        self,
        party: Party,
        kind: Kind,
        outcome: Outcome,
        source: str,
        *,
        fingerprint: int,
        person: str = "",
        account: str = "",
        standing: Standing = Standing.ANONYMOUS,
        domain: str = "",
        tokens: int = 0,
        home: bool = False,
        solves: bool = True,
        target: int = 0,
        parameters: int = 0,
    ) -> Outcome:
        """One act. ``outcome`` is how it ends unless the doors turn it away; returns how it ended.

        ``person`` tells people apart in the ledger; an account's name does where it is empty.
        """
        now = self.clock.now
        if self.wrong is not None:
            outcome = self.wrong(kind, outcome)
        why: Why | None = None
        keyed = kind is Kind.REQUEST and account != "" and outcome is Outcome.OK
        ban = self.doors.banned(source, kind, standing, now, keyed=keyed)
        shown, named, known = kind, account, standing
        credential, at_once = "", 0
        solved = kind is Kind.LOGIN and solves and not home and self.doors.state.posture is not Posture.NORMAL
        if ban:
            # Before anything else is read but the key.
            outcome, why, named, known, domain = Outcome.REFUSED, Why.BANNED, "", Standing.ANONYMOUS, ""
            shown = kind if kind is Kind.REQUEST else Kind.PAGE
        elif kind is Kind.REQUEST:
            credential = f"key-{account}" if account else ""
            outcome, why = self.doors.call(
                outcome, account, credential, standing, tokens, place_of(source), now
            )
            if credential:
                lasts = FIRST_S + tokens / TOKENS_PER_S if outcome is Outcome.OK else 0.0
                at_once = self.doors.at_once(credential, lasts, now)
        elif kind is Kind.LOGIN:
            outcome, why = self.doors.log_in(
                outcome, account, place_of(source), now, home=home, solves=solves
            )
        elif kind is Kind.SIGNUP:
            outcome, why = self.doors.sign_up(outcome, account, place_of(source), now, solves=solves)
            if outcome is not Outcome.OK:
                named = ""
            if self.doors.state.registration is RegistrationMode.SUSPENDED:
                domain = ""
        if why is Why.RATIONED:
            # Turned away at the gateway, before anybody read who it was.
            named, known, domain = "", Standing.ANONYMOUS, ""
        if party is Party.HOSTILE:
            names = self.ledger.hostile_names
            names.update((source, place_of(source), prefix_of(source)))
            if kind is not Kind.LOGIN and account:
                names.update((account, f"key-{account}"))
        by_right = (
            why is Why.BANNED
            and (ban or account) in self.ledger.hostile_names
            and not self.people.shared(ban)
        )
        self.ledger.act(
            party, person or account or source, kind, outcome, why, self.clock.since, by_right=by_right
        )
        self._batch.append(
            Observation(
                at=now,
                kind=shown,
                outcome=outcome,
                source=source,
                fingerprint=fingerprint,
                account=named,
                standing=known.value,
                domain=domain,
                tokens=tokens,
                credential=credential,
                bytes=BYTES_PER_TOKEN * tokens,
                in_flight=at_once,
                target=target,
                parameters=parameters,
                solved=solved and outcome in LOOKED_AT,
                part=PagePart.VIEW if kind is Kind.PAGE and outcome is not Outcome.SLOW and not ban else 0,
            )
        )
        return outcome

    def fetch(self, source: str) -> None:
        """A browser fetches what a page needs; nobody is turned away from that."""
        self._batch.append(Observation(self.clock.now, Kind.PAGE, Outcome.OK, source, part=PagePart.ASSET))
