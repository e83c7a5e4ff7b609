"""The drill's plan, scorecard and report."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pontlevis.cli import app
from pontlevis.drill.capacity import find_model
from pontlevis.drill.fleet import DrillError, configuration, loopback
from pontlevis.drill.plan import HOSTILE, make_plan
from pontlevis.drill.player import Outcome, chat_body
from pontlevis.drill.report import html
from pontlevis.drill.run import RunRecord, Seen
from pontlevis.drill.scenario import QUICK, Scenario, at_engine, with_hostile_load
from pontlevis.drill.scorecard import judge, lines, percentile, served

FULL = Scenario()


def test_the_same_seed_plans_the_same() -> None:
    """To the last byte; another seed does not."""
    assert make_plan(3, FULL) == make_plan(3, FULL)
    assert make_plan(3, FULL) != make_plan(4, FULL)


def test_everybody_has_an_address_of_loopback() -> None:
    """Users and attackers in blocks of their own, none of them the service itself."""
    honest, hostile = make_plan(1, FULL)
    assert {act.address.split(".")[0] for act in honest + hostile} == {"127"}
    assert "127.0.0.1" not in {act.address for act in honest + hostile}
    assert not {act.address for act in honest} & {act.address for act in hostile}
    assert all(act.hostile == (act.who in HOSTILE) for act in honest + hostile)


def test_hostile_load_is_a_multiple_of_the_engines_capacity() -> None:
    """Ten times before the wave, a hundred times in it."""
    _, hostile = make_plan(1, FULL)
    chats = [act.at for act in hostile if act.what == "chat"]
    before = sum(FULL.drain_at <= at < FULL.wave_at for at in chats) / (FULL.wave_at - FULL.drain_at)
    wave = sum(FULL.wave_at <= at < FULL.wave_end for at in chats) / (FULL.wave_end - FULL.wave_at)
    assert before / FULL.capacity_rate == pytest.approx(10, rel=0.1)
    assert wave / FULL.capacity_rate == pytest.approx(100, rel=0.1)


@pytest.mark.parametrize("multiple", [10, 100])
def test_hostile_load_can_be_any_multiple_all_along(multiple: float) -> None:
    """With the same honest arrivals, by the same seed."""
    scenario = with_hostile_load(FULL, multiple)
    honest, hostile = make_plan(1, scenario)
    assert honest == make_plan(1, FULL)[0]
    begin, end = FULL.drain_at, FULL.wave_at
    chats = sum(begin <= act.at < end for act in hostile if act.what == "chat") / (end - begin)
    assert chats / FULL.capacity_rate == pytest.approx(multiple, rel=0.1)
    assert scenario.wave_multiple == 100


def test_a_real_engine_gets_the_same_shares_of_what_it_serves() -> None:
    """Existing users and attackers alike; nothing of the simulator is asked of it, and it is started by nobody."""
    scenario = at_engine(FULL, "http://127.0.0.1:9/v1", "llama", 5.5)
    assert scenario.existing_rate == FULL.existing_rate / 2
    text = configuration(
        scenario, engine_url="http://127.0.0.1:9/v1", port=2, operator_port=3, data=Path("d"), defence=True
    )
    assert "simulated = false" in text
    assert b"pontlevis_sim" not in chat_body("llama", 100, 10, simulated=False)
    with pytest.raises(DrillError):
        find_model("http://192.0.2.1/v1")


def test_honest_load_is_the_same_with_and_without_attack() -> None:
    """What is compared has the same honest arrivals."""
    honest, _ = make_plan(5, FULL)
    calmer, _ = make_plan(5, replace(FULL, flood_multiple=1.0))
    assert honest == calmer


def test_localhost_is_taken_for_what_it_means_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """And refused where somebody's file of hosts says otherwise, in part even."""
    assert loopback("localhost") == "127.0.0.1"
    assert loopback("127.9.8.7") == "127.9.8.7"
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 0)) for host in ("127.0.0.1", "192.0.2.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
    with pytest.raises(DrillError):
        loopback("localhost")


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.1", "example.com", "", "::", "0.0.0.0", "::ffff:192.0.2.1", "127.0.0.1@192.0.2.1", "127.0.0.1.nip.io", "localhost.", "127.1", "::1"])  # fmt: skip
def test_any_target_but_loopback_is_refused(host: str) -> None:
    """On the command line as well, before anything is started."""
    with pytest.raises(DrillError):
        loopback(host)
    result = CliRunner().invoke(app, ["drill", "--target", host, "--quick"])
    assert result.exit_code == 1
    assert "loopback" in result.output


def test_detection_is_not_made_easier_in_a_drill() -> None:
    """The configuration names an engine, ports and a pace, no threshold."""
    text = configuration(
        FULL, engine_url="http://127.0.0.1:1", port=2, operator_port=3, data=Path("d"), defence=True
    )
    assert "[detection]" not in text
    assert "[admission]" not in text
    assert text.count("[") == text.count("[posture]") + text.count("engines = [")


def outcome(
    at: float, status: int = 200, ttft: float = 0.1, who: str = "existing", step: str = "chat"
) -> Outcome:
    return Outcome(who, step, at, status, ttft, ttft + 1, status == 200)


def record(outcomes: list[Outcome], seen: list[Seen] | None = None) -> RunRecord:
    return RunRecord("r", True, outcomes, {}, 0.0, seen or [], [], [], [], {}, 0)


def test_goodput_counts_whole_answers_that_began_in_time() -> None:
    """Refused, cut and late ones are not good; a refused one waited as long as it had to."""
    mine = [outcome(1), outcome(2, ttft=6.0), outcome(3, status=503, ttft=0.0), outcome(99)]
    cut = Outcome("existing", "chat", 4.0, 200, 0.1, 1.0, False)
    result = served([*mine, cut], 0, 10)
    assert (result.asked, result.good) == (4, 1)
    assert result.ttft_p99_s == 6.0


def test_percentiles_are_by_nearest_rank() -> None:
    """Of a hundred values the 99th; of nothing, nothing."""
    assert percentile([float(each) for each in range(1, 101)], 0.99) == 99
    assert percentile([], 0.5) == 0


def test_times_count_from_the_attacks_first_second() -> None:
    """And the posture's waiting times, only they, are told at their default pace as well."""
    begin, end, scale = QUICK.attack_at, QUICK.attack_end, QUICK.posture_scale
    seen = [
        Seen(begin - 1, "normal", "calm", "open", 1.0, []),
        Seen(begin + 2, "elevated", "attack", "open", 1.0, ["rotating_flood"]),
        Seen(begin + 4, "under_attack", "attack", "suspended", 0.0, ["rotating_flood"]),
        Seen(end + 6, "under_attack", "calm", "suspended", 0.0, [], end + 6),
        Seen(end + 11, "recovering", "calm", "waitlist", 0.05, [], end + 6),
    ]
    attacked = record([outcome(begin + 1), outcome(begin + 3, who="wave", status=401)], seen)
    card = judge(1, QUICK, record([outcome(begin + 1)]), attacked)
    assert (card.finding_s, card.elevated_s, card.posture_s, card.registration_suspended_s) == (2, 2, 4, 4)
    assert card.reopening_s == 11
    assert card.reopening_scaled_s == pytest.approx(6 + 5 / scale)
    assert (card.existing_goodput_ratio, card.existing_ttft_p99_ratio) == (1, 1)
    assert (card.hostile_requests, card.hostile_requests_at_engine) == (1, 0)
    assert [line.met for line in lines(card)][:2] == [True, True]


def test_the_report_stands_alone() -> None:
    """One page, plots inside, nothing fetched from elsewhere, nothing of an attacker's unescaped."""
    attacked = record([outcome(QUICK.attack_at + 1)])
    attacked.transitions.append(
        {
            "at": 1.0,
            "posture": "elevated",
            "registration": "open",
            "share": 1.0,
            "reason": "<script>x</script>",
            "actor": "p",
        }
    )
    page = html(judge(1, QUICK, attacked, attacked), QUICK, attacked, attacked)
    assert page.count("<svg") == 5
    assert "<script" not in page
    assert "src=" not in page
    assert "synthetic" in page
