"""Health and Prometheus metrics (text format 0.0.4). Names stand in docs/metrics.md."""

from fastapi import APIRouter, Response

from pontlevis.brain.observation import BandSample
from pontlevis.brain.vocabulary import Posture, RefusalCode, RegistrationMode, Standing
from pontlevis.web.context import WebContext
from pontlevis.web.operator_metrics_values import MetricsOf
from pontlevis.web.operator_overview import Overviews
from pontlevis.web.ports import SourcesView

METRICS = {
    "pontlevis_posture": "1 for the posture in force.",
    "pontlevis_registration": "1 for the registration mode in force.",
    "pontlevis_registration_share": "Share of registrations let through.",
    "pontlevis_gateways": "Gateway workers connected.",
    "pontlevis_gateways_wanted": "Gateway workers that there should be.",
    "pontlevis_admission": "1 while admission is there; without it existing users only are served.",
    "pontlevis_engines": "Engines, by whether they are up.",
    "pontlevis_posture_since_seconds": "When the posture in force began, Unix time.",
    "pontlevis_registration_held": "1 while an operator's word on registration holds.",
    "pontlevis_decisions": "Decisions in force.",
    "pontlevis_decisions_in_force": "Decisions in force, by scope and by who made them.",
    "pontlevis_findings": "Findings that stand.",
    "pontlevis_finding": "Findings that stand, by detector and whether they accuse somebody.",
    "pontlevis_source_ranges": "Ranges of addresses known from the operator's files, by sort of file.",
    "pontlevis_source_bad_lines": "Lines of these files that could not be read, by sort of file.",
    "pontlevis_source_failed_files": "Files that cannot be read now, by sort of file.",
    "pontlevis_baseline_days": "Days' worth of calm hours that detection has learned from.",
    "pontlevis_measures_not_enforced": "Measures since the start that were proposed on trial or withheld.",
    "pontlevis_requests_total": "Inference requests since the controller started, by standing and outcome.",
    "pontlevis_tokens_total": "Tokens settled since the controller started, by standing.",
    "pontlevis_wait_seconds": "Time in queue of requests admitted, by standing.",
    "pontlevis_goodput_ratio": "Share of requests of the last 30 seconds that was served, existing users and others.",
    "pontlevis_signups_total": "Tries to make an account since the controller started, by outcome.",
    "pontlevis_logins_total": "Tries to log in since the controller started, by outcome.",
    "pontlevis_waitlist": "Addresses on the waitlist that are not invited yet.",
    "pontlevis_letters": "Letters kept, by state.",
    "pontlevis_requests_per_second": "Inference requests in the last second, by standing and outcome.",
    "pontlevis_queued": "Requests that wait, by standing.",
    "pontlevis_in_flight": "Requests under way, by standing.",
    "pontlevis_wait_p99_seconds": "99th percentile of time in queue in the last second, by standing.",
    "pontlevis_ttft_p99_seconds": "99th percentile of time to first token in the last second, by standing.",
    "pontlevis_tokens_in_flight": "Tokens reserved at the engines.",
    "pontlevis_engine_up": "1 for an engine that is up.",
    "pontlevis_engine_in_flight": "Requests under way at an engine.",
    "pontlevis_engine_limit": "Requests that admission has learned an engine may be given.",
    "pontlevis_engine_tokens_in_flight": "Tokens reserved at an engine.",
    "pontlevis_engine_kv_usage_ratio": "Share of an engine's KV-cache in use, where it tells.",
    "pontlevis_engine_waiting": "Requests in the engines' own queues.",
    "pontlevis_evidence_acts_total": "Acts since the controller started, by what became of them on the way into the evidence.",
    "pontlevis_evidence_failing": "1 while evidence cannot be written.",
    "pontlevis_journal_dropped_total": "Observations that the journal lost since the controller started.",
    "pontlevis_refusals_total": "Requests refused and connections cut since the controller started, by code.",
}

HISTOGRAMS = frozenset({"pontlevis_wait_seconds"})


