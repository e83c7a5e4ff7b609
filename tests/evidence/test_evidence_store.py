"""The evidence store: what is kept, how it is chained, and what a kill or a thief leaves of it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from evidence_house import NOON, House, accusation, act, ask

from pontlevis.brain.detection.knowledge import NOWHERE
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.evidence import parquet
from pontlevis.evidence import store as stores
from pontlevis.evidence.frames import Seen
from pontlevis.evidence.manifest import FOLDER as MANIFESTS
from pontlevis.evidence.manifest import Head
from pontlevis.evidence.rows import COLUMNS, Rows, Value, decision_note, finding_note
from pontlevis.evidence.store import FRESH, Hold, Store
from pontlevis.evidence.store_policy import EvidencePolicy
from pontlevis.evidence.verify import verify
from pontlevis.investigation.archive import Archive


def written(directory: Path, batches: int = 4) -> House:
    house = House(directory)
    for number in range(batches):
        house.batch([act(house.now + each / 10, account=f"a{number}-{each}") for each in range(10)])
    house.close()
    return house


def test_what_was_observed_is_read_by_anything_that_reads_parquet(tmp_path: Path) -> None:
    """Partitioned by date and hour; alike acts of one second are one row with their count and tokens."""
    house = House(tmp_path)
    house.batch(
        [act(NOON + 0.1, Kind.REQUEST, Outcome.OK, account="a", tokens=100, count=2) for _ in range(5)]
    )
    house.keeper.note(finding_note(accusation(NOON, "198.51.100.7", fingerprints=(7,))))
    house.keeper.note(
        decision_note(NOON, number=3, scope="address", value="198.51.100.7", reason="guessing", origin="detection", expires_at=NOON + 60, lifted=False)
    )  # fmt: skip
    house.batch([])
    house.close()
    assert house.rows(
        "SELECT date::VARCHAR, hour, source, prefix, count, tokens, weight FROM events WHERE event = 'request'"
    ) == [("2025-01-28", 12, "198.51.100.7", "198.51.100.0/24", 10, 500, 1.0)]
    ((sentence, named, prints),) = house.rows(
        "SELECT detail, named, fingerprints FROM events WHERE event = 'finding'"
    )
    assert (sentence, named, prints) == ("Many guess passwords.", "198.51.100.7", "00000007")
    assert house.rows("SELECT outcome, source, detail FROM events WHERE event = 'decision'") == [
        ("made", "198.51.100.7", "address, by detection: guessing")
    ]
    modes = {path.stat().st_mode & 0o777 for path in house.folder.rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_the_example_of_the_docs_reads_a_store(tmp_path: Path) -> None:
    """DuckDB's, word for word but for the folder."""
    house = written(tmp_path, 1)
    page = (Path(__file__).resolve().parents[2] / "docs" / "evidence.md").read_text("utf-8")
    query = page.partition("DuckDB:\n\n```sql\n")[2].partition("```")[0]
    found = house.rows(query.replace("var/pontlevis/evidence", str(house.folder)))
    assert found == [(12, "login", "bad_credential", 10.0)]


@pytest.mark.parametrize("newer", [False, True], ids=["old files only", "old and new files"])
def test_files_of_before_names_were_noted_are_still_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newer: bool
) -> None:
    """Their rows have no name; the chain holds over both."""
    folder = tmp_path / "evidence"
    store = Store(folder, EvidencePolicy(), lambda: NOON)
    with monkeypatch.context() as before:
        before.setattr(parquet, "COLUMNS", {name: kind for name, kind in COLUMNS.items() if name != "agent"})
        before.setattr(stores, "LAYOUT", 1)
        store.write({name: each for name, each in rows_of("old").items() if name != "agent"})
    if newer:
        store.write(rows_of("curl 8"))
    with Archive(folder, NOON - 1, NOON + 1) as archive:
        found = archive.ask("SELECT agent, source FROM events ORDER BY agent")
    assert found == [("", "198.51.100.7"), ("curl 8", "198.51.100.7")][: 1 + newer]
    assert verify(folder, known_head=store.head).broken == ""
    assert verify(folder).files == 1 + newer


def rows_of(agent: str) -> dict[str, list[Value]]:
    """One row, by column."""
    rows = Rows(lambda _: NOWHERE, None)
    rows.see([Seen(1, [act(NOON, agent=agent)])])
    return rows.take()


