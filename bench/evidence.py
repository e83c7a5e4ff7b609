"""What evidence costs: writing events, and asking a day of attack with a hundred million of them.

    python3 -m bench.evidence --events 100_000_000

Events are generated in DuckDB from a seed, written as the store writes them (files of 100,000 rows, sorted,
zstd, chained) under a temporary directory that is deleted afterwards, and asked as `pontlevis investigate` asks.
"""

import argparse
import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil

from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.evidence.keeper import Keeper
from pontlevis.evidence.manifest import FileLine, Manifest
from pontlevis.evidence.parquet import GROUP_ROWS, LEVEL, connect
from pontlevis.evidence.rows import COLUMNS
from pontlevis.evidence.store import digest
from pontlevis.evidence.store_policy import EvidencePolicy
from pontlevis.evidence.verify import verify
from pontlevis.investigation import actors, clusters
from pontlevis.investigation.archive import Archive
from pontlevis.investigation.investigate import Matter, investigate
from pontlevis.investigation.policy import InvestigationPolicy
from pontlevis.investigation.touched import touched

DAY = datetime(2025, 1, 28, tzinfo=UTC).timestamp()
DAY_S = 86_400
FILE_ROWS = 100_000

# One event by its number and the seed: 84 of 100 are two botnets' floods, 9 guess passwords through proxies,
# 6 are 20,000 honest accounts' calls, 1 makes accounts. Two log-ins of a million guesses succeed.
EVENT = """
SELECT make_timestamp({begin} + (i - {first}) * {step}) ts, who, r,
  CASE WHEN who < 84 THEN 'request' WHEN who < 93 THEN 'login' WHEN who < 99 THEN 'request' ELSE 'signup' END event,
  CASE WHEN who < 60 THEN 'bad_credential' WHEN who < 84 THEN 'refused'
       WHEN who < 93 THEN CASE WHEN r % 1000000 < 2 THEN 'ok' WHEN r % 10 < 7 THEN 'bad_credential' ELSE 'unknown_user' END
       WHEN who < 99 THEN 'ok' ELSE 'challenged' END outcome,
  CASE WHEN who < 60 THEN r % 200000 WHEN who < 84 THEN 200000 + r % 60000
       WHEN who < 93 THEN 300000 + r % 40000 WHEN who < 99 THEN 400000 + r % 20000 ELSE 500000 + r % 5000 END host,
  CASE WHEN who < 60 THEN 287454020 WHEN who < 84 THEN 1432778632 + r % 3 WHEN who < 93 THEN 2882343476 + r % 6
       WHEN who < 99 THEN 3735928559 + (r % 20000) % 5 ELSE 2882343476 END fingerprint
FROM (SELECT i, hash(i + {seed}) % 100 who, (hash(i * 3 + {seed}) >> 3)::BIGINT r FROM range({first}, {last}) t(i))
"""


FINDING = {
    "event": "'finding'",
    "outcome": "'heavy_hitter'",
    "weight": "1.0",
    "count": "1",
    "id": "'heavy_hitter:1'",
    "hostile": "true",
    "confidence": "0.97",
    "detail": "'Many sources of a few programs flood the service.'",
    "fingerprints": "'11223344 55667788 55667789 5566778a abcd1234 abcd1235 abcd1236 abcd1237 abcd1238 abcd1239'",
}


