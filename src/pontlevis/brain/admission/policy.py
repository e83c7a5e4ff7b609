"""Every constant that steers admission, with unit, default and source."""

from dataclasses import dataclass

from pontlevis.brain.setting import check_numbers, setting
from pontlevis.brain.vocabulary import Posture


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    """The settings of admission. Tuples of four are per band: existing, recent, new, anonymous."""

    enabled: bool = setting(
        True, unit="yes/no", doc="Whether admission limits and queues at all.", source="choice: on"
    )
    initial_limit: int = setting(
        16,
        unit="requests",
        doc="Requests in flight at an engine before anything is learnt of it.",
        source="choice: a small GPU's worth",
    )
    min_limit: int = setting(
        2,
        unit="requests",
        doc="The limit never falls below this.",
        source="choice: one to measure with, one to serve",
    )
    max_limit: int = setting(
        2048,
        unit="requests",
        doc="The limit never grows beyond this.",
        source="vLLM max_num_seqs is 256 to 1024 by default",
    )
    engine_queue_target: int = setting(
        2,
        unit="requests",
        doc="Requests that an engine's own queue may hold; more, and the limit falls to what runs.",
        source="choice: at most 5, because priority ends where the engine's FIFO begins",
    )
    engine_kv_ceiling: float = setting(
        0.95,
        unit="share",
        doc="KV-cache use beyond which the limit does not grow.",
        source="vLLM preempts at 1.0",
    )
    metrics_fresh_s: float = setting(
        3.0, unit="s", doc="Engine metrics older than this are not believed.", source="choice: three probes"
    )
    gradient_tolerance: float = setting(
        1.5,
        unit="ratio",
        doc="Rise of time to first token that is still normal.",
        source="Netflix concurrency-limits, Gradient2",
    )
    gradient_smoothing: float = setting(
        0.2,
        unit="share",
        doc="Weight of a new limit against the old one.",
        source="Netflix concurrency-limits, Gradient2",
    )
    gradient_window: int = setting(
        600,
        unit="samples",
        doc="Samples of the long average.",
        source="Netflix concurrency-limits, Gradient2",
    )
    ceilings_normal: tuple[float, float, float, float] = setting(
        (1.0, 0.8, 0.5, 0.25),
        unit="share of the limit",
        doc="How much of the limit a band and those below it may hold together; posture normal.",
        source="Stripe keeps 20 % for critical requests; the rest is choice",
    )
    ceilings_elevated: tuple[float, float, float, float] = setting(
        (1.0, 0.7, 0.4, 0.15),
        unit="share of the limit",
        doc="The same while elevated.",
        source="choice: between the neighbours",
    )
    ceilings_under_attack: tuple[float, float, float, float] = setting(
        (1.0, 0.3, 0.15, 0.0),
        unit="share of the limit",
        doc="The same under attack: 70 % is kept for existing accounts, anonymous use is off.",
        source="choice: existing users' goodput of 99 % in drills",
    )
    ceilings_recovering: tuple[float, float, float, float] = setting(
        (1.0, 0.6, 0.3, 0.1),
        unit="share of the limit",
        doc="The same while recovering.",
        source="choice: between the neighbours",
    )
    reserve_headroom: float = setting(
        0.25,
        unit="share",
        doc="Lower bands also leave free what existing accounts lately held at their peak, and this share more.",
        source="choice: the next arrival of an existing account finds a slot",
    )
    reserve_memory_s: float = setting(
        120.0,
        unit="s",
        doc="Time in which that peak decays to 37 %.",
        source="choice: two minutes of a conversation",
    )
    queue_size: tuple[int, int, int, int] = setting(
        (512, 256, 128, 64),
        unit="requests",
        doc="Requests that may wait in a band.",
        source="smg: 64 to 1024 a class",
    )
    queue_wait_s: tuple[float, float, float, float] = setting(
        (30.0, 20.0, 10.0, 5.0),
        unit="s",
        doc="How long a request may wait in a band.",
        source="smg: 30 s interactive",
    )
    retry_after_s: tuple[float, float] = setting(
        (2.0, 15.0),
        unit="s",
        doc="Between these a refused request is told to come back.",
        source="choice: jitter wider than a queue's life",
    )
    requests_per_minute: int = setting(
        600, unit="requests/min", doc="Of an existing account.", source="OpenAI tier 1 allows 500"
    )
    tokens_per_minute: int = setting(
        600_000,
        unit="tokens/min",
        doc="Of an existing account, input and output.",
        source="choice: three times OpenAI's tier 1 for GPT-4o-mini",
    )
    concurrent_requests: int = setting(
        64, unit="requests", doc="At once, of an existing account.", source="choice: a batch job of one team"
    )
    recent_share: float = setting(
        0.5, unit="share", doc="Of the full limits for a recent account.", source="choice"
    )
    new_share: float = setting(
        0.2, unit="share", doc="Of the full limits for a new account.", source="choice: a fifth"
    )
    new_share_elevated: float = setting(
        0.1, unit="share", doc="The same while the posture is not normal.", source="choice: a tenth"
    )
    anonymous_share: float = setting(
        0.02,
        unit="share",
        doc="Of the full limits for an anonymous source.",
        source="choice: a question every five seconds",
    )
    default_output_tokens: int = setting(
        256,
        unit="tokens",
        doc="Output expected of an account and model that nothing is known of.",
        source="mean output in the Azure 2023 conversation trace is 211",
    )
    accounts_remembered: int = setting(
        100_000,
        unit="accounts",
        doc="Accounts whose counters are kept; idle ones go first.",
        source="choice: about 60 MB",
    )

    def __post_init__(self) -> None:
        check_numbers(self, "admission")

    def ceilings(self, posture: Posture) -> tuple[float, float, float, float]:
        return {
            Posture.NORMAL: self.ceilings_normal,
            Posture.ELEVATED: self.ceilings_elevated,
            Posture.UNDER_ATTACK: self.ceilings_under_attack,
            Posture.RECOVERING: self.ceilings_recovering,
        }[posture]
