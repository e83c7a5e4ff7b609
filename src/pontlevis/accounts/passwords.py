"""Passwords: what is accepted, and a bounded pool that hashes them off the event loop."""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from pontlevis.accounts.errors import AccountError
from pontlevis.accounts.policy import AccountPolicy

# The most used passwords of ten characters or more, as public counts of breaches agree on them.
_COMMON = frozenset(
    [
        "1234567890",
        "12345678910",
        "1q2w3e4r5t",
        "qwertyuiop",
        "password123",
        "password1234",
        "passw0rd123",
        "iloveyou123",
        "qwerty12345",
        "0987654321",
        "1111111111",
        "0000000000",
        "administrator",
        "letmein123",
        "welcome123",
        "changeme123",
        "123456789a",
        "1qaz2wsx3edc",
        "qwerty123456",
        "q1w2e3r4t5",
        "abcdefghij",
        "1234567891",
        "9876543210",
        "football123",
        "sunshine123",
        "princess123",
    ]
)


class HashPool:
    """Argon2id (RFC 9106) in a few threads, with two short queues before them.

    Whoever comes from a familiar source goes first. When a queue is full the caller is refused at once:
    a flood of log-ins costs no more than the threads do.
    """

    def __init__(self, policy: AccountPolicy) -> None:
        self._policy = policy
        self._hasher = PasswordHasher(
            time_cost=policy.argon2_passes,
            memory_cost=policy.argon2_memory_kib,
            parallelism=policy.argon2_lanes,
        )
        self._threads = ThreadPoolExecutor(policy.hash_threads, thread_name_prefix="argon2")
        self._free = policy.hash_threads
        self._waiting: tuple[list[asyncio.Future[None]], list[asyncio.Future[None]]] = ([], [])
        self._dummy = self._hasher.hash("nobody has this password")

    def check(self, password: str, email: str) -> str:
        """The password as it is hashed (NFKC). Raises ``AccountError`` 400 for one that is too easy."""
        text = unicodedata.normalize("NFKC", password)
        low, high = self._policy.password_min, self._policy.password_max
        if not low <= len(text) <= high or any("\ud800" <= each <= "\udfff" for each in text):
            raise AccountError(
                400,
                "invalid_password",
                f"the password must have {low} to {high} characters",
                param="password",
            )
        lower = text.lower()
        if lower in _COMMON or len(set(lower)) < 4 or lower == email.lower():
            raise AccountError(400, "common_password", "this password is too easy to guess", param="password")
        return text

    async def hash(self, password: str, *, familiar: bool) -> str:
        """Raises ``AccountError`` 503 when too many wait."""
        await self._turn(familiar)
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, self._hasher.hash, password
            )
        finally:
            self._next()

    async def verify(self, hash_: str, password: str, *, familiar: bool) -> bool:
        """Whether the password fits; an empty hash costs the same time and never fits.

        Raises ``AccountError`` 503 when too many wait.
        """
        text = unicodedata.normalize("NFKC", password)[: self._policy.password_max + 1]
        text = text.encode("utf-8", "replace").decode()  # half a surrogate pair is in no accepted password
        await self._turn(familiar)
        try:
            fits = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._fits, hash_ or self._dummy, text
            )
        finally:
            self._next()
        return fits and bool(hash_)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _fits(self, hash_: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash_, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _turn(self, familiar: bool) -> None:
        if self._free > 0:
            self._free -= 1
            return
        queue = self._waiting[0 if familiar else 1]
        if len(queue) >= self._policy.hash_queue:
            raise AccountError(
                503,
                "overloaded",
                "too many people log in at this moment; please try again shortly",
                retry_after_s=3,
            )
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn in queue:
                queue.remove(turn)
            else:
                self._next()
            raise

    def _next(self) -> None:
        for queue in self._waiting:
            while queue:
                turn = queue.pop(0)
                if not turn.done():
                    turn.set_result(None)
                    return
        self._free += 1
