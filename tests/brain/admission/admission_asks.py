"""An admission of one engine, and what is asked of it."""

import random

from pontlevis.brain.admission.admission import Admission
from pontlevis.brain.admission.messages import Ask
from pontlevis.brain.admission.policy import AdmissionPolicy
from pontlevis.brain.posture.state import PostureState
from pontlevis.brain.vocabulary import Posture, Standing

M = frozenset({"m"})


def make(
    limit: int = 4, *, engines: int = 1, posture: Posture = Posture.NORMAL, **policy: object
) -> Admission:
    admission = Admission(
        AdmissionPolicy(initial_limit=limit, **policy),  # type: ignore[arg-type]
        enabled=True,
        rng=random.Random(1),
    )
    for number in range(engines):
        admission.set_engine(f"http://e{number}", M, True, 0.0)
    admission.set_posture(PostureState(posture=posture), 0.0)
    return admission


def ask(ticket: int, standing: Standing = Standing.ESTABLISHED, account: str = "", tokens: int = 100) -> Ask:
    return Ask(ticket, account or f"account {ticket}", standing, "m", tokens, 50)
