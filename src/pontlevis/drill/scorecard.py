"""From two runs to the figures that a drill is judged by."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from pontlevis.drill.plan import HOSTILE
from pontlevis.drill.player import Outcome
from pontlevis.drill.run import RunRecord, Seen
from pontlevis.drill.scenario import Scenario

GOOD_TTFT_S = 5.0  # an answer that begins later is of no use to who waits for it; the drill's own objective


@dataclass(frozen=True, slots=True)
class Served:
    """How existing users were served within a window."""

    asked: int
    good: int
    ttft_p50_s: float
    ttft_p95_s: float
    ttft_p99_s: float

    @property
    def goodput(self) -> float:
        """Share of requests that were answered whole and began in time."""
        return self.good / self.asked if self.asked else 0.0


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The drill's result. Times are seconds; None where something never happened."""

    seed: int
    defence: bool
    baseline: Served
    attacked: Served
    finding_s: float | None
    posture_s: float | None
    elevated_s: float | None
    registration_suspended_s: float | None
    reopening_s: float | None
    reopening_scaled_s: float | None
    """The same at the settings' normal pace: detection's own time as it is, the posture's waiting times
    ``1 / posture_scale`` as long."""
    honest_signups: int
    honest_signups_refused: int
    honest_signups_refused_before_attack: int
    logins_ok: int
    logins_tried: int
    hostile_requests: int
    hostile_requests_at_engine: int
    hostile_accounts_created: int
    offered_multiple: float
    wave_multiple: float
    decisions: int

    @property
    def existing_goodput_ratio(self) -> float:
        return self.attacked.goodput / self.baseline.goodput if self.baseline.goodput else 0.0

    @property
    def existing_ttft_p99_ratio(self) -> float:
        return self.attacked.ttft_p99_s / self.baseline.ttft_p99_s if self.baseline.ttft_p99_s else 0.0


def percentile(values: list[float], share: float) -> float:
    """Nearest rank; 0 of nothing."""
    if not values:
        return 0.0
    ranked = sorted(values)
    return ranked[max(0, ceil(share * len(ranked)) - 1)]


def served(outcomes: list[Outcome], begin: float, end: float) -> Served:
    """Existing users' chats that were sent within the window. Refused ones count as never begun."""
    mine = [each for each in outcomes if each.who == "existing" and begin <= each.at < end]
    good = [each for each in mine if each.status == 200 and each.whole and each.ttft_s <= GOOD_TTFT_S]
    # A request that got no answer waited at least as long as its sender did.
    waits = [
        each.ttft_s if each.status == 200 and each.ttft_s > 0 else max(each.total_s, GOOD_TTFT_S)
        for each in mine
    ]
    return Served(
        len(mine), len(good), percentile(waits, 0.5), percentile(waits, 0.95), percentile(waits, 0.99)
    )


def judge(seed: int, scenario: Scenario, baseline: RunRecord, attacked: RunRecord) -> Scorecard:
    """Compares the same window, with the same honest arrivals, of both runs."""
    begin, end = scenario.attack_at, scenario.baseline_end
    after = [each for each in attacked.seen if each.at >= scenario.attack_at]
    attack_over = [each for each in attacked.seen if each.at >= scenario.attack_end]
    signups = [each for each in attacked.outcomes if each.who == "newcomer" and each.step == "signup"]
    hostile = [each for each in attacked.outcomes if each.who in HOSTILE]
    logins = [each for each in attacked.outcomes if each.who == "login" and begin <= each.at < end]
    reopening = _first(
        attack_over, lambda each: each.posture == "recovering" and each.share > 0, scenario.attack_end
    )
    refused = [each for each in signups if each.status != 201]
    hostile_chat = [each for each in hostile if each.step == "chat"]
    wave = [each for each in hostile_chat if scenario.wave_at <= each.at < scenario.wave_end]
    flood = [each for each in hostile_chat if scenario.drain_at <= each.at < scenario.wave_at]
    return Scorecard(
        seed=seed,
        defence=attacked.defence,
        baseline=served(baseline.outcomes, begin, end),
        attacked=served(attacked.outcomes, begin, end),
        finding_s=_first(after, lambda each: bool(each.hostile_findings), scenario.attack_at),
        posture_s=_first(after, lambda each: each.posture == "under_attack", scenario.attack_at),
        elevated_s=_first(after, lambda each: each.posture != "normal", scenario.attack_at),
        registration_suspended_s=_first(
            after, lambda each: each.registration == "suspended", scenario.attack_at
        ),
        reopening_s=reopening,
        reopening_scaled_s=_at_normal_pace(reopening, attack_over, scenario),
        honest_signups=len(signups),
        honest_signups_refused=len(refused),
        honest_signups_refused_before_attack=sum(1 for each in refused if each.at < scenario.attack_at),
        logins_ok=sum(1 for each in logins if each.status in (200, 401)),
        logins_tried=len(logins),
        hostile_requests=len(hostile),
        hostile_requests_at_engine=sum(1 for each in hostile_chat if each.status == 200),
        hostile_accounts_created=sum(1 for each in hostile if each.step == "signup" and each.status == 201),
        offered_multiple=_rate(flood, scenario.drain_at, scenario.wave_at) / scenario.capacity_rate,
        wave_multiple=_rate(wave, scenario.wave_at, scenario.wave_end) / scenario.capacity_rate,
        decisions=attacked.decisions,
    )


