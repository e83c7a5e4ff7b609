"""The post-incident report: what happened, to whom, what was done, who it was, what is owed, what to change. Blameless.

Somebody who was not there can read it: every word of ours is explained where it first stands.
"""

from dataclasses import dataclass
from math import floor

from pontlevis.brain.observation import ServiceSample
from pontlevis.investigation.document import Block, Bullets, Heading, Paragraph, Table
from pontlevis.investigation.incident import IncidentFacts
from pontlevis.investigation.phrase import Phrase
from pontlevis.investigation.policy import InvestigationPolicy
from pontlevis.investigation.proposals import Search
from pontlevis.investigation.report_figures import figures, pictures, raised_at, suspended_at
from pontlevis.investigation.report_proposals import proposals
from pontlevis.investigation.result import Investigation
from pontlevis.investigation.told import Told
from pontlevis.investigation.tongue import Tongue

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
    verified: Phrase
    """What `evidence verify` says."""

    @property
    def onset(self) -> float:
        """When the first hostile cluster was first seen; without one, when the incident was opened."""
        return min((each.first_at for each in self.made.hostile), default=self.facts.created_at)

    @property
    def lasted_s(self) -> float:
        """From its opening to its end, or until now."""
        return (self.facts.resolved_at or self.made_at) - self.facts.created_at


def title(story: Story, tongue: Tongue) -> str:
    """Of the whole."""
    return tongue("report.title", name=story.facts.called(tongue.language))


def report(story: Story, tongue: Tongue) -> list[Block]:
    """The document's blocks: first what everybody asks, the figures for those who read on."""
    told = Told(story.made, tongue)

    def heading(name: str) -> Heading:
        return Heading(tongue(f"report.{name}"))

    return [
        Heading(title(story, tongue), 1),
        Paragraph(
            tongue(
                "report.about",
                service=story.service,
                id=story.facts.id,
                made=story.made_at,
                day=tongue.day(story.made.since),
            )
        ),
        heading("short"),
        *_short(story, told),
        heading("affected"),
        *_affected(story, told),
        heading("done"),
        *_done(story, told),
        heading("timeline"),
        Paragraph(tongue("report.timeline_about")),
        Table(
            (tongue("report.when"), tongue("report.what"), tongue("report.detail")),
            _timeline(story, told),
            tongue("report.none"),
        ),
        heading("figures"),
        figures(story, tongue),
        heading("pictures"),
        *pictures(story, told),
        heading("who"),
        *_who(told),
        heading("unknown"),
        *_unknown(story, told),
        heading("owed"),
        *_owed(story, tongue),
        heading("proposals"),
        *proposals(story, tongue),
    ]


def _short(story: Story, told: Told) -> list[Block]:
    """Three sentences: what happened, what it meant to people, what we did."""
    facts, made, tongue = story.facts, story.made, told.tongue
    common = {"onset": story.onset, "acts": made.acts, "sampled": made.sampled}
    if made.hostile:
        hostile = sum(each.acts for each in made.hostile)
        first = tongue(
            "report.short_attack",
            service=story.service,
            hostile=hostile,
            sources=made.hostile_source_count,
            **common,
        )
    else:
        first = tongue("report.short_nobody", **common)
    touched = (
        tongue("report.touched_some", accounts=len(made.touched))
        if made.touched
        else tongue("report.touched_none")
    )
    if facts.asked:
        share = floor(10_000 * (1 - min(facts.asked, facts.unserved) / facts.asked)) / 10_000
        second = tongue("report.served", asked=facts.asked, share=share, touched=touched)
    else:
        second = tongue("report.unasked", touched=touched)
    raised, suspended = raised_at(story), suspended_at(story)
    if suspended is not None:
        did = tongue("report.did_suspended", after=max(0.0, suspended - story.onset))
    elif raised is not None:
        did = tongue("report.did_raised", after=max(0.0, raised - story.onset))
    else:
        did = tongue("report.did_nothing")
    end = (
        tongue("report.going_on", length=story.lasted_s)
        if facts.resolved_at is None
        else tongue("report.ended", at=facts.resolved_at, length=story.lasted_s)
    )
    return [Paragraph(first), Paragraph(second), Paragraph(f"{did} {end}")]


def _affected(story: Story, told: Told) -> list[Block]:
    made, tongue = story.made, told.tongue
    blocks: list[Block] = []
    if made.touched:
        blocks += [
            Paragraph(tongue("report.affected_touched", accounts=len(made.touched))),
            Table(
                (tongue("report.account"), tongue("report.why"), tongue("report.when")),
                [(each.account_id, told.touched(each), told.when(each.at)) for each in made.touched[:100]],
                tongue("report.none_known"),
            ),
        ]
    if made.attacked_accounts:
        blocks.append(
            Paragraph(tongue("report.affected_tried", sampled=made.sampled, accounts=made.attacked_accounts))
        )
    if not made.honest_hit:
        return [*blocks, Paragraph(tongue("report.affected_none"))]
    return [
        *blocks,
        Paragraph(tongue("report.affected_served", users=made.honest_hit)),
        Table(
            (tongue("report.account"), tongue("report.turned"), tongue("report.well")),
            [
                (each.account, tongue.number(each.refused), tongue.number(each.served))
                for each in made.honest[:30]
            ],
            tongue("report.none"),
        ),
    ]


