"""The post-incident report: what happened, to whom, what was done, what is owed, what to change. Blameless.

Somebody who was not there can read it: every word of ours is explained where it first stands.
"""

from dataclasses import dataclass

from pontlevis.brain.observation import ServiceSample
from pontlevis.brain.vocabulary import EXISTING
from pontlevis.investigation import plots
from pontlevis.investigation.document import Block, Bullets, Heading, Paragraph, Plot, Table
from pontlevis.investigation.incident import IncidentFacts
from pontlevis.investigation.plots import clock
from pontlevis.investigation.policy import InvestigationPolicy
from pontlevis.investigation.proposals import Search, Trial
from pontlevis.investigation.result import Investigation, Line
from pontlevis.plotting import legend, panel, svg

MOST_LINES = 60
HOUR_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Story:
    """All that a report is made of. ``made_at``: Unix seconds."""

    service: str
    facts: IncidentFacts
    made: Investigation
    search: Search
    samples: list[ServiceSample]
    policy: InvestigationPolicy
    made_at: float
    verified: str
    """What `evidence verify` says, in a sentence."""


def report(story: Story) -> list[Block]:
    """The document's blocks."""
    return [
        Heading(f"{story.facts.name}: what happened", 1),
        Paragraph(
            f"Post-incident report of {story.service}, incident {story.facts.id}. Written by the service from its evidence at"
            f" {clock(story.made_at)}. Times are UTC. Where a sentence is an inference and not a fact, it says so."
        ),
        Heading("In short"),
        *_short(story),
        Heading("Figures"),
        _figures(story),
        Heading("Timeline"),
        Table(("time", "what", ""), _timeline(story)),
        Heading("What it looked like"),
        *_pictures(story),
        Heading("Who attacked, as far as evidence tells"),
        Bullets([f"{each.kind}: {each.text}" for each in story.made.statements]),
        Heading("What was done"),
        *_measures(story),
        Heading("Who was affected"),
        *_affected(story),
        Heading("What may be owed to whom"),
        *_duties(story),
        Heading("What would have caught it sooner"),
        *_proposals(story),
        Heading("How far this can be trusted"),
        *_trust(story),
    ]


def _onset(story: Story) -> float:
    """When the first hostile cluster was first seen; without one, when the incident was opened."""
    return min((each.first_at for each in story.made.hostile), default=story.facts.created_at)


def _first(story: Story, event: str, *, starts: str = "", has: str = "") -> Line | None:
    return next(
        (
            each
            for each in story.made.timeline
            if each.event == event and each.outcome.startswith(starts) and has in each.outcome
        ),
        None,
    )


def _length(seconds: float) -> str:
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {word}"
    return f"{seconds:.1f} s"


def _short(story: Story) -> list[Block]:
    facts, made = story.facts, story.made
    end = (
        f"and was resolved at {clock(facts.resolved_at)}"
        if facts.resolved_at is not None
        else "and had not been resolved when this was written"
    )
    said = [
        f"At {clock(_onset(story))} the first hostile act was seen; the incident was opened at {clock(facts.created_at)} {end}.",
        f"Evidence tells of {made.acts:,.0f} acts (calls, log-ins, sign-ups, pages) in that time, {sum(each.acts for each in made.hostile):,.0f} of them by"
        f" {made.hostile_source_count:,} sources that we hold to be hostile.",
    ]
    if made.touched:
        said.append(f"{len(made.touched):,} accounts gave way or had a key used; they are named below.")
    else:
        said.append("No account of a user is known to have given way.")
    if facts.asked:
        served = 1 - min(facts.asked, facts.unserved) / facts.asked
        said.append(
            f"Existing users asked {facts.asked:,} times meanwhile, and {served:.2%} of it was served."
        )
    return [Paragraph(" ".join(said))]


def _figures(story: Story) -> Block:
    onset, made, facts = _onset(story), story.made, story.facts
    finding = _first(story, "finding")
    raised = next(
        (
            each
            for each in story.made.timeline
            if each.event == "posture" and each.at >= onset and not each.outcome.startswith("normal")
        ),
        None,
    )
    suspended = next(
        (
            each
            for each in made.timeline
            if each.event == "posture" and each.at >= onset and "suspended" in each.outcome
        ),
        None,
    )

    def after(line: Line | None) -> str:
        return "never" if line is None else f"{max(0.0, line.at - onset):.1f} s after the first hostile act"

    rows = [
        ("first finding (a detector says that something is wrong)", after(finding)),
        ("first change of posture (what the service does about it)", after(raised)),
        ("registration suspended", after(suspended)),
        ("length of the incident", _length((facts.resolved_at or story.made_at) - facts.created_at)),
        ("hostile sources", f"{made.hostile_source_count:,}"),
        ("highest wave", f"{max((each.peak_per_s for each in made.waves), default=0):,.0f} hostile acts/s"),
        ("accounts whose password was tried", f"{made.attacked_accounts:,}"),
        ("accounts that gave way, or whose key was used", f"{len(made.touched):,}"),
        ("tokens of hostile calls that were served", f"{made.tokens_drained:,.0f}" + (f" ({made.cost:,.2f} {made.currency})" if made.cost is not None else "")),
        ("existing users turned away at least once", f"{made.honest_hit:,}"),
    ]  # fmt: skip
    return Table(("figure", "measured"), rows)


