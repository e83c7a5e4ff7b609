"""What is usual here: learned from calm seconds, with floors that carry from the first minute."""

from collections import deque
from math import exp

import msgspec

from pontlevis.brain.detection import columns as c
from pontlevis.brain.detection.columns import Counts, total
from pontlevis.brain.detection.hours import Hours, HoursState, Usual
from pontlevis.brain.detection.policy import DetectionPolicy

QUARANTINE_S = 30.0
"""A second is learned only when so many more have passed without anything hostile, or a crowd's rise."""
SHARE_LIMITS = (0.05, 0.30)
"""However a service does, its usual failure share is taken to lie within these."""
SIGNALS = ("signups", "logins", "requests", "turned_away", "strangers", "pages")
HOSTED_OF = {
    "signups": (c.HOSTED_SIGNUPS, c.SIGNUPS),
    "logins": (c.HOSTED_LOGINS, c.LOGINS),
    "requests": (c.HOSTED_REQUESTS, c.REQUESTS),
    "pages": (c.HOSTED_PAGES, (c.PAGE,)),
}
SETTLED_S = 60.0
"""Seconds of calm before the spread of counts says anything."""


class BaselineState(msgspec.Struct, frozen=True):
    """All that was learned, to be kept over a restart."""

    at: float
    """When it was last learned from, Unix seconds."""
    seen: float
    rates: dict[str, float]
    variances: dict[str, float]
    hosted: dict[str, float]
    fail_share: float
    tokens: float
    tokens_calls: float
    anonymous: float
    ttft: float
    hours: HoursState
    prompt: float = 0.0


