"""A drill's plots, as SVG that stands alone in a page."""

from collections import Counter

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pontlevis.drill.plan import HOSTILE
from pontlevis.drill.player import Outcome
from pontlevis.drill.run import RunRecord
from pontlevis.drill.scenario import Scenario
from pontlevis.plotting import BANDS, from_zero, legend, panel, svg

CLASSES = {
    "existing": ("existing users", "#1b7f5c"),
    "newcomer": ("honest newcomers", "#2d9cdb"),
    "proxy": ("proxy flood", "#c0392b"),
    "wave": ("botnet wave", "#7f1d1d"),
    "sleeper": ("sleeper accounts", "#d35400"),
    "bot_signup": ("bot sign-ups and drains", "#8e44ad"),
    "brute": ("password guessing", "#b7950b"),
}


def per_second(outcomes: list[Outcome], end: float) -> list[int]:
    counts = Counter(int(each.at) for each in outcomes)
    return [counts.get(second, 0) for second in range(int(end))]


def _bands(axes: Axes, run: RunRecord, end: float) -> None:
    last: tuple[float, str] | None = None
    for each in [*run.seen, None]:
        posture = each.posture if each is not None else ""
        if last is not None and posture != last[1]:
            until = each.at if each is not None else end
            if last[1] in BANDS:
                axes.axvspan(last[0], until, color=BANDS[last[1]], alpha=0.16, lw=0)
            last = None
        if last is None and each is not None:
            last = (each.at, posture)
    axes.set_xlim(0, end)


def load(run: RunRecord, scenario: Scenario) -> str:
    figure, axes = panel("Requests a second by class (logarithmic)", "requests/s")
    _bands(axes, run, scenario.end_s)
    for who, (label, color) in CLASSES.items():
        mine = [each for each in run.outcomes if each.who == who]
        if mine:
            axes.plot(per_second(mine, scenario.end_s), color=color, lw=1.4, label=label)
    from_zero(axes)
    legend(axes, 4)
    return svg(figure)


def answered(run: RunRecord, scenario: Scenario) -> str:
    figure, axes = panel("Admitted and refused a second", "requests/s")
    _bands(axes, run, scenario.end_s)
    hostile = [each for each in run.outcomes if each.who in HOSTILE and each.step == "chat"]
    honest = [each for each in run.outcomes if each.who not in HOSTILE and each.step == "chat"]
    for outcomes, color, whose in ((honest, "#1b7f5c", "honest"), (hostile, "#c0392b", "hostile")):
        axes.plot(
            per_second([each for each in outcomes if each.status == 200], scenario.end_s),
            color=color,
            lw=1.5,
            label=f"{whose}, admitted",
        )
        axes.plot(
            per_second([each for each in outcomes if each.status != 200], scenario.end_s),
            color=color,
            lw=1.1,
            ls=":",
            label=f"{whose}, refused or lost",
        )
    from_zero(axes)
    legend(axes, 4)
    return svg(figure)


def engine(run: RunRecord, scenario: Scenario) -> str:
    figure, axes = panel("Queue and engine", "requests")
    _bands(axes, run, scenario.end_s)
    at = [each.at for each in run.moments]
    axes.plot(
        at, [each.in_flight for each in run.moments], color="#1b7f5c", lw=1.4, label="in flight at the engine"
    )
    axes.plot(
        at, [each.queued for each in run.moments], color="#2d9cdb", lw=1.4, label="waiting in Pontlevis"
    )
    axes.plot(
        at,
        [each.engine_waiting for each in run.moments],
        color="#c0392b",
        lw=1.2,
        label="waiting in the engine",
    )
    if any(each.limit for each in run.moments):
        axes.plot(at, [each.limit for each in run.moments], color="#555555", lw=1, ls="--", label="limit")
    from_zero(axes)
    legend(axes, 4)
    return svg(figure)


def waits(runs: list[tuple[str, RunRecord, str]], scenario: Scenario) -> Figure:
    """Existing users' time to first token, one dot a request; refused ones at the top."""
    figure, axes = panel("Existing users' time to first token, each request", "seconds")
    for label, run, color in runs:
        mine = [each for each in run.outcomes if each.who == "existing"]
        good = [each for each in mine if each.status == 200 and each.ttft_s > 0]
        lost = [each for each in mine if not (each.status == 200 and each.ttft_s > 0)]
        axes.scatter(
            [each.at for each in good],
            [each.ttft_s for each in good],
            s=7,
            color=color,
            alpha=0.75,
            label=label,
            lw=0,
        )
        if lost:
            axes.scatter(
                [each.at for each in lost],
                [40.0] * len(lost),
                s=14,
                color=color,
                marker="x",
                lw=1,
                label=f"{label}: refused or lost",
            )
    axes.set_yscale("log")
    axes.set_ylim(0.01, 60)
    axes.set_xlim(0, scenario.end_s)
    axes.axvspan(scenario.attack_at, scenario.attack_end, color="#c0392b", alpha=0.06, lw=0)
    legend(axes, 3)
    return figure


def first_tokens(runs: list[tuple[str, RunRecord, str]], scenario: Scenario) -> str:
    return svg(waits(runs, scenario))


def cpu(run: RunRecord, scenario: Scenario) -> str:
    figure, axes = panel("CPU of each process", "cores")
    for name in sorted({name for _, held in run.cpu for name in held}):
        at: list[float] = []
        shares: list[float] = []
        for (begin, before), (end, after) in zip(run.cpu, run.cpu[1:], strict=False):
            if name in before and name in after and end > begin:
                at.append(end)
                shares.append((after[name] - before[name]) / (end - begin))
        axes.plot(at, shares, lw=1.3, label=name)
    axes.set_xlim(0, scenario.end_s)
    axes.set_ylim(bottom=0)
    legend(axes, 5)
    return svg(figure)