def _timeline(story: Story) -> list[tuple[str, str, str]]:
    rows: list[tuple[float, str, str]] = []
    for line in story.made.timeline:
        what = {"finding": "found", "posture": "posture", "decision": "decision"}.get(line.event, line.event)
        rows.append((line.at, f"{what}: {line.outcome.replace('_', ' ')}", line.detail))
    for update in story.facts.updates:
        who = "written by the service" if update.automatic else f"by {update.actor}"
        rows.append((update.at, f"status page: {update.status} ({who})", update.text))
    rows.sort(key=lambda each: each[0])
    left = len(rows) - MOST_LINES
    shown = [(clock(at), what, text) for at, what, text in rows[:MOST_LINES]]
    return (
        shown
        if left <= 0
        else [*shown, ("", f"and {left} more", "pontlevis investigate --json has them all")]
    )


def _pictures(story: Story) -> list[Block]:
    made = story.made
    highest = max(made.waves, key=lambda each: each.peak_per_s, default=None)
    said = (
        f"{len(made.waves)} wave{'s' if len(made.waves) != 1 else ''} of hostile acts; the highest from {clock(highest.since)} with {highest.peak_per_s:,.0f} acts/s."
        if highest is not None
        else "No wave of hostile acts."
    )
    drawn: list[Block] = [
        Plot(plots.acts(made), f"{said} Behind: yellow elevated, red under attack, blue recovering.")
    ]
    spans = plots.spans(made)
    if spans:
        drawn.append(
            Plot(spans, "From when to when each group of sources was seen; red ones are held to be hostile.")
        )
    if story.samples:
        drawn.append(_service(story))
    return drawn


def _service(story: Story) -> Plot:
    """Existing users' requests, served and not, and how long they waited."""
    seconds: dict[int, list[float]] = {}
    for sample in story.samples:
        held = seconds.setdefault(int(sample.at), [0.0, 0.0, 0.0])
        for band in sample.bands:
            if band.standing in EXISTING:
                held[0] += band.admitted
                held[1] += band.refused + band.failed
                held[2] = max(held[2], band.ttft_p99_s)
    at = [second / 86_400 for second in sorted(seconds)]
    rows = [seconds[second] for second in sorted(seconds)]
    figure, axes = panel("Existing users' requests", "requests/s", below="time (UTC)")
    plots.postures(axes, story.made.timeline, story.made.until)
    axes.step(at, [each[0] for each in rows], where="post", color=plots.OTHER, lw=1.2, label="admitted")
    axes.step(
        at, [each[1] for each in rows], where="post", color=plots.HOSTILE, lw=1.2, label="refused or failed"
    )
    axes.set_ylim(bottom=0)
    plots.dated(axes, story.made.since, story.made.until)
    legend(axes, 2)
    served, lost = sum(each[0] for each in rows), sum(each[1] for each in rows)
    worst = max((each[2] for each in rows), default=0.0)
    return Plot(
        svg(figure),
        f"Existing users: {served:,.0f} requests admitted, {lost:,.0f} refused or failed; the worst second's 99th percentile of time to first token was {worst:.2f} s.",
    )


def _measures(story: Story) -> list[Block]:
    decisions = [each for each in story.made.timeline if each.event == "decision"]
    postures = [each for each in story.made.timeline if each.event == "posture"]
    made: list[Block] = [
        Paragraph(
            "The posture is what the service does about an attack as a whole; a decision turns one source, account or key away for a time."
            " Each has its reason, ends by itself and can be undone."
        ),
        Table(
            ("time", "posture", "why"),
            [(clock(each.at), each.outcome.replace("_", " "), each.detail) for each in postures[:30]],
            "The posture did not change.",
        ),
        Table(
            ("time", "decisions of that minute", ""),
            [(clock(each.at), each.detail, each.outcome) for each in decisions[:30]],
            "No decision was made.",
        ),
    ]
    return made


