"""How files are opened, told apart and put together: damaged, empty, oddly encoded, many at once."""

from __future__ import annotations

import gzip
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pontlevis.backtest.entry import Entry
from pontlevis.backtest.formats import UnknownFormat
from pontlevis.backtest.logs import LogReading, ReadOptions
from pontlevis.backtest.merging import Merging
from pontlevis.backtest.reader import Reading
from pontlevis.backtest.report import notes
from pontlevis.brain.observation import Observation

START = datetime(2024, 3, 1, tzinfo=UTC)


def lines(hours: float, count: int, *, step_s: float = 5.0) -> bytes:
    made = []
    for n in range(count):
        at = START + timedelta(hours=hours, seconds=n * step_s)
        made.append(
            f'198.51.100.{n % 200} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET /{n * 7919 % 10007} HTTP/1.1" 200 {n * 31} "-" "x"\n'
        )
    return "".join(made).encode()


def read(*paths: Path, **options: object) -> tuple[LogReading, list[Observation]]:
    reading = LogReading(paths, ReadOptions(**options))  # type: ignore[arg-type]
    return reading, list(reading.observations())


def test_a_damaged_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """Whatever the decompressor raises about it."""
    whole = gzip.compress(lines(0, 20_000))
    for seed in range(12):
        broken = bytearray(whole)
        middle = len(broken) // 2
        broken[middle : middle + 40] = random.Random(seed).randbytes(40)
        log = tmp_path / f"{seed}.gz"
        log.write_bytes(broken)
        reading, observations = read(log)
        assert reading.files[0].cut_short, seed
        assert 5_000 < len(observations) < 20_000, seed


def test_an_empty_file_among_others_is_no_error(tmp_path: Path) -> None:
    """It was rotated a moment ago. By itself it is nothing to replay."""
    (tmp_path / "access.log").write_bytes(b"")
    (tmp_path / "access.log.1.gz").write_bytes(gzip.compress(b""))
    (tmp_path / "access.log.2").write_bytes(lines(0, 10))
    reading, observations = read(*sorted(tmp_path.iterdir()))
    assert len(observations) == 10
    assert [notes(each) for each in reading.files] == [["empty"], ["empty"], []]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_marks_of_an_encoding_are_no_part_of_the_first_line(tmp_path: Path, encoding: str) -> None:
    """As shells and spreadsheets of Windows leave them."""
    text = lines(0, 300).decode()
    mark = "\ufeff" if encoding[-3:] in ("-le", "-be") else ""
    log = tmp_path / "a.log"
    log.write_bytes((mark + text).encode(encoding))
    reading, observations = read(log)
    assert (len(observations), reading.files[0].broken) == (300, 0)
    assert {each.source for each in observations[:1]} == {"198.51.100.0"}


def test_rotations_are_read_in_the_order_of_time_whatever_they_are_called(tmp_path: Path) -> None:
    """By what is in them: names sort otherwise, and copied files all bear the time of the copy."""
    names = ["access.log.10.gz", "access.log.9.gz", "access.log.2", "access.log.1", "access.log"]
    for hour, name in enumerate(names):
        data = lines(hour, 700)
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    reading, observations = read(*sorted(tmp_path.iterdir()))
    assert len(observations) == 3_500
    assert [each.at for each in observations] == sorted(each.at for each in observations)
    assert reading.disorder == (0, 0, 0.0)


class _File:
    """Counts how many like it are being read."""

    now = 0
    most = 0

    def __init__(self, times: list[float], *, known: bool = True) -> None:
        self._times = times
        self.begins = times[0] if known and times else float("-inf")

    def entries(self) -> Iterator[tuple[float, str]]:
        _File.now += 1
        _File.most = max(_File.most, _File.now)
        yield from ((at, "x") for at in self._times)
        _File.now -= 1


def test_no_more_files_are_read_at_once_than_overlap() -> None:
    """A year of days costs two decompressors, and nothing is out of order."""
    _File.now = _File.most = 0
    days = [_File([day * 100.0 + n for n in range(100)]) for day in range(365)]
    random.Random(1).shuffle(days)
    merged = [at for at, _ in Merging(days, 10.0)]
    assert merged == [float(n) for n in range(36_500)]
    assert _File.most <= 2


def test_a_file_of_which_the_beginning_is_not_known_is_begun_at_once() -> None:
    """Its first lines tell of no act: that must not make the others' late."""
    files = [_File([5.0, 50.0]), _File([1.0, 20.0], known=False), _File([])]
    assert [at for at, _ in Merging(files, 0.0)] == [1.0, 5.0, 20.0, 50.0]


