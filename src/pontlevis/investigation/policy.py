"""Every constant that steers an investigation, with unit, default and source."""

from dataclasses import dataclass

from pontlevis.brain.setting import check_numbers, setting


@dataclass(frozen=True, slots=True)
class InvestigationPolicy:
    """The settings of `pontlevis investigate` and `pontlevis report`. Raises ValueError for one that is none."""

    threads: int = setting(
        2,
        unit="threads",
        doc="Of DuckDB while it answers.",
        source="choice: the two cores of a small machine",
    )
    memory_mib: int = setting(
        1_024,
        unit="MiB",
        doc="Of DuckDB while it answers; beyond it, it uses files beside the evidence.",
        source="measured: 100 million events need less (docs/evidence.md)",
    )
    before_h: float = setting(
        24.0,
        unit="h",
        doc="Evidence before the time in question that tells who was there already.",
        source="choice: a day has every hour of the day in it",
    )
    price_per_million_tokens: float = setting(
        0.0,
        unit="currency",
        doc="What a million tokens cost you; 0: tokens are told, money is not.",
        source="choice: only you know",
    )
    currency: str = setting("EUR", unit="word", doc="How that price is written.", source="choice")
    hostile_confidence: float = setting(
        0.7,
        unit="share",
        doc="From this confidence on a cluster counts as hostile: touched accounts and block lists rest on it.",
        source="choice: a finding that names it is enough, and no other sign alone is",
    )
    most_clusters: int = setting(
        60,
        unit="clusters",
        doc="The largest are told; the rest is summed up.",
        source="choice: nobody reads more",
    )
    most_listed: int = setting(
        10_000,
        unit="entries",
        doc="Accounts, keys and sources of one list that are written out.",
        source="choice: a page of a few MB",
    )
    replay_trials: int = setting(
        12,
        unit="replays",
        doc="How many other settings `pontlevis report` tries on the incident's own evidence.",
        source="choice: each costs a replay of the journal",
    )
    replay_acts: int = setting(
        500_000,
        unit="observations",
        doc="Of the incident and the time before it that a replay uses at most; the first ones, where detection is decided.",
        source="choice: 300 MB of memory, and about a minute a replay",
    )
    notify_h: tuple[float, ...] = setting(
        (24.0, 72.0),
        unit="h",
        doc="Deadlines of duties to notify that the report counts from the first account touched.",
        source="NIS2 article 23 (early warning) and GDPR article 33",
    )
    replay_s: float = setting(
        300.0,
        unit="s",
        doc="No further trial is begun after so long.",
        source="choice: whoever asks for a report waits for it",
    )

    def __post_init__(self) -> None:
        check_numbers(
            self,
            "investigation",
            positive=True,
            zero=("price_per_million_tokens", "before_h", "replay_trials"),
        )
        if self.hostile_confidence > 1:
            raise ValueError("investigation.hostile_confidence must be at most 1")