class Baseline:
    """Exponentially weighted means of calm seconds, and the medians of the hours of the week.

    In its first minutes it is the plain mean of what it saw; the floors stand until more than they
    say was seen. A crowd teaches the means too, slowly: growth becomes usual. Once there are seven
    days, usual is ``max(floor, (1 - w) * recent + w * median)``: ``recent`` is the mean, drawn to within
    three robust standard deviations of the hour's median; ``w`` is ``hour_weight``, and more while the mean
    has seen less than its time constant. A combined forecast errs less than either (Bates and Granger,
    Operational Research Quarterly 1969).
    """

    __slots__ = (
        "_anonymous",
        "_at",
        "_crowd",
        "_fail_share",
        "_hosted",
        "_hours",
        "_pending",
        "_policy",
        "_prompt",
        "_rates",
        "_seen",
        "_tokens",
        "_tokens_calls",
        "_ttft",
        "_usual",
        "_variances",
    )

    def __init__(self, policy: DetectionPolicy) -> None:
        self._policy = policy
        self._at = 0.0
        self._seen = 0.0
        self._crowd = False
        self._pending: deque[tuple[float, Counts, int, float, bool]] = deque()
        self._rates = dict.fromkeys(SIGNALS, 0.0)
        self._variances = dict.fromkeys(SIGNALS, 0.0)
        self._hosted = {
            "signups": policy.usual_hosted_people,
            "logins": policy.usual_hosted_people,
            "requests": policy.usual_hosted_calls,
            "pages": policy.usual_hosted_people,
        }
        self._hours = Hours(len(SIGNALS), weeks=policy.hour_weeks, least_s=policy.hour_least_s)
        self._usual: dict[str, Usual] = {}
        self._fail_share = policy.usual_fail_share
        self._tokens = self._tokens_calls = 0.0
        self._anonymous = 0.0
        self._ttft = 0.0
        self._prompt = 0.0

    def turn(self, now: float) -> None:
        """Brings what the hour is used to up to ``now``; call before each tick."""
        found = ((name, self._hours.usual(number, now)) for number, name in enumerate(SIGNALS))
        self._usual = {name: usual for name, usual in found if usual is not None}

    def learn(
        self, now: float, second: Counts, *, strangers: int, dt: float, crowd: bool, known: bool = False
    ) -> None:
        """Takes what happened in the last ``dt`` seconds, to be learned if what follows is as calm.

        ``known``: whether it was known which sources are data centres.
        """
        if dt <= 0:
            return
        # At once: nobody who attacks has a say in what existing users ask for.
        left = exp(-dt / self._policy.learning_s)
        self._tokens = self._tokens * left + second[c.TOKENS_ELDER]
        self._tokens_calls = self._tokens_calls * left + second[c.ELDER_REQUESTS]
        if crowd is not self._crowd:
            self._pending.clear()
            self._crowd = crowd
        self._pending.append((now, second, strangers, dt, known))
        while self._pending and self._pending[0][0] <= now - QUARANTINE_S:
            self._commit(*self._pending.popleft(), crowd=crowd)

    def forget_pending(self) -> None:
        """What led up to something hostile is not what is usual."""
        self._pending.clear()

    def _commit(
        self, at: float, second: Counts, strangers: int, dt: float, known: bool, *, crowd: bool
    ) -> None:
        policy = self._policy
        self._at = at
        if crowd:
            time_constant_s = min(max(self._seen, policy.learning_s), policy.crowd_learning_s)
            weight = dt / max(dt, time_constant_s)
        else:
            time_constant_s = policy.learning_s
            self._seen += dt
            weight = dt / max(dt, min(self._seen, time_constant_s))
        fresh = {
            "signups": total(second, c.SIGNUPS) / dt,
            "logins": total(second, c.LOGINS) / dt,
            "requests": total(second, c.REQUESTS) / dt,
            "turned_away": total(second, c.TURNED_AWAY) / dt,
            "strangers": float(strangers),
            "pages": second[c.STRANGER_PAGES] / dt,
        }
        for name, value in fresh.items():
            off = value - self._rates[name]
            self._rates[name] += weight * off
            self._variances[name] = (1 - weight) * (self._variances[name] + weight * off * off)
        if not crowd:
            self._hours.learn(at, list(fresh.values()), dt)
        # By acts, not by seconds: a slow attack on a small service must not teach it within minutes.
        fails = total(second, c.LOGIN_FAILURES)
        judged = fails + second[c.LOGIN_OK]
        if judged:
            step = judged / (judged + self._policy.learning_logins)
            self._fail_share += step * (fails / judged - self._fail_share)
        for name, (column, whole) in HOSTED_OF.items() if known and not crowd else ():
            acts = total(second, whole)
            if acts:
                step = acts / (acts + self._policy.learning_logins)
                self._hosted[name] += step * (second[column] / acts - self._hosted[name])
        made = max(second[c.SIGNUP_OK], second[c.PROMPT_DRAINED])
        if made:
            step = made / (made + self._policy.learning_logins)
            self._prompt += step * (second[c.PROMPT_DRAINED] / made - self._prompt)
        tokens = second[c.TOKENS_ANONYMOUS] + second[c.TOKENS_NEW] + second[c.TOKENS_ELDER]
        if tokens:
            self._anonymous += weight * (second[c.TOKENS_ANONYMOUS] / tokens - self._anonymous)

    def learn_ttft(self, ttft_s: float, *, dt: float) -> None:
        """Takes existing users' p99 time to first token of a calm second."""
        if not self._ttft:
            self._ttft = ttft_s
        self._ttft += min(1.0, dt / self._policy.learning_s) * (ttft_s - self._ttft)

    def _expected(self, name: str, floor: float) -> float:
        recent = self._rates[name]
        hour = self._usual.get(name)
        if hour is None:
            return max(floor, recent)
        mean_weight = (1 - self._policy.hour_weight) * min(1.0, self._seen / self._policy.learning_s)
        return max(floor, mean_weight * hour.clip(recent) + (1 - mean_weight) * hour.median)

    @property
    def signups(self) -> float:
        """Per second."""
        return self._expected("signups", self._policy.usual_signups)

    @property
    def logins(self) -> float:
        """Per second."""
        return self._expected("logins", self._policy.usual_logins)

    @property
    def requests(self) -> float:
        """Per second."""
        return self._expected("requests", self._policy.usual_requests)

    @property
    def turned_away(self) -> float:
        """Made-up keys, malformed calls and calls without a key that were turned away, per second."""
        return self._expected("turned_away", self._policy.usual_turned_away)

    @property
    def strangers(self) -> float:
        """Different unfamiliar sources in 10 s."""
        return self._expected("strangers", self._policy.usual_strangers)

    @property
    def pages(self) -> float:
        """Pages that strangers open, per second."""
        return self._expected("pages", self._policy.usual_pages)

    def dispersion(self, signal: str) -> float:
        """Variance over mean of a signal's counts by the second, 1 (Poisson) to ``most_dispersion``."""
        mean = self._rates[signal]
        if self._seen < SETTLED_S or mean <= 0:
            return 1.0
        return min(max(1.0, self._variances[signal] / mean), max(1.0, self._policy.most_dispersion))

    def hosted_share(self, kind: str) -> float:
        """Share of ``signups``, ``logins``, ``requests`` or ``pages`` that comes from data centres and VPN exits."""
        return self._hosted[kind]

    @property
    def fail_share(self) -> float:
        """Share of judged log-ins that fail."""
        return min(max(self._fail_share, SHARE_LIMITS[0]), SHARE_LIMITS[1])

    @property
    def call_tokens(self) -> float:
        """Tokens that an account which is not young asks for in one call; 0 while none was seen."""
        return self._tokens / self._tokens_calls if self._tokens_calls >= 1 else 0.0

    @property
    def anonymous_share(self) -> float:
        """Share of tokens that calls without an account ask for."""
        return self._anonymous

    @property
    def prompt_share(self) -> float:
        """Share of accounts made that ask for more than a person within seconds of their sign-up."""
        return self._prompt

    @property
    def ttft_s(self) -> float:
        """Existing users' p99 time to first token; 0 while none was seen."""
        return self._ttft

    @property
    def days(self) -> float:
        """Days' worth of calm hours that were learned."""
        return self._hours.days

    @property
    def hourly(self) -> bool:
        """Whether the hours of the week have a say already."""
        return bool(self._usual)

    def state(self) -> BaselineState:
        """What was learned; what is still in quarantine is lost."""
        return BaselineState(
            self._at,
            self._seen,
            dict(self._rates),
            dict(self._variances),
            dict(self._hosted),
            self._fail_share,
            self._tokens,
            self._tokens_calls,
            self._anonymous,
            self._ttft,
            self._hours.state(),
            self._prompt,
        )

    def restore(self, state: BaselineState, now: float) -> None:
        """Takes up ``state``. The longer it is ago, the sooner the recent means are learned anew."""
        age = max(0.0, now - state.at)
        self._at = state.at
        self._seen = min(state.seen, self._policy.learning_s) * exp(-age / self._policy.learning_s)
        for mine, theirs in (
            (self._rates, state.rates),
            (self._variances, state.variances),
            (self._hosted, state.hosted),
        ):
            mine.update({name: value for name, value in theirs.items() if name in mine})
        self._fail_share = state.fail_share
        self._tokens, self._tokens_calls = state.tokens, state.tokens_calls
        self._anonymous = state.anonymous
        self._ttft = state.ttft
        self._prompt = state.prompt
        self._hours.restore(state.hours)
