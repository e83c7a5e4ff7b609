"""How every report draws: SVG that stands alone in a page. Knows nobody."""

import io

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter, SymmetricalLogLocator

BANDS = {"elevated": "#f2c94c", "under_attack": "#e05b4b", "recovering": "#5b8fd9"}
"""Colour of each posture but ``normal``."""
STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:0 auto;padding:1rem;color:#1d2429;background:#faf9f6}
h1{font-size:1.6rem;margin:.4rem 0}h2{font-size:1.1rem;margin:1.6rem 0 .4rem}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.35rem .6rem .35rem 0;border-bottom:1px solid #ddd;vertical-align:top}
.ok{color:#1b7f5c;font-weight:600}.miss{color:#b03325;font-weight:600}.soft{color:#667}svg{width:100%;height:auto;background:#fff;border:1px solid #e4e2dc;border-radius:8px;margin:.4rem 0}
.key span{display:inline-block;width:.9rem;height:.9rem;vertical-align:-2px;margin:0 .3rem 0 .9rem;border-radius:3px}.scroll{overflow-x:auto}
@media (max-width:40rem){.plots{overflow-x:auto}.plots svg{min-width:38rem}}
"""
"""Style sheet of a report's page."""
mpl.rcParams.update(
    {
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.fonttype": "path",
        "svg.hashsalt": "pontlevis",
    }
)


def svg(figure: Figure) -> str:
    """The figure as an element of a page; the same figure gives the same text."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None}, bbox_inches="tight")
    text = out.getvalue()
    return text[text.index("<svg") :]


def panel(title: str, label: str, *, below: str = "seconds", height: float = 2.9) -> tuple[Figure, Axes]:
    """One plot as wide as a page; ``label`` names the upright axis, ``below`` the other."""
    figure = Figure(figsize=(9, height))
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
    axes.set_ylabel(label)
    axes.set_xlabel(below)
    axes.grid(axis="y", alpha=0.25)
    return figure, axes


def from_zero(axes: Axes) -> None:
    """An upright axis that shows few and very many: even up to ten, by powers above, in plain numbers."""
    axes.set_yscale("symlog", linthresh=10)
    axes.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=10, subs=[1, 2, 5]))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_ylim(bottom=0)


def legend(axes: Axes, columns: int) -> None:
    """Below the plot, where there is anything to explain."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7, ncols=columns, loc="upper left", bbox_to_anchor=(0, -0.2), frameon=False)