def test_a_flood_is_sampled_with_weights_that_add_up_and_what_touches_accounts_is_whole(
    tmp_path: Path,
) -> None:
    """A hundred thousand failures become a few thousand rows; each of forty log-ins that succeeded is there."""
    house = House(tmp_path, EvidencePolicy(sampled_per_s=1_000))
    flood: list[Observation] = []
    for number in range(100_000):
        flood.append(act(NOON + number / 100_000, source=f"10.1.{number % 256}.{number // 256 % 256}"))
        if number % 2_500 == 0:
            flood.append(act(NOON + number / 100_000, outcome=Outcome.OK, source=f"10.9.0.{number // 2_500}", account=f"victim{number}"))  # fmt: skip
    house.batch(flood)
    house.close()
    ((kept, stands_for),) = house.rows(
        "SELECT count(*), sum(count * weight) FROM events WHERE outcome = 'bad_credential'"
    )
    assert int(str(kept)) < 10_000
    fates = house.keeper.fates
    assert fates["kept"] + fates["sampled_out"] == pytest.approx(100_040, rel=0.1)
    assert fates["sampled_out"] > 80_000
    assert fates["disk_slow"] == fates["disk_refused"] == 0
    assert float(str(stands_for)) == pytest.approx(100_000, rel=0.1)
    assert house.rows("SELECT count(DISTINCT account), max(weight) FROM events WHERE outcome = 'ok'") == [
        (40, 1.0)
    ]


def test_what_an_account_does_after_it_gave_way_is_kept_whole(tmp_path: Path) -> None:
    """Also where the log-in came before the finding that accused its source."""
    house = House(tmp_path, EvidencePolicy(sampled_per_s=10))
    house.batch([act(NOON, outcome=Outcome.OK, source="203.0.113.9", account="victim")])
    house.keeper.accuse([accusation(house.now, "203.0.113.9")], house.now)
    noise = [
        act(house.now, Kind.REQUEST, Outcome.REFUSED, source="10.0.0.1", account=f"n{each}")
        for each in range(2_000)
    ]
    mine = [
        act(house.now, Kind.REQUEST, Outcome.REFUSED, source=f"10.2.0.{each}", account="victim")
        for each in range(50)
    ]
    house.batch([*noise, *mine])
    house.close()
    assert house.rows("SELECT count(*), max(weight) FROM events WHERE account = 'victim'") == [(51, 1.0)]