def generate(folder: Path, events: int, seed: int) -> None:
    """A day's files and their chain."""
    manifest = Manifest(folder)
    manifest.open()
    step = max(1, DAY_S * 1_000_000 // events)
    for first in range(0, events, FILE_ROWS):
        last = min(events, first + FILE_ROWS)
        begin = int(DAY * 1e6) + first * step
        at = datetime.fromtimestamp(begin / 1e6, UTC)
        number = manifest.head.n + 1
        name = f"date={at:%Y-%m-%d}/hour={at:%H}/{number:08d}.parquet"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        made = {
            "ts": "ts",
            "event": "event",
            "outcome": "outcome",
            "source": "source",
            "prefix": "regexp_replace(source, '[0-9]+$', '0/24')",
            "asn": "64512 + host % 300",
            "data_centre": "host % 3 = 0",
            "vpn": "who >= 84 AND who < 93 AND host % 2 = 0",
            "fingerprint": "fingerprint",
            "account": "CASE WHEN who < 84 OR outcome = 'unknown_user' THEN '' WHEN who < 93 THEN 'a' || (r // 7 % 500000) WHEN who < 99 THEN 'a' || (host - 400000) ELSE '' END",
            "standing": "CASE WHEN who >= 93 AND who < 99 THEN 3 + host % 2 ELSE 0 END",
            "credential": "CASE WHEN who >= 93 AND who < 99 THEN 'k' || host ELSE '' END",
            "weight": "1.0",
            "count": "1",
            "tokens": "CASE WHEN who >= 93 AND who < 99 THEN 200 + r % 3000 ELSE 0 END",
            "bytes": "300 + r % 900",
        }
        chosen = ", ".join(
            f'{made.get(column, _blank(kind))}::{kind} "{column}"' for column, kind in COLUMNS.items()
        )
        said = FINDING | {"ts": f"make_timestamp({begin})"}
        finding = ", ".join(
            f'{said.get(column, _blank(kind))}::{kind} "{column}"' for column, kind in COLUMNS.items()
        )
        query = EVENT.format(begin=begin, first=first, last=last, step=step, seed=seed)
        with contextlib.closing(connect()) as connection:
            connection.execute(
                f"""COPY (SELECT {chosen} FROM (SELECT *, (host // 62500 + 11) || '.' || (host // 250 % 250) || '.' || (host % 250) || '.' || (host * 7 % 250) source
                    FROM ({query})) UNION ALL SELECT {finding} ORDER BY event, outcome, fingerprint, source, ts)
                    TO '{path}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {LEVEL}, ROW_GROUP_SIZE {GROUP_ROWS})"""
            ).fetchall()
        line = FileLine(
            number, manifest.head.hash, begin / 1e6, name, digest(path), path.stat().st_size, last - first + 1,
            begin / 1e6, (begin + (last - first - 1) * step) / 1e6,
        )  # fmt: skip
        manifest.append(line, f"{at:%Y-%m-%d}")


def _blank(kind: str) -> str:
    return "''" if kind == "VARCHAR" else "false" if kind == "BOOLEAN" else "0"


def writing(folder: Path, events: int) -> None:
    """The store's own way, from observations to files, as fast as it goes."""
    policy = EvidencePolicy(sampled_per_s=10**6, certain_per_s=10**6, batch_s=0.5, queue_s=10_000)
    keeper = Keeper(folder, policy, lambda: DAY)
    keeper.start()
    observations = [
        Observation(
            DAY + number / 5_000,
            Kind.LOGIN,
            Outcome.BAD_CREDENTIAL,
            f"10.{number % 7}.{number // 7 % 250}.{number * 7919 % 250}",
            number % 5,
            f"a{number * 104729 % 100_000}",
        )
        for number in range(events)
    ]
    begun, used = time.perf_counter(), time.process_time()
    noted = 0.0
    for first in range(0, events, 5_000):
        at = time.perf_counter()
        for each in observations[first : first + 5_000]:
            keeper.observe(each)
        keeper.tick(DAY + first / 5_000, alarmed=False)
        noted += time.perf_counter() - at
    keeper.close(DAY + events)
    wall, cpu = time.perf_counter() - begun, time.process_time() - used
    found = verify(folder, known_head=keeper.head)
    print(
        f"writing: {events:,} events in {wall:.1f} s ({events / wall:,.0f}/s, {cpu / events * 1e6:.1f} µs of CPU each,"
    )
    print(
        f"  {noted / events * 1e6:.2f} µs on the loop while the writer runs), {found.bytes / found.rows:.1f} bytes a row, {found.files} files, dropped {keeper.dropped}"
    )


def asking(folder: Path, policy: InvestigationPolicy) -> None:
    """Each question by itself, then all of it as `pontlevis investigate` does."""
    with Archive(folder, DAY, DAY + DAY_S, threads=policy.threads, memory_mib=policy.memory_mib) as archive:
        print(
            f"{archive.rows:,} rows in {archive.files} files, {archive.bytes / 1e6:,.0f} MB ({archive.bytes / archive.rows:.2f} bytes a row)"
        )
        timed: list[tuple[str, Callable[[], object]]] = [
            ("how many acts, by kind and outcome", lambda: archive.ask("SELECT event, outcome, sum(\"count\" * weight) FROM events GROUP BY ALL")),
            ("what did one address do", lambda: archive.ask("SELECT event, outcome, count(*), min(ts), max(ts) FROM events WHERE source = '11.0.0.0' GROUP BY ALL")),
            ("everything about one account", lambda: archive.ask("SELECT ts, event, outcome, source FROM events WHERE account = 'a77' ORDER BY ts")),
            ("who did what (every source with its software)", lambda: actors.gather(archive)),
            ("clusters", lambda: clusters.find(archive, policy)),
            ("accounts touched", lambda: touched(archive)),
        ]  # fmt: skip
        for name, ask in timed:
            at, used = time.perf_counter(), time.process_time()
            ask()
            print(f"  {time.perf_counter() - at:6.2f} s, CPU {time.process_time() - used:6.2f} s  {name}")
    at, used = time.perf_counter(), time.process_time()
    made = investigate(folder, Matter("bench", DAY, DAY + DAY_S), policy)
    rss = psutil.Process().memory_info().rss / 1e6
    print(
        f"  {time.perf_counter() - at:6.2f} s, CPU {time.process_time() - used:6.2f} s  the whole investigation: {len(made.hostile)} hostile clusters, {len(made.touched)} accounts touched; memory now {rss:,.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=100_000_000)
    parser.add_argument("--write", type=int, default=300_000, help="events for the measurement of writing")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--directory", type=Path, help="keep the generated events here, and take them from here"
    )
    given = parser.parse_args()
    folder = given.directory or Path(tempfile.mkdtemp(prefix="pontlevis-evidence-"))
    try:
        writing(folder / "written", given.write)
        if not (folder / "day").exists():
            at = time.perf_counter()
            generate(folder / "day", given.events, given.seed)
            print(f"generated in {time.perf_counter() - at:.0f} s")
        at = time.perf_counter()
        broken = verify(folder / "day").broken
        print(f"verified in {time.perf_counter() - at:.1f} s{': ' + broken if broken else ''}")
        asking(folder / "day", InvestigationPolicy(threads=given.threads))
    finally:
        if given.directory is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
