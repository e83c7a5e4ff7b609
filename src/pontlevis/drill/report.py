"""A drill as one page that needs nothing else, and as JSON."""

from dataclasses import asdict
from html import escape
from pathlib import Path

import msgspec

from pontlevis.drill import plots
from pontlevis.drill.run import RunRecord
from pontlevis.drill.scenario import Scenario
from pontlevis.drill.scorecard import Line, Scorecard, lines
from pontlevis.plotting import BANDS, STYLE


def as_json(card: Scorecard, baseline: RunRecord, attacked: RunRecord) -> bytes:
    """The scorecard and the timeline, for programs."""
    body = asdict(card) | {
        "existing_goodput_ratio": card.existing_goodput_ratio,
        "existing_ttft_p99_ratio": card.existing_ttft_p99_ratio,
        "timeline": attacked.transitions,
        "not_sent": attacked.not_sent,
        "generator_late_p99_s": attacked.generator_late_p99_s,
        "engine": attacked.engine,
        "cpu_s": cpu_totals(attacked),
        "runs": {"baseline": baseline, "attacked": attacked},
    }
    return msgspec.json.encode(body)


def cpu_totals(run: RunRecord) -> dict[str, float]:
    """CPU seconds by process over the run."""
    totals: dict[str, float] = {}
    for _, held in run.cpu:
        for name, seconds in held.items():
            totals[name] = max(totals.get(name, 0.0), seconds)
    return totals


def html(card: Scorecard, scenario: Scenario, baseline: RunRecord, attacked: RunRecord) -> str:
    """The report."""
    title = "Drill of the January case" + ("" if card.defence else ", without defence")
    rows = "".join(_row(each) for each in lines(card))
    timeline = (
        "".join(
            f"<tr><td class=one>{float(str(each['at'])):.1f} s</td><td>{escape(str(each['posture']))}, registration {escape(str(each['registration']))}"
            f"</td><td>{escape(str(each['reason']))}</td></tr>"
            for each in attacked.transitions
        )
        or '<tr><td colspan="3" class="soft">The posture did not change.</td></tr>'
    )
    runs = [
        ("without attack", baseline, "#8a949b"),
        ("under attack", attacked, "#1b7f5c" if card.defence else "#c0392b"),
    ]
    used = ", ".join(
        f"{escape(name)} {seconds:.1f} s" for name, seconds in sorted(cpu_totals(attacked).items())
    )
    key = "".join(
        f'<span style="background:{color};opacity:.4"></span>{name.replace("_", " ")}'
        for name, color in BANDS.items()
    )
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title}</title><style>{STYLE}.one{{white-space:nowrap}}</style></head><body><h1>{title}</h1>
<p class="soft">Seed {card.seed}. Real processes on loopback; synthetic traffic on real load shapes: lengths from Azure's conversation trace (2023), burstiness and shares of users from a day of DeepSeek-R1 production load (ServeGen). The attack lasts from second {scenario.attack_at:.0f} to {scenario.attack_end:.0f}, its wave from {scenario.wave_at:.0f} to {scenario.wave_end:.0f}; both runs are compared over the same seconds with the same honest arrivals. Dwell and recovery times are {1 / scenario.posture_scale:.0f} times shorter than by default; detection is not changed.</p>
<table><thead><tr><th>Figure</th><th>Measured</th><th>Target</th><th></th></tr></thead><tbody>{rows}</tbody></table>
<p class="key soft">Posture:{key}</p>
<div class="plots">{plots.first_tokens(runs, scenario)}{plots.load(attacked, scenario)}{plots.answered(attacked, scenario)}{plots.engine(attacked, scenario)}{plots.cpu(attacked, scenario)}</div>
<p class="soft">CPU used: {used}. Acts not sent because the generator was full: {escape(str(attacked.not_sent or "none"))}. Lateness of the generator, p99: {attacked.generator_late_p99_s * 1000:.0f} ms.</p>
<h2>What the service did</h2><div class="scroll"><table><tbody>{timeline}</tbody></table></div>
</body></html>
"""


def _row(line: Line) -> str:
    mark = "" if line.met is None else '<td class="ok">ok</td>' if line.met else '<td class="miss">miss</td>'
    target = escape(line.target.replace(">=", "≥").replace("<=", "≤"))
    return f"<tr><td>{escape(line.name)}</td><td>{escape(line.value)}</td><td class=one>{target}</td>{mark or '<td></td>'}</tr>"


class _Runs(msgspec.Struct):
    baseline: RunRecord
    attacked: RunRecord


class _Saved(msgspec.Struct):
    runs: _Runs


def picture(files: list[Path], target: Path, scenario: Scenario) -> None:
    """One picture of several drills' JSON: existing users' waits, with and without defence.

    Raises ``msgspec.DecodeError`` for a file that is no drill's.
    """
    runs: list[tuple[str, RunRecord, str]] = []
    for file in files:
        saved = msgspec.json.decode(file.read_bytes(), type=_Saved).runs
        defended = saved.attacked.defence
        runs.append(
            (
                "with Pontlevis" if defended else "without defence",
                saved.attacked,
                "#1b7f5c" if defended else "#c0392b",
            )
        )
    runs.sort(key=lambda each: each[1].defence)
    plots.waits(runs, scenario).savefig(target, dpi=150, bbox_inches="tight")
