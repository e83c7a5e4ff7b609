"""The evaluation as Markdown, for the page of the docs that the command itself renews."""

from collections.abc import Iterable

from pontlevis.simulation.attacks.cases import CASES
from pontlevis.simulation.attacks.scale import Scale
from pontlevis.simulation.attacks.summary import ENFORCED_S, FINDING_S, Row, Spread

BEGIN = "<!-- evaluation: written by `pontlevis simulate --detection --markdown` -->"
END = "<!-- evaluation: end -->"
_ATTACK = "| case | what happens | finding, s | in force, s | shut, s | suspended, s | missed | got through | existing hit | newcomers hit | hit by right | sign-ups refused | moves | |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |"
_HONEST = "| case | what happens | runs | suspended | accused | busy | existing hit | newcomers hit | hit by right | sign-ups refused | |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |"


def renewed(page: str, text: str) -> str:
    """``page`` with ``text`` between its markers. Raises ValueError where they are missing."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no lines {BEGIN!r} and {END!r} to write between")
    return f"{head}{BEGIN}\n\n{text}\n{END}{tail}"


def markdown(rows: list[Row], scales: list[Scale], *, seeds: int) -> str:
    """Tables by group, what they come to, and the cases that are lost by name."""
    attacks, honest = [each for each in rows if each.hostile], [each for each in rows if not each.hostile]
    parts = [_in_short(attacks, honest, seeds), _lost(rows)]
    absent = [name for name in CASES if name not in {each.case for each in rows}]
    if absent:
        parts.append("**Not played this time:** " + ", ".join(f"`{name}`" for name in absent) + ".\n")
    for group in dict.fromkeys(each.group for each in rows):
        members = [each for each in rows if each.group == group]
        parts.append(f"### {group[0].upper()}{group[1:]}\n")
        parts.append(_table(members))
    if scales:
        parts.append("### Scale\n")
        parts.append(_scale(scales))
    return "\n".join(parts)


def _in_short(attacks: list[Row], honest: list[Row], seeds: int) -> str:
    lines = [
        f"{sum(each.runs for each in [*attacks, *honest]):,} runs of {len(attacks) + len(honest)} cases ({seeds} seeds, fewer or more where a row says so), "
        f"{sum(each.observations for each in [*attacks, *honest]):,} acts, {sum(each.cpu_s for each in [*attacks, *honest]) / 60:.0f} minutes of CPU.\n"
    ]
    if attacks:
        held = sum(each.outcome == "held" for each in attacks)
        medians = sorted(
            each.finding_s.median if each.finding_s.median is not None else float("inf") for each in attacks
        )
        middle = medians[(len(medians) - 1) // 2]
        lines.append(
            f"- Attacks: {held} of {len(attacks)} cases are held (found within {FINDING_S:g} s and answered within {ENFORCED_S:g} s in the median), "
            f"{sum(each.outcome == 'late' for each in attacks)} are late, {sum(each.outcome in ('lost', 'partly lost') for each in attacks)} are lost in part or whole. "
            f"The median of the cases' medians to a finding is {'never' if middle == float('inf') else f'{middle:.1f} s'}."
        )
    crowds = [each for each in honest if each.group == "crowds"]
    if crowds:
        lines.append(f"- Honest crowds: {sum(each.false_suspensions for each in crowds)} suspensions in {sum(each.runs for each in crowds)} runs, {sum(each.false_findings for each in crowds)} accusations.")  # fmt: skip
    faults = [each for each in honest if each.group != "crowds"]
    if faults:
        lines.append(f"- Faults that are nobody's attack: {sum(each.false_suspensions for each in faults)} suspensions in {sum(each.runs for each in faults)} runs, {sum(each.false_findings for each in faults)} accusations.")  # fmt: skip
    return "\n".join(lines) + "\n"


def _lost(rows: list[Row]) -> str:
    lines = []
    for outcome, words in (
        ("lost", "Lost"),
        ("partly lost", "Lost in part"),
        ("late", "Late"),
        ("wrong", "Wrongly accused"),
    ):
        named = [each for each in rows if each.outcome == outcome]
        if named:
            lines.append(
                f"**{words}:** " + "; ".join(f"`{each.case}` ({each.says})" for each in named) + ".\n"
            )
    hit = [each for each in rows if each.existing_hit_share > 0.001]
    if hit:
        lines.append("**Existing users hit beyond 0.1 %:** " + ", ".join(f"`{each.case}` {_percent(each.existing_hit_share)}" for each in hit) + ".\n")  # fmt: skip
    return "\n".join(lines)


def _table(rows: Iterable[Row]) -> str:
    lines: list[str] = []
    for each in rows:
        if not lines:
            lines.append(_ATTACK if each.hostile else _HONEST)
        by_right = f"{_percent(each.existing_refused_share - each.existing_hit_share)}, {_percent(each.newcomers_refused_share - each.newcomers_hit_share)}"
        collateral = f"{_percent(each.existing_hit_share)} | {_percent(each.newcomers_hit_share)} | {by_right} | {_percent(each.signups_refused_share)}"
        runs = f", {each.runs} runs"
        if each.hostile:
            suspended = f"{_some(each.shut_s, each.shut_runs, each.runs)} | {_some(each.suspended_s, each.suspended_runs, each.runs)}"
            lines.append(
                f"| `{each.case}` | {each.says}{runs} | {_spread(each.finding_s)} | {_spread(each.enforced_s)} | {suspended} | {_percent(each.missed_share)} | "
                f"{_percent(each.through_share)} | {collateral} | {each.transitions:g} / {each.most_transitions} | {each.outcome} |"
            )
        else:
            lines.append(
                f"| `{each.case}` | {each.says} | {each.runs} | {each.false_suspensions} | {each.false_findings} | {each.busy_runs} | {collateral} | {each.outcome} |"
            )
    return "\n".join(lines) + "\n"


def _scale(scales: list[Scale]) -> str:
    lines = [
        "| live sources | one act, µs | tick, ms, median / worst | memory, MiB |",
        "| ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {each.sources:,} | {each.observation_us:.1f} | {each.tick_ms:.1f} / {each.worst_tick_ms:.1f} | {each.memory_mib:.0f} |"
        for each in scales
    ]
    return "\n".join(lines) + "\n"


def _spread(spread: Spread) -> str:
    return " / ".join(_seconds(each) for each in (spread.median, spread.p90, spread.worst))


def _some(spread: Spread, happened: int, runs: int) -> str:
    """The median where it happened in most runs, else in how many."""
    if 2 * happened > runs:
        return _seconds(spread.median)
    return f"{happened} of {runs}" if happened else "–"


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _percent(share: float) -> str:
    if share == 0:
        return "0"
    return f"{share:.2%}" if share < 0.01 else f"{share:.0%}"