def _done(story: Story, told: Told) -> list[Block]:
    tongue, made = told.tongue, story.made
    postures = [each for each in made.timeline if each.event == "posture"]
    ends = [*(each.at for each in postures[1:]), story.facts.until(story.made_at)]
    rows = [
        (told.when(line.at), *told.posture(line), tongue.length(max(0.0, end - line.at)))
        for line, end in zip(postures, ends, strict=True)
    ]
    decided = [(told.when(each.at), told.decided(each)) for each in made.timeline if each.event == "decision"]
    return [
        Paragraph(tongue("report.done_about")),
        Table(
            (
                tongue("report.from"),
                tongue("report.posture"),
                tongue("report.registrations"),
                tongue("report.for"),
            ),
            rows[:30],
            tongue("report.no_postures"),
        ),
        Table(
            (tongue("report.when"), tongue("report.decisions"), tongue("report.reason_original")),
            [(at, each.who, told.original(each.reason)) for at, each in decided[:30]],
            tongue("report.no_decisions"),
        ),
    ]


def _timeline(story: Story, told: Told) -> list[tuple[str, str, str]]:
    tongue = told.tongue
    rows = [(line.at, *told.line(line)) for line in story.made.timeline]
    for update in story.facts.updates:
        status = tongue.named("status", update.status)
        who = (
            tongue("report.by_service", status=status)
            if update.automatic
            else tongue("report.by_operator", status=status, actor=update.actor)
        )
        rows.append((update.at, tongue("report.line_status", status=who), update.said(tongue.language)))
    rows.sort(key=lambda each: each[0])
    shown = [(told.when(at), what, text) for at, what, text in rows[:MOST_LINES]]
    left = len(rows) - MOST_LINES
    return (
        shown if left <= 0 else [*shown, ("", tongue("report.more", count=left), tongue("report.more_where"))]
    )


def _who(told: Told) -> list[Block]:
    tongue, made = told.tongue, told.made
    rows = [
        (
            told.letters[each.id],
            told.who(each),
            tongue.share(each.confidence),
            tongue.number(each.acts),
            tongue("report.between", first=told.when(each.first_at), last=told.when(each.last_at)),
            tongue.listed(each.tools),
        )
        for each in made.hostile[:26]
    ]
    heads = tuple(tongue(f"report.{each}") for each in ("group", "did", "sure", "acts", "seen", "looks_like"))
    signs = [
        tongue("report.group_why", letter=told.letters[each.id], signs=each.grounds)
        for each in made.hostile[:26]
        if each.grounds
    ]
    return [
        Paragraph(tongue("report.who_about")),
        Table(heads, rows, tongue("report.nobody")),
        Bullets(signs),
        Bullets(
            [
                tongue.sentence(
                    Phrase("kinded.said", {"kind": Phrase(f"kind.{each.kind}"), "said": each.phrase})
                )
                for each in made.statements
                if each.kind != "unknown"
                and not each.phrase.code.startswith("said.cluster")
                and each.phrase.code
            ]
        ),
    ]


def _unknown(story: Story, told: Told) -> list[Block]:
    tongue, made = told.tongue, story.made
    said = [
        tongue.sentence(each.phrase)
        for each in made.statements
        if each.kind == "unknown" and each.phrase.code not in ("said.sampled", "said.dropped", "")
    ]
    said.append(tongue.say(story.verified))
    if made.sampled:
        said.append(tongue("report.sampled"))
    if made.dropped:
        said.append(tongue("report.dropped", acts=made.dropped))
    return [Bullets([*said, tongue("report.never_kept"), tongue("report.below")])]


def _owed(story: Story, tongue: Tongue) -> list[Block]:
    touched = story.made.touched
    if not touched:
        return [Paragraph(tongue("report.owed_none"))]
    first = min(each.at for each in touched)
    rows = [
        (
            tongue.length(hours * HOUR_S) if hours < 24 else f"{tongue.short(hours)}\u00a0h",
            tongue.moment(first + hours * HOUR_S),
            tongue("report.over" if story.made_at > first + hours * HOUR_S else "report.runs"),
        )
        for hours in story.policy.notify_h
    ]
    heads = (tongue("report.deadline"), tongue("report.ends"), tongue("report.state"))
    return [
        Paragraph(tongue("report.owed_some", accounts=len(touched), first=first)),
        Table(heads, rows, tongue("report.none")),
        Paragraph(tongue("report.owed_law")),
    ]
