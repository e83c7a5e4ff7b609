"""Whether a challenge's solution is one of ours: judged by the account rooms, and sooner by gateways.

Only signatures are computed (two HMACs), nothing is looked up; whether it was spent, who keeps a record knows.
"""

import base64
import json
from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

import altcha

from pontlevis.brain.detection.address import prefix_of

LONGEST_SOLUTION = 4_096  # characters; ours have about 800


class Action(StrEnum):
    """What a challenge is set for; a solution opens nothing else."""

    SIGNUP = "signup"
    LOGIN = "login"


@dataclass(frozen=True, slots=True)
class Solved:
    """A challenge of ours that was solved."""

    challenge: str
    """Its nonce: what is spent."""
    expires_at: float
    """Unix seconds."""


class SolutionJudge:
    """Knows the two secrets, both derived from ``key``, under which challenges are set."""

    __slots__ = ("key_secret", "secret")

    def __init__(self, key: bytes) -> None:
        self.secret = blake2b(b"challenge", key=key, digest_size=32).digest()
        self.key_secret = blake2b(b"challenge key", key=key, digest_size=32).digest()

    def judge(
        self, text: str, action: Action, source: str, now: float, spent: Container[str] = ()
    ) -> Solved | str:
        """What ``text`` solves, or why it does not hold, to end a sentence with.

        What costs least comes first: a flood that sends one solution again and again, or from everywhere,
        is refused before any signature is computed. ``spent`` are challenges that the caller saw already.
        """
        payload = _read(text)
        if payload is None:
            return "it cannot be read"
        parameters = payload.challenge.parameters
        # Whoever leaves the key's signature out would have us derive the key instead.
        if not isinstance(parameters.key_signature, str) or not isinstance(parameters.nonce, str):
            return "it is not signed"
        data = parameters.data or {}
        if data.get("action") != action.value:
            return "it was set for something else"
        if data.get("network") != self.network(prefix_of(source)):
            return "it was set for another network"
        if parameters.nonce in spent:
            return "it was used already"
        # Only from here on is it known that the parameters are what we signed.
        result = altcha.verify_solution(payload, self.secret, hmac_key_secret=self.key_secret)
        expires = parameters.expires_at
        if result.expired or not isinstance(expires, int) or expires < now:
            return "it has expired"
        if not result.verified:
            return "it does not hold"
        return Solved(parameters.nonce, float(expires))

    def network(self, prefix: str) -> str:
        """Hashed, so that the page's source does not show an address to who looks over a shoulder."""
        return blake2b(prefix.encode(), key=self.secret, digest_size=8).hexdigest()


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
