"""What the findings mean together."""

from pontlevis.brain.detection import columns as c
from pontlevis.brain.detection.columns import REQUESTS, SIGNUPS, TURNED_AWAY, total
from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.detection.snapshot import Snapshot
from pontlevis.brain.detection.statistics import rate_at_least
from pontlevis.brain.detection.window import SIXTY, TEN
from pontlevis.brain.detection.wording import number
from pontlevis.brain.vocabulary import Verdict

Z_95 = 1.645
"""Standard normal quantile of 95 %, one-sided: to be taken for a crowd accuses nobody."""

CERTAIN_ALONE = frozenset({DetectorName.SINGLE_SOURCE, DetectorName.LEAKED_KEY})
"""Detectors whose local findings are an attack, of those that they name and nobody else: two signs of one source's or key's
own doing. A bad line is slow too, so one slow source is none."""


def judge(snapshot: Snapshot, policy: DetectionPolicy, findings: tuple[Finding, ...]) -> tuple[Verdict, str]:
    """The verdict and its sentence. The accused clusters are peeled off before a crowd is looked for."""
    crowd = _crowd(snapshot, policy, findings)
    hostile = [each for each in findings if each.hostile and not each.local]
    if hostile:
        accusation = " ".join(each.sentence for each in hostile)
        if crowd:
            return Verdict.CROWD_AND_ATTACK, f"{accusation} Besides, {crowd}."
        return Verdict.ATTACK, accusation
    if crowd:
        return Verdict.CROWD, f"{crowd[0].upper()}{crowd[1:]}, and nobody among them shows two hostile signs."
    impact = next(
        (each for each in findings if each.detector is DetectorName.IMPACT and not each.dry_run), None
    )
    if impact is not None:
        return Verdict.OVERLOAD, f"{impact.sentence} Neither a crowd nor an attack explains it."
    alone = [each for each in findings if each.hostile]
    if alone:
        said = " ".join(each.sentence for each in alone)
        certain = any(each.detector in CERTAIN_ALONE for each in alone)
        return (
            Verdict.ATTACK if certain else Verdict.CALM,
            f"{said} A measure against those named answers it; nothing else is far from usual.",
        )
    return Verdict.CALM, "Nothing is far from usual."


def _crowd(snapshot: Snapshot, policy: DetectionPolicy, findings: tuple[Finding, ...]) -> str:
    """Who comes in number besides the accused; empty where nobody does.

    A hostile finding that can name no fingerprint accuses all of its kind: none of them are a crowd.
    """
    nameless = {each.detector for each in findings if each.hostile and not each.fingerprints}
    accused = [view for view in snapshot.fingerprints if view.key in snapshot.accused]
    ten, sixty = snapshot.ten, snapshot.sixty
    signups = total(sixty, SIGNUPS) - sum(total(view.sixty, SIGNUPS) for view in accused)
    lately = total(ten, SIGNUPS) - sum(total(view.ten, SIGNUPS) for view in accused)
    usual = snapshot.baseline.signups
    ratio = policy.surge_ratio
    # The minute carries a crowd over the pauses of a few seconds that it has.
    if (
        DetectorName.SIGNUP_SURGE not in nameless
        and lately >= policy.surge_signups
        and (
            rate_at_least(lately, Z_95) > ratio * usual * TEN
            or (rate_at_least(signups, Z_95) > ratio * usual * SIXTY and lately > usual * TEN)
        )
    ):
        return f"{number(lately)} sign-ups in 10 s where {number(usual * TEN)} are usual are a crowd"
    calls = total(ten, REQUESTS) - total(ten, TURNED_AWAY)
    calls -= sum(total(view.ten, REQUESTS) - total(view.ten, TURNED_AWAY) for view in accused)
    newcomers = calls - ten[c.ELDER_REQUESTS]
    usual_calls = snapshot.baseline.requests * TEN
    if DetectorName.TOKEN_DRAIN not in nameless and rate_at_least(newcomers, Z_95) > ratio * usual_calls:
        return (
            f"{number(newcomers)} calls of newcomers in 10 s where {number(usual_calls)} "
            "calls in all are usual are a crowd"
        )
    if any(
        each.detector is DetectorName.PAGE_FLOOD and not (each.hostile or each.dry_run) for each in findings
    ):
        views = ten[c.STRANGER_PAGES]
        return f"{number(views)} pages opened by strangers in 10 s where {number(snapshot.baseline.pages * TEN)} are usual are a crowd"
    return ""
