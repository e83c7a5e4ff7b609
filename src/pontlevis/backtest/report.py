"""A backtest as JSON for programs, and as one page that needs nothing else."""

from collections.abc import Sequence
from html import escape

import msgspec

from pontlevis.backtest.logs import FileReport
from pontlevis.backtest.result import BacktestResult, moment

MOST_ROWS = 500
"""Rows of one table in the page."""
NARROW = """
.plots svg{box-sizing:border-box}
@media (max-width:40rem){
.rows thead{display:none}.rows table,.rows tbody,.rows tr,.rows td{display:block;width:auto}
.rows tr{border-bottom:1px solid #ccc;padding:.4rem 0}.rows td{border:0;padding:.1rem 0;overflow-wrap:anywhere}
.rows td:empty{display:none}.rows td::before{content:attr(data-head) " ";color:#667;font-size:.85em}}
"""
"""On a phone each row of a table is a paragraph, and plots are moved sideways."""
MEANING = {
    "calm": "Nothing in these logs is far from usual.",
    "crowd": "Many came, and nobody among them showed two hostile signs.",
    "attack": "Somebody is accused.",
    "crowd+attack": "A crowd came, and somebody else besides is accused.",
    "overload": "Existing users waited, and neither a crowd nor an attack explains it.",
}


def as_json(result: BacktestResult, files: list[FileReport], disorder: tuple[int, int, float]) -> bytes:
    """``findings``, ``verdicts``, ``postures``, ``registration``, ``decisions``, and what they rest on."""
    late, set_back, set_back_s = disorder
    body = {
        "findings": result.findings,
        "verdicts": result.verdicts,
        "postures": result.postures,
        "registration": result.registration,
        "decisions": result.decisions,
        "not_listed": result.not_listed,
        "from": moment(result.first_at) if result.first_at is not None else None,
        "to": moment(result.last_at) if result.last_at is not None else None,
        "acts": result.kinds,
        "turned_away": result.turned_away,
        "turned_away_that_ended_well": result.turned_away_good,
        "posture_s": result.posture_s,
        "verdict_s": result.verdict_s,
        "files": files,
        "lines_late": late,
        "clock_set_back": set_back,
        "clock_set_back_s": set_back_s,
    }
    return msgspec.json.format(msgspec.json.encode(body), indent=1)


def headline(result: BacktestResult) -> str:
    """The result in a sentence or two."""
    if result.first_at is None:
        return "There was nothing to replay."
    hostile = result.hostile
    alone = [each for each in hostile if each.local]
    wide = len(hostile) - len(alone)
    decided = len(result.decisions) + result.not_listed.get("decisions", 0)
    if not hostile:
        crowd = result.verdict_s.get("crowd", 0.0)
        more = f" For {_length(crowd)} a crowd was there." if crowd else ""
        if decided:
            more += f" {decided} decision{'' if decided == 1 else 's'} against what single sources did, each with its reason."
        return f"No attack was found.{more} {_risen(result)}"
    said = []
    if wide:
        said.append(f"{wide} finding{'s' if wide > 1 else ''} of an attack from many sources")
    if alone:
        said.append(f"{len(alone)} finding{'s' if len(alone) > 1 else ''} of sources that act alone")
    return f"{' and '.join(said)}; {decided} decision{'' if decided == 1 else 's'}. {_risen(result)}"


def _risen(result: BacktestResult) -> str:
    raised = {name: seconds for name, seconds in result.posture_s.items() if name != "normal"}
    if not raised:
        return "The posture would have stayed normal."
    spent = ", ".join(f"{name.replace('_', ' ')} for {_length(seconds)}" for name, seconds in raised.items())
    closed = any(each.mode == "suspended" for each in result.registration)
    return f"The posture would have been {spent}; registration {'suspended at times' if closed else 'never suspended'}."


def _length(seconds: float) -> str:
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {word}"
    return f"{seconds:.0f} s"


