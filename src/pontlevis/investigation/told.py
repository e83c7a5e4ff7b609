"""An investigation in one language: its groups by letter, its timeline in people's words."""

import re
from dataclasses import dataclass

from pontlevis.investigation.result import Cluster, Investigation, Line, Touched
from pontlevis.investigation.tongue import Original, Tongue

_DECISION = re.compile(r"(\d+) × (\w+), by (\w+): (.*)", re.DOTALL)
_MODE = ", registration "


@dataclass(frozen=True, slots=True)
class Decided:
    """One line of the timeline that stands for the decisions of a minute."""

    who: str
    reason: str


class Told:
    """``made`` as ``tongue`` tells it."""

    def __init__(self, made: Investigation, tongue: Tongue) -> None:
        self.made = made
        self.tongue = tongue
        self.dated = tongue.day(made.since) != tongue.day(made.until)
        self.letters = {each.id: _letter(place) for place, each in enumerate(made.hostile)}
        """Of hostile clusters: people can talk of group A."""

    def when(self, at: float) -> str:
        """As short as the time in question allows."""
        return self.tongue.clock(at, dated=self.dated)

    def original(self, text: str) -> str:
        """What the brain said in English, marked as such where the document is not."""
        return text if self.tongue.language == "en" else Original(text)

    def names(self) -> dict[str, str]:
        """What a plot calls each cluster."""
        others = {
            each.id: f"{self.tongue.named('behaviour', each.behaviour)} ({each.sources})"
            for each in self.made.clusters
        }
        group = self.tongue("report.group")
        return others | {id_: f"{group} {letter}" for id_, letter in self.letters.items()}

    def who(self, cluster: Cluster) -> str:
        """The sentence; that of an older version as it is."""
        return self.tongue.say(cluster.who) if cluster.who.code else cluster.sentence

    def signs(self, cluster: Cluster) -> str:
        """What the confidence rests on."""
        return self.tongue.joined(cluster.grounds or cluster.signs)

    def why(self, each: Touched) -> str:
        """Why an account counts as touched, with the cluster's own name."""
        said = {"source": each.source, "cluster": each.cluster}
        return self.tongue(f"touched.{each.how}", **said) if each.how else each.why

    def touched(self, each: Touched) -> str:
        """Why an account counts as touched."""
        if not each.how:
            return self.original(each.why)
        letter = self.letters.get(each.cluster, self.tongue("report.no_group"))
        return self.tongue(f"report.touched_{each.how}", source=each.source, group=letter)

    def posture(self, line: Line) -> tuple[str, str]:
        """Posture and registration mode of a line of the timeline."""
        posture, _, mode = line.outcome.partition(_MODE)
        return self.tongue.named("posture", posture), self.tongue.named("mode", mode)

    def decided(self, line: Line) -> Decided:
        """What a line of decisions means; whole, where it was written by another version."""
        parts = _DECISION.fullmatch(line.detail)
        if parts is None or f"scope.{parts[2]}" not in SCOPES:
            return Decided(f"{line.outcome} {line.detail}", "")
        tongue = self.tongue
        who = tongue(f"scope.{parts[2]}", count=int(parts[1]))
        said = "report.decision_lifted" if line.outcome == "lifted" else "report.decision_made"
        return Decided(tongue(said, who=who, origin=tongue.named("origin", parts[3])), parts[4])

    def line(self, line: Line) -> tuple[str, str]:
        """What happened, and in which words the service said why."""
        tongue = self.tongue
        if line.event == "finding":
            return tongue("report.finding", name=tongue.named("detector", line.outcome)), self.original(
                line.detail
            )
        if line.event == "posture":
            posture, mode = self.posture(line)
            reason = line.detail.removesuffix(" (posture)").removesuffix(" (start)")
            return tongue("report.line_posture", posture=posture, mode=mode), self.original(reason)
        if line.event == "decision":
            decided = self.decided(line)
            return tongue("report.line_decision", said=decided.who), self.original(decided.reason)
        return f"{line.event}: {line.outcome}", self.original(line.detail)


SCOPES = frozenset({"scope.address", "scope.prefix", "scope.account", "scope.credential"})


def _letter(place: int) -> str:
    """A to Z, then AA."""
    return (_letter(place // 26 - 1) if place >= 26 else "") + chr(ord("A") + place % 26)
