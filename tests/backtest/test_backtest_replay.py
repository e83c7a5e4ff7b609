"""Replays of small made-up pasts: what is found, what the posture does, what is skipped."""

from __future__ import annotations

import random
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from pontlevis.backtest.mapping import MappingPolicy
from pontlevis.backtest.replay import Replay, ReplayOptions, replay
from pontlevis.backtest.report import headline
from pontlevis.backtest.result import MOST_LISTED, BacktestResult, Rates
from pontlevis.brain.detection.finding import Measure
from pontlevis.brain.detection.knowledge import Knowledge
from pontlevis.brain.detection.layers import Layer
from pontlevis.brain.detection.policy import DetectionPolicy
from pontlevis.brain.observation import BandSample, Kind, Observation, Outcome, ServiceSample
from pontlevis.brain.posture.policy import PosturePolicy
from pontlevis.brain.vocabulary import Posture, Standing, Verdict

T0 = 1_740_000_000.0


def calm(seconds: int, start: float = T0, seed: int = 1) -> Iterator[Observation]:
    """Sixty people who have accounts."""
    rng = random.Random(seed)
    for second in range(seconds):
        for _ in range(rng.randrange(3)):
            user = rng.randrange(60)
            yield Observation(
                start + second, Kind.REQUEST, Outcome.OK, f"198.51.100.{user}", user + 1, f"u{user}",
                Standing.ESTABLISHED, "", 1, 300,
            )  # fmt: skip


def stuffing(seconds: int, start: float, rate: int = 30) -> Iterator[Observation]:
    """Each source once, names that do not exist."""
    for second in range(seconds):
        for number in range(rate):
            n = second * rate + number
            yield Observation(
                start + second, Kind.LOGIN, Outcome.UNKNOWN_USER, f"203.{n >> 16}.{n >> 8 & 255}.{n & 255}",
                0xBAD, f"n{n}",
            )  # fmt: skip


def together(*parts: Iterator[Observation]) -> list[Observation]:
    return sorted((each for part in parts for each in part), key=lambda each: each.at)


def test_an_attack_in_the_log_is_found_within_seconds_and_moves_the_posture() -> None:
    """With reasons and times that an operator can check."""
    result = replay(together(calm(400), stuffing(60, T0 + 200)))
    (finding,) = [each for each in result.hostile if each.detector == "credential_stuffing"]
    assert T0 + 200 <= finding.since_s <= T0 + 206
    assert finding.at.startswith("2025-02-19T21:2")
    assert result.postures[0].posture == Posture.ELEVATED
    assert result.postures[0].reason
    assert [each.verdict for each in result.verdicts][:1] == [Verdict.ATTACK]
    assert result.highest in (Posture.ELEVATED, Posture.UNDER_ATTACK)
    assert result.posture_s["normal"] > 150


def test_a_calm_log_says_nothing() -> None:
    """Not a single entry in any list."""
    result = replay(calm(600))
    assert (result.findings, result.verdicts, result.postures, result.registration, result.decisions) == (
        [],
        [],
        [],
        [],
        [],
    )
    assert result.highest is Posture.NORMAL


def test_silence_is_skipped_and_changes_nothing() -> None:
    """A month of nothing between two busy minutes costs a few hundred ticks."""
    month = 30 * 86_400
    result = replay(together(calm(60), calm(60, T0 + month)))
    assert result.ticks < 300
    busy = replay(together(calm(300), stuffing(20, T0 + 60)))
    assert busy.ticks > 200


def test_after_silence_an_attack_is_found_as_fast() -> None:
    """The skipped seconds leave no blind spot."""
    for gap in (7, 65, 700, 90_000):
        result = replay(together(calm(100), stuffing(30, T0 + 100 + gap)))
        first = min(each.since_s for each in result.hostile)
        assert first - (T0 + 100 + gap) <= 5, gap


def test_decisions_are_in_force_in_the_replay_unless_it_only_observes() -> None:
    """What a source under a decision sends afterwards counts as turned away; what went well is counted apart."""
    guesses = [
        Observation(T0 + n, Kind.LOGIN, Outcome.BAD_CREDENTIAL, "203.0.113.9", 5, f"u{n}") for n in range(40)
    ]
    hit = Observation(T0 + 41, Kind.LOGIN, Outcome.OK, "203.0.113.9", 5, "u41")
    other = Observation(T0 + 41, Kind.LOGIN, Outcome.OK, "203.0.113.10", 5, "u42")
    result = replay([*guesses, hit, other])
    (decision,) = result.decisions
    assert (decision.scope, decision.value) == ("address", "203.0.113.9")
    assert result.turned_away > 25
    assert result.turned_away_good == 1
    observed = replay([*guesses, hit, other], ReplayOptions(enforce=False))
    assert observed.turned_away == 0
    protected = replay([*guesses, hit], ReplayOptions(protected=frozenset({"203.0.113.0/24"})))
    assert protected.decisions == []


def test_samples_of_the_service_make_impact_visible() -> None:
    """Where they were recorded; a log has none."""
    samples = [
        ServiceSample(T0 + n, 1.0, [BandSample(Standing.ESTABLISHED, 10, 10, wait_p99_s=4.0)])
        for n in range(30)
    ]
    result = replay(calm(60), samples=samples)
    assert "impact" in {each.detector for each in result.findings}


def test_other_thresholds_give_another_result() -> None:
    """A posture that never moves by itself stays where it is."""
    past = together(calm(300), stuffing(60, T0 + 100))
    result = replay(past, ReplayOptions(posture=PosturePolicy(enabled=False)))
    assert result.hostile
    assert result.postures == []


