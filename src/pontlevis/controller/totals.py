"""Counts since the process started, for Prometheus: labels are our own words, so that they are bounded."""

from pontlevis.brain.observation import WAIT_EDGES_S, Kind, Observation, Outcome, ServiceSample
from pontlevis.brain.vocabulary import Standing
from pontlevis.evidence.journal import Journal
from pontlevis.evidence.keeper import FATES, Keeper
from pontlevis.web.ports import Totals

MERGED = "merged"
"""At a gateway whose batch was full: still counted by kind and outcome, but without its source."""
REQUEST_OUTCOMES = ("admitted", "refused", "failed")


def no_totals() -> Totals:
    """Every label is there from the start, at nought: a counter that appears late hides its first steps."""
    standings = [each.word for each in Standing]
    return Totals(
        requests={(standing, outcome): 0 for standing in standings for outcome in REQUEST_OUTCOMES},
        tokens=dict.fromkeys(standings, 0),
        waits={standing: [0] * (len(WAIT_EDGES_S) + 1) for standing in standings},
        wait_s=dict.fromkeys(standings, 0.0),
        signups={each.value: 0 for each in Outcome},
        logins={each.value: 0 for each in Outcome},
        evidence=dict.fromkeys((*FATES, MERGED), 0),
    )


def count_evidence(totals: Totals, keeper: Keeper, journal: Journal) -> None:
    """What became of the acts that were told so far."""
    totals.evidence.update(keeper.fates)
    totals.evidence_failing = bool(keeper.failed)
    totals.journal_dropped = journal.dropped


def count_observation(totals: Totals, seen: Observation) -> None:
    """A log-in or a sign-up; anything else is not counted here."""
    if seen.kind is Kind.LOGIN:
        totals.logins[seen.outcome.value] += seen.count
    elif seen.kind is Kind.SIGNUP:
        totals.signups[seen.outcome.value] += seen.count


def count_sample(totals: Totals, sample: ServiceSample) -> None:
    for band in sample.bands:
        standing = Standing(band.standing).word
        totals.requests[standing, "admitted"] += band.admitted
        totals.requests[standing, "refused"] += band.refused
        totals.requests[standing, "failed"] += band.failed
        totals.tokens[standing] += band.tokens
        if band.waits:
            held = totals.waits[standing]
            for place, count in enumerate(band.waits[: len(held)]):
                held[place] += count
            totals.wait_s[standing] += band.wait_sum_s