def create_metrics_router(context: WebContext, overviews: Overviews) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    service = context.service
    wanted = MetricsOf(context, overviews)

    @router.get("/healthz")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz")
    async def ready(answer: Response) -> dict[str, object]:
        samples = service.samples
        engines_up = samples[-1].engines_up if samples else 0
        if not service.gateways or not service.admission or not engines_up:
            answer.status_code = 503
        return {"gateways": service.gateways, "admission": service.admission, "engines_up": engines_up}

    @router.get("/metrics")
    async def metrics() -> Response:
        values: list[tuple[str, dict[str, str], float]] = []
        state = service.posture
        values.extend(
            ("pontlevis_posture", {"posture": each.value}, float(each is state.posture)) for each in Posture
        )
        values.extend(
            ("pontlevis_registration", {"mode": each.value}, float(each is state.registration))
            for each in RegistrationMode
        )
        values.append(("pontlevis_registration_share", {}, state.registration_share))
        values.append(("pontlevis_gateways", {}, service.gateways))
        values.append(("pontlevis_gateways_wanted", {}, context.settings.gateway.workers))
        values.append(("pontlevis_admission", {}, float(service.admission)))
        values.extend(await wanted.values())
        values.append(("pontlevis_decisions", {}, len(service.decisions)))
        values.append(("pontlevis_findings", {}, len(service.findings)))
        values.extend(
            ("pontlevis_refusals_total", {"code": each.value}, service.refusals.get(each.value, 0))
            for each in RefusalCode
        )
        values.extend(_sources(service.sources))
        if service.samples:
            sample = service.samples[-1]
            values.append(("pontlevis_engines", {"up": "true"}, sample.engines_up))
            values.append(("pontlevis_engines", {"up": "false"}, sample.engines - sample.engines_up))
            values.append(("pontlevis_tokens_in_flight", {}, sample.tokens_in_flight))
            values.append(("pontlevis_engine_waiting", {}, sample.engine_waiting))
            for band in sample.bands:
                values.extend(_band(band, sample.interval_s or 1.0))
        return Response(render(values), media_type="text/plain; version=0.0.4")

    return router


def _sources(view: SourcesView) -> list[tuple[str, dict[str, str], float]]:
    values: list[tuple[str, dict[str, str], float]] = []
    for sort in sorted({each.sort for each in view.files}):
        files = [each for each in view.files if each.sort == sort]
        label = {"sort": sort}
        values.append(("pontlevis_source_ranges", label, sum(each.ranges for each in files)))
        values.append(("pontlevis_source_bad_lines", label, sum(each.bad for each in files)))
        values.append(("pontlevis_source_failed_files", label, sum(bool(each.error) for each in files)))
    values.append(("pontlevis_baseline_days", {}, view.days_learned))
    values.extend(
        ("pontlevis_measures_not_enforced", {"outcome": name}, count) for name, count in view.measures.items()
    )
    return values


def _band(band: BandSample, interval_s: float) -> list[tuple[str, dict[str, str], float]]:
    standing = {"standing": Standing(band.standing).word}
    counts = {"admitted": band.admitted, "refused": band.refused, "failed": band.failed}
    values: list[tuple[str, dict[str, str], float]] = [
        ("pontlevis_requests_per_second", {**standing, "outcome": name}, count / interval_s)
        for name, count in counts.items()
    ]
    values.extend(
        (
            ("pontlevis_queued", standing, band.queued),
            ("pontlevis_in_flight", standing, band.in_flight),
            ("pontlevis_wait_p99_seconds", standing, band.wait_p99_s),
            ("pontlevis_ttft_p99_seconds", standing, band.ttft_p99_s),
        )
    )
    return values


def render(values: list[tuple[str, dict[str, str], float]]) -> str:
    """Prometheus' text format."""
    by_name: dict[str, list[tuple[str, dict[str, str], float]]] = {}
    for each in values:
        base = each[0].removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
        by_name.setdefault(each[0] if each[0] in METRICS else base, []).append(each)
    lines: list[str] = []
    for name, about in METRICS.items():
        mine = by_name.get(name, [])
        if mine:
            kind = "counter" if name.endswith("_total") else "histogram" if name in HISTOGRAMS else "gauge"
            lines.extend((f"# HELP {name} {about}", f"# TYPE {name} {kind}"))
        for full, labels, value in mine:
            text = ",".join(f'{key}="{escaped(word)}"' for key, word in labels.items())
            lines.append(f"{full}{{{text}}} {value:.12g}" if text else f"{full} {value:.12g}")
    return "\n".join(lines) + "\n"


def escaped(word: str) -> str:
    """A label's value; all but engines' addresses are our own words."""
    return word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
