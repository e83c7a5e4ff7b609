"""Gathers what the gateway sees into batches for the controller, in bounded memory."""

from pontlevis.brain.agent import SEVERAL
from pontlevis.brain.fingerprint import agent_of
from pontlevis.brain.observation import Kind, Observation, Outcome, PagePart, ServiceSample
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.link.messages import Batch, UsageRecord

_Key = tuple[Kind, Outcome, str, int, str, int, str]
_PageKey = tuple[Outcome, str, int, PagePart, int, int]


class _Entry:
    """What adds up of alike observations."""

    __slots__ = ("agent", "count", "in_flight", "size", "tokens")

    def __init__(self, tokens: int, size: int, in_flight: int, agent: str) -> None:
        self.count = 1
        self.tokens = tokens
        self.size = size
        self.in_flight = in_flight
        self.agent = agent


class Recorder:
    """Counts alike observations of a batch together; beyond the bound, by kind and outcome only."""

    def __init__(self, worker: int, policy: GatewayPolicy) -> None:
        self._worker = worker
        self._most = policy.batch_observations
        self._seen: dict[_Key, _Entry] = {}
        self._pages: dict[_PageKey, _Entry] = {}
        self._usage: list[UsageRecord] = []
        self._dropped = 0

    def see(
        self,
        kind: Kind,
        outcome: Outcome,
        source: str,
        fingerprint: int,
        account: str = "",
        standing: int = 0,
        tokens: int = 0,
        credential: str = "",
        size: int = 0,
        in_flight: int = 0,
    ) -> None:
        """Counts one thing; ``size`` in bytes, ``in_flight`` calls of the credential at once."""
        key = (kind, outcome, source, fingerprint, account, standing, credential)
        entry = self._seen.get(key)
        # Names are no part of the key: whoever changes theirs with each request would fill the batch.
        agent = agent_of(fingerprint)
        if entry is None:
            if len(self._seen) >= self._most:
                self._dropped += 1
                key, agent = (kind, outcome, "", 0, "", standing, ""), ""
                entry = self._seen.get(key)
            if entry is None:
                self._seen[key] = _Entry(tokens, size, in_flight, agent)
                return
        entry.count += 1
        entry.tokens += tokens
        entry.size += size
        if in_flight > entry.in_flight:
            entry.in_flight = in_flight
        if agent != entry.agent:
            entry.agent = SEVERAL

    def see_page(
        self, outcome: Outcome, source: str, fingerprint: int, part: PagePart, target: int, parameters: int
    ) -> None:
        """Counts one request for a page, or for what a page needs. Beyond a bound of their own, by outcome and
        part only, so that a flood of pages takes no room from calls.
        """
        key, agent = (outcome, source, fingerprint, part, target, parameters), agent_of(fingerprint)
        entry = self._pages.get(key)
        if entry is None:
            if len(self._pages) >= self._most:
                self._dropped += 1
                key, agent = (outcome, "", 0, part, 0, 0), ""
                entry = self._pages.get(key)
            if entry is None:
                self._pages[key] = _Entry(0, 0, 0, agent)
                return
        entry.count += 1
        if agent != entry.agent:
            entry.agent = SEVERAL

    def settle(self, usage: UsageRecord) -> None:
        self._usage.append(usage)

    def take(self, now: float, sample: ServiceSample | None, refusals: dict[str, int]) -> Batch:
        """All that was seen since the last call. ``now`` is Unix seconds."""
        seen, self._seen = self._seen, {}
        pages, self._pages = self._pages, {}
        dropped, self._dropped = self._dropped, 0
        return Batch(
            self._worker,
            [
                Observation(
                    now,
                    kind,
                    outcome,
                    source,
                    int(fingerprint),
                    account,
                    standing,
                    "",
                    each.count,
                    each.tokens,
                    credential,
                    each.size,
                    each.in_flight,
                    agent=each.agent,
                )
                for (kind, outcome, source, fingerprint, account, standing, credential), each in seen.items()
            ]
            + [
                Observation(
                    now,
                    Kind.PAGE,
                    outcome,
                    source,
                    int(fingerprint),
                    count=each.count,
                    target=target,
                    parameters=parameters,
                    agent=each.agent,
                    part=part,
                )
                for (outcome, source, fingerprint, part, target, parameters), each in pages.items()
            ],
            sample,
            dropped,
            refusals,
        )

    def take_usage(self) -> list[UsageRecord]:
        """What was used since the last call."""
        usage, self._usage = self._usage, []
        return usage
