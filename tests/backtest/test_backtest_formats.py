"""Golden small logs of every format, good and broken: what each line is read as."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import pytest

from pontlevis.backtest.formats import READERS, UnknownFormat, named
from pontlevis.backtest.logs import LogReading, ReadOptions
from pontlevis.backtest.opened import MOST_LINE, Opened, Unreadable
from pontlevis.backtest.reader import Reading
from pontlevis.backtest.times import any_time, clf, iso, shown
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.brain.vocabulary import Standing

LOGS = Path(__file__).parent / "logs"

GOOD: dict[str, tuple[str, list[str]]] = {
    "combined.log": (
        "combined",
        [
            "08:32:31 page ok 192.0.2.1",
            "08:32:33 login bad_credential 192.0.2.1",
            "08:32:34 request ok 192.0.2.2",
            "08:32:35 login bad_credential 2001:db8::7",
            "08:32:36 page invalid 192.0.2.9",
            "08:32:36 login bad_credential 192.0.2.9 anna lee",
        ],
    ),
    "common.log": ("combined", ["08:32:31 page ok 192.0.2.1", "08:32:32 page ok host.example.net frank"]),
    "traefik_clf.log": (
        "combined",
        ["09:16:05 login bad_credential 192.0.2.1", "13:38:04 page error 192.0.2.1"],
    ),
    "nginx_error.log": (
        "combined",
        ["09:23:53 login unknown_user 192.0.2.1 foo", "09:23:54 login bad_credential 192.0.2.1 foo"],
    ),
    "apache_error.log": ("combined", ["12:24:49 login unknown_user 192.0.2.75 sss"]),
    "nginx_json.log": ("json", ["10:00:00 request bad_credential 192.0.2.1", "10:00:01 signup ok 192.0.2.2"]),
    "traefik_json.log": ("json", ["10:00:00 request refused 192.0.2.1"]),
    "caddy_json.log": ("json", ["10:00:00 page ok 192.0.2.6"]),
    "litellm_payload.jsonl": (
        "json",
        ["10:00:00 request ok 192.0.2.1 88dc28", "10:00:01 request error 192.0.2.1 88dc28"],
    ),
    "auth.log": (
        "auth",
        [
            "23:59:58 login unknown_user 192.0.2.1 admin",
            "00:00:02 login bad_credential 192.0.2.2 root",
            "00:00:03 login ok 2001:db8::1 anna",
            "00:00:04 login bad_credential 192.0.2.4 root",
            "00:00:06 login bad_credential 192.0.2.9 joe",
        ],
    ),
    "journald_sshd.json": (
        "auth",
        ["10:00:00 login unknown_user 192.0.2.1 admin", "10:00:01 login ok 2001:db8::1 anna"],
    ),
    "docker_nginx.json": (
        "combined",
        ["10:00:00 login bad_credential 192.0.2.1", "10:00:01 login unknown_user 192.0.2.2 foo"],
    ),
    "docker_litellm.json": (
        "litellm",
        ["10:00:00 request bad_credential 192.0.2.1", "10:00:02 page ok 192.0.2.1"],
    ),
    "kubernetes_traefik.log": ("json", ["10:00:00 login bad_credential 192.0.2.1"]),
    "compose_traefik.log": ("json", ["10:00:00 login bad_credential 192.0.2.1"]),
    "auth_rfc5424.log": (
        "auth",
        ["10:00:00 login bad_credential 192.0.2.1 root", "10:00:01 login ok 192.0.2.2 anna"],
    ),
    "auth_forms.log": (
        "auth",
        [
            *(f"10:00:00 login bad_credential 192.0.2.{n} root" for n in (1, 2, 3)),
            *(f"10:00:0{n - 3} login bad_credential 192.0.2.{n} root" for n in (4, 5, 6, 7)),
            "10:00:05 login unknown_user 192.0.2.8 guest",
        ],
    ),
    "litellm_spend.jsonl": (
        "json",
        [
            "10:00:00 request ok 192.0.2.1 88dc28d0f030c55ed4ab77ed8faf0981",
            "10:00:01 request bad_credential 192.0.2.2",
            "10:00:02 request refused 192.0.2.3 88dc28d0f030c55ed4ab77ed8faf0981",
        ],
    ),
    "nginx_nested.json": ("json", ["10:00:00 login bad_credential 192.0.2.1"]),
    "nginx_dotted.json": ("json", ["10:00:00 page ok 192.0.2.1"]),
    "nginx_escaped.json": ("json", ["10:00:00 page ok 192.0.2.1"]),
    "auth_rfc3339.log": ("auth", ["09:00:00 login bad_credential 192.0.2.1 root"]),
}


def read(path: Path, **options: object) -> tuple[LogReading, list[Observation]]:
    reading = LogReading([path], ReadOptions(**options))  # type: ignore[arg-type]
    return reading, list(reading.observations())


def said(o: Observation) -> str:
    at = datetime.fromtimestamp(o.at, UTC).strftime("%H:%M:%S")
    return f"{at} {o.kind} {o.outcome} {o.source}" + (f" {o.account}" if o.account else "")


@pytest.mark.parametrize("name", GOOD)
def test_each_format_is_recognised_and_read(name: str) -> None:
    """No line is broken, and each says what its server meant."""
    year = 2024 if name == "auth_forms.log" else None
    reading, observations = read(LOGS / "good" / name, year=year)
    form, expected = GOOD[name]
    (file,) = reading.files
    assert (file.format, file.broken) == (form, 0)
    # Within a second the order is that of the file, so lines of one second are compared as sets.
    assert sorted(said(each) for each in observations) == sorted(expected)


def test_every_reader_has_a_golden_log() -> None:
    """By the format that is recognised."""
    assert set(READERS) <= {form for form, _ in GOOD.values()} | {"litellm", "series"}


def test_lines_of_litellm_bear_no_time_unless_something_adds_it() -> None:
    """Those without are set a second apart from the first time known, and counted."""
    reading, observations = read(LOGS / "good" / "litellm.log")
    (file,) = reading.files
    assert (file.format, file.untimed, file.passed, file.broken) == ("litellm", 2, 1, 0)
    assert [(each.kind.value, each.outcome.value) for each in sorted(observations, key=lambda o: o.source)] == [
        ("login", "bad_credential"), ("request", "bad_credential"), ("request", "ok"), ("request", "error"),
    ]  # fmt: skip


def test_a_rate_series_is_spread_over_its_intervals() -> None:
    """Six hundred in a minute are ten a second, from nobody in particular."""
    reading, observations = read(LOGS / "good" / "series.csv")
    assert reading.files[0].format == "series"
    assert sum(each.count for each in observations) == 660
    first_minute = [each for each in observations if each.at < observations[0].at + 60]
    assert {each.count for each in first_minute} == {10}
    assert {each.source for each in observations} == {""}
    _, logins = read(LOGS / "good" / "series.csv", reading=Reading(series="login"))
    assert {each.kind for each in logins} == {Kind.LOGIN}


def test_a_year_that_is_not_written_comes_from_the_file_and_turns_with_december(tmp_path: Path) -> None:
    """Written in January 2024, the log begins in 2023."""
    log = tmp_path / "auth.log"
    log.write_bytes((LOGS / "good" / "auth.log").read_bytes())
    written = datetime(2024, 1, 1, 1, tzinfo=UTC).timestamp()
    os.utime(log, (written, written))
    _, observations = read(log)
    assert [shown(each.at)[:4] for each in observations] == ["2023", "2024", "2024", "2024", "2024"]
    _, observations = read(log, year=2019)
    assert shown(observations[0].at)[:4] == "2019"


def test_fields_of_ones_own_are_named(tmp_path: Path) -> None:
    """By their path in the object; what is not named is still looked for by its usual names."""
    log = tmp_path / "own.jsonl"
    log.write_text(
        '{"t":1706781600,"peer":{"ip":"192.0.2.1"},"what":"signup","method":"POST","path":"/x","status":409}\n'
    )
    fields = {"time": "t", "source": "peer.ip", "kind": "what"}
    _, (observation,) = read(log, reading=Reading(fields=fields))
    assert (observation.source, observation.kind, observation.outcome) == (
        "192.0.2.1",
        Kind.SIGNUP,
        Outcome.INVALID,
    )


BROKEN = [("torn.log", 2, 3), ("torn.jsonl", 2, 5), ("torn.csv", 1, 4)]


@pytest.mark.parametrize(("name", "acts", "broken"), BROKEN)
def test_broken_lines_are_counted_and_shown_and_never_fatal(name: str, acts: int, broken: int) -> None:
    """What is whole around them is read."""
    reading, _ = read(LOGS / "bad" / name)
    (file,) = reading.files
    assert (file.read, file.broken) == (acts, broken)
    assert len(file.first_broken) == min(broken, 5)
    assert all(each.isprintable() for each in file.first_broken)


def test_a_file_that_is_no_log_is_refused_with_its_name() -> None:
    """Unless the format is named: then all of it is broken."""
    with pytest.raises(UnknownFormat, match=r"nothing\.log"):
        read(LOGS / "bad" / "nothing.log")
    reading, observations = read(LOGS / "bad" / "nothing.log", format="nginx")
    assert (observations, reading.files[0].broken) == ([], 3)
    with pytest.raises(UnknownFormat, match="no format is called 'w3c'"):
        named("w3c", Reading())


@pytest.mark.parametrize(
    ("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_compressed_files_are_known_by_their_first_bytes(tmp_path: Path, suffix: str, pack: object) -> None:
    """Whatever they are called; one that was cut is read as far as it goes."""
    assert callable(pack)
    plain = (LOGS / "good" / "combined.log").read_bytes() * 2000
    whole, cut = tmp_path / "a.log", tmp_path / f"b.log{suffix}"
    whole.write_bytes(pack(plain))
    cut.write_bytes(pack(plain)[:-20])
    reading, observations = read(whole)
    assert len(observations) == 12_000
    assert reading.files[0].cut_short == ""
    reading, observations = read(cut)
    assert reading.files[0].cut_short != ""
    assert 0 < len(observations) <= 12_000


def test_zstandard_is_read_or_the_error_says_how(tmp_path: Path) -> None:
    """It is in Python since 3.14."""
    log = tmp_path / "a.zst"
    log.write_bytes(b"\x28\xb5\x2f\xfd\x00\x00\x00\x00")
    known = any(find_spec(name) for name in ("zstandard", "compression"))
    if known:
        reading, _ = read(log, format="combined")
        assert reading.files[0].read == 0
    else:
        with pytest.raises(Unreadable, match="zstd -dc"):
            read(log, format="combined")


def test_a_line_may_not_be_longer_than_a_line_may_be(tmp_path: Path) -> None:
    """It is counted as broken, and the memory of it is bounded."""
    log = tmp_path / "long.log"
    good = (LOGS / "good" / "common.log").read_bytes()
    log.write_bytes(good + b"x" * (3 * MOST_LINE) + b"\n" + good)
    opened = Opened(log)
    assert max(len(line) for line in opened.lines()) < 200
    assert opened.too_long == 1
    reading, observations = read(log)
    assert (len(observations), reading.files[0].broken) == (4, 1)


def test_times_are_read_in_all_their_forms() -> None:
    """And what is no time is None."""
    ten = 1_706_781_600.0
    for text in (
        "2024-02-01T10:00:00Z", "2024-02-01 10:00:00", "2024-02-01T11:00:00+01:00", "2024-02-01T10:00:00.000Z",
        "2024-02-01T05:30:00-0430", "1706781600", "1706781600000", "[01/Feb/2024:10:00:00 +0000]", ten, 1706781600000000000,
    ):  # fmt: skip
        assert any_time(text, UTC) == ten, text
    for nothing in (
        "",
        "x",
        "2024-13-01T10:00:00Z",
        "99999999999999999999999",
        True,
        None,
        -5,
        float("nan"),
        float("inf"),
        "12",
    ):
        assert any_time(nothing, UTC) is None, nothing
    assert clf("31/Feb/2024:10:00:00 +0000") is None
    assert iso("2024-02-01T10:00:00+99:99") is None


def test_standing_is_guessed_with_care(tmp_path: Path) -> None:
    """A source becomes familiar after three good days, a named account established after seven; guessers never."""
    lines = []
    for day in range(1, 12):
        for source, user, status in (
            ("192.0.2.1", "-", 200),
            ("192.0.2.2", "anna", 200),
            ("192.0.2.3", "-", 401),
        ):
            path = "/v1/models"
            lines.append(
                f'{source} - {user} [{day:02}/Oct/2023:08:00:00 +0000] "GET {path} HTTP/1.1" {status} 1\n'
            )
    log = tmp_path / "days.log"
    log.write_text("".join(lines))
    _, observations = read(log)
    by = {
        source: [each.standing for each in observations if each.source == source]
        for source in ("192.0.2.1", "192.0.2.2", "192.0.2.3")
    }
    assert by["192.0.2.1"] == [Standing.ANONYMOUS] * 3 + [Standing.RECENT] * 8
    assert by["192.0.2.2"] == [Standing.RECENT] * 7 + [Standing.ESTABLISHED] * 4
    assert set(by["192.0.2.3"]) == {Standing.ANONYMOUS}
