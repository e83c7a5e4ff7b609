"""Recorded load: the readers, on small files of the traces' shapes, and on the traces where they are at hand."""

import itertools
import json
import statistics
from collections import Counter
from pathlib import Path

import pytest

from pontlevis.simulation.load import trace_arrivals
from pontlevis.simulation.load_shape import AZURE_INPUT, AZURE_OUTPUT, DEEPSEEK_OUTPUT, LoadShape
from surroundings import recorded_data

DATA = recorded_data()


def write_azure(directory: Path, rows: int) -> None:
    folder = directory / "llm-traces"
    folder.mkdir(parents=True)
    lines = [
        f"2023-11-16 18:{15 + second // 60:02d}:{second % 60:02d}.1234560,{100 + second},{10 + second % 7}"
        for second in range(rows)
    ]
    (folder / "azure-2023-conversation.csv").write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n" + "\n".join(lines) + "\n"
    )


def write_deepseek(directory: Path) -> None:
    """Two clients: the second sends nine times as much, and only in the second half of the day."""
    folder = directory / "llm-traces" / "servegen-deepseek-r1"
    folder.mkdir(parents=True)
    quiet = [f"{600 * window},0.0,,,," for window in range(72)]
    busy = [f"{600 * window},0.18,1.5,Weibull,0.68,4.2" for window in range(72, 144)]
    steady = [f"{600 * window},0.01,1.0,Gamma,1.0,100.0" for window in range(144)]
    (folder / "chunk-0-trace.csv").write_text("\n".join(steady) + "\n")
    (folder / "chunk-1-trace.csv").write_text("\n".join(quiet + busy) + "\n")
    for chunk, length in ((0, 50), (1, 700)):
        hours = {
            str(start): {
                "input_tokens": f"{{{length}: 0.5, {length + 1}: 0.5}}",
                "output_tokens": f"{{{length * 2}: 1.0}}",
                "reason_ratio": "{}",
            }
            for start in (0, 21600, 43200, 64800)
        }
        (folder / f"chunk-{chunk}-dataset.json").write_text(json.dumps(hours))


def test_the_azure_trace_is_replayed_as_it_was_recorded(tmp_path: Path) -> None:
    """Consecutive requests keep lengths and gaps; the clock is set to the rate."""
    write_azure(tmp_path, 300)
    arrivals = trace_arrivals(tmp_path, users=5, duration_s=20.0, rate_per_s=5.0, seed=3)
    assert len(arrivals) == 100
    assert [each.input_tokens - arrivals[0].input_tokens for each in arrivals] == list(range(100))
    gaps = [later.at - earlier.at for earlier, later in itertools.pairwise(arrivals)]
    assert gaps == pytest.approx([0.2] * 99)
    assert {each.user for each in arrivals} <= set(range(5))


def test_deepseek_clients_keep_their_share_their_time_and_their_lengths(tmp_path: Path) -> None:
    """The heavy client is user 0, comes only in its half of the day, and is the one with long prompts."""
    write_deepseek(tmp_path)
    arrivals = trace_arrivals(
        tmp_path, users=2, duration_s=100.0, rate_per_s=20.0, seed=1, trace="deepseek-r1"
    )
    assert len(arrivals) == 2000
    assert Counter(each.user for each in arrivals)[0] == pytest.approx(1800, abs=100)
    heavy = [each for each in arrivals if each.user == 0]
    assert all(each.at >= 49.9 for each in heavy)
    assert {each.input_tokens for each in heavy} == {700, 701}
    assert {each.output_tokens for each in arrivals if each.user == 1} == {100}


def test_more_users_than_clients_share_a_clients_load(tmp_path: Path) -> None:
    """Ten users stand for two clients, five each."""
    write_deepseek(tmp_path)
    arrivals = trace_arrivals(tmp_path, users=10, duration_s=100.0, rate_per_s=10.0, trace="deepseek-r1")
    assert {each.user for each in arrivals if each.input_tokens >= 700} == set(range(5))
    assert {each.user for each in arrivals if each.input_tokens < 700} == set(range(5, 10))


def test_a_trace_is_scaled_like_drawn_load(tmp_path: Path) -> None:
    """A length scale holds for recorded lengths too, and nothing shrinks to nothing."""
    write_azure(tmp_path, 50)
    arrivals = trace_arrivals(
        tmp_path, users=1, duration_s=10.0, rate_per_s=1.0, shape=LoadShape(length_scale=0.01)
    )
    assert all(1 <= each.input_tokens <= 2 and each.output_tokens == 1 for each in arrivals)


def test_a_trace_that_is_missing_or_too_short_is_named(tmp_path: Path) -> None:
    """The message says which trace and where."""
    with pytest.raises(ValueError, match="cannot read the azure trace"):
        trace_arrivals(tmp_path, users=1, duration_s=1.0, rate_per_s=1.0)
    with pytest.raises(ValueError, match="no DeepSeek-R1 traces"):
        trace_arrivals(tmp_path, users=1, duration_s=1.0, rate_per_s=1.0, trace="deepseek-r1")
    write_azure(tmp_path, 10)
    with pytest.raises(ValueError, match="holds 10 requests, too few for 20"):
        trace_arrivals(tmp_path, users=1, duration_s=10.0, rate_per_s=2.0)


@pytest.mark.skipif(DATA is None, reason="PONTLEVIS_DATA names no directory with the traces")
def test_the_figures_in_the_code_are_those_of_the_traces() -> None:
    """Medians and 95th percentiles of whole replays against the tables."""
    azure = trace_arrivals(DATA or Path(), users=10, duration_s=3500.0, rate_per_s=5.5)
    for table, lengths in (
        (AZURE_INPUT, sorted(each.input_tokens for each in azure)),
        (AZURE_OUTPUT, sorted(each.output_tokens for each in azure)),
    ):
        assert statistics.median(lengths) == pytest.approx(table.at(0.5), rel=0.02)
        assert lengths[len(lengths) * 95 // 100] == pytest.approx(table.at(0.95), rel=0.02)
    deepseek = trace_arrivals(
        DATA or Path(), users=73, duration_s=3600.0, rate_per_s=5.0, trace="deepseek-r1"
    )
    outputs = sorted(each.output_tokens for each in deepseek)
    assert statistics.median(outputs) == pytest.approx(DEEPSEEK_OUTPUT.at(0.5), rel=0.1)
