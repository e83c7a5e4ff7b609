"""Plots as scalable drawings: lines over the postures' bands, with words for who cannot see them."""

from dataclasses import dataclass

from pontlevis.brain.posture.state import PostureState, Transition
from pontlevis.brain.vocabulary import EXISTING, Posture, Standing
from pontlevis.web.ports import Series

RANGES = (10, 60, 360, 1_440)
"""Minutes that a reader may choose."""
WIDTH = 1_000.0
HEIGHT = 100.0
"""Of the drawing's own units; it is stretched to the room there is, the strokes are not."""
_STANDINGS = tuple(sorted(Standing, reverse=True))


@dataclass(frozen=True, slots=True)
class Line:
    """One line. ``key`` names its text, ``style`` its colour and dashes."""

    key: str
    style: str
    path: str
    last: float
    most: float
    quiet: bool
    """Nothing but noughts: it would only cover the axis."""


@dataclass(frozen=True, slots=True)
class Band:
    """A posture behind the lines, in the drawing's units."""

    posture: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Plot:
    """One drawing. ``unit``: ``rate`` (a second), ``seconds``, ``share`` or ``count``."""

    name: str
    unit: str
    top: float
    lines: list[Line]
    bands: list[Band]
    begin: float
    end: float

    @property
    def shown(self) -> list[Line]:
        return [each for each in self.lines if not each.quiet]


def plots(series: Series, changes: list[Transition], state: PostureState) -> list[Plot]:
    """Everything that the console draws. ``changes``: newest first."""
    begin = series.at[0] - series.step_s
    bands = _bands(begin, series.at[-1], changes, state)

    def plot(name: str, unit: str, floor: float, columns: list[tuple[str, str, list[float]]]) -> Plot:
        top = nice(max([floor, *(max(values) for _, _, values in columns)]))
        lines = [_line(key, style, values, top) for key, style, values in columns]
        return Plot(name, unit, top, lines, bands, begin, series.at[-1])

    of = series.columns

    def by_standing(name: str) -> list[tuple[str, str, list[float]]]:
        return [(f"op.b_{each.word}", f"s{each.value}", of[f"{name}_{each.word}"]) for each in _STANDINGS]

    def existing(name: str) -> list[float]:
        return [max(values) for values in zip(*(of[f"{name}_{each.word}"] for each in EXISTING), strict=True)]

    def others(name: str) -> list[float]:
        rest = [each for each in Standing if each not in EXISTING]
        return [max(values) for values in zip(*(of[f"{name}_{each.word}"] for each in rest), strict=True)]

    return [
        plot("admitted", "rate", 1.0, by_standing("admitted")),
        plot("refused", "rate", 1.0, by_standing("refused")),
        plot(
            "wait",
            "seconds",
            0.1,
            [
                ("con.l_ttft_existing", "l1", existing("ttft_p99")),
                ("con.l_wait_existing", "l2", existing("wait_p99")),
                ("con.l_wait50_existing", "l3", existing("wait_p50")),
                ("con.l_wait_others", "l4", others("wait_p99")),
            ],
        ),
        plot(
            "signups",
            "rate",
            1.0,
            [("con.l_made", "l1", of["signups_made"]), ("con.l_turned", "l4", of["signups_refused"])],
        ),
        plot(
            "logins",
            "rate",
            1.0,
            [
                ("con.l_ok", "l1", of["logins_ok"]),
                ("con.l_wrong", "l4", of["logins_failed"]),
                ("con.l_turned", "l3", of["logins_refused"]),
            ],
        ),
        plot("engines", "share", 1.0, [("con.l_busy", "l1", of["busy"])]),
    ]


def nice(most: float) -> float:
    """The least of 1, 2, 5, 10 … that is no less: an axis that a reader can halve in their head."""
    size = 1.0
    while size > most:
        size /= 10
    while size * 10 < most:
        size *= 10
    return next(size * each for each in (1, 2, 5, 10) if size * each >= most * 0.999_999)


def _line(key: str, style: str, values: list[float], top: float) -> Line:
    steps = max(1, len(values) - 1)
    points = "L".join(
        f"{WIDTH * place / steps:.0f} {HEIGHT * (1 - min(1.0, value / top)):.1f}"
        for place, value in enumerate(values)
    )
    return Line(key, style, f"M{points}", values[-1], max(values), not any(values))


def _bands(begin: float, end: float, changes: list[Transition], state: PostureState) -> list[Band]:
    """From the newest change back to the beginning; what was before the oldest known one, it tells itself."""
    found: list[Band] = []
    until = end

    def add(since: float, posture: Posture) -> None:
        nonlocal until
        left = max(begin, since)
        if left < until and posture is not Posture.NORMAL:
            scale = WIDTH / (end - begin)
            found.append(
                Band(posture.value, round((left - begin) * scale, 1), round((until - left) * scale, 1))
            )
        until = min(until, left)

    real = [each for each in changes if not each.dry_run]
    for each in real:
        add(each.at, each.after.posture)
        if until <= begin:
            break
    add(begin, real[-1].before.posture if real else state.posture)
    return found
