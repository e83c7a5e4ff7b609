"""A store in a directory, and acts to put into it."""

from pathlib import Path

from pontlevis.brain.detection.finding import DetectorName, Finding
from pontlevis.brain.observation import Kind, Observation, Outcome
from pontlevis.evidence.keeper import Keeper
from pontlevis.evidence.parquet import connect
from pontlevis.evidence.store import FOLDER
from pontlevis.evidence.store_policy import EvidencePolicy

NOON = 1_738_065_600.0  # 28 January 2025, 12:00 UTC


class House:
    """A keeper on a clock that stands where it is put."""

    def __init__(self, directory: Path, policy: EvidencePolicy | None = None, **more: object) -> None:
        self.now = NOON
        self.folder = directory / FOLDER
        self.policy = policy or EvidencePolicy(queue_s=10_000)
        self.keeper = Keeper(self.folder, self.policy, lambda: self.now, **more)  # type: ignore[arg-type]
        self.keeper.start()

    def batch(self, observations: list[Observation]) -> None:
        """One second, and the clock moves on by a minute: by default a batch's length, so that it is written."""
        for each in observations:
            self.keeper.observe(each)
        self.keeper.tick(self.now, alarmed=False)
        self.now += min(60.0, self.policy.batch_s)

    def close(self) -> None:
        thread = self.keeper._thread
        self.keeper.close(self.now)
        if thread is not None:
            thread.join(60)  # a machine under load takes longer than the service would wait

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """``query`` over ``events``."""
        return ask(self.folder, query)


def ask(folder: Path, query: str) -> list[tuple[object, ...]]:
    connection = connect()
    connection.execute(
        f"CREATE VIEW events AS SELECT * FROM read_parquet('{folder}/*/*/*.parquet', hive_partitioning=true)"
    ).fetchall()
    found: list[tuple[object, ...]] = connection.execute(query).fetchall()
    connection.close()
    return found


def act(
    at: float,
    kind: Kind = Kind.LOGIN,
    outcome: Outcome = Outcome.BAD_CREDENTIAL,
    source: str = "198.51.100.7",
    fingerprint: int = 7,
    account: str = "",
    **more: object,
) -> Observation:
    return Observation(at, kind, outcome, source, fingerprint, account, **more)  # type: ignore[arg-type]


def accusation(at: float, *sources: str, fingerprints: tuple[int, ...] = ()) -> Finding:
    return Finding(
        f"credential_stuffing:{at:.0f}", DetectorName.CREDENTIAL_STUFFING, at, at, 0.95, True,
        "Many guess passwords.", {"failures": 90.0}, sources, fingerprints,
    )  # fmt: skip
