"""Proof of work (ALTCHA): set for one action and one network, solved in the browser, spent once."""

import base64
import json
import secrets
from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum
from hashlib import blake2b
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
from pontlevis.storage.database import Database
from pontlevis.storage.tables.gate import SpentChallengeRow

ALGORITHM = "PBKDF2/SHA-256"
LONGEST_SOLUTION = 4_096  # characters; ours have about 800
HOUR_S = 3_600.0
PREFIXES = 100_000
_OUTCOMES = {"challenge_required": Outcome.CHALLENGED, "challenge_failed": Outcome.CHALLENGE_FAILED}


class Action(StrEnum):
    """What a challenge is set for; a solution opens nothing else."""

    SIGNUP = "signup"
    LOGIN = "login"


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
    """Sets challenges and judges solutions. Two keys, both derived from ``key``, sign what is set."""

    def __init__(
        self, key: bytes, policy: ChallengePolicy, spent: SpentChallenges, clock: Callable[[], float]
    ) -> None:
        self._secret = blake2b(b"challenge", key=key, digest_size=32).digest()
        self._key_secret = blake2b(b"challenge key", key=key, digest_size=32).digest()
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
        most = 2 * self._policy.tries_at(posture, factor)
        made = altcha.create_challenge(
            ALGORITHM,
            self._policy.iterations,
            counter=secrets.randbelow(most),
            expires_at=int(now + self._policy.lifetime_s),
            data={"action": action.value, "network": self._network(prefix), "most": most},
            hmac_secret=self._secret,
            hmac_key_secret=self._key_secret,
        )
        return dict(made.to_dict())

    def check(self, text: str, action: Action, source: str) -> tuple[str, float]:
        """The challenge that ``text`` solves, and when it expires; it is not spent yet.

        Only signatures are computed, never the derivation itself. Raises ``AccountError`` 403:
        ``challenge_required`` where there is no solution, ``challenge_failed`` where it does not hold.
        """
        if not text:
            raise AccountError(
                403, "challenge_required", "this takes the solution of a challenge; ask for one first"
            )
        payload = _read(text)
        if payload is None:
            raise _failed("it cannot be read")
        parameters = payload.challenge.parameters
        # Whoever leaves the key's signature out would have us derive the key instead.
        if not isinstance(parameters.key_signature, str) or not isinstance(parameters.nonce, str):
            raise _failed("it is not signed")
        result = altcha.verify_solution(payload, self._secret, hmac_key_secret=self._key_secret)
        expires = parameters.expires_at
        if result.expired or not isinstance(expires, int) or expires < self._clock():
            raise _failed("it has expired")
        if not result.verified:
            raise _failed("it does not hold")
        # From here on the parameters are what we signed.
        data = parameters.data or {}
        if data.get("action") != action.value:
            raise _failed("it was set for something else")
        if data.get("network") != self._network(prefix_of(source)):
            raise _failed("it was set for another network")
        return parameters.nonce, float(expires)

    async def spend(self, challenge: str, expires_at: float) -> None:
        """Uses it up. Raises ``AccountError`` 403 for one that was used before."""
        if not await self._spent.spend(challenge, expires_at):
            raise _failed("it was used already")

    async def forget(self) -> None:
        await self._spent.forget(self._clock())

    def _network(self, prefix: str) -> str:
        # Hashed, so that the page's source does not show an address to who looks over a shoulder.
        return blake2b(prefix.encode(), key=self._secret, digest_size=8).hexdigest()


def _read(text: str) -> altcha.Payload | None:
    """The solution as ALTCHA's widget sends it: JSON in base64."""
    if len(text) > LONGEST_SOLUTION:
        return None
    try:
        found = json.loads(base64.b64decode(text, validate=True))
        challenge = altcha.Challenge.from_dict(found["challenge"])
        solution = altcha.Solution.from_dict(found["solution"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return altcha.Payload(challenge, solution)


def _failed(why: str) -> AccountError:
    return AccountError(
        403, "challenge_failed", f"the challenge's solution was not accepted: {why}; ask for a new one"
    )
