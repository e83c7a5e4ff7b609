"""What admission remembers of an account: what its limits leave, its fair share, what its answers cost."""

from collections import OrderedDict

import msgspec

from pontlevis.brain.admission.cost import OutputHistory
from pontlevis.brain.admission.messages import Allowance
from pontlevis.brain.refusal_note import Cause

MINUTE_S = 60.0
DAY_S = 86_400.0
ROUNDING = 1e-6  # sums of fractions of a second must not cost the last request of a limit


class Quota(msgspec.Struct, frozen=True, gc=False):
    """Limits that hold for one account now. 0 a day is no limit."""

    requests_per_minute: int
    tokens_per_minute: int
    concurrent: int
    requests_per_day: int = 0
    tokens_per_day: int = 0


class Shortage(msgspec.Struct, frozen=True, gc=False):
    """Which limit was reached, and when asking again succeeds if nothing else is asked meanwhile."""

    what: str
    """As for a sentence: ``600 requests a minute``."""
    wait_s: float
    cause: Cause


class AccountState:
    """One account. Times are the caller's monotonic seconds.

    Kept is what was used, which fades evenly over a minute or a day, and not what is left: a limit that
    shrinks takes hold at once, and leaves no trace when it is lifted.
    """

    __slots__ = ("_at", "_day_requests", "_day_tokens", "_requests", "_tokens", "counter", "histories", "in_flight", "queued")  # fmt: skip

    def __init__(self, now: float) -> None:
        self._at = now
        self._requests = self._tokens = self._day_requests = self._day_tokens = 0.0
        self.counter = 0.0
        """Virtual token counter (Sheng et al., OSDI 2024): input + 2 x output served so far."""
        self.in_flight = 0
        self.queued = 0
        self.histories: dict[str, OutputHistory] = {}

    @property
    def idle(self) -> bool:
        return self.in_flight == 0 and self.queued == 0

    def fade(self, now: float, quota: Quota) -> None:
        """What was used comes back evenly (a leaky bucket as a meter; ITU-T I.371)."""
        passed = now - self._at
        if passed <= 0.0:
            return
        self._at = now
        minutes, days = passed / MINUTE_S, passed / DAY_S
        self._requests = max(0.0, self._requests - minutes * quota.requests_per_minute)
        self._tokens = max(0.0, self._tokens - minutes * quota.tokens_per_minute)
        self._day_requests = max(0.0, self._day_requests - days * quota.requests_per_day)
        self._day_tokens = max(0.0, self._day_tokens - days * quota.tokens_per_day)

    def reserve(self, tokens: int, quota: Quota) -> Shortage | None:
        """Takes one request and its tokens; None when taken.

        A request larger than a whole limit passes when nothing else was used, and is paid off afterwards.
        """
        needed = min(tokens, quota.tokens_per_minute)
        if (
            self._requests + 1 <= quota.requests_per_minute + ROUNDING
            and self._tokens + needed <= quota.tokens_per_minute + ROUNDING
            and (not quota.requests_per_day or self._day_requests + 1 <= quota.requests_per_day + ROUNDING)
            and (not quota.tokens_per_day or self._day_tokens + min(tokens, quota.tokens_per_day) <= quota.tokens_per_day + ROUNDING)
        ):  # fmt: skip
            self._requests += 1
            self._tokens += tokens
            self._day_requests += 1
            self._day_tokens += tokens
            return None
        return self._shortage(tokens, quota)

    def _shortage(self, tokens: int, quota: Quota) -> Shortage:
        """Of the limits that are reached the one that lasts longest."""
        found = []
        for used, needed, most, period, what, cause in (
            (self._requests, 1, quota.requests_per_minute, MINUTE_S, "requests a minute", Cause.REQUESTS_A_MINUTE),
            (self._tokens, tokens, quota.tokens_per_minute, MINUTE_S, "tokens a minute", Cause.TOKENS_A_MINUTE),
            (self._day_requests, 1, quota.requests_per_day, DAY_S, "requests a day", Cause.REQUESTS_A_DAY),
            (self._day_tokens, tokens, quota.tokens_per_day, DAY_S, "tokens a day", Cause.TOKENS_A_DAY),
        ):  # fmt: skip
            over = used + min(needed, most) - most
            if most and over > ROUNDING:
                found.append(Shortage(f"{most} {what}", over / most * period, cause))
        return max(found, key=lambda each: each.wait_s)

    def settle(self, reserved: int, used: int) -> None:
        """Gives back what was reserved too much, takes what was used beyond it."""
        self._use(0, used - reserved)

    def take(self, tokens: int) -> None:
        """One request and its tokens, whatever the limits say."""
        self._use(1, tokens)

    def refund_request(self) -> None:
        self._use(-1, 0)

    def _use(self, requests: int, tokens: int) -> None:
        self._requests = max(0.0, self._requests + requests)
        self._day_requests = max(0.0, self._day_requests + requests)
        self._tokens = max(0.0, self._tokens + tokens)
        self._day_tokens = max(0.0, self._day_tokens + tokens)

    def allowance(self, quota: Quota) -> Allowance:
        """What is left; of the minute's and the day's the one that leaves less."""
        most, used, period = quota.requests_per_minute, self._requests, MINUTE_S
        if quota.requests_per_day and quota.requests_per_day - self._day_requests < most - used:
            most, used, period = quota.requests_per_day, self._day_requests, DAY_S
        most_t, used_t, period_t = quota.tokens_per_minute, self._tokens, MINUTE_S
        if quota.tokens_per_day and quota.tokens_per_day - self._day_tokens < most_t - used_t:
            most_t, used_t, period_t = quota.tokens_per_day, self._day_tokens, DAY_S
        return Allowance(
            most,
            max(0, int(most - used + ROUNDING)),
            used / most * period,
            most_t,
            max(0, int(most_t - used_t + ROUNDING)),
            used_t / most_t * period_t,
        )


def lesser(one: Allowance, other: Allowance) -> Allowance:
    """Of two limits that both hold, what is left: requests by one, tokens perhaps by the other."""
    requests = one if one.remaining_requests <= other.remaining_requests else other
    tokens = one if one.remaining_tokens <= other.remaining_tokens else other
    return Allowance(
        requests.limit_requests,
        requests.remaining_requests,
        requests.reset_requests_s,
        tokens.limit_tokens,
        tokens.remaining_tokens,
        tokens.reset_tokens_s,
    )


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
            state = self._accounts[account] = AccountState(now)
            if len(self._accounts) > self._most:
                self._evict()
        else:
            self._accounts.move_to_end(account)
            state.fade(now, quota)
        return state

    def _evict(self) -> None:
        for _ in range(min(8, len(self._accounts))):
            name, state = next(iter(self._accounts.items()))
            if state.idle:
                del self._accounts[name]
                return
            self._accounts.move_to_end(name)
