"""What an investigation says, for programs and pages. Times are Unix seconds."""

import msgspec

from pontlevis.investigation.phrase import Phrase


class Agent(msgspec.Struct, frozen=True):
    """A name by which clients of a cluster go."""

    name: str
    """Product and major version; ``none``, ``other`` and ``several`` as in ``brain.agent``."""
    acts: float
    sources: int
    """About; one that sent its headers in several orders counts once for each."""
    contradiction: str = ""
    """What speaks against a browser's name: ``order`` of its headers, or ``bare`` of Accept-Language; empty where
    nothing does."""
    sends_like: str = ""
    """The client that sends headers in that order."""


class Cluster(msgspec.Struct):
    """Sources that did the same with the same software."""

    id: str
    """Stable while the evidence is: ``guessing-0a1b2c3d``."""
    behaviour: str
    sentence: str
    confidence: float
    hostile: bool
    signs: list[str]
    """What the confidence rests on, each with its figure."""
    fingerprints: list[str]
    tools: list[str]
    sources: int
    prefixes: int
    networks: list[tuple[int, int]]
    """Autonomous systems (0: unknown) and how many of the sources are in each, most first."""
    hosted_share: float
    acts: float
    """Estimated from weights, as all counts are."""
    guesses: float
    signups: float
    requests: float
    tokens: float
    first_at: float
    last_at: float
    loudest: list[str]
    who: Phrase = Phrase("")
    """The sentence, for every language."""
    grounds: list[Phrase] = []
    """The signs, likewise."""
    agents: list[Agent] = []
    """Of a hostile cluster, most acts first."""


class Wave(msgspec.Struct):
    """A time in which hostile acts came thick."""

    since: float
    until: float
    acts: float
    peak_per_s: float


class Touched(msgspec.Struct, frozen=True):
    """An account that somebody hostile got into or used, and why we think so."""

    account_id: str
    why: str
    at: float
    how: str = ""
    """``login`` or ``request``; empty where it was not evidence that said so."""
    source: str = ""
    cluster: str = ""


class UsedKey(msgspec.Struct):
    """A key that hostile sources used."""

    credential: str
    account: str
    requests: float
    tokens: float
    sources: int
    first_at: float
    last_at: float


class Hit(msgspec.Struct):
    """An existing user who was turned away although known good."""

    account: str
    refused: float
    served: float
    first_at: float
    last_at: float


class Attacked(msgspec.Struct):
    """An account whose password was guessed at."""

    account: str
    tries: float
    sources: int
    gave_way: bool


class Series(msgspec.Struct):
    """Counts over time, in bins of ``width`` seconds from ``start`` on."""

    start: float
    width: float
    hostile: list[float]
    other: list[float]


class Statement(msgspec.Struct):
    """A sentence, and what it is: ``fact``, ``inference`` or ``unknown``."""

    kind: str
    text: str
    """In English; ``phrase`` says it in every language."""
    phrase: Phrase = Phrase("")


class Line(msgspec.Struct):
    """What the service said or did."""

    at: float
    event: str
    outcome: str
    detail: str


class Investigation(msgspec.Struct):
    """All that one investigation says."""

    subject: str
    since: float
    until: float
    rows: int
    acts: float
    dropped: int
    sampled: bool
    pseudonymised: bool
    clusters: list[Cluster]
    clusters_left_out: int
    statements: list[Statement]
    waves: list[Wave]
    series: Series
    touched: list[Touched]
    attacked_accounts: int
    attacked: list[Attacked]
    keys: list[UsedKey]
    tokens_drained: float
    cost: float | None
    currency: str
    honest_hit: int
    honest: list[Hit]
    members: dict[str, list[str]]
    """Sources of each hostile cluster, most acts first; without those of somebody who is known good."""
    hostile_source_count: int
    timeline: list[Line]

    @property
    def hostile(self) -> list[Cluster]:
        return [each for each in self.clusters if each.hostile]
