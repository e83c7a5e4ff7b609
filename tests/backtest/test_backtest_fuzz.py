"""Whatever stands in a file: it is read or counted, and nothing raises."""

from __future__ import annotations

import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pontlevis.backtest.entry import Entry, Passed
from pontlevis.backtest.envelope import ENVELOPES
from pontlevis.backtest.formats import READERS
from pontlevis.backtest.logs import LogReading, ReadOptions
from pontlevis.backtest.mapping import Mapping, MappingPolicy
from pontlevis.backtest.reader import Reading
from pontlevis.backtest.replay import replay

LOGS = Path(__file__).parent / "logs"
LINES = [line for file in sorted(LOGS.rglob("*.*")) for line in file.read_bytes().split(b"\n")]


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A good line with pieces cut out, doubled, or replaced by noise."""
    line = draw(st.sampled_from(LINES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(line)))
        end = min(len(line), start + draw(st.integers(0, 30)))
        line = line[:start] + draw(st.binary(max_size=12)) + line[end:] * draw(st.integers(1, 2))
    return line


@pytest.mark.parametrize("name", READERS)
@given(line=st.one_of(st.binary(max_size=400), mangled(), st.text(max_size=200).map(str.encode)))
@example(line=b'{"time":' + b"[" * 30_000)
@example(line=b'1.2.3.4 - - [10/Oct/2023:08:32:31 +0000] "' + b"\\" * 60_000)
@example(line=b"Feb 30 10:00:00 host sshd[1]: Failed password for x from y port 1")
@settings(max_examples=150, deadline=None)
def test_no_line_breaks_a_reader(name: str, line: bytes) -> None:
    """And what is read can be mapped."""
    read = READERS[name](Reading(year=2024)).read(line)
    assert read is None or isinstance(read, (Entry, Passed))
    if isinstance(read, Entry):
        observation = Mapping(MappingPolicy()).observation(read, read.at or 0.0)
        assert observation.count >= 0
        assert len(observation.source) <= 4096


@pytest.mark.parametrize("name", ENVELOPES)
@given(line=st.one_of(st.binary(max_size=400), mangled()))
@example(line=b'{"__REALTIME_TIMESTAMP":"' + b"9" * 5000 + b'","MESSAGE":[999]}')
@example(line=b'{"__REALTIME_TIMESTAMP":"nan","MESSAGE":[1.5, -1]}')
@example(line=b'{"log":"\\ud800","time":"x"}')
@settings(max_examples=150, deadline=None)
def test_no_line_breaks_an_envelope(name: str, line: bytes) -> None:
    """What is no letter of its sort is left alone."""
    letter = ENVELOPES[name](line)
    assert letter is None or isinstance(letter.line, bytes)


@given(st.lists(st.one_of(st.binary(max_size=80), mangled()), max_size=60), st.sampled_from(sorted(READERS)))
@settings(max_examples=60, deadline=None)
def test_no_file_breaks_a_backtest(lines: list[bytes], name: str) -> None:
    """Each line is an act, passed over or broken."""
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "x.log"
        data = b"\n".join(lines)
        # Hypothesis tries constants of the code: zstandard's mark asks for a package that may not be there.
        assume(not data.startswith(b"\x28\xb5\x2f\xfd"))
        log.write_bytes(data)
        reading = LogReading([log], ReadOptions(format=name))
        replay(reading.observations())
        (file,) = reading.files
        assert file.read + file.passed + file.broken == file.lines


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    """Five times the lines, from ever new sources, for ever new paths, with ever new agents."""
    peaks = []
    for lines in (6_000, 30_000):
        log = tmp_path / f"{lines}.log"
        with log.open("w") as file:
            for n in range(lines):
                file.write(
                    f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255} - - [10/Oct/2023:{n // 360000:02}:{n // 6000 % 60:02}:{n // 100 % 60:02} +0000] "
                    f'"GET /{n}?{n} HTTP/1.1" 404 1 "-" "agent {n}"\n'
                )
        tracemalloc.start()
        reading = LogReading([log], ReadOptions())
        result = replay(reading.observations())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert result.observations == lines
    assert peaks[1] - peaks[0] < 24 * 2**20
