"""A report's figures and plots."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from pontlevis.brain.vocabulary import EXISTING
from pontlevis.investigation import plots
from pontlevis.investigation.document import Block, Plot, Table
from pontlevis.investigation.told import Told
from pontlevis.investigation.tongue import Tongue
from pontlevis.plotting import legend, panel, svg

if TYPE_CHECKING:
    from pontlevis.investigation.report import Story


def raised_at(story: "Story") -> float | None:
    """When the posture left ``normal`` within the attack, Unix seconds."""
    return _posture_at(story, lambda said: not said.startswith("normal"))


def suspended_at(story: "Story") -> float | None:
    """When registration was suspended."""
    return _posture_at(story, lambda said: "suspended" in said)


def _posture_at(story: "Story", wanted: Callable[[str], bool]) -> float | None:
    return next(
        (
            each.at
            for each in story.made.timeline
            if each.event == "posture" and each.at >= story.onset and wanted(each.outcome)
        ),
        None,
    )


def figures(story: "Story", tongue: Tongue) -> Block:
    """The table."""
    made = story.made
    found = next((each.at for each in made.timeline if each.event == "finding"), None)

    def after(at: float | None) -> str:
        if at is None:
            return tongue("report.never")
        late = at - story.onset
        return tongue("report.after", length=late) if late > 0 else tongue("report.at_once")

    tokens = round(made.tokens_drained)
    rows = [
        ("finding", after(found)),
        ("raised", after(raised_at(story))),
        ("suspended", after(suspended_at(story))),
        ("length", tongue.length(story.lasted_s)),
        ("sources", tongue.number(made.hostile_source_count)),
        (
            "peak",
            tongue(
                "report.per_second",
                peak=max((each.peak_per_s for each in made.waves), default=0.0),
                width=made.series.width,
            ),
        ),
        ("tried", tongue.number(made.attacked_accounts)),
        ("touched", tongue.number(len(made.touched))),
        (
            "tokens",
            tongue("report.tokens", tokens=tokens)
            if made.cost is None
            else tongue("report.tokens_cost", tokens=tokens, cost=made.cost, currency=made.currency),
        ),
        ("hit", tongue.number(made.honest_hit)),
    ]
    return Table(
        (tongue("report.figure"), tongue("report.measured")),
        [(tongue(f"report.f_{name}"), value) for name, value in rows],
        tongue("report.none"),
    )


def pictures(story: "Story", told: Told) -> list[Block]:
    """Acts over time, groups over time, and how existing users fared."""
    made, tongue = story.made, told.tongue
    highest = max(made.waves, key=lambda each: each.peak_per_s, default=None)
    said = (
        tongue("report.waves", count=len(made.waves), at=told.when(highest.since), peak=highest.peak_per_s)
        if highest is not None
        else tongue("report.no_waves")
    )
    drawn: list[Block] = [Plot(plots.acts(made, tongue), said)]
    spans = plots.spans(made, tongue, told.names())
    if spans:
        drawn.append(Plot(spans, tongue("report.spans")))
    if story.samples:
        drawn.append(_service(story, tongue))
    return drawn


def _service(story: "Story", tongue: Tongue) -> Plot:
    """Existing users' requests, served and not, and how long they waited."""
    seconds: dict[int, list[float]] = {}
    for sample in story.samples:
        held = seconds.setdefault(int(sample.at), [0.0, 0.0, 0.0])
        for band in sample.bands:
            if band.standing in EXISTING:
                held[0] += band.admitted
                held[1] += band.refused + band.failed
                held[2] = max(held[2], band.ttft_p99_s)
    at = [second / 86_400 for second in sorted(seconds)]
    rows = [seconds[second] for second in sorted(seconds)]
    figure, axes = panel(
        tongue("report.p_service"), tongue("report.p_service_unit"), below=tongue("report.p_time")
    )
    plots.postures(axes, story.made.timeline, story.made.until)
    for place, color, name in ((0, plots.OTHER, "admitted"), (1, plots.HOSTILE, "refused")):
        label = tongue(f"report.p_{name}")
        axes.step(at, [each[place] for each in rows], where="post", color=color, lw=1.2, label=label)
    axes.set_ylim(bottom=0)
    plots.dated(axes, story.made.since, plots.end_of(story.made))
    legend(axes, 2)
    said = tongue(
        "report.service",
        served=sum(each[0] for each in rows),
        lost=sum(each[1] for each in rows),
        wait=max((each[2] for each in rows), default=0.0),
    )
    return Plot(svg(figure), said)
