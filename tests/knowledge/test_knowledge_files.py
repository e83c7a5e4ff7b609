"""The operator's files: formats, bad lines, changes; nothing in them is ever fatal."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mmdb_writer import write

from pontlevis.brain.detection.knowledge import NOWHERE, Place
from pontlevis.knowledge.policy import KnowledgePolicy
from pontlevis.knowledge.shelf import Report, Shelf

NOW = 1_740_000_000.0


def shelf(**files: list[Path]) -> Shelf:
    paths = {name: tuple(str(each) for each in listed) for name, listed in files.items()}
    return Shelf(KnowledgePolicy(**paths), lambda: NOW)  # type: ignore[arg-type]


def looked(target: Shelf) -> Report:
    report = target.look()
    assert report is not None
    return report


def networks(directory: Path, text: str | bytes, name: str = "asn.csv") -> Report:
    path = directory / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return looked(shelf(asn_files=[path]))


@pytest.mark.parametrize(
    "text",
    [
        "198.51.100.0,198.51.100.255,64500,Example Net\n2001:db8::,2001:db8:ffff::,64500,Example Net\n",
        "198.51.100.0\t198.51.100.255\t64500\tFR\tExample Net\n2001:db8::\t2001:db8:ffff::\t64500\tFR\tExample Net\n",
        'prefix,asn,name\n198.51.100.0/24,AS64500,"Example Net"\n2001:db8::/32,AS64500,"Example Net"\n',
        "network,asn,name\r\n198.51.100.0/24,64500,Example Net\r\n2001:db8::/32,64500,Example Net\r\n",
        '"3325256704","3325256959","198.51.100.0/24","64500","Example Net"\n'
        '"42540766411282592856903984951653826560","42540766490510755371168322545197776895","2001:db8::/32","64500","Example Net"\n',
        "# a comment\n\n198.51.100.0/24,64500,Example Net\n198.51.100.0/25,64500,Example Net\n2001:db8::/32,64500\n",
    ],
    ids=["start-end", "tabs", "prefix", "crlf", "numbers", "nested"],
)
def test_tables_of_every_format_say_the_same(tmp_path: Path, text: str) -> None:
    """Commas, tabs, addresses, prefixes, whole numbers, with a head or a comment or without."""
    report = networks(tmp_path, text)
    (note,) = report.files
    assert (note.bad, note.error) == (0, "")
    for source in ("198.51.100.0", "198.51.100.255", "2001:db8::1", "2001:db8:7::1"):
        assert report.knowledge.find(source) == Place(64500, False, False)
    assert report.knowledge.find("198.51.101.0") is NOWHERE
    assert report.knowledge.find("2001:db9::1") is NOWHERE
    assert report.knowledge.network(64500) == "AS64500 (Example Net)"


def test_lists_of_prefixes_mark_data_centres_and_vpn_exits(tmp_path: Path) -> None:
    """An address, a prefix or a range on each line, with comments; an IPv6 address marks its /64."""
    centres, exits = tmp_path / "dc.txt", tmp_path / "vpn.txt.gz"
    centres.write_text(
        "# Example Cloud\n198.51.100.0/24 eu-west\n203.0.113.7-203.0.113.9, x\n2001:db8:1:2::5\n"
    )
    exits.write_bytes(gzip.compress(b"198.51.100.128/25 ; exits\n192.0.2.1\n"))
    report = looked(shelf(data_centre_files=[centres], vpn_files=[exits]))
    find = report.knowledge.find
    assert find("198.51.100.1") == Place(0, True, False)
    assert find("198.51.100.200") == Place(0, True, True)
    assert [find(f"203.0.113.{last}").data_centre for last in (6, 7, 9, 10)] == [False, True, True, False]
    assert find("2001:db8:1:2:ffff::").data_centre
    assert find("192.0.2.1") == Place(0, False, True)
    assert not find("192.0.2.2").hosted


def test_bad_lines_are_counted_and_said_and_the_rest_is_used(tmp_path: Path) -> None:
    """With the number of the first ones and what is wrong."""
    text = (
        b"198.51.100.0,198.51.100.255,64500,Example\nnonsense\n198.51.102.9,198.51.102.1,64500,x\n"
        b"198.51.103.0/24,sixty,x\n\xff\xfe,1\n" + b"x" * 9000 + b"\n203.0.113.0/24,64501,Other\n"
    )
    report = networks(tmp_path, text)
    (note,) = report.files
    assert (note.ranges, note.bad) == (2, 5)
    assert note.examples == (
        "line 2: too few columns",
        "line 3: no such range",
        "line 4: no AS number",
    )
    assert note.sentence.startswith("2 ranges, 5 bad lines (line 2: too few columns;")
    assert report.knowledge.find("203.0.113.9").asn == 64501


def test_a_file_that_changes_is_read_again_and_no_other(tmp_path: Path) -> None:
    """By time, size or being another file; a look without a change says nothing."""
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("198.51.100.0/24,64500,One\n")
    two.write_text("203.0.113.0/24,64501,Two\n")
    kept = shelf(asn_files=[one, two])
    assert looked(kept).changed == {str(one), str(two)}
    assert kept.look() is None
    two.write_text("203.0.113.0/24,64502,Three and more\n")
    report = looked(kept)
    assert report.changed == {str(two)}
    assert report.knowledge.find("203.0.113.1").asn == 64502
    assert report.knowledge.find("198.51.100.1").asn == 64500
    os.utime(two, (NOW, NOW))
    assert looked(kept).changed == {str(two)}


def test_a_file_that_vanishes_or_breaks_is_told_and_what_it_said_is_still_used(tmp_path: Path) -> None:
    """Once; and when it is there again, it is read again."""
    path = tmp_path / "asn.csv.gz"
    path.write_bytes(gzip.compress(b"198.51.100.0/24,64500,One\n"))
    kept = shelf(asn_files=[path, tmp_path / "never"])
    first = looked(kept)
    assert [bool(each.error) for each in first.files] == [False, True]
    path.unlink()
    gone = looked(kept)
    assert "No such file" in gone.files[0].error
    assert "the 1 ranges of before are used" in gone.files[0].sentence
    assert gone.knowledge.find("198.51.100.1").asn == 64500
    assert kept.look() is None
    path.write_bytes(gzip.compress(b"198.51.100.0/24,64501,Two\n" * 200)[:60])
    assert "compress" in looked(kept).files[0].error.lower()
    path.write_bytes(gzip.compress(b"198.51.100.0/24,64501,Two\n"))
    assert looked(kept).knowledge.find("198.51.100.1").asn == 64501


def test_more_ranges_than_the_bound_are_left_out_and_counted(tmp_path: Path) -> None:
    """Nobody's file fills the memory."""
    path = tmp_path / "dc.txt"
    path.write_text("".join(f"10.0.{number}.0/24\n" for number in range(100)))
    kept = Shelf(KnowledgePolicy(data_centre_files=(str(path),), max_ranges=40), lambda: NOW)
    (note,) = looked(kept).files
    assert (note.ranges, note.left_out) == (40, 60)
    assert "60 beyond the bound left out" in note.sentence


