"""Writes and reads Parquet through DuckDB, which is imported where it is first needed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pontlevis.evidence.rows import COLUMNS, SUMMED, Value

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LEVEL = 9
"""Of zstd: measured on generated floods, a tenth smaller than the default 3 for a third more time."""
GROUP_ROWS = 12_288
"""Of a row group. Files are sorted by event, outcome and software, so that a question about one kind of event passes most
groups over: measured, half the CPU of reading calls that were served for a hundredth more bytes."""
WRITER_MEMORY = "256MB"


def connect(
    *, threads: int = 1, memory: str = WRITER_MEMORY, spill: Path | None = None
) -> "DuckDBPyConnection":
    """A database in memory that loads no extension from anywhere; ``spill`` is where it may put what does not fit."""
    import duckdb

    return duckdb.connect(
        ":memory:",
        config={
            "threads": threads,
            "memory_limit": memory,
            "temp_directory": str(spill) if spill is not None else "",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
        },
    )


def write(
    connection: "DuckDBPyConnection", columns: Mapping[str, Sequence[Value]], path: Path, *, grain_s: int
) -> tuple[int, float, float]:
    """Writes rows to ``path``, alike acts of one source within ``grain_s`` seconds as one; how many, and the
    times of first and last, Unix seconds. Raises ``OSError``."""
    import duckdb
    import numpy as np

    arrays = {name: np.array(values, dtype=_dtype(COLUMNS[name])) for name, values in columns.items()}
    connection.register("waiting", arrays)
    alike = [name for name in COLUMNS if name not in SUMMED | {"ts", "in_flight"}]
    typed = ", ".join(f'"{name}"::{kind} "{name}"' for name, kind in COLUMNS.items() if name != "ts")
    chosen = ", ".join(
        "min(ts) ts" if name == "ts" else f'sum("{name}")::BIGINT "{name}"' if name in SUMMED
        else 'max("in_flight") "in_flight"' if name == "in_flight" else f'"{name}"'
        for name in COLUMNS
    )  # fmt: skip
    try:
        connection.execute(
            f"""COPY (WITH typed AS (SELECT make_timestamp((ts * 1000000)::BIGINT) ts, {typed} FROM waiting)
                SELECT {chosen} FROM typed
                GROUP BY {", ".join(f'"{name}"' for name in alike)}, floor(epoch(ts) / {int(grain_s)})
                ORDER BY event, outcome, fingerprint, source, ts)
                TO '{_quoted(path)}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL {LEVEL}, ROW_GROUP_SIZE {GROUP_ROWS})"""
        ).fetchall()
        (found,) = connection.execute(
            f"SELECT count(*), epoch(min(ts)), epoch(max(ts)) FROM read_parquet('{_quoted(path)}')"
        ).fetchall()
    except duckdb.Error as error:
        raise OSError(f"{path} cannot be written: {error}") from None
    finally:
        connection.unregister("waiting")
    return int(found[0]), float(found[1]), float(found[2])


def _dtype(kind: str) -> str:
    return {"VARCHAR": "O", "BOOLEAN": "?", "DOUBLE": "f8", "TIMESTAMP": "f8"}.get(kind, "i8")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
