"""Every constant that steers detection, with unit, default and source."""

from dataclasses import dataclass

from pontlevis.brain.detection.finding import DetectorName
from pontlevis.brain.detection.measure_policy import MeasurePolicy
from pontlevis.brain.places import PLACES
from pontlevis.brain.setting import check_numbers, setting


@dataclass(frozen=True, slots=True)
class DetectionPolicy(MeasurePolicy):
    """The settings of detection. Raises ValueError for an unknown detector's name."""

    enabled: bool = setting(True, unit="yes/no", doc="Whether detection acts at all.", source="choice: on")
    detectors_off: tuple[str, ...] = setting(
        (), unit="names", doc="Detectors that are switched off.", source="choice: none"
    )
    detectors_dry_run: tuple[str, ...] = setting(
        (),
        unit="names",
        doc="Detectors on trial: what they say is shown, and nothing follows from it.",
        source="choice: none",
    )
    measures: bool = setting(
        True,
        unit="yes/no",
        doc="Whether decisions against sources are proposed.",
        source="choice: on",
    )

    # How it judges
    fail_margin: float = setting(
        0.20,
        unit="share",
        doc="Log-in failures are too many when their share surely exceeds the usual one by this.",
        source="choice: twenty points, at 99.9 % confidence",
    )
    fail_share_floor: float = setting(
        0.30,
        unit="share",
        doc="No lower share of failures is ever too many.",
        source="choice: crowds that mistype reach 20 %",
    )
    cluster_share: float = setting(
        0.50,
        unit="share",
        doc="A cluster is condemned when surely more than this share of its acts is bad.",
        source="choice: more than half",
    )
    cluster_acts: int = setting(
        15,
        unit="acts",
        doc="Fewer acts of a cluster say nothing about it.",
        source="measurement: below it the 99.9 % bound of an all-bad cluster falls under 60 %",
    )
    rest_share: float = setting(
        0.30,
        unit="share",
        doc="The rest does well while at most this share of its acts is bad.",
        source="choice: twice what honest people fail",
    )
    least_acts: int = setting(
        30,
        unit="acts",
        doc="Fewer acts in a window say nothing about a share.",
        source="choice: the usual bound of the normal approximation",
    )
    poor_diversity: float = setting(
        3.5,
        unit="fingerprints",
        doc="So few equally frequent fingerprints are poor: honest crowds come with five and more.",
        source="measurement: a leading browser at 35 % gives 5.1 (inverse Simpson)",
    )
    diversity_acts: int = setting(
        20,
        unit="acts",
        doc="Fewer acts say nothing about diversity.",
        source="measurement: at 20, one honest crowd in a hundred falls below 3.5",
    )
    added_ratio: float = setting(
        5.0,
        unit="ratio",
        doc="Failures that outnumber by this all acts that are usual were added by somebody.",
        source="choice: a fault of ours makes people retry two or three times",
    )

    # Sign-ups
    surge_ratio: float = setting(
        3.0,
        unit="ratio",
        doc="The surge test looks for a rate of this times the usual one.",
        source="choice",
    )
    surge_limit: float = setting(
        8.0,
        unit="nats",
        doc="The surge test is raised at this log-likelihood ratio.",
        source="choice: e^8 to 1; once in an hour of calm at most",
    )
    surge_signups: int = setting(
        10, unit="sign-ups", doc="Fewer sign-ups in a window are never a surge.", source="choice: ten"
    )
    domain_share: float = setting(
        0.30,
        unit="share",
        doc="One uncommon mail domain or one prefix is conspicuous when it surely has more than this share.",
        source="choice: three times 10 %",
    )
    uncommon_share: float = setting(
        0.75,
        unit="share",
        doc="Uncommon mail domains are too many when they surely have more than this share.",
        source="choice: in crowds the large mailbox providers have half",
    )
    invalid_share: float = setting(
        0.40,
        unit="share",
        doc="Malformed sign-ups are too many when they surely have more than this share.",
        source="choice: forms that people fill in fail up to 20 %",
    )
    common_domains: tuple[str, ...] = setting(
        (
            "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com",
            "yahoo.com", "icloud.com", "me.com", "aol.com", "proton.me", "protonmail.com",
            "gmx.de", "gmx.net", "web.de", "orange.fr", "free.fr", "laposte.net", "libero.it",
            "mail.ru", "yandex.ru", "qq.com", "163.com", "126.com", "naver.com", "foxmail.com",
        ),
        unit="domains",
        doc="Mail domains so common that their share says nothing.",
        source="choice: large mailbox providers",
    )  # fmt: skip

    # Calls and tokens
    flood_acts: int = setting(
        50,
        unit="calls",
        doc="Fewer calls turned away in ten seconds are never a flood.",
        source="choice: five a second",
    )
    flood_ratio: float = setting(
        3.0,
        unit="ratio",
        doc="Calls turned away, and unfamiliar sources, must exceed the usual number by this.",
        source="choice",
    )
    flood_sources: int = setting(
        20,
        unit="sources",
        doc="Fewer unfamiliar sources in ten seconds are no rotating flood.",
        source="choice",
    )
    insistence: float = setting(
        5.0,
        unit="calls",
        doc="Calls turned away per unfamiliar source in ten seconds from which they are insistent.",
        source="choice: people and clients with back-off stay below",
    )
    greedy_requests: float = setting(
        6.0,
        unit="calls",
        doc="A young account is greedy above this many calls, earlier ones fading over 30 s.",
        source="choice: a person reads the answers",
    )
    greedy_tokens: float = setting(
        3000.0,
        unit="tokens",
        doc="A young account is never greedy below this many tokens, likewise fading.",
        source="choice: three times the median prompt of the Azure 2023 conversation trace",
    )
    greedy_ratio: float = setting(
        5.0,
        unit="ratio",
        doc="Nor below this many times the usual call of an account that is not young.",
        source="choice",
    )
    greedy_share: float = setting(
        0.30,
        unit="share",
        doc="A cluster's young accounts drain when surely more than this share is greedy.",
        source="choice: heavy honest newcomers stay below one in ten",
    )
    greedy_accounts: int = setting(
        8,
        unit="accounts",
        doc="Fewer greedy young accounts in ten seconds are no drain.",
        source="choice",
    )
    prompt_share: float = setting(
        0.01,
        unit="share",
        doc="Accounts that drain within seconds of their sign-up are usual at least up to this share of those made.",
        source="measurement: 0.1 to 0.4 % of virtual crowds, also of one that is mostly turned away",
    )
    prompt_ratio: float = setting(
        10.0,
        unit="ratio",
        doc="The test of such accounts looks for a share of this times the usual one.",
        source="choice: one bot among ten newcomers",
    )
    prompt_accounts: int = setting(
        4,
        unit="accounts",
        doc="Fewer of such accounts in a minute are no drain.",
        source="choice: the test needs four at least",
    )
    first_use_limit: float = setting(
        9.0,
        unit="nats",
        doc="The tests of first uses are raised at this log-likelihood ratio.",
        source="choice: e^9 to 1, one more than for a surge, because it accuses",
    )
    woken_heavy_share: float = setting(
        0.35,
        unit="share",
        doc="Of accounts that are used for the first time, up to this share begins with a call above 1.25 times the "
        "usual one.",
        source="measurement: of log-normal call sizes (sigma 1) one in four does",
    )
    woken_heavy_sure: float = setting(
        0.80,
        unit="share",
        doc="The test of such accounts looks for this share.",
        source="choice: accounts that are used up have nothing light to ask",
    )
    drain_share: float = setting(
        0.30,
        unit="share",
        doc="Anonymous calls drain when they surely ask for more than this share of tokens, and five times "
        "their usual one.",
        source="choice",
    )

    # Existing users
    wait_objective_s: float = setting(
        1.0,
        unit="s",
        doc="Existing users' p99 wait in the queue above this is impact.",
        source="choice",
    )
    ttft_objective_s: float = setting(
        2.0,
        unit="s",
        doc="Their p99 time to first token above this, and above twice the usual, is impact.",
        source="choice",
    )
    failed_objective: float = setting(
        0.02,
        unit="share",
        doc="Failed, or refused, share of their calls that is surely exceeded is impact.",
        source="choice: 98 % served",
    )

    # Bounds of memory
    max_fingerprints: int = setting(
        512,
        unit="rows",
        doc="Fingerprints counted one by one.",
        source="choice: 3 MB while all of them act every second (measured)",
    )
    max_prefixes: int = setting(
        1024,
        unit="rows",
        doc="Prefixes counted one by one.",
        source="choice: 6 MB while all of them act every second (measured)",
    )
    max_domains: int = setting(
        1024,
        unit="rows",
        doc="Pairs of fingerprint and mail domain counted one by one.",
        source="choice: 6 MB while all of them act every second (measured)",
    )
    max_suspects: int = setting(
        32_768,
        unit="sources",
        doc="Sources with hostile deeds remembered.",
        source="measurement: 300 bytes each",
    )
    max_newcomers: int = setting(
        16_384, unit="accounts", doc="Young accounts remembered.", source="measurement: 500 bytes each"
    )
    max_sleepers: int = setting(
        16_384,
        unit="accounts",
        doc="Accounts remembered that were made and not used yet.",
        source="measurement: 350 bytes each",
    )
    max_keys: int = setting(
        4096,
        unit="keys",
        doc="API keys and sessions of which the history is kept.",
        source="measurement: 2 KB each",
    )
    newcomer_s: float = setting(
        3600.0,
        unit="s",
        doc="For how long an account's sign-up is remembered through its source.",
        source="choice",
    )
    protect_s: float = setting(
        43_200.0,
        unit="s",
        doc="No measure names a source from which an existing account was served within this time.",
        source="choice: half a day, as for familiar sources: this morning's users come back tonight",
    )
    familiar_s: float = setting(
        43_200.0,
        unit="s",
        doc="A source is familiar for at least this long after an account that is not new was served there.",
        source="choice: half a day, so that this morning's users are no strangers tonight",
    )
    places_per_account: int = setting(
        PLACES,
        unit="places",
        doc="So many new places one account makes familiar, or vouches for, within ``familiar_s``; calls from further ones are served, "
        "and prove nothing for others that come from there.",
        source="choice: a phone's changing networks, home, work and a few machines; whoever keeps one account must not speak for a botnet",
    )

    def __post_init__(self) -> None:
        check_numbers(self, "detection")
        known = {each.value for each in DetectorName}
        for setting_name in ("detectors_off", "detectors_dry_run"):
            unknown = sorted(set(getattr(self, setting_name)) - known)
            if unknown:
                raise ValueError(f"detection.{setting_name}: no detector is called {unknown[0]!r}")

    @property
    def silent(self) -> frozenset[str]:
        """Detectors from which nothing follows: switched off, or on trial."""
        return frozenset(self.detectors_off) | frozenset(self.detectors_dry_run)
