"""Proof of work (ALTCHA): set for one action and one network, solved in the browser, spent once."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

import altcha
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from pontlevis.accounts.challenge_policy import ChallengePolicy
from pontlevis.accounts.delays import Window
from pontlevis.accounts.errors import AccountError
from pontlevis.brain.detection.address import prefix_of
from pontlevis.brain.observation import Outcome
from pontlevis.brain.vocabulary import Posture
from pontlevis.solutions import Action, SolutionJudge
from pontlevis.storage.database import Database
from pontlevis.storage.tables.gate import SpentChallengeRow

ALGORITHM = "PBKDF2/SHA-256"
HOUR_S = 3_600.0
PREFIXES = 100_000
_OUTCOMES = {"challenge_required": Outcome.CHALLENGED, "challenge_failed": Outcome.CHALLENGE_FAILED}


def outcome_of(error: AccountError) -> Outcome | None:
    """What detection is told of somebody who was asked for a challenge; None where it was about something else."""
    return _OUTCOMES.get(error.code)


class SpentChallenges(Protocol):
    """Which solutions were used. Several nodes share it through the database, or through something faster."""

    async def spend(self, challenge: str, expires_at: float) -> bool:
        """True for the first caller with this challenge, on whatever node; False for everybody after."""
        ...

    async def forget(self, now: float) -> None:
        """Drops those that have expired: they are refused for their age."""
        ...


class SpentInDatabase:
    """The database's primary key decides who was first; what was seen here is refused from memory."""

    def __init__(self, database: Database, remembered: int) -> None:
        self._database = database
        self._remembered = remembered
        self._seen: OrderedDict[str, None] = OrderedDict()

    async def spend(self, challenge: str, expires_at: float) -> bool:
        if challenge in self._seen:
            return False
        self._seen[challenge] = None
        if len(self._seen) > self._remembered:
            self._seen.popitem(last=False)
        try:
            async with self._database.session() as session:
                session.add(SpentChallengeRow(id=challenge, expires_at=expires_at))
        except IntegrityError:
            return False
        return True

    async def forget(self, now: float) -> None:
        async with self._database.session() as session:
            await session.execute(delete(SpentChallengeRow).where(SpentChallengeRow.expires_at < now))


class Challenges:
    """Sets challenges and judges solutions, under two secrets that are derived from ``key``."""

    def __init__(
        self, key: bytes, policy: ChallengePolicy, spent: SpentChallenges, clock: Callable[[], float]
    ) -> None:
        self._judge = SolutionJudge(key)
        self._policy = policy
        self._spent = spent
        self._clock = clock
        self._asked = Window(policy.per_source, HOUR_S, PREFIXES)

    def make(
        self, action: Action, source: str, *, posture: Posture, factor: float = 1.0
    ) -> dict[str, object]:
        """A challenge in ALTCHA's shape, for ``source``'s network alone.

        ``factor`` multiplies its cost for the asker's cluster. Raises ``AccountError`` 429.
        """
        now = self._clock()
        prefix = prefix_of(source)
        wait = self._asked.take(prefix, now)
        if wait > 0.0:
            raise AccountError(
                429,
                "rate_limit_exceeded",
                "too many challenges were asked for from your network",
                retry_after_s=wait,
            )
        share = self._policy.login_share if action is Action.LOGIN else 1.0
        most = 2 * self._policy.tries_at(posture, factor, share)
        made = altcha.create_challenge(
            ALGORITHM,
            self._policy.iterations,
            counter=secrets.randbelow(most),
            expires_at=int(now + self._policy.lifetime_s),
            data={"action": action.value, "network": self._judge.network(prefix), "most": most},
            hmac_secret=self._judge.secret,
            hmac_key_secret=self._judge.key_secret,
        )
        return dict(made.to_dict())

    def check(self, text: str, action: Action, source: str) -> tuple[str, float]:
        """The challenge that ``text`` solves, and when it expires; it is not spent yet.

        Raises ``AccountError`` 403: ``challenge_required`` where there is no solution, ``challenge_failed``
        where it does not hold.
        """
        if not text:
            raise AccountError(
                403, "challenge_required", "this takes the solution of a challenge; ask for one first"
            )
        found = self._judge.judge(text, action, source, self._clock())
        if isinstance(found, str):
            raise _failed(found)
        return found.challenge, found.expires_at

    async def spend(self, challenge: str, expires_at: float) -> None:
        """Uses it up. Raises ``AccountError`` 403 for one that was used before."""
        if not await self._spent.spend(challenge, expires_at):
            raise _failed("it was used already")

    async def forget(self) -> None:
        await self._spent.forget(self._clock())


def _failed(why: str) -> AccountError:
    return AccountError(
        403, "challenge_failed", f"the challenge's solution was not accepted: {why}; ask for a new one"
    )