def _at_normal_pace(reopening: float | None, seen: list[Seen], scenario: Scenario) -> float | None:
    """Only the posture's times are scaled in a drill; how long findings stay open is not."""
    if reopening is None:
        return None
    at = scenario.attack_end + reopening
    gone = [each.evidence_gone_s for each in seen if each.at <= at and each.evidence_gone_s is not None]
    detection = max(0.0, gone[-1] - scenario.attack_end) if gone else 0.0
    return detection + (reopening - detection) / scenario.posture_scale


def _rate(outcomes: list[Outcome], begin: float, end: float) -> float:
    return len(outcomes) / (end - begin) if end > begin else 0.0


def _first(seen: list[Seen], fits: Callable[[Seen], bool], since: float) -> float | None:
    return next((each.at - since for each in seen if fits(each)), None)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the printed scorecard."""

    name: str
    value: str
    target: str
    met: bool | None
    """None where there is no target."""


def lines(card: Scorecard) -> list[Line]:
    """The scorecard for people."""

    def seconds(value: float | None) -> str:
        return "never" if value is None else f"{value:.1f} s"

    def within(value: float | None, most: float) -> bool:
        return value is not None and value <= most

    base, hit = card.baseline, card.attacked
    return [
        Line("Existing users' goodput", f"{card.existing_goodput_ratio:.1%} of {base.goodput:.1%} without attack ({hit.good}/{hit.asked})", ">= 99 %", card.existing_goodput_ratio >= 0.99),
        Line("Their p99 time to first token", f"{card.existing_ttft_p99_ratio:.2f} x ({hit.ttft_p99_s * 1000:.0f} against {base.ttft_p99_s * 1000:.0f} ms)", "<= 1.2 x", card.existing_ttft_p99_ratio <= 1.2),
        Line("The same at p50 and p95", f"{hit.ttft_p50_s * 1000:.0f} against {base.ttft_p50_s * 1000:.0f} ms, {hit.ttft_p95_s * 1000:.0f} against {base.ttft_p95_s * 1000:.0f} ms", "", None),
        Line("Existing users' log-ins answered", f"{card.logins_ok} of {card.logins_tried}", "", None),
        Line("Attack to finding", seconds(card.finding_s), "<= 5 s", within(card.finding_s, 5.0)),
        Line("Attack to posture under_attack", seconds(card.posture_s), "<= 10 s", within(card.posture_s, 10.0)),
        Line("Attack to registrations suspended", seconds(card.registration_suspended_s), "<= 10 s", within(card.registration_suspended_s, 10.0)),
        Line("Attack's end to first reopening", f"{seconds(card.reopening_s)} ({seconds(card.reopening_scaled_s)} at the default pace)", "<= 600 s", within(card.reopening_scaled_s, 600.0)),
        Line("Honest sign-ups refused", f"{card.honest_signups_refused} of {card.honest_signups}; before the attack {card.honest_signups_refused_before_attack}", "0 before", card.honest_signups_refused_before_attack == 0),
        Line("Hostile requests at the engine", f"{card.hostile_requests_at_engine} of {card.hostile_requests}", "", None),
        Line("Hostile accounts created", str(card.hostile_accounts_created), "", None),
        Line("Hostile load, of the engine's capacity", f"{card.offered_multiple:.0f} x, in the wave {card.wave_multiple:.0f} x", "", None),
        Line("Decisions in force at the end", str(card.decisions), "", None),
    ]  # fmt: skip
