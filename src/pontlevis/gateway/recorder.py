"""Gathers what the gateway sees into batches for the controller, in bounded memory."""

from pontlevis.brain.observation import Kind, Observation, Outcome, ServiceSample
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.link.messages import Batch, UsageRecord

MOST_USAGE = 50_000  # records kept while the controller is away; a few minutes of full load

_Key = tuple[Kind, Outcome, str, int, str, int, str]


class Recorder:
    """Counts alike observations of a batch together; beyond the bound, by kind and outcome only."""

    def __init__(self, worker: int, policy: GatewayPolicy) -> None:
        self._worker = worker
        self._most = policy.batch_observations
        self._seen: dict[_Key, list[int]] = {}
        self._usage: list[UsageRecord] = []
        self._dropped = 0
        self.usage_lost = 0

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
        if entry is None:
            if len(self._seen) >= self._most:
                self._dropped += 1
                key = (kind, outcome, "", 0, "", standing, "")
                entry = self._seen.get(key)
            if entry is None:
                self._seen[key] = [1, tokens, size, in_flight]
                return
        entry[0] += 1
        entry[1] += tokens
        entry[2] += size
        if in_flight > entry[3]:
            entry[3] = in_flight

    def settle(self, usage: UsageRecord) -> None:
        if len(self._usage) < MOST_USAGE:
            self._usage.append(usage)
        else:
            self.usage_lost += 1

    def take(self, now: float, sample: ServiceSample | None) -> Batch:
        """All since the last call. ``now`` is Unix seconds."""
        seen, self._seen = self._seen, {}
        usage, self._usage = self._usage, []
        dropped, self._dropped = self._dropped, 0
        return Batch(
            self._worker,
            [
                Observation(
                    now,
                    kind,
                    outcome,
                    source,
                    fingerprint,
                    account,
                    standing,
                    "",
                    *counted[:2],
                    credential,
                    *counted[2:],
                )
                for (
                    kind,
                    outcome,
                    source,
                    fingerprint,
                    account,
                    standing,
                    credential,
                ), counted in seen.items()
            ],
            sample,
            usage,
            dropped,
        )

    def put_back(self, usage: list[UsageRecord]) -> None:
        """Keeps usage that could not be sent, for the next batch."""
        self._usage[:0] = usage[: MOST_USAGE - len(self._usage)]
