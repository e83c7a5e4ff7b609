"""The part of a report that says what would have caught it sooner."""

from typing import TYPE_CHECKING

from pontlevis.investigation.document import Block, Bullets, Paragraph, Table
from pontlevis.investigation.proposals import Trial
from pontlevis.investigation.tongue import Tongue

if TYPE_CHECKING:
    from pontlevis.investigation.report import Story

_COLUMNS = ("settings", "t_raised", "t_attack", "t_decided", "t_held", "t_hit", "t_alarms", "state")


def proposals(story: "Story", tongue: Tongue) -> list[Block]:
    """How it was tried, what is proposed, and every trial."""
    search, onset = story.search, story.onset
    blocks: list[Block] = [
        Paragraph(
            tongue(
                "report.tried_about",
                trials=len(search.trials),
                source=tongue.named("source", search.source),
                acts=search.acts,
                length=search.before_s,
                before=search.before_acts,
            )
        )
    ]
    blocks.extend(Paragraph(tongue.say(each)) for each in search.notes)
    if search.current is None:
        return blocks
    current = search.current
    blocks.append(
        Bullets([_proposed(each, current, onset, tongue) for each in search.proposals])
        if search.proposals
        else Paragraph(tongue("report.nothing_proposed"))
    )
    rows = []
    for each in (current, *search.trials):
        mark = "in_force" if each is current else "is_proposed" if each in search.proposals else ""
        rows.append(_row(each, onset, tongue(f"report.{mark}") if mark else "", tongue))
    heads = tuple(tongue(f"report.{each}") for each in _COLUMNS)
    return [*blocks, Table(heads, rows, tongue("report.none"))]


def _changes(trial: Trial, tongue: Tongue) -> list[str]:
    return [
        f"{each.section}.{each.name} {tongue.short(each.old)} → {tongue.short(each.new)}"
        for each in trial.changes
    ]


def _proposed(trial: Trial, current: Trial, onset: float, tongue: Tongue) -> str:
    gains = []
    for name, at, was in (
        ("raised", trial.raised_at, current.raised_at),
        ("attack", trial.attack_at, current.attack_at),
        ("decided", trial.decided_at, current.decided_at),
    ):
        if at is not None and was is None:
            gains.append(tongue(f"report.gain_{name}_never", length=max(0.0, at - onset)))
        elif at is not None and was is not None and at < was:
            gains.append(tongue(f"report.gain_{name}", length=was - at))
    return tongue(
        "report.proposed",
        changes=_changes(trial, tongue),
        gains=gains,
        hit=trial.known_hit,
        was=current.known_hit,
    )


def _row(trial: Trial, onset: float, mark: str, tongue: Tongue) -> tuple[str, ...]:
    def after(at: float | None) -> str:
        return tongue("report.never") if at is None else tongue.length(max(0.0, at - onset))

    return (
        tongue.listed(_changes(trial, tongue)) or tongue("report.as_they_are"), after(trial.raised_at),
        after(trial.attack_at), after(trial.decided_at), tongue.number(trial.held), tongue.number(trial.known_hit),
        tongue.number(trial.alarms_before), mark,
    )  # fmt: skip
