"""Gathers what a report needs from a data directory. Knows files and the database, not who asks."""

from collections.abc import Callable
from pathlib import Path

from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.evidence.manifest import Head
from pontlevis.evidence.store import FOLDER
from pontlevis.evidence.verify import verify
from pontlevis.investigation.incident import IncidentFacts
from pontlevis.investigation.investigate import Matter, investigate
from pontlevis.investigation.phrase import phrase
from pontlevis.investigation.policy import InvestigationPolicy
from pontlevis.investigation.proposals import search
from pontlevis.investigation.record import load
from pontlevis.investigation.report import Story

BEFORE_REPLAY_S = 3_600.0
"""Of the time before that a replay learns what is usual from."""


def gather(
    data: Path,
    facts: IncidentFacts,
    head: tuple[int, str] | None,
    detection: DetectionPolicy,
    posture: PosturePolicy,
    policy: InvestigationPolicy,
    *,
    service: str,
    now: float,
    pseudonymised: bool = False,
    good: Path | None = None,
    language: str = "en",
    progress: Callable[[str], None] | None = None,
) -> Story:
    """Asks, verifies and replays. ``good``: another data directory whose traffic was good; ``now``: Unix seconds.

    Raises ``NoEvidence`` and ``Broken``.
    """
    say = progress or (lambda _: None)
    until = facts.until(now)
    made = investigate(
        data / FOLDER,
        Matter(f"{facts.called(language)} ({facts.id})", facts.since, until),
        policy,
        pseudonymised=pseudonymised,
        progress=say,
    )
    say("whether the evidence holds")
    checked = verify(data / FOLDER, known_head=Head(*head) if head is not None else None)
    verified = (
        phrase("report.broken", why=checked.broken)
        if checked.broken
        else phrase("report.verified", files=checked.files, rows=checked.rows, line=checked.head.n)
    )
    say("the record")
    record = load(data, facts.since - BEFORE_REPLAY_S, until, policy.replay_acts)
    calm = load(good, 0.0, now, policy.replay_acts) if good is not None else None
    onset = min((each.first_at for each in made.hostile), default=facts.created_at)
    found = search(
        record,
        onset,
        detection,
        posture,
        policy,
        good=calm,
        progress=lambda what: say(f"replay: {what}"),
    )
    samples = [each for each in record.samples if facts.since <= each.at <= until]
    return Story(service, facts, made, found, samples, policy, now, verified)
