"""An investigation's plots, as SVG that stands alone in a page."""

from collections.abc import Mapping
from datetime import UTC, datetime

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from pontlevis.investigation.result import Investigation, Line
from pontlevis.investigation.tongue import Tongue
from pontlevis.plotting import BANDS, legend, panel, svg

_FORMATS = ["%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M", "%H:%M:%S"]
_OFFSETS = ["", "%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%d", "%Y-%m-%d %H:%M"]
"""Figures alone: names of months would be in one language."""
HOSTILE, OTHER = "#c0392b", "#1b7f5c"


def _days(at: float) -> float:
    """As matplotlib counts: days since 1970."""
    return at / 86_400.0


def dated(axes: Axes, since: float, until: float) -> None:
    """Times of day below, UTC."""
    axes.set_xlim(_days(since), _days(max(until, since + 1)))
    locator = AutoDateLocator(tz=UTC)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    told = ConciseDateFormatter(  # type: ignore[no-untyped-call]
        locator, tz=UTC, formats=_FORMATS, zero_formats=_FORMATS, offset_formats=_OFFSETS
    )
    axes.xaxis.set_major_formatter(told)


def end_of(made: Investigation) -> float:
    """Where a plot ends: a tenth after the last thing seen, for an incident may stay open long after it."""
    series = made.series
    busy = [place for place in range(len(series.hostile)) if series.hostile[place] + series.other[place] > 0]
    last = series.start + (busy[-1] + 1) * series.width if busy else made.until
    last = max([last, *(each.at for each in made.timeline)])
    return min(made.until, last + 0.1 * (last - made.since))


def postures(axes: Axes, timeline: list[Line], until: float) -> None:
    """Bands of colour where the posture was not normal."""
    told = [(each.at, each.outcome.partition(",")[0]) for each in timeline if each.event == "posture"]
    for (begin, word), (end, _) in zip(told, [*told[1:], (until, "")], strict=False):
        if word in BANDS:
            axes.axvspan(_days(begin), _days(end), color=BANDS[word], alpha=0.16, lw=0)


def acts(made: Investigation, tongue: Tongue) -> str:
    """Acts a second, hostile and others, over the posture in force."""
    figure, axes = panel(tongue("report.p_acts"), tongue("report.p_acts_unit"), below=tongue("report.p_time"))
    series = made.series
    at = [_days(series.start + place * series.width) for place in range(len(series.hostile))]
    postures(axes, made.timeline, made.until)
    axes.fill_between(
        at, [each / series.width for each in series.hostile], step="post", color=HOSTILE, alpha=0.35, lw=0
    )
    axes.step(
        at,
        [each / series.width for each in series.hostile],
        where="post",
        color=HOSTILE,
        lw=1.2,
        label=tongue("report.p_hostile"),
    )
    axes.step(
        at,
        [each / series.width for each in series.other],
        where="post",
        color=OTHER,
        lw=1.2,
        label=tongue("report.p_other"),
    )
    top = max([*series.hostile, *series.other, 1.0]) / series.width
    if top > 50:
        axes.set_yscale("symlog", linthresh=10)
    axes.set_ylim(bottom=0)
    dated(axes, made.since, end_of(made))
    legend(axes, 2)
    return svg(figure)


def spans(made: Investigation, tongue: Tongue, names: Mapping[str, str] | None = None) -> str:
    """From when to when each cluster was there; empty where there is none."""
    shown = [each for each in made.clusters if each.behaviour != "known"][:12]
    if not shown:
        return ""
    figure, axes = panel(
        tongue("report.p_spans"), "", below=tongue("report.p_time"), height=0.9 + 0.32 * len(shown)
    )
    for place, each in enumerate(reversed(shown)):
        axes.barh(
            place,
            max(_days(each.last_at) - _days(each.first_at), 1e-6),
            left=_days(each.first_at),
            height=0.6,
            color=HOSTILE if each.hostile else "#9aa3ab",
        )
    axes.set_yticks(
        range(len(shown)), [(names or {}).get(each.id, each.id) for each in reversed(shown)], fontsize=8
    )
    axes.grid(axis="x", alpha=0.25)
    dated(axes, made.since, end_of(made))
    return svg(figure)


def clock(at: float) -> str:
    """``2025-01-28 12:00:05 UTC``."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