def test_a_database_in_maxminds_format_is_read(tmp_path: Path) -> None:
    """Both families, with the names under which the known databases keep their figures."""
    path = tmp_path / "asn.mmdb"
    write(
        path,
        {
            "198.51.100.0/24": {
                "autonomous_system_number": 64500,
                "autonomous_system_organization": "Example Net",
            },
            "203.0.113.0/25": {"asn": "AS64501", "as_name": "Other"},
            "2001:db8::/32": {"autonomous_system_number": 64502},
        },
    )
    report = looked(shelf(asn_files=[path]))
    (note,) = report.files
    assert (note.ranges, note.bad, note.error) == (3, 0, "")
    asns = [
        report.knowledge.find(each).asn
        for each in ("198.51.100.9", "203.0.113.127", "203.0.113.128", "2001:db8:5::1")
    ]
    assert asns == [64500, 64501, 0, 64502]
    assert report.knowledge.network(64501) == "AS64501 (Other)"


def test_without_its_package_a_database_is_told_of_and_the_rest_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an option."""
    monkeypatch.setitem(sys.modules, "maxminddb", None)
    database, table = tmp_path / "asn.mmdb", tmp_path / "asn.csv"
    write(database, {"203.0.113.0/25": {"asn": "AS64501"}})
    table.write_text("198.51.100.0/24,64500,One\n")
    report = looked(shelf(asn_files=[database, table]))
    assert "needs the package maxminddb" in report.files[0].error
    assert report.knowledge.find("198.51.100.1").asn == 64500


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.binary(max_size=300), st.sampled_from(["x.csv", "x.txt", "x.mmdb", "x.csv.gz"]), st.booleans())
def test_whatever_bytes_a_file_holds_nothing_is_fatal(
    tmp_path: Path, raw: bytes, name: str, asn: bool
) -> None:
    """At worst it says nothing."""
    path = tmp_path / name
    path.write_bytes(raw)
    report = looked(shelf(asn_files=[path]) if asn else shelf(vpn_files=[path]))
    report.knowledge.find("198.51.100.1")


line = st.one_of(
    st.builds(
        lambda a, b, c: f"{a},{b},{c},n",
        st.ip_addresses().map(str), st.ip_addresses().map(str), st.integers(-1, 2**33).map(str),
    ),
    st.builds(lambda a, n, c: f"{a}/{n},{c}", st.ip_addresses().map(str), st.integers(0, 129), st.integers(0, 2**32)),
)  # fmt: skip


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(line, max_size=12))
def test_every_line_is_a_range_or_a_bad_one_or_nobodys(tmp_path: Path, lines: list[str]) -> None:
    """Overlaps, wrong order, impossible numbers: counted, never fatal."""
    report = networks(tmp_path, "\n".join(lines) + "\n")
    (note,) = report.files
    assert not note.error
    assert 0 <= note.bad <= len(lines)


OVERWRITTEN = """
import sys
from pathlib import Path
from pontlevis.knowledge import mmdb
from pontlevis.knowledge.policy import KnowledgePolicy

path = Path(sys.argv[1])
said = mmdb._network_of

def meanwhile(record):
    path.open("wb").close()
    return said(record)

mmdb._network_of = meanwhile
print(mmdb.read_mmdb(path, KnowledgePolicy()).ranges)
"""


def test_a_database_that_is_overwritten_while_it_is_read_ends_nobody(tmp_path: Path) -> None:
    """With ``cp`` over the old one, as people do: a mapped file would end the process with a bus error."""
    path = tmp_path / "asn.mmdb"
    write(path, {f"10.{n >> 8}.{n & 255}.0/24": {"autonomous_system_number": 64500 + n} for n in range(5000)})
    done = subprocess.run(
        [sys.executable, "-c", OVERWRITTEN, str(path)], capture_output=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, b"5000"), done.stderr.decode()


def test_a_database_that_is_too_great_is_refused(tmp_path: Path) -> None:
    """It would be held in memory while it is read."""
    path = tmp_path / "asn.mmdb"
    write(path, {"10.0.0.0/24": {"asn": 64500}})
    policy = KnowledgePolicy(asn_files=(str(path),), max_mmdb_bytes=path.stat().st_size - 1)
    (note,) = looked(Shelf(policy, lambda: NOW)).files
    assert "max_mmdb_bytes" in note.error
