"""Gathers what the gateway sees into batches for the controller, in bounded memory."""

from pontlevis.brain.observation import Kind, Observation, Outcome, ServiceSample
from pontlevis.gateway.policy import GatewayPolicy
from pontlevis.link.messages import Batch, UsageRecord

_Key = tuple[Kind, Outcome, str, int, str, int, str]


class Recorder:
    """Counts alike observations of a batch together; beyond the bound, by kind and outcome only."""

    def __init__(self, worker: int, policy: GatewayPolicy) -> None:
        self._worker = worker
        self._most = policy.batch_observations
        self._seen: dict[_Key, list[int]] = {}
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
        self._usage.append(usage)

    def take(self, now: float, sample: ServiceSample | None, refusals: dict[str, int]) -> Batch:
        """All that was seen since the last call. ``now`` is Unix seconds."""
        seen, self._seen = self._seen, {}
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
                    count,
                    tokens,
                    credential,
                    size,
                    in_flight,
                )
                for (kind, outcome, source, fingerprint, account, standing, credential), (
                    count,
                    tokens,
                    size,
                    in_flight,
                ) in seen.items()
            ],
            sample,
            dropped,
            refusals,
        )

    def take_usage(self) -> list[UsageRecord]:
        """What was used since the last call."""
        usage, self._usage = self._usage, []
        return usage