def _affected(story: Story) -> list[Block]:
    made = story.made
    return [
        Paragraph(
            f"Accounts touched ({len(made.touched):,}): a log-in from a hostile group succeeded, or their key was used by one."
            " That those sources are hostile is an inference; that they got in is a fact. An account that the attackers made long before is among them, since nothing tells it from another."
        ),
        Table(
            ("account", "why", "when"),
            [(each.account_id, each.why, clock(each.at)) for each in made.touched[:100]],
            "None is known.",
        ),
        Paragraph(
            f"Existing users turned away although they belong to no hostile group ({made.honest_hit:,}):"
        ),
        Table(
            ("account", "turned away", "served"),
            [(each.account, f"{each.refused:,.0f}", f"{each.served:,.0f}") for each in made.honest[:30]],
            "None.",
        ),
    ]


def _duties(story: Story) -> list[Block]:
    touched = story.made.touched
    if not touched:
        return [
            Paragraph(
                "No personal data is known to have been touched, so that no clock runs from this evidence. Whether an attack on the service alone"
                " must be told to somebody (under NIS2, or by contract) is for you to judge."
            )
        ]
    first = min(each.at for each in touched)
    rows = [
        (
            f"{hours:g} h",
            clock(first + hours * HOUR_S),
            "over" if story.made_at > first + hours * HOUR_S else "runs",
        )
        for hours in story.policy.notify_h
    ]
    return [
        Paragraph(
            f"{len(touched):,} accounts were touched, the first at {clock(first)}. Counted from that moment, the strictest reading (the law counts from when"
            " you became aware of it):"
        ),
        Table(("deadline", "ends", ""), rows),
        Paragraph(
            "The supervisory authority within 72 hours, where there is a risk to people (GDPR article 33); the people themselves without delay, where the risk is high"
            " (article 34); an early warning within 24 hours, where NIS2 applies (article 23). Whether it does is for a person to decide, not for this report."
        ),
    ]


def _proposals(story: Story) -> list[Block]:
    search = story.search
    blocks: list[Block] = [
        Paragraph(
            f"{len(search.trials)} other settings were tried by playing what was recorded ({search.source}: {search.acts:,} acts) through the same detection and posture,"
            f" and {_length(search.before_s)} of known good traffic ({search.before_acts:,} acts) with it. A change is proposed only where the replay notices or acts at least"
            " a second sooner, turns away no more acts of existing users, and raises no alarm in the good time. A replay has no gateway: what admission would have done is not in it."
        )
    ]
    blocks.extend(Paragraph(each) for each in search.notes)
    if search.current is None:
        return blocks
    onset = _onset(story)
    blocks.append(
        Bullets([_proposed(each, search.current, onset) for each in search.proposals])
        if search.proposals
        else Paragraph("Nothing that was tried is better by that measure: nothing is proposed.")
    )
    rows = [
        _row(
            each,
            onset,
            "in force" if each is search.current else "proposed" if each in search.proposals else "",
        )
        for each in (search.current, *search.trials)
    ]
    blocks.append(
        Table(
            (
                "settings",
                "first raised",
                "under attack",
                "first decision",
                "held",
                "known good hit",
                "alarms before",
                "",
            ),
            rows,
        )
    )
    return blocks


def _proposed(trial: Trial, current: Trial, onset: float) -> str:
    gains = []
    for word, at, was in (
        ("the posture would have been raised", trial.raised_at, current.raised_at),
        ("the posture under attack would have come", trial.attack_at, current.attack_at),
        ("the first decision would have come", trial.decided_at, current.decided_at),
    ):
        if at is not None and was is None:
            gains.append(f"{word} {at - onset:.0f} s after the first hostile act instead of never")
        elif at is not None and was is not None and at < was:
            gains.append(f"{word} {was - at:.0f} s sooner")
    changes = " and ".join(map(str, trial.changes))
    return f"{changes}: {'; '.join(gains)}; {trial.known_hit:,} acts of existing users turned away ({current.known_hit:,} as it is)."


def _row(trial: Trial, onset: float, mark: str) -> tuple[str, ...]:
    def after(at: float | None) -> str:
        return "never" if at is None else f"{at - onset:+.0f} s"

    return (
        " and ".join(map(str, trial.changes)) or "as they are", after(trial.raised_at), after(trial.attack_at), after(trial.decided_at),
        f"{trial.held:,}", f"{trial.known_hit:,}", f"{trial.alarms_before:,}", mark,
    )  # fmt: skip


def _trust(story: Story) -> list[Block]:
    made = story.made
    said = [story.verified]
    if made.sampled:
        said.append(
            "The flood was sampled: counts are estimates from known weights, lists of sources are not complete. Accounts touched were kept whole."
        )
    if made.dropped:
        said.append(f"{made.dropped:,} acts were not kept, since the disk was too slow or refused.")
    said.append(
        "Prompts, answers, passwords and header values are never recorded, so that nothing here rests on them."
    )
    said.append("Attacks below HTTP (reflection, SYN floods) are out of this service's sight.")
    return [Bullets(said)]