def test_an_empty_past_is_a_result_too() -> None:
    """With nothing in it."""
    assert replay([]).first_at is None


def test_lists_are_bounded_and_the_rest_is_counted() -> None:
    """A log full of attacks does not fill the memory."""
    result = BacktestResult()
    for number in range(MOST_LISTED + 5):
        result.keep("decisions", number)
    assert len(result.decisions) == MOST_LISTED
    assert result.not_listed == {"decisions": 5}


def test_rates_stay_few_however_long_the_log_is() -> None:
    """Two bins become one; nothing is lost."""
    rates = Rates(most=10)
    for second in range(1000):
        rates.at(1_000_000 + second).good += 1
    assert len(rates.bins) <= 10
    assert rates.width == 128
    assert sum(rates.series("good")) * rates.width == pytest.approx(1000)


@pytest.mark.parametrize("paths", [("login",), ("",), ("/",)])
def test_a_path_that_is_none_is_refused(paths: tuple[str, ...]) -> None:
    """By the name of its setting."""
    with pytest.raises(ValueError, match=r"mapping\.login_paths"):
        MappingPolicy(login_paths=paths)


def test_a_decision_against_a_prefix_is_in_force_for_all_of_it() -> None:
    """Sixteen guessers in one /24 earn it one; whoever else is there to log in is turned away as well."""
    guesses = [
        Observation(T0 + n / 8, Kind.LOGIN, Outcome.UNKNOWN_USER, f"203.0.113.{n % 20 + 1}", n, f"u{n}")
        for n in range(400)
    ]
    neighbour = Observation(T0 + 60, Kind.LOGIN, Outcome.OK, "203.0.113.200", 7, "someone")
    elsewhere = Observation(T0 + 60, Kind.LOGIN, Outcome.OK, "203.0.114.200", 7, "else")
    result = replay([*guesses, neighbour, elsewhere])
    assert ("prefix", "203.0.113.0/24") in {(each.scope, each.value) for each in result.decisions}
    assert result.turned_away_good == 1


def test_a_decision_against_a_key_turns_that_key_away_and_no_other() -> None:
    """As the gateway would: the account's other key, and calls without one, go on."""
    measure = Measure("credential", "k1", "It leaked.", "leaked_key:1", 900.0)
    past = [
        Observation(T0 + n, Kind.REQUEST, Outcome.OK, "198.51.100.1", 1, "ada", Standing.ESTABLISHED, credential=key)
        for n, key in enumerate(["k1", "k2", "", "k1"])
    ]  # fmt: skip
    one = Replay(ReplayOptions())
    one._decide(T0 - 1, measure)
    assert one.run(past).turned_away == 2


@pytest.mark.parametrize(("standing", "turned"), [(Standing.NEW, 1), (Standing.RECENT, 0)])
def test_a_valid_key_of_an_existing_account_passes_in_spite_of_where_it_comes_from(
    standing: Standing, turned: int
) -> None:
    """The gateway's rule, so that a backtest does not count as harm what would have been none."""
    measure = Measure("address", "198.51.100.1", "It floods.", "single_source:1", 900.0)
    call = Observation(T0, Kind.REQUEST, Outcome.OK, "198.51.100.1", 1, "ada", standing, credential="k1")
    one = Replay(ReplayOptions())
    one._decide(T0 - 1, measure)
    assert one.run([call]).turned_away == turned


def test_what_is_known_of_addresses_is_known_in_a_replay() -> None:
    """Sign-ups that nearly all come from a data centre, where nobody usually does, are a sign."""
    nothing = Layer()
    centre = Layer([(int(ip_address("203.0.0.0")), int(ip_address("203.255.255.255")), 1)])
    knowledge = Knowledge((nothing, centre, nothing), (Layer(wide=True), Layer(wide=True), Layer(wide=True)))
    bots = [
        Observation(
            T0 + 400 + n / 20, Kind.SIGNUP, Outcome.OK, f"203.{n >> 8}.{n & 255}.9", n % 4001 + 1, f"b{n}", 0,
            f"d{n}.example",
        )
        for n in range(1200)
    ]  # fmt: skip
    past = together(calm(500), iter(bots))
    blind = replay(past)
    knowing = replay(past, ReplayOptions(knowledge=knowledge))
    assert not any("data centres" in each.reason for each in blind.findings)
    assert any("data centres" in each.reason for each in knowing.findings)


@pytest.mark.parametrize("span", [0.5, 7, 95, 1_800, 90_000, 31 * 86_400, 3 * 366 * 86_400])
def test_plots_are_marked_at_round_times(span: float) -> None:
    """Few enough to be read, whether the log is of a minute or of three years."""
    from pontlevis.backtest.plots import MOST_MARKS, _marks

    marks = _marks(T0 + 0.4, T0 + 0.4 + span)
    assert len(marks) <= MOST_MARKS + 1
    assert all(T0 + 0.4 <= each <= T0 + 0.4 + span for each in marks)
    assert all(float(each).is_integer() for each in marks)
    assert span < 2 or len(marks) >= 2


def test_the_first_sentence_does_not_hide_a_decision_without_a_finding() -> None:
    """The sequential test measures a patient guesser also where the detector that would say so is off."""
    tries = [
        Observation(T0 + 30 * n, Kind.LOGIN, Outcome.UNKNOWN_USER, "203.0.113.9", 5, "hadoop")
        for n in range(22)
    ]
    result = replay(tries, ReplayOptions(detection=DetectionPolicy(detectors_off=("single_source",))))
    assert (result.hostile, len(result.decisions)) == ([], 1)
    assert "1 decision against what single sources did" in headline(result)
    assert "decision" not in headline(replay(calm(60)))
