"""The evaluation as a picture, and as a page that stands alone."""

import io
from html import escape
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from pontlevis.simulation.attacks.summary import ENFORCED_S, FINDING_S, Row

COLOURS = {
    "held": "#1b7f5c",
    "late": "#b7950b",
    "partly lost": "#d35400",
    "lost": "#c0392b",
    "wrong": "#c0392b",
}
NEVER_S = 6_000.0
"""Where the plot draws what never happened."""
_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1c2733;background:#fff}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.85rem}th,td{padding:.3rem .5rem;border-bottom:1px solid #d7dee6;text-align:left}
svg{max-width:100%;height:auto}.wide{overflow-x:auto}
@media(prefers-color-scheme:dark){body{background:#10161d;color:#e6edf3}th,td{border-color:#2b3743}svg{background:#fff;border-radius:6px}}"""


def write(path: Path, rows: list[Row]) -> None:
    """A picture where the name ends in .png, else a page with picture and figures."""
    if path.suffix == ".png":
        _figure(rows).savefig(path, dpi=110, bbox_inches="tight", metadata={"Software": None})
        return
    path.write_text(_page(rows), "utf-8")


def _figure(rows: list[Row]) -> Figure:
    attacks = [each for each in rows if each.hostile][::-1]
    with mpl.rc_context(
        {"font.size": 8, "axes.spines.top": False, "axes.spines.right": False, "svg.fonttype": "path", "svg.hashsalt": "pontlevis"}
    ):  # fmt: skip
        figure = Figure(figsize=(9.5, 1.2 + 0.19 * max(4, len(attacks))), layout="constrained")
        seconds, hit = figure.subplots(1, 2, width_ratios=(3, 1), sharey=True)
        for y, row in enumerate(attacks):
            median, worst = (
                NEVER_S if each is None else max(0.5, each)
                for each in (row.finding_s.median, row.finding_s.worst)
            )
            colour = COLOURS[row.outcome]
            seconds.plot([median, worst], [y, y], color=colour, lw=1.2, alpha=0.6)
            seconds.plot([median], [y], "o", color=colour, ms=4)
            hit.barh(y, 100 * row.through_share, color=colour, alpha=0.6, height=0.6)
        seconds.set_yticks(range(len(attacks)), [each.case for each in attacks])
        seconds.set_xscale("log")
        seconds.set_xlim(0.4, 1.5 * NEVER_S)
        for limit, label in ((FINDING_S, "5 s"), (ENFORCED_S, "10 s"), (NEVER_S, "never")):
            seconds.axvline(limit, color="#7b8794", lw=0.8, ls=":")
            seconds.text(limit, len(attacks) - 0.2, label, ha="center", va="bottom", fontsize=7)
        seconds.set_xlabel("from the first hostile act to a finding, s: median, and to the worst seed")
        seconds.grid(axis="x", alpha=0.2)
        hit.set_xlabel("hostile acts that got through, %")
        hit.set_xlim(0, 100)
        seconds.set_ylim(-0.8, len(attacks) + 0.2)
    return figure


def _page(rows: list[Row]) -> str:
    out = io.StringIO()
    _figure(rows).savefig(out, format="svg", metadata={"Date": None}, bbox_inches="tight")
    text = out.getvalue()
    lines = "".join(
        f"<tr><td><code>{escape(each.case)}</code></td><td>{escape(each.says)}</td><td>{each.runs}</td><td>{_s(each.finding_s.median)}</td>"
        f"<td>{_s(each.finding_s.worst)}</td><td>{_s(each.enforced_s.median)}</td><td>{each.missed_share:.0%}</td><td>{each.through_share:.0%}</td>"
        f"<td>{each.existing_hit_share:.2%}</td><td>{each.newcomers_hit_share:.2%}</td><td>{each.signups_refused_share:.0%}</td>"
        f"<td>{each.false_suspensions}</td><td>{each.most_transitions}</td><td>{escape(', '.join(each.detectors))}</td><td>{each.outcome}</td></tr>"
        for each in rows
    )
    head = "".join(
        f"<th>{each}</th>"
        for each in (
            "case", "what happens", "runs", "finding, median", "worst", "in force", "missed", "got through", "existing hit",
            "newcomers hit", "sign-ups refused", "wrongly suspended", "most moves", "detectors", "",
        )
    )  # fmt: skip
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Detection in virtual time</title><style>{_STYLE}</style><h1>Detection and posture in virtual time</h1>"
        f"{text[text.index('<svg') :]}"
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div></html>'
    )


def _s(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"
