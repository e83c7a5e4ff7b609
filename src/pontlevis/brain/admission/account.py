"""What admission remembers of an account: its limits' buckets, its fair share, what its answers cost."""

from collections import OrderedDict

import msgspec

from pontlevis.brain.admission.messages import Allowance

QUANTILE = 0.9
QUANTILE_GAIN = 0.1  # step of the running quantile, as a share of the running mean (Robbins and Monro, 1951)
MEAN_GAIN = 0.1  # weight of the newest answer; about twenty answers of memory
MODELS_REMEMBERED = 16  # of one account; an attacker's invented names must not grow it
MINUTE_S = 60.0


class Quota(msgspec.Struct, frozen=True, gc=False):
    """Limits that hold for one account now."""

    requests_per_minute: int
    tokens_per_minute: int
    concurrent: int


class OutputHistory:
    """Running mean and 90th percentile of output tokens of one account and model."""

    __slots__ = ("mean", "p90")

    def __init__(self, first: float) -> None:
        self.mean = first
        self.p90 = first

    def learn(self, tokens: int) -> None:
        self.mean += MEAN_GAIN * (tokens - self.mean)
        step = QUANTILE_GAIN * max(self.mean, 1.0)
        self.p90 += step * QUANTILE if tokens > self.p90 else -step * (1 - QUANTILE)
        self.p90 = max(self.p90, 1.0)


class AccountState:
    """One account. Times are the caller's monotonic seconds."""

    __slots__ = ("_at", "_requests", "_tokens", "counter", "histories", "in_flight", "queued")

    def __init__(self, now: float, quota: Quota) -> None:
        self._at = now
        self._requests = float(quota.requests_per_minute)
        self._tokens = float(quota.tokens_per_minute)
        self.counter = 0.0
        """Virtual token counter (Sheng et al., OSDI 2024): input + 2 x output served so far."""
        self.in_flight = 0
        self.queued = 0
        self.histories: dict[str, OutputHistory] = {}

    @property
    def idle(self) -> bool:
        return self.in_flight == 0 and self.queued == 0

    def refill(self, now: float, quota: Quota) -> None:
        """Token buckets that fill evenly over a minute. A quota that shrank takes hold at once."""
        passed = max(0.0, now - self._at) / MINUTE_S
        self._at = now
        self._requests = min(quota.requests_per_minute, self._requests + passed * quota.requests_per_minute)
        self._tokens = min(quota.tokens_per_minute, self._tokens + passed * quota.tokens_per_minute)

    def reserve(self, tokens: int, quota: Quota) -> float:
        """Takes one request and its tokens; 0 when taken, else the seconds until that could succeed.

        A request larger than the whole bucket passes when the bucket is full, and leaves it in debt.
        """
        needed = min(float(tokens), float(quota.tokens_per_minute))
        wait = 0.0
        if self._requests < 1.0:
            wait = (1.0 - self._requests) / max(quota.requests_per_minute, 1) * MINUTE_S
        if self._tokens < needed:
            wait = max(wait, (needed - self._tokens) / max(quota.tokens_per_minute, 1) * MINUTE_S)
        if wait > 0.0:
            return wait
        self._requests -= 1.0
        self._tokens -= tokens
        return 0.0

    def settle(self, reserved: int, used: int) -> None:
        """Gives back what was reserved too much, takes what was used beyond it."""
        self._tokens += reserved - used

    def refund_request(self) -> None:
        self._requests += 1.0

    def allowance(self, quota: Quota) -> Allowance:
        return Allowance(
            quota.requests_per_minute,
            max(0, int(self._requests)),
            (quota.requests_per_minute - self._requests) / max(quota.requests_per_minute, 1) * MINUTE_S,
            quota.tokens_per_minute,
            max(0, int(self._tokens)),
            max(0.0, (quota.tokens_per_minute - self._tokens) / max(quota.tokens_per_minute, 1) * MINUTE_S),
        )

    def expected_output(self, model: str, default: int) -> int:
        history = self.histories.get(model)
        return int(history.p90) if history is not None else default

    def learn(self, model: str, output_tokens: int) -> None:
        history = self.histories.get(model)
        if history is None:
            if len(self.histories) >= MODELS_REMEMBERED:
                return
            history = self.histories[model] = OutputHistory(float(output_tokens))
        history.learn(output_tokens)


class AccountTable:
    """Accounts by identifier, at most ``most``; the longest untouched idle ones are forgotten first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._accounts: OrderedDict[str, AccountState] = OrderedDict()

    def __len__(self) -> int:
        return len(self._accounts)

    def get(self, account: str) -> AccountState | None:
        return self._accounts.get(account)

    def touch(self, account: str, now: float, quota: Quota) -> AccountState:
        state = self._accounts.get(account)
        if state is None:
            state = self._accounts[account] = AccountState(now, quota)
            if len(self._accounts) > self._most:
                self._evict()
        else:
            self._accounts.move_to_end(account)
            state.refill(now, quota)
        return state

    def _evict(self) -> None:
        for _ in range(min(8, len(self._accounts))):
            name, state = next(iter(self._accounts.items()))
            if state.idle:
                del self._accounts[name]
                return
            self._accounts.move_to_end(name)
