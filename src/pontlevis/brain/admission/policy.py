"""Every constant that steers admission, with unit, default and source."""

from dataclasses import dataclass

from pontlevis.brain.setting import check_numbers, setting
from pontlevis.brain.vocabulary import Posture

_ORDER = {Posture.NORMAL: 0, Posture.ELEVATED: 1, Posture.UNDER_ATTACK: 2, Posture.RECOVERING: 3}


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    """The settings of admission. Tuples of four are per band (existing, recent, new, anonymous) where they do not say otherwise."""

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
    metrics_same_looks: int = setting(
        5,
        unit="looks",
        doc="Engine metrics that stay the same for so many looks while requests come and go are not believed.",
        source="choice: a cache before the engine answers for it; five seconds of probes",
    )
    gradient_tolerance: float = setting(
        1.5,
        unit="ratio",
        doc="Rise of time to first token that is still normal.",
        source="Netflix concurrency-limits, Gradient2",
    )
    pace_tolerance: float = setting(
        2.0,
        unit="ratio",
        doc="Rise of the time per output token that is still normal.",
        source="choice: a full batch decodes at about half the speed of a single request",
    )
    gradient_smoothing: float = setting(
        0.2,
        unit="share",
        doc="Weight of a new limit against the old one.",
        source="Netflix concurrency-limits, Gradient2",
    )
    ejection_failures: int = setting(
        5,
        unit="requests",
        doc="That an engine fails in a row before it is given none for a while; at most half of the engines.",
        source="Envoy outlier detection, consecutive_5xx",
    )
    ejection_s: float = setting(
        5.0,
        unit="s",
        doc="How long at first; doubled each time.",
        source="choice, shorter than Envoy's 30 s: probes watch engines as well",
    )
    ejection_most_s: float = setting(
        300.0, unit="s", doc="How long at most.", source="Envoy outlier detection, max_ejection_time"
    )
    retry_share: float = setting(
        0.2,
        unit="share of requests",
        doc="That may be tried on another engine when theirs fails; beside ten at any time.",
        source="Envoy retry budget, budget_percent 20 %",
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
    borrow: tuple[float, float, float, float] = setting(
        (1.0, 1.0, 0.0, 0.5),
        unit="share",
        doc="Of what is idle beyond its ceiling, how much a lower band may borrow; by posture: normal, elevated, under_attack, recovering.",
        source="choice: nothing is idle in a surge, nothing is lent to an attack",
    )
    borrow_spare: float = setting(
        0.1,
        unit="share of the limit",
        doc="Never lent: the next existing user finds a slot.",
        source="choice: a tenth",
    )
    floor_share: tuple[float, float, float, float] = setting(
        (0.05, 0.03, 0.01, 0.03),
        unit="share of tokens",
        doc="Of what higher bands are given while a lower one waits, the share that it is given before them; by posture.",
        source="choice: strict priority with a bound on starvation; 1 % is what existing users' goodput may lose",
    )
    preempt: bool = setting(
        True,
        unit="yes/no",
        doc="Whether a request of a lower band that has not begun to answer gives its slot to an existing user who would wait.",
        source="choice: it goes back to its queue and its client notices nothing",
    )
    preempt_most: int = setting(
        2,
        unit="times",
        doc="That this may happen to one request.",
        source="choice: work thrown away must not grow without bound",
    )
    preempt_streams: str = setting(
        "under_attack",
        unit="never, under_attack, always",
        doc="When answers under way of new and anonymous accounts are ended, newest first, for an existing user who waits; under_attack holds while recovering as well.",
        source="choice: on a quiet day nobody's answer is cut",
    )
    preempt_streams_after_s: float = setting(
        0.1,
        unit="s",
        doc="How long an existing user waits before that.",
        source="choice: some slot often comes back within a tenth of a second",
    )
    queue_size: tuple[int, int, int, int] = setting(
        (512, 256, 128, 64),
        unit="requests",
        doc="Requests that may wait in a band, however few slots there are.",
        source="smg: 64 to 1024 a class",
    )
    queue_per_slot: tuple[float, float, float, float] = setting(
        (1.0, 0.25, 0.1, 0.0),
        unit="requests a slot",
        doc="Requests that may wait in a band for each slot of the engines that serve the model, where that is more.",
        source="measured with `pontlevis simulate`: a burst that a thousand engines serve in a second does not fit into 512 places",
    )
    queue_wait_s: tuple[float, float, float, float] = setting(
        (30.0, 20.0, 10.0, 5.0),
        unit="s",
        doc="How long a request may wait in a band.",
        source="smg: 30 s interactive",
    )
    overload_after_s: float = setting(
        10.0,
        unit="s",
        doc="A queue that was not empty for so long is overloaded: newest first, and shorter waits.",
        source="adaptive LIFO with controlled delay (Maurer, Fail at Scale, ACM Queue 2015), in an engine's time scale",
    )
    overload_wait_s: tuple[float, float, float, float] = setting(
        (10.0, 6.0, 3.0, 2.0),
        unit="s",
        doc="How long a request may wait in an overloaded band.",
        source="choice: a third of the wait otherwise",
    )
    shed_rise: float = setting(
        0.05,
        unit="share/s",
        doc="Of an overloaded band's accounts that are turned away at once, how fast it grows.",
        source="DAGOR (Zhou et al., SoCC 2018), alpha",
    )
    shed_fall: float = setting(
        0.01,
        unit="share/s",
        doc="And falls again afterwards.",
        source="DAGOR (Zhou et al., SoCC 2018), beta",
    )
    shed_most: float = setting(
        0.95, unit="share", doc="Beyond which it does not grow.", source="choice: somebody is always served"
    )
    cohort_period_s: float = setting(
        3600.0,
        unit="s",
        doc="After which it is the turn of others to be turned away.",
        source="DAGOR (Zhou et al., SoCC 2018): the hash changes every hour",
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
    requests_per_day: int = setting(
        50_000,
        unit="requests/day",
        doc="Of an existing account; 0 is no limit.",
        source="OpenAI tier 1 allows 10,000 for GPT-4o-mini; choice: five times",
    )
    tokens_per_day: int = setting(
        100_000_000,
        unit="tokens/day",
        doc="Of an existing account, input and output; 0 is no limit.",
        source="choice: almost three hours at the full rate",
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
    key_share: float = setting(
        1.0,
        unit="share",
        doc="Of its account's limits, what one key or session may use alone; 1 is all of them.",
        source="choice: a key stands for its account",
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
        if self.key_share > 1.0:
            raise ValueError("admission.key_share must not exceed 1")
        if self.preempt_streams not in ("never", "under_attack", "always"):
            raise ValueError("admission.preempt_streams must be never, under_attack or always")

    def at(self, values: tuple[float, float, float, float], posture: Posture) -> float:
        """Of a setting by posture, the one that holds now."""
        return values[_ORDER[posture]]

    def cuts_streams(self, posture: Posture) -> bool:
        """Whether answers under way may be ended now."""
        if self.preempt_streams == "under_attack":
            return posture in (Posture.UNDER_ATTACK, Posture.RECOVERING)
        return self.preempt_streams == "always"

    def ceilings(self, posture: Posture) -> tuple[float, float, float, float]:
        return {
            Posture.NORMAL: self.ceilings_normal,
            Posture.ELEVATED: self.ceilings_elevated,
            Posture.UNDER_ATTACK: self.ceilings_under_attack,
            Posture.RECOVERING: self.ceilings_recovering,
        }[posture]