def test_the_store_verifies_and_names_the_first_file_that_was_changed(tmp_path: Path) -> None:
    """One byte is enough."""
    house = written(tmp_path)
    found = verify(house.folder, known_head=house.keeper.head)
    assert (found.broken, found.files, found.rows) == ("", 3, 40)
    paths = sorted(house.folder.glob("date=*/hour=*/*.parquet"))
    data = bytearray(paths[1].read_bytes())
    data[len(data) // 2] ^= 1
    paths[1].write_bytes(bytes(data))
    paths[2].unlink()
    broken = verify(house.folder, known_head=house.keeper.head).broken
    assert broken.startswith(f"{paths[1].relative_to(house.folder)}: ")


@pytest.mark.parametrize("theft", ["file", "line", "end", "line and file", "foreign file", "rewritten"])
def test_what_was_taken_away_or_slipped_in_is_seen(tmp_path: Path, theft: str) -> None:
    """A file, a line in the middle, the end of the chain, a file that nobody wrote."""
    house = written(tmp_path)
    (manifest,) = (house.folder / MANIFESTS).glob("*.jsonl")
    lines = manifest.read_text().splitlines(keepends=True)
    paths = sorted(house.folder.glob("date=*/hour=*/*.parquet"))
    if theft == "file":
        paths[0].unlink()
    elif theft == "line":
        manifest.write_text(lines[0] + lines[2])
    elif theft == "end":
        manifest.write_text(lines[0] + lines[1])
        paths[2].unlink()
    elif theft == "line and file":
        manifest.write_text(lines[0] + lines[2])
        paths[1].unlink()
    elif theft == "rewritten":
        manifest.write_text(lines[0] + lines[1] + lines[2].replace('"rows":10', '"rows":11'))
    else:
        (paths[0].parent / "00000099.parquet").write_bytes(paths[0].read_bytes())
    assert verify(house.folder, known_head=house.keeper.head).broken


def test_without_a_known_head_a_cut_end_is_said_to_be_unchecked(tmp_path: Path) -> None:
    """Nothing is claimed that was not looked at."""
    house = written(tmp_path)
    assert verify(house.folder).notes == [
        "The end of the chain was compared with nothing: its last lines may have been cut off."
    ]


CHILD = """
import sys, time
from pathlib import Path
from pontlevis.brain.detection.knowledge import NOWHERE
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.evidence.keeper import Keeper
from pontlevis.evidence.store_policy import EvidencePolicy
keeper = Keeper(Path(sys.argv[1]), EvidencePolicy(batch_s=0.01), time.time)
keeper.start()
number = 0
while True:
    for _ in range(200):
        keeper.observe(Observation(time.time(), Kind.LOGIN, Outcome.OK, "192.0.2.1", 0, f"a{number}"))
        number += 1
    keeper.tick(time.time(), alarmed=False)
    print(number, flush=True)
    time.sleep(0.02)
"""


def test_kill_9_costs_the_last_batch_and_never_the_chain(tmp_path: Path) -> None:
    """Killed again and again at any moment, it verifies each time and goes on where it was."""
    folder = tmp_path / "evidence"
    rows = 0
    for pause in (0.05, 0.11, 0.17, 0.02):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        until = time.monotonic() + 60
        while len(list(folder.glob("date=*/hour=*/*.parquet"))) < 3 and time.monotonic() < until:
            child.stdout.readline()
        time.sleep(pause)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        store = Store(folder, EvidencePolicy(), time.time)
        store.open()
        found = verify(folder, known_head=store.head)
        assert found.broken == ""
        assert found.rows >= rows
        rows = found.rows
    assert ask(folder, "SELECT count(*) FROM events") == [(rows,)]
    assert rows > 0


def test_a_kill_between_the_line_and_the_name_loses_nothing(tmp_path: Path) -> None:
    """The file that was entered gets its name at the next start; one that was not entered goes; a torn line is cut."""
    house = written(tmp_path)
    last = sorted(house.folder.glob("date=*/hour=*/*.parquet"))[-1]
    last.rename(last.with_name(last.name + FRESH))
    (last.parent / f"00000009.parquet{FRESH}").write_bytes(b"half")
    (manifest,) = (house.folder / MANIFESTS).glob("*.jsonl")
    with manifest.open("a") as file:
        file.write('{"kind":"file","n":4,"pr')
    assert verify(house.folder, known_head=house.keeper.head).broken == ""
    again = House(tmp_path)
    again.batch([act(again.now)])
    again.close()
    assert last.exists()
    assert list(house.folder.glob(f"date=*/hour=*/*{FRESH}")) == []
    found = verify(house.folder, known_head=again.keeper.head)
    assert (found.broken, found.rows) == ("", 41)


def test_old_files_go_by_name_and_what_an_incident_holds_stays(tmp_path: Path) -> None:
    """Retention is told in the chain, so that it cannot be taken for a theft."""
    house = House(tmp_path, EvidencePolicy(keep_days=2))
    house.keeper.hold([Hold("i1", NOON - 10, NOON + 10)])
    house.batch([act(NOON)])
    house.now += 3_600
    house.batch([act(house.now)])
    house.now += 5 * 86_400
    house.batch([act(house.now)])
    house.close()
    found = verify(house.folder, known_head=house.keeper.head)
    assert (found.broken, found.files, found.gone) == ("", 2, 1)
    assert house.rows("SELECT count(*) FROM events WHERE hour = 12 AND date = '2025-01-28'") == [(1,)]
    house = House(tmp_path, EvidencePolicy(keep_days=2, hold_days=30))
    house.now = NOON + 40 * 86_400
    house.keeper.hold([Hold("i1", NOON - 10, NOON + 10)])
    house.batch([act(house.now)])
    house.close()
    found = verify(house.folder, known_head=house.keeper.head)
    assert (found.broken, found.files) == ("", 1)
    assert len(list((house.folder / MANIFESTS).glob("*.jsonl"))) <= 2


def test_the_bytes_are_bounded_oldest_first(tmp_path: Path) -> None:
    """Half for what is held, the rest for the newest."""
    house = House(tmp_path, EvidencePolicy(most_mib=1, batch_rows=50_000, sampled_per_s=50_000))
    house.keeper.hold([Hold("i1", NOON - 10, NOON + 10)])
    for _ in range(12):
        house.batch(
            [act(house.now, source=os.urandom(16).hex(), account=os.urandom(16).hex()) for _ in range(3_000)]
        )
    house.close()
    found = verify(house.folder, known_head=house.keeper.head)
    assert found.broken == ""
    assert found.bytes <= 1_048_576
    assert found.gone >= 1
    assert found.since is not None
    assert found.since < NOON + 10


def test_a_disk_that_refuses_costs_evidence_and_nothing_else(tmp_path: Path) -> None:
    """The loop goes on; what was lost is counted and stands in the chain once there is one."""
    (tmp_path / "evidence").write_text("not a directory")
    house = House(tmp_path)
    for _ in range(5):
        house.batch([act(house.now)])
    house.close()
    assert house.keeper.dropped > 0
    assert house.keeper.fates["disk_refused"] == house.keeper.dropped
    assert house.keeper.failed


def test_a_chain_that_does_not_hold_is_set_aside_and_a_new_one_begins(tmp_path: Path) -> None:
    """Evidence of today is kept all the same; the database's head tells that something is wrong."""
    house = written(tmp_path)
    (manifest,) = (house.folder / MANIFESTS).glob("*.jsonl")
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text(lines[0] + lines[2])
    again = House(tmp_path)
    again.batch([act(again.now)])
    again.batch([])
    again.close()
    assert len(list(tmp_path.glob("evidence.broken-*"))) == 1
    assert verify(house.folder, known_head=again.keeper.head).broken == ""
    assert "cut off" in verify(house.folder, known_head=house.keeper.head).broken
    assert verify(house.folder, known_head=Head(1, "f" * 64)).broken