def test_a_file_that_is_rotated_while_others_are_read_is_read_all_the_same(tmp_path: Path) -> None:
    """It is open from the beginning."""
    first, second = tmp_path / "access.log.1", tmp_path / "access.log"
    first.write_bytes(lines(0, 700))
    second.write_bytes(lines(1, 700))
    reading = LogReading([first, second], ReadOptions())
    observations = reading.observations()
    next(observations)
    second.rename(tmp_path / "gone")
    second.write_bytes(lines(2, 5))
    assert len(list(observations)) == 1_399
    assert reading.files[1].cut_short == ""


def test_progress_begins_at_nothing_and_ends_with_the_last_byte(tmp_path: Path) -> None:
    """Although the first lines of each file were read before."""
    logs = [tmp_path / "a.log", tmp_path / "b.log"]
    for hour, log in enumerate(logs):
        log.write_bytes(lines(hour, 5_000, step_s=0.5))
    reading = LogReading(logs, ReadOptions())
    seen: list[int] = []
    reading.on_progress(seen.append)
    assert reading.size == sum(log.stat().st_size for log in logs)
    list(reading.observations())
    assert seen == sorted(seen)
    assert 0 < seen[0] < reading.size / 2
    assert seen[-1] == reading.size


def test_more_files_than_may_be_open_are_read(tmp_path: Path) -> None:
    """The limit of the shell is raised to what the system allows."""
    for n in range(150):
        (tmp_path / f"{n}.log").write_bytes(lines(n * 0.01, 3))
    done = subprocess.run(
        [
            "sh", "-c", 'ulimit -S -n 100; exec "$0" -m pontlevis backtest --quiet --json "$1" "$2"/*.log',
            sys.executable, str(tmp_path / "o.json"), str(tmp_path),
        ],
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert b'"page": 450' in (tmp_path / "o.json").read_bytes()


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    """As in: pontlevis backtest <(zcat old/*.gz)."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = subprocess.Popen(["sh", "-c", 'cat > "$0"', str(pipe)], stdin=subprocess.PIPE)
    assert writer.stdin is not None
    writer.stdin.write(lines(0, 400))
    writer.stdin.close()
    _, observations = read(pipe)
    assert writer.wait() == 0
    assert len(observations) == 400


ARRAYS = [b'[{"startTime":"2024-02-01"}]', b"[\n {\n", b"["]


@pytest.mark.parametrize("text", ARRAYS)
def test_one_json_array_is_refused_with_the_way_to_read_it(tmp_path: Path, text: bytes) -> None:
    """It has no lines of its own."""
    log = tmp_path / "spend.json"
    log.write_bytes(text)
    with pytest.raises(UnknownFormat, match="jq -c"):
        read(log)


def test_a_log_of_which_no_line_is_an_act_is_said_to_be_so(tmp_path: Path) -> None:
    """Nothing found in it is not the same as nothing found."""
    log = tmp_path / "own.jsonl"
    log.write_text('{"ts": 1706781600, "peer": "192.0.2.1", "result": "denied"}\n' * 3)
    reading, observations = read(log)
    assert observations == []
    assert "--map" in notes(reading.files[0])[0]


def test_keys_are_told_apart_and_never_shown(tmp_path: Path) -> None:
    """A hash stays as it is; what might be a secret becomes one, as an account's name too."""
    log = tmp_path / "calls.jsonl"
    secret = "sk-" + "a1" * 16
    log.write_text(
        f'{{"ts":1706781600,"ip":"192.0.2.1","path":"/v1/models","status":200,"user":"{secret}","api_key":"{secret}"}}\n'
        '{"ts":1706781601,"ip":"192.0.2.1","path":"/v1/models","status":200,"api_key":"88dc28d0f030c55ed4ab77ed8faf0981"}\n'
    )
    _, (bare, hashed) = read(log)
    assert hashed.credential == "88dc28d0f030c55ed4ab77ed8faf0981"
    assert len(bare.credential) == 16
    assert secret not in repr(bare)


INJECTED = [
    (
        "Failed password for invalid user x from 192.0.2.99 port 1 from 192.0.2.1 port 22 ssh2",
        "x from 192.0.2.99 port 1",
    ),
    (
        "Connection closed by invalid user x 192.0.2.99 port 1 192.0.2.1 port 22 [preauth]",
        "x 192.0.2.99 port 1",
    ),
    ("Invalid user x from 192.0.2.99 port 1 from 192.0.2.1 port 22", "x from 192.0.2.99 port 1"),
]


@pytest.mark.parametrize(("message", "user"), INJECTED)
def test_nobody_has_another_accused_by_the_name_he_tries(tmp_path: Path, message: str, user: str) -> None:
    """The address is what sshd writes, at the end; the name before it is the guesser's own choice."""
    log = tmp_path / "auth.log"
    log.write_text(f"2024-02-01T10:00:00Z host sshd[7]: {message}\n")
    _, (observation,) = read(log)
    assert (observation.source, observation.account) == ("192.0.2.1", user)


def test_a_try_that_sshd_tells_in_three_lines_counts_once(tmp_path: Path) -> None:
    """Where the password is never asked for, the first line is all there is."""
    log = tmp_path / "auth.log"
    told = [
        (1, "Invalid user a from 192.0.2.1 port 5"),
        (1, "Failed password for invalid user a from 192.0.2.1 port 5 ssh2"),
        (1, "Connection closed by invalid user a 192.0.2.1 port 5 [preauth]"),
        (2, "Invalid user b from 192.0.2.1"),
        (2, "Received disconnect from 192.0.2.1: 11: Bye Bye [preauth]"),
        (3, "Invalid user c from 192.0.2.1 port 6"),
        (3, "Failed password for invalid user c from 192.0.2.1 port 6 ssh2"),
        (3, "Failed password for invalid user c from 192.0.2.1 port 6 ssh2"),
    ]
    log.write_text("".join(f"2024-02-01T10:00:0{n}Z h sshd[{n}]: {said}\n" for n, said in told))
    reading, observations = read(log)
    assert [each.account for each in observations] == ["a", "b", "c", "c"]
    assert reading.files[0].broken == 0


def test_an_entry_without_a_time_takes_that_of_its_envelope(tmp_path: Path) -> None:
    """LiteLLM's lines bear none, Docker's do; both are read."""
    assert Entry().at is None
    log = tmp_path / "c-json.log"
    log.write_text(
        "".join(
            f'{{"log":"INFO:     192.0.2.1:5 - \\"POST /login HTTP/1.1\\" 401\\n","stream":"stdout","time":"2024-02-01T10:0{n}:00Z"}}\n'
            for n in range(3)
        )
    )
    reading, observations = read(log)
    assert [each.at - observations[0].at for each in observations] == [0.0, 60.0, 120.0]
    assert (reading.files[0].untimed, reading.files[0].envelope) == (0, "docker")


@pytest.mark.parametrize("source", ["::ffff:198.51.100.7", "::FFFF:198.51.100.7", "::ffff:c633:6407"])
def test_an_address_of_the_older_family_in_the_newer_ones_form_is_itself(tmp_path: Path, source: str) -> None:
    """Servers that listen on both write it so: taken as it stands all clients would be one /64, and banned together."""
    log = tmp_path / "a.log"
    log.write_text(f'{source} - - [01/Mar/2024:00:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "x"\n')
    _, (observation,) = read(log)
    assert observation.source == "198.51.100.7"


def test_a_time_without_an_offset_is_in_the_zone_that_was_named(tmp_path: Path) -> None:
    """In an access log as in an error log; one with an offset is what it says."""
    from zoneinfo import ZoneInfo

    log = tmp_path / "a.log"
    log.write_text(
        '192.0.2.1 - - [01/Jul/2024:12:00:00] "GET / HTTP/1.1" 200 1\n'
        '2024/07/01 12:00:01 [error] 1#1: *1 user "a" was not found in "/p", client: 192.0.2.2, server: _\n'
        '192.0.2.3 - - [01/Jul/2024:10:00:02 +0000] "GET / HTTP/1.1" 200 1\n'
    )
    _, observations = read(log, reading=Reading(zone=ZoneInfo("Europe/Paris")))
    assert [datetime.fromtimestamp(each.at, UTC).strftime("%H:%M:%S") for each in observations] == [
        "10:00:00", "10:00:01", "10:00:02",
    ]  # fmt: skip


def test_apaches_error_log_is_read_within_an_envelope_too(tmp_path: Path) -> None:
    """Behind the header that the journal's entry becomes."""
    log = tmp_path / "journal.json"
    log.write_text(
        '{"__REALTIME_TIMESTAMP":"1706781600000000","SYSLOG_IDENTIFIER":"apachectl","MESSAGE":'
        '"[Thu Feb 01 10:00:00.1 2024] [auth_basic:error] [pid 1:tid 2] [client 192.0.2.75:5] AH01618: user sss not found: /"}\n'
    )
    _, (observation,) = read(log)
    assert (observation.source, observation.account) == ("192.0.2.75", "sss")
