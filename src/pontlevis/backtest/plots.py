"""A backtest's plots: rates by kind, good and bad, findings as spans; posture as bands in all of them."""

from datetime import UTC, datetime
from itertools import pairwise
from math import ceil

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter

from pontlevis.backtest.result import BacktestResult
from pontlevis.plotting import BANDS, legend, panel, svg

KINDS = {
    "request": ("calls of the API", "#1b7f5c"),
    "login": ("log-ins", "#b7950b"),
    "signup": ("sign-ups", "#8e44ad"),
    "page": ("pages", "#2d9cdb"),
}
HOSTILE, MERE = "#c0392b", "#8a949b"
DAY_S = 86_400.0
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
"""Between two marks of the axis of time."""
MOST_MARKS = 8
ROWS = 14
"""Detectors drawn at most."""


def _day(at: float) -> float:
    return at / DAY_S


def _frame(axes: Axes, result: BacktestResult) -> None:
    first, last = result.first_at or 0.0, max(result.last_at or 1.0, (result.first_at or 0.0) + 1)
    spans = [(each.at_s, each.posture) for each in result.postures]
    for (begin, posture), (end, _) in pairwise([*spans, (last, "")]):
        if posture in BANDS:
            axes.axvspan(_day(begin), _day(end), color=BANDS[posture], alpha=0.18, lw=0)
    axes.set_xlim(_day(first), _day(last))
    axes.xaxis.set_major_locator(FixedLocator([_day(at) for at in _marks(first, last)]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: _label(at, last - first)))


def _marks(first: float, last: float) -> list[float]:
    """Round times of the clock, UTC."""
    step = next((each for each in STEPS_S if last - first <= MOST_MARKS * each), STEPS_S[-1])
    step *= max(1, ceil((last - first) / (MOST_MARKS * step)))
    begin = ceil(first / step) * step
    return [begin + n * step for n in range(int((last - begin) // step) + 1)]


def _label(at: float, span: float) -> str:
    """As much of the time as tells the marks apart."""
    form = "%d %b" if span > 8 * DAY_S else "%d %b %H:%M" if span > DAY_S / 2 else "%H:%M:%S"
    return datetime.fromtimestamp(round(at * DAY_S), UTC).strftime(form)


def _lines(result: BacktestResult, title: str, chosen: dict[str, tuple[str, str]]) -> str:
    width = result.rates.width
    figure, axes = panel(title, f"1/s, mean of {width} s", below="UTC")
    _frame(axes, result)
    at = [_day(each) for each in result.rates.times()]
    for what, (label, color) in chosen.items():
        series = result.rates.series(what)
        if any(series):
            axes.step(at, series, where="post", color=color, lw=1.2, label=label)
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(bottom=0)
    legend(axes, 4)
    return svg(figure)


def rates(result: BacktestResult) -> str:
    """Acts a second by kind."""
    return _lines(result, "What was tried, by kind (logarithmic above 1/s)", KINDS)


def outcomes(result: BacktestResult) -> str:
    """Acts a second by how they ended."""
    return _lines(
        result,
        "How it ended (logarithmic above 1/s)",
        {
            "good": ("well", "#1b7f5c"),
            "bad": ("bad credential, unknown, malformed", "#c0392b"),
            "turned_away": ("of sources under a decision", "#555555"),
        },
    )


def findings(result: BacktestResult) -> str:
    """When each detector spoke."""
    names = sorted({each.detector for each in result.findings})[:ROWS]
    figure, axes = panel("Findings", "", below="UTC", height=0.9 + 0.28 * max(1, len(names)))
    _frame(axes, result)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, max(0.6, len(names) - 0.4))
    least = ((result.last_at or 0.0) - (result.first_at or 0.0)) / 400
    for each in result.findings:
        if each.detector in names:
            begin, end = each.since_s, max(each.until_s, each.since_s + least)
            axes.barh(
                names.index(each.detector), _day(end) - _day(begin), left=_day(begin), height=0.55,
                color=HOSTILE if each.hostile else MERE, lw=0,
            )  # fmt: skip
    return svg(figure)
