"""Which files say what of addresses."""

from dataclasses import dataclass

from pontlevis.brain.setting import check_numbers, setting


@dataclass(frozen=True, slots=True)
class KnowledgePolicy:
    """The settings of the knowledge of addresses. Raises ValueError for a number out of range."""

    asn_files: tuple[str, ...] = setting(
        (),
        unit="paths",
        doc="Files that say which autonomous system an address belongs to: CSV or TSV (`start,end,asn,name` "
        "or `prefix,asn,name`), gzipped or not, or `.mmdb`.",
        source="choice: none, and everything else works",
    )
    data_centre_files: tuple[str, ...] = setting(
        (),
        unit="paths",
        doc="Lists of prefixes of data centres, one a line.",
        source="choice: none",
    )
    vpn_files: tuple[str, ...] = setting(
        (),
        unit="paths",
        doc="Lists of prefixes or addresses of exits of VPNs, proxies and anonymising networks, one a line.",
        source="choice: none",
    )
    look_every_s: float = setting(
        30.0,
        unit="s",
        doc="Between looks at whether a file has changed.",
        source="choice: such files change daily",
    )
    max_ranges: int = setting(
        2_000_000,
        unit="ranges",
        doc="Ranges taken from one file; what is beyond is counted and left out.",
        source="choice: four times the routes of the Internet's table",
    )
    max_line_bytes: int = setting(
        4096, unit="bytes", doc="A longer line is a bad one.", source="choice: names have some dozen letters"
    )
    max_mmdb_bytes: int = setting(
        256 * 2**20,
        unit="bytes",
        doc="A greater `.mmdb` is not read: it is held in memory while it is.",
        source="choice: databases of AS numbers take a dozen MiB",
    )
    max_names: int = setting(
        200_000,
        unit="names",
        doc="Names of autonomous systems that are kept.",
        source="choice: twice as many as there are",
    )

    def __post_init__(self) -> None:
        check_numbers(self, "knowledge", positive=True)
        for name in ("asn_files", "data_centre_files", "vpn_files"):
            if any(not path for path in getattr(self, name)):
                raise ValueError(f"knowledge.{name}: a path is empty")
