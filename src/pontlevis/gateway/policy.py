"""Every constant that bounds the data path, with unit, default and source."""

from dataclasses import dataclass

from pontlevis.brain.setting import check_numbers, setting

MOST_WORKERS = 64


@dataclass(frozen=True, slots=True)
class GatewayPolicy:
    """The settings of the data path."""

    workers: int = setting(
        1,
        unit="processes",
        doc="Gateway workers that share the public port, at most 64. With more than one, a process of its own holds admission for all.",
        source="choice: one core's worth of requests is enough for most; see running.md for what more cost",
    )
    admission_silence_s: float = setting(
        3.0,
        unit="s",
        doc="With several workers: an admission process that says nothing for this long counts as away.",
        source="choice: six of its beats",
    )
    max_header_bytes: int = setting(
        32_768,
        unit="bytes",
        doc="Request line and headers of one request; more is answered 431 and the connection closed.",
        source="nginx large_client_header_buffers 4 x 8k",
    )
    max_headers: int = setting(
        100,
        unit="headers",
        doc="Header fields of one request; more is answered 431.",
        source="hyper's default",
    )
    max_body_bytes: int = setting(
        4_194_304,
        unit="bytes",
        doc="Body of one inference request; more is answered 413.",
        source="choice: a million tokens at four bytes each",
    )
    max_page_body_bytes: int = setting(
        65_536,
        unit="bytes",
        doc="Body of one request to pages and the accounts API.",
        source="choice: forms are small",
    )
    held_body_bytes: int = setting(
        536_870_912,
        unit="bytes",
        doc="Request bodies that one worker holds at once, being sent, waiting or under way; beyond it 503.",
        source="choice: 128 of the largest",
    )
    held_body_bytes_others: int = setting(
        268_435_456,
        unit="bytes",
        doc="The same, beyond which only established, paid and operators' bodies are taken.",
        source="choice: half of it",
    )
    header_timeout_s: float = setting(
        10.0,
        unit="s",
        doc="From the first byte of a request to the end of its headers.",
        source="choice, shorter than nginx client_header_timeout 60 s",
    )
    body_timeout_s: float = setting(
        60.0,
        unit="s",
        doc="From the end of the headers to the end of the body.",
        source="nginx client_body_timeout",
    )
    min_body_rate: float = setting(
        1024.0,
        unit="bytes/s",
        doc="A body that arrives more slowly than this, after five seconds of grace, is cut with 408.",
        source="Apache mod_reqtimeout MinRate is 500",
    )
    idle_timeout_s: float = setting(
        75.0,
        unit="s",
        doc="A connection without a request is closed after this.",
        source="nginx keepalive_timeout",
    )
    write_stall_s: float = setting(
        30.0,
        unit="s",
        doc="A client that takes nothing from a full send buffer for this long is cut.",
        source="choice, shorter than nginx send_timeout 60 s",
    )
    max_connections: int = setting(
        16_384,
        unit="connections",
        doc="Open client connections of one worker.",
        source="choice: below the file limit",
    )
    max_connections_per_source: int = setting(
        512,
        unit="connections",
        doc="Open client connections of one address (or /64); more are closed at once. Of several workers each takes its share and some more.",
        source="choice: a large shared NAT fits, a slow-loris does not",
    )
    engine_connect_timeout_s: float = setting(
        5.0, unit="s", doc="To open a connection to an engine.", source="Envoy cluster connect_timeout"
    )
    engine_silence_s: float = setting(
        600.0,
        unit="s",
        doc="An engine that sends nothing for this long while answering is given up.",
        source="openai client's default timeout",
    )
    engine_connections: int = setting(
        1024,
        unit="connections",
        doc="Open connections of one worker to one engine.",
        source="Envoy circuit breaker max_connections",
    )
    health_interval_s: float = setting(
        1.0, unit="s", doc="Between probes of an engine.", source="choice: an outage is seen within seconds"
    )
    page_slots: int = setting(
        32,
        unit="requests",
        doc="Requests for pages and the accounts API under way at the controller at once.",
        source="choice: more only queue behind its one event loop",
    )
    page_slots_reserved: int = setting(
        12,
        unit="requests",
        doc="Of these, kept for requests that bring a valid session.",
        source="choice: existing users first",
    )
    page_queue: int = setting(
        128, unit="requests", doc="Page requests that may wait for a slot.", source="choice: a second of work"
    )
    page_timeout_s: float = setting(
        15.0, unit="s", doc="To the end of a page's answer.", source="Envoy's default route timeout"
    )
    stranger_posts_per_s: float = setting(
        4.0,
        unit="requests/s",
        doc="Log-ins and sign-ups let through from unfamiliar sources while under attack or recovering; in elevated log-ins only, while a finding accuses them.",
        source="choice: a tenth of what one core hashes with Argon2id at 19 MiB",
    )
    stranger_posts_burst: float = setting(
        20.0,
        unit="requests",
        doc="How many of these may come at once.",
        source="choice: five seconds of the rate",
    )
    solved_posts_per_s: float = setting(
        16.0,
        unit="requests/s",
        doc="The same for strangers who show a challenge's solution in the request's head, or the ticket of a log-in's first step: a ration of their own.",
        source="choice: half of what one core hashes with Argon2id at 19 MiB",
    )
    solved_posts_burst: float = setting(
        32.0,
        unit="requests",
        doc="How many of these may come at once.",
        source="choice: as accounts.hash_queue",
    )
    batch_interval_s: float = setting(
        0.25,
        unit="s",
        doc="Between batches sent to the controller.",
        source="choice: detection ticks once a second",
    )
    usage_backlog_bytes: int = setting(
        268_435_456,
        unit="bytes",
        doc="Usage that one worker keeps in the data directory while controller or database are away; beyond it is lost.",
        source="choice: about two million requests",
    )
    batch_observations: int = setting(
        20_000,
        unit="observations",
        doc="Distinct observations of one batch; the rest is merged by kind and outcome.",
        source="choice: 2 MB a batch at most",
    )

    bans_spare_existing: bool = setting(
        True,
        unit="yes/no",
        doc="Whether a decision that detection took against an address or a prefix lets through whoever shows a valid key or "
        "session of an account above new. An operator's decision hits everybody.",
        source="choice: existing users first; the key proves more than the address, which a whole house or carrier may share",
    )

    def __post_init__(self) -> None:
        may_be_zero = (
            "min_body_rate",
            "page_slots_reserved",
            "stranger_posts_per_s",
            "stranger_posts_burst",
            "solved_posts_per_s",
            "solved_posts_burst",
        )
        check_numbers(self, "gateway", positive=True, zero=may_be_zero)
        if self.held_body_bytes_others > self.held_body_bytes:
            raise ValueError("gateway.held_body_bytes_others must not exceed gateway.held_body_bytes")
        if not 1 <= self.workers <= MOST_WORKERS:
            raise ValueError(f"gateway.workers must be between 1 and {MOST_WORKERS}")
        if self.page_slots_reserved >= self.page_slots:
            raise ValueError("gateway.page_slots_reserved must be less than gateway.page_slots")
