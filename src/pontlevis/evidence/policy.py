"""Every constant that steers the journal, with unit, default and source."""

from dataclasses import dataclass

from pontlevis.brain.setting import check_numbers, setting


@dataclass(frozen=True, slots=True)
class JournalPolicy:
    """The settings of the journal. Raises ValueError for a bound that leaves no room to write."""

    enabled: bool = setting(
        True,
        unit="yes/no",
        doc="Whether what the brain is told is kept, for `pontlevis doctor` and for investigation.",
        source="choice: on; it holds addresses and account identifiers, no prompts and no secrets",
    )
    keep_h: int = setting(
        26, unit="h", doc="Hours kept; older files are deleted.", source="choice: a day, and room around it"
    )
    most_mib: int = setting(
        512,
        unit="MiB",
        doc="All files together; the oldest go first. One hour takes a quarter at most.",
        source="choice: a busy day takes less than a tenth of it",
    )
    exact_per_s: int = setting(
        5_000,
        unit="observations/s",
        doc="Kept one by one; beyond it every second, fourth, eighth … is kept, with that weight.",
        source="choice: one gateway's honest peak; a flood is known by its numbers as well",
    )
    queue_s: int = setting(
        30,
        unit="s",
        doc="Seconds that may wait for a slow disk; what comes later is dropped and counted.",
        source="choice: a disk that stalls for longer has other troubles",
    )

    def __post_init__(self) -> None:
        check_numbers(self, "journal", positive=True)
