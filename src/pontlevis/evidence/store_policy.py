"""Every constant that steers the evidence store, with unit, default and source."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from pontlevis.brain.setting import check_numbers, setting


@dataclass(frozen=True, slots=True)
class EvidencePolicy:
    """The settings of the evidence store. Raises ValueError for a bound that leaves no room to write."""

    enabled: bool = setting(
        True,
        unit="yes/no",
        doc="Whether security-relevant events are kept as Parquet, for `pontlevis investigate` and other tools.",
        source="choice: on; after an attack it is too late to switch it on",
    )
    keep_days: int = setting(
        30,
        unit="days",
        doc="Files older than this are deleted, but for those that an incident holds.",
        source="choice: a month, in which most break-ins come to light; shorter where the law says so",
    )
    most_mib: int = setting(
        4_096,
        unit="MiB",
        doc="All files together; the oldest go first, those that an incident holds last.",
        source="choice: three days of unbroken flood at the bounds below",
    )
    hold_days: int = setting(
        180,
        unit="days",
        doc="How long after its end the evidence of an attack is held, from an hour before it to an hour after.",
        source="choice: complaints, insurers and courts ask within half a year",
    )
    held_share: float = setting(
        0.5,
        unit="share",
        doc="Of `most_mib` that held files may take; beyond it the oldest held ones go too.",
        source="choice: today must find room beside the past",
    )
    batch_s: float = setting(
        60.0,
        unit="s",
        doc="A file is written this often while all is calm; `kill -9` costs at most so much.",
        source="choice: 1,440 small files a day are still quick to read",
    )
    alarm_batch_s: float = setting(
        10.0,
        unit="s",
        doc="The same while the posture is not normal.",
        source="choice: who investigates while it burns sees the last ten seconds missing, not the last minute",
    )
    batch_rows: int = setting(
        100_000,
        unit="rows",
        doc="A file is written at once when so many rows wait.",
        source="choice: one row group of DuckDB (122,880 rows) at most; 60 MB of memory",
    )
    sampled_per_s: int = setting(
        1_000,
        unit="observations/s",
        doc="Kept one by one; beyond it every second, fourth, eighth … is kept, with that weight.",
        source="choice: three quarters of most_mib a day at worst; a flood is known by its numbers",
    )
    certain_per_s: int = setting(
        2_000,
        unit="observations/s",
        doc="The same for what is about accounts touched: only beyond this many are they sampled as well.",
        source="choice: log-ins that succeed cost a password hash each, so no flood reaches it",
    )
    grain_s: int = setting(
        1,
        unit="s",
        doc="Alike acts of one source within so many seconds become one row with their count.",
        source="choice: the brain judges each second",
    )
    touched_accounts: int = setting(
        100_000,
        unit="accounts",
        doc="Accounts touched that are remembered, so that everything about them is kept; the oldest go first.",
        source="choice: 10 MB of memory",
    )
    queue_s: int = setting(
        60,
        unit="s",
        doc="Seconds that may wait for a slow disk; what comes later is dropped, counted, and told in the manifest.",
        source="choice: a disk that stalls for longer has other troubles",
    )
    user_agents: bool = setting(
        True,
        unit="yes/no",
        doc="Whether product and major version of the User-Agent are noted (`curl 8`, `Firefox 133`), never the rest of it.",
        source="choice: on; a program that calls itself a browser is told apart by it, and no person is",
    )
    user_agents_per_min: int = setting(
        200,
        unit="names/min",
        doc="Different ones that a gateway worker notes in a minute; then well-known products lose their version, others become `other`.",
        source="choice: a busy site meets some dozens of products and versions a minute; made-up names end here",
    )
    pseudonymise: bool = setting(
        False,
        unit="yes/no",
        doc="Whether addresses are replaced by pseudonyms that keep their prefixes, under DATA/evidence.key.",
        source="Crypto-PAn (Xu et al., ICNP 2002); GDPR article 4(5). Off: a block list needs the address",
    )
    tsa_url: str = setting(
        "",
        unit="URL",
        doc="A time-stamping authority (RFC 3161) that signs the head of the chain; empty: none.",
        source="choice: nobody is contacted unless an operator says whom",
    )
    tsa_certificate: str = setting(
        "",
        unit="path",
        doc="PEM file with that authority's root (and signer, where its answers do not carry it).",
        source="RFC 3161 §2.3; a stamp that nobody can check is worth nothing",
    )
    tsa_every_s: float = setting(
        3_600.0,
        unit="s",
        doc="How often the head is stamped while new files come.",
        source="choice: free authorities ask for restraint",
    )

    def __post_init__(self) -> None:
        check_numbers(self, "evidence", positive=True)
        if self.held_share > 1:
            raise ValueError("evidence.held_share must be at most 1")
        if self.tsa_url and urlsplit(self.tsa_url).scheme not in ("http", "https"):
            raise ValueError("evidence.tsa_url must begin with http:// or https://")
        if self.tsa_url and not self.tsa_certificate:
            raise ValueError("evidence.tsa_certificate must name a PEM file where tsa_url is set")
