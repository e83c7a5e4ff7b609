"""The curve as a page that stands alone."""

import io
from html import escape

import matplotlib as mpl
from matplotlib.figure import Figure

from pontlevis.simulation.world.curve import CONTENDERS, Point
from pontlevis.simulation.world.population import WorldShape

COLOURS = {
    "fifo": "#b7950b",
    "rate-limiter": "#c0392b",
    "strict": "#8e44ad",
    "pontlevis": "#2d9cdb",
    "pontlevis-under-attack": "#1b7f5c",
}
_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2733;background:#fff}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{padding:.35rem .6rem;border-bottom:1px solid #d7dee6;text-align:right}
th:first-child,td:first-child{text-align:left}svg{max-width:100%;height:auto}.wide{overflow-x:auto}
@media(prefers-color-scheme:dark){body{background:#10161d;color:#e6edf3}th,td{border-color:#2b3743}svg{background:#fff;border-radius:6px}}"""


def page(points: list[Point], world: WorldShape, seed: int) -> str:
    """HTML with two plots and all figures."""
    rows = "".join(
        f"<tr><td>{escape(each.name)}</td><td>{each.hostile:g} ×</td><td>{each.existing_goodput:.1%}</td>"
        f"<td>{each.existing_ttft_p50_s:.2f} s</td><td>{each.existing_ttft_p99_s:.2f} s</td>"
        f"<td>{each.newcomers_goodput:.1%}</td><td>{each.hostile_share:.1%}</td><td>{each.requests:,}</td></tr>"
        for each in points
    )
    said = (
        f"{world.engines:,} engines, {world.accounts:,} accounts, {world.duration_s:g} s of virtual time, seed {seed}. "
        f"Honest load is {world.honest_share:.0%} of what the engines can do. An existing user is served when the first "
        f"token comes within {world.deadline_s:g} s and the answer is not cut."
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Simulation</title><style>{_STYLE}</style><h1>Simulation</h1><p>{escape(said)}</p>"
        f"{_plot(points, 'existing_goodput', 'existing users served', percent=True)}"
        f"{_plot(points, 'existing_ttft_p99_s', 'their time to first token, p99, s', percent=False)}"
        '<div class="wide"><table><thead><tr><th>who decides</th><th>hostile load</th><th>existing served</th><th>p50</th>'
        "<th>p99</th><th>newcomers served</th><th>hostile share of slots</th><th>requests</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div></html>"
    )


def _plot(points: list[Point], field: str, label: str, *, percent: bool) -> str:
    with mpl.rc_context(
        {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.fonttype": "path", "svg.hashsalt": "pontlevis"}
    ):  # fmt: skip
        figure = Figure(figsize=(8.0, 3.4))
        axes = figure.subplots()
        for name in CONTENDERS:
            mine = sorted((each for each in points if each.contender == name), key=lambda each: each.offered)
            if mine:
                values = [getattr(each, field) * (100 if percent else 1) for each in mine]
                axes.plot([each.offered for each in mine], values, "o-", color=COLOURS[name], label=mine[0].name, lw=2)  # fmt: skip
        axes.set_xscale("log")
        axes.set_xlabel("offered load, of the engines' capacity")
        axes.set_ylabel(label + (", %" if percent else ""))
        if percent:
            axes.set_ylim(-2, 104)
        else:
            axes.set_yscale("log")
        axes.grid(alpha=0.25)
        axes.legend(frameon=False, loc="best")
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None}, bbox_inches="tight")
    text = out.getvalue()
    return text[text.index("<svg") :]