def html(result: BacktestResult, files: list[FileReport], disorder: tuple[int, int, float]) -> str:
    """The page."""
    # Not for those who ask for figures only: drawing takes longer to load and more memory than all the rest.
    from pontlevis.backtest import plots
    from pontlevis.plotting import BANDS, STYLE

    key = "".join(
        f'<span style="background:{color};opacity:.4"></span>{name.replace("_", " ")}'
        for name, color in BANDS.items()
    )
    span = ""
    if result.first_at is not None and result.last_at is not None:
        span = f"{moment(result.first_at)} to {moment(result.last_at)} ({_length(result.last_at - result.first_at)})"
    drawn = plots.rates(result) + plots.outcomes(result) + plots.findings(result) if span else ""
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Backtest</title><style>{STYLE}{NARROW}</style></head><body><h1>Backtest</h1>
<p><b>{escape(headline(result))}</b></p><p class="soft">{span}</p>
<div class="plots">{drawn}</div><p class="key soft">Posture:{key}. Findings: red accuses somebody, grey does not.</p>
{_table("Findings", ("from", "until", "detector", "sentence", "sources"), [(each.at, each.until, each.detector + ("" if each.hostile else " (accuses nobody)"), each.reason, ", ".join(each.sources[:8]) + (" …" if len(each.sources) > 8 else "")) for each in result.findings])}
{_table("Verdicts", ("at", "verdict", "why"), [(each.at, each.verdict.value, each.reason) for each in result.verdicts])}
{_table("Posture", ("at", "posture", "why"), [(each.at, f"{each.before} → {each.posture}" + (f", stage {each.stage + 1}" if each.posture == "recovering" else ""), each.reason) for each in result.postures])}
{_table("Registration", ("at", "mode", "why"), [(each.at, f"{each.mode}, {each.share:.0%} let through", each.reason) for each in result.registration])}
{_table("Decisions", ("at", "until", "against", "why"), [(each.at, each.until, f"{each.scope} {each.value}", each.reason) for each in result.decisions])}
<h2>What was read</h2>{_files(files, disorder)}
<p class="soft">Acts: {escape(", ".join(f"{count:,} {kind}" for kind, count in sorted(result.kinds.items())) or "none")}. Decisions would have turned away {result.turned_away:,} acts, of which {result.turned_away_good:,} ended well in the log. Admission, queueing and how users were served cannot be replayed from logs.</p>
</body></html>
"""


def _table(title: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return f'<h2>{title}</h2><p class="soft">None.</p>'
    head = "".join(f"<th>{each}</th>" for each in heads)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td data-head="{name}">{escape(cell)}</td>' for name, cell in zip(heads, row, strict=True)
        )
        + "</tr>"
        for row in rows[:MOST_ROWS]
    )
    more = f'<p class="soft">and {len(rows) - MOST_ROWS:,} more</p>' if len(rows) > MOST_ROWS else ""
    return f'<h2>{title}</h2><div class="scroll rows"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}'


def _files(files: list[FileReport], disorder: tuple[int, int, float]) -> str:
    rows = [
        (
            each.path,
            each.format,
            f"{each.lines:,}",
            f"{each.read:,}",
            f"{each.broken:,}",
            "; ".join(notes(each)),
        )
        for each in files
    ]
    table = _table("", ("file", "format", "lines", "acts", "broken", ""), rows).replace("<h2></h2>", "")
    said = disorder_notes(disorder)
    return table + (f'<p class="soft">{escape(" ".join(said))}</p>' if said else "")


def notes(file: FileReport) -> list[str]:
    """What an operator should know of how a file was read."""
    said = []
    if file.empty:
        said.append("empty")
    elif file.lines and not file.read:
        said.append("none of its lines tells of an act: is the format right, do its fields need --map?")
    if file.envelope:
        said.append(f"wrapped by {file.envelope}")
    if file.untimed:
        said.append(f"{file.untimed:,} lines bear no time: rates among them mean nothing")
    if file.cut_short:
        said.append(f"read as far as it goes: {file.cut_short}")
    said += [f"line {each}" for each in file.first_broken]
    return said


def disorder_notes(disorder: tuple[int, int, float]) -> list[str]:
    """What was out of order."""
    late, set_back, set_back_s = disorder
    said = []
    if late:
        said.append(f"{late:,} lines came too late for their time and were left out (see --reorder).")
    if set_back:
        said.append(
            f"The clock was set back {set_back} time{'s' if set_back > 1 else ''}, by {set_back_s:.0f} s in all: "
            "times after that are later here than in the log."
        )
    return said
