"""Figures for Prometheus that are counted over time or by engine. Label sets are bounded: our own words and engines."""

from collections import Counter

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.observation import WAIT_EDGES_S, EngineSample
from pontlevis.web.context import WebContext
from pontlevis.web.operator_overview import Overviews
from pontlevis.web.ports import Totals

Value = tuple[str, dict[str, str], float]
SCOPES = ("address", "prefix", "account", "credential")


class MetricsOf:
    """Reads them off the service when Prometheus asks."""

    def __init__(self, context: WebContext, overviews: Overviews) -> None:
        self._context = context
        self._overviews = overviews

    async def values(self) -> list[Value]:
        service = self._context.service
        now = await self._overviews.overview()
        letters = await self._overviews.letters()
        found: list[Value] = [
            ("pontlevis_posture_since_seconds", {}, now.since),
            ("pontlevis_registration_held", {}, float(bool(now.registration_by))),
            ("pontlevis_waitlist", {}, now.waiting),
            *(("pontlevis_letters", {"state": state}, count) for state, count in letters.items()),
        ]
        # Nobody asked: nothing was lost.
        for who, share in (("existing", now.goodput_existing), ("others", now.goodput_others)):
            found.append(("pontlevis_goodput_ratio", {"users": who}, 1.0 if share is None else share))
        found.extend(_totals(service.totals))
        made = Counter(
            (each.scope, "detection" if each.origin == "detection" else "operator")
            for each in service.decisions
        )
        found.extend(
            ("pontlevis_decisions_in_force", {"scope": scope, "origin": origin}, made[scope, origin])
            for scope in SCOPES
            for origin in ("detection", "operator")
        )
        said = Counter((each.detector, each.hostile) for each in service.findings)
        found.extend(
            (
                "pontlevis_finding",
                {"detector": detector.value, "hostile": "true" if hostile else "false"},
                said[detector, hostile],
            )
            for detector in DetectorName
            for hostile in (True, False)
        )
        samples = service.samples
        for each in samples[-1].each_engine if samples else ():
            found.extend(_engine(each))
        return found


def _totals(totals: Totals) -> list[Value]:
    found: list[Value] = [
        ("pontlevis_requests_total", {"standing": standing, "outcome": outcome}, count)
        for (standing, outcome), count in totals.requests.items()
    ]
    found.extend(
        ("pontlevis_tokens_total", {"standing": each}, count) for each, count in totals.tokens.items()
    )
    found.extend(
        ("pontlevis_signups_total", {"outcome": each}, count) for each, count in totals.signups.items()
    )
    found.extend(
        ("pontlevis_logins_total", {"outcome": each}, count) for each, count in totals.logins.items()
    )
    found.extend(
        ("pontlevis_evidence_acts_total", {"fate": each}, count) for each, count in totals.evidence.items()
    )
    found.append(("pontlevis_evidence_failing", {}, float(totals.evidence_failing)))
    found.append(("pontlevis_journal_dropped_total", {}, totals.journal_dropped))
    for standing, held in totals.waits.items():
        seen = 0
        for edge, count in zip((*(f"{each:g}" for each in WAIT_EDGES_S), "+Inf"), held, strict=True):
            seen += count
            found.append(("pontlevis_wait_seconds_bucket", {"standing": standing, "le": edge}, seen))
        found.append(("pontlevis_wait_seconds_sum", {"standing": standing}, totals.wait_s[standing]))
        found.append(("pontlevis_wait_seconds_count", {"standing": standing}, seen))
    return found


def _engine(engine: EngineSample) -> list[Value]:
    label = {"engine": engine.name}
    return [
        ("pontlevis_engine_up", label, float(engine.up)),
        ("pontlevis_engine_in_flight", label, engine.in_flight),
        ("pontlevis_engine_limit", label, engine.limit),
        ("pontlevis_engine_tokens_in_flight", label, engine.tokens_in_flight),
        ("pontlevis_engine_kv_usage_ratio", label, engine.kv_usage),
    ]
